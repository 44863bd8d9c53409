//! Capacity lent by refunds.
//!
//! A refunded unit stays in the log; its credit lets one more pass, until the
//! oldest refunded unit leaves the window. So a credit may vanish early and never
//! late. A credit whose oldest unit is older than the tenant is a former tenant's
//! and lends nothing.

use super::Buckets;
use super::mark::{Mark, first_tick, quantum_of};
use super::span::Span;
use crate::law::Credit;
use crate::log::{ATTEMPTS, Charged, Horizons};

/// What of a refund word still lends at `at` to the tenant born at `birth`.
#[inline]
pub(super) fn credit(lent: Mark, birth: Mark, horizons: &Horizons, at: u64) -> Credit {
    let oldest = first_tick(lent.quantum());
    let is_former = lent.quantum() < birth.quantum();
    // A log counts by the windows that it had from the first, and none is longer.
    let longest = || Span::of(horizons.of(horizons.newest()));
    if lent.units() == 0 || is_former || longest().leaves_at(oldest) <= at {
        return Credit::default();
    }
    Credit {
        units: lent.units(),
        oldest,
        ends_at: u64::MAX,
    }
}

impl Buckets<'_> {
    /// What refunds have lent, to this tenant or an earlier one.
    #[inline]
    pub(super) fn lent(&self) -> Mark {
        Mark(self.refund_word().load())
    }

    /// Lends back what an admission charged; whether that lends anything. Each
    /// admission may be refunded once. Under another tenant it has no effect,
    /// because the credit is older than that tenant's birth.
    pub fn refund(&self, charged: Charged, horizons: &Horizons, now: u64) -> bool {
        let Charged { units, at, era } = charged;
        let span = Span::of(horizons.of(era));
        let admitted = quantum_of(at);
        for _ in 0..ATTEMPTS {
            let word = Mark(self.refund_word().load());
            let birth = Mark(self.birth_word().load());
            // A frozen log is nobody's, or a reset key's.
            if self.is_frozen() || admitted < birth.quantum() || span.leaves_at(at) <= now {
                return false;
            }
            let alive = word.units() > 0
                && word.quantum() >= birth.quantum()
                && span.leaves_at(first_tick(word.quantum())) > now;
            let credit = match alive {
                true => {
                    let lent = word.units().saturating_add(units);
                    Mark::capped(word.quantum().min(admitted), lent)
                }
                false => Mark::capped(admitted, units),
            };
            if self.refund_word().cas(word.0, credit.0) {
                return true;
            }
        }
        false
    }
}
