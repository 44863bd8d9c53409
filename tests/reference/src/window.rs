//! A window: how many units in how long, and when a unit stops counting.

use serde::{Deserialize, Serialize};

/// The largest limit of an exact window, in units.
pub const EXACT_LIMIT_MAX: i128 = 2_048;

/// The units that an exact log is asked about at most, credits included.
const EXACT_LENT_MAX: i128 = 4_096;

/// The largest limit of a bucketed window, in units, credits included.
const BUCKETED_LIMIT_MAX: i128 = 16_777_216;

/// The shortest bucketed window, in ticks.
const BUCKETED_TICKS_MIN: i128 = 262_144;

/// How exactly a rule keeps the time of its units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// A unit stops counting one length after its stamp.
    Exact,
    /// A unit stops counting with its bucket: never early, and at most 1/128 of
    /// the window's length late.
    Bucketed,
}

/// At most `limit` units in any `length_ticks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub limit: i128,
    pub length_ticks: i128,
    pub precision: Precision,
}

impl Window {
    /// Takes `limit/[n]unit` apart, such as `100/s` or `5/2h`: the limit and
    /// the length in ticks.
    pub fn read(text: &str) -> Option<(i128, i128)> {
        let (limit, length) = text.split_once('/')?;
        let digits = length.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = length.split_at(digits);
        let count: i128 = if count.is_empty() {
            1
        } else {
            count.parse().ok()?
        };
        let unit_ticks = match unit {
            "ms" => 1_000,
            "s" => 1_000_000,
            "min" => 60 * 1_000_000,
            "h" => 3_600 * 1_000_000,
            "day" => 86_400 * 1_000_000,
            _ => return None,
        };
        Some((limit.parse().ok()?, count * unit_ticks))
    }

    /// Whether limit and length are within the bounds of the precision.
    pub fn is_valid(self) -> bool {
        match self.precision {
            Precision::Exact => (1..=EXACT_LIMIT_MAX).contains(&self.limit),
            Precision::Bucketed => {
                (1..=BUCKETED_LIMIT_MAX).contains(&self.limit)
                    && self.length_ticks >= BUCKETED_TICKS_MIN
            }
        }
    }

    /// The first tick at which a unit with that stamp counts no more.
    ///
    /// A bucketed window cuts time into buckets of the largest power of two
    /// that is at most 1/256 of its length, and lets whole buckets go.
    pub fn expires(self, stamp: i128) -> i128 {
        match self.precision {
            Precision::Exact => stamp + self.length_ticks,
            Precision::Bucketed => {
                let bucket_ticks = self.bucket_ticks();
                let buckets = (self.length_ticks - 1 + bucket_ticks - 1) / bucket_ticks;
                (stamp / bucket_ticks + buckets + 1) * bucket_ticks
            }
        }
    }

    /// The largest power of two that is at most 1/256 of the length.
    fn bucket_ticks(self) -> i128 {
        let mut ticks = 1;
        while ticks * 2 * 256 <= self.length_ticks {
            ticks *= 2;
        }
        ticks
    }

    /// The limit while `units` are lent.
    pub fn lent(self, units: i128) -> i128 {
        let most = match self.precision {
            Precision::Exact => EXACT_LENT_MAX,
            Precision::Bucketed => BUCKETED_LIMIT_MAX,
        };
        (self.limit + units).min(most).max(self.limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucketed(length_ticks: i128) -> Window {
        Window {
            limit: 1,
            length_ticks,
            precision: Precision::Bucketed,
        }
    }

    #[test]
    fn windows_are_read_in_microseconds() {
        let expected = [
            ("1/ms", 1, 1_000),
            ("100/s", 100, 1_000_000),
            ("400/min", 400, 60_000_000),
            ("5/2h", 5, 7_200_000_000),
            ("7/30day", 7, 2_592_000_000_000),
        ];
        for (text, limit, length_ticks) in expected {
            assert_eq!(Window::read(text), Some((limit, length_ticks)), "{text}");
        }
        for text in ["", "5", "5/", "5/2", "/s", "5/2weeks"] {
            assert_eq!(Window::read(text), None, "{text}");
        }
    }

    /// Length, bucket, and the expiry of the first tick: 489, 458 and 322
    /// buckets beside the first.
    #[test]
    fn a_bucketed_unit_goes_with_its_bucket() {
        let expected = [
            (1_000_000, 1 << 11, 490 << 11),
            (60_000_000, 1 << 17, 459 << 17),
            (86_400_000_000, 1 << 28, 323 << 28),
        ];
        for (length_ticks, bucket_ticks, expiry) in expected {
            let window = bucketed(length_ticks);
            assert_eq!(window.bucket_ticks(), bucket_ticks);
            assert_eq!(window.expires(1), expiry);
            assert_eq!(window.expires(bucket_ticks - 1), expiry);
            assert_eq!(window.expires(bucket_ticks), expiry + bucket_ticks);
        }
    }

    #[test]
    fn a_bucketed_unit_never_goes_early_and_at_most_a_128th_late() {
        let around = |n: i128| [n - 1, n, n + 1, n + n / 3, n + n / 2];
        let lengths = (18..46).flat_map(|bits| around(1 << bits));
        for length in lengths.filter(|ticks| *ticks >= BUCKETED_TICKS_MIN) {
            let window = bucketed(length);
            assert!(window.bucket_ticks() >= 1_024, "{length}");
            let stamps = (0..50).flat_map(around).filter(|stamp| *stamp >= 1);
            for stamp in stamps.chain((10..47).flat_map(|bits| around(1 << bits))) {
                let late = window.expires(stamp) - (stamp + length);
                assert!((0..=length / 128).contains(&late), "{length} {stamp}");
            }
        }
    }

    #[test]
    fn an_exact_unit_goes_after_one_length() {
        let window = Window {
            limit: 1,
            length_ticks: 10,
            precision: Precision::Exact,
        };
        assert_eq!(window.expires(7), 17);
    }

    #[test]
    fn what_is_lent_has_a_bound() {
        let mut window = Window {
            limit: 2_000,
            length_ticks: 1_000_000,
            precision: Precision::Exact,
        };
        assert_eq!(window.lent(3), 2_003);
        assert_eq!(window.lent(2_096), 4_096);
        assert_eq!(window.lent(9_999), 4_096);
        window.precision = Precision::Bucketed;
        assert_eq!(window.lent(9_999), 11_999);
        assert_eq!(window.lent(BUCKETED_LIMIT_MAX), BUCKETED_LIMIT_MAX);
    }

    #[test]
    fn bounds_depend_on_the_precision() {
        let window = |limit, length_ticks, precision| Window {
            limit,
            length_ticks,
            precision,
        };
        let expected = [
            (window(2_048, 1_000, Precision::Exact), true),
            (window(2_049, 1_000, Precision::Exact), false),
            (window(0, 1_000, Precision::Exact), false),
            (window(16_777_216, 262_144, Precision::Bucketed), true),
            (window(16_777_217, 262_144, Precision::Bucketed), false),
            (window(5, 262_143, Precision::Bucketed), false),
        ];
        for (window, valid) in expected {
            assert_eq!(window.is_valid(), valid, "{window:?}");
        }
    }
}
