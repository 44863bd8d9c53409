//! The straight way of a request that several exact rules govern, and that only wants to
//! know whether it may proceed: all logs are observed, then the clock is read, all are
//! judged, and all are charged or none. Where anything is out of the ordinary (a key
//! that has no slot yet, a log that has to grow), the long way is gone instead.
//!
//! A log that has moved since it was judged is charged anew; only if it denies then is
//! lent back what was charged before it, and the request decided anew. A thread that stops
//! between two charges leaves the first charged, for one window.

use smallvec::SmallVec;

use super::Merchant;
use super::at_once::PlainCharge;
use crate::limiter::active::{Active, Governed};
use crate::limiter::receipt::Charge;
use crate::limiter::usage::Count;
use crate::limiter::{EndpointId, Limiter};
use crate::log::{Ask, Terms};
use crate::ring::{Judged, Observed};
use crate::table::{NameHash, Place, Reply};
use crate::time::Now;
use crate::window::Precision;

/// Rules of one request, at most, that are charged so.
const MOST_RULES: usize = 4;

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
        merchant: Merchant<'_>,
        cost: u32,
    ) -> Option<bool> {
        let parts = self.parts(active, endpoint, merchant.hash, cost)?;
        // After all heads, as a charge of one rule reads it after its own.
        let now = self.clock.now();
        let mut judged: SmallVec<[Judged; MOST_RULES]> = SmallVec::new();
        for part in &parts {
            judged.push(part.log.judge(&part.terms(), now.tick())?);
        }
        let admits = judged.iter().all(|judged| judged.admits);
        if admits && !self.commit_all(active, &parts, &judged, merchant.name) {
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
    ) -> Option<SmallVec<[Part<'a>; MOST_RULES]>> {
        let Governed::Rules(rules) = active.governs_id(endpoint).ok()? else {
            return None;
        };
        if !(2..=MOST_RULES).contains(&rules.len()) {
            return None;
        }
        let mut charges: SmallVec<[PlainCharge<'a>; MOST_RULES]> = SmallVec::new();
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
        let mut parts: SmallVec<[Part<'a>; MOST_RULES]> = SmallVec::new();
        for charge in charges {
            let terms = charge.active.terms(charge.cost);
            let (place, log) = self.tables.exact.observe(charge.key, &terms)?;
            parts.push(Part { charge, place, log });
        }
        Some(parts)
    }

    /// Charges one log after the other; `false` if one denies after all, and what was
    /// charged before it has been lent back.
    #[inline(always)]
    fn commit_all(
        &self,
        active: &Active,
        parts: &[Part<'_>],
        judged: &[Judged],
        merchant: &[u8],
    ) -> bool {
        let mut charged: SmallVec<[Charge; MOST_RULES]> = SmallVec::new();
        for (part, judged) in parts.iter().zip(judged) {
            let charge = match part.log.commit(*judged, part.charge.cost) {
                true => Some(part.charged(part.place, judged.at)),
                // Nothing has been charged yet.
                false if charged.is_empty() => return false,
                false => self.charge_anew(part, merchant),
            };
            match charge {
                Some(charge) => charged.push(charge),
                None => {
                    let now = Now::Fixed(self.clock.now());
                    self.lend_back(active, charged.into_iter(), now);
                    return false;
                }
            }
        }
        true
    }

    /// Charges a log that has moved since it was judged, the long way.
    #[cold]
    fn charge_anew(&self, part: &Part<'_>, merchant: &[u8]) -> Option<Charge> {
        let query = part.charge.claim(merchant).query(Ask::Charge, false, None);
        let (now, slot) = (Now::Live(&self.clock), part.place.slot);
        match self.tables.exact.ask_at(slot, part.charge.key, &query, now) {
            Reply::Answered(answer, Some(place)) if answer.admitted => {
                Some(part.charged(place, answer.at))
            }
            _ => None,
        }
    }
}

impl<'a> Part<'a> {
    fn charged(&self, place: Place, at: u64) -> Charge {
        self.charge.active.charge(place, self.charge.cost, at)
    }

    #[inline(always)]
    fn terms(&self) -> Terms<'a> {
        self.charge.active.terms(self.charge.cost)
    }
}
