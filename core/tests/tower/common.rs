//! A limited site on a real socket, and a client that sends what it is told.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::Response;
use axum::{BoxError, Router, ServiceExt};
use slidegate::{Limiter, ManualClock, Policy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::Service;

/// A whole Unix second, so that rounding up shows.
pub const EPOCH_SECS: u64 = 1_800_000_000;

/// A limiter whose time stands still until the test moves it.
pub struct Limited {
    pub limiter: Arc<Limiter>,
    pub clock: Arc<ManualClock>,
}

pub fn limited(policy: &str) -> Limited {
    let clock = Arc::new(ManualClock::new(EPOCH_SECS * 1_000_000_000));
    let policy = Policy::from_toml(policy).unwrap();
    let limiter = Limiter::builder().clock(clock.clone()).build(&policy);
    Limited {
        limiter: Arc::new(limiter.unwrap()),
        clock,
    }
}

impl Limited {
    /// What is left to `merchant` at `endpoint`, and nothing charged for asking.
    pub fn remaining(&self, merchant: &str, endpoint: &str) -> u32 {
        let decision = self.limiter.peek(merchant, endpoint, 1).unwrap();
        decision.remaining().unwrap()
    }
}

/// The merchant as the tests name it; a stand-in for authentication.
pub fn merchant_of(request: &Request) -> Option<String> {
    let value = request.headers().get("x-merchant")?;
    Some(value.to_str().unwrap().to_owned())
}

/// Serves `app` until the test's runtime ends.
pub async fn serve(app: Router) -> SocketAddr {
    serve_service(app).await
}

/// As [`serve`], for any service: what stands in front of a router, say.
pub async fn serve_service<S, B>(service: S) -> SocketAddr
where
    S: Service<Request, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: axum::body::HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // `axum::serve` wants axum's own body.
    let service = tower::ServiceExt::map_response(service, |answer| answer.map(Body::new));
    let serving = axum::serve(listener, ServiceExt::<Request>::into_make_service(service));
    tokio::spawn(async move { serving.await.unwrap() });
    address
}

/// An answer as it came off the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub fields: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    fn parse(raw: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(raw).unwrap();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().unwrap();
        let field = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_ascii_lowercase(), value.to_owned())
        };
        Some(Self {
            status,
            fields: lines.map(field).collect(),
            body: body.to_owned(),
        })
    }

    /// The values of a field, one for each time it was sent.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let matching = self.fields.iter().filter(|(n, _)| n == name);
        matching.map(|(_, value)| value.as_str()).collect()
    }

    /// The value of a field that may be sent at most once.
    pub fn field(&self, name: &str) -> Option<&str> {
        let values = self.all(name);
        assert!(values.len() <= 1, "{name} was sent {} times", values.len());
        values.first().copied()
    }

    /// A field that is an unsigned integer and nothing else.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.field(name).map(|value| {
            assert!(value.bytes().all(|b| b.is_ascii_digit()), "{name}: {value}");
            value.parse().unwrap()
        })
    }

    /// Limit, remaining and reset; `None` where none of them was sent.
    pub fn trio(&self) -> Option<(u64, u64, u64)> {
        let names = ["limit", "remaining", "reset"];
        let fields = names.map(|name| self.number(&format!("x-ratelimit-{name}")));
        match fields {
            [Some(limit), Some(remaining), Some(reset)] => Some((limit, remaining, reset)),
            [None, None, None] => None,
            some => panic!("only some of the three headers: {some:?}"),
        }
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Sends `METHOD target` for `merchant`; `None` where the server hung up
/// without an answer.
pub async fn try_send(to: SocketAddr, line: &str, merchant: &str) -> Option<Reply> {
    let fields = format!("x-merchant: {merchant}\r\n");
    exchange(
        to,
        &format!("{line} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{fields}\r\n"),
    )
    .await
}

pub async fn send(to: SocketAddr, line: &str, merchant: &str) -> Reply {
    let reply = try_send(to, line, merchant).await;
    reply.unwrap_or_else(|| panic!("no answer to {line}"))
}

/// Writes bytes and reads until the server closes.
pub async fn exchange(to: SocketAddr, request: &str) -> Option<Reply> {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut raw = Vec::new();
    stream.read_to_end(&mut raw).await.unwrap();
    Reply::parse(&raw)
}
