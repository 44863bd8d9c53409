//! The law of the window and of several rules, by hand.

mod common;

use common::{MS_NS, SEC_NS, UNIX_NS, US_NS, admitted, check, check_cost, limiter, peek, retry_ns};
use slidegate_reference::{Outcome, Refusal};

const TWO_RULES: &str = r#"
version = 1
unmatched = "allow"
[[rule]]
name = "pay"
match = "POST /pay"
windows = ["2/s"]
[[rule]]
name = "total"
match = "*"
windows = ["3/s"]
"#;

fn one_rule(windows: &str) -> String {
    format!(
        "version = 1\nunmatched = \"deny\"\n[[rule]]\nname = \"x\"\nmatch = \"GET /x\"\nwindows = [{windows}]\n"
    )
}

#[test]
fn a_window_is_half_open() {
    let limiter = limiter(&one_rule("\"1/ms\""));
    assert!(check(&limiter, 1_999, "m", "GET /x").allowed);
    for now_ns in [1_999, 2_000, 1_000_000, 1_000_999] {
        let denied = check(&limiter, now_ns, "m", "GET /x");
        assert_eq!(retry_ns(now_ns, &denied), 1_001_000, "at {now_ns}");
    }
    assert!(check(&limiter, 1_001_000, "m", "GET /x").allowed);
}

#[test]
fn a_cost_waits_for_as_many_units_as_it_lacks() {
    let limiter = limiter(&one_rule("\"4/s\""));
    for now_ms in [0, 100, 200, 300] {
        check(&limiter, now_ms * MS_NS, "m", "GET /x");
    }
    let now_ns = 400 * MS_NS;
    for (cost, expected_ms) in [(1, 1_000), (2, 1_100), (3, 1_200), (4, 1_300)] {
        let denied = check_cost(&limiter, now_ns, "m", "GET /x", cost);
        assert_eq!(
            retry_ns(now_ns, &denied),
            expected_ms * MS_NS,
            "cost {cost}"
        );
    }
    let never = check_cost(&limiter, now_ns, "m", "GET /x", 5);
    assert_eq!(
        (never.outcome, never.retry_after_ns),
        (Outcome::Never, None)
    );
    assert_eq!(never.reset_at_ns, Some(UNIX_NS + SEC_NS));
}

#[test]
fn never_describes_the_tightest_window_and_the_instant_of_the_tick() {
    let limiter = limiter(&one_rule("\"9/10s\", \"5/s\", \"5/2s\""));
    let never = check_cost(&limiter, 7_777, "m", "GET /x", 6);
    assert_eq!((never.limit, never.window_ns), (Some(5), Some(2 * SEC_NS)));
    assert_eq!(never.remaining, Some(5));
    assert_eq!(never.reset_at_ns, Some(UNIX_NS + 7_000));
}

#[test]
fn of_two_blocking_windows_the_later_is_reported() {
    let limiter = limiter(&one_rule("\"2/s\", \"3/10s\""));
    assert_eq!(admitted(&limiter, 0, "m", "GET /x", 5), 2);
    assert_eq!(admitted(&limiter, 5 * SEC_NS, "m", "GET /x", 5), 1);
    let now_ns = 5 * SEC_NS;
    let denied = check_cost(&limiter, now_ns, "m", "GET /x", 2);
    assert_eq!(denied.window_ns, Some(10 * SEC_NS));
    assert_eq!(retry_ns(now_ns, &denied), 10 * SEC_NS);
}

#[test]
fn equal_retries_report_the_longer_window() {
    let limiter = limiter(&one_rule("\"1/s\", \"2/3s\""));
    check(&limiter, 0, "m", "GET /x");
    check(&limiter, 2 * SEC_NS, "m", "GET /x");
    let denied = check(&limiter, 2 * SEC_NS, "m", "GET /x");
    assert_eq!(denied.window_ns, Some(3 * SEC_NS));
    assert_eq!(denied.retry_after_ns, Some(SEC_NS));
}

#[test]
fn equal_remainders_report_the_longer_window_then_the_rule_for_all() {
    let pair = limiter(&one_rule("\"4/s\", \"5/3s\""));
    check(&pair, 0, "m", "GET /x");
    let tie = check(&pair, SEC_NS, "m", "GET /x");
    assert_eq!((tie.window_ns, tie.remaining), (Some(3 * SEC_NS), Some(3)));

    let rules = limiter(TWO_RULES);
    check(&rules, 0, "m", "GET /other");
    let tie = check(&rules, 1, "m", "POST /pay");
    assert_eq!(
        (tie.rule.as_deref(), tie.remaining),
        (Some("total"), Some(1))
    );
}

#[test]
fn a_denial_leaves_no_trace_in_any_rule() {
    let limiter = limiter(TWO_RULES);
    assert_eq!(admitted(&limiter, 0, "m", "POST /pay", 9), 2);
    let total = peek(&limiter, 0, "m", "");
    assert_eq!(total.remaining, Some(1));
    assert_eq!(admitted(&limiter, 0, "m", "", 9), 1);
    let denied = check(&limiter, 0, "m", "POST /pay");
    assert_eq!(denied.rule.as_deref(), Some("total"));
}

#[test]
fn a_peek_charges_nothing_and_shows_the_current_state() {
    let limiter = limiter(&one_rule("\"2/s\""));
    for _ in 0..3 {
        let fresh = peek(&limiter, 1_500, "m", "GET /x");
        assert_eq!((fresh.allowed, fresh.remaining), (true, Some(2)));
        assert_eq!(fresh.reset_at_ns, Some(UNIX_NS + 1_000));
    }
    check(&limiter, 2_000, "m", "GET /x");
    let used = peek(&limiter, 3_000, "m", "GET /x");
    assert_eq!(used.remaining, Some(1));
    assert_eq!(used.reset_at_ns, Some(UNIX_NS + SEC_NS + 2_000));
}

#[test]
fn a_clock_that_steps_back_is_held_at_the_newest_unit() {
    let limiter = limiter(&one_rule("\"2/s\""));
    check(&limiter, 9 * SEC_NS, "m", "GET /x");
    assert!(check(&limiter, SEC_NS, "m", "GET /x").allowed);
    let denied = check(&limiter, SEC_NS, "m", "GET /x");
    assert_eq!(retry_ns(SEC_NS, &denied), 10 * SEC_NS);
    assert!(!check(&limiter, 10 * SEC_NS - US_NS, "m", "GET /x").allowed);
    assert_eq!(admitted(&limiter, 10 * SEC_NS, "m", "GET /x", 5), 2);
    assert!(check(&limiter, SEC_NS, "other", "GET /x").allowed);
}

#[test]
fn each_rule_is_judged_by_its_own_newest_unit() {
    let limiter = limiter(TWO_RULES);
    check(&limiter, 5 * SEC_NS, "m", "");
    assert!(check(&limiter, 4 * SEC_NS, "m", "POST /pay").allowed);
    let now_ns = 4 * SEC_NS + 500 * MS_NS;
    assert!(check(&limiter, now_ns, "m", "POST /pay").allowed);
    limiter.swap(&one_rule("\"9/s\"").replace("\"x\"", "\"pay\""));
    let pay = peek(&limiter, now_ns, "m", "GET /x");
    assert_eq!(pay.reset_at_ns, Some(UNIX_NS + 5 * SEC_NS));
}

#[test]
fn of_several_rules_that_never_fit_the_first_is_reported() {
    let limiter = limiter(TWO_RULES);
    let expected = [(3, "pay"), (4, "total"), (9, "total")];
    for (cost, rule) in expected {
        let never = check_cost(&limiter, 0, "m", "POST /pay", cost);
        assert_eq!(never.outcome, Outcome::Never, "cost {cost}");
        assert_eq!(never.rule.as_deref(), Some(rule), "cost {cost}");
    }
}

#[test]
fn a_swap_keeps_the_units() {
    let limiter = limiter(&one_rule("\"3/s\""));
    assert_eq!(admitted(&limiter, 0, "m", "GET /x", 9), 3);
    assert_eq!(limiter.swap(&one_rule("\"5/s\"")), 2);
    assert_eq!(admitted(&limiter, 0, "m", "GET /x", 9), 2);
    assert_eq!(limiter.swap(&one_rule("\"4/s\"")), 3);
    let denied = check(&limiter, 0, "m", "GET /x");
    assert_eq!((denied.remaining, denied.policy_version), (Some(0), 3));
    assert_eq!(limiter.swap(TWO_RULES), 4);
    assert_eq!(limiter.swap(&one_rule("\"6/s\"")), 5);
    assert_eq!(admitted(&limiter, 0, "m", "GET /x", 9), 1);
}

#[test]
fn a_rules_cost_multiplies_and_saturates() {
    let limiter = limiter(&format!("{}cost = 3\n", one_rule("\"7/s\"")));
    let decision = check_cost(&limiter, 0, "m", "GET /x", 2);
    assert_eq!((decision.allowed, decision.remaining), (true, Some(1)));
    assert!(!check(&limiter, 0, "m", "GET /x").allowed);
    for cost in [3, u64::MAX] {
        let never = check_cost(&limiter, 0, "m", "GET /x", cost);
        assert_eq!(never.outcome, Outcome::Never, "cost {cost}");
    }
}

#[test]
fn refusals_come_in_order() {
    let limiter = limiter(&one_rule("\"1/s\""));
    let expected = [
        ("", 0, "", Refusal::InvalidMerchant),
        ("m", 0, "", Refusal::InvalidCost),
        ("m", 1, "", Refusal::InvalidEndpoint),
        ("m", 1, "GET x", Refusal::InvalidEndpoint),
    ];
    for (merchant, cost, endpoint, refusal) in expected {
        let answer = limiter.check(0, merchant.as_bytes(), endpoint, cost);
        assert_eq!(answer, Err(refusal));
        let answer = limiter.peek(0, merchant.as_bytes(), endpoint, cost);
        assert_eq!(answer, Err(refusal));
    }
    assert!(limiter.check(0, &[0xff; 1_024], "GET /x", 1).is_ok());
    let answer = limiter.check(0, &[0xff; 1_025], "GET /x", 1);
    assert_eq!(answer, Err(Refusal::InvalidMerchant));
}
