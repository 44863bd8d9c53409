//! Shorthand for tests that drive the reference by hand.

#![allow(dead_code, reason = "each test binary uses its own part")]

use slidegate_reference::{Decision, Outcome, Receipt, Reference};

pub const US_NS: u64 = 1_000;
pub const MS_NS: u64 = 1_000_000;
pub const SEC_NS: u64 = 1_000_000_000;
pub const UNIX_NS: u64 = 1_700_000_000_000_000_000;

pub fn limiter(policy: &str) -> Reference {
    Reference::new(policy, UNIX_NS)
}

pub fn check(limiter: &Reference, now_ns: u64, merchant: &str, endpoint: &str) -> Decision {
    check_cost(limiter, now_ns, merchant, endpoint, 1)
}

pub fn check_cost(
    limiter: &Reference,
    now_ns: u64,
    merchant: &str,
    endpoint: &str,
    cost: u64,
) -> Decision {
    limiter
        .check(now_ns, merchant.as_bytes(), endpoint, cost)
        .expect("the request is valid")
}

/// An admission of `cost` units and its receipt.
pub fn take(
    limiter: &Reference,
    now_ns: u64,
    merchant: &str,
    endpoint: &str,
    cost: u64,
) -> Receipt {
    let answer = limiter.check_with_receipt(now_ns, merchant.as_bytes(), endpoint, cost);
    let (decision, receipt) = answer.expect("the request is valid");
    receipt.unwrap_or_else(|| panic!("no receipt: {decision:?}"))
}

/// Units left in the binding window.
pub fn left(limiter: &Reference, now_ns: u64, merchant: &str, endpoint: &str) -> u64 {
    let decision = peek(limiter, now_ns, merchant, endpoint);
    decision.remaining.expect("a rule governs the request")
}

pub fn peek(limiter: &Reference, now_ns: u64, merchant: &str, endpoint: &str) -> Decision {
    limiter
        .peek(now_ns, merchant.as_bytes(), endpoint, 1)
        .expect("the request is valid")
}

/// The clock reading at which a denied request may come again.
pub fn retry_ns(now_ns: u64, denied: &Decision) -> u64 {
    assert_eq!(denied.outcome, Outcome::Denied, "{denied:?}");
    now_ns + denied.retry_after_ns.expect("a denial names its retry")
}

/// How many of `attempts` single requests at one instant get through.
pub fn admitted(
    limiter: &Reference,
    now_ns: u64,
    merchant: &str,
    endpoint: &str,
    attempts: u64,
) -> u64 {
    let answers = (0..attempts).map(|_| check(limiter, now_ns, merchant, endpoint));
    answers.filter(|decision| decision.allowed).count() as u64
}
