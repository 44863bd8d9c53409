//! The limiter through its public interface: bad input, full tables, idle keys,
//! swaps, endpoint ids, many rules, many threads.

use std::sync::Arc;
use std::time::Duration;

use slidegate::{
    Endpoint, EndpointId, Error, Limiter, MAX_ENDPOINTS, MAX_MERCHANT_BYTES, ManualClock, OnFull,
    Outcome, Policy, RuleId,
};

const SECOND: Duration = Duration::from_secs(1);

fn policy(rules: &[(&str, &str, &str)]) -> Policy {
    let mut text = "version = 1\n".to_owned();
    for (name, route, windows) in rules {
        text.push_str(&format!(
            "[[rule]]\nname = \"{name}\"\nmatch = \"{route}\"\nwindows = [{windows}]\n"
        ));
    }
    Policy::from_toml(&text).unwrap()
}

fn limiter(max_keys: u64, policy: &Policy) -> (Limiter, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(1_700_000_000_000_000_000));
    let limiter = Limiter::builder().max_keys(max_keys).clock(clock.clone());
    (limiter.build(policy).unwrap(), clock)
}

fn per_minute(limit: u32) -> Policy {
    policy(&[("all", "*", &format!("\"{limit}/min\""))])
}

#[test]
fn bad_arguments_are_errors_and_charge_nothing() {
    let (limiter, _) = limiter(16, &policy(&[("post", "POST /v1", "\"2/min\"")]));
    let long = vec![b'm'; MAX_MERCHANT_BYTES + 1];
    assert!(matches!(
        limiter.check("", "POST /v1", 1),
        Err(Error::InvalidMerchant { len: 0 })
    ));
    assert!(matches!(
        limiter.check(&long, "POST /v1", 1),
        Err(Error::InvalidMerchant { len: 1_025 })
    ));
    assert!(matches!(
        limiter.check("m", "POST /v1", 0),
        Err(Error::InvalidCost)
    ));
    for endpoint in [
        "",
        "POST",
        "/v1",
        "POST v1",
        " POST /v1",
        "POST  /v1",
        "P\u{e4}ST /v1",
    ] {
        let answer = limiter.check("m", endpoint, 1);
        assert!(
            matches!(answer, Err(Error::InvalidEndpoint { .. })),
            "{endpoint}: {answer:?}"
        );
    }
    let huge = format!("GET /{}", "x".repeat(9_000));
    let message = limiter.check("m", &huge, 1).unwrap_err().to_string();
    assert!(message.len() < 400, "{message}");
    for id in [0, 1, u32::MAX] {
        let answer = limiter.check("m", EndpointId::from_raw(id), 1);
        assert!(matches!(answer, Err(Error::UnknownEndpoint { .. })), "{id}");
    }
    assert_eq!(
        limiter.peek("m", "POST /v1", 1).unwrap().remaining(),
        Some(2)
    );
    assert_eq!(limiter.keys(), 0);
}

#[test]
fn another_limiters_endpoint_id_is_an_error() {
    let rules = policy(&[
        ("pay", "POST /pay", "\"1/h\""),
        ("get", "GET /x", "\"9/h\""),
    ]);
    let [(first, _), (second, _)] = [(); 2].map(|()| limiter(16, &rules));
    let foreign = first.endpoint("POST /pay").unwrap();
    second.endpoint("GET /x").unwrap();
    let answer = second.check("m", foreign, 1);
    assert!(matches!(answer, Err(Error::UnknownEndpoint { id }) if id == foreign.get()));
    let answer = second.allow("m", foreign, 1);
    assert!(matches!(answer, Err(Error::UnknownEndpoint { .. })));
    assert!(first.allow("m", foreign, 1).unwrap());
}

#[test]
fn a_merchant_is_any_bytes_up_to_the_bound() {
    let (limiter, _) = limiter(16, &per_minute(1));
    let longest = vec![0xff; MAX_MERCHANT_BYTES];
    for merchant in [&b"\0"[..], b"\0\0", b"\xff\xfe", &longest] {
        assert!(limiter.allow(merchant, "", 1).unwrap());
        assert!(!limiter.allow(merchant, "", 1).unwrap());
    }
}

#[test]
fn a_cost_above_the_limit_never_passes_and_makes_no_key() {
    let (limiter, _) = limiter(16, &policy(&[("r", "*", "\"5/s\", \"9/min\"")]));
    let decision = limiter.check("m", "", 6).unwrap();
    assert_eq!(
        (decision.outcome, decision.allowed),
        (Outcome::Never, false)
    );
    assert_eq!((decision.limit(), decision.remaining()), (Some(5), Some(5)));
    assert_eq!(decision.retry_after(), None);
    assert_eq!(decision.http_status(), Some(429));
    assert_eq!(limiter.keys(), 0);
    assert!(limiter.check("m", "", u32::MAX).unwrap().outcome == Outcome::Never);
    assert!(limiter.allow("m", "", 5).unwrap());
}

#[test]
fn exempt_and_unmatched_requests_are_not_counted() {
    let text = |unmatched| {
        format!(
            "version = 1\nunmatched = \"{unmatched}\"\nexempt = [\"GET /healthz\"]\n[[rule]]\nname = \"r\"\nmatch = \"GET /v1\"\nwindows = [\"1/s\"]\n"
        )
    };
    for (unmatched, allowed, status) in [("allow", true, None), ("deny", false, Some(403))] {
        let (limiter, _) = limiter(16, &Policy::from_toml(&text(unmatched)).unwrap());
        let exempt = limiter.check("m", "GET /healthz", 1).unwrap();
        assert_eq!((exempt.outcome, exempt.allowed), (Outcome::Exempt, true));
        assert!(exempt.headers().is_empty() && exempt.rule().is_none());
        let other = limiter.check("m", "GET /v2", 1).unwrap();
        assert_eq!(
            (other.outcome, other.allowed),
            (Outcome::Unmatched, allowed)
        );
        assert_eq!(other.http_status(), status);
        assert_eq!(limiter.keys(), 0);
    }
}

#[test]
fn headers_and_body_of_a_denial_say_the_same() {
    let (limiter, clock) = limiter(16, &per_minute(1));
    let _ = limiter.check("m", "", 1).unwrap();
    clock.advance(Duration::from_nanos(500_000_001));
    let denied = limiter.check("m", "", 1).unwrap();
    let headers: Vec<_> = denied.headers().iter().collect();
    assert_eq!(
        headers,
        [
            ("X-RateLimit-Limit", 1),
            ("X-RateLimit-Remaining", 0),
            ("X-RateLimit-Reset", 1_700_000_060),
            ("Retry-After", 60)
        ]
    );
    assert_eq!(denied.retry_after_ns(), Some(59_499_999_999));
    let name = limiter.rule_name(denied.rule().unwrap()).unwrap();
    let body: serde_json::Value =
        serde_json::from_str(&slidegate::problem_json(&denied, Some(&name))).unwrap();
    assert_eq!(body["retryAfter"], 60);
    assert_eq!(body["status"], 429);
    assert_eq!(body["rule"], "all");
    assert_eq!(body["window"], "1/min");
}

#[test]
fn advancing_by_retry_after_admits_and_one_microsecond_less_does_not() {
    let (limiter, clock) = limiter(16, &policy(&[("r", "*", "\"3/s\", \"7/min\"")]));
    let mut denials = 0;
    for step in 0u64..2_000 {
        let cost = 1 + (step % 3) as u32;
        let denied = limiter.check("m", "", cost).unwrap();
        if let Some(retry) = denied.retry_after() {
            denials += 1;
            clock.advance(retry - Duration::from_micros(1).min(retry));
            assert!(!limiter.peek("m", "", cost).unwrap().allowed, "step {step}");
            clock.advance(Duration::from_micros(1));
            assert!(limiter.peek("m", "", cost).unwrap().allowed, "step {step}");
        }
        clock.advance(Duration::from_nanos(step * 7_919 % 400_000_000));
    }
    assert!(denials > 500, "{denials}");
}

#[test]
fn a_full_table_does_what_it_was_told_and_says_so() {
    for (on_full, allowed, status) in [
        (OnFull::Deny, false, Some(503)),
        (OnFull::Admit, true, None),
    ] {
        let clock = Arc::new(ManualClock::new(0));
        let builder = Limiter::builder()
            .max_keys(8)
            .clock(clock.clone())
            .on_full(on_full);
        let limiter = builder.build(&per_minute(1)).unwrap();
        let decisions: Vec<_> = (0..100u32)
            .map(|name| limiter.check(name.to_le_bytes(), "", 1).unwrap())
            .collect();
        let tracked = decisions
            .iter()
            .filter(|d| d.outcome == Outcome::Allowed)
            .count();
        assert_eq!(tracked, limiter.keys());
        assert!((8..100).contains(&tracked));
        let full = decisions
            .iter()
            .find(|d| d.outcome == Outcome::Untracked)
            .unwrap();
        assert_eq!((full.allowed, full.http_status()), (allowed, status));
        assert!(full.headers().is_empty() && full.retry_after().is_none());
        assert_eq!(limiter.untracked() as usize, 100 - tracked);
        // No live key was evicted: every tracked merchant is still counted.
        for (name, decision) in decisions.iter().enumerate() {
            if decision.outcome == Outcome::Allowed {
                assert!(
                    !limiter
                        .peek((name as u32).to_le_bytes(), "", 1)
                        .unwrap()
                        .allowed
                );
            }
        }
        // One window later, and a millisecond, the same slots serve others.
        clock.advance(60 * SECOND + SECOND / 1_000);
        assert_eq!(
            limiter.check("new", "", 1).unwrap().outcome,
            Outcome::Allowed
        );
    }
}

#[test]
fn idle_keys_make_room_for_ever_and_live_ones_stay() {
    let (limiter, clock) = limiter(64, &per_minute(1));
    let mut reclaimed = 0;
    for round in 0u32..400 {
        for name in 0u32..16 {
            let key = (round * 16 + name).to_le_bytes();
            assert_eq!(limiter.check(key, "", 1).unwrap().outcome, Outcome::Allowed);
            assert!(!limiter.check(key, "", 1).unwrap().allowed);
            reclaimed += 1;
        }
        clock.advance(20 * SECOND);
        let last = (round * 16).to_le_bytes();
        assert!(!limiter.check(last, "", 1).unwrap().allowed);
    }
    assert_eq!(limiter.untracked(), 0);
    assert!(limiter.keys() < reclaimed / 10);
}

#[test]
fn a_swap_keeps_history() {
    let (limiter, _) = limiter(16, &per_minute(100));
    for _ in 0..100 {
        assert!(limiter.allow("m", "", 1).unwrap());
    }
    assert_eq!(limiter.swap(&per_minute(130)).unwrap(), 2);
    let admitted = (0..50)
        .filter(|_| limiter.allow("m", "", 1).unwrap())
        .count();
    assert_eq!(admitted, 30);
    assert_eq!(limiter.swap(&per_minute(50)).unwrap(), 3);
    let denied = limiter.check("m", "", 1).unwrap();
    assert_eq!(
        (denied.limit(), denied.remaining(), denied.policy_version),
        (Some(50), Some(0), 3)
    );
    assert_eq!(limiter.policy_version(), 3);
}

#[test]
fn an_endpoint_id_lives_as_long_as_the_limiter() {
    let first = policy(&[
        ("get", "GET /v1/:id", "\"1/min\""),
        ("list", "GET /v1/list", "\"2/min\""),
    ]);
    let (limiter, _) = limiter(16, &first);
    let by_id = limiter.endpoint("GET /v1/:payment").unwrap();
    let list = limiter.endpoint("GET /v1/list").unwrap();
    let other = limiter.endpoint("POST /v2").unwrap();
    assert_eq!(limiter.endpoint("GET /v1/list").unwrap(), list);
    assert_eq!(limiter.check("m", by_id, 1).unwrap().limit(), Some(1));
    assert!(
        !limiter.allow("m", "GET /v1/7", 1).unwrap(),
        "an id and a path share the pool"
    );
    assert_eq!(limiter.check("m", list, 1).unwrap().limit(), Some(2));
    assert_eq!(
        limiter.check("m", other, 1).unwrap().outcome,
        Outcome::Unmatched
    );
    let second = policy(&[
        ("get", "GET /v1/:id", "\"3/min\""),
        ("post", "POST /v2", "\"4/min\""),
    ]);
    limiter.swap(&second).unwrap();
    let decision = limiter.check("m", by_id, 1).unwrap();
    assert_eq!((decision.limit(), decision.remaining()), (Some(3), Some(1)));
    assert_eq!(limiter.check("m", other, 1).unwrap().limit(), Some(4));
    assert_eq!(
        limiter.check("m", list, 1).unwrap().limit(),
        Some(3),
        "the list is :id now"
    );
}

#[test]
fn endpoint_ids_are_bounded_and_name_no_concrete_path() {
    let (limiter, _) = limiter(16, &per_minute(1));
    for route in ["", "GET", "GET /a?b", "GET /a%20b"] {
        assert!(
            matches!(limiter.endpoint(route), Err(Error::InvalidEndpoint { .. })),
            "{route}"
        );
    }
    for n in 0..MAX_ENDPOINTS {
        limiter.endpoint(&format!("GET /{n}")).unwrap();
    }
    assert!(matches!(
        limiter.endpoint("GET /more"),
        Err(Error::TooManyEndpoints)
    ));
    assert!(limiter.endpoint("GET /0").is_ok());
}

#[test]
fn rule_ids_outlive_their_rules() {
    let (limiter, _) = limiter(16, &policy(&[("a", "*", "\"1/s\"")]));
    let id = limiter.check("m", "", 1).unwrap().rule().unwrap();
    limiter.swap(&policy(&[("b", "*", "\"1/s\"")])).unwrap();
    assert_eq!(limiter.rule_name(id).as_deref(), Some("a"));
    assert_eq!(limiter.rule_name(RuleId::from_raw(2)), None);
}

#[test]
fn a_denial_by_one_rule_leaves_no_trace_in_the_others() {
    let both = policy(&[
        ("total", "*", "\"10/min\""),
        ("post", "POST /v1", "\"2/min\""),
    ]);
    let (limiter, _) = limiter(16, &both);
    for _ in 0..20 {
        let _ = limiter.check("m", "POST /v1", 1).unwrap();
    }
    assert_eq!(limiter.peek("m", "", 1).unwrap().remaining(), Some(8));
    let denied = limiter.check("m", "POST /v1", 1).unwrap();
    assert_eq!(
        limiter.rule_name(denied.rule().unwrap()).as_deref(),
        Some("post")
    );
}

#[test]
fn http_and_text_endpoints_mean_the_same() {
    let (limiter, _) = limiter(16, &policy(&[("r", "GET /v1/:id", "\"2/min\"")]));
    assert!(
        limiter
            .allow("m", Endpoint::http("GET", "/v1/7?x=1"), 1)
            .unwrap()
    );
    assert!(limiter.allow("m", "GET /v1/8", 1).unwrap());
    assert!(!limiter.allow("m", "head /v1/9", 1).unwrap());
}

#[test]
fn a_million_keys_fit_and_a_reservation_beyond_the_machine_is_an_error() {
    let limiter = Limiter::builder()
        .max_keys(1_000_000)
        .build(&per_minute(5))
        .unwrap();
    for name in 0u32..20_000 {
        assert!(limiter.allow(name.to_le_bytes(), "", 1).unwrap());
    }
    assert_eq!(limiter.keys(), 20_000);
    for absurd in [1 << 40, u64::MAX] {
        let refused = Limiter::builder().max_keys(absurd).build(&per_minute(5));
        assert!(matches!(refused, Err(Error::Memory { .. })));
    }
}

#[test]
fn public_types_cross_threads() {
    fn crosses<T: Send + Sync>() {}
    crosses::<Limiter>();
    crosses::<Policy>();
    crosses::<slidegate::Decision>();
    crosses::<Error>();
    crosses::<slidegate::PolicyError>();
}

#[test]
fn a_policy_that_returns_finds_its_history() {
    let hourly = policy(&[("r", "*", "\"1/h\"")]);
    let (limiter, clock) = limiter(8, &hourly);
    assert!(limiter.allow("m", "", 1).unwrap());
    limiter.swap(&policy(&[("r", "*", "\"1/s\"")])).unwrap();
    for name in 0u32..200 {
        clock.advance(SECOND);
        let _ = limiter.allow(name.to_le_bytes(), "", 1);
    }
    limiter.swap(&hourly).unwrap();
    let decision = limiter.check("m", "", 1).unwrap();
    assert!(!decision.allowed, "{decision:?}");
}

#[test]
fn a_peek_sees_that_the_table_is_full_and_a_refusal_charges_no_other_rule() {
    let both = policy(&[
        ("total", "*", "\"2048/min\""),
        ("post", "POST /v1", "\"10/min\""),
    ]);
    let (limiter, _) = limiter(1, &both);
    for name in 0u32.. {
        if limiter.check(name.to_le_bytes(), "", 1).unwrap().outcome == Outcome::Untracked {
            break;
        }
    }
    let known = 0u32.to_le_bytes();
    let before = limiter.peek(known, "", 1).unwrap().remaining();
    let counted = limiter.untracked();
    assert_eq!(
        limiter.peek("new", "", 1).unwrap().outcome,
        Outcome::Untracked
    );
    for _ in 0..100 {
        let refused = limiter.check(known, "POST /v1", 1).unwrap();
        assert_eq!(refused.outcome, Outcome::Untracked);
    }
    assert_eq!(limiter.peek(known, "", 1).unwrap().remaining(), before);
    assert_eq!(limiter.untracked(), counted + 100, "a request counts once");
}
