//! Many requests in one call.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::active::{Active, Governed};
use super::request::{Call, Merchant, PlainCharge, Request, Verdict, check_cost, check_merchant};
use super::{Endpoint, Limiter};
use crate::decision::Decision;
use crate::error::Error;
use crate::sync::prefetch;
use crate::table::Key;
use crate::time::Now;
use crate::window::Precision;

/// One request of a batch.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Check<'a> {
    /// The merchant: 1 to [`MAX_MERCHANT_BYTES`](crate::MAX_MERCHANT_BYTES) bytes.
    pub merchant: &'a [u8],
    /// The endpoint.
    pub endpoint: Endpoint<'a>,
    /// Units, at least 1.
    pub cost: u32,
}

impl<'a> Check<'a> {
    /// A request of `cost` units.
    pub fn new(
        merchant: &'a (impl AsRef<[u8]> + ?Sized),
        endpoint: impl Into<Endpoint<'a>>,
        cost: u32,
    ) -> Self {
        Self {
            merchant: merchant.as_ref(),
            endpoint: endpoint.into(),
            cost,
        }
    }
}

/// How many requests are resolved, and their keys brought near, before the first
/// of them is decided.
const CHUNK: usize = 16;

/// A request's rules, its merchant with the hash, and its cost.
type Resolved<'c> = Result<(Cow<'c, Governed>, Merchant<'c>, u32), Error>;

impl Limiter {
    /// Decides many requests, in their order, as [`check`](Self::check) would one
    /// after the other at one instant: the clock is read once, and all are decided
    /// under one policy. The cost of waiting for memory is shared among them.
    ///
    /// A request that cannot be judged is an error in its place and spoils no
    /// other. All stamps are those of the one reading: what a batch that takes long
    /// admits late leaves its windows early by as much.
    pub fn check_many(&self, checks: &[Check<'_>]) -> Vec<Result<Decision, Error>> {
        let mut decisions = Vec::with_capacity(checks.len());
        self.check_each(checks, |decision| decisions.push(decision));
        decisions
    }

    /// As [`check_many`](Self::check_many), handing each decision to `each` in
    /// order instead of collecting them. `each` runs between the decisions, so the
    /// longer it takes, the older are the stamps of those that follow. Nothing is
    /// allocated as long as no request has more than four rules.
    pub fn check_each(&self, checks: &[Check<'_>], mut each: impl FnMut(Result<Decision, Error>)) {
        self.with_chunks(checks, |active, chunk, now| {
            self.decide_chunk(active, chunk, now, &mut each);
        });
    }

    /// As [`check_each`](Self::check_each), answering only whether each request
    /// may proceed.
    pub fn allow_each(&self, checks: &[Check<'_>], mut each: impl FnMut(Result<bool, Error>)) {
        self.with_chunks(checks, |active, chunk, now| {
            match self.only_charges(active, chunk) {
                Some(charges) => self.charge_each(active, chunk, &charges, now, &mut each),
                None => self.decide_chunk(active, chunk, now, &mut each),
            }
        });
    }

    /// Hands a batch out in chunks, under one policy and at one instant.
    fn with_chunks(
        &self,
        checks: &[Check<'_>],
        mut decide: impl FnMut(&Active, &[Check<'_>], Now<'_>),
    ) {
        let knows = |active: &Active| checks.iter().all(|check| active.knows(check.endpoint));
        self.with_active(knows, |active| {
            let now = Now::Batch(self.clock.now(), &self.clock);
            for chunk in checks.chunks(CHUNK) {
                // The caller's names may be far, too.
                chunk
                    .iter()
                    .for_each(|check| prefetch(check.merchant.as_ptr()));
                decide(active, chunk, now);
            }
        });
    }

    /// Resolves the requests of a chunk, brings their keys near, and decides one after
    /// the other.
    fn decide_chunk<V: Verdict>(
        &self,
        active: &Active,
        chunk: &[Check<'_>],
        now: Now<'_>,
        each: &mut impl FnMut(Result<V, Error>),
    ) {
        let resolve = |check| self.resolve(active, check);
        let resolved: SmallVec<[Resolved<'_>; CHUNK]> = chunk.iter().map(resolve).collect();
        self.warm(active, &resolved);
        for resolved in resolved {
            each(resolved.and_then(|(governed, merchant, cost)| {
                let request = Request::new(self, active, Call::CHARGE, now);
                request.decide(&governed, merchant, cost)
            }));
        }
    }

    fn resolve<'c>(&self, active: &'c Active, check: &Check<'c>) -> Resolved<'c> {
        check_merchant(check.merchant)?;
        check_cost(check.cost)?;
        let governed = active.governs(check.endpoint)?;
        let merchant = Merchant::new(check.merchant, &self.hashing);
        Ok((governed, merchant, check.cost))
    }

    /// Brings the exact keys of a chunk near.
    fn warm(&self, active: &Active, resolved: &[Resolved<'_>]) {
        let mut keys: SmallVec<[Key; 4 * CHUNK]> = SmallVec::new();
        for (governed, merchant, _) in resolved.iter().flatten() {
            if let Governed::Rules(rules) = &**governed {
                let rules = rules.iter().map(|rule| active.rule(*rule));
                let exact = rules.filter(|active| active.rule.precision == Precision::Exact);
                keys.extend(exact.map(|active| active.key(merchant.hash)));
            }
        }
        self.tables.exact.warm(&keys, |_| {});
    }

    /// What a chunk charges, if each of its requests has an endpoint that was looked up
    /// and one exact rule.
    fn only_charges<'a>(
        &self,
        active: &'a Active,
        chunk: &[Check<'_>],
    ) -> Option<SmallVec<[PlainCharge<'a>; CHUNK]>> {
        let mut charges = SmallVec::new();
        for check in chunk {
            let Endpoint::Id(id) = check.endpoint else {
                return None;
            };
            check_merchant(check.merchant).ok()?;
            check_cost(check.cost).ok()?;
            let merchant = self.hashing.merchant(check.merchant);
            charges.push(self.only_charge(active, id, merchant, check.cost)?);
        }
        Some(charges)
    }

    /// Makes the charges of a chunk, the long way where the straight one ends.
    fn charge_each(
        &self,
        active: &Active,
        chunk: &[Check<'_>],
        charges: &[PlainCharge<'_>],
        now: Now<'_>,
        each: &mut impl FnMut(Result<bool, Error>),
    ) {
        let keys: SmallVec<[Key; CHUNK]> = charges.iter().map(|charge| charge.key).collect();
        let mut slots: SmallVec<[Option<usize>; CHUNK]> = SmallVec::new();
        self.tables.exact.warm(&keys, |slot| slots.push(slot));
        for ((check, charge), slot) in chunk.iter().zip(charges).zip(slots) {
            each(match self.charge_at_once(*charge, slot, now) {
                Ok(allowed) => Ok(allowed),
                Err(missed) => {
                    let answer = self.charge_by_itself(active, charge, missed, check.merchant, now);
                    answer.map_err(Error::from)
                }
            });
        }
    }
}
