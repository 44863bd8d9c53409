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
mod at_once;
mod claim;
mod several;
mod together;
mod verdict;

pub(super) use at_once::PlainCharge;
pub(super) use verdict::Verdict;

use std::cell::{Cell, RefCell};

use smallvec::SmallVec;

use super::active::{Active, Governed};
use super::prepared::Hints;
use super::receipt::Charge;
use super::usage::Count;
use super::{Endpoint, Limiter, OnFull};
use crate::decision::{Outcome, WindowStatus};
use crate::error::{Error, MAX_MERCHANT_BYTES};
use crate::log::Ask;
use crate::table::{Failure, Hashing, NameHash};
use crate::time::Now;
use crate::window::Precision;
use claim::{Answered, Claim};

/// How a request is made.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    /// Whether an admission is charged; else it is only asked about.
    pub charges: bool,
    pub extras: Extras<'a>,
}

impl Call<'_> {
    pub const CHARGE: Self = Self {
        charges: true,
        extras: Extras::NONE,
    };
    pub const PEEK: Self = Self {
        charges: false,
        extras: Extras::NONE,
    };
}

/// What a call wants or brings beside the decision.
#[derive(Clone, Copy)]
pub(super) struct Extras<'a> {
    /// Where to note what was charged.
    pub charges: Option<&'a RefCell<SmallVec<[Charge; 2]>>>,
    /// Where to note how every window stands.
    pub windows: Option<&'a RefCell<Vec<WindowStatus>>>,
    /// Where the keys were found before.
    pub hints: Option<&'a Hints>,
}

impl Extras<'_> {
    pub const NONE: Self = Self {
        charges: None,
        windows: None,
        hints: None,
    };
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
    #[inline]
    pub(super) fn decide<'a, V: Verdict>(
        &'a self,
        merchant: &'a [u8],
        endpoint: Endpoint<'_>,
        cost: u32,
        call: Call<'a>,
    ) -> Result<V, Error> {
        check_merchant(merchant)?;
        check_cost(cost)?;
        let merchant = Merchant::new(merchant, &self.hashing);
        self.decide_live(merchant, endpoint, cost, call)
    }

    /// Decides a request whose arguments were checked, at the clock's instant.
    #[inline]
    pub(super) fn decide_live<V: Verdict>(
        &self,
        merchant: Merchant<'_>,
        endpoint: Endpoint<'_>,
        cost: u32,
        call: Call<'_>,
    ) -> Result<V, Error> {
        let knows = |active: &Active| active.knows(endpoint);
        self.with_active(knows, |active| {
            let request = Request::new(self, active, call, Now::Live(&self.clock));
            match endpoint {
                Endpoint::Id(id) => request.decide(active.governs_id(id)?, merchant, cost),
                _ => request.decide_named(endpoint, merchant, cost),
            }
        })
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

/// A request under one active policy.
pub(super) struct Request<'a> {
    limiter: &'a Limiter,
    active: &'a Active,
    call: Call<'a>,
    now: Now<'a>,
    untracked: Untracked,
}

/// Which of a request's claims found no room for their keys, by their places; those
/// from the 64th on are taken for one.
#[derive(Default, Clone)]
struct Untracked(Cell<u64>);

impl Untracked {
    fn note(&self, place: usize) {
        self.0.update(|places| places | 1 << place.min(63));
    }

    fn set(&self, other: &Self) {
        self.0.set(other.0.get());
    }

    fn forget(&self) {
        self.0.set(0);
    }

    fn any(&self) -> bool {
        self.0.get() != 0
    }

    fn has(&self, place: usize) -> bool {
        self.0.get() >> place.min(63) & 1 != 0
    }
}

impl<'a> Request<'a> {
    #[inline]
    pub fn new(limiter: &'a Limiter, active: &'a Active, call: Call<'a>, now: Now<'a>) -> Self {
        Self {
            limiter,
            active,
            call,
            now,
            untracked: Untracked::default(),
        }
    }

    /// Decides a request whose endpoint has to be looked up.
    #[inline(never)]
    fn decide_named<V: Verdict>(
        &self,
        endpoint: Endpoint<'_>,
        merchant: Merchant<'a>,
        cost: u32,
    ) -> Result<V, Error> {
        let governed = self.active.governs(endpoint)?;
        self.decide(&governed, merchant, cost)
    }

    #[inline]
    pub fn decide<V: Verdict>(
        &self,
        governed: &Governed,
        merchant: Merchant<'a>,
        cost: u32,
    ) -> Result<V, Error> {
        let version = self.active.version;
        let rules = match governed {
            Governed::Exempt => return Ok(V::without_window(Outcome::Exempt, true, version)),
            Governed::Unmatched(allowed) => {
                return Ok(V::without_window(Outcome::Unmatched, *allowed, version));
            }
            Governed::Rules(rules) => rules,
        };
        let verdict = match self.decide_rules(rules, merchant, cost) {
            Ok(verdict) => verdict,
            Err(Failure::Corrupt) => return Err(Error::Corrupt),
            Err(Failure::Full) => {
                let admits = self.limiter.on_full == OnFull::Admit;
                V::without_window(Outcome::Untracked, admits, version)
            }
        };
        match self.untracked.any() {
            true => Ok(self.note_untracked(rules, verdict)),
            false => Ok(verdict),
        }
    }

    #[cold]
    fn note_untracked<V: Verdict>(&self, rules: &[u32], verdict: V) -> V {
        if self.call.charges {
            self.limiter.untracked.count();
            let full = (0..)
                .zip(rules)
                .filter(|(place, _)| self.untracked.has(*place));
            full.for_each(|(_, rule)| self.active.rule(*rule).usage.count(Count::Untracked));
        }
        verdict.untracked()
    }

    #[inline(always)]
    fn decide_rules<V: Verdict>(
        &self,
        rules: &[u32],
        merchant: Merchant<'a>,
        cost: u32,
    ) -> Result<V, Failure> {
        let (&[rule], true) = (rules, self.call.charges) else {
            return self.decide_together(rules, merchant, cost);
        };
        if let Some(verdict) = self.charge_plainly(rule, merchant.hash, cost) {
            return Ok(verdict);
        }
        let claim = self.claim(rule, 0, merchant, cost);
        if claim.can_never_pass() {
            return V::never(self, claim);
        }
        let answered = self.ask::<V>(claim, Ask::Charge)?;
        self.settle(std::slice::from_ref(&answered));
        V::of(self, std::slice::from_ref(&answered))
    }

    /// Charges the request's only rule by the straight way, if nothing is wanted beside
    /// the verdict.
    #[inline]
    fn charge_plainly<V: Verdict>(&self, rule: u32, merchant: NameHash, cost: u32) -> Option<V> {
        let Extras {
            charges: None,
            windows: None,
            ..
        } = self.call.extras
        else {
            return None;
        };
        let active = self.active.rule(rule);
        if active.rule.precision != Precision::Exact {
            return None;
        }
        V::at_once(self, self.limiter.plain_charge(active, merchant, cost)?)
    }

    /// What the request asks of a rule's key; `place` is the rule's place among
    /// those that govern it.
    #[inline]
    fn claim(&self, rule: u32, place: usize, merchant: Merchant<'a>, cost: u32) -> Claim<'a> {
        let active = self.active.rule(rule);
        Claim {
            active,
            name: active.owner_name(merchant.name),
            windows: &active.rule.windows,
            cost: cost.saturating_mul(active.rule.cost),
            key: active.key(merchant.hash),
            place,
        }
    }

    /// Notes what became of a request: what was charged, for a receipt, and the
    /// statistics. A denied request charged nothing and is counted by the rules
    /// that denied it.
    #[inline(always)]
    fn settle(&self, answers: &[Answered<'a>]) {
        if !self.call.charges {
            return;
        }
        let admitted = answers.iter().all(|a| a.answer.admitted);
        for answered in answers.iter().filter(|a| a.answer.admitted == admitted) {
            self.count(answered);
        }
        if let (true, Some(charges)) = (admitted, self.call.extras.charges) {
            let all = answers.iter().filter_map(Answered::charge);
            charges.borrow_mut().extend(all);
        }
    }
}
