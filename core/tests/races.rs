//! What happens while a batch goes on, and what rules do beside one without room.

#![allow(clippy::disallowed_types)] // A clock of its own, outside the engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use slidegate::{Check, Clock, Limiter, LimiterBuilder, OnFull, Outcome, Policy};

#[derive(Default)]
struct Visited(AtomicU64);

impl Visited {
    fn set(&self, at: Duration) {
        self.0.store(at.as_nanos() as u64, Ordering::Relaxed);
    }
}

impl Clock for Visited {
    fn monotonic_ns(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn unix_ns(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

fn built(rules: &str, builder: LimiterBuilder) -> (Arc<Limiter>, Arc<Visited>) {
    let clock = Arc::new(Visited::default());
    let policy = Policy::from_toml(&format!("version = 1\n{rules}")).unwrap();
    let limiter = builder.clock(clock.clone()).build(&policy).unwrap();
    (Arc::new(limiter), clock)
}

#[test]
fn a_batch_that_takes_long_admits_no_more() {
    let rule = "[[rule]]\nname = \"r\"\nmatch = \"*\"\nwindows = [\"3/s\"]\n";
    let (limiter, clock) = built(rule, Limiter::builder().max_keys(1));
    assert!(limiter.allow("m", "", 3).unwrap());
    clock.set(Duration::from_millis(500));
    let checks = [Check::new("first", "", 1), Check::new("m", "", 3)];
    let mut answers = Vec::new();
    limiter.check_each(&checks, |decision| {
        if answers.is_empty() {
            // Meanwhile m's key is idle for the whole window, and makes room.
            clock.set(Duration::from_millis(2_500));
            for other in 0..20 {
                limiter.allow(format!("{other}"), "", 1).unwrap();
            }
            clock.set(Duration::from_millis(3_600));
            limiter.allow("last", "", 1).unwrap();
        }
        answers.push(decision.unwrap());
    });
    assert!(answers[1].allowed, "{:?}", answers[1]);
    assert!(
        !limiter.allow("m", "", 1).unwrap(),
        "m has had three at 3.6 s"
    );
}

#[test]
fn a_rule_that_denies_is_not_overruled_by_one_without_room() {
    const RULES: &str = r#"
    [[rule]]
    name = "a"
    match = "*"
    windows = ["1/min"]
    [[rule]]
    name = "b"
    match = "GET /b"
    windows = ["5/h"]
    "#;
    for on_full in [OnFull::Admit, OnFull::Deny, OnFull::Overflow] {
        let (limiter, clock) = built(RULES, Limiter::builder().max_keys(1).on_full(on_full));
        let (_, receipt) = limiter.check_with_receipt("m", "", 1).unwrap();
        limiter.refund(receipt.unwrap()).unwrap();
        clock.set(Duration::from_secs(30));
        assert!(limiter.allow("m", "", 1).unwrap());
        for other in 0..40 {
            limiter.allow(format!("{other}"), "GET /b", 1).unwrap();
        }
        let decision = limiter.check("m", "GET /b", 1).unwrap();
        assert_eq!(
            decision.outcome,
            Outcome::Denied,
            "{on_full:?}: {decision:?}"
        );
        let retry = decision.retry_after();
        assert_eq!(retry, Some(Duration::from_secs(60)), "{on_full:?}");
    }
}

#[test]
fn a_batch_that_takes_long_says_when_windows_reset() {
    let rule = "[[rule]]\nname = \"r\"\nmatch = \"*\"\nwindows = [\"1/min\"]\n";
    let (limiter, clock) = built(rule, Limiter::builder());
    assert!(limiter.allow("m", "", 1).unwrap());
    let checks = [Check::new("first", "", 1), Check::new("m", "", 1)];
    let mut resets = Vec::new();
    limiter.check_each(&checks, |decision| {
        clock.set(Duration::from_secs(10));
        resets.push(decision.unwrap().reset_at_ns());
    });
    let minute_ns = Some(60_000_000_000);
    assert_eq!(resets, [minute_ns, minute_ns]);
}
