//! Policy texts, byte by byte: no text panics or takes long, what is refused is
//! refused with places inside the text, and what is accepted limits.
//!
//! An input that begins with the byte 255, which no UTF-8 has, is `255 n front
//! 255 unit 255 back`: the unit stands there 2^n times, so that a small input
//! makes a text as long as a hostile one. Up to 4 KiB, from 240 on 32 KiB, and
//! with 255 past the size from which the parser goes on differently.

use std::sync::Arc;

use slidegate::{Endpoint, Limiter, ManualClock, Outcome, Policy, PolicyError};

use crate::compare::{UNIX_NS, assert_coherent};
use crate::routes::{Route, Routes};

/// Asked of every accepted policy.
const ENDPOINTS: [&str; 7] = [
    "",
    "GET /",
    "POST /v1/payment",
    "HEAD /v1/payment/list",
    "OPTIONS *",
    "GET /v1/%70ayment/../x//",
    "a",
];

/// How many rules of an accepted policy are asked for one by one.
const RULES_ASKED: usize = 64;

/// The target.
pub fn run(data: &[u8]) {
    let text = match data {
        [255, power, parts @ ..] => lossy(&expanded(*power, parts)),
        _ => lossy(data),
    };
    judge(&text);
}

/// Reads the text as a policy and panics if it is taken wrongly.
pub fn judge(text: &str) {
    match Policy::from_toml(text) {
        Ok(policy) => assert_usable(&policy, text),
        Err(error) => assert_well_formed(&error, text),
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn expanded(power: u8, parts: &[u8]) -> Vec<u8> {
    let mut parts = parts.splitn(3, |byte| *byte == 255);
    let [front, unit, back] = std::array::from_fn(|_| parts.next().unwrap_or_default());
    let (times, bytes) = match power {
        0..240 => (1 << (power % 13), 4 << 10),
        240..255 => (1 << (power % 16), 32 << 10),
        255 => (usize::MAX, 320 << 10),
    };
    let times = times.min(bytes / unit.len().max(1));
    [front, &unit.repeat(times), back].concat()
}

/// Panics unless the mistakes are listed in order and lie within the text.
pub fn assert_well_formed(error: &PolicyError, text: &str) {
    let mistakes = error.mistakes();
    assert!((1..=1_000).contains(&mistakes.len()), "{}", mistakes.len());
    assert!(mistakes.is_sorted_by_key(|m| (m.line, m.column)), "{error}");
    let widths: Vec<usize> = text.split('\n').map(|line| line.chars().count()).collect();
    for mistake in mistakes {
        assert!((1..=widths.len()).contains(&mistake.line), "{mistake}");
        let width = widths[mistake.line - 1];
        assert!((1..=width + 1).contains(&mistake.column), "{mistake}");
        assert!(!mistake.message.is_empty(), "{mistake}");
    }
    let shown = error.to_string();
    let first = mistakes[0].to_string();
    assert!(shown.starts_with(&mistakes.len().to_string()), "{shown}");
    assert!(first.starts_with(&format!("line {}, ", mistakes[0].line)));
    assert!(shown.contains(&first), "{shown}");
}

/// Panics unless the policy limits what its text says it limits.
fn assert_usable(policy: &Policy, text: &str) {
    let clock = Arc::new(ManualClock::new(UNIX_NS));
    let builder = Limiter::builder().max_keys(8).clock(clock);
    let limiter = builder.build(policy).expect("a small table");
    for endpoint in ENDPOINTS {
        if let Ok(decision) = limiter.check("m", endpoint, 1) {
            assert_coherent(&limiter, &decision);
        }
    }
    let routes = Routes::of(text);
    let names = routes.rules.iter().map(|(name, ..)| name.as_str());
    assert!(policy.rule_names().eq(names));
    let has_star = routes.rules.iter().any(|(.., route)| route.is_none());
    for (name, template, route) in routes.rules.iter().take(RULES_ASKED) {
        if let Some(route) = route {
            assert_governed(&limiter, route, template, (!has_star).then_some(name));
            assert_no_more_governed(&limiter, route, &routes, has_star);
        }
    }
}

/// Panics if a route governs a path beside it that no route covers.
fn assert_no_more_governed(limiter: &Limiter, route: &Route, routes: &Routes, has_star: bool) {
    let path = format!("{}7", route.path_with("7"));
    let rules = routes.rules.iter().filter_map(|(.., route)| route.as_ref());
    let mut all = rules.chain(&routes.exempt);
    if has_star || all.any(|route| route.covers(&path)) {
        return;
    }
    let decision = limiter.peek("new", Endpoint::http(&route.method, &path), 1);
    let outcome = decision.expect("a good request").outcome;
    assert_eq!(outcome, Outcome::Unmatched, "{path}");
}

/// Panics if the route's own rule does not govern it: by its id, and by a path.
/// `rule` is the rule that a decision must name, if there is no other.
fn assert_governed(limiter: &Limiter, route: &Route, template: &str, rule: Option<&String>) {
    let id = limiter.endpoint(template).expect("a route has an id");
    let decision = limiter.peek("new", id, 1).expect("a good request");
    assert_eq!(decision.outcome, Outcome::Allowed, "{template}");
    if let Some(rule) = rule {
        let named = decision.rule().and_then(|id| limiter.rule_name(id));
        assert_eq!(named.as_deref(), Some(rule.as_str()), "{template}");
    }
    let request = format!("{} {}", route.method, route.path_with("7"));
    let decision = limiter.peek("new", request.as_str(), 1);
    let outcome = decision.expect("a good request").outcome;
    let more_specific = outcome == Outcome::Exempt && !route.is_static();
    assert!(outcome == Outcome::Allowed || more_specific, "{request}");
}
