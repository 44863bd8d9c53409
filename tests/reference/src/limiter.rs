//! The reference limiter: one lock, complete logs, wide integers.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::decision::{Decision, Outcome, Refusal};
use crate::policy::Policy;
use crate::receipt::Receipt;
use crate::state::{Governed, Governing, State};
use crate::window::Window;

const TICK_NS: i128 = 1_000;

/// The naive limiter.
///
/// It has no clock: every call brings a reading, in nanoseconds since
/// construction. Readings may step backwards, but not across a reset. Policies
/// must be valid, keep the precision of every rule name that there has been,
/// and give a bucketed one no new length; one that does not panics.
#[derive(Debug)]
pub struct Reference {
    unix_ns: i128,
    state: Mutex<State>,
}

/// One window of one governing rule.
#[derive(Clone, Copy)]
struct View<'a> {
    governing: &'a Governing,
    window: Window,
}

impl Reference {
    /// A limiter whose clock reads zero at Unix time `unix_ns`.
    pub fn new(policy_toml: &str, unix_ns: u64) -> Reference {
        Reference {
            unix_ns: i128::from(unix_ns),
            state: Mutex::new(State::new(Policy::parse(policy_toml))),
        }
    }

    /// Decides and, if allowed, charges `cost` units times each rule's cost.
    ///
    /// `endpoint` is `METHOD /path`, or empty for the merchant alone.
    pub fn check(
        &self,
        now_ns: u64,
        merchant: &[u8],
        endpoint: &str,
        cost: u64,
    ) -> Result<Decision, Refusal> {
        let (decision, _) = self.check_with_receipt(now_ns, merchant, endpoint, cost)?;
        Ok(decision)
    }

    /// A [`check`](Reference::check) that can be refunded: with a receipt if the
    /// request was admitted and some rule was charged.
    pub fn check_with_receipt(
        &self,
        now_ns: u64,
        merchant: &[u8],
        endpoint: &str,
        cost: u64,
    ) -> Result<(Decision, Option<Receipt>), Refusal> {
        let mut state = self.lock();
        let mut governed = state.govern(tick(now_ns), merchant, endpoint, cost)?;
        if let Governed::By(rules) = &mut governed
            && admits(rules)
        {
            let receipt = state.charge(rules);
            return Ok((self.allowed(&state, rules), Some(receipt)));
        }
        Ok((self.describe(&state, now_ns, &governed), None))
    }

    /// Decides as [`check`](Reference::check) would, and charges nothing.
    pub fn peek(
        &self,
        now_ns: u64,
        merchant: &[u8],
        endpoint: &str,
        cost: u64,
    ) -> Result<Decision, Refusal> {
        let state = self.lock();
        let governed = state.govern(tick(now_ns), merchant, endpoint, cost)?;
        Ok(self.describe(&state, now_ns, &governed))
    }

    /// Lends the receipt's units to the rules that were charged. They are lent
    /// until the oldest unit lent with them leaves the window, or the longest
    /// window that the rule had had when that unit was admitted, and stay in the
    /// log.
    pub fn refund(&self, now_ns: u64, receipt: Receipt) {
        self.lock().refund(tick(now_ns), receipt);
    }

    /// Makes the merchant's key of a rule name as if fresh, or its keys of all
    /// names that there have been. What all merchants share is reset only with
    /// its rule's name, for whichever merchant. An unknown name or merchant has
    /// nothing to reset.
    ///
    /// The key's next request must come at a later tick.
    pub fn reset(&self, merchant: &[u8], rule: Option<&str>) {
        self.lock().reset(merchant, rule);
    }

    /// Puts another policy in force, keeps every history, and returns the
    /// policy's version.
    pub fn swap(&self, policy_toml: &str) -> u64 {
        let policy = Policy::parse(policy_toml);
        let mut state = self.lock();
        state.swap(policy);
        state.policy_version
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The decision over histories as they stand.
    fn describe(&self, state: &State, now_ns: u64, governed: &Governed) -> Decision {
        let rules = match governed {
            Governed::Exempt => return bare(state, Outcome::Exempt, true),
            Governed::Unmatched { allowed } => return bare(state, Outcome::Unmatched, *allowed),
            Governed::By(rules) => rules,
        };
        if let Some(governing) = rules.iter().find(|g| g.never_fits()) {
            return self.never(state, governing);
        }
        match longest_block(rules) {
            Some((view, retry_tick)) => self.denied(state, now_ns, view, retry_tick),
            None => self.allowed(state, rules),
        }
    }

    fn never(&self, state: &State, governing: &Governing) -> Decision {
        let window = governing.rule.tightest();
        let view = View { governing, window };
        self.seen(state, Outcome::Never, view, governing.resets_at(window))
    }

    fn denied(&self, state: &State, now_ns: u64, view: View, retry_tick: i128) -> Decision {
        let retry_after_ns = begins_ns(retry_tick) - i128::from(now_ns);
        Decision {
            retry_after_ns: Some(narrow(retry_after_ns)),
            ..self.seen(state, Outcome::Denied, view, retry_tick)
        }
    }

    /// Describes the window with the least remaining, of equal ones the
    /// longest. `min_by_key` keeps the first of those that still tie.
    fn allowed(&self, state: &State, rules: &[Governing]) -> Decision {
        let view = views(rules)
            .min_by_key(|v| (v.remaining(), -v.window.length_ticks))
            .expect("a governed request has a window");
        let reset_tick = view.governing.resets_at(view.window);
        self.seen(state, Outcome::Allowed, view, reset_tick)
    }

    fn seen(&self, state: &State, outcome: Outcome, view: View, reset_tick: i128) -> Decision {
        Decision {
            rule: Some(view.governing.rule.name.clone()),
            limit: Some(narrow(view.window.limit)),
            window_ns: Some(narrow(view.window.length_ticks * TICK_NS)),
            precision: Some(view.window.precision),
            remaining: Some(narrow(view.remaining())),
            reset_at_ns: Some(narrow(self.unix_ns + begins_ns(reset_tick))),
            ..bare(state, outcome, outcome == Outcome::Allowed)
        }
    }
}

impl View<'_> {
    fn remaining(&self) -> i128 {
        self.governing.remaining(self.window)
    }
}

fn admits(rules: &[Governing]) -> bool {
    !rules.iter().any(Governing::never_fits) && longest_block(rules).is_none()
}

/// What holds the request back, and the earliest tick at which all rules admit
/// it if nothing else comes. A rule that admits earlier may have lost its credit
/// by the tick that another names, so all of them are judged again there.
fn longest_block(rules: &[Governing]) -> Option<(View<'_>, i128)> {
    let mut longest = None;
    let mut x = i128::MIN;
    while let Some((view, tick)) = longest_block_at(rules, x) {
        longest = Some((view, tick));
        x = tick;
    }
    longest
}

/// The rule that is blocked longest as judged at `x`, but not before its own
/// tick, each by itself, with the window that blocks it and the tick at which it
/// does so no more. Of equal ticks the longest window; `min_by_key` keeps the
/// first of those that still tie.
fn longest_block_at(rules: &[Governing], x: i128) -> Option<(View<'_>, i128)> {
    let blocked = rules.iter().filter_map(|governing| {
        let (window, tick) = governing.block(governing.t.max(x))?;
        Some((View { governing, window }, tick))
    });
    blocked.min_by_key(|(view, tick)| (-tick, -view.window.length_ticks))
}

/// Every window, by rule and then by place in the rule.
fn views(rules: &[Governing]) -> impl Iterator<Item = View<'_>> {
    rules.iter().flat_map(|governing| {
        let windows = governing.rule.windows.iter();
        windows.map(move |window| View {
            governing,
            window: *window,
        })
    })
}

/// A decision that describes no window.
fn bare(state: &State, outcome: Outcome, allowed: bool) -> Decision {
    Decision {
        outcome,
        allowed,
        rule: None,
        limit: None,
        window_ns: None,
        precision: None,
        remaining: None,
        retry_after_ns: None,
        reset_at_ns: None,
        policy_version: state.policy_version,
    }
}

/// The tick of a clock reading; the first is 1.
fn tick(now_ns: u64) -> i128 {
    i128::from(now_ns) / TICK_NS + 1
}

/// The clock reading at which a tick begins.
fn begins_ns(tick: i128) -> i128 {
    (tick - 1) * TICK_NS
}

fn narrow(value: i128) -> u64 {
    u64::try_from(value).expect("vectors stay within unsigned 64-bit nanoseconds")
}
