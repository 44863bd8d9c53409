//! What counts: everything that was admitted, whatever became of it, and
//! nothing that was refused.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use slidegate::tower::RateLimitLayer;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tower_http::catch_panic::CatchPanicLayer;

use crate::common::{Limited, exchange, limited, merchant_of, send, serve, try_send};

const POLICY: &str = r#"
version = 1
[[rule]]
name = "create-payment"
match = "POST /v1/payment"
windows = ["5/min"]
"#;

const PAY: &str = "POST /v1/payment";

async fn payments<H, T>(limited: &Limited, handler: H) -> SocketAddr
where
    H: axum::handler::Handler<T, ()>,
    T: 'static,
{
    let layer = RateLimitLayer::new(limited.limiter.clone(), merchant_of);
    serve(
        Router::new()
            .route("/v1/payment", post(handler))
            .layer(layer),
    )
    .await
}

#[tokio::test]
async fn failed_requests_stay_counted() {
    let limited = limited(POLICY);
    for (left, status) in [(4, 400), (3, 404), (2, 500), (1, 503)] {
        let to = payments(&limited, move || async move {
            StatusCode::from_u16(status).unwrap()
        })
        .await;
        assert_eq!(send(to, PAY, "m").await.status, status);
        assert_eq!(limited.remaining("m", PAY), left, "after {status}");
    }
}

#[tokio::test]
async fn refused_requests_are_not_counted() {
    let limited = limited(POLICY);
    let to = payments(&limited, || async {}).await;
    for _ in 0..3 {
        let mut statuses = Vec::new();
        for _ in 0..12 {
            statuses.push(send(to, PAY, "m").await.status);
        }
        assert_eq!(statuses, [[200; 5].as_slice(), &[429; 7]].concat());
        // Were a 429 counted, the next round would admit fewer.
        limited.clock.advance(Duration::from_secs(60));
    }
}

#[tokio::test]
async fn the_named_instant_is_exact() {
    let limited = limited(POLICY);
    let to = payments(&limited, || async {}).await;
    for _ in 0..5 {
        assert_eq!(send(to, PAY, "m").await.status, 200);
    }
    limited
        .clock
        .advance(Duration::from_secs(60) - Duration::from_micros(1));
    assert_eq!(send(to, PAY, "m").await.status, 429);
    limited.clock.advance(Duration::from_micros(1));
    assert_eq!(send(to, PAY, "m").await.status, 200);
}

async fn panicking() -> StatusCode {
    panic!("planned");
}

#[tokio::test]
async fn a_panic_caught_inside_stays_counted() {
    let limited = limited(POLICY);
    let layer = RateLimitLayer::new(limited.limiter.clone(), merchant_of);
    let app = Router::new().route("/v1/payment", post(panicking));
    let to = serve(app.layer(CatchPanicLayer::new()).layer(layer)).await;
    let reply = send(to, PAY, "m").await;
    assert_eq!((reply.status, reply.trio().unwrap().1), (500, 4));
    assert_eq!(limited.remaining("m", PAY), 4);
}

#[tokio::test]
async fn a_panic_that_ends_the_connection_stays_counted() {
    let limited = limited(POLICY);
    let to = payments(&limited, panicking).await;
    assert_eq!(try_send(to, PAY, "m").await, None);
    assert_eq!(limited.remaining("m", PAY), 4);
    assert_eq!(try_send(to, PAY, "m").await, None);
    assert_eq!(limited.remaining("m", PAY), 3);
}

/// Says when it is dropped.
struct Hangup(mpsc::UnboundedSender<&'static str>);

impl Drop for Hangup {
    fn drop(&mut self) {
        let _ = self.0.send("dropped");
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_stays_counted() {
    let limited = limited(POLICY);
    let (events, mut seen) = mpsc::unbounded_channel();
    let handler = move || async move {
        let _guard = Hangup(events.clone());
        events.send("began").unwrap();
        std::future::pending::<()>().await;
    };
    let to = payments(&limited, handler).await;
    let mut client = TcpStream::connect(to).await.unwrap();
    let request = format!("{PAY} HTTP/1.1\r\nhost: test\r\nx-merchant: m\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(seen.recv().await, Some("began"));
    assert_eq!(limited.remaining("m", PAY), 4);
    drop(client);
    assert_eq!(seen.recv().await, Some("dropped"));
    assert_eq!(limited.remaining("m", PAY), 4);
}

/// The merchant behind an API key.
#[derive(Clone)]
struct Merchant(&'static str);

async fn authenticate(mut request: Request, next: Next) -> Response {
    let key = request.headers().get("authorization").map(|v| v.as_bytes());
    let merchant = match key {
        Some(b"Bearer key_a1" | b"Bearer key_a2") => Merchant("m_a"),
        Some(b"Bearer key_b1") => Merchant("m_b"),
        _ => return StatusCode::UNAUTHORIZED.into_response(),
    };
    request.extensions_mut().insert(merchant);
    next.run(request).await
}

#[tokio::test]
async fn all_keys_of_a_merchant_share_its_pool() {
    let limited = limited(POLICY);
    let layer = RateLimitLayer::new(limited.limiter.clone(), |request: &Request| {
        request
            .extensions()
            .get::<Merchant>()
            .map(|merchant| merchant.0)
    });
    let app = Router::new()
        .route(
            "/v1/payment",
            post(|Extension(m): Extension<Merchant>| async move { m.0 }),
        )
        .layer(layer)
        .layer(middleware::from_fn(authenticate));
    let to = serve(app).await;
    let pay = async |key: &str| {
        let fields = format!("host: t\r\nauthorization: Bearer {key}\r\nconnection: close");
        let reply = exchange(to, &format!("{PAY} HTTP/1.1\r\n{fields}\r\n\r\n"))
            .await
            .unwrap();
        (reply.status, reply.trio().map(|trio| trio.1))
    };
    for (key, answer) in [
        ("key_a1", (200, Some(4))),
        ("key_a2", (200, Some(3))),
        ("key_a2", (200, Some(2))),
        ("key_a1", (200, Some(1))),
        ("key_x", (401, None)),
        ("key_a2", (200, Some(0))),
        ("key_a1", (429, Some(0))),
        ("key_a2", (429, Some(0))),
        ("key_b1", (200, Some(4))),
    ] {
        assert_eq!(pay(key).await, answer, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_burst_is_admitted_to_the_limit_and_no_further() {
    let limited =
        limited("version = 1\n[[rule]]\nname = \"r\"\nmatch = \"*\"\nwindows = [\"100/min\"]\n");
    let layer = RateLimitLayer::new(limited.limiter.clone(), merchant_of);
    let to = serve(Router::new().route("/", get(|| async {})).layer(layer)).await;
    let start = Arc::new(tokio::sync::Barrier::new(120));
    let burst = (0..120).map(|_| {
        let start = start.clone();
        tokio::spawn(async move {
            start.wait().await;
            send(to, "GET /", "m").await.status
        })
    });
    let mut admitted = 0;
    for request in burst.collect::<Vec<_>>() {
        match request.await.unwrap() {
            200 => admitted += 1,
            status => assert_eq!(status, 429),
        }
    }
    assert_eq!(admitted, 100);
}
