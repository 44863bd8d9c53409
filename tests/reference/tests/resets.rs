//! Resets and rules that all merchants share, by hand.

mod common;

use common::{
    MS_NS, SEC_NS, US_NS, admitted, check, check_cost, left, limiter, peek, retry_ns, take,
};

const POLICY: &str = r#"
version = 1
unmatched = "allow"
[[rule]]
name = "merchant"
match = "*"
windows = ["6/s"]
[[rule]]
name = "platform"
match = "*"
per = "all"
windows = ["10/s"]
[[rule]]
name = "pay"
match = "POST /pay"
windows = ["4/s"]
"#;

const PAY: &str = "POST /pay";
const OTHER: &str = "GET /other";

#[test]
fn all_merchants_share_one_log() {
    let limiter = limiter(POLICY);
    assert_eq!(admitted(&limiter, 0, "m_1", OTHER, 9), 6);
    assert_eq!(admitted(&limiter, 10 * MS_NS, "m_2", OTHER, 9), 4);
    let denied = peek(&limiter, 20 * MS_NS, "m_3", OTHER);
    assert_eq!(denied.rule.as_deref(), Some("platform"));
    assert_eq!(retry_ns(20 * MS_NS, &denied), SEC_NS);
    assert_eq!(admitted(&limiter, SEC_NS, "m_3", OTHER, 9), 6);
    let denied = peek(&limiter, SEC_NS, "m_4", OTHER);
    assert_eq!(retry_ns(SEC_NS, &denied), SEC_NS + 10 * MS_NS);
}

#[test]
fn a_shared_log_is_judged_at_the_newest_unit_of_any_merchant() {
    let limiter = limiter(POLICY);
    check_cost(&limiter, 0, "m_1", OTHER, 6);
    check_cost(&limiter, 999 * MS_NS, "m_2", OTHER, 4);
    let denied = check(&limiter, 500 * MS_NS, "m_3", OTHER);
    assert_eq!(retry_ns(500 * MS_NS, &denied), SEC_NS);
    check(&limiter, SEC_NS, "m_3", OTHER);
    // Judged at 1 s, where the first six are gone; the merchant's own at 0.5 s.
    assert!(check(&limiter, 500 * MS_NS, "m_4", OTHER).allowed);
}

#[test]
fn what_one_merchant_gives_back_another_may_take() {
    let limiter = limiter(POLICY);
    let receipt = take(&limiter, 0, "m_1", OTHER, 6);
    check_cost(&limiter, 0, "m_2", OTHER, 4);
    assert!(!check(&limiter, 0, "m_3", OTHER).allowed);
    limiter.refund(0, receipt);
    assert_eq!(left(&limiter, 0, "m_3", OTHER), 6);
    assert_eq!(admitted(&limiter, 0, "m_3", OTHER, 9), 6);
    assert_eq!(left(&limiter, 0, "m_1", OTHER), 0);
}

#[test]
fn a_merchants_units_and_those_of_all_are_apart() {
    let quota = |per: &str| {
        format!(
            "version = 1\nunmatched = \"allow\"\n[[rule]]\nname = \"quota\"\nmatch = \"*\"\nwindows = [\"6/s\"]\nper = \"{per}\"\n"
        )
    };
    let limiter = limiter(&quota("all"));
    check_cost(&limiter, 0, "m_1", "", 4);
    limiter.swap(&quota("merchant"));
    assert_eq!(left(&limiter, 0, "m_1", ""), 6);
    check_cost(&limiter, 0, "m_1", "", 5);
    limiter.swap(&quota("all"));
    assert_eq!(left(&limiter, 0, "m_2", ""), 2);
}

#[test]
fn a_reset_concerns_the_named_rule_of_the_merchant() {
    let limiter = limiter(POLICY);
    for merchant in ["m_1", "m_2"] {
        check_cost(&limiter, 0, merchant, PAY, 4);
    }
    limiter.reset(b"m_1", Some("pay"));
    assert_eq!(left(&limiter, US_NS, "m_1", ""), 2);
    assert!(check_cost(&limiter, US_NS, "m_1", PAY, 2).allowed);
    assert!(!check(&limiter, US_NS, "m_2", PAY).allowed);
    // Two more fit there, but the merchant still has six units.
    let denied = check_cost(&limiter, US_NS, "m_1", PAY, 2);
    assert_eq!(denied.rule.as_deref(), Some("merchant"));
    assert_eq!(retry_ns(US_NS, &denied), SEC_NS);
}

#[test]
fn without_a_name_every_key_of_the_merchant_is_reset_but_none_of_all() {
    let limiter = limiter(POLICY);
    check_cost(&limiter, 0, "m_1", PAY, 4);
    check_cost(&limiter, 0, "m_2", OTHER, 5);
    limiter.reset(b"m_1", None);
    let tightest = peek(&limiter, US_NS, "m_1", PAY);
    assert_eq!(tightest.rule.as_deref(), Some("platform"));
    assert_eq!(tightest.remaining, Some(1));
    limiter.reset(b"whoever", Some("platform"));
    assert_eq!(left(&limiter, US_NS, "m_1", PAY), 4);
    assert_eq!(left(&limiter, US_NS, "m_1", OTHER), 6);
    assert_eq!(left(&limiter, US_NS, "m_2", OTHER), 1);
}

#[test]
fn a_rule_that_is_not_in_force_is_reset_as_well() {
    for rule in [None, Some("pay")] {
        let limiter = limiter(POLICY);
        check_cost(&limiter, 0, "m_1", PAY, 4);
        limiter.swap("version = 1\nunmatched = \"allow\"\n");
        limiter.reset(b"m_1", rule);
        limiter.reset(b"m_1", Some("never-heard-of"));
        limiter.swap(POLICY);
        let pay = check_cost(&limiter, US_NS, "m_1", PAY, 2);
        assert!(pay.allowed, "{rule:?}");
        assert_eq!(
            left(&limiter, US_NS, "m_1", ""),
            if rule.is_none() { 4 } else { 0 }
        );
    }
}

#[test]
fn a_reset_takes_the_credit_and_the_worth_of_receipts() {
    let limiter = limiter(POLICY);
    let lent = take(&limiter, 0, "m_1", PAY, 1);
    let old = take(&limiter, 0, "m_1", PAY, 2);
    limiter.refund(0, lent);
    limiter.reset(b"m_1", Some("pay"));
    let new = take(&limiter, US_NS, "m_1", PAY, 3);
    limiter.refund(US_NS, old);
    // `merchant` was not reset: six units are charged and three are lent.
    assert_eq!(left(&limiter, US_NS, "m_1", ""), 3);
    assert_eq!(left(&limiter, US_NS, "m_1", PAY), 1);
    limiter.refund(US_NS, new);
    assert_eq!(left(&limiter, US_NS, "m_1", PAY), 4);
}

/// A receipt of the very tick of the reset is of before it.
#[test]
fn the_order_counts_where_the_tick_is_the_same() {
    let limiter = limiter(POLICY);
    let old = take(&limiter, SEC_NS, "m_1", PAY, 4);
    limiter.reset(b"m_1", None);
    let new = take(&limiter, SEC_NS, "m_1", PAY, 4);
    limiter.refund(SEC_NS, old);
    assert!(!check(&limiter, SEC_NS, "m_1", PAY).allowed);
    limiter.refund(SEC_NS, new);
    assert!(check(&limiter, SEC_NS, "m_1", "GET /x").allowed);
}
