//! The head word of a ring: `stamp:48 | level:3 | count:13`.
//!
//! One word says all that an admission changes: the stamp of the newest unit,
//! which plane the cells lie in, and how many units were ever admitted, modulo
//! 2^13. Stamps never fall, every admission moves the count, growth moves the level,
//! a tenant begins at a later stamp than the former tenant's last, and of one stamp
//! there are at most as many units as the largest plane holds, half of 2^13, because a
//! window admits no more with all that refunds have lent and every window is longer
//! than a tick; so a head value does not come back and a compare-and-swap on it cannot
//! be fooled.

use super::planes::CAPACITIES;
use crate::sync::fault::{Fault, planted};
use crate::time::LAST_TICK;

/// Counts run modulo 2^13: at least twice the largest capacity, so that the
/// units not yet written are never mistaken for a lap.
pub(crate) const COUNT_MASK: u64 = (1 << 13) - 1;

const _: () = assert!(CAPACITIES[CAPACITIES.len() - 1] as u64 * 2 <= COUNT_MASK + 1);

const LEVEL_SHIFT: u32 = 13;
const LEVEL_MASK: u64 = 0b111;
const STAMP_SHIFT: u32 = 16;
const FROZEN: u64 = 7;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head(pub u64);

impl Head {
    fn new(stamp: u64, level: u64, count: u64) -> Self {
        debug_assert!(stamp <= LAST_TICK, "a stamp after the last tick");
        Self((stamp << STAMP_SHIFT) | (level << LEVEL_SHIFT) | (count & COUNT_MASK))
    }

    /// The stamp of the newest unit, or the instant of rebirth if that is later.
    pub fn stamp(self) -> u64 {
        self.0 >> STAMP_SHIFT
    }

    pub fn count(self) -> u64 {
        self.0 & COUNT_MASK
    }

    /// The plane that holds the cells; of a frozen head there is none.
    pub fn level(self) -> usize {
        ((self.0 >> LEVEL_SHIFT) & LEVEL_MASK) as usize
    }

    /// Whether the ring is closed to admissions until a new tenant revives it.
    pub fn is_frozen(self) -> bool {
        self.level() == FROZEN as usize
    }

    /// Whether no protocol step of a ring with `levels` planes could have
    /// written this word.
    pub fn is_corrupt(self, levels: usize) -> bool {
        self.level() >= levels && !self.is_frozen()
    }

    /// The head after `units` more units stamped `at`.
    pub fn admit(self, at: u64, units: u32) -> Self {
        Self::new(at, self.level() as u64, self.count() + u64::from(units))
    }

    /// The head of the same log in a higher plane. The stamp moves along, so that
    /// a clock that steps back cannot bring back units that were not copied.
    pub fn grown(self, at: u64, level: usize) -> Self {
        let at = match planted(Fault::GrowthKeepsStamp) {
            true => self.stamp(),
            false => at,
        };
        Self::new(at, level as u64, self.count())
    }

    pub fn frozen(self) -> Self {
        Self::new(self.stamp(), FROZEN, self.count())
    }

    /// The head of a new tenant's ring.
    pub fn revived(self, at: u64) -> Self {
        Self::new(at, 0, self.count())
    }

    /// How many of the admitted units have no cell yet, given the count of those
    /// that have.
    pub fn missing(self, filled: u64) -> u64 {
        self.count().wrapping_sub(filled) & COUNT_MASK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_fields_do_not_touch() {
        let head = Head::new((1 << 48) - 1, 0, COUNT_MASK);
        assert_eq!(
            (head.stamp(), head.count(), head.is_frozen()),
            ((1 << 48) - 1, COUNT_MASK, false)
        );
        let next = head.admit((1 << 48) - 1, 1);
        assert_eq!((next.stamp(), next.count()), ((1 << 48) - 1, 0));
        let frozen = head.frozen();
        assert_eq!(
            (frozen.stamp(), frozen.count(), frozen.is_frozen()),
            (head.stamp(), head.count(), true)
        );
        assert!(!frozen.revived(5).is_frozen());
    }

    #[test]
    fn missing_units_are_counted_across_the_wrap() {
        let head = Head::new(1, 0, 3);
        assert_eq!(head.missing(8_192 + 3), 0);
        assert_eq!(head.missing(8_191), 4);
    }

    #[test]
    fn levels_that_nobody_writes_are_corrupt() {
        let grown = Head(0).grown(1, 3);
        assert!(grown.is_corrupt(3) && !grown.is_corrupt(4));
        assert!(!Head(0).is_corrupt(1));
        assert!(!Head(0).frozen().is_corrupt(1));
    }
}
