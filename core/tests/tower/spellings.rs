//! No spelling of a request reaches a limited handler uncounted.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{OriginalUri, Request};
use axum::routing::{any, post};

use crate::common::{Limited, Reply, limited, send, serve};
use crate::sites::{POLICY, ROUTES, layer, ran, router, sites};

/// One way to spell a path oddly.
type Twist = fn(&str) -> String;

const TWISTS: [(&str, Twist); 18] = [
    ("as it is", |p| p.to_owned()),
    ("slash at the end", |p| format!("{p}/")),
    ("two slashes at the end", |p| format!("{p}//")),
    ("double slash first", |p| format!("/{p}")),
    ("double slashes inside", |p| {
        format!("/{}", p[1..].replace('/', "//"))
    }),
    ("encoded letter", |p| {
        p.replacen("pa", "%70a", 1).replacen("fi", "%66i", 1)
    }),
    ("encoded last segment", |p| {
        p.replace("list", "%6Cist").replace("private", "%70rivate")
    }),
    ("encoded slash", |p| {
        format!("/{}", p[1..].replacen('/', "%2F", 1))
    }),
    ("encoded slashes", |p| {
        format!("/{}", p[1..].replace('/', "%2f"))
    }),
    ("dot inside", |p| p.replacen('/', "/./", 1)),
    ("dot at the end", |p| format!("{p}/.")),
    ("dots away and back", |p| p.replacen('/', "/x/../", 1)),
    ("an empty segment and dots", |p| {
        let (before, last) = p.rsplit_once('/').unwrap();
        format!("{before}//../{last}")
    }),
    ("dots at the end", |p| format!("{p}/..")),
    ("a segment and dots", |p| format!("{p}/x/..")),
    ("encoded dots", |p| p.replacen('/', "/x/%2E%2e/", 1)),
    ("another segment", |p| format!("{p}/x")),
    ("another segment's slash encoded", |p| format!("{p}%2Fx")),
];

/// Asserts the promise for one request; answers the rule whose handler ran.
async fn assert_counted(
    limited: &Limited,
    site: (&str, SocketAddr),
    line: &str,
    merchant: &str,
) -> Option<&'static str> {
    let reply = send(site.1, line, merchant).await;
    let ran = reply.field("x-ran")?;
    let context = format!("{line} on the {} site ran {ran}", site.0);
    if ran == "exempt" {
        return None;
    }
    let (rule, endpoint, limit) = ROUTES.iter().find(|(rule, ..)| *rule == ran).unwrap();
    assert_eq!(
        limited.remaining(merchant, endpoint),
        limit - 1,
        "{context}"
    );
    assert!(reply.trio().is_some(), "{context} without headers");
    Some(rule)
}

/// What is spelt oddly: every route's path, under every method that has routes,
/// because a cut-off path may be another route's.
fn starts() -> impl Iterator<Item = (&'static str, &'static str)> {
    let paths = ROUTES
        .iter()
        .map(|(_, endpoint, _)| endpoint.split_once(' ').unwrap().1);
    paths
        .chain(["/healthz", "/v1"])
        .flat_map(|path| [("GET", path), ("POST", path)])
}

#[tokio::test]
async fn whenever_a_limited_handler_ran_its_rule_was_charged() {
    let limited = limited(POLICY);
    let mut oddly = std::collections::BTreeMap::new();
    for site in sites(&limited).await {
        let mut requests = 0;
        for (method, path) in starts() {
            for (first, twist) in TWISTS {
                for (_, again) in TWISTS {
                    let line = format!("{method} {}", again(&twist(path)));
                    let merchant = format!("{}-{requests}", site.0);
                    let ran = assert_counted(&limited, site, &line, &merchant).await;
                    requests += 1;
                    if ran.is_some() && first != "as it is" {
                        *oddly.entry(site.0).or_insert(0) += 1;
                    }
                }
            }
        }
    }
    // Not vacuous: every site did run limited handlers under odd spellings.
    for site in ["plain", "trimming", "cleaning", "decoding", "normalizing"] {
        assert!(oddly.get(site).is_some_and(|ran| *ran >= 30), "{oddly:?}");
    }
}

/// What one request line is charged: by rule name, in the order of `ROUTES`.
async fn charged(limited: &Limited, to: SocketAddr, line: &str) -> (Reply, Vec<&'static str>) {
    let merchant = format!("m{}", limited.limiter.keys());
    let reply = send(to, line, &merchant).await;
    let spent = ROUTES
        .iter()
        .filter(|(_, endpoint, limit)| limited.remaining(&merchant, endpoint) < *limit);
    let rules = spent.map(|(rule, ..)| *rule).collect();
    // The next merchant is another one, whether or not this one got a key.
    let _ = limited
        .limiter
        .check(format!("{merchant}+"), "GET /", 1)
        .unwrap();
    (reply, rules)
}

#[tokio::test]
async fn each_spelling_is_charged_to_every_rule_it_could_reach() {
    let limited = limited(POLICY);
    let to = serve(router().layer(layer(&limited))).await;
    for (line, status, rules) in [
        ("POST /v1/payment", 200, &["create-payment"][..]),
        ("POST /v1/payment/", 404, &["create-payment"]),
        ("POST //v1//payment", 404, &["create-payment"]),
        ("POST /v1/%70ayment", 404, &["create-payment"]),
        ("POST /v1%2Fpayment", 404, &["create-payment"]),
        ("POST /v1/./payment", 404, &["create-payment"]),
        ("POST /v1/x/../payment", 404, &["create-payment"]),
        ("POST /v1/payment?to=/healthz", 200, &["create-payment"]),
        ("POST http://test/v1/payment", 200, &["create-payment"]),
        ("post /v1/payment", 405, &["create-payment"]),
        ("GET /v1/payment/list?page=2", 200, &["list-payments"]),
        (
            "GET /v1/payment/%6Cist",
            200,
            &["get-payment", "list-payments"],
        ),
        ("GET /v1/payment/a%2Fb", 200, &["get-payment"]),
        ("GET /v1/payment/.", 200, &["get-payment"]),
        ("HEAD /v1/payment/list", 200, &["list-payments"]),
        ("HEAD /v1/payment/p1", 200, &["get-payment"]),
        ("GET /static/%70rivate", 200, &["private"]),
        ("GET http://test", 200, &["root"]),
    ] {
        let (reply, charged) = charged(&limited, to, line).await;
        assert_eq!((reply.status, &charged[..]), (status, rules), "{line}");
        assert!(reply.trio().is_some(), "{line}");
    }
}

#[tokio::test]
async fn exempt_and_unmatched_spellings_are_free_and_run_no_limited_handler() {
    let limited = limited(POLICY);
    let to = serve(router().layer(layer(&limited))).await;
    for (line, status, ran) in [
        ("GET /healthz", 200, Some("exempt")),
        ("HEAD /healthz", 200, Some("exempt")),
        ("GET /healthz?deep", 200, Some("exempt")),
        ("GET /static/a%20b.png", 200, Some("exempt")),
        ("GET /healthz/", 404, None),
        ("GET /health%7A", 404, None),
        ("DELETE /v1/payment/p1", 405, None),
        ("OPTIONS /v1/payment", 405, None),
        ("OPTIONS *", 404, None),
        ("CONNECT test:80", 404, None),
        ("GET /v1/payment", 405, None),
        ("GET /nowhere", 404, None),
    ] {
        let (reply, charged) = charged(&limited, to, line).await;
        assert_eq!(
            (reply.status, reply.field("x-ran")),
            (status, ran),
            "{line}"
        );
        assert!(charged.is_empty(), "{line}: {charged:?}");
        assert_eq!(reply.trio(), None, "{line}");
    }
}

#[tokio::test]
async fn a_star_rule_governs_options_star_and_connect_too() {
    let limited =
        limited("version = 1\n[[rule]]\nname = \"total\"\nmatch = \"*\"\nwindows = [\"9/min\"]\n");
    let to = serve(router().layer(layer(&limited))).await;
    for (line, left) in [
        ("OPTIONS *", 8),
        ("CONNECT test:80", 7),
        ("GET /nowhere", 6),
    ] {
        let reply = send(to, line, "m").await;
        assert_eq!(reply.trio().map(|t| t.1), Some(left), "{line}");
    }
}

#[tokio::test]
async fn connect_is_looked_up_as_the_path_slash() {
    let limited = limited(
        "version = 1\n[[rule]]\nname = \"tunnel\"\nmatch = \"CONNECT /\"\nwindows = [\"2/h\"]\n",
    );
    let to = serve(
        Router::new()
            .fallback(|| async { "no tunnel" })
            .layer(layer(&limited)),
    )
    .await;
    assert_eq!(send(to, "CONNECT test:80", "m").await.trio().unwrap().1, 1);
}

#[tokio::test]
async fn a_method_or_path_that_cannot_be_looked_up_is_refused() {
    let limited = limited(POLICY);
    let app = Router::new().fallback(any(ran!("anything")));
    let to = serve(app.layer(layer(&limited))).await;
    let long_path = format!("POST /{}", "a".repeat(8_192));
    let long_method = format!("{} /v1/payment", "A".repeat(33));
    for line in [
        &*long_path,
        &*long_method,
        "M-SEARCH! /v1/payment",
        "P.ST /v1/payment",
    ] {
        let reply = send(to, line, "m").await;
        assert_eq!((reply.status, reply.field("x-ran")), (400, None), "{line}");
        assert_eq!(reply.json()["status"], 400, "{line}");
    }
    let longest = format!("POST /{}", "a".repeat(8_191));
    assert_eq!(send(to, &longest, "m").await.status, 200);
}

/// A limiter inside a nested router sees the stripped path; an endpoint
/// function gives it the whole one.
#[tokio::test]
async fn inside_a_nested_router_the_endpoint_function_restores_the_path() {
    let limited = limited(POLICY);
    let restoring = layer(&limited).endpoint(|request: &Request| {
        let original = request.extensions().get::<OriginalUri>()?;
        Some(format!("{} {}", request.method(), original.0.path()))
    });
    let inner = || Router::new().route("/payment", post(ran!("create-payment")));
    let restored = serve(Router::new().nest("/v1", inner().layer(restoring))).await;
    let stripped = serve(Router::new().nest("/v1", inner().layer(layer(&limited)))).await;
    let reply = send(restored, "POST /v1/payment", "m").await;
    assert_eq!(reply.trio(), Some((100, 99, reply.trio().unwrap().2)));
    // The documented pitfall, so that the documentation stays true.
    assert_eq!(send(stripped, "POST /v1/payment", "m").await.trio(), None);
}
