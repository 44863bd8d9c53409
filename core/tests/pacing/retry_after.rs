//! `Retry-After` fields, well-meant and hostile.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;
use slidegate::pacing::parse_retry_after;

/// Sun, 06 Nov 1994 08:49:37 GMT, the RFC's own example.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(784_111_777)
}

fn parse(value: &str) -> Option<Duration> {
    parse_retry_after(value, now())
}

#[test]
fn seconds() {
    for (value, secs) in [("0", 0), ("1", 1), ("120", 120), (" 7\t", 7), ("007", 7)] {
        assert_eq!(parse(value), Some(Duration::from_secs(secs)), "{value:?}");
    }
}

#[test]
fn dates_in_the_three_forms_of_http() {
    for value in [
        "Sun, 06 Nov 1994 08:50:37 GMT",
        "Sunday, 06-Nov-94 08:50:37 GMT",
        "Sun Nov  6 08:50:37 1994",
    ] {
        assert_eq!(parse(value), Some(Duration::from_secs(60)), "{value}");
    }
}

#[test]
fn a_date_counts_from_now_exactly_and_never_below_zero() {
    let value = "Sun, 06 Nov 1994 08:49:38 GMT";
    let half = Duration::from_millis(500);
    assert_eq!(parse_retry_after(value, now() + half), Some(half));
    for past in [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
    ] {
        assert_eq!(parse(past), Some(Duration::ZERO));
    }
}

#[test]
fn seconds_without_end_are_as_many_as_fit() {
    let most = Some(Duration::from_secs(u64::MAX));
    assert_eq!(parse("18446744073709551615"), most);
    assert_eq!(parse("18446744073709551616"), most);
    assert_eq!(parse(&"9".repeat(100_000)), most);
    assert_eq!(parse(&"0".repeat(100_000)), Some(Duration::ZERO));
}

#[test]
fn what_is_neither_is_nothing() {
    for value in [
        "",
        " ",
        "+1",
        "-1",
        "1.5",
        "1e3",
        "0x10",
        "1s",
        "1 2",
        "1, 2",
        "\u{661}",
        "１",
        "soon",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 CET",
        "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun, 31 Feb 1999 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "1994-11-06T08:49:37Z",
        "\n5",
        "5\r\nx: y",
        "5\0",
    ] {
        assert_eq!(parse(value), None, "{value:?}");
    }
    assert_eq!(parse_retry_after(b"\xff\xfe5", now()), None);
}

/// What looks nearly like a date.
const NEARLY: &str =
    "(Mon|Sun|Sunday|x{3}),? [0-9]{1,2}[ -](Jan|Feb|Nov|Dec)[ -][0-9]{2,5} [0-9:é]{6,9} GMT";

proptest! {
    #[test]
    fn nothing_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let _ = parse_retry_after(&bytes, now());
    }

    #[test]
    fn nor_does_what_is_nearly_a_date(value in NEARLY, secs in 0u64..253_402_300_800) {
        let _ = parse_retry_after(&value, UNIX_EPOCH + Duration::from_secs(secs));
    }

    #[test]
    fn whole_seconds_survive(secs: u64) {
        prop_assert_eq!(parse(&secs.to_string()), Some(Duration::from_secs(secs)));
    }

    #[test]
    fn dates_survive(from in 0u64..253_402_300_800, to in 0u64..253_402_300_800) {
        let at = |secs| UNIX_EPOCH + Duration::from_secs(secs);
        let wait = parse_retry_after(httpdate::fmt_http_date(at(to)), at(from));
        prop_assert_eq!(wait, Some(Duration::from_secs(to.saturating_sub(from))));
    }
}
