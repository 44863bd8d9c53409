//! Slidegate, in all the ways in which it can be called.

use std::fmt::Write;
use std::sync::Arc;

use slidegate::{Check, EndpointId, Limiter, LimiterBuilder, Policy, Prepared, TscClock};

use super::{Contestant, Limit, admitted};
use crate::calls::Call;

/// The endpoint that is called.
pub const ENDPOINT: &str = "POST /v1/payment";

/// As many requests as the engine resolves together.
const BATCH: usize = 16;

/// A limiter, and how it is called.
pub struct Ours {
    limiter: Limiter,
    way: Way,
}

enum Way {
    /// `allow`, with the endpoint resolved before.
    Allow(EndpointId),
    /// `allow`, with the endpoint as text.
    Text,
    /// `check`, with a full decision.
    Check(EndpointId),
    /// `check`, and its headers.
    Headers(EndpointId),
    /// `allow_prepared`, a prepared key for each merchant.
    Prepared(Box<[Prepared]>),
    /// `check_prepared`, each key behind a pointer, as a C program holds its handles.
    CheckPrepared(Box<[Box<Prepared>]>),
    /// `allow_each`, sixteen at a time.
    AllowEach(EndpointId),
    /// `check_many`, sixteen at a time.
    CheckMany(EndpointId),
}

/// A policy of one rule with these windows.
pub fn policy(limits: &[Limit]) -> Policy {
    let mut windows = String::new();
    for limit in limits {
        let _ = write!(windows, "\"{}/{}s\", ", limit.units, limit.seconds);
    }
    let rule = format!("name = \"r\"\nmatch = \"{ENDPOINT}\"\nwindows = [{windows}]\n");
    let policy = Policy::from_toml(&format!("version = 1\n[[rule]]\n{rule}"));
    policy.expect("a policy")
}

/// The options of every limiter: the defaults, with room for `keys` keys.
pub fn builder(keys: usize) -> LimiterBuilder {
    Limiter::builder().max_keys(keys as u64)
}

fn with_tsc(keys: usize) -> LimiterBuilder {
    builder(keys).clock(Arc::new(TscClock::new()))
}

fn built(limits: &[Limit], options: &LimiterBuilder) -> (Limiter, EndpointId) {
    let limiter = options.build(&policy(limits)).expect("a limiter");
    let id = limiter.endpoint(ENDPOINT).expect("an endpoint");
    (limiter, id)
}

impl Ours {
    /// Called by `allow`.
    pub fn allow(limits: &[Limit], keys: usize) -> Self {
        Self::new(limits, keys, Way::Allow)
    }

    /// Called by `allow`, with these options.
    pub fn with(limits: &[Limit], options: &LimiterBuilder) -> Self {
        let (limiter, id) = built(limits, options);
        let way = Way::Allow(id);
        Self { limiter, way }
    }

    /// Called by `allow`, with the processor's counter for a clock.
    pub fn tsc(limits: &[Limit], keys: usize) -> Self {
        Self::with(limits, &with_tsc(keys))
    }

    /// Called by `allow_prepared`, likewise.
    pub fn tsc_prepared(limits: &[Limit], keys: usize) -> Self {
        let (limiter, id) = built(limits, &with_tsc(keys));
        let way = Way::Prepared(prepared(&limiter, id, keys));
        Self { limiter, way }
    }

    /// Called by `allow`; merchants' names are not kept.
    pub fn nameless(limits: &[Limit], keys: usize) -> Self {
        Self::with(limits, &builder(keys).names(false))
    }

    /// Called by `allow` with the endpoint as text.
    pub fn text(limits: &[Limit], keys: usize) -> Self {
        Self::new(limits, keys, |_| Way::Text)
    }

    /// Called by `check`.
    pub fn check(limits: &[Limit], keys: usize) -> Self {
        Self::new(limits, keys, Way::Check)
    }

    /// Called by `check`, with headers.
    pub fn headers(limits: &[Limit], keys: usize) -> Self {
        Self::new(limits, keys, Way::Headers)
    }

    /// Called by `allow_each`.
    pub fn allow_each(limits: &[Limit], keys: usize) -> Self {
        Self::new(limits, keys, Way::AllowEach)
    }

    /// Called by `check_many`.
    pub fn check_many(limits: &[Limit], keys: usize) -> Self {
        Self::new(limits, keys, Way::CheckMany)
    }

    /// Called by `allow_prepared`.
    pub fn prepared(limits: &[Limit], keys: usize) -> Self {
        let (limiter, id) = built(limits, &builder(keys));
        let way = Way::Prepared(prepared(&limiter, id, keys));
        Self { limiter, way }
    }

    /// Called by `check_prepared`, on keys that are objects of the heap, each alone: so
    /// beside the C interface, whose keys are, it is not the layout that is compared.
    pub fn check_prepared(limits: &[Limit], keys: usize) -> Self {
        let (limiter, id) = built(limits, &builder(keys));
        let prepared = (0..keys).map(|index| Box::new(prepare(&limiter, id, index)));
        let way = Way::CheckPrepared(prepared.collect());
        Self { limiter, way }
    }

    fn new(limits: &[Limit], keys: usize, way: impl FnOnce(EndpointId) -> Way) -> Self {
        let (limiter, id) = built(limits, &builder(keys));
        let way = way(id);
        Self { limiter, way }
    }

    /// The limiter itself.
    pub fn limiter(&self) -> &Limiter {
        &self.limiter
    }

    fn headers_of(&self, call: &Call, id: EndpointId) -> u64 {
        let decision = self.limiter.check(&call.merchant, id, 1);
        let headers = decision.expect("a decision").headers();
        headers.iter().map(|(_, value)| value).sum()
    }

    fn allow_each_of(&self, calls: &[Call], id: EndpointId) -> usize {
        let mut admitted = 0;
        for batch in calls.chunks_exact(BATCH) {
            let checks: [Check<'_>; BATCH] =
                std::array::from_fn(|n| Check::new(&batch[n].merchant, id, 1));
            self.limiter.allow_each(&checks, |allowed| {
                admitted += usize::from(allowed.expect("a decision"));
            });
        }
        admitted
    }

    fn check_many_of(&self, calls: &[Call], id: EndpointId) -> usize {
        let mut admitted = 0;
        for batch in calls.chunks_exact(BATCH) {
            let checks: [Check<'_>; BATCH] =
                std::array::from_fn(|n| Check::new(&batch[n].merchant, id, 1));
            let decisions = self.limiter.check_many(&checks);
            let allowed = decisions
                .iter()
                .flatten()
                .filter(|decision| decision.allowed);
            admitted += allowed.count();
        }
        admitted
    }
}

fn prepared(limiter: &Limiter, id: EndpointId, keys: usize) -> Box<[Prepared]> {
    (0..keys).map(|index| prepare(limiter, id, index)).collect()
}

fn prepare(limiter: &Limiter, id: EndpointId, index: usize) -> Prepared {
    let key = limiter.prepare(Call::of(index).merchant, id);
    key.expect("a prepared key")
}

impl Contestant for Ours {
    fn pass(&self, calls: &[Call]) -> usize {
        let limiter = &self.limiter;
        match &self.way {
            Way::Allow(id) => admitted(calls, |call| {
                limiter.allow(&call.merchant, *id, 1).expect("a decision")
            }),
            Way::Text => admitted(calls, |call| {
                limiter
                    .allow(&call.merchant, ENDPOINT, 1)
                    .expect("a decision")
            }),
            Way::Check(id) => admitted(calls, |call| {
                let decision = limiter.check(&call.merchant, *id, 1);
                decision.expect("a decision").allowed
            }),
            Way::Headers(id) => admitted(calls, |call| self.headers_of(call, *id) > 0),
            Way::Prepared(keys) => admitted(calls, |call| {
                let key = &keys[call.index as usize];
                limiter.allow_prepared(key, 1).expect("a decision")
            }),
            Way::CheckPrepared(keys) => admitted(calls, |call| {
                let decision = limiter.check_prepared(&keys[call.index as usize], 1);
                decision.expect("a decision").allowed
            }),
            Way::AllowEach(id) => self.allow_each_of(calls, *id),
            Way::CheckMany(id) => self.check_many_of(calls, *id),
        }
    }
}
