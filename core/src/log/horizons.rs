//! How long the units of a rule are remembered, era by era.
//!
//! A rule's *horizon* is the longest window that it ever had; an *era* ends when
//! a policy with a longer one comes into force. A unit admitted in an era is kept
//! for the horizon of that era at least: whoever could overwrite it has seen its
//! head, and with it the horizon that was raised before. For longer it is kept
//! only by chance, so no credit for it may last longer.

/// How many eras are told apart. Units of all later ones are taken for units of
/// the last, whose credits end early.
const ERAS: usize = 16;

/// The horizons of a rule, in ticks, from the first era to the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Horizons {
    ticks: [u64; ERAS],
    newest: u8,
}

/// An era of a rule, in four bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Era(pub u8);

impl Horizons {
    /// Of a rule that never changes.
    #[cfg(all(test, not(slidegate_shuttle)))]
    pub const FOREVER: Self = Self::new(u64::MAX);

    pub const fn new(ticks: u64) -> Self {
        Self {
            ticks: [ticks; ERAS],
            newest: 0,
        }
    }

    /// The horizons with a new era, if `ticks` is longer than the newest horizon
    /// and there are eras left.
    pub fn raised(mut self, ticks: u64) -> Option<Self> {
        if ticks <= self.of(self.newest()) {
            return None;
        }
        self.newest += 1;
        *self.ticks.get_mut(usize::from(self.newest))? = ticks;
        Some(self)
    }

    pub fn newest(&self) -> Era {
        Era(self.newest)
    }

    /// The horizon of an era. One that is not known yet counts as the newest that
    /// is, and no window of a policy that does not know it is longer.
    pub fn of(&self, era: Era) -> u64 {
        self.ticks[usize::from(era.min(self.newest()).0)]
    }
}

#[cfg(all(test, not(any(slidegate_loom, slidegate_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn an_era_begins_where_the_horizon_grows() {
        let horizons = Horizons::new(10);
        let first = horizons.newest();
        assert_eq!(horizons.raised(10), None);
        assert_eq!(horizons.raised(4), None);
        let horizons = horizons.raised(20).unwrap();
        assert_eq!(horizons.of(first), 10);
        assert_eq!(horizons.of(horizons.newest()), 20);
        assert_eq!(horizons.of(Era(9)), 20, "not known yet");
    }

    #[test]
    fn the_last_era_has_no_end() {
        let raised = |h: Horizons, ticks| h.raised(ticks).unwrap_or(h);
        let horizons = (2..40).fold(Horizons::new(1), raised);
        assert_eq!(horizons.newest(), Era(15));
        assert_eq!(horizons.of(horizons.newest()), 16);
    }
}
