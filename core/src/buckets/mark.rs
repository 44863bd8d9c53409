//! The one layout of all words of a bucketed log: `flag:1 | quantum:38 | units:25`.
//!
//! | word | flag | quantum | units |
//! |---|---|---|---|
//! | head | frozen | of the newest admission, or of the rebirth | admitted in all |
//! | birth | – | of the rebirth | as the tenant found them |
//! | cell | the head has left this bucket | the first of the bucket | as the head found them when it entered |
//! | refund | – | of the oldest refunded unit | lent |
//!
//! Units run modulo 2^25; what is compared lies at most 2^24 apart ([`MOST`]).

/// A quantum is 2^10 ticks: the narrowest bucket.
pub(crate) const QUANTUM_LOG2: u32 = 10;

const UNITS_BITS: u32 = 25;
const UNITS_MASK: u64 = (1 << UNITS_BITS) - 1;
const QUANTUM_MASK: u64 = (1 << 38) - 1;
const FLAG: u64 = 1 << 63;

/// The largest limit, and the most units that a window may ever hold, lent ones
/// included.
pub(crate) const MOST: u32 = 1 << (UNITS_BITS - 1);

/// The quantum that a tick falls into.
#[inline]
pub(super) fn quantum_of(tick: u64) -> u64 {
    tick >> QUANTUM_LOG2
}

/// The first tick of a quantum.
#[inline]
pub(super) fn first_tick(quantum: u64) -> u64 {
    quantum << QUANTUM_LOG2
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(pub u64);

impl Mark {
    pub fn new(quantum: u64, units: u32) -> Self {
        Self(((quantum & QUANTUM_MASK) << UNITS_BITS) | (u64::from(units) & UNITS_MASK))
    }

    pub fn quantum(self) -> u64 {
        (self.0 >> UNITS_BITS) & QUANTUM_MASK
    }

    pub fn units(self) -> u32 {
        (self.0 & UNITS_MASK) as u32
    }

    pub fn is_flagged(self) -> bool {
        self.0 & FLAG != 0
    }

    pub fn flagged(self) -> Self {
        Self(self.0 | FLAG)
    }

    /// `units` more, at `quantum`.
    pub fn after(self, quantum: u64, units: u32) -> Self {
        Self::new(quantum, self.units().wrapping_add(units))
    }

    /// How many units were admitted since `earlier`.
    #[inline]
    pub fn since(self, earlier: Self) -> u32 {
        self.units().wrapping_sub(earlier.units()) & UNITS_MASK as u32
    }

    /// At most as many units as the layout holds.
    pub fn capped(quantum: u64, units: u32) -> Self {
        Self::new(quantum, units.min(UNITS_MASK as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::LAST_TICK;

    #[test]
    fn the_three_fields_do_not_touch() {
        let last = quantum_of(LAST_TICK);
        let mark = Mark::new(last, (1 << 25) - 1);
        assert_eq!((mark.quantum(), mark.units()), (last, (1 << 25) - 1));
        assert!(!mark.is_flagged() && mark.flagged().is_flagged());
        let next = mark.after(last, 1);
        assert_eq!(
            (next.quantum(), next.units(), next.is_flagged()),
            (last, 0, false)
        );
        assert_eq!(next.since(mark), 1);
        assert_eq!(Mark::capped(3, u32::MAX).quantum(), 3);
    }
}
