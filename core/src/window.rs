//! A window: at most `limit` units in any half-open span of its length.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The largest limit of an exact window, in units. The engine remembers up to twice as
/// many units of a key, so that a full window can be refunded whole.
pub const MAX_LIMIT: u32 = 2_048;

/// The largest limit of a bucketed window, in units: 2^24.
pub const MAX_BUCKETED_LIMIT: u32 = 1 << 24;

/// The longest window: 366 days.
pub const MAX_WINDOW: Duration = Duration::from_secs(366 * 86_400);

/// Bucketed rules keep time in quanta of this many ticks.
const QUANTUM_TICKS: u64 = 1_024;

/// The shortest bucketed window, in ticks: a bucket is 1/256 of its window or
/// less, and at least a quantum.
pub(crate) const MIN_BUCKETED_TICKS: u64 = 256 * QUANTUM_TICKS;

/// The shortest bucketed window that a text can name.
pub(crate) const MIN_BUCKETED_TEXT: &str = "263ms";

/// A unit of time with the spellings that are taken for it in a hint.
struct Unit {
    name: &'static str,
    length_us: u64,
    misspelt: &'static [&'static str],
}

const UNITS: [Unit; 5] = [
    Unit {
        name: "ms",
        length_us: 1_000,
        misspelt: &[
            "msec",
            "msecs",
            "milli",
            "millis",
            "millisecond",
            "milliseconds",
        ],
    },
    Unit {
        name: "s",
        length_us: 1_000_000,
        misspelt: &["sec", "secs", "second", "seconds"],
    },
    Unit {
        name: "min",
        length_us: 60 * 1_000_000,
        misspelt: &["m", "mins", "minute", "minutes"],
    },
    Unit {
        name: "h",
        length_us: 3_600 * 1_000_000,
        misspelt: &["hr", "hrs", "hour", "hours"],
    },
    Unit {
        name: "day",
        length_us: 86_400 * 1_000_000,
        misspelt: &["d", "days"],
    },
];

/// How a rule counts its units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Precision {
    /// Every unit has a stamp of its own and counts for the length of the window
    /// to the microsecond. Limits are at most [`MAX_LIMIT`].
    Exact,
    /// Units are counted together in buckets, so that memory does not grow with
    /// the limit, which is at most [`MAX_BUCKETED_LIMIT`]. Never more than the
    /// limit in any span of the window's length; a unit's capacity returns at
    /// most 1/128 of that length late, and never early.
    Bucketed,
}

impl Precision {
    /// The name used in policies and in every language.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Bucketed => "bucketed",
        }
    }
}

/// At most [`limit`](Window::limit) units in any half-open span of
/// [`length`](Window::length).
///
/// Its text is `limit/[n]unit` with the units `ms`, `s`, `min`, `h` and `day`:
/// `100/s`, `400/min`, `5/2h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// Units admitted per length.
    pub limit: u32,
    // Ticks are microseconds, so this is both.
    length_us: u64,
}

impl Window {
    /// How long an admitted unit counts.
    pub const fn length(&self) -> Duration {
        Duration::from_micros(self.length_us)
    }

    pub(crate) const fn ticks(&self) -> u64 {
        self.length_us
    }

    /// Whether the window is too short for buckets.
    pub(crate) const fn is_below_buckets(&self) -> bool {
        self.length_us < MIN_BUCKETED_TICKS
    }

    #[cfg(test)]
    pub(crate) const fn from_ticks(limit: u32, ticks: u64) -> Self {
        Self {
            limit,
            length_us: ticks,
        }
    }
}

/// Why a text is not a [`Window`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WindowError(String);

impl FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Self, WindowError> {
        parse(text).map_err(WindowError)
    }
}

fn parse(text: &str) -> Result<Window, String> {
    let shape = || {
        let text = quoted(text);
        format!(
            "{text} is not a window; write limit/[n]unit, such as \"100/s\" or \"5/2h\", with one of the units {}",
            unit_names()
        )
    };
    let (limit, length) = text.split_once('/').ok_or_else(shape)?;
    let digits = length.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = length.split_at(digits);
    if unit.is_empty() || !unit.chars().all(char::is_alphabetic) {
        return Err(shape());
    }
    let limit = parse_digits(limit).ok_or_else(shape)?;
    let count = match count {
        "" => 1,
        count => parse_digits(count).ok_or_else(shape)?,
    };
    let Some(unit) = UNITS.iter().find(|known| known.name == unit) else {
        return Err(unknown_unit(text, unit));
    };
    bounded(limit, count, unit)
}

/// The window of `limit` units in `count` units of time, if it lies in the bounds.
fn bounded(limit: u64, count: u64, unit: &Unit) -> Result<Window, String> {
    if limit == 0 {
        return Err("limit 0 admits nothing; the smallest limit is 1".to_owned());
    }
    if limit > u64::from(MAX_BUCKETED_LIMIT) {
        return Err(format!(
            "limit {limit} is above the largest supported limit, {MAX_BUCKETED_LIMIT}"
        ));
    }
    if count == 0 {
        return Err("a window of length 0 limits nothing; the shortest is 1ms".to_owned());
    }
    match count.checked_mul(unit.length_us) {
        Some(length_us) if u128::from(length_us) <= MAX_WINDOW.as_micros() => Ok(Window {
            limit: limit as u32,
            length_us,
        }),
        _ => Err(format!(
            "{count}{} is longer than the longest supported window, 366day",
            unit.name
        )),
    }
}

/// What is said of a window whose unit is none of [`UNITS`].
fn unknown_unit(text: &str, unit: &str) -> String {
    let is_meant = |known: &&Unit| {
        let mut spellings = std::iter::once(&known.name).chain(known.misspelt);
        spellings.any(|spelling| spelling.eq_ignore_ascii_case(unit))
    };
    let message = format!(
        "unknown unit {}; the units are {}",
        quoted(unit),
        unit_names()
    );
    match (UNITS.iter().find(is_meant), text.strip_suffix(unit)) {
        (Some(Unit { name, .. }), Some(before)) => {
            let window = quoted(&format!("{before}{name}"));
            format!("{message}; did you mean \"{name}\", as in {window}?")
        }
        _ => message,
    }
}

fn unit_names() -> String {
    UNITS.map(|unit| unit.name).join(", ")
}

/// A text in quotes, escaped and cut to a readable length.
pub(crate) fn quoted(text: &str) -> String {
    const SHOWN: usize = 60;
    let mut chars = text.chars();
    let shown: String = chars.by_ref().take(SHOWN).collect();
    let cut = if chars.next().is_some() { "…" } else { "" };
    format!("\"{}{cut}\"", shown.escape_debug())
}

/// Digits only: no sign, no blanks. A number too large for 64 bits saturates, so
/// that it is reported as too large and not as misspelt.
fn parse_digits(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, unit_us) = UNITS
            .iter()
            .rev()
            .map(|unit| (unit.name, unit.length_us))
            .find(|(_, unit_us)| self.length_us.is_multiple_of(*unit_us))
            .unwrap_or(("us", 1));
        match self.length_us / unit_us {
            1 => write!(f, "{}/{name}", self.limit),
            count => write!(f, "{}/{count}{name}", self.limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(text: &str) -> Result<Window, String> {
        text.parse().map_err(|error: WindowError| error.to_string())
    }

    #[test]
    fn every_unit_and_a_count() {
        for (text, limit, micros) in [
            ("1/ms", 1, 1_000),
            ("100/s", 100, 1_000_000),
            ("400/min", 400, 60_000_000),
            ("5/2h", 5, 7_200_000_000),
            ("2048/366day", 2_048, 366 * 86_400_000_000),
            ("16777216/day", 1 << 24, 86_400_000_000),
        ] {
            let parsed = window(text).unwrap();
            assert_eq!((parsed.limit, parsed.length_us), (limit, micros), "{text}");
            assert_eq!(parsed.to_string(), text);
        }
        assert_eq!(window("5/120min").unwrap().to_string(), "5/2h");
    }

    #[test]
    fn what_is_not_a_window_is_refused_with_the_shape() {
        for text in [
            "", "100", "/s", "100/", "100/ s", "-1/s", "+1/s", "1/1.5s", "1 /s", "x/hour", "1/s/s",
        ] {
            let message = window(text).unwrap_err();
            assert!(message.contains("limit/[n]unit"), "{text}: {message}");
        }
        let message = window(&"x".repeat(10_000)).unwrap_err();
        assert!(message.len() < 300, "{message}");
    }

    #[test]
    fn an_unknown_unit_is_named_with_the_one_that_is_meant() {
        for (text, meant, instead) in [
            ("1/hour", "h", "1/h"),
            ("5/2hours", "h", "5/2h"),
            ("1/sec", "s", "1/s"),
            ("1/S", "s", "1/s"),
            ("1/m", "min", "1/min"),
            ("1/Minutes", "min", "1/min"),
            ("1/500millis", "ms", "1/500ms"),
            ("1/d", "day", "1/day"),
        ] {
            let (_, unit) = text.rsplit_once(|c: char| !c.is_alphabetic()).unwrap();
            let message = format!(
                "unknown unit \"{unit}\"; the units are ms, s, min, h, day; did you mean \"{meant}\", as in \"{instead}\"?"
            );
            assert_eq!(window(text).unwrap_err(), message);
        }
        let nothing_near = "unknown unit \"µs\"; the units are ms, s, min, h, day";
        assert_eq!(window("1/µs").unwrap_err(), nothing_near);
    }

    #[test]
    fn figures_out_of_range_say_which() {
        for (text, bound) in [
            ("0/s", "limit 0"),
            ("16777217/s", "16777216"),
            ("99999999999999999999/s", "16777216"),
            ("1/0s", "length 0"),
            ("1/367day", "366day"),
            ("1/99999999999999999999day", "366day"),
        ] {
            let message = window(text).unwrap_err();
            assert!(message.contains(bound), "{text}: {message}");
        }
    }

    #[test]
    fn a_window_too_short_for_buckets_is_known() {
        assert!(window("1/262ms").unwrap().is_below_buckets());
        assert!(
            !window(&format!("1/{MIN_BUCKETED_TEXT}"))
                .unwrap()
                .is_below_buckets()
        );
        assert!(Window::from_ticks(1, 262_143).is_below_buckets());
        assert!(!Window::from_ticks(1, 262_144).is_below_buckets());
    }
}
