//! Receipts and refunds, by hand.

mod common;

use common::{MS_NS, SEC_NS, US_NS, check, check_cost, left, limiter, retry_ns, take};
use slidegate_reference::{Outcome, Refusal};

const X: &str = "GET /x";

fn one_rule(windows: &str) -> String {
    format!(
        "version = 1\nunmatched = \"allow\"\nexempt = [\"GET /healthz\"]\n[[rule]]\nname = \"x\"\nmatch = \"GET /x\"\nwindows = [{windows}]\n"
    )
}

const TWO_RULES: &str = r#"
version = 1
unmatched = "allow"
[[rule]]
name = "pay"
match = "POST /pay"
windows = ["5/s"]
[[rule]]
name = "total"
match = "*"
windows = ["12/s"]
cost = 2
"#;

#[test]
fn only_an_admission_that_charged_a_rule_has_a_receipt() {
    let limiter = limiter(&one_rule("\"2/s\""));
    let expected = [
        ("GET /healthz", 1, Outcome::Exempt, false),
        ("GET /other", 1, Outcome::Unmatched, false),
        (X, 3, Outcome::Never, false),
        (X, 2, Outcome::Allowed, true),
        (X, 1, Outcome::Denied, false),
    ];
    for (endpoint, cost, outcome, has_receipt) in expected {
        let answer = limiter.check_with_receipt(0, b"m", endpoint, cost);
        let (decision, receipt) = answer.unwrap();
        assert_eq!(
            (decision.outcome, receipt.is_some()),
            (outcome, has_receipt)
        );
    }
    let refused = limiter.check_with_receipt(0, b"m", X, 0);
    assert_eq!(refused, Err(Refusal::InvalidCost));
}

#[test]
fn refunded_units_are_lent_until_they_leave_the_window() {
    let limiter = limiter(&one_rule("\"4/s\""));
    let receipt = take(&limiter, 0, "m", X, 3);
    check(&limiter, 100 * MS_NS, "m", X);
    limiter.refund(200 * MS_NS, receipt);
    assert_eq!(left(&limiter, 200 * MS_NS, "m", X), 3);
    assert!(check_cost(&limiter, 200 * MS_NS, "m", X, 3).allowed);
    let denied = check(&limiter, 200 * MS_NS, "m", X);
    assert_eq!(denied.remaining, Some(0));
    // At 1.0 s the three leave and their credit with them: four are left.
    assert_eq!(retry_ns(200 * MS_NS, &denied), 1_100 * MS_NS);
    assert_eq!(denied.limit, Some(4));
    assert_eq!(left(&limiter, SEC_NS, "m", X), 0);
    assert_eq!(left(&limiter, 1_100 * MS_NS, "m", X), 1);
}

#[test]
fn a_cost_above_the_plain_limit_never_fits_whatever_is_lent() {
    let limiter = limiter(&one_rule("\"4/s\""));
    let receipt = take(&limiter, 0, "m", X, 4);
    limiter.refund(0, receipt);
    let never = check_cost(&limiter, 0, "m", X, 5);
    assert_eq!((never.outcome, never.remaining), (Outcome::Never, Some(4)));
    assert!(check_cost(&limiter, 0, "m", X, 4).allowed);
}

/// Units at 0, 250, 500 ms; those of 250 and 500 ms are given back. Until the
/// unit of 250 ms leaves, two more fit; with it both credits go.
#[test]
fn a_credit_dies_with_the_oldest_of_its_units() {
    let limiter = limiter(&one_rule("\"3/s\""));
    check(&limiter, 0, "m", X);
    let older = take(&limiter, 250 * MS_NS, "m", X, 1);
    let younger = take(&limiter, 500 * MS_NS, "m", X, 1);
    limiter.refund(600 * MS_NS, younger);
    assert_eq!(left(&limiter, 600 * MS_NS, "m", X), 1);
    limiter.refund(600 * MS_NS, older);
    assert_eq!(left(&limiter, 600 * MS_NS, "m", X), 2);
    assert_eq!(left(&limiter, SEC_NS, "m", X), 3);
    assert!(check_cost(&limiter, SEC_NS, "m", X, 2).allowed);
    assert_eq!(left(&limiter, 1_250 * MS_NS - US_NS, "m", X), 1);
    assert_eq!(left(&limiter, 1_250 * MS_NS, "m", X), 0);
    assert_eq!(left(&limiter, 1_500 * MS_NS, "m", X), 1);
}

/// Units at 0, 30 and 60 ms, the first given back. Two more would fit by the
/// credit when the first leaves, but then the credit is gone.
#[test]
fn the_retry_instant_does_not_count_on_a_credit_that_dies() {
    let limiter = limiter(&one_rule("\"3/s\""));
    let first = take(&limiter, 0, "m", X, 1);
    check(&limiter, 30 * MS_NS, "m", X);
    check(&limiter, 60 * MS_NS, "m", X);
    limiter.refund(60 * MS_NS, first);
    let now_ns = 100 * MS_NS;
    for (cost, expected_ms) in [(2, 1_030), (3, 1_060)] {
        let denied = check_cost(&limiter, now_ns, "m", X, cost);
        assert_eq!(retry_ns(now_ns, &denied), expected_ms * MS_NS);
        assert_eq!(denied.remaining, Some(1));
    }
    let early_ns = 1_030 * MS_NS - US_NS;
    assert!(!check_cost(&limiter, early_ns, "m", X, 2).allowed);
    assert!(check_cost(&limiter, 1_030 * MS_NS, "m", X, 2).allowed);
}

#[test]
fn refunds_join_while_the_longest_window_keeps_the_credit() {
    let policies = [one_rule("\"4/s\", \"20/10s\""), one_rule("\"4/s\"")];
    let limiter = limiter(&policies[0]);
    let first = take(&limiter, 0, "m", X, 4);
    limiter.refund(0, first);
    limiter.swap(&policies[1]);
    // Ten seconds are no more in force, but were the longest.
    for (now_ns, expected) in [
        (2 * SEC_NS, 0),
        (10 * SEC_NS - US_NS, 0),
        (12 * SEC_NS, 4),
        (14 * SEC_NS, 0),
    ] {
        let receipt = take(&limiter, now_ns, "m", X, 4);
        limiter.refund(now_ns, receipt);
        assert_eq!(left(&limiter, now_ns, "m", X), expected, "at {now_ns}");
    }
}

#[test]
fn a_refund_after_the_window_lends_nothing() {
    let limiter = limiter(&one_rule("\"4/s\""));
    let receipt = take(&limiter, 0, "m", X, 4);
    limiter.refund(SEC_NS, receipt);
    assert_eq!(left(&limiter, SEC_NS, "m", X), 4);
    assert!(check_cost(&limiter, SEC_NS, "m", X, 4).allowed);
    assert_eq!(left(&limiter, SEC_NS, "m", X), 0);
}

#[test]
fn no_more_than_4096_units_are_asked_about() {
    let limiter = limiter(&one_rule("\"2000/s\""));
    for _ in 0..2 {
        let receipt = take(&limiter, 0, "m", X, 2_000);
        limiter.refund(0, receipt);
    }
    assert_eq!(left(&limiter, 0, "m", X), 96);
    let receipt = take(&limiter, 0, "m", X, 96);
    limiter.refund(0, receipt);
    assert_eq!(left(&limiter, 0, "m", X), 0);
    assert_eq!(left(&limiter, SEC_NS, "m", X), 2_000);
}

#[test]
fn each_rule_gets_what_it_was_charged_also_when_it_is_not_in_force() {
    let limiter = limiter(TWO_RULES);
    let receipt = take(&limiter, 0, "m", "POST /pay", 5);
    assert_eq!(left(&limiter, 0, "m", ""), 2);
    limiter.swap(&one_rule("\"1/s\""));
    limiter.refund(0, receipt);
    limiter.swap(TWO_RULES);
    assert_eq!(left(&limiter, 0, "m", ""), 12);
    assert_eq!(left(&limiter, 0, "m", "POST /pay"), 5);
    assert_eq!(left(&limiter, 0, "other", ""), 12);
}

/// The payments wait for 1.5 s. Until 1 s the total has lent one unit of 0 s
/// and six of 0.55 s; then it has six of 0.55 s and six of 0.56 s.
#[test]
fn a_rule_whose_credit_dies_meanwhile_has_a_say() {
    let limiter = limiter(&TWO_RULES.replace("cost = 2\n", ""));
    let early = take(&limiter, 0, "m", "", 1);
    limiter.refund(0, early);
    check_cost(&limiter, 500 * MS_NS, "m", "POST /pay", 5);
    let late = take(&limiter, 550 * MS_NS, "m", "", 6);
    limiter.refund(550 * MS_NS, late);
    check_cost(&limiter, 560 * MS_NS, "m", "", 6);
    assert_eq!(left(&limiter, 560 * MS_NS, "m", ""), 1);
    for (now_ms, rule, retry_ms) in [(560, "total", 1_550), (1_500, "total", 1_550)] {
        let denied = check(&limiter, now_ms * MS_NS, "m", "POST /pay");
        assert_eq!(denied.rule.as_deref(), Some(rule));
        assert_eq!(retry_ns(now_ms * MS_NS, &denied), retry_ms * MS_NS);
    }
    assert!(check(&limiter, 1_550 * MS_NS, "m", "POST /pay").allowed);
}
