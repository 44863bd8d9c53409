//! Threads that ask a limiter for whatever it can do, and what they note of it.

use std::sync::Arc;
use std::time::Duration;

use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;

use crate::sync::Register;
use crate::{Check, Clock, Decision, Endpoint, EndpointId, Limiter, ManualClock, Outcome, Policy};

pub(super) const THREADS: usize = 8;
/// What each thread asks, one after the other.
const ASKS: usize = 4;

pub(super) const MERCHANTS: [&str; 3] = ["a", "b", "c"];
pub(super) const ENDPOINTS: [&str; 3] = ["GET /v1", "POST /v1", "POST /bulk"];

/// What a thread may do next.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ask {
    Check,
    Allow,
    Peek,
    Receipt,
    Many,
    Prepared,
    Reset,
    Swap,
    Advance,
}

/// One admission, as the caller saw it.
#[derive(Debug, Clone)]
pub(super) struct Admission {
    pub merchant: usize,
    pub endpoint: usize,
    pub cost: u32,
    /// The clock before and after the call, in nanoseconds: its stamp lies between.
    pub span: (u64, u64),
    /// The call's beginning among all beginnings and ends.
    pub began: u64,
    /// Whether its units were given back.
    pub refunded: bool,
}

/// All that the threads noted.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub admissions: Vec<Admission>,
    /// Merchants that were reset, and each reset's end.
    pub resets: Vec<(usize, u64)>,
}

pub(super) struct House {
    pub limiter: Limiter,
    pub clock: Arc<ManualClock>,
    policies: &'static [Policy],
    ids: [EndpointId; ENDPOINTS.len()],
    /// Counts beginnings and ends.
    events: Register,
}

impl House {
    pub fn new(limiter: Limiter, clock: Arc<ManualClock>, policies: &'static [Policy]) -> Self {
        let ids = ENDPOINTS.map(|route| limiter.endpoint(route).expect("an id"));
        Self {
            limiter,
            clock,
            policies,
            ids,
            events: Register::default(),
        }
    }

    /// Lets all threads ask by lot, and returns what they noted.
    pub fn run(self: &Arc<Self>, asks: &'static [Ask]) -> Ledger {
        let start = |_| {
            let house = self.clone();
            thread::spawn(move || house.ask_by_lot(asks))
        };
        let threads: Vec<_> = (0..THREADS).map(start).collect();
        let mut all = Ledger::default();
        for thread in threads {
            let ledger = thread.join().expect("a thread of the body");
            all.admissions.extend(ledger.admissions);
            all.resets.extend(ledger.resets);
        }
        all
    }

    fn ask_by_lot(&self, asks: &[Ask]) -> Ledger {
        let mut ledger = Ledger::default();
        for _ in 0..ASKS {
            let ask = asks[thread_rng().gen_range(0..asks.len())];
            let merchant = thread_rng().gen_range(0..MERCHANTS.len());
            let endpoint = thread_rng().gen_range(0..ENDPOINTS.len());
            let cost = thread_rng().gen_range(1..3);
            self.perform(ask, (merchant, endpoint, cost), &mut ledger);
        }
        ledger
    }

    fn perform(&self, ask: Ask, request: (usize, usize, u32), ledger: &mut Ledger) {
        let (merchant, endpoint, cost) = request;
        let (name, route) = (MERCHANTS[merchant], ENDPOINTS[endpoint]);
        let limiter = &self.limiter;
        match ask {
            Ask::Check => self.note(request, ledger, || {
                admitted(&limiter.check(name, route, cost).expect("a decision"))
            }),
            Ask::Allow => self.note(request, ledger, || {
                let id = self.ids[endpoint];
                limiter.allow(name, id, cost).expect("a decision")
            }),
            Ask::Peek => drop(limiter.peek(name, route, cost).expect("a decision")),
            Ask::Receipt => self.refund_by_lot(request, ledger),
            Ask::Many => self.ask_many(merchant, endpoint, ledger),
            Ask::Prepared => self.ask_prepared(merchant, cost, ledger),
            Ask::Reset => {
                limiter.reset(name, None).expect("a count");
                ledger.resets.push((merchant, self.event()));
            }
            Ask::Swap => {
                let next = limiter.policy_version() as usize % self.policies.len();
                limiter.swap(&self.policies[next]).expect("a version");
            }
            Ask::Advance => {
                // By a bucket now and then, else by less than a window.
                let step = match thread_rng().gen_range(0..4) {
                    0 => 270,
                    _ => thread_rng().gen_range(1..6),
                };
                self.clock.advance(Duration::from_millis(step));
            }
        }
    }

    fn event(&self) -> u64 {
        self.events.count();
        self.events.get()
    }

    /// Performs a call and notes it if it was admitted.
    fn note(
        &self,
        (merchant, endpoint, cost): (usize, usize, u32),
        ledger: &mut Ledger,
        call: impl FnOnce() -> bool,
    ) {
        let (before, began) = (self.clock.monotonic_ns(), self.event());
        if call() {
            ledger.admissions.push(Admission {
                merchant,
                endpoint,
                cost,
                span: (before, self.clock.monotonic_ns()),
                began,
                refunded: false,
            });
        }
    }

    fn refund_by_lot(&self, request: (usize, usize, u32), ledger: &mut Ledger) {
        let (merchant, endpoint, cost) = request;
        let mut receipt = None;
        self.note(request, ledger, || {
            let (name, route) = (MERCHANTS[merchant], ENDPOINTS[endpoint]);
            let answer = self.limiter.check_with_receipt(name, route, cost);
            let (decision, given) = answer.expect("a decision");
            receipt = given;
            assert_eq!(receipt.is_some(), admitted(&decision), "{decision:?}");
            admitted(&decision)
        });
        if let Some(receipt) = receipt
            && thread_rng().gen_range(0..3) > 0
        {
            // Before the refund, because others may use it before it returns.
            let noted = ledger.admissions.last_mut().expect("it was admitted");
            noted.refunded = true;
            self.limiter.refund(receipt).expect("its own receipt");
        }
    }

    /// Two requests of one merchant in one call.
    fn ask_many(&self, merchant: usize, endpoint: usize, ledger: &mut Ledger) {
        let (before, began) = (self.clock.monotonic_ns(), self.event());
        let endpoints = [endpoint, 0];
        let answers = self.answers(MERCHANTS[merchant], endpoints);
        for (admitted, endpoint) in answers.into_iter().zip(endpoints) {
            if admitted {
                ledger.admissions.push(Admission {
                    merchant,
                    endpoint,
                    cost: 1,
                    span: (before, self.clock.monotonic_ns()),
                    began,
                    refunded: false,
                });
            }
        }
    }

    /// By the text of the endpoints for decisions, or by their ids for less.
    fn answers(&self, name: &str, endpoints: [usize; 2]) -> Vec<bool> {
        if thread_rng().gen_range(0..2) == 0 {
            let checks = endpoints.map(|e| Check::new(name, ENDPOINTS[e], 1));
            let decisions = self.limiter.check_many(&checks).into_iter();
            return decisions
                .map(|d| admitted(&d.expect("a decision")))
                .collect();
        }
        let checks = endpoints.map(|e| Check::new(name, Endpoint::Id(self.ids[e]), 1));
        let mut answers = Vec::new();
        self.limiter
            .allow_each(&checks, |allowed| answers.push(allowed.expect("an answer")));
        answers
    }

    fn ask_prepared(&self, merchant: usize, cost: u32, ledger: &mut Ledger) {
        let endpoint = thread_rng().gen_range(0..2);
        let key = self
            .limiter
            .prepare(MERCHANTS[merchant], self.ids[endpoint]);
        let key = key.expect("a prepared key");
        // The first finds the key's place, with which the second begins.
        self.note((merchant, endpoint, cost), ledger, || {
            let decision = self.limiter.check_prepared(&key, cost);
            admitted(&decision.expect("a decision"))
        });
        self.note((merchant, endpoint, cost), ledger, || {
            let allowed = self.limiter.allow_prepared(&key, cost);
            allowed.expect("an answer")
        });
    }
}

/// Whether a decision charged anything.
fn admitted(decision: &Decision) -> bool {
    decision.outcome == Outcome::Allowed
}
