//! Many requests in one call.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::active::{Active, Governed};
use super::request::{Call, Merchant, Request, Verdict, check_cost, check_merchant};
use super::{Endpoint, Limiter};
use crate::decision::Decision;
use crate::error::Error;
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
type Asked<'c> = (Cow<'c, Governed>, Merchant<'c>, u32);

type Resolved<'c> = Result<Asked<'c>, Error>;

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
    /// allocated as long as sixteen
    /// requests have no more than 64 rules together.
    pub fn check_each(&self, checks: &[Check<'_>], each: impl FnMut(Result<Decision, Error>)) {
        self.decide_each(checks, each);
    }

    /// As [`check_each`](Self::check_each), answering only whether each request
    /// may proceed.
    pub fn allow_each(&self, checks: &[Check<'_>], mut each: impl FnMut(Result<bool, Error>)) {
        let decide = |active: &Active, asked: Asked<'_>, slot: Option<usize>, now: Now<'_>| {
            let (governed, merchant, cost) = asked;
            match self.charge_at_once(active, &governed, merchant, cost, slot, now) {
                Some(allowed) => Ok(allowed),
                None => {
                    let request = Request::new(self, active, Call::CHARGE, now);
                    request.decide(&governed, merchant, cost)
                }
            }
        };
        self.resolve_each(checks, decide, &mut each);
    }

    fn decide_each<V: Verdict>(
        &self,
        checks: &[Check<'_>],
        mut each: impl FnMut(Result<V, Error>),
    ) {
        self.resolve_each(
            checks,
            |active, (governed, merchant, cost), _, now| {
                let request = Request::new(self, active, Call::CHARGE, now);
                request.decide(&governed, merchant, cost)
            },
            &mut each,
        );
    }

    /// Resolves the requests in chunks, brings their keys near, and has them decided
    /// one after the other.
    fn resolve_each<V>(
        &self,
        checks: &[Check<'_>],
        decide: impl Fn(&Active, Asked<'_>, Option<usize>, Now<'_>) -> Result<V, Error>,
        each: &mut impl FnMut(Result<V, Error>),
    ) {
        let knows = |active: &Active| checks.iter().all(|check| active.knows(check.endpoint));
        self.with_active(knows, |active| {
            let now = Now::Batch(self.clock.now(), &self.clock);
            for chunk in checks.chunks(CHUNK) {
                let resolve = |check| self.resolve(active, check);
                let resolved: SmallVec<[Resolved<'_>; CHUNK]> = chunk.iter().map(resolve).collect();
                let slots = self.warm(active, &resolved);
                for (resolved, slot) in resolved.into_iter().zip(slots) {
                    each(resolved.and_then(|asked| decide(active, asked, slot, now)));
                }
            }
        });
    }

    fn resolve<'c>(&self, active: &'c Active, check: &Check<'c>) -> Resolved<'c> {
        check_merchant(check.merchant)?;
        check_cost(check.cost)?;
        let governed = active.governs(check.endpoint)?;
        let merchant = Merchant::new(check.merchant, &self.hashing);
        Ok((governed, merchant, check.cost))
    }

    /// Brings the keys of a chunk near, and says where those stand that are the only
    /// ones of their requests.
    fn warm(&self, active: &Active, resolved: &[Resolved<'_>]) -> [Option<usize>; CHUNK] {
        let mut keys: SmallVec<[Key; 4 * CHUNK]> = SmallVec::new();
        let mut alone = [None; CHUNK];
        for (alone, resolved) in alone.iter_mut().zip(resolved) {
            let Ok((governed, merchant, _)) = resolved else {
                continue;
            };
            if let Governed::Rules(rules) = &**governed {
                let rules = rules.iter().map(|rule| active.rule(*rule));
                let exact = rules.filter(|active| active.rule.precision == Precision::Exact);
                *alone = Some(keys.len());
                keys.extend(exact.map(|active| active.key(merchant.hash)));
            }
        }
        let slots = self.tables.exact.warm(&keys);
        alone.map(|place| slots.get(place?).copied().flatten())
    }
}
