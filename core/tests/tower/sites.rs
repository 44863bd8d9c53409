//! One set of limited routes, behind routers that read paths differently.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::Request;
use axum::http::Uri;
use axum::middleware::{self, Next};
use axum::routing::{get, post};
use slidegate::tower::RateLimitLayer;
use tower::ServiceBuilder;
use tower_http::normalize_path::NormalizePathLayer;

use crate::common::{Limited, merchant_of, serve, serve_service};

pub const POLICY: &str = r#"
version = 1
unmatched = "allow"
exempt = ["GET /healthz", "GET /static/*rest"]
[[rule]]
name = "create-payment"
match = "POST /v1/payment"
windows = ["100/min"]
[[rule]]
name = "get-payment"
match = "GET /v1/payment/:id"
windows = ["300/min"]
[[rule]]
name = "list-payments"
match = "GET /v1/payment/list"
windows = ["200/min"]
[[rule]]
name = "files"
match = "GET /files/*rest"
windows = ["70/min"]
[[rule]]
name = "private"
match = "GET /static/private"
windows = ["20/min"]
[[rule]]
name = "root"
match = "GET /"
windows = ["10/min"]
"#;

/// Each limited route: the rule's name, the plain request, the limit.
pub const ROUTES: [(&str, &str, u32); 6] = [
    ("create-payment", "POST /v1/payment", 100),
    ("get-payment", "GET /v1/payment/p1", 300),
    ("list-payments", "GET /v1/payment/list", 200),
    ("files", "GET /files/a/b", 70),
    ("private", "GET /static/private", 20),
    ("root", "GET /", 10),
];

/// A handler that says, in a header, which rule's handler it is.
macro_rules! ran {
    ($rule:literal) => {
        || async { ([("x-ran", $rule)], $rule) }
    };
}
pub(crate) use ran;

pub fn router() -> Router {
    let payments = Router::new()
        .route("/", post(ran!("create-payment")))
        .route("/{id}", get(ran!("get-payment")))
        .route("/list", get(ran!("list-payments")));
    Router::new()
        .nest("/v1/payment", payments)
        .route("/files/{*rest}", get(ran!("files")))
        .route("/static/private", get(ran!("private")))
        .route("/static/{*rest}", get(ran!("exempt")))
        .route("/healthz", get(ran!("exempt")))
        .route("/", get(ran!("root")))
}

pub type Stack = RateLimitLayer<fn(&Request) -> Option<String>>;

pub fn layer(limited: &Limited) -> Stack {
    RateLimitLayer::new(limited.limiter.clone(), merchant_of as fn(&Request) -> _)
}

/// Rewrites the path before the router sees it, as a cleaning proxy would.
fn rewriting(clean: fn(&str) -> String) -> Router {
    let rewrite = move |mut request: Request, next: Next| async move {
        let path = clean(request.uri().path());
        if let Ok(uri) = path.parse::<Uri>() {
            *request.uri_mut() = uri;
        }
        next.run(request).await
    };
    let rewritten = ServiceBuilder::new()
        .layer(middleware::from_fn(rewrite))
        .service(router());
    Router::new().fallback_service(rewritten)
}

fn decode(path: &str) -> String {
    let decoded = percent_encoding::percent_decode_str(path);
    decoded.decode_utf8_lossy().into_owned()
}

/// Decodes all but slashes, as routers do that split a path before they decode.
fn decode_segments(path: &str) -> String {
    let parts = path.split("%2F").flat_map(|part| part.split("%2f"));
    parts.map(decode).collect::<Vec<_>>().join("%2F")
}

/// Resolves dots as RFC 3986 does: an empty segment is one that `..` takes back.
fn resolve_dots(path: &str) -> String {
    let mut kept = Vec::new();
    for segment in path[1..].split('/') {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            segment => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

fn merge_slashes(path: &str) -> String {
    let segments = path.split('/').filter(|segment| !segment.is_empty());
    format!("/{}", segments.collect::<Vec<_>>().join("/"))
}

/// The same routes behind everything that stands between a limiter and a router.
pub async fn sites(limited: &Limited) -> Vec<(&'static str, SocketAddr)> {
    let trimming = ServiceBuilder::new()
        .layer(layer(limited))
        .layer(NormalizePathLayer::trim_trailing_slash())
        .service(router());
    let rewritten = async |clean| serve(rewriting(clean).layer(layer(limited))).await;
    vec![
        ("plain", serve(router().layer(layer(limited))).await),
        ("trimming", serve_service(trimming).await),
        (
            "cleaning",
            rewritten(|path| resolve_dots(&merge_slashes(path))).await,
        ),
        (
            "decoding",
            rewritten(|path| resolve_dots(&merge_slashes(&decode(path)))).await,
        ),
        (
            "normalizing",
            rewritten(|path| resolve_dots(&decode_segments(path))).await,
        ),
    ]
}

#[test]
fn what_the_sites_make_of_a_path() {
    assert_eq!(decode("/v1%2Fp%61y/%zz%2"), "/v1/pay/%zz%2");
    assert_eq!(decode_segments("/v1%2fp%61y"), "/v1%2Fpay");
    assert_eq!(merge_slashes("//v1///payment/"), "/v1/payment");
    assert_eq!(
        resolve_dots("/v1/./x/../payment//../list"),
        "/v1/payment/list"
    );
    assert_eq!(resolve_dots("/../v1/"), "/v1/");
}
