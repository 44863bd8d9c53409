//! Capacity lent by refunds: `units:12 | era:4 | oldest:48`.
//!
//! A refunded unit stays in the log; its credit lets one more pass, until the
//! oldest refunded unit leaves the window, or leaves the longest window that the
//! rule had when the unit was admitted ([`Horizons`]). So a credit may vanish
//! early and never late. A credit whose oldest stamp is not later than the
//! tenant's birth is a former tenant's and lends nothing.

use super::Ring;
use crate::law::Credit;
use crate::log::{ATTEMPTS, Charged, Era, Horizons};
use crate::sync::fault::{Fault, planted};
use crate::sync::trace::{Event, event};

const STAMP_BITS: u32 = 48;
const STAMP_MASK: u64 = (1 << STAMP_BITS) - 1;
const ERA_BITS: u32 = 4;
const ERA_MASK: u64 = (1 << ERA_BITS) - 1;
const UNITS_SHIFT: u32 = STAMP_BITS + ERA_BITS;

/// More is cut, which lends less. No window of a ring lets more than this and
/// one unit pass.
const MAX_UNITS: u64 = (1 << 12) - 1;

impl Ring<'_> {
    /// What refunds have lent, to this tenant or an earlier one.
    #[inline]
    pub(super) fn lent(&self) -> Lent {
        Lent(self.refund_word().load())
    }

    /// Lends back what an admission charged; whether that lends anything. Each
    /// admission may be refunded once. Under another tenant it has no effect,
    /// because the credit is older than that tenant's birth.
    pub fn refund(&self, charged: Charged, horizons: &Horizons, now: u64) -> bool {
        let era = match planted(Fault::RefundOfNewestEra) {
            true => horizons.newest(),
            false => charged.era,
        };
        let charged = Charged { era, ..charged };
        for _ in 0..ATTEMPTS {
            let early = planted(Fault::RefundReadsBirthEarly).then(|| self.birth().load());
            let word = self.refund_word().load();
            let birth = early.unwrap_or_else(|| self.birth().load());
            if charged.at <= birth && !planted(Fault::RefundIgnoresBirth) {
                event(Event::RefundLate);
                return false;
            }
            let lasts = |c: &Charged| c.is_forgotten_at(horizons) > now;
            // A frozen ring is nobody's, or a reset key's.
            if self.head().is_frozen() || !lasts(&charged) {
                return false;
            }
            let is_own = |lent: &Charged| lent.units > 0 && lent.at > birth;
            let lent = Some(decode(word)).filter(|lent| is_own(lent) && lasts(lent));
            if self.refund_word().cas(word, encode(charged.with(lent))) {
                event(Event::Refund);
                return true;
            }
            if planted(Fault::RefundOnce) {
                return true;
            }
        }
        false
    }
}

/// A refund word as it was read.
#[derive(Clone, Copy)]
pub(super) struct Lent(u64);

impl Lent {
    /// What of it still lends at `at` to the tenant born at `birth`.
    #[inline]
    pub fn credit(self, birth: u64, horizons: &Horizons, at: u64) -> Credit {
        match self.0 {
            0 => Credit::default(),
            word => credit(decode(word), birth, horizons, at),
        }
    }
}

/// Refunds are rare, and what they lent stays written when it has long ended.
#[cold]
fn credit(lent: Charged, birth: u64, horizons: &Horizons, at: u64) -> Credit {
    let is_former = lent.at <= birth && !planted(Fault::CreditIgnoresBirth);
    let ends_at = match planted(Fault::CreditOutlivesLog) {
        true => u64::MAX,
        false => lent.is_forgotten_at(horizons),
    };
    if lent.units == 0 || is_former || ends_at <= at {
        return Credit::default();
    }
    Credit {
        units: lent.units,
        oldest: lent.at,
        ends_at,
    }
}

fn decode(word: u64) -> Charged {
    Charged {
        units: (word >> UNITS_SHIFT) as u32,
        at: word & STAMP_MASK,
        era: Era(((word >> STAMP_BITS) & ERA_MASK) as u8),
    }
}

fn encode(lent: Charged) -> u64 {
    let units = u64::from(lent.units).min(MAX_UNITS);
    (units << UNITS_SHIFT) | (u64::from(lent.era.0) << STAMP_BITS) | (lent.at & STAMP_MASK)
}

#[cfg(all(test, not(any(slidegate_loom, slidegate_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn the_fields_do_not_touch() {
        let whole = Charged {
            units: 4_095,
            at: STAMP_MASK,
            era: Era(15),
        };
        for lent in [
            whole,
            Charged { units: 1, ..whole },
            Charged { at: 1, ..whole },
            Charged {
                era: Era(1),
                ..whole
            },
        ] {
            assert_eq!(decode(encode(lent)), lent);
        }
        let more = Charged {
            units: 4_097,
            ..whole
        };
        assert_eq!(decode(encode(more)), whole);
    }
}
