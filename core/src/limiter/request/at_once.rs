//! The straight way of a request that only wants to know whether it may proceed, and
//! that one exact rule governs: no lists, no decision, nothing to look up twice.

use super::{Call, Merchant, Request, check_cost, check_merchant};
use crate::error::Error;
use crate::limiter::active::{Active, ActiveRule, Governed};
use crate::limiter::{Endpoint, Limiter};
use crate::log::{Ask, Query};
use crate::table::{Key, NameHash, Reply};
use crate::time::Now;
use crate::window::Precision;

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
        let knows = |active: &Active| active.knows(endpoint);
        self.with_active(knows, |active| {
            let now = Now::Live(&self.clock);
            let merchant = Merchant::new(merchant, &self.hashing);
            if let Endpoint::Id(id) = endpoint
                && let Ok(governed) = active.governs_id(id)
                && let Some(charge) = self.only_charge(active, governed, merchant.hash, cost)
            {
                return match self.charge_at_once(charge, None, now) {
                    Some(allowed) => Ok(allowed),
                    None => self.allow_longer(active, governed, merchant, cost),
                };
            }
            let request = Request::new(self, active, Call::CHARGE, now);
            request.decide_named(endpoint, merchant, cost)
        })
    }

    /// As [`allow_at_once`](Self::allow_at_once), for a key that has to be made room for,
    /// or helped on.
    #[cold]
    fn allow_longer(
        &self,
        active: &Active,
        governed: &Governed,
        merchant: Merchant<'_>,
        cost: u32,
    ) -> Result<bool, Error> {
        let now = Now::Live(&self.clock);
        let charge = self.only_charge(active, governed, merchant.hash, cost);
        match charge.and_then(|charge| self.charge_by_itself(&charge, merchant.name, now)) {
            Some(allowed) => Ok(allowed),
            None => Request::new(self, active, Call::CHARGE, now).decide(governed, merchant, cost),
        }
    }

    /// What a request charges if one exact rule governs it alone; `None` if the long
    /// way has to be gone.
    #[inline(always)]
    pub(in crate::limiter) fn only_charge<'a>(
        &self,
        active: &'a Active,
        governed: &Governed,
        merchant: NameHash,
        cost: u32,
    ) -> Option<OnlyCharge<'a>> {
        let Governed::Rules(rules) = governed else {
            return None;
        };
        let &[rule] = &**rules else { return None };
        let active = active.rule(rule);
        let cost = cost.saturating_mul(active.rule.cost);
        let is_exact = active.rule.precision == Precision::Exact;
        if !is_exact || cost > active.min_limit || self.counts_keys {
            return None;
        }
        let key = active.key(merchant);
        Some(OnlyCharge { active, key, cost })
    }

    /// Makes the charge, in `slot` if the key is known to have stood there; `None` if
    /// nothing was charged or counted and the long way has to be gone.
    #[inline(always)]
    pub(in crate::limiter) fn charge_at_once(
        &self,
        OnlyCharge { active, key, cost }: OnlyCharge<'_>,
        slot: Option<usize>,
        now: Now<'_>,
    ) -> Option<bool> {
        let windows = &active.rule.windows;
        let exact = &self.tables.exact;
        let admitted = exact.charge(key, slot, windows, &active.horizons, cost, now)?;
        active.usage.count_answer(admitted, cost);
        Some(admitted)
    }
}

impl Limiter {
    /// As [`charge_at_once`](Self::charge_at_once), for a key that has to be made room
    /// for, or helped on; `None` if there is no room for it.
    #[cold]
    pub(in crate::limiter) fn charge_by_itself(
        &self,
        charge: &OnlyCharge<'_>,
        merchant: &[u8],
        now: Now<'_>,
    ) -> Option<bool> {
        let &OnlyCharge { active, key, cost } = charge;
        let query = Query {
            name: active.owner_name(merchant),
            windows: &active.rule.windows,
            widths: active.shifts.widths(),
            horizons: &active.horizons,
            cost,
            ask: Ask::Charge,
            detail: false,
            standings: None,
        };
        let Reply::Answered(answer, _) = self.tables.exact.ask_longer(key, &query, now) else {
            return None;
        };
        active.usage.count_answer(answer.admitted, cost);
        Some(answer.admitted)
    }
}

/// The charge of a request that one exact rule governs, to which its cost is not too
/// large.
#[derive(Clone, Copy)]
pub(in crate::limiter) struct OnlyCharge<'a> {
    active: &'a ActiveRule,
    pub key: Key,
    cost: u32,
}
