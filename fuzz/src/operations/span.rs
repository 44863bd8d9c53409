//! For how long a unit counts, as the documentation promises it.

use slidegate::Precision;

use super::policies::Rule;

const TICKS_PER_MS: u64 = 1_000;

/// What a bucketed rule orders its units by, in ticks.
pub const QUANTUM: u64 = 1_024;

/// For how many ticks a unit counts: at the least and at the most.
#[derive(Debug, Clone, Copy, Default)]
pub struct Span {
    pub least: u64,
    pub most: u64,
}

impl Span {
    /// A window's.
    pub fn of(precision: Precision, ms: u64) -> Self {
        let least = ms * TICKS_PER_MS;
        let late = match precision {
            Precision::Bucketed => least / 128 + QUANTUM,
            _ => 0,
        };
        Self {
            least,
            most: least + late,
        }
    }

    /// The rule's longest window's.
    pub fn longest(rule: &Rule) -> Self {
        Self::of(rule.precision, rule.longest_ms())
    }

    pub fn max(self, other: Self) -> Self {
        Self {
            least: self.least.max(other.least),
            most: self.most.max(other.most),
        }
    }
}
