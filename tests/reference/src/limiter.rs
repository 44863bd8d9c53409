//! The reference limiter: one lock, complete logs, wide integers.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::decision::{Decision, Outcome, Refusal};
use crate::endpoint;
use crate::law::{self, Log};
use crate::policy::{Policy, Rule, Unmatched, Window};
use crate::routes::{Matched, Routes};

const MERCHANT_BYTES_MAX: usize = 1_024;
const TICK_NS: i128 = 1_000;

/// The naive limiter.
///
/// It has no clock: every call brings a reading, in nanoseconds since
/// construction. Readings may step backwards. Policies must be valid; an
/// invalid one panics.
#[derive(Debug)]
pub struct Reference {
    unix_ns: i128,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    policy: Policy,
    routes: Routes,
    policy_version: u64,
    /// One log per merchant and rule name. It outlives every policy.
    logs: HashMap<(Vec<u8>, String), Log>,
}

/// One request as the policy sees it.
enum Governed {
    Exempt,
    Unmatched { allowed: bool },
    By(Vec<Governing>),
}

/// One governing rule with all that its windows need to decide.
struct Governing {
    rule: Rule,
    key: (Vec<u8>, String),
    log: Log,
    /// Units that the request takes from this rule.
    n: i128,
    /// The tick at which this rule's log is judged.
    t: i128,
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
        let policy = Policy::parse(policy_toml);
        let state = State {
            routes: Routes::of(&policy),
            policy,
            policy_version: 1,
            logs: HashMap::new(),
        };
        Reference {
            unix_ns: i128::from(unix_ns),
            state: Mutex::new(state),
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
        let mut state = self.lock();
        let mut governed = state.govern(now_ns, merchant, endpoint, cost)?;
        if let Governed::By(rules) = &mut governed
            && admits(rules)
        {
            state.charge(rules);
            return Ok(self.allowed(&state, rules));
        }
        Ok(self.describe(&state, now_ns, &governed))
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
        let governed = state.govern(now_ns, merchant, endpoint, cost)?;
        Ok(self.describe(&state, now_ns, &governed))
    }

    /// Puts another policy in force, keeps every log, and returns the policy's
    /// version.
    pub fn swap(&self, policy_toml: &str) -> u64 {
        let policy = Policy::parse(policy_toml);
        let mut state = self.lock();
        state.routes = Routes::of(&policy);
        state.policy = policy;
        state.policy_version += 1;
        state.policy_version
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The decision over logs as they stand.
    fn describe(&self, state: &State, now_ns: u64, governed: &Governed) -> Decision {
        let rules = match governed {
            Governed::Exempt => return bare(state, Outcome::Exempt, true),
            Governed::Unmatched { allowed } => return bare(state, Outcome::Unmatched, *allowed),
            Governed::By(rules) => rules,
        };
        if let Some(governing) = first_that_never_fits(rules) {
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
        self.seen(state, Outcome::Never, view, view.resets_at())
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
        self.seen(state, Outcome::Allowed, view, view.resets_at())
    }

    fn seen(&self, state: &State, outcome: Outcome, view: View, reset_tick: i128) -> Decision {
        Decision {
            rule: Some(view.governing.rule.name.clone()),
            limit: Some(narrow(view.window.limit)),
            window_ns: Some(narrow(view.window.length_ticks * TICK_NS)),
            remaining: Some(narrow(view.remaining())),
            reset_at_ns: Some(narrow(self.unix_ns + begins_ns(reset_tick))),
            ..bare(state, outcome, outcome == Outcome::Allowed)
        }
    }
}

impl State {
    fn govern(
        &self,
        now_ns: u64,
        merchant: &[u8],
        endpoint: &str,
        cost: u64,
    ) -> Result<Governed, Refusal> {
        if merchant.is_empty() || merchant.len() > MERCHANT_BYTES_MAX {
            return Err(Refusal::InvalidMerchant);
        }
        if cost == 0 {
            return Err(Refusal::InvalidCost);
        }
        let for_all = self.rules_for_all();
        let matched = self.matched(endpoint, for_all.is_empty())?;
        let Matched::Rules(matched) = matched else {
            return Ok(Governed::Exempt);
        };
        let unmatched = matched.is_empty() && !endpoint.is_empty();
        if unmatched && self.policy.unmatched == Unmatched::Deny {
            return Ok(Governed::Unmatched { allowed: false });
        }
        if unmatched && for_all.is_empty() {
            return Ok(Governed::Unmatched { allowed: true });
        }
        let in_order = for_all.into_iter().chain(matched);
        let governing = in_order.map(|index| self.governing(now_ns, merchant, index, cost));
        Ok(Governed::By(governing.collect()))
    }

    fn rules_for_all(&self) -> Vec<usize> {
        let rules = &self.policy.rules;
        (0..rules.len())
            .filter(|i| rules[*i].is_for_all())
            .collect()
    }

    /// The endpoint rules; none for the empty text, which means the merchant
    /// alone and so needs a rule for all.
    fn matched(&self, endpoint: &str, nothing_for_all: bool) -> Result<Matched, Refusal> {
        if endpoint.is_empty() && !nothing_for_all {
            return Ok(Matched::Rules(Vec::new()));
        }
        let endpoint = endpoint::parse(endpoint).ok_or(Refusal::InvalidEndpoint)?;
        Ok(self.routes.matched(&endpoint))
    }

    fn governing(&self, now_ns: u64, merchant: &[u8], index: usize, cost: u64) -> Governing {
        let rule = self.policy.rules[index].clone();
        let key = (merchant.to_vec(), rule.name.clone());
        let log = self.logs.get(&key).cloned().unwrap_or_default();
        Governing {
            n: i128::from(cost.saturating_mul(rule.cost)),
            t: law::judged_at(&log, tick(now_ns)),
            rule,
            key,
            log,
        }
    }

    /// Appends each rule's units, to the stored log and to the copy at hand.
    fn charge(&mut self, rules: &mut [Governing]) {
        for governing in rules {
            for _ in 0..governing.n {
                governing.log.push_back(governing.t);
            }
            self.logs
                .insert(governing.key.clone(), governing.log.clone());
        }
    }
}

impl View<'_> {
    fn unblocks_at(&self) -> Option<i128> {
        law::unblocks_at(
            &self.governing.log,
            self.window,
            self.governing.n,
            self.governing.t,
        )
    }

    fn remaining(&self) -> i128 {
        law::remaining(&self.governing.log, self.window, self.governing.t)
    }

    fn resets_at(&self) -> i128 {
        law::resets_at(&self.governing.log, self.window, self.governing.t)
    }
}

fn admits(rules: &[Governing]) -> bool {
    first_that_never_fits(rules).is_none() && longest_block(rules).is_none()
}

fn first_that_never_fits(rules: &[Governing]) -> Option<&Governing> {
    rules.iter().find(|g| g.n > g.rule.tightest().limit)
}

/// The blocking window that opens last, of equal ones the longest, and the tick
/// at which it opens. `min_by_key` keeps the first of those that still tie.
fn longest_block(rules: &[Governing]) -> Option<(View<'_>, i128)> {
    views(rules)
        .filter_map(|view| Some((view, view.unblocks_at()?)))
        .min_by_key(|(view, tick)| (-tick, -view.window.length_ticks))
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
