//! An answer of the engine beside one of the reference, field by field.

use proptest::prelude::*;
use slidegate_reference::{Decision as Expected, Outcome, Precision, Refusal};

use crate::{Decision, Error, Limiter};

pub(super) type Checked = Result<(), TestCaseError>;

/// All that a decision says.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    outcome: &'static str,
    allowed: bool,
    rule: Option<String>,
    limit: Option<u64>,
    window_ns: Option<u64>,
    precision: Option<&'static str>,
    remaining: Option<u64>,
    retry_after_ns: Option<u64>,
    reset_at_ns: Option<u64>,
    policy_version: u64,
    untracked: bool,
}

fn of_engine(engine: &Limiter, decision: &Decision) -> Shown {
    let rule = decision.rule().and_then(|id| engine.rule_name(id));
    let window = decision.binding.map(|b| b.window);
    Shown {
        outcome: decision.outcome.as_str(),
        allowed: decision.allowed,
        rule: rule.map(|name| name.to_string()),
        limit: decision.limit().map(u64::from),
        window_ns: window.map(|w| w.length().as_nanos() as u64),
        precision: decision.precision().map(|p| p.as_str()),
        remaining: decision.remaining().map(u64::from),
        retry_after_ns: decision.retry_after_ns(),
        reset_at_ns: decision.reset_at_ns(),
        policy_version: decision.policy_version,
        untracked: decision.untracked,
    }
}

fn of_reference(expected: &Expected, policy_version: u64) -> Shown {
    Shown {
        outcome: match expected.outcome {
            Outcome::Allowed => "allowed",
            Outcome::Denied => "denied",
            Outcome::Exempt => "exempt",
            Outcome::Unmatched => "unmatched",
            Outcome::Never => "never",
        },
        allowed: expected.allowed,
        rule: expected.rule.clone(),
        limit: expected.limit,
        window_ns: expected.window_ns,
        precision: expected.precision.map(|precision| match precision {
            Precision::Exact => "exact",
            Precision::Bucketed => "bucketed",
        }),
        remaining: expected.remaining,
        retry_after_ns: expected.retry_after_ns,
        reset_at_ns: expected.reset_at_ns,
        policy_version,
        untracked: false,
    }
}

/// Holds a decision, or an error, against the reference's. `aside` is how many of
/// the reference's policies the engine did not see; `untracked` whether the engine
/// has to say that it counted the request in a pool.
pub(super) fn agree(
    engine: &Limiter,
    answer: &Result<Decision, Error>,
    expected: &Result<Expected, Refusal>,
    aside: u64,
    untracked: bool,
) -> Checked {
    match (answer, expected) {
        (Ok(decision), Ok(expected)) => {
            let shown = of_reference(expected, expected.policy_version - aside);
            let expected = Shown { untracked, ..shown };
            prop_assert_eq!(of_engine(engine, decision), expected);
        }
        (Err(error), Err(refusal)) => agree_on_error(error, *refusal)?,
        (answer, expected) => {
            prop_assert!(false, "engine {answer:?}, reference {expected:?}");
        }
    }
    Ok(())
}

/// As [`agree`], for an answer that says only whether the request may proceed.
pub(super) fn agree_whether(
    answer: &Result<bool, Error>,
    expected: &Result<Expected, Refusal>,
) -> Checked {
    match (answer, expected) {
        (Ok(allowed), Ok(expected)) => prop_assert_eq!(*allowed, expected.allowed),
        (Err(error), Err(refusal)) => agree_on_error(error, *refusal)?,
        (answer, expected) => {
            prop_assert!(false, "engine {answer:?}, reference {expected:?}");
        }
    }
    Ok(())
}

fn agree_on_error(error: &Error, refusal: Refusal) -> Checked {
    let agrees = match refusal {
        Refusal::InvalidCost => matches!(error, Error::InvalidCost),
        Refusal::InvalidMerchant => matches!(error, Error::InvalidMerchant { .. }),
        Refusal::InvalidEndpoint => matches!(error, Error::InvalidEndpoint { .. }),
    };
    prop_assert!(agrees, "engine {error:?}, reference {refusal:?}");
    Ok(())
}
