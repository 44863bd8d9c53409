//! Which rules a request is charged to, by hand.

mod common;

use common::{check, limiter};
use slidegate_reference::{Outcome, Reference};

const ROUTES: &str = r#"
version = 1
unmatched = "allow"
exempt = ["GET /healthz", "GET /open/*rest", "HEAD /pay/:any", "GET /status/:id"]
[[rule]]
name = "id"
match = "GET /pay/:id"
windows = ["1000/s"]
[[rule]]
name = "list"
match = "GET /pay/list"
windows = ["1000/s"]
[[rule]]
name = "deep"
match = "GET /pay/:id/items"
windows = ["1000/s"]
[[rule]]
name = "rest"
match = "GET /pay/*rest"
windows = ["1000/s"]
[[rule]]
name = "closed"
match = "GET /open/closed"
windows = ["1000/s"]
[[rule]]
name = "status"
match = "HEAD /status/:name"
windows = ["1000/s"]
"#;

const RULES: [&str; 6] = ["id", "list", "deep", "rest", "closed", "status"];

/// Endpoint, and the rules charged.
const CHARGED: [(&str, &[&str]); 26] = [
    ("GET /pay/", &["rest"]),
    ("GET /pay/7", &["id"]),
    ("get /pay/7", &["id"]),
    ("GET /pay/list", &["list"]),
    ("GET /pay/list?x=/7", &["list"]),
    ("GET /pay/list/items", &["deep"]),
    ("GET /pay/list/other", &["rest"]),
    ("GET /pay/7/items/8", &["rest"]),
    ("GET /pay/list/", &["list", "rest"]),
    ("GET /pay//list", &["list", "rest"]),
    ("GET /pay//", &["rest"]),
    ("GET /pay/%6Cist", &["id", "list"]),
    ("GET /pay/%6cist", &["id", "list"]),
    ("GET /pay/%256Cist", &["id"]),
    ("GET /pay/a%2Fitems", &["id", "deep"]),
    ("GET /pay/x/../list", &["list", "rest"]),
    ("GET //pay/7", &["id"]),
    ("HEAD /pay/list", &["list"]),
    ("HEAD /pay/7/items", &["deep"]),
    ("GET /open/closed", &["closed"]),
    ("GET /open/%63losed", &["closed"]),
    ("GET /open/../pay/7", &["id"]),
    ("HEAD /open/closed?x", &["closed"]),
    ("HEAD /status/1", &["status"]),
    ("GET /pay/../%69tems", &["deep", "rest"]),
    ("GET /pay/x/../%6Cist", &["id", "list", "rest"]),
];

const EXEMPT: [&str; 7] = [
    "GET /healthz",
    "HEAD /healthz?x",
    "GET /open/a/b",
    "GET /open/closed/door",
    "HEAD /pay/7",
    "GET /open/a%2Fb",
    "GET /status/1",
];

const UNMATCHED: [&str; 8] = [
    "GET /pay",
    "POST /pay/7",
    "POST /healthz",
    "GET /healthz/",
    "GET /%68ealthz",
    "GET /open",
    "OPTIONS *",
    "GET /",
];

/// Rules that a request took units from, found by asking each rule's own
/// endpoint what remains.
fn charged(limiter: &Reference) -> Vec<&'static str> {
    let own = [
        "GET /pay/1",
        "GET /pay/list",
        "GET /pay/1/items",
        "GET /pay/1/2/3",
        "GET /open/closed",
        "HEAD /status/1",
    ];
    let remaining = |endpoint| {
        limiter
            .peek(0, b"m", endpoint, 1)
            .unwrap()
            .remaining
            .unwrap()
    };
    let pairs = RULES.into_iter().zip(own);
    pairs
        .filter(|(_, endpoint)| remaining(endpoint) < 1_000)
        .map(|(rule, _)| rule)
        .collect()
}

#[test]
fn requests_are_charged_to_the_rules_of_all_their_spellings() {
    for (endpoint, rules) in CHARGED {
        let limiter = limiter(ROUTES);
        let decision = check(&limiter, 0, "m", endpoint);
        assert_eq!(decision.outcome, Outcome::Allowed, "{endpoint}");
        assert_eq!(decision.rule.as_deref(), Some(rules[0]), "{endpoint}");
        assert_eq!(charged(&limiter), rules, "{endpoint}");
    }
}

#[test]
fn exempt_and_unmatched_requests_are_charged_to_none() {
    let exempt = EXEMPT.map(|endpoint| (endpoint, Outcome::Exempt));
    let unmatched = UNMATCHED.map(|endpoint| (endpoint, Outcome::Unmatched));
    for (endpoint, outcome) in exempt.into_iter().chain(unmatched) {
        let limiter = limiter(ROUTES);
        let decision = check(&limiter, 0, "m", endpoint);
        assert_eq!(
            (decision.outcome, decision.allowed),
            (outcome, true),
            "{endpoint}"
        );
        assert_eq!(
            (decision.rule, decision.reset_at_ns),
            (None, None),
            "{endpoint}"
        );
        assert!(charged(&limiter).is_empty(), "{endpoint}");
    }
}

#[test]
fn unmatched_requests_are_denied_or_left_to_the_rules_for_all() {
    let total = "\n[[rule]]\nname = \"total\"\nmatch = \"*\"\nwindows = [\"2/s\"]\n";
    let allow = limiter(&format!("{ROUTES}{total}"));
    let decision = check(&allow, 0, "m", "GET /none");
    assert_eq!(
        (decision.rule.as_deref(), decision.remaining),
        (Some("total"), Some(1))
    );

    let deny = limiter(&format!("{ROUTES}{total}").replace("\"allow\"", "\"deny\""));
    let decision = check(&deny, 0, "m", "GET /none");
    assert_eq!(
        (decision.outcome, decision.allowed),
        (Outcome::Unmatched, false)
    );
    let decision = check(&deny, 0, "m", "");
    assert_eq!(
        (decision.rule.as_deref(), decision.remaining),
        (Some("total"), Some(1))
    );
}
