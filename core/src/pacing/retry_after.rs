//! The `Retry-After` field.

use std::time::{Duration, SystemTime};

/// How long a `Retry-After` field (RFC 9110, section 10.2.3) asks to wait from
/// `now` on; `None` if it is neither whole seconds nor an HTTP date.
///
/// A date that has passed is a wait of 0. Seconds beyond what a [`Duration`] of
/// `u64` seconds holds are as many as it holds. Blanks and tabs around the value
/// are ignored. For a date, `now` should be the server's time (its `Date` field)
/// where the two clocks may differ.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use slidegate::pacing::parse_retry_after;
///
/// let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
/// let parse = |value: &str| parse_retry_after(value, now);
/// assert_eq!(parse("120"), Some(Duration::from_secs(120)));
/// assert_eq!(parse("Sun, 06 Nov 1994 08:49:40 GMT"), Some(Duration::from_secs(3)));
/// assert_eq!(parse("soon"), None);
/// ```
pub fn parse_retry_after(value: impl AsRef<[u8]>, now: SystemTime) -> Option<Duration> {
    let text = std::str::from_utf8(value.as_ref()).ok()?;
    let text = text.trim_matches([' ', '\t']);
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // Digits alone fail to parse by overflow only.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let at = httpdate::parse_http_date(text).ok()?;
    Some(at.duration_since(now).unwrap_or(Duration::ZERO))
}
