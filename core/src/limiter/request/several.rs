//! The straight way of a request that several exact rules govern, and that only wants to
//! know whether it may proceed: all logs are observed, then the clock is read, all are
//! judged, and all are charged or none. Where anything is out of the ordinary (a key
//! that has no slot yet, a log that has to grow), the long way is gone instead.

use smallvec::SmallVec;

use super::at_once::PlainCharge;
use crate::limiter::active::{Active, Governed};
use crate::limiter::receipt::Charge;
use crate::limiter::usage::Count;
use crate::limiter::{EndpointId, Limiter};
use crate::log::{Charged, Terms};
use crate::ring::{Judged, Observed};
use crate::sync::fault::{Fault, planted};
use crate::table::{NameHash, Place};
use crate::time::{Now, Reading};
use crate::window::Precision;

/// Rules of one request, at most, that are charged so.
const SEVERAL: usize = 4;

/// A rule's charge, and its key's log.
struct Part<'a> {
    charge: PlainCharge<'a>,
    place: Place,
    log: Observed<'a>,
}

impl Limiter {
    /// Decides a request to an endpoint looked up before; `None` if nothing was decided
    /// and the long way has to be gone. What was charged by then has been lent back.
    #[inline(never)]
    pub(in crate::limiter) fn allow_several(
        &self,
        active: &Active,
        endpoint: EndpointId,
        merchant: NameHash,
        cost: u32,
    ) -> Option<bool> {
        let parts = self.parts(active, endpoint, merchant, cost)?;
        // After all heads, as a charge of one rule reads it after its own.
        let now = self.clock.now();
        let judge = |part: &Part<'_>| part.log.judge(&part.terms(), now.tick());
        let judged: Option<SmallVec<[Judged; SEVERAL]>> = parts.iter().map(judge).collect();
        let judged = judged?;
        let admits = judged.iter().all(|judged| judged.admits);
        if admits && !self.commit_all(&parts, &judged, now) {
            return None;
        }
        // A denial is counted by the rules that denied.
        for (part, judged) in parts.iter().zip(&judged) {
            let usage = &part.charge.active.usage;
            match (admits, judged.admits) {
                (true, _) => usage.count_answer(true, part.charge.cost),
                (false, true) => {}
                (false, false) => usage.count(Count::Denied),
            }
        }
        Some(admits)
    }

    /// Observes the logs of all rules of a request.
    #[inline(always)]
    fn parts<'a>(
        &'a self,
        active: &'a Active,
        endpoint: EndpointId,
        merchant: NameHash,
        cost: u32,
    ) -> Option<SmallVec<[Part<'a>; SEVERAL]>> {
        let Governed::Rules(rules) = active.governs_id(endpoint).ok()? else {
            return None;
        };
        if rules.len() > SEVERAL {
            return None;
        }
        let mut charges: SmallVec<[PlainCharge<'a>; SEVERAL]> = SmallVec::new();
        for rule in rules {
            let rule = active.rule(*rule);
            if rule.rule.precision != Precision::Exact {
                return None;
            }
            let charge = self.plain_charge(rule, merchant, cost)?;
            // All keys are waited for at once.
            self.tables.exact.approach(charge.key);
            charges.push(charge);
        }
        let part = |charge: PlainCharge<'a>| {
            let terms = charge.active.terms(charge.cost);
            let (place, log) = self.tables.exact.observe(charge.key, &terms)?;
            Some(Part { charge, place, log })
        };
        charges.into_iter().map(part).collect()
    }

    /// Charges one log after the other; `false` if one has moved since it was judged, and
    /// what was charged before it has been lent back.
    #[inline(always)]
    fn commit_all(&self, parts: &[Part<'_>], judged: &[Judged], now: Reading) -> bool {
        for (done, (part, verdict)) in parts.iter().zip(judged).enumerate() {
            if !part.log.commit(*verdict, part.charge.cost) {
                if !planted(Fault::ChargeKept) {
                    self.lend_back(&parts[..done], judged, now);
                }
                return false;
            }
        }
        true
    }

    #[cold]
    fn lend_back(&self, parts: &[Part<'_>], judged: &[Judged], now: Reading) {
        for (part, judged) in parts.iter().zip(judged) {
            let horizons = &part.charge.active.horizons;
            let charge = Charge {
                place: part.place,
                charged: Charged {
                    units: part.charge.cost,
                    at: judged.at,
                    era: horizons.newest(),
                },
                precision: Precision::Exact,
            };
            self.tables.refund(charge, horizons, Now::Fixed(now));
        }
    }
}

impl<'a> Part<'a> {
    #[inline(always)]
    fn terms(&self) -> Terms<'a> {
        self.charge.active.terms(self.charge.cost)
    }
}
