//! Bucketed rules, by hand: one second is 489 buckets of 2,048 µs, rounded up,
//! and a unit goes with the 490th edge after its bucket began.

mod common;

use common::{SEC_NS, UNIX_NS, US_NS, check, check_cost, left, limiter, peek, retry_ns, take};
use slidegate_reference::{Outcome, Precision};

const X: &str = "GET /x";

fn one_rule(windows: &str, rest: &str) -> String {
    format!(
        "version = 1\nunmatched = \"allow\"\n[[rule]]\nname = \"x\"\nmatch = \"GET /x\"\nwindows = [{windows}]\n{rest}"
    )
}

/// The reading at which tick `tick` begins.
fn begins_ns(tick: u64) -> u64 {
    (tick - 1) * US_NS
}

#[test]
fn a_decision_says_how_exactly_its_rule_keeps_time() {
    let limiter = limiter(
        "version = 1\nunmatched = \"allow\"\nexempt = [\"GET /healthz\"]\n[[rule]]\nname = \"large\"\nmatch = \"*\"\nwindows = [\"2100/s\"]\n[[rule]]\nname = \"x\"\nmatch = \"GET /x\"\nwindows = [\"2048/s\"]\n",
    );
    let expected = [
        ("GET /y", 1, Some(Precision::Bucketed)),
        ("GET /x", 1, Some(Precision::Exact)),
        ("GET /x", 9_999, Some(Precision::Bucketed)),
        ("GET /healthz", 1, None),
    ];
    for (endpoint, cost, precision) in expected {
        let decision = check_cost(&limiter, 0, "m", endpoint, cost);
        assert_eq!(decision.precision, precision, "{endpoint} {cost}");
    }
}

#[test]
fn units_of_one_bucket_go_together() {
    let limiter = limiter(&one_rule("\"5000/s\"", ""));
    for tick in [2_048, 3_000, 4_095] {
        check_cost(&limiter, begins_ns(tick), "m", X, 1_500);
    }
    check_cost(&limiter, begins_ns(4_096), "m", X, 500);
    let now_ns = begins_ns(5_000);
    let first_ns = begins_ns(491 * 2_048);
    let second_ns = begins_ns(492 * 2_048);
    for (cost, expected_ns) in [(1, first_ns), (4_500, first_ns), (4_501, second_ns)] {
        let denied = check_cost(&limiter, now_ns, "m", X, cost);
        assert_eq!(retry_ns(now_ns, &denied), expected_ns, "cost {cost}");
        assert_eq!(denied.reset_at_ns, Some(UNIX_NS + expected_ns));
    }
    assert_eq!(left(&limiter, first_ns - 1, "m", X), 0);
    assert_eq!(left(&limiter, first_ns, "m", X), 4_500);
    let reset_ns = peek(&limiter, first_ns, "m", X).reset_at_ns;
    assert_eq!(reset_ns, Some(UNIX_NS + second_ns));
    assert_eq!(left(&limiter, second_ns, "m", X), 5_000);
}

/// The longest delay of a second: a unit at the first tick of its bucket.
#[test]
fn a_unit_is_late_by_less_than_a_128th() {
    let limiter = limiter(&one_rule("\"3/s\"", "precision = \"bucketed\"\n"));
    let now_ns = begins_ns(2_048);
    check_cost(&limiter, now_ns, "m", X, 3);
    let denied = check(&limiter, now_ns, "m", X);
    assert_eq!(denied.retry_after_ns, Some(490 * 2_048 * US_NS));
    let late_ns = 490 * 2_048 * US_NS - SEC_NS;
    assert!(late_ns < SEC_NS / 128, "{late_ns}");
}

#[test]
fn a_cost_may_be_the_whole_of_the_largest_limit() {
    let limiter = limiter(&one_rule("\"16777216/day\"", ""));
    let never = check_cost(&limiter, 0, "m", X, 16_777_217);
    assert_eq!(never.outcome, Outcome::Never);
    let receipt = take(&limiter, 0, "m", X, 16_777_216);
    assert_eq!(left(&limiter, 0, "m", X), 0);
    limiter.refund(0, receipt);
    assert_eq!(left(&limiter, 0, "m", X), 0);
    assert_eq!(left(&limiter, begins_ns(323 << 28), "m", X), 16_777_216);
}

#[test]
fn a_credit_goes_with_its_bucket() {
    let limiter = limiter(&one_rule("\"5000/s\"", ""));
    let receipt = take(&limiter, begins_ns(2_048), "m", X, 5_000);
    limiter.refund(begins_ns(2_048), receipt);
    check_cost(&limiter, begins_ns(4_095), "m", X, 3_000);
    check_cost(&limiter, begins_ns(4_096), "m", X, 2_000);
    let gone_ns = begins_ns(491 * 2_048);
    assert_eq!(left(&limiter, gone_ns - US_NS, "m", X), 0);
    // The credit is gone, and so are the 8,000 units of its bucket.
    assert_eq!(left(&limiter, gone_ns, "m", X), 3_000);
}

/// Six refunds of 5,000: an exact rule would stop at 4,096.
#[test]
fn more_may_be_lent_than_by_an_exact_rule() {
    let limiter = limiter(&one_rule("\"5000/s\"", ""));
    for _ in 0..6 {
        let receipt = take(&limiter, 0, "m", X, 5_000);
        assert_eq!(left(&limiter, 0, "m", X), 0);
        limiter.refund(0, receipt);
        assert_eq!(left(&limiter, 0, "m", X), 5_000);
    }
}

/// A younger refund joins the older until the older leaves the minute, which
/// it does with the 459th edge of buckets of 131,072 µs.
#[test]
fn refunds_join_until_the_longest_window_lets_go() {
    let limiter = limiter(&one_rule("\"5000/s\", \"90000/min\"", ""));
    let gone_ns = begins_ns(459 * 131_072);
    for (merchant, early_ns, expected) in [("m_1", US_NS, 0), ("m_2", 0, 5_000)] {
        let older = take(&limiter, 0, merchant, X, 5_000);
        limiter.refund(0, older);
        let now_ns = gone_ns - early_ns;
        let younger = take(&limiter, now_ns, merchant, X, 5_000);
        limiter.refund(now_ns, younger);
        assert_eq!(left(&limiter, now_ns, merchant, X), expected);
    }
}

/// The newest unit stands in the quantum that begins with tick 1,003,520, the
/// edge at which the first units went; no step back brings them again.
#[test]
fn a_clock_that_steps_back_is_held_at_the_newest_quantum() {
    let limiter = limiter(&one_rule("\"5000/s\"", ""));
    check_cost(&limiter, 0, "m", X, 5_000);
    let edge = 490 * 2_048;
    check_cost(&limiter, begins_ns(edge + 1_023), "m", X, 1);
    for tick in [edge + 1_000, edge, edge - 1, 500_000, 1] {
        let decision = check(&limiter, begins_ns(tick), "m", X);
        assert!(decision.allowed, "tick {tick}");
    }
    assert_eq!(left(&limiter, 0, "m", X), 4_994);
    let denied = check_cost(&limiter, 0, "m", X, 4_995);
    assert_eq!(denied.retry_after_ns, Some(begins_ns(edge + 490 * 2_048)));
}
