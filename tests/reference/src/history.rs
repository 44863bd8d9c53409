//! What one key has been through: what it was charged and what it was lent.

use crate::window::{Precision, Window};

/// A bucketed rule orders its units by quanta of so many ticks.
const QUANTUM_TICKS: i128 = 1_024;

/// The units that one request was admitted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The tick at which they were judged.
    pub stamp: i128,
    pub units: i128,
}

/// Capacity lent by refunds, while the oldest refunded unit still counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Credit {
    pub units: i128,
    /// The stamp of the oldest refunded unit.
    pub oldest: i128,
}

/// One key: every admission since its last reset, never pruned, and its credit.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub log: Vec<Admission>,
    pub credit: Credit,
    /// How often the key was reset: a receipt from before a reset is void.
    pub resets: u64,
}

impl History {
    /// The tick at which the key is judged: the clock's, but never before its
    /// newest unit, or that unit's quantum, so that a clock that stepped back
    /// cannot take an admission back.
    pub fn judged_at(&self, precision: Precision, clock_tick: i128) -> i128 {
        let not_before = self.log.last().map_or(0, |newest| match precision {
            Precision::Exact => newest.stamp,
            Precision::Bucketed => newest.stamp / QUANTUM_TICKS * QUANTUM_TICKS,
        });
        clock_tick.max(not_before)
    }

    pub fn charge(&mut self, units: i128, stamp: i128) {
        self.log.push(Admission { stamp, units });
    }

    /// Lends `units` that were charged with that stamp. They join the credit if
    /// it is alive in `horizon`, the longest window that the rule ever had, and
    /// replace it otherwise. Units that count no more in it lend nothing.
    pub fn lend(&mut self, units: i128, stamp: i128, horizon: Window, clock_tick: i128) {
        if horizon.expires(stamp) <= clock_tick {
            return;
        }
        let credit = self.credit;
        self.credit = match credit.is_alive(horizon, clock_tick) {
            true => Credit {
                units: credit.units + units,
                oldest: credit.oldest.min(stamp),
            },
            false => Credit {
                units,
                oldest: stamp,
            },
        };
    }

    /// Forgets everything but that it was reset.
    pub fn reset(&mut self) {
        *self = History {
            resets: self.resets + 1,
            ..History::default()
        };
    }
}

impl Credit {
    /// Whether it raises the window's limit at that tick.
    pub fn is_alive(self, window: Window, tick: i128) -> bool {
        self.units > 0 && window.expires(self.oldest) > tick
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Window = Window {
        limit: 3,
        length_ticks: 10,
        precision: Precision::Exact,
    };

    fn lent(refunds: &[(i128, i128, i128)]) -> (i128, i128) {
        let mut history = History::default();
        for (units, stamp, clock_tick) in refunds {
            history.lend(*units, *stamp, TEN, *clock_tick);
        }
        (history.credit.units, history.credit.oldest)
    }

    #[test]
    fn a_refund_joins_a_living_credit_and_replaces_a_dead_one() {
        assert_eq!(lent(&[(2, 5, 6)]), (2, 5));
        assert_eq!(lent(&[(2, 5, 6), (1, 7, 14)]), (3, 5));
        assert_eq!(lent(&[(2, 5, 6), (1, 7, 15)]), (1, 7));
        assert_eq!(lent(&[(1, 7, 8), (2, 5, 8)]), (3, 5));
    }

    #[test]
    fn a_late_refund_lends_nothing_and_takes_nothing() {
        assert_eq!(lent(&[(2, 20, 21), (1, 5, 22)]), (2, 20));
        assert_eq!(lent(&[(1, 5, 15)]), (0, 0));
    }

    #[test]
    fn a_key_is_never_judged_before_its_newest_unit_or_quantum() {
        let mut history = History::default();
        assert_eq!(history.judged_at(Precision::Exact, 5), 5);
        history.charge(1, 3);
        history.charge(1, 2_100);
        for (precision, clock_tick, expected) in [
            (Precision::Exact, 5, 2_100),
            (Precision::Exact, 2_101, 2_101),
            (Precision::Bucketed, 5, 2_048),
            (Precision::Bucketed, 2_048, 2_048),
            (Precision::Bucketed, 2_060, 2_060),
        ] {
            assert_eq!(history.judged_at(precision, clock_tick), expected);
        }
    }

    #[test]
    fn a_reset_leaves_only_its_number() {
        let mut history = History::default();
        history.charge(2, 3);
        history.lend(1, 3, TEN, 4);
        history.reset();
        assert!(history.log.is_empty());
        assert_eq!(history.credit, Credit::default());
        assert_eq!(history.resets, 1);
    }
}
