//! What a refused request gets to see.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use slidegate::tower::RateLimitLayer;
use slidegate::{Limiter, OnFull, PROBLEM_MEDIA_TYPE, Policy};

use crate::common::{EPOCH_SECS, limited, merchant_of, send, serve};

const POLICY: &str = r#"
version = 1
unmatched = "deny"
[[rule]]
name = "create-payment"
match = "POST /v1/payment"
windows = ["2/min"]
[[rule]]
name = "list"
match = "GET /v1/payment/list"
windows = ["1/min"]
[[rule]]
name = "bulk"
match = "POST /v1/bulk"
windows = ["3/min"]
cost = 2
"#;

async fn answer() -> ([(&'static str, &'static str); 1], &'static str) {
    ([("x-ran", "yes")], "fine")
}

fn router() -> Router {
    Router::new().fallback(any(answer))
}

#[tokio::test]
async fn a_denial_names_the_rule_the_window_and_the_wait() {
    let limited = limited(POLICY);
    let to = serve(router().layer(RateLimitLayer::new(limited.limiter.clone(), merchant_of))).await;
    send(to, "POST /v1/payment", "m").await;
    limited.clock.advance(Duration::from_millis(10_500));
    send(to, "POST /v1/payment", "m").await;
    let reply = send(to, "POST /v1/payment", "m").await;
    assert_eq!((reply.status, reply.field("x-ran")), (429, None));
    assert_eq!(reply.field("content-type"), Some(PROBLEM_MEDIA_TYPE));
    assert_eq!(
        reply.number("content-length"),
        Some(reply.body.len() as u64)
    );
    // 49.5 s to go, rounded up; the reset is that very instant.
    assert_eq!(reply.number("retry-after"), Some(50));
    assert_eq!(reply.trio(), Some((2, 0, EPOCH_SECS + 60)));
    let expected = serde_json::json!({
        "type": "about:blank",
        "title": "Too Many Requests",
        "status": 429,
        "detail": "Rate limit exceeded; retry in 50 seconds.",
        "rule": "create-payment",
        "limit": 2,
        "window": "2/min",
        "remaining": 0,
        "retryAfter": 50,
    });
    assert_eq!(reply.json(), expected);
    assert_eq!(
        reply.json()["retryAfter"].as_u64(),
        reply.number("retry-after")
    );
}

#[tokio::test]
async fn a_refused_head_has_the_headers_and_no_body() {
    let limited = limited(POLICY);
    let to = serve(router().layer(RateLimitLayer::new(limited.limiter.clone(), merchant_of))).await;
    send(to, "GET /v1/payment/list", "m").await;
    let get = send(to, "GET /v1/payment/list", "m").await;
    let head = send(to, "HEAD /v1/payment/list", "m").await;
    assert_eq!((get.status, head.status), (429, 429));
    assert_eq!((head.body.as_str(), get.body.is_empty()), ("", false));
    let without_date = |fields: &[(String, String)]| -> Vec<(String, String)> {
        fields
            .iter()
            .filter(|(name, _)| name != "date")
            .cloned()
            .collect()
    };
    assert_eq!(without_date(&head.fields), without_date(&get.fields));
}

#[tokio::test]
async fn a_cost_above_the_limit_has_no_retry_time() {
    let limited = limited(POLICY);
    let layer = RateLimitLayer::new(limited.limiter.clone(), merchant_of);
    let to = serve(router().layer(layer.cost(|_: &Request| 2))).await;
    let reply = send(to, "POST /v1/bulk", "m").await;
    assert_eq!((reply.status, reply.field("x-ran")), (429, None));
    assert_eq!(reply.field("retry-after"), None);
    assert_eq!(reply.trio().map(|trio| trio.0), Some(3));
    assert_eq!(reply.json()["retryAfter"], serde_json::Value::Null);
    assert_eq!(reply.json()["rule"], "bulk");
}

#[tokio::test]
async fn an_unmatched_endpoint_is_forbidden_where_the_policy_says_so() {
    let limited = limited(POLICY);
    let to = serve(router().layer(RateLimitLayer::new(limited.limiter.clone(), merchant_of))).await;
    for line in ["GET /nowhere", "OPTIONS *", "CONNECT test:80"] {
        let reply = send(to, line, "m").await;
        assert_eq!((reply.status, reply.field("x-ran")), (403, None), "{line}");
        assert_eq!(reply.field("content-type"), Some(PROBLEM_MEDIA_TYPE));
        assert_eq!(
            (reply.json()["status"].as_u64(), reply.trio()),
            (Some(403), None)
        );
    }
}

/// A limiter whose table has no room left for another key.
fn full(on_full: OnFull) -> Arc<Limiter> {
    let policy = Policy::from_toml(POLICY).unwrap();
    let limiter = Limiter::builder()
        .max_keys(1)
        .on_full(on_full)
        .build(&policy);
    let limiter = limiter.unwrap();
    for filler in 0..5_000 {
        let merchant = format!("filler-{filler}");
        let _ = limiter.check(merchant, "POST /v1/payment", 1).unwrap();
    }
    assert!(limiter.untracked() > 1_000, "the table is not full");
    Arc::new(limiter)
}

#[tokio::test]
async fn a_full_table_is_unavailable_or_lets_through_without_headers() {
    for (on_full, status, ran) in [(OnFull::Deny, 503, None), (OnFull::Admit, 200, Some("yes"))] {
        let limiter = full(on_full);
        let layer = RateLimitLayer::new(limiter.clone(), merchant_of);
        let to = serve(router().layer(layer)).await;
        let before = limiter.untracked();
        let reply = send(to, "POST /v1/payment", "m").await;
        assert_eq!((reply.status, reply.field("x-ran")), (status, ran));
        assert_eq!(reply.trio(), None);
        assert_eq!(limiter.untracked(), before + 1);
        if status == 503 {
            assert_eq!(reply.json()["status"], 503);
            assert_eq!(reply.field("content-type"), Some(PROBLEM_MEDIA_TYPE));
        }
    }
}

#[tokio::test]
async fn a_merchant_that_is_no_merchant_is_forbidden() {
    let limited = limited(POLICY);
    for merchant in [String::new(), "x".repeat(slidegate::MAX_MERCHANT_BYTES + 1)] {
        let length = merchant.len();
        let merchant_of = move |_: &Request| Some(merchant.clone());
        let layer = RateLimitLayer::new(limited.limiter.clone(), merchant_of);
        let to = serve(router().layer(layer.on_missing(slidegate::tower::OnMissing::Allow))).await;
        let reply = send(to, "POST /v1/payment", "m").await;
        assert_eq!(
            (reply.status, reply.field("x-ran")),
            (403, None),
            "{length} bytes"
        );
        assert_eq!(reply.json()["status"], 403);
    }
}
