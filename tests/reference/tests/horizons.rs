//! Credits across windows that become longer, by hand: units are lent for the
//! longest window that their rule had had when they were admitted.

mod common;

use common::{MS_NS, UNIX_NS, US_NS, check_cost, left, limiter, peek, retry_ns, take};
use slidegate_reference::{Outcome, Receipt, Reference};

const X: &str = "GET /x";

fn rule(name: &str, windows: &str) -> String {
    format!(
        "version = 1\nunmatched = \"allow\"\n[[rule]]\nname = \"{name}\"\nmatch = \"GET /x\"\nwindows = [{windows}]\n"
    )
}

fn four_per(length_ms: u64) -> String {
    rule("x", &format!("\"4/{length_ms}ms\""))
}

fn take_at(limiter: &Reference, at_ms: u64, cost: u64) -> Receipt {
    take(limiter, at_ms * MS_NS, "m", X, cost)
}

/// What is left at these instants, in microseconds.
#[track_caller]
fn see(limiter: &Reference, expected: &[(u64, u64)]) {
    for (at_us, units) in expected {
        assert_eq!(left(limiter, at_us * US_NS, "m", X), *units, "at {at_us}");
    }
}

/// Four of 1 ms are lent, two more come at 5 ms, when the lent have died. In
/// eight milliseconds all six count until 9 ms, and the limit is four, not eight.
#[test]
fn a_dead_credit_stays_dead_in_a_longer_window() {
    let limiter = limiter(&four_per(4));
    let receipt = take_at(&limiter, 1, 4);
    limiter.refund(MS_NS, receipt);
    drop(take_at(&limiter, 5, 2));
    limiter.swap(&four_per(8));
    see(&limiter, &[(6_000, 0), (8_999, 0), (9_000, 2), (13_000, 4)]);
    let denied = check_cost(&limiter, 6 * MS_NS, "m", X, 1);
    assert_eq!(denied.limit, Some(4));
    assert_eq!(retry_ns(6 * MS_NS, &denied), 9 * MS_NS);
}

/// Three of 1 ms, lent when four milliseconds were the longest: until 5 ms four
/// of seven are left, then one of four until the three die at 9 ms.
#[test]
fn a_credit_ends_when_it_would_have_without_the_swap() {
    let limiter = limiter(&four_per(4));
    let receipt = take_at(&limiter, 1, 3);
    limiter.refund(2 * MS_NS, receipt);
    limiter.swap(&four_per(8));
    see(&limiter, &[(4_999, 4), (5_000, 1), (8_999, 1), (9_000, 4)]);
}

/// The same, given back after the swap: at the last instant, or too late.
#[test]
fn a_refund_goes_by_the_longest_window_of_its_admission() {
    for (refund_us, before, lent) in [(4_999, 1, 4), (5_000, 1, 1)] {
        let limiter = limiter(&four_per(4));
        let receipt = take_at(&limiter, 1, 3);
        limiter.swap(&four_per(8));
        see(&limiter, &[(refund_us, before)]);
        limiter.refund(refund_us * US_NS, receipt);
        see(&limiter, &[(refund_us, lent), (5_000, 1), (9_000, 4)]);
    }
}

/// One of 2 ms and three of 5 ms, admitted and lent under eight milliseconds
/// once four were in force: all die with the first, at 10 ms. In a later window
/// of twelve that is so as well.
#[test]
fn units_admitted_under_the_longer_window_are_lent_for_it() {
    let limiter = limiter(&four_per(4));
    limiter.swap(&four_per(8));
    let older = take_at(&limiter, 2, 1);
    let younger = take_at(&limiter, 5, 3);
    limiter.refund(5 * MS_NS, older);
    limiter.refund(5 * MS_NS, younger);
    see(
        &limiter,
        &[(9_999, 4), (10_000, 1), (12_999, 1), (13_000, 4)],
    );
    limiter.swap(&four_per(12));
    see(&limiter, &[(9_999, 4), (10_000, 0), (14_000, 1)]);
}

/// Units of 1 ms from before the swap and of 2 ms from after it. In whichever
/// order they are given back, both end at 5 ms.
#[test]
fn merged_credits_of_both_eras_end_with_the_shorter() {
    for is_older_first in [true, false] {
        let limiter = limiter(&four_per(4));
        let older = take_at(&limiter, 1, 1);
        limiter.swap(&four_per(8));
        let younger = take_at(&limiter, 2, 3);
        let (first, second) = match is_older_first {
            true => (older, younger),
            false => (younger, older),
        };
        limiter.refund(3 * MS_NS, first);
        limiter.refund(3 * MS_NS, second);
        let expected = [(4_999, 4), (5_000, 0), (9_000, 1), (10_000, 4)];
        see(&limiter, &expected);
    }
}

/// Units of one stamp from before and after the swap: what was admitted after
/// it is lent for eight milliseconds, by itself.
#[test]
fn the_swap_and_not_the_stamp_divides_the_eras() {
    for (is_after, at_five) in [(true, 2), (false, 0)] {
        let limiter = limiter(&four_per(4));
        let before = take_at(&limiter, 1, 2);
        limiter.swap(&four_per(8));
        let after = take_at(&limiter, 1, 2);
        limiter.refund(MS_NS, if is_after { after } else { before });
        see(&limiter, &[(4_999, 2), (5_000, at_five), (9_000, 4)]);
    }
}

/// The lent unit of 1 ms ends at 5 ms. A refund of two of 2 ms joins it at
/// 4.999 ms and ends with it; at 5 ms it stands alone, until 10 ms.
#[test]
fn a_refund_replaces_a_credit_whose_own_time_is_over() {
    for (refund_us, lent, from_five) in [(4_999, 4, 1), (5_000, 3, 3)] {
        let limiter = limiter(&four_per(4));
        let older = take_at(&limiter, 1, 1);
        limiter.refund(MS_NS, older);
        limiter.swap(&four_per(8));
        let younger = take_at(&limiter, 2, 2);
        limiter.refund(refund_us * US_NS, younger);
        see(&limiter, &[(refund_us, lent), (5_000, from_five)]);
    }
}

/// One of 1 ms and three of 3 ms, lent under four milliseconds when eight were
/// the longest. In eight they are alive again; in four they were dead.
#[test]
fn a_credit_comes_back_with_the_window_of_its_admission() {
    let limiter = limiter(&four_per(8));
    limiter.swap(&four_per(4));
    let older = take_at(&limiter, 1, 1);
    let younger = take_at(&limiter, 3, 3);
    limiter.refund(3 * MS_NS, older);
    limiter.refund(3 * MS_NS, younger);
    see(&limiter, &[(4_999, 4), (5_000, 1), (7_000, 4)]);
    limiter.swap(&four_per(8));
    see(&limiter, &[(5_000, 4), (8_999, 4), (9_000, 1)]);
    limiter.swap(&four_per(16));
    see(&limiter, &[(8_999, 4), (9_000, 0), (17_000, 1)]);
}

/// Another rule's long window is no matter, nor is the one that this rule gets
/// while it is out of force: it gets none.
#[test]
fn a_name_goes_by_its_own_windows() {
    let limiter = limiter(&four_per(4));
    limiter.swap(&rule("y", "\"4/40ms\""));
    limiter.swap(&four_per(4));
    let receipt = take_at(&limiter, 1, 3);
    limiter.swap(&rule("y", "\"4/40ms\""));
    limiter.refund(2 * MS_NS, receipt);
    limiter.swap(&four_per(8));
    see(&limiter, &[(4_999, 4), (5_000, 1), (9_000, 4)]);
}

/// Four of 1 ms, lent until 5 ms, and four of 2 ms. At 6 ms eight of ten in
/// twenty milliseconds are there: two more fill that window until 21 ms.
#[test]
fn every_window_loses_the_credit_at_the_end_of_its_time() {
    let limiter = limiter(&rule("x", "\"4/4ms\""));
    let receipt = take_at(&limiter, 1, 4);
    limiter.swap(&rule("x", "\"4/4ms\", \"10/20ms\""));
    limiter.refund(2 * MS_NS, receipt);
    drop(take_at(&limiter, 2, 4));
    see(&limiter, &[(4_000, 0)]);
    drop(take_at(&limiter, 6, 2));
    let denied = peek(&limiter, 7 * MS_NS, "m", X);
    let expected = (Outcome::Denied, Some(10), Some(UNIX_NS + 21 * MS_NS));
    assert_eq!((denied.outcome, denied.limit, denied.reset_at_ns), expected);
    assert_eq!(retry_ns(7 * MS_NS, &denied), 21 * MS_NS);
}
