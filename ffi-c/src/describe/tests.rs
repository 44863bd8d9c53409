//! What C reads off a flat decision is what the engine says of its own.

use std::sync::Arc;
use std::time::Duration;

use engine::{Decision, Limiter, ManualClock, OnFull, Policy};

use super::*;

const POLICY: &str = r#"
    version = 1
    unmatched = "deny"
    exempt = ["GET /healthz"]
    [[rule]]
    name = "pay"
    match = "POST /pay"
    windows = ["3/s", "5/min"]
    [[rule]]
    name = "slow"
    match = "GET /slow"
    windows = ["1/min"]
"#;

/// Decisions of every outcome, with retry times from nanoseconds to a minute.
fn decisions(on_full: OnFull) -> Vec<Decision> {
    let clock = Arc::new(ManualClock::new(1_767_225_600_123_456_789));
    let policy = Policy::from_toml(POLICY).unwrap();
    let limiter = Limiter::builder()
        .max_keys(1)
        .on_full(on_full)
        .clock(clock.clone())
        .build(&policy)
        .unwrap();
    let mut decisions = Vec::new();
    for step_ns in [0, 1, 999, 1_000, 250_000_000, 999_999_999, 1_000_000_000] {
        clock.advance(Duration::from_nanos(step_ns));
        for endpoint in ["POST /pay", "GET /slow", "GET /healthz", "GET /else"] {
            for cost in [1, 2, 9] {
                decisions.push(limiter.peek("m", endpoint, cost).unwrap());
                decisions.push(limiter.check("m", endpoint, cost).unwrap());
            }
        }
    }
    for other in 0..200 {
        decisions.push(limiter.check(format!("m{other}"), "POST /pay", 1).unwrap());
    }
    decisions
}

fn headers(decision: &slg_decision) -> String {
    let mut lines = Lines::default();
    write_headers(decision, &mut lines).unwrap();
    lines.as_str().to_owned()
}

#[test]
fn headers_and_status_agree_with_the_engine() {
    let mut seen = [0; 7];
    for on_full in [OnFull::Deny, OnFull::Admit, OnFull::Overflow] {
        for decision in decisions(on_full) {
            let flat = slg_decision::from(&decision);
            let lines = decision.headers();
            let expected: String = lines.iter().map(|(n, v)| format!("{n}: {v}\r\n")).collect();
            assert_eq!(headers(&flat), expected, "{decision:?}");
            let status = decision.http_status().unwrap_or(200);
            assert_eq!(http_status(&flat), status.into(), "{decision:?}");
            let name = outcome_text(flat.outcome).to_str().unwrap();
            assert_eq!(name, decision.outcome.as_str());
            assert_eq!(flat.flags & SLG_FLAG_UNTRACKED != 0, decision.untracked);
            assert_eq!(flat.flags & !SLG_FLAG_UNTRACKED, 0, "{decision:?}");
            seen[flat.outcome as usize] += 1;
        }
    }
    assert!(seen[1..].iter().all(|count| *count > 0), "{seen:?}");
}

#[test]
fn flags_say_how_a_rule_counts_and_who_had_no_room() {
    let mut decision = decisions(OnFull::Deny)[0];
    assert_eq!(slg_decision::from(&decision).flags, 0);
    decision.untracked = true;
    assert_eq!(slg_decision::from(&decision).flags, SLG_FLAG_UNTRACKED);
    decision.binding.as_mut().unwrap().precision = engine::Precision::Bucketed;
    let both = SLG_FLAG_UNTRACKED | SLG_FLAG_BUCKETED;
    assert_eq!(slg_decision::from(&decision).flags, both);
    decision.binding = None;
    assert_eq!(slg_decision::from(&decision).flags, SLG_FLAG_UNTRACKED);
}

#[test]
fn the_largest_numbers_fit() {
    let largest = slg_decision {
        outcome: SLG_OUTCOME_DENIED,
        limit: u32::MAX,
        remaining: u32::MAX,
        retry_after_ns: u64::MAX,
        reset_at_ns: u64::MAX,
        ..slg_decision::default()
    };
    assert!(headers(&largest).ends_with("Retry-After: 18446744074\r\n"));
}

#[test]
fn a_decision_of_zeros_is_refused_and_has_no_headers() {
    let zeros = slg_decision::default();
    assert_eq!(headers(&zeros), "");
    assert_eq!(http_status(&zeros), 500);
}

#[test]
fn every_status_has_a_text_of_its_own() {
    let texts: std::collections::HashSet<_> = (SLG_OK..=SLG_STATUS_LIMIT_TOO_LARGE + 1)
        .map(status_text)
        .collect();
    assert_eq!(texts.len() as u32, SLG_STATUS_LIMIT_TOO_LARGE + 2);
}
