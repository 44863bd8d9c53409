//! The figures of the two API documents, written down by hand.

mod common;

use common::{SEC_NS, UNIX_NS, US_NS, admitted, check, limiter, peek, retry_ns};

const ENDPOINT_LIMITS: &str = include_str!("../../../policies/endpoint-limits.toml");
const MERCHANT_LIMITS: &str = include_str!("../../../policies/merchant-limits.toml");

/// "Rate Limits by Endpoint": method and path, requests per minute.
const BY_ENDPOINT: [(&str, u64); 8] = [
    ("POST /v1/payment", 100),
    ("GET /v1/payment/pay_9", 300),
    ("GET /v1/payment/list", 200),
    ("POST /v1/payment-link", 50),
    ("GET /v1/payment-link/pl_9", 100),
    ("GET /v1/payment-link/list", 100),
    ("PATCH /v1/payment-link/pl_9", 50),
    ("DELETE /v1/payment-link/pl_9", 50),
];

/// "Maximum of 100 requests per second and 400 requests per minute": a merchant
/// sends 150 at once at each of these instants. Milliseconds, how many get
/// through, and the instant at which the next may.
const EVERY_SECOND: [(u64, u64, u64); 12] = [
    (0, 100, 1_000),
    (999, 0, 1_000),
    (1_000, 100, 2_000),
    (1_500, 0, 2_000),
    (2_000, 100, 3_000),
    (3_000, 100, 60_000),
    (4_000, 0, 60_000),
    (59_999, 0, 60_000),
    (60_000, 100, 61_000),
    (61_000, 100, 62_000),
    (62_000, 100, 63_000),
    (63_000, 100, 120_000),
];

#[test]
fn each_endpoint_admits_its_limit_and_not_one_more() {
    for (endpoint, limit) in BY_ENDPOINT {
        let limiter = limiter(ENDPOINT_LIMITS);
        for nth in 1..=limit {
            let decision = check(&limiter, nth * US_NS, "m", endpoint);
            assert!(decision.allowed, "{endpoint}, request {nth}");
            assert_eq!(decision.limit, Some(limit), "{endpoint}");
            assert_eq!(decision.window_ns, Some(60 * SEC_NS), "{endpoint}");
            assert_eq!(decision.remaining, Some(limit - nth), "{endpoint}");
        }
        let beyond = check(&limiter, SEC_NS, "m", endpoint);
        assert!(!beyond.allowed, "{endpoint}");
        assert_eq!(beyond.remaining, Some(0), "{endpoint}");
    }
}

#[test]
fn a_denied_request_may_come_again_a_minute_after_the_first() {
    let first_ns = 5 * SEC_NS;
    for (endpoint, limit) in BY_ENDPOINT {
        let limiter = limiter(ENDPOINT_LIMITS);
        for nth in 0..limit {
            assert!(check(&limiter, first_ns + nth * US_NS, "m", endpoint).allowed);
        }
        let now_ns = 20 * SEC_NS;
        let denied = check(&limiter, now_ns, "m", endpoint);
        let expected_ns = first_ns + 60 * SEC_NS;
        assert_eq!(retry_ns(now_ns, &denied), expected_ns, "{endpoint}");
        assert_eq!(denied.reset_at_ns, Some(UNIX_NS + expected_ns));
        let early_ns = expected_ns - US_NS;
        assert!(!check(&limiter, early_ns, "m", endpoint).allowed);
        assert_eq!(admitted(&limiter, expected_ns, "m", endpoint, 2), 1);
    }
}

#[test]
fn no_endpoint_takes_from_another() {
    let limiter = limiter(ENDPOINT_LIMITS);
    for (endpoint, limit) in BY_ENDPOINT {
        assert_eq!(
            admitted(&limiter, 0, "m", endpoint, limit + 20),
            limit,
            "{endpoint}"
        );
    }
}

#[test]
fn no_merchant_takes_from_another() {
    let limiter = limiter(ENDPOINT_LIMITS);
    for merchant in ["m_1", "m_2", "m_3"] {
        assert_eq!(
            admitted(&limiter, 0, merchant, "POST /v1/payment", 101),
            100
        );
    }
}

#[test]
fn all_ids_of_a_route_share_one_limit() {
    let limiter = limiter(ENDPOINT_LIMITS);
    for nth in 0..300 {
        let endpoint = format!("GET /v1/payment/pay_{nth}");
        assert!(check(&limiter, 0, "m", &endpoint).allowed, "{endpoint}");
    }
    assert!(!check(&limiter, 0, "m", "GET /v1/payment/pay_300").allowed);
    assert!(check(&limiter, 0, "m", "GET /v1/payment/list").allowed);
}

#[test]
fn a_burst_of_100_payments_waits_a_minute() {
    let limiter = limiter(ENDPOINT_LIMITS);
    assert_eq!(admitted(&limiter, 0, "m", "POST /v1/payment", 100), 100);
    let denied = check(&limiter, 0, "m", "POST /v1/payment");
    assert_eq!(denied.retry_after_ns, Some(60 * SEC_NS));
}

#[test]
fn the_minute_slides() {
    let limiter = limiter(ENDPOINT_LIMITS);
    let endpoint = "DELETE /v1/payment-link/pl_9";
    assert_eq!(admitted(&limiter, 59 * SEC_NS, "m", endpoint, 50), 50);
    assert_eq!(admitted(&limiter, 60 * SEC_NS, "m", endpoint, 50), 0);
    assert_eq!(admitted(&limiter, 118 * SEC_NS, "m", endpoint, 50), 0);
    assert_eq!(admitted(&limiter, 119 * SEC_NS, "m", endpoint, 60), 50);
}

#[test]
fn a_merchant_gets_100_a_second_and_400_a_minute() {
    let limiter = limiter(MERCHANT_LIMITS);
    for (now_ms, count, next_ms) in EVERY_SECOND {
        let now_ns = now_ms * 1_000_000;
        assert_eq!(
            admitted(&limiter, now_ns, "m", "GET /any", 150),
            count,
            "{now_ms} ms"
        );
        let denied = peek(&limiter, now_ns, "m", "POST /other");
        assert_eq!(
            retry_ns(now_ns, &denied),
            next_ms * 1_000_000,
            "{now_ms} ms"
        );
    }
}

#[test]
fn the_window_that_binds_is_the_one_reported() {
    let limiter = limiter(MERCHANT_LIMITS);
    let decision = check(&limiter, 0, "m", "");
    assert_eq!((decision.limit, decision.remaining), (Some(100), Some(99)));
    for second in 0..4 {
        admitted(&limiter, second * SEC_NS, "m", "", 100);
    }
    let decision = peek(&limiter, 3 * SEC_NS, "m", "");
    assert_eq!(
        (decision.limit, decision.window_ns),
        (Some(400), Some(60 * SEC_NS))
    );
}
