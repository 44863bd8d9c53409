//! Engine, reference and ledger side by side.
//!
//! **Exact.** As long as a request's keys found room, the engine must answer as
//! the reference does, field by field; evictions must not show.
//!
//! **In doubt.** Where `docs/limitations.md` lets the engine differ, the keys are
//! in doubt until all that differs has left the longest window:
//! - a request of several rules found no room for one of them: the others were
//!   charged, or charged and lent back;
//! - the clock stepped back behind an eviction: what was idle then is forgotten,
//!   and a slot's next key begins no earlier than its last one ended;
//! - a request charged a key in doubt and others, and only the engine admitted
//!   it; or what was charged or lent then is lent back.
//!
//! In doubt the engine's answer is followed, and only the ledger judges it: never
//! over.
//!
//! **Left out.** The clock never steps back behind a reset, and moves on after it:
//! by a tick, or by a quantum where the key is bucketed. It moves on, too, before
//! a policy that asks for units which were let go of. Once a refund has lent
//! something, a request of several rules may be untracked though one denies it.

use std::collections::HashMap;
use std::sync::Arc;

use slidegate::{Limiter, Prepared};
use slidegate_reference::{Decision as Expected, Reference, Refusal};

use super::changes::Held;
use super::clock::{StepClock, TICK_NS};
use super::ledger::{KeyId, Ledger};
use super::op::Op;
use super::policies::{PARSED, POLICIES, Policy, Rule};
use super::request::{Asked, Call, Request};
use super::{Reach, Setup};
use crate::compare::UNIX_NS;

/// The reference walks complete logs, so that longer sequences only slow down.
const MAX_ASKS: usize = 256;

/// The most merchants of one operation.
const MAX_CROWD: u8 = 32;

pub struct World {
    pub setup: Setup,
    pub clock: Arc<StepClock>,
    pub engine: Limiter,
    pub reference: Reference,
    /// How many policies the reference saw and the engine did not.
    pub aside: u64,
    pub ledger: Ledger,
    /// The policy in force.
    pub policy: usize,
    /// By merchant and endpoint, kept for ever.
    pub prepared: HashMap<(u8, usize), Prepared>,
    pub receipts: Vec<Held>,
    pub last_merchant: u8,
    /// Whether anything was ever lent.
    pub lent: bool,
    /// The last denied request and its retry instant.
    pub denied: Option<(Asked, u64)>,
    /// The last answer's reset, since the Unix epoch.
    pub reset_at_ns: Option<u64>,
    pub reach: Reach,
    asks_left: usize,
}

impl World {
    pub fn new(setup: Setup) -> Self {
        let clock = Arc::new(StepClock::default());
        let (text, policy) = &PARSED[0];
        let builder = Limiter::builder()
            .max_keys(setup.max_keys)
            .clock(clock.clone());
        let builder = builder.on_full(setup.on_full);
        let mut ledger = Ledger::default();
        ledger.take_policy(&POLICIES[0]);
        Self {
            setup,
            clock,
            engine: builder.build(policy).expect("a small table"),
            reference: Reference::new(text, UNIX_NS),
            aside: 0,
            ledger,
            policy: 0,
            prepared: HashMap::new(),
            receipts: Vec::new(),
            last_merchant: 0,
            lent: false,
            denied: None,
            reset_at_ns: None,
            reach: Reach::default(),
            asks_left: MAX_ASKS,
        }
    }

    /// Does one operation and panics if the engine does it wrongly.
    pub fn take(&mut self, op: Op) {
        let now_ns = self.clock.now_ns();
        match op {
            Op::Ask(call, request) => self.ask_one(call, request),
            Op::Crowd { request, count } => {
                for next in 0..count.min(MAX_CROWD) {
                    let merchant = request.merchant.wrapping_add(next);
                    let request = Request {
                        merchant,
                        ..request
                    };
                    self.ask_one(Call::Check, request);
                }
            }
            Op::Batch(kind, requests) => self.batch(kind, &requests),
            Op::Advance { ns } => self.clock.set(now_ns + ns),
            Op::StepBack { ns } => {
                self.reach.steps_back += 1;
                self.clock.set(now_ns.saturating_sub(ns));
            }
            Op::Edge { nudge } => self.advance_to_edge(nudge),
            Op::Retry { early } => self.retry(early),
            Op::Swap { policy } => self.swap(policy),
            Op::Refund { pick } => self.refund(pick),
            Op::Reset { merchant, name } => self.reset(merchant, name),
            Op::Count => self.count(),
        }
    }

    /// What the operations so far have reached.
    pub fn reach(mut self) -> Reach {
        self.count();
        let gone = self.ledger.keys().saturating_sub(self.engine.keys());
        self.reach.evictions = gone.saturating_sub(self.reach.resets);
        self.reach
    }

    pub fn policy(&self) -> &'static Policy {
        &POLICIES[self.policy]
    }

    pub fn governing(&self, asked: Asked) -> impl Iterator<Item = &'static Rule> + Clone + use<> {
        self.policy().governing(asked.endpoint)
    }

    /// What a request charges.
    pub fn keys(&self, asked: Asked) -> Vec<KeyId> {
        let rules = self.governing(asked);
        rules.map(|rule| KeyId::new(rule, asked.merchant)).collect()
    }

    /// The request under the policy in force; `None` when there were enough.
    pub fn asked(&mut self, request: Request) -> Option<Asked> {
        self.asks_left = self.asks_left.checked_sub(1)?;
        let asked = request.under(self.policy(), self.setup.merchants);
        self.last_merchant = asked.merchant;
        Some(asked)
    }

    /// What the reference answers, with a receipt for what it charges.
    pub fn expected(
        &self,
        charge: bool,
        asked: Asked,
    ) -> (
        Result<Expected, Refusal>,
        Option<slidegate_reference::Receipt>,
    ) {
        let (now_ns, name, cost) = (self.clock.now_ns(), asked.name(), asked.cost.into());
        let reference = &self.reference;
        let answer = match charge {
            true => reference.check_with_receipt(now_ns, &name, asked.text(), cost),
            false => {
                let peeked = reference.peek(now_ns, &name, asked.text(), cost);
                peeked.map(|decision| (decision, None))
            }
        };
        match answer {
            Ok((mut decision, receipt)) => {
                decision.policy_version -= self.aside;
                (Ok(decision), receipt)
            }
            Err(refusal) => (Err(refusal), None),
        }
    }

    fn ask_one(&mut self, call: Call, request: Request) {
        if let Some(asked) = self.asked(request) {
            self.ask(call, asked);
        }
    }

    fn advance_to_edge(&mut self, nudge: i64) {
        let Some(at_ns) = self.reset_at_ns.and_then(|ns| ns.checked_sub(UNIX_NS)) else {
            return;
        };
        let at_ns = at_ns.saturating_add_signed(nudge * TICK_NS as i64);
        if at_ns > self.clock.now_ns() {
            self.clock.set(at_ns);
        }
    }

    fn retry(&mut self, early: bool) {
        if let Some((asked, instant_ns)) = self.denied.take() {
            self.clock
                .set(instant_ns.saturating_sub(if early { TICK_NS } else { 0 }));
            self.ask(Call::Peek, asked);
        }
    }

    /// A key that still counts is in its table.
    fn count(&self) {
        assert!(self.engine.keys() >= self.ledger.certain_keys());
    }
}
