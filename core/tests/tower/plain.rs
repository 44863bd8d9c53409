//! The layer over bare tower services, without axum or a socket.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll, Waker};

use axum::body::{Bytes, HttpBody as Body};
use axum::http::{Request, Response};
use slidegate::tower::{RateLimit, RateLimitLayer};
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::common::{Limited, limited};

const POLICY: &str = "version = 1\n[[rule]]\nname = \"r\"\nmatch = \"*\"\nwindows = [\"2/s\"]\n";

/// A body type of its own: the layer asks nothing of request bodies.
struct Opaque;

fn request() -> Request<Opaque> {
    Request::post("/v1/payment").body(Opaque).unwrap()
}

fn layer(
    limited: &Limited,
) -> RateLimitLayer<impl Fn(&Request<Opaque>) -> Option<&'static [u8]> + Clone + use<>> {
    RateLimitLayer::new(limited.limiter.clone(), |_: &Request<Opaque>| {
        Some(&b"\xff\x00"[..])
    })
}

#[test]
fn layer_service_and_future_are_send_sync_and_clone() {
    fn assert_shared<T: Clone + Send + Sync + 'static>(_: &T) {}
    fn assert_send<T: Send + Sync + 'static>(_: &T) {}
    let limited = limited(POLICY);
    let layer = layer(&limited)
        .cost(|_: &Request<Opaque>| 1)
        .endpoint(|_: &Request<Opaque>| Some(""));
    assert_shared(&layer);
    let mut service = layer.layer(Gate::open());
    assert_shared(&service);
    assert_send(&service.call(request()));
}

#[tokio::test]
async fn any_service_and_any_body_will_do() {
    let limited = limited(POLICY);
    // The inner body is neither axum's nor bytes in one piece.
    let answer = service_fn(|_: Request<Opaque>| async {
        let body = http_body_util::Empty::<Bytes>::new();
        Ok::<_, Infallible>(Response::new(body))
    });
    let mut service = layer(&limited).layer(answer);
    for status in [200, 200, 429, 429] {
        let response = service
            .ready()
            .await
            .unwrap()
            .call(request())
            .await
            .unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["x-ratelimit-limit"], "2");
    }
}

#[tokio::test]
async fn errors_of_the_inner_service_pass_and_stay_counted() {
    let limited = limited(POLICY);
    let failing = service_fn(|_: Request<Opaque>| async {
        Err::<Response<String>, &str>("connection refused")
    });
    let service = layer(&limited).layer(failing);
    assert_eq!(
        service.oneshot(request()).await.unwrap_err(),
        "connection refused"
    );
    assert_eq!(
        limited
            .limiter
            .peek(b"\xff\x00", "", 1)
            .unwrap()
            .remaining(),
        Some(1)
    );
}

/// A service that says when it is ready and counts its calls.
#[derive(Clone)]
struct Gate {
    ready: bool,
    calls: usize,
}

impl Gate {
    fn open() -> Self {
        Self {
            ready: true,
            calls: 0,
        }
    }
}

impl Service<Request<Opaque>> for Gate {
    type Response = Response<String>;
    type Error = Infallible;
    type Future = Ready<Result<Response<String>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        match self.ready {
            true => Poll::Ready(Ok(())),
            false => Poll::Pending,
        }
    }

    fn call(&mut self, _: Request<Opaque>) -> Self::Future {
        self.calls += 1;
        ready(Ok(Response::new("fine".to_owned())))
    }
}

#[tokio::test]
async fn readiness_is_the_inner_services() {
    let limited = limited(POLICY);
    let mut service = layer(&limited).layer(Gate {
        ready: false,
        calls: 0,
    });
    let mut context = Context::from_waker(Waker::noop());
    assert!(service.poll_ready(&mut context).is_pending());
    service.get_mut().ready = true;
    assert!(service.poll_ready(&mut context).is_ready());
}

#[tokio::test]
async fn the_charge_is_made_by_the_call_and_a_refusal_makes_none() {
    let limited = limited(POLICY);
    let mut service: RateLimit<Gate, _, _, _> = layer(&limited).layer(Gate::open());
    // Futures that nobody polls have been charged all the same.
    drop(service.call(request()));
    drop(service.call(request()));
    let response = service.call(request()).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), service.get_ref().calls),
        (429, 2)
    );
}

#[tokio::test]
async fn a_refused_head_has_no_body_even_where_no_server_cuts_it() {
    let limited = limited(POLICY);
    let mut service = layer(&limited).layer(Gate::open());
    for (method, has_body) in [("HEAD", false), ("GET", true)] {
        while service.call(request()).await.unwrap().status() != 429 {}
        let mut asking = request();
        *asking.method_mut() = method.parse().unwrap();
        let response = service.call(asking).await.unwrap();
        let announced: u64 = response.headers()["content-length"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap();
        let sent = Body::size_hint(response.body()).exact().unwrap();
        assert_eq!(sent, if has_body { announced } else { 0 }, "{method}");
        assert!(announced > 0);
    }
}
