//! Requests of several rules: all keys are charged, or none.

use smallvec::SmallVec;

use super::claim::{Answered, Answers, Claim};
use super::{Merchant, Request, Verdict};
use crate::limiter::active::Active;
use crate::limiter::receipt::Charge;
use crate::limiter::{Limiter, OnFull};
use crate::log::{ATTEMPTS, Ask};
use crate::sync::fault::{Fault, planted};
use crate::table::Failure;
use crate::time::Now;

/// What the keys of a request say to a peek.
enum Peeked<'a> {
    /// At least one of them denies.
    Denied(Answers<'a>),
    Admitted(Answers<'a>),
}

impl<'a> Request<'a> {
    /// Peeks at all keys, then charges all or none; once more where a race let a
    /// key deny that had not.
    #[inline(never)]
    pub(super) fn decide_together<V: Verdict>(
        &self,
        rules: &[u32],
        merchant: Merchant<'a>,
        cost: u32,
    ) -> Result<V, Failure> {
        let mut claims: SmallVec<[Claim<'a>; 4]> = SmallVec::new();
        for (place, &rule) in rules.iter().enumerate() {
            let claim = self.claim(rule, place, merchant, cost);
            if claim.can_never_pass() {
                return V::never(self, claim);
            }
            claims.push(claim);
        }
        // Each turn but the last means that another request got on.
        for _ in 0..ATTEMPTS {
            let peeks = match self.peek_together::<V>(&claims, self.now.begun())? {
                Peeked::Denied(peeks) => {
                    // Without pools, keys without room had no say.
                    if self.limiter.on_full != OnFull::Overflow {
                        self.untracked.forget();
                    }
                    self.settle(&peeks);
                    return V::of(self, &peeks);
                }
                Peeked::Admitted(peeks) => peeks,
            };
            if !self.call.charges {
                return V::of(self, &peeks);
            }
            if let Some(answers) = self.charge_together::<V>(&claims)? {
                return V::of(self, &answers);
            }
        }
        Err(Failure::Corrupt)
    }

    /// Peeks at all keys. Where none denies, a key without room fails the request
    /// before anything is charged, unless such requests are admitted.
    fn peek_together<V: Verdict>(
        &self,
        claims: &[Claim<'a>],
        now: Now<'_>,
    ) -> Result<Peeked<'a>, Failure> {
        self.begin_anew();
        let mut peeks = Answers::new();
        let mut is_full = false;
        let mut newcomers = Default::default();
        for &claim in claims {
            match self.peek::<V>(claim, &mut newcomers, now) {
                Ok(peek) => peeks.push(peek),
                Err(Failure::Full) => is_full = true,
                Err(failure) => return Err(failure),
            }
        }
        if peeks.iter().any(|a| !a.answer.admitted) {
            return Ok(Peeked::Denied(peeks));
        }
        match is_full && (!self.call.charges || self.limiter.on_full == OnFull::Deny) {
            true => Err(Failure::Full),
            false => Ok(Peeked::Admitted(peeks)),
        }
    }

    /// Charges one key after the other; `None` if one denied after all, and
    /// everything was given back. A key without room, where such requests are
    /// admitted, fails the request after everything else was charged.
    fn charge_together<V: Verdict>(
        &self,
        claims: &[Claim<'a>],
    ) -> Result<Option<Answers<'a>>, Failure> {
        self.begin_anew();
        let mut charged = Answers::new();
        let mut uncounted = false;
        for &claim in claims {
            match self.ask::<V>(claim, Ask::Charge) {
                Ok(answered) if answered.answer.admitted => charged.push(answered),
                Ok(_) => {
                    self.give_back(&charged);
                    return Ok(None);
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
            false => Ok(Some(charged)),
        }
    }

    fn give_back(&self, charged: &[Answered<'a>]) {
        let charges = charged.iter().filter_map(Answered::charge);
        self.limiter.lend_back(self.active, charges, self.now);
    }
}

impl Limiter {
    /// Lends back what was charged before a race let a later key deny.
    #[cold]
    pub(super) fn lend_back(
        &self,
        active: &Active,
        charges: impl Iterator<Item = Charge>,
        now: Now<'_>,
    ) {
        if planted(Fault::ChargeKept) {
            return;
        }
        for charge in charges {
            let horizons = active.horizons(charge.place.rule);
            self.tables.refund(charge, horizons, now);
        }
    }
}
