//! Capacity lent by refunds: `units:16 | oldest:48`.
//!
//! A refunded unit stays in the log; its credit lets one more pass, until the
//! oldest refunded unit leaves the window. So a credit may vanish early and never
//! late. A credit whose oldest stamp is not later than the tenant's birth is a
//! former tenant's and lends nothing.

use super::{ATTEMPTS, Ring};
use crate::law::Credit;

const STAMP_BITS: u32 = 48;
const STAMP_MASK: u64 = (1 << STAMP_BITS) - 1;
const MAX_UNITS: u64 = u16::MAX as u64;

impl Ring<'_> {
    /// The credit of the tenant born at `birth`.
    #[inline]
    pub(super) fn credit(&self, birth: u64) -> Credit {
        let credit = decode(self.refund_word().load());
        match credit.oldest > birth {
            true => credit,
            false => Credit::default(),
        }
    }

    /// Lends back `units` that were admitted with the stamp `admitted_at`; whether
    /// they lend anything. Each admission may be refunded once. Under another
    /// tenant it has no effect, because the credit is older than that tenant's
    /// birth.
    pub fn refund(&self, units: u32, admitted_at: u64, horizon: u64, now: u64) -> bool {
        for _ in 0..ATTEMPTS {
            let word = self.refund_word().load();
            let birth = self.birth().load();
            // A frozen ring is nobody's, or a reset key's.
            if self.head().is_frozen()
                || admitted_at <= birth
                || admitted_at.saturating_add(horizon) <= now
            {
                return false;
            }
            let lent = decode(word);
            let alive =
                lent.units > 0 && lent.oldest > birth && lent.oldest.saturating_add(horizon) > now;
            let credit = match alive {
                true => Credit {
                    units: lent.units.saturating_add(units),
                    oldest: lent.oldest.min(admitted_at),
                },
                false => Credit {
                    units,
                    oldest: admitted_at,
                },
            };
            if self.refund_word().cas(word, encode(credit)) {
                return true;
            }
        }
        false
    }
}

fn decode(word: u64) -> Credit {
    Credit {
        units: (word >> STAMP_BITS) as u32,
        oldest: word & STAMP_MASK,
    }
}

/// More than 16 bits of units are cut: lending less is safe.
fn encode(credit: Credit) -> u64 {
    (u64::from(credit.units).min(MAX_UNITS) << STAMP_BITS) | (credit.oldest & STAMP_MASK)
}
