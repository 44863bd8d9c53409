//! How a window is cut into buckets.
//!
//! A window of `W` ticks has buckets of `2^k` ticks, `k` the largest with
//! `2^k <= W/256`, and a unit of bucket `b` counts until the first tick of bucket
//! `b + N + 1`, where `N = ceil((W - 1) / 2^k)`.
//!
//! **Never early.** A unit stamped `v` has `v <= (b + 1) · 2^k - 1`, so
//! `v + W <= (b + 1) · 2^k + (W - 1) <= (b + 1 + N) · 2^k`.
//!
//! **Late by less than W/128.** `v >= b · 2^k` and `N · 2^k < W - 1 + 2^k`, so
//! `(b + N + 1) · 2^k - (v + W) <= (N + 1) · 2^k - W < 2^(k+1) <= W/128`.
//!
//! **A longer window keeps a unit at least as long**, so what is dead by the
//! longest is dead by all: with one `k` because `N` does not fall; from
//! `512 · 2^k - 1` ticks to `512 · 2^k` because the unit counted for 512 buckets
//! beyond its own and counts for 256 of twice the width beyond a bucket that ends
//! no earlier.

use super::mark::QUANTUM_LOG2;

/// A window has at least as many buckets as this, and at most twice as many.
/// Checkers have few, so that they reach laps.
#[cfg(not(any(slidegate_loom, slidegate_shuttle)))]
const LEAST_BUCKETS: u64 = 256;
#[cfg(any(slidegate_loom, slidegate_shuttle))]
const LEAST_BUCKETS: u64 = 1;

/// Cells of a plane: twice as many as the longest look back, so that a cell of
/// the next lap is always recognised as such.
pub(super) const CELLS: usize = 4 * LEAST_BUCKETS as usize;

/// The shortest window, in ticks: it has the narrowest buckets.
#[cfg_attr(slidegate_shuttle, allow(dead_code))]
pub(crate) const SHORTEST_TICKS: u64 = LEAST_BUCKETS << QUANTUM_LOG2;

/// A window as buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// `k`: a bucket is `2^k` ticks wide.
    width_log2: u32,
    /// `N`: for how many buckets after its own a unit counts.
    buckets: u64,
}

impl Span {
    /// Cuts a window of at least [`SHORTEST_TICKS`] ticks.
    #[inline]
    pub fn of(ticks: u64) -> Self {
        let width = (ticks / LEAST_BUCKETS).max(1 << QUANTUM_LOG2);
        let width_log2 = width.ilog2();
        Self {
            width_log2,
            buckets: ticks.saturating_sub(1).div_ceil(1 << width_log2),
        }
    }

    /// A bucket is `2^shift` quanta wide.
    #[inline]
    pub fn shift(self) -> u32 {
        self.width_log2 - QUANTUM_LOG2
    }

    #[inline]
    pub fn bucket(self, tick: u64) -> u64 {
        tick >> self.width_log2
    }

    /// The first tick at which units of `bucket` count no more.
    #[inline]
    pub fn expiry(self, bucket: u64) -> u64 {
        (bucket + self.buckets + 1).saturating_mul(1 << self.width_log2)
    }

    /// The tick at which a unit stamped `tick` leaves the window.
    #[inline]
    pub fn leaves_at(self, tick: u64) -> u64 {
        self.expiry(self.bucket(tick))
    }

    /// The newest bucket whose units count no more at `tick`.
    #[inline]
    pub fn gone(self, tick: u64) -> Option<u64> {
        self.bucket(tick).checked_sub(self.buckets + 1)
    }
}

#[cfg(all(test, not(any(slidegate_loom, slidegate_shuttle))))]
mod tests {
    use super::*;
    use crate::window::MAX_WINDOW;
    use proptest::prelude::*;

    const LONGEST: u64 = MAX_WINDOW.as_micros() as u64;

    /// Lengths of every magnitude, and those beside which `k` steps.
    fn lengths() -> impl Strategy<Value = u64> {
        let even =
            (18u32..45, any::<u64>()).prop_map(|(log2, low)| (1 << log2) | (low % (1 << log2)));
        let edge = (18u32..45, 0u64..5).prop_map(|(log2, off)| (1 << log2) + off - 2);
        prop_oneof![even, edge].prop_map(|ticks: u64| ticks.clamp(SHORTEST_TICKS, LONGEST))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50_000))]

        #[test]
        fn a_unit_leaves_never_early_and_late_by_less_than_a_128th(
            ticks in lengths(),
            stamp in 1u64..1 << 47,
        ) {
            let span = Span::of(ticks);
            let late = span.leaves_at(stamp).checked_sub(stamp + ticks);
            prop_assert!(late.is_some(), "early");
            prop_assert!(u128::from(late.unwrap()) * 128 < u128::from(ticks), "late by {late:?}");
            prop_assert!(span.buckets as usize <= CELLS / 2);
        }

        #[test]
        fn a_unit_is_gone_from_the_tick_at_which_it_leaves(
            ticks in lengths(),
            stamp in 1u64..1 << 47,
        ) {
            let span = Span::of(ticks);
            let (bucket, leaves) = (span.bucket(stamp), span.leaves_at(stamp));
            prop_assert!(span.gone(leaves) >= Some(bucket));
            prop_assert!(span.gone(leaves - 1) < Some(bucket));
        }

        #[test]
        fn a_longer_window_keeps_a_unit_at_least_as_long(
            ticks in lengths(),
            longer in prop_oneof![0u64..4, 0u64..1 << 45],
            stamp in 1u64..1 << 47,
        ) {
            let longer = (ticks + longer).min(LONGEST);
            prop_assert!(Span::of(longer).leaves_at(stamp) >= Span::of(ticks).leaves_at(stamp));
        }
    }
}
