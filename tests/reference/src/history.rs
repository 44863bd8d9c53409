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

/// Capacity lent by one refund or several, while the oldest refunded unit still
/// counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credit {
    pub units: i128,
    /// The stamp of the oldest refunded unit.
    pub oldest: i128,
    /// How long an engine remembers the refunded units for certain: the longest
    /// window of their rule when they were admitted, and the shortest such where
    /// it grew between them. Under a longer one they may be forgotten, and what
    /// they lend would be capacity that nobody took.
    pub horizon: Window,
}

/// One key: every admission since its last reset, never pruned, and its credit,
/// if there was a refund.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub log: Vec<Admission>,
    pub credit: Option<Credit>,
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

    /// Lends what one refund gives back. It joins the credit if that is alive,
    /// and replaces it otherwise. A refund that is itself dead lends nothing.
    pub fn lend(&mut self, refund: Credit, clock_tick: i128) {
        if !refund.is_alive(clock_tick) {
            return;
        }
        let living = self.credit.filter(|credit| credit.is_alive(clock_tick));
        self.credit = Some(living.map_or(refund, |credit| credit.joined(refund)));
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
    /// Whether it may raise some window's limit at that tick.
    pub fn is_alive(self, tick: i128) -> bool {
        self.horizon.expires(self.oldest) > tick
    }

    /// Whether it raises the window's limit at that tick.
    pub fn is_alive_in(self, window: Window, tick: i128) -> bool {
        self.is_alive(tick) && window.expires(self.oldest) > tick
    }

    /// Both as one, which dies with the first of them.
    fn joined(self, other: Credit) -> Credit {
        let horizons = [self.horizon, other.horizon];
        let shorter = horizons.into_iter().min_by_key(|h| h.length_ticks);
        Credit {
            units: self.units + other.units,
            oldest: self.oldest.min(other.oldest),
            horizon: shorter.expect("there are two"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ticks(length_ticks: i128) -> Window {
        Window {
            limit: 3,
            length_ticks,
            precision: Precision::Exact,
        }
    }

    const fn credit(units: i128, oldest: i128, horizon_ticks: i128) -> Credit {
        Credit {
            units,
            oldest,
            horizon: ticks(horizon_ticks),
        }
    }

    /// What is lent after refunds at those ticks.
    fn lent(refunds: &[(Credit, i128)]) -> Option<Credit> {
        let mut history = History::default();
        for (refund, clock_tick) in refunds {
            history.lend(*refund, *clock_tick);
        }
        history.credit
    }

    #[test]
    fn a_refund_joins_a_living_credit_and_replaces_a_dead_one() {
        let (older, younger) = (credit(2, 5, 10), credit(1, 7, 10));
        let both = Some(credit(3, 5, 10));
        assert_eq!(lent(&[(older, 6)]), Some(older));
        assert_eq!(lent(&[(older, 6), (younger, 14)]), both);
        assert_eq!(lent(&[(older, 6), (younger, 15)]), Some(younger));
        assert_eq!(lent(&[(younger, 8), (older, 8)]), both);
    }

    #[test]
    fn a_late_refund_lends_nothing_and_takes_nothing() {
        let living = credit(2, 20, 10);
        assert_eq!(lent(&[(living, 21), (credit(1, 5, 10), 22)]), Some(living));
        assert_eq!(lent(&[(credit(1, 5, 10), 14)]), Some(credit(1, 5, 10)));
        assert_eq!(lent(&[(credit(1, 5, 10), 15)]), None);
    }

    /// Units of 5 were admitted under a horizon of ten, those of 7 under twenty.
    #[test]
    fn a_credit_lives_by_the_shortest_horizon_in_it() {
        let (older, younger) = (credit(2, 5, 10), credit(1, 7, 20));
        let both = Some(credit(3, 5, 10));
        assert_eq!(lent(&[(older, 8), (younger, 14)]), both);
        assert_eq!(lent(&[(younger, 8), (older, 14)]), both);
        // The older are dead, and the younger stay alone.
        assert_eq!(lent(&[(older, 8), (younger, 15)]), Some(younger));
        assert_eq!(lent(&[(younger, 8), (older, 15)]), Some(younger));
        // The younger are remembered until 27.
        let (late, lone) = (credit(1, 20, 20), Some(credit(1, 20, 20)));
        assert_eq!(lent(&[(younger, 8), (late, 26)]), Some(credit(2, 7, 20)));
        assert_eq!(lent(&[(younger, 8), (late, 27)]), lone);
        // What has joined a short horizon ends with it.
        assert_eq!(lent(&[(older, 8), (younger, 14), (late, 20)]), lone);
    }

    #[test]
    fn a_credit_is_alive_where_both_window_and_horizon_have_its_oldest_unit() {
        let credit = credit(1, 5, 10);
        for (window_ticks, dies) in [(4, 9), (10, 15), (20, 15)] {
            assert!(credit.is_alive_in(ticks(window_ticks), dies - 1));
            assert!(!credit.is_alive_in(ticks(window_ticks), dies));
        }
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
        history.lend(credit(1, 3, 10), 4);
        history.reset();
        assert!(history.log.is_empty());
        assert_eq!(history.credit, None);
        assert_eq!(history.resets, 1);
    }
}
