//! What an admission charged: what a refund gives back.

use super::{Era, Horizons};

/// Units that one admission charged to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Charged {
    pub units: u32,
    /// Their stamp.
    pub at: u64,
    /// The era of the policy that admitted them.
    pub era: Era,
}

impl Charged {
    /// Units charged before any horizon grew.
    #[cfg(all(test, not(slidegate_shuttle)))]
    pub fn at_first(units: u32, at: u64) -> Self {
        let era = Era::default();
        Self { units, at, era }
    }

    /// What one refund lends, or what it and an earlier one lend together.
    pub fn with(self, lent: Option<Self>) -> Self {
        let Some(lent) = lent else { return self };
        Self {
            units: lent.units.saturating_add(self.units),
            at: lent.at.min(self.at),
            era: lent.era.min(self.era),
        }
    }

    pub fn is_forgotten_at(self, horizons: &Horizons) -> u64 {
        self.at.saturating_add(horizons.of(self.era))
    }
}
