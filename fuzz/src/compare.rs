//! Decisions: what must hold of every one, and the engine's against the
//! reference's.

use slidegate::{Decision, Error, Limiter, Outcome, Precision, problem_json};
use slidegate_reference::{Decision as Expected, Refusal};

/// Unix time of every target's clock at its start: not a whole second, so that
/// rounding shows.
pub const UNIX_NS: u64 = 1_700_000_000_123_456_789;

/// Panics unless both answered the same, or refused for the same reason.
pub fn assert_same(
    limiter: &Limiter,
    answer: &Result<Decision, Error>,
    expected: &Result<Expected, Refusal>,
) {
    match (answer, expected) {
        (Ok(decision), Ok(expected)) => {
            assert_coherent(limiter, decision);
            assert_eq!(shown(limiter, decision), *expected);
        }
        (Err(error), Err(refusal)) => assert_eq!(refusal_of(error), *refusal),
        (answer, expected) => panic!("{answer:?} where {expected:?} is right"),
    }
}

/// The decision in the reference's words.
fn shown(limiter: &Limiter, decision: &Decision) -> Expected {
    use slidegate_reference::{Outcome as Naive, Precision as NaivePrecision};
    let rule = decision.rule().and_then(|id| limiter.rule_name(id));
    Expected {
        outcome: match decision.outcome {
            Outcome::Allowed => Naive::Allowed,
            Outcome::Denied => Naive::Denied,
            Outcome::Exempt => Naive::Exempt,
            Outcome::Unmatched => Naive::Unmatched,
            Outcome::Never => Naive::Never,
            other => panic!("the reference knows no {other:?}"),
        },
        allowed: decision.allowed,
        rule: rule.map(|name| name.to_string()),
        limit: decision.limit().map(u64::from),
        window_ns: decision
            .binding
            .map(|b| b.window.length().as_nanos() as u64),
        precision: decision.precision().map(|precision| match precision {
            Precision::Exact => NaivePrecision::Exact,
            _ => NaivePrecision::Bucketed,
        }),
        remaining: decision.remaining().map(u64::from),
        retry_after_ns: decision.retry_after_ns(),
        reset_at_ns: decision.reset_at_ns(),
        policy_version: decision.policy_version,
    }
}

fn refusal_of(error: &Error) -> Refusal {
    match error {
        Error::InvalidCost => Refusal::InvalidCost,
        Error::InvalidMerchant { .. } => Refusal::InvalidMerchant,
        Error::InvalidEndpoint { .. } => Refusal::InvalidEndpoint,
        other => panic!("no request may fail with: {other}"),
    }
}

/// Panics unless the parts of a decision, its headers and its body agree.
pub fn assert_coherent(limiter: &Limiter, decision: &Decision) {
    let outcome = decision.outcome;
    match outcome {
        Outcome::Allowed | Outcome::Exempt => assert!(decision.allowed),
        Outcome::Denied | Outcome::Never => assert!(!decision.allowed),
        _ => {}
    }
    let describes = matches!(outcome, Outcome::Allowed | Outcome::Denied | Outcome::Never);
    assert_eq!(decision.binding.is_some(), describes, "{decision:?}");
    assert_eq!(decision.headers().is_empty(), !describes);
    assert_eq!(decision.http_status().is_none(), decision.allowed);
    if let Some(binding) = decision.binding {
        assert!(binding.remaining <= binding.window.limit, "{decision:?}");
        assert!(limiter.rule_name(binding.rule).is_some());
    }
    let retries = decision.retry_after_ns();
    assert_eq!(retries.is_some(), outcome == Outcome::Denied);
    assert!(retries.is_none_or(|ns| ns > 0), "{decision:?}");
    if !decision.allowed {
        assert_body(limiter, decision);
    }
}

fn assert_body(limiter: &Limiter, decision: &Decision) {
    let rule = decision.rule().and_then(|id| limiter.rule_name(id));
    let body = problem_json(decision, rule.as_deref());
    let body: serde_json::Value = serde_json::from_str(&body).expect("the body is JSON");
    let integer = |field: &str| body.get(field).and_then(serde_json::Value::as_u64);
    assert_eq!(integer("retryAfter"), decision.retry_after_secs());
    assert_eq!(integer("limit"), decision.limit().map(u64::from));
    let retry = decision
        .headers()
        .iter()
        .find(|(name, _)| *name == "Retry-After");
    assert_eq!(retry.map(|(_, value)| value), decision.retry_after_secs());
}
