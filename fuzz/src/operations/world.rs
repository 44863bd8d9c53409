//! Engine, reference and ledger side by side.
//!
//! **Exact.** As long as a merchant's keys found room, the engine must answer
//! as the reference does, field by field; evictions must not show.
//!
//! **In doubt.** Where `docs/limitations.md` lets the engine differ, the
//! merchant is in doubt until all that differs has left the longest window:
//! - a request of several rules found no room for one of them: the others were
//!   charged, or charged and lent back;
//! - the clock stepped back behind an eviction: what was idle then is forgotten,
//!   and a slot's next key begins no earlier than its last one ended.
//!
//! In doubt the engine's answer is followed, and only the ledger judges it: never
//! over.

use std::sync::Arc;

use slidegate::{Decision, Endpoint, Error, Limiter, ManualClock, OnFull, Outcome, Policy};
use slidegate_reference::{Decision as Expected, Reference, Refusal};

use super::ledger::Ledger;
use super::op::{Call, Form, Op, Request};
use super::policies::{ENDPOINTS, POLICIES, RETENTION, Rule};
use super::{Reach, Setup};
use crate::compare::{UNIX_NS, assert_coherent, assert_same};

/// Slots that one key may stand in: with fewer keys no request finds no room.
const PROBES: usize = 16;

/// The reference walks complete logs, so that longer sequences only slow down.
const MAX_ASKS: usize = 512;

/// The most merchants of one operation.
const MAX_CROWD: u8 = 32;

const TICK_NS: u64 = 1_000;

/// What the engine answered.
enum Answer {
    Full(Result<Decision, Error>),
    /// `allow` says no more.
    Bare(Result<bool, Error>),
}

pub struct World {
    setup: Setup,
    clock: Arc<ManualClock>,
    now_ns: u64,
    engine: Limiter,
    reference: Reference,
    ledger: Ledger,
    policy: usize,
    /// By merchant, the tick at which it is in doubt no more.
    doubt_until: [u64; 256],
    /// The last denied request and its retry instant.
    denied: Option<(Request, u64)>,
    reach: Reach,
    asks_left: usize,
}

impl Answer {
    fn allowed(&self) -> bool {
        match self {
            Self::Full(answer) => answer.as_ref().is_ok_and(|decision| decision.allowed),
            Self::Bare(answer) => *answer.as_ref().unwrap_or(&false),
        }
    }

    fn is_untracked(&self) -> bool {
        let untracked = |decision: &Decision| decision.outcome == Outcome::Untracked;
        matches!(self, Self::Full(Ok(decision)) if untracked(decision))
    }
}

impl World {
    pub fn new(setup: Setup) -> Self {
        let clock = Arc::new(ManualClock::new(UNIX_NS));
        let text = POLICIES[0].toml();
        let policy = Policy::from_toml(&text).expect("a good policy");
        let builder = Limiter::builder()
            .max_keys(setup.max_keys)
            .clock(clock.clone());
        let builder = builder.on_full(setup.on_full);
        Self {
            setup,
            clock,
            now_ns: 0,
            engine: builder.build(&policy).expect("a small table"),
            reference: Reference::new(&text, UNIX_NS),
            ledger: Ledger::default(),
            policy: 0,
            doubt_until: [0; 256],
            denied: None,
            reach: Reach::default(),
            asks_left: MAX_ASKS,
        }
    }

    /// Does one operation and panics if the engine does it wrongly.
    pub fn take(&mut self, op: Op) {
        match op {
            Op::Ask(call, request) => self.ask(call, request),
            Op::Crowd { request, count } => {
                for next in 0..count.min(MAX_CROWD) {
                    let merchant = request.merchant.wrapping_add(next);
                    self.ask(
                        Call::Check,
                        Request {
                            merchant,
                            ..request
                        },
                    );
                }
            }
            Op::Advance { ns } => self.set_clock(self.now_ns + ns),
            Op::StepBack { ns } => {
                self.reach.steps_back += 1;
                self.set_clock(self.now_ns.saturating_sub(ns));
            }
            Op::Retry { early } => self.retry(early),
            Op::Swap { policy } => self.swap(policy),
            Op::Count => self.count(),
        }
    }

    /// What the operations so far have reached.
    pub fn reach(mut self) -> Reach {
        self.count();
        self.reach.evictions = self.ledger.keys().saturating_sub(self.engine.keys());
        self.reach
    }

    fn set_clock(&mut self, now_ns: u64) {
        self.now_ns = now_ns;
        self.clock.set_elapsed_ns(now_ns);
    }

    fn tick(&self) -> u64 {
        self.now_ns / TICK_NS + 1
    }

    fn retry(&mut self, early: bool) {
        if let Some((request, instant_ns)) = self.denied.take() {
            self.set_clock(instant_ns.saturating_sub(if early { TICK_NS } else { 0 }));
            self.ask(Call::Peek, request);
        }
    }

    fn swap(&mut self, policy: usize) {
        let text = POLICIES[policy].toml();
        let version = self.reference.swap(&text);
        let parsed = Policy::from_toml(&text).expect("a good policy");
        assert_eq!(self.engine.swap(&parsed).expect("few rules"), version);
        self.policy = policy;
    }

    /// A key that still counts is in the table.
    fn count(&self) {
        assert!(self.engine.keys() >= self.ledger.certain_keys());
    }

    fn governing(&self, request: Request) -> impl Iterator<Item = &'static Rule> + use<> {
        POLICIES[self.policy].governing(request.endpoint)
    }

    fn ask(&mut self, call: Call, request: Request) {
        if self.asks_left == 0 {
            return;
        }
        self.asks_left -= 1;
        let merchant = request.merchant % self.setup.merchants;
        let request = Request {
            merchant,
            ..request
        };
        let exact = self.is_exact(merchant);
        let foreseen = self.setup.peek_first
            && call != Call::Peek
            && self.call(Call::Peek, request).is_untracked();
        let counted = self.engine.untracked();
        let answer = self.call(call, request);
        let counted = self.engine.untracked() - counted;
        if call != Call::Peek && !matches!(&answer, Answer::Full(Err(_)) | Answer::Bare(Err(_))) {
            self.ledger
                .charged_at(self.tick(), merchant, self.governing(request));
        }
        let untracked = answer.is_untracked() || counted > 0;
        assert_eq!(counted, u64::from(untracked && call != Call::Peek));
        if untracked {
            self.untracked(call, request, &answer, foreseen);
        } else if exact {
            self.compare(call, request, &answer);
        } else {
            self.follow(call, request, &answer);
        }
        self.note(call, request, &answer, untracked);
    }

    fn call(&self, call: Call, request: Request) -> Answer {
        let (name, cost) = ([b'm', request.merchant], request.cost);
        let endpoint = self.endpoint(request);
        match call {
            Call::Check => Answer::Full(self.engine.check(name, endpoint, cost)),
            Call::Peek => Answer::Full(self.engine.peek(name, endpoint, cost)),
            Call::Allow => Answer::Bare(self.engine.allow(name, endpoint, cost)),
        }
    }

    fn endpoint(&self, request: Request) -> Endpoint<'static> {
        let (text, template) = ENDPOINTS[request.endpoint];
        match (request.form, template, text.split_once(' ')) {
            (Form::Id, Some(template), _) => {
                self.engine.endpoint(template).expect("a template").into()
            }
            (Form::Http, _, Some((method, path))) => Endpoint::http(method, path),
            _ => text.into(),
        }
    }

    fn expected(&self, call: Call, request: Request) -> Result<Expected, Refusal> {
        let (name, (text, _)) = ([b'm', request.merchant], ENDPOINTS[request.endpoint]);
        let cost = u64::from(request.cost);
        match call {
            Call::Peek => self.reference.peek(self.now_ns, &name, text, cost),
            Call::Check | Call::Allow => self.reference.check(self.now_ns, &name, text, cost),
        }
    }

    fn is_exact(&self, merchant: u8) -> bool {
        let t = self.tick();
        t >= self.doubt_until[usize::from(merchant)]
            && t + RETENTION > self.ledger.evicted_at()
            && !self.ledger.may_have_forgotten(t, merchant)
    }

    /// What differs now has left every window when the clock passes this tick.
    fn doubt(&mut self, merchant: u8) {
        let latest_stamp = self.tick().max(self.ledger.evicted_at());
        self.doubt_until[usize::from(merchant)] = latest_stamp + RETENTION;
    }

    fn compare(&mut self, call: Call, request: Request, answer: &Answer) {
        self.reach.exact += 1;
        let expected = self.expected(call, request);
        match answer {
            Answer::Full(answer) => assert_same(&self.engine, answer, &expected),
            Answer::Bare(answer) => {
                let allowed = expected.as_ref().map(|decision| decision.allowed);
                assert_eq!(answer.as_ref().ok(), allowed.as_ref().ok());
            }
        }
    }

    /// The engine may differ: the reference is charged where both admit.
    fn follow(&mut self, call: Call, request: Request, answer: &Answer) {
        self.reach.doubted += 1;
        let expected = self.expected(Call::Peek, request);
        let failed = matches!(answer, Answer::Full(Err(_)) | Answer::Bare(Err(_)));
        assert_eq!(failed, expected.is_err());
        if let Answer::Full(Ok(decision)) = answer {
            assert_coherent(&self.engine, decision);
        }
        if call == Call::Peek || !answer.allowed() {
            return;
        }
        let both = expected.is_ok_and(|decision| decision.allowed);
        if both {
            let _ = self.expected(call, request);
        }
        if !both || self.tick() < self.ledger.evicted_at() {
            self.doubt(request.merchant);
        }
    }

    /// The table said that it was full.
    fn untracked(&mut self, call: Call, request: Request, answer: &Answer, foreseen: bool) {
        self.reach.untracked += 1;
        assert_eq!(answer.allowed(), self.setup.on_full == OnFull::Admit);
        assert!(self.ledger.may_hold(PROBES, self.tick()));
        let several = self.governing(request).count() > 1;
        // What a peek found full is refused before anything is charged.
        let untouched = foreseen && self.setup.on_full == OnFull::Deny;
        if call != Call::Peek && several && !untouched {
            self.doubt(request.merchant);
        }
    }

    /// Keeps the ledger and remembers a denial.
    fn note(&mut self, call: Call, request: Request, answer: &Answer, untracked: bool) {
        if let Answer::Full(Ok(decision)) = answer {
            self.reach.never += usize::from(decision.outcome == Outcome::Never);
            if let Some(retry_ns) = decision.retry_after_ns() {
                self.reach.denied += 1;
                self.denied = Some((request, self.now_ns + retry_ns));
            }
        }
        if call == Call::Peek || untracked || !answer.allowed() {
            return;
        }
        let t = self.tick();
        for rule in self.governing(request) {
            let units = u64::from(request.cost) * rule.cost;
            self.ledger.admit(t, request.merchant, rule, units);
        }
    }
}
