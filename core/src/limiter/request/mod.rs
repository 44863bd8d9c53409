//! One request: which rules govern it, what their keys answer, and the decision
//! that follows.
//!
//! A request of several rules peeks at every key before it charges any, so a
//! denial leaves no trace. Then it charges one key after the other; where a race
//! lets a later key deny after all, what was charged before is lent back and all
//! are asked again. Such a race may deny what some order of the requests would
//! have admitted, never the reverse.

mod ahead;
mod asking;
mod claim;
mod verdict;

use std::cell::{Cell, RefCell};

use smallvec::SmallVec;

use super::active::{Active, Governed};
use super::prepared::Hints;
use super::receipt::Charge;
use super::{Endpoint, Limiter, OnFull};
use crate::decision::{Decision, Outcome, WindowStatus};
use crate::error::{Error, MAX_MERCHANT_BYTES};
use crate::log::{ATTEMPTS, Ask};
use crate::sync::fault::{Fault, planted};
use crate::table::{Hashing, NameHash};
use crate::time::Now;
use claim::{Answered, Answers, Claim, Failure};

/// What a call wants of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Check,
    /// As `Check`, without a description of the window that binds.
    Allow,
    Peek,
}

/// What a call wants or brings beside the decision.
#[derive(Clone, Copy, Default)]
pub(super) struct Extras<'a> {
    /// Where to note what was charged.
    pub charges: Option<&'a RefCell<SmallVec<[Charge; 2]>>>,
    /// Where to note how every window stands.
    pub windows: Option<&'a RefCell<Vec<WindowStatus>>>,
    /// Where the keys were found before.
    pub hints: Option<&'a Hints>,
}

/// A merchant's name and its hash.
#[derive(Clone, Copy)]
pub(super) struct Merchant<'a> {
    pub name: &'a [u8],
    pub hash: NameHash,
}

impl<'a> Merchant<'a> {
    #[inline]
    pub fn new(name: &'a [u8], hashing: &Hashing) -> Self {
        let hash = hashing.merchant(name);
        Self { name, hash }
    }
}

impl Limiter {
    pub(super) fn decide(
        &self,
        merchant: &[u8],
        endpoint: Endpoint<'_>,
        cost: u32,
        mode: Mode,
    ) -> Result<Decision, Error> {
        self.decide_with(merchant, endpoint, cost, mode, Extras::default())
    }

    pub(super) fn decide_with(
        &self,
        merchant: &[u8],
        endpoint: Endpoint<'_>,
        cost: u32,
        mode: Mode,
        extras: Extras<'_>,
    ) -> Result<Decision, Error> {
        check_merchant(merchant)?;
        check_cost(cost)?;
        let active = self.active.load();
        let governed = active.governs(endpoint)?;
        let request = Request::new(self, &active, mode, Now::Live(&self.clock), extras);
        request.decide(&governed, Merchant::new(merchant, &self.hashing), cost)
    }
}

pub(super) fn check_merchant(merchant: &[u8]) -> Result<(), Error> {
    match merchant.len() {
        1..=MAX_MERCHANT_BYTES => Ok(()),
        len => Err(Error::InvalidMerchant { len }),
    }
}

pub(super) fn check_cost(cost: u32) -> Result<(), Error> {
    match cost {
        0 => Err(Error::InvalidCost),
        _ => Ok(()),
    }
}

/// What the keys of a request say to a peek.
enum Peeked<'a> {
    /// At least one of them denies.
    Denied(Answers<'a>),
    Admitted(Answers<'a>),
}

/// What came of charging the keys of a request.
enum Charging {
    Done(Decision),
    /// One of them denied after all, and everything was given back.
    Lost,
}

/// A request under one active policy.
pub(super) struct Request<'a> {
    limiter: &'a Limiter,
    active: &'a Active,
    mode: Mode,
    now: Now<'a>,
    extras: Extras<'a>,
    /// Whether some key found no room.
    untracked: Cell<bool>,
}

impl<'a> Request<'a> {
    pub fn new(
        limiter: &'a Limiter,
        active: &'a Active,
        mode: Mode,
        now: Now<'a>,
        extras: Extras<'a>,
    ) -> Self {
        Self {
            limiter,
            active,
            mode,
            now,
            extras,
            untracked: Cell::new(false),
        }
    }

    pub fn decide(
        &self,
        governed: &Governed,
        merchant: Merchant<'a>,
        cost: u32,
    ) -> Result<Decision, Error> {
        let plain =
            |outcome, allowed| Decision::without_window(outcome, allowed, self.active.version);
        let rules = match governed {
            Governed::Exempt => return Ok(plain(Outcome::Exempt, true)),
            Governed::Unmatched(allowed) => return Ok(plain(Outcome::Unmatched, *allowed)),
            Governed::Rules(rules) => rules,
        };
        let decision = match self.decide_rules(rules, merchant, cost) {
            Ok(decision) => decision,
            Err(Failure::Corrupt) => return Err(Error::Corrupt),
            Err(Failure::Full) => {
                self.untracked.set(true);
                plain(Outcome::Untracked, self.limiter.on_full == OnFull::Admit)
            }
        };
        let untracked = self.untracked.get();
        if untracked && self.mode != Mode::Peek {
            self.limiter.untracked.count();
        }
        Ok(Decision {
            untracked,
            ..decision
        })
    }

    fn decide_rules(
        &self,
        rules: &[u32],
        merchant: Merchant<'a>,
        cost: u32,
    ) -> Result<Decision, Failure> {
        let mut claims: SmallVec<[Claim<'a>; 4]> = SmallVec::new();
        for (place, &index) in rules.iter().enumerate() {
            let (rule, active) = self.active.rule(index);
            let claim = Claim {
                rule,
                active,
                name: active.owner_name(merchant.name),
                windows: &rule.windows,
                cost: cost.saturating_mul(rule.cost),
                key: active.key(merchant.hash),
                place,
            };
            if claim.cost > active.min_limit {
                return self.never(claim);
            }
            claims.push(claim);
        }
        if let (&[claim], Mode::Check | Mode::Allow) = (&*claims, self.mode) {
            let answered = [self.ask(claim, Ask::Charge)?];
            self.settle(&answered);
            return Ok(self.decision(&answered));
        }
        self.decide_together(&claims)
    }

    /// Peeks at all keys, then charges all or none; once more where a race let a
    /// key deny that had not.
    fn decide_together(&self, claims: &[Claim<'a>]) -> Result<Decision, Failure> {
        // Each turn but the last means that another request got on.
        for _ in 0..ATTEMPTS {
            let peeks = match self.peek_together(claims)? {
                Peeked::Denied(peeks) => return self.denied(&peeks),
                Peeked::Admitted(peeks) => peeks,
            };
            if self.mode == Mode::Peek {
                return Ok(self.decision(&peeks));
            }
            match self.charge_together(claims)? {
                Charging::Done(decision) => return Ok(decision),
                Charging::Lost => {}
            }
        }
        Err(Failure::Corrupt)
    }

    /// Peeks at all keys. Where none denies, a key without room fails the request
    /// before anything is charged, unless such requests are admitted.
    ///
    /// A new key counts on a slot only if those of the request that are charged
    /// before it leave one, wherever they go: else the request would find out after
    /// it has charged them, and what it lends back is a trace.
    fn peek_together(&self, claims: &[Claim<'a>]) -> Result<Peeked<'a>, Failure> {
        self.begin_anew();
        let mut peeks = Answers::new();
        let mut full: Option<Claim<'a>> = None;
        // Keys that may need a slot, in the exact table and in the bucketed one.
        let mut newcomers = [0; 2];
        for &claim in claims {
            let newcomers = &mut newcomers[usize::from(claim.active.buckets.is_some())];
            let beside = *newcomers;
            match self.ask(claim, Ask::Peek { beside }) {
                Ok(peek) => {
                    *newcomers += usize::from(peek.place.is_none());
                    peeks.push(peek);
                }
                Err(Failure::Full) => {
                    *newcomers += 1;
                    full = Some(claim);
                }
                Err(failure) => return Err(failure),
            }
        }
        if peeks.iter().any(|a| !a.answer.admitted) {
            return Ok(Peeked::Denied(peeks));
        }
        match full {
            Some(claim) if self.mode == Mode::Peek || self.limiter.on_full == OnFull::Deny => {
                self.count_untracked(&claim);
                Err(Failure::Full)
            }
            _ => Ok(Peeked::Admitted(peeks)),
        }
    }

    fn denied(&self, peeks: &[Answered<'a>]) -> Result<Decision, Failure> {
        self.settle(peeks);
        match peeks.iter().any(|a| a.answer.lent) {
            true => self.look_ahead(peeks),
            false => Ok(self.decision(peeks)),
        }
    }

    /// Charges one key after the other, and gives all back if one denies. A key
    /// without room, where such requests are admitted, fails the request after
    /// everything else was charged.
    fn charge_together(&self, claims: &[Claim<'a>]) -> Result<Charging, Failure> {
        self.begin_anew();
        let mut charged = Answers::new();
        let mut uncounted = false;
        for &claim in claims {
            match self.ask(claim, Ask::Charge) {
                Ok(answered) if answered.answer.admitted => charged.push(answered),
                Ok(_) => {
                    self.give_back(&charged);
                    return Ok(Charging::Lost);
                }
                Err(Failure::Full) if self.limiter.on_full == OnFull::Admit => uncounted = true,
                Err(failure) => {
                    self.give_back(&charged);
                    return Err(failure);
                }
            }
        }
        self.settle(&charged);
        match uncounted {
            true => Err(Failure::Full),
            false => Ok(Charging::Done(self.decision(&charged))),
        }
    }

    fn give_back(&self, charged: &[Answered<'a>]) {
        if planted(Fault::ChargeKept) {
            return;
        }
        for charge in charged.iter().filter_map(Answered::charge) {
            charge.refund(&self.limiter.table, self.active, self.now);
        }
    }

    /// Notes what became of a request: what was charged, for a receipt, and the
    /// statistics. A denied request charged nothing and is counted by the rules
    /// that denied it.
    fn settle(&self, answers: &[Answered<'a>]) {
        if self.mode == Mode::Peek {
            return;
        }
        let admitted = answers.iter().all(|a| a.answer.admitted);
        for answered in answers.iter().filter(|a| a.answer.admitted == admitted) {
            self.count(answered);
        }
        if let (true, Some(charges)) = (admitted, self.extras.charges) {
            let all = answers.iter().filter_map(Answered::charge);
            charges.borrow_mut().extend(all);
        }
    }
}
