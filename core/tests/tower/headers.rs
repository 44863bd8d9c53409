//! Which responses carry the headers, and what they say.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::routing::get;
use futures_util::stream;
use slidegate::tower::RateLimitLayer;

use crate::common::{EPOCH_SECS, limited, merchant_of, send, serve};

const POLICY: &str = r#"
version = 1
exempt = ["GET /healthz"]
[[rule]]
name = "total"
match = "*"
windows = ["10/min"]
"#;

async fn stream() -> Body {
    let parts =
        ["first ", "second ", "third"].map(|part| Ok::<_, std::io::Error>(Bytes::from(part)));
    Body::from_stream(stream::iter(parts))
}

fn router() -> Router {
    Router::new()
        .route("/ok", get(|| async { "fine" }))
        .route(
            "/broken",
            get(|| async { (StatusCode::INTERNAL_SERVER_ERROR, "broken") }),
        )
        .route(
            "/busy",
            get(|| async {
                (
                    StatusCode::TOO_MANY_REQUESTS,
                    [("retry-after", "7")],
                    "upstream",
                )
            }),
        )
        .route("/stream", get(stream))
        .route("/healthz", get(|| async { "up" }))
        .route(
            "/own",
            get(|| async {
                [
                    ("X-RateLimit-Limit", "12345"),
                    ("X-RateLimit-Remaining", "many"),
                ]
            }),
        )
}

#[tokio::test]
async fn every_response_of_a_limited_route_has_them() {
    let limited = limited(POLICY);
    let layer = RateLimitLayer::new(limited.limiter.clone(), merchant_of);
    let to = serve(router().layer(layer)).await;
    let lines = [
        ("GET /ok", 200),
        ("GET /nowhere", 404),
        ("POST /ok", 405),
        ("GET /broken", 500),
        ("GET /busy", 429),
        ("GET /stream", 200),
        ("HEAD /ok", 200),
        ("GET /own", 200),
    ];
    for (left, (line, status)) in (0..10).rev().zip(lines) {
        let reply = send(to, line, "m").await;
        let expected = Some((10, left, EPOCH_SECS + 60));
        assert_eq!((reply.status, reply.trio()), (status, expected), "{line}");
        // An admitted request has no Retry-After of the limiter's; the
        // handler's own stays.
        let own = (line == "GET /busy").then_some(7);
        assert_eq!(reply.number("retry-after"), own, "{line}");
    }
}

#[tokio::test]
async fn a_stream_is_passed_on_whole() {
    let limited = limited(POLICY);
    let layer = RateLimitLayer::new(limited.limiter.clone(), merchant_of);
    let to = serve(router().layer(layer)).await;
    let reply = send(to, "GET /stream", "m").await;
    assert_eq!(reply.field("transfer-encoding"), Some("chunked"));
    for part in ["first ", "second ", "third"] {
        assert!(reply.body.contains(part), "{}", reply.body);
    }
}

#[tokio::test]
async fn exempt_responses_have_none() {
    let limited = limited(POLICY);
    let layer = RateLimitLayer::new(limited.limiter.clone(), merchant_of);
    let to = serve(router().layer(layer)).await;
    let reply = send(to, "GET /healthz", "m").await;
    assert_eq!((reply.status, reply.trio()), (200, None));
    assert_eq!(reply.field("retry-after"), None);
    assert_eq!(limited.remaining("m", "GET /ok"), 10);
}

#[tokio::test]
async fn reset_is_when_the_oldest_unit_expires() {
    let limited = limited(POLICY);
    let layer = RateLimitLayer::new(limited.limiter.clone(), merchant_of);
    let to = serve(router().layer(layer)).await;
    for seconds in [0, 10, 25] {
        limited.clock.set_elapsed_ns(seconds * 1_000_000_000);
        let reset = send(to, "GET /ok", "m").await.trio().unwrap().2;
        assert_eq!(reset, EPOCH_SECS + 60, "after {seconds} s");
    }
}
