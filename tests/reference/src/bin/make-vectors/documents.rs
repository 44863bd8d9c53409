//! The two API documents, driven to every limit that they name.

use slidegate_reference::Outcome;

use crate::timeline::{MIN_NS, MS_NS, SEC_NS, Timeline};

pub const ENDPOINT_LIMITS: &str = include_str!("../../../../../policies/endpoint-limits.toml");
pub const MERCHANT_LIMITS: &str = include_str!("../../../../../policies/merchant-limits.toml");

/// Endpoint, limit a minute, rule.
const EIGHT: [(&str, u64, &str); 8] = [
    ("POST /v1/payment", 100, "create-payment"),
    ("GET /v1/payment/pay_1", 300, "get-payment"),
    ("GET /v1/payment/list", 200, "list-payments"),
    ("POST /v1/payment-link", 50, "create-payment-link"),
    ("GET /v1/payment-link/pl_1", 100, "get-payment-link"),
    ("GET /v1/payment-link/list", 100, "list-payment-links"),
    ("PATCH /v1/payment-link/pl_1", 50, "update-payment-link"),
    ("DELETE /v1/payment-link/pl_1", 50, "delete-payment-link"),
];

pub fn endpoints() -> Timeline {
    let mut line = Timeline::new(
        "Each of the eight endpoints of the endpoint document is driven to its limit and one beyond, then retried.",
        ENDPOINT_LIMITS,
    );
    each_to_its_limit(&mut line);
    all_at_once(&mut line);
    ids_share_a_pool(&mut line);
    line
}

/// One request at a time, 7 ms apart: the first unit alone makes room.
fn each_to_its_limit(line: &mut Timeline) {
    for (endpoint, limit, rule) in EIGHT {
        line.wait(SEC_NS)
            .admit_many("m_1", endpoint, limit, 7 * MS_NS);
        line.peek("m_1", endpoint, 1);
        line.deny_until_retry("m_1", endpoint, 1, rule);
        line.deny("m_1", endpoint, 1, rule);
    }
}

/// Full limits in one instant: no endpoint takes from another, no merchant
/// from another.
fn all_at_once(line: &mut Timeline) {
    line.wait(2 * MIN_NS);
    for merchant in ["m_1", "m_2", "日本の店"] {
        for (endpoint, limit, _) in EIGHT {
            line.admit(merchant, endpoint, limit);
        }
        for (endpoint, _, rule) in EIGHT {
            line.deny(merchant, endpoint, 1, rule);
        }
    }
    let retry_ns = line.deny("m_2", "POST /v1/payment", 100, "create-payment");
    line.at(retry_ns - 1_000);
    for (endpoint, limit, rule) in EIGHT {
        line.deny("m_2", endpoint, limit, rule);
    }
    line.at(retry_ns);
    for (endpoint, limit, _) in EIGHT {
        line.admit("m_2", endpoint, limit);
    }
}

/// All ids of a route, its queries and its HEAD requests are one pool.
fn ids_share_a_pool(line: &mut Timeline) {
    line.wait(2 * MIN_NS);
    for id in 0..60 {
        let path = format!("/v1/payment/pay_{id}");
        line.admit("m_1", &format!("GET {path}"), 1);
        line.admit("m_1", &format!("HEAD {path}?expand=all"), 1);
    }
    line.admit("m_1", "GET /v1/payment/other", 180);
    line.deny("m_1", "GET /v1/payment/pay_7", 1, "get-payment");
    line.deny("m_1", "HEAD /v1/payment/pay_8", 1, "get-payment");
    line.admit("m_1", "HEAD /v1/payment/list", 199);
    line.admit("m_1", "GET /v1/payment/list?page=2", 1);
    line.deny("m_1", "GET /v1/payment/list?page=3", 1, "list-payments");
    line.meet(Outcome::Unmatched, "m_1", "GET /v1/refund", 1);
}

pub fn merchants() -> Timeline {
    let mut line = Timeline::new(
        "A merchant sends all that 100 a second and 400 a minute let through, over any endpoint.",
        MERCHANT_LIMITS,
    );
    let rule = "merchant-total";
    line.peek("m_1", "", 1);
    line.admit_many("m_1", "POST /v1/payment", 100, 0);
    line.deny_until_retry("m_1", "GET /v1/anything", 1, rule);
    line.admit_many("m_1", "", 99, 0);
    for second in [2, 3] {
        line.deny("m_1", "", 1, rule);
        line.at(second * SEC_NS - 1_000).deny("m_1", "", 1, rule);
        line.at(second * SEC_NS).admit("m_1", "", 100);
    }
    line.at(4 * SEC_NS).deny("m_1", "", 1, rule);
    line.admit("m_2", "", 100);
    line.deny_until_retry("m_1", "", 1, rule);
    line.admit("m_1", "", 99);
    line.deny_until_retry("m_1", "", 100, rule);
    staggered(&mut line);
    line
}

/// One request every 10 ms is exactly 100 a second: the minute binds at 4 s.
fn staggered(line: &mut Timeline) {
    line.wait(5 * MIN_NS);
    let start_ns = line.now_ns();
    for nth in 0..400 {
        line.at(start_ns + nth * 10 * MS_NS)
            .admit("m_3", "GET /v1/payment/1", 1);
    }
    line.wait(10 * MS_NS);
    line.deny_until_retry("m_3", "GET /v1/payment/1", 1, "merchant-total");
    line.deny_until_retry("m_3", "GET /v1/payment/1", 3, "merchant-total");
    line.meet(Outcome::Never, "m_3", "", 101);
}
