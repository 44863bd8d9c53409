//! The straight way of a request that one exact rule governs: no lists, nothing to look
//! up twice. [`several`](super::several) has that of several rules.

use super::claim::Claim;
use super::{Call, Merchant, Request, check_cost, check_merchant};
use crate::error::Error;
use crate::limiter::active::{Active, ActiveRule};
use crate::limiter::usage::Count;
use crate::limiter::{Endpoint, EndpointId, Limiter, OnFull};
use crate::log::{Ask, Query};
use crate::table::{Failure, Key, Missed, NameHash, Reply};
use crate::time::Now;

impl Limiter {
    /// As [`decide`](Self::decide) with a charge.
    #[inline]
    pub(in crate::limiter) fn allow_at_once(
        &self,
        merchant: &[u8],
        endpoint: Endpoint<'_>,
        cost: u32,
    ) -> Result<bool, Error> {
        check_merchant(merchant)?;
        check_cost(cost)?;
        let merchant = Merchant::new(merchant, &self.hashing);
        if let Endpoint::Id(id) = endpoint {
            let now = Now::Live(&self.clock);
            let at_once = self.with_kept(|active| {
                let Some(charge) = self.only_charge(active, id, merchant.hash, cost) else {
                    return self.allow_several(active, id, merchant, cost).map(Ok);
                };
                Some(match self.charge_at_once(charge, None, now) {
                    Ok(allowed) => Ok(allowed),
                    Err(missed) => {
                        self.charge_by_itself(active, &charge, missed, merchant.name, now)
                    }
                })
            });
            if let Some(answer) = at_once {
                return answer.map_err(Error::from);
            }
        }
        self.decide_live(merchant, endpoint, cost, Call::CHARGE)
    }

    /// What a request charges if one exact rule governs it alone; `None` if the long
    /// way has to be gone.
    #[inline(always)]
    pub(in crate::limiter) fn only_charge<'a>(
        &self,
        active: &'a Active,
        endpoint: EndpointId,
        merchant: NameHash,
        cost: u32,
    ) -> Option<PlainCharge<'a>> {
        self.plain_charge(active.only_rule(endpoint)?, merchant, cost)
    }

    /// What a request charges to an exact rule; `None` if the long way has to be gone.
    #[inline(always)]
    pub(super) fn plain_charge<'a>(
        &self,
        active: &'a ActiveRule,
        merchant: NameHash,
        cost: u32,
    ) -> Option<PlainCharge<'a>> {
        let cost = cost.saturating_mul(active.rule.cost);
        if cost > active.min_limit || self.counts_keys {
            return None;
        }
        let key = active.key(merchant);
        Some(PlainCharge { active, key, cost })
    }

    /// Makes the charge, in `slot` if the key is known to have stood there. If it was
    /// missed, nothing was charged or counted and the long way has to be gone.
    #[inline(always)]
    pub(in crate::limiter) fn charge_at_once(
        &self,
        PlainCharge { active, key, cost }: PlainCharge<'_>,
        slot: Option<usize>,
        now: Now<'_>,
    ) -> Result<bool, Missed> {
        let exact = &self.tables.exact;
        let admitted = exact.charge(key, slot, &active.terms(cost), now)?;
        active.usage.count_answer(admitted, cost);
        Ok(admitted)
    }

    /// As [`charge_at_once`](Self::charge_at_once), for a key that was missed there: that
    /// has to be made room for, or helped on.
    #[cold]
    pub(in crate::limiter) fn charge_by_itself(
        &self,
        in_force: &Active,
        charge: &PlainCharge<'_>,
        missed: Missed,
        merchant: &[u8],
        now: Now<'_>,
    ) -> Result<bool, Corrupt> {
        let &PlainCharge { active, key, cost } = charge;
        let claim = charge.claim(merchant);
        let query = claim.query(Ask::Charge, false, None);
        let charged = self.tables.exact.charge_missed(missed, key, &query, now);
        match charged {
            Ok(admitted) => {
                active.usage.count_answer(admitted, cost);
                Ok(admitted)
            }
            Err(Failure::Full) => {
                let request = Request::new(self, in_force, Call::CHARGE, now);
                request.decide_without_room(&claim, &query)
            }
            Err(Failure::Corrupt) => Err(Corrupt),
        }
    }
}

impl Request<'_> {
    /// Decides on the request's only claim, which found no room.
    #[cold]
    fn decide_without_room(&self, claim: &Claim<'_>, query: &Query<'_>) -> Result<bool, Corrupt> {
        let usage = &claim.active.usage;
        let allowed = match self.without_room(claim, query, self.now) {
            Reply::Answered(answer, _) => {
                usage.count_answer(answer.admitted, claim.cost);
                answer.admitted
            }
            Reply::Full => self.limiter.on_full == OnFull::Admit,
            Reply::Corrupt => return Err(Corrupt),
        };
        self.limiter.untracked.count();
        usage.count(Count::Untracked);
        Ok(allowed)
    }
}

/// The words of a key contradict each other: [`Error::Corrupt`], in a byte.
pub(in crate::limiter) struct Corrupt;

impl From<Corrupt> for Error {
    fn from(Corrupt: Corrupt) -> Self {
        Self::Corrupt
    }
}

/// The charge of a request to one exact rule, for which its cost is not too large.
#[derive(Clone, Copy)]
pub(in crate::limiter) struct PlainCharge<'a> {
    pub(super) active: &'a ActiveRule,
    pub key: Key,
    pub(super) cost: u32,
}

impl<'a> PlainCharge<'a> {
    /// The same for the long way, as a request's first claim.
    pub(super) fn claim(&self, merchant: &'a [u8]) -> Claim<'a> {
        let Self { active, key, cost } = *self;
        Claim {
            active,
            name: active.owner_name(merchant),
            windows: &active.rule.windows,
            cost,
            key,
            place: 0,
        }
    }
}
