//! A timeline under way: asks the reference and notes every answer.
//!
//! The verbs say what a timeline means to show (`admit`, `deny`, …) and panic
//! if the reference answers otherwise, so that a timeline cannot drift away
//! from its purpose unseen; they name the line of the timeline.

use std::collections::BTreeMap;

use serde::Serialize;
use slidegate_reference::vector::{
    Header, Nothing, RefundOp, RefundStep, RequestExpect, RequestOp, RequestStep, ResetOp,
    ResetStep, Step, SwapExpect, SwapOp, SwapStep,
};
use slidegate_reference::{Decision, Outcome, Receipt, Reference, Refusal};

pub const US_NS: u64 = 1_000;
pub const MS_NS: u64 = 1_000 * US_NS;
pub const SEC_NS: u64 = 1_000 * MS_NS;
pub const MIN_NS: u64 = 60 * SEC_NS;
pub const HOUR_NS: u64 = 60 * MIN_NS;
pub const DAY_NS: u64 = 24 * HOUR_NS;

/// 2026-01-01T00:00:00Z and a fraction that is no whole tick, so that a wall
/// time rounded on the way shows.
const UNIX_NS: u64 = 1_767_225_600_123_456_789;

pub struct Timeline {
    header: Header,
    limiter: Reference,
    now_ns: u64,
    steps: Vec<Step>,
    /// The number of the newest check that wanted a receipt.
    newest_receipt: u64,
    /// Receipts not yet refunded, by number.
    receipts: BTreeMap<u64, Receipt>,
    /// The clock reading of the newest reset.
    reset_ns: Option<u64>,
}

impl Timeline {
    pub fn new(about: &str, policy: &str) -> Timeline {
        Timeline {
            header: Header {
                vectors: 2,
                about: about.to_string(),
                unix_ns: UNIX_NS,
                max_keys: 1_024,
                policy: policy.to_string(),
            },
            limiter: Reference::new(policy, UNIX_NS),
            now_ns: 0,
            steps: Vec::new(),
            newest_receipt: 0,
            receipts: BTreeMap::new(),
            reset_ns: None,
        }
    }

    pub fn now_ns(&self) -> u64 {
        self.now_ns
    }

    pub fn step_count(&self) -> usize {
        self.steps.len()
    }

    /// Sets the clock.
    pub fn at(&mut self, now_ns: u64) -> &mut Timeline {
        self.now_ns = now_ns;
        self
    }

    /// Moves the clock on.
    pub fn wait(&mut self, ns: u64) -> &mut Timeline {
        self.at(self.now_ns + ns)
    }

    pub fn check(&mut self, merchant: &str, endpoint: &str, cost: u64) -> Decision {
        self.judged(RequestOp::Check, merchant, endpoint, cost)
    }

    pub fn peek(&mut self, merchant: &str, endpoint: &str, cost: u64) -> Decision {
        self.judged(RequestOp::Peek, merchant, endpoint, cost)
    }

    fn judged(&mut self, op: RequestOp, merchant: &str, endpoint: &str, cost: u64) -> Decision {
        self.ask(op, merchant, endpoint, cost)
            .expect("the request is valid")
    }

    /// A check that may be refused.
    pub fn try_check(&mut self, merchant: &str, endpoint: &str, cost: u64) -> Option<Decision> {
        self.ask(RequestOp::Check, merchant, endpoint, cost).ok()
    }

    /// A peek that may be refused.
    pub fn try_peek(&mut self, merchant: &str, endpoint: &str, cost: u64) -> Option<Decision> {
        self.ask(RequestOp::Peek, merchant, endpoint, cost).ok()
    }

    /// A check and a peek that are refused.
    pub fn refuse(&mut self, merchant: &str, endpoint: &str, cost: u64, refusal: Refusal) {
        for op in [RequestOp::Check, RequestOp::Peek] {
            let answer = self.ask(op, merchant, endpoint, cost);
            assert_eq!(answer.expect_err("the request is invalid"), refusal);
        }
    }

    fn ask(
        &mut self,
        op: RequestOp,
        merchant: &str,
        endpoint: &str,
        cost: u64,
    ) -> Result<Decision, Refusal> {
        self.assert_past_reset();
        let (now_ns, key) = (self.now_ns, merchant.as_bytes());
        let answer = match op {
            RequestOp::Check => self.limiter.check(now_ns, key, endpoint, cost),
            RequestOp::Peek => self.limiter.peek(now_ns, key, endpoint, cost),
        };
        self.steps.push(Step::Request(RequestStep {
            now_ns,
            op,
            merchant: merchant.to_string(),
            endpoint: endpoint.to_string(),
            cost,
            receipt: None,
            expect: RequestExpect::from(answer.clone()),
        }));
        answer
    }

    /// A check that wants a receipt; the receipt's number if there is one.
    pub fn check_with_receipt(
        &mut self,
        merchant: &str,
        endpoint: &str,
        cost: u64,
    ) -> (Decision, Option<u64>) {
        self.assert_past_reset();
        let (now_ns, key) = (self.now_ns, merchant.as_bytes());
        let answer = self.limiter.check_with_receipt(now_ns, key, endpoint, cost);
        let (decision, receipt) = answer.expect("the request is valid");
        self.newest_receipt += 1;
        let number = self.newest_receipt;
        self.steps.push(Step::Request(RequestStep {
            now_ns,
            op: RequestOp::Check,
            merchant: merchant.to_string(),
            endpoint: endpoint.to_string(),
            cost,
            receipt: Some(number),
            expect: RequestExpect::Decision(decision.clone()),
        }));
        let kept = receipt.map(|receipt| self.receipts.insert(number, receipt));
        (decision, kept.map(|_| number))
    }

    /// An engine stamps a reset key's next unit later than its last one, so
    /// requests at the instant of a reset, or before it, have no one answer.
    fn assert_past_reset(&self) {
        let is_past = |reset_ns| self.now_ns / US_NS > reset_ns / US_NS;
        assert!(self.reset_ns.is_none_or(is_past), "a request at a reset");
    }

    /// Gives an admitted request back.
    #[track_caller]
    pub fn refund(&mut self, number: u64) {
        let receipt = self.receipts.remove(&number).expect("a receipt not used");
        self.limiter.refund(self.now_ns, receipt);
        self.steps.push(Step::Refund(RefundStep {
            now_ns: self.now_ns,
            op: RefundOp::Refund,
            receipt: number,
            expect: Nothing {},
        }));
    }

    /// Resets one rule's key, or all of the merchant's own.
    pub fn reset(&mut self, merchant: &str, rule: Option<&str>) {
        self.limiter.reset(merchant.as_bytes(), rule);
        self.reset_ns = Some(self.now_ns);
        self.steps.push(Step::Reset(ResetStep {
            now_ns: self.now_ns,
            op: ResetOp::Reset,
            merchant: merchant.to_string(),
            rule: rule.map(str::to_string),
            expect: Nothing {},
        }));
    }

    /// A check with that outcome.
    #[track_caller]
    pub fn meet(&mut self, outcome: Outcome, merchant: &str, endpoint: &str, cost: u64) {
        let decision = self.check(merchant, endpoint, cost);
        assert_eq!(decision.outcome, outcome, "{endpoint}: {decision:?}");
    }

    #[track_caller]
    pub fn admit(&mut self, merchant: &str, endpoint: &str, cost: u64) {
        self.meet(Outcome::Allowed, merchant, endpoint, cost);
    }

    /// An admission that can be refunded by the number returned.
    #[track_caller]
    pub fn admit_for(&mut self, merchant: &str, endpoint: &str, cost: u64) -> u64 {
        let (decision, number) = self.check_with_receipt(merchant, endpoint, cost);
        number.unwrap_or_else(|| panic!("no receipt: {decision:?}"))
    }

    /// A peek for one unit that shows so many left, whether admitted or not.
    #[track_caller]
    pub fn see_left(&mut self, merchant: &str, endpoint: &str, expected: u64) {
        let decision = self.peek(merchant, endpoint, 1);
        assert_eq!(decision.remaining, Some(expected), "{decision:?}");
    }

    /// `count` admissions of one unit, `gap_ns` between them.
    #[track_caller]
    pub fn admit_many(&mut self, merchant: &str, endpoint: &str, count: u64, gap_ns: u64) {
        for nth in 0..count {
            if nth > 0 {
                self.wait(gap_ns);
            }
            self.admit(merchant, endpoint, 1);
        }
    }

    /// Admissions of `cost` units at one instant, and the denial that ends them.
    pub fn admit_until_denied(&mut self, merchant: &str, endpoint: &str, cost: u64) {
        while self.check(merchant, endpoint, cost).allowed {}
    }

    /// A check that is denied by `rule`; returns its retry instant.
    #[track_caller]
    pub fn deny(&mut self, merchant: &str, endpoint: &str, cost: u64, rule: &str) -> u64 {
        let decision = self.check(merchant, endpoint, cost);
        assert_eq!(decision.outcome, Outcome::Denied, "{decision:?}");
        assert_eq!(decision.rule.as_deref(), Some(rule), "{decision:?}");
        self.now_ns + decision.retry_after_ns.expect("a denial names its retry")
    }

    /// A denial, the same one microsecond and one nanosecond before the retry
    /// instant, and the admission at it.
    #[track_caller]
    pub fn deny_until_retry(&mut self, merchant: &str, endpoint: &str, cost: u64, rule: &str) {
        let retry_ns = self.deny(merchant, endpoint, cost, rule);
        for early_ns in [US_NS, 1] {
            if retry_ns - early_ns > self.now_ns {
                self.at(retry_ns - early_ns);
                assert_eq!(self.deny(merchant, endpoint, cost, rule), retry_ns);
            }
        }
        self.at(retry_ns).admit(merchant, endpoint, cost);
    }

    pub fn swap(&mut self, policy: &str) {
        self.steps.push(Step::Swap(SwapStep {
            now_ns: self.now_ns,
            op: SwapOp::Swap,
            policy: policy.to_string(),
            expect: SwapExpect {
                policy_version: self.limiter.swap(policy),
            },
        }));
    }

    /// The file.
    pub fn into_jsonl(self) -> String {
        let mut text = line(&self.header);
        text.extend(self.steps.iter().map(line));
        text
    }
}

fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain data becomes JSON") + "\n"
}
