//! A window: at most `limit` units in any half-open span of its length.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The largest limit of a window, in units. It is also the number of units that
/// the engine remembers for a key.
pub const MAX_LIMIT: u32 = 2_048;

/// The longest window: 366 days.
pub const MAX_WINDOW: Duration = Duration::from_secs(366 * 86_400);

const UNITS_US: [(&str, u64); 5] = [
    ("ms", 1_000),
    ("s", 1_000_000),
    ("min", 60 * 1_000_000),
    ("h", 3_600 * 1_000_000),
    ("day", 86_400 * 1_000_000),
];

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
        format!(
            "\"{text}\" is not a window; write limit/[n]unit with a unit of ms, s, min, h or day, such as \"100/s\" or \"5/2h\""
        )
    };
    let (limit, length) = text.split_once('/').ok_or_else(shape)?;
    let digits = length.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = length.split_at(digits);
    let (_, unit_us) = UNITS_US
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(shape)?;
    let limit = parse_digits(limit).ok_or_else(shape)?;
    let count = match count {
        "" => 1,
        count => parse_digits(count).ok_or_else(shape)?,
    };
    let max_us = MAX_WINDOW.as_micros() as u64;
    if limit == 0 {
        return Err("limit 0 admits nothing; the smallest limit is 1".to_owned());
    }
    if limit > u64::from(MAX_LIMIT) {
        return Err(format!(
            "limit {limit} is above the largest supported limit, {MAX_LIMIT}"
        ));
    }
    if count == 0 {
        return Err("a window of length 0 limits nothing; the shortest is 1ms".to_owned());
    }
    match count.checked_mul(*unit_us) {
        Some(length_us) if length_us <= max_us => Ok(Window {
            limit: limit as u32,
            length_us,
        }),
        _ => Err(format!(
            "{length} is longer than the longest supported window, 366day"
        )),
    }
}

/// Digits only: no sign, no blanks. A number too large for 64 bits saturates, so
/// that it is reported as too large and not as misspelt.
fn parse_digits(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, unit_us) = UNITS_US
            .iter()
            .rev()
            .find(|(_, unit_us)| self.length_us.is_multiple_of(*unit_us))
            .unwrap_or(&("us", 1));
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
            "", "100", "/s", "100/", "100/ s", "-1/s", "+1/s", "1/sec", "1/1.5s", "1 /s",
        ] {
            let message = window(text).unwrap_err();
            assert!(message.contains("limit/[n]unit"), "{text}: {message}");
        }
    }

    #[test]
    fn figures_out_of_range_say_which() {
        assert!(window("0/s").unwrap_err().contains("limit 0"));
        assert!(window("2049/s").unwrap_err().contains("2048"));
        assert!(window("1/0s").unwrap_err().contains("length 0"));
        assert!(window("1/367day").unwrap_err().contains("366day"));
        assert!(
            window("99999999999999999999/s")
                .unwrap_err()
                .contains("2048")
        );
        assert!(
            window("1/99999999999999999999day")
                .unwrap_err()
                .contains("366day")
        );
    }
}
