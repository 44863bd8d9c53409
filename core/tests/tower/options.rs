//! The layer's own functions: endpoint, cost, missing merchants.

use std::borrow::Cow;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::routing::{any, get};
use slidegate::PROBLEM_MEDIA_TYPE;
use slidegate::tower::{OnMissing, RateLimitLayer};

use crate::common::{Reply, exchange, limited, merchant_of, send, serve};

const POLICY: &str = r#"
version = 1
[[rule]]
name = "get-payment"
match = "GET /v1/payment/:id"
windows = ["10/min"]
[[rule]]
name = "search"
match = "POST /search"
windows = ["50/min"]
"#;

fn router() -> Router {
    Router::new()
        .route(
            "/v1/payment/{id}",
            get(|| async { ([("x-ran", "get")], "") }),
        )
        .route("/items/{item}", get(|| async { ([("x-ran", "item")], "") }))
        .fallback(any(|| async { ([("x-ran", "other")], "") }))
}

#[tokio::test]
async fn the_endpoint_function_names_the_endpoint_and_none_falls_back() {
    let limited = limited(POLICY);
    let layer = RateLimitLayer::new(limited.limiter.clone(), merchant_of);
    let layer = layer.endpoint(|request: &Request| {
        let searching = request.uri().path().starts_with("/items/");
        searching.then_some(Cow::Borrowed("POST /search"))
    });
    let to = serve(router().layer(layer)).await;
    assert_eq!(send(to, "GET /items/1", "m").await.trio().unwrap().0, 50);
    assert_eq!(limited.remaining("m", "POST /search"), 49);
    assert_eq!(
        send(to, "GET /v1/payment/1", "m").await.trio().unwrap().0,
        10
    );
    assert_eq!(send(to, "GET /elsewhere", "m").await.trio(), None);
}

#[tokio::test]
async fn axums_matched_path_is_an_endpoint_too() {
    let limited = limited(POLICY);
    let layer = RateLimitLayer::new(limited.limiter.clone(), merchant_of);
    let layer = layer.endpoint(|request: &Request| {
        let route = request.extensions().get::<MatchedPath>()?;
        Some(format!("{} {}", request.method(), route.as_str()))
    });
    let to = serve(router().layer(layer)).await;
    assert_eq!(
        send(to, "GET /v1/payment/7", "m").await.trio().unwrap().1,
        9
    );
    assert_eq!(
        send(to, "GET /v1/payment/8", "m").await.trio().unwrap().1,
        8
    );
}

#[tokio::test]
async fn an_endpoint_that_is_none_is_the_servers_mistake() {
    let limited = limited(POLICY);
    for text in ["", "nonsense", "POST payment"] {
        let layer = RateLimitLayer::new(limited.limiter.clone(), merchant_of);
        let to = serve(router().layer(layer.endpoint(move |_: &Request| Some(text)))).await;
        assert_refused(&send(to, "GET /v1/payment/1", "m").await, 500, text);
    }
}

#[tokio::test]
async fn the_cost_function_charges_that_many_units() {
    let limited = limited(POLICY);
    let layer = RateLimitLayer::new(limited.limiter.clone(), merchant_of);
    let layer = layer.cost(|request: &Request| {
        let units = request.uri().query().and_then(|query| query.parse().ok());
        units.unwrap_or(1)
    });
    let to = serve(router().layer(layer)).await;
    for (line, status, left) in [
        ("GET /v1/payment/1", 200, 9),
        ("GET /v1/payment/1?6", 200, 3),
        ("GET /v1/payment/1?4", 429, 3),
        ("GET /v1/payment/1?3", 200, 0),
    ] {
        let reply = send(to, line, "m").await;
        assert_eq!(
            (reply.status, reply.trio().unwrap().1),
            (status, left),
            "{line}"
        );
    }
    assert_refused(&send(to, "GET /v1/payment/1?0", "m2").await, 500, "cost 0");
    assert_eq!(limited.remaining("m2", "GET /v1/payment/1"), 10);
}

fn assert_refused(reply: &Reply, status: u16, context: &str) {
    assert_eq!(
        (reply.status, reply.field("x-ran")),
        (status, None),
        "{context}"
    );
    assert_eq!(
        reply.field("content-type"),
        Some(PROBLEM_MEDIA_TYPE),
        "{context}"
    );
    assert_eq!(reply.json()["status"], status, "{context}");
    assert_eq!(reply.trio(), None, "{context}");
}

async fn anonymously(to: SocketAddr, line: &str) -> Reply {
    let request = format!("{line} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    exchange(to, &request).await.unwrap()
}

#[tokio::test]
async fn without_a_merchant_a_request_is_refused_by_default() {
    let limited = limited(POLICY);
    let layer = RateLimitLayer::new(limited.limiter.clone(), merchant_of);
    let to = serve(router().layer(layer)).await;
    for line in ["GET /v1/payment/1", "GET /elsewhere"] {
        assert_refused(&anonymously(to, line).await, 403, line);
    }
    assert_eq!(send(to, "GET /v1/payment/1", "m").await.status, 200);
}

#[tokio::test]
async fn without_a_merchant_a_request_passes_where_that_is_asked_for() {
    let limited = limited(POLICY);
    let layer = RateLimitLayer::new(limited.limiter.clone(), merchant_of);
    let to = serve(router().layer(layer.on_missing(OnMissing::Allow))).await;
    for _ in 0..11 {
        let reply = anonymously(to, "GET /v1/payment/1").await;
        assert_eq!((reply.status, reply.trio()), (200, None));
        assert_eq!(reply.field("x-ran"), Some("get"));
    }
    assert_eq!(limited.limiter.keys(), 0);
}
