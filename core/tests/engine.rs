//! What the engine does beyond checking: receipts, resets, pools, batches,
//! prepared keys, every window's standing, and a full table.

use std::sync::Arc;
use std::time::Duration;

use slidegate::{
    Check, Error, Limiter, LimiterBuilder, ManualClock, OnFull, Outcome, Policy, Precision,
};

const POLICY: &str = r#"
version = 1
[[rule]]
name = "platform"
match = "*"
per = "all"
windows = ["50/s"]
[[rule]]
name = "merchant"
match = "*"
windows = ["10/s", "20/min"]
[[rule]]
name = "pay"
match = "POST /pay"
windows = ["5/s"]
cost = 2
"#;

/// How far apart the clocks of two threads may be: idle keys are kept for as long.
const SKEW: Duration = Duration::from_millis(1);

const SINGLE: &str = r#"
version = 1
[[rule]]
name = "pay"
match = "*"
windows = ["10/s"]
"#;

fn built(text: &str, builder: LimiterBuilder) -> (Limiter, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(1_000_000_000));
    clock.advance(Duration::from_secs(1));
    let policy = Policy::from_toml(text).unwrap();
    let limiter = builder.clock(clock.clone()).build(&policy).unwrap();
    (limiter, clock)
}

fn limiter(text: &str) -> (Limiter, Arc<ManualClock>) {
    built(text, Limiter::builder().max_keys(1_000))
}

fn remaining(limiter: &Limiter, merchant: &str) -> u32 {
    let decision = limiter.peek(merchant, "", 1).unwrap();
    decision.remaining().unwrap()
}

#[test]
fn a_receipt_gives_back_what_was_charged_and_no_more() {
    let (limiter, clock) = limiter(SINGLE);
    let (decision, receipt) = limiter.check_with_receipt("m", "", 4).unwrap();
    assert_eq!((decision.allowed, remaining(&limiter, "m")), (true, 6));
    assert!(limiter.refund(receipt.unwrap()).unwrap());
    assert_eq!(remaining(&limiter, "m"), 10);
    assert!(limiter.allow("m", "", 10).unwrap());
    let (decision, receipt) = limiter.check_with_receipt("m", "", 1).unwrap();
    assert!(!decision.allowed && receipt.is_none());
    // The credit dies with the refunded units; the ten of now stay.
    clock.advance(Duration::from_millis(999));
    assert!(!limiter.allow("m", "", 1).unwrap());
    clock.advance(Duration::from_millis(1));
    assert!(limiter.allow("m", "", 10).unwrap());
}

#[test]
fn a_refund_after_the_window_lends_nothing() {
    let (limiter, clock) = limiter(SINGLE);
    let (_, receipt) = limiter.check_with_receipt("m", "", 4).unwrap();
    clock.advance(Duration::from_secs(1));
    assert!(!limiter.refund(receipt.unwrap()).unwrap());
    assert!(limiter.allow("m", "", 10).unwrap());
    assert!(!limiter.allow("m", "", 1).unwrap());
}

#[test]
fn a_receipt_covers_all_rules_of_the_request() {
    let (limiter, _) = limiter(POLICY);
    let (_, receipt) = limiter.check_with_receipt("m", "POST /pay", 2).unwrap();
    let standing = |limiter: &Limiter| {
        let (_, windows) = limiter.peek_windows("m", "POST /pay", 1).unwrap();
        windows.iter().map(|w| w.remaining).collect::<Vec<_>>()
    };
    assert_eq!(standing(&limiter), [48, 8, 18, 1]);
    limiter.refund(receipt.unwrap()).unwrap();
    assert_eq!(standing(&limiter), [50, 10, 20, 5]);
}

#[test]
fn another_limiters_receipt_or_key_is_refused() {
    let (first, _) = limiter(SINGLE);
    let (second, _) = limiter(SINGLE);
    let (_, receipt) = first.check_with_receipt("m", "", 1).unwrap();
    let answer = second.refund(receipt.unwrap());
    assert!(matches!(answer, Err(Error::ForeignReceipt)));
    let key = first
        .prepare("m", first.endpoint("POST /pay").unwrap())
        .unwrap();
    assert!(matches!(
        second.check_prepared(&key, 1),
        Err(Error::ForeignKey)
    ));
}

fn four_per(window: &str) -> Policy {
    Policy::from_toml(&SINGLE.replace("10/s", &format!("4/{window}"))).unwrap()
}

#[test]
fn a_swap_to_a_longer_window_lends_nothing_for_units_that_are_forgotten() {
    let (limiter, clock) = limiter(SINGLE);
    limiter.swap(&four_per("2s")).unwrap();
    let (_, receipt) = limiter.check_with_receipt("m", "", 4).unwrap();
    assert!(limiter.refund(receipt.unwrap()).unwrap());
    clock.advance(Duration::from_secs(2));
    // Overwrites the refunded units, which count no more.
    assert!(limiter.allow("m", "", 4).unwrap());
    limiter.swap(&four_per("4s")).unwrap();
    assert_eq!(remaining(&limiter, "m"), 0);
    assert!(!limiter.allow("m", "", 1).unwrap());
}

#[test]
fn a_credit_lives_as_long_as_its_units_were_sure_to_be_remembered() {
    let (limiter, clock) = built(
        &SINGLE.replace("10/s", "4/2s"),
        Limiter::builder().max_keys(1_000),
    );
    let (_, old) = limiter.check_with_receipt("m", "", 2).unwrap();
    limiter.swap(&four_per("4s")).unwrap();
    clock.advance(Duration::from_secs(1));
    let (_, new) = limiter.check_with_receipt("m", "", 2).unwrap();
    // Those from before the swap are lent until two seconds old, not four.
    assert!(limiter.refund(old.unwrap()).unwrap());
    assert_eq!(remaining(&limiter, "m"), 2);
    clock.advance(Duration::from_secs(1));
    assert_eq!(remaining(&limiter, "m"), 0);
    // Those from after it, until four seconds old.
    assert!(limiter.refund(new.unwrap()).unwrap());
    assert_eq!(remaining(&limiter, "m"), 2);
    clock.advance(Duration::from_secs(2));
    assert_eq!(remaining(&limiter, "m"), 4);
    clock.advance(Duration::from_secs(1));
    assert_eq!(remaining(&limiter, "m"), 4);
}

#[test]
fn a_limit_of_2048_can_be_refunded_whole() {
    let (limiter, _) = limiter(&SINGLE.replace("10/s", "2048/s"));
    for _ in 0..2 {
        let (decision, receipt) = limiter.check_with_receipt("m", "", 2_048).unwrap();
        if let Some(receipt) = receipt {
            assert!(decision.allowed);
            limiter.refund(receipt).unwrap();
        }
    }
    // The ring remembers 4,096 units, and all of them are in use.
    assert!(!limiter.allow("m", "", 1).unwrap());
}

#[test]
fn a_reset_frees_a_key_at_once_and_voids_its_receipts() {
    let (limiter, clock) = limiter(POLICY);
    let (_, receipt) = limiter.check_with_receipt("m", "POST /pay", 2).unwrap();
    assert!(limiter.allow("other", "POST /pay", 1).unwrap());
    assert_eq!(limiter.reset("m", Some("pay")).unwrap(), 1);
    clock.advance(Duration::from_micros(1));
    let (_, windows) = limiter.peek_windows("m", "POST /pay", 1).unwrap();
    assert_eq!(
        windows.iter().map(|w| w.remaining).collect::<Vec<_>>(),
        [47, 8, 18, 5]
    );
    assert_eq!(
        limiter.reset("m", None).unwrap(),
        1,
        "the platform is not m's"
    );
    limiter.refund(receipt.unwrap()).unwrap();
    let (_, windows) = limiter.peek_windows("m", "POST /pay", 1).unwrap();
    assert_eq!(
        windows.iter().map(|w| w.remaining).collect::<Vec<_>>(),
        [49, 10, 20, 5]
    );
    let (_, windows) = limiter.peek_windows("other", "POST /pay", 1).unwrap();
    assert_eq!(
        windows[3].remaining, 3,
        "another merchant keeps its history"
    );
    assert_eq!(limiter.reset("m", Some("platform")).unwrap(), 1);
    assert_eq!(limiter.reset("nobody", None).unwrap(), 0);
    assert!(matches!(
        limiter.reset("m", Some("no such rule")),
        Err(Error::UnknownRule { .. })
    ));
}

#[test]
fn everybody_shares_a_rule_for_all() {
    let (limiter, _) = limiter(POLICY);
    for merchant in 0..5 {
        assert!(limiter.allow(format!("m{merchant}"), "GET /x", 10).unwrap());
    }
    let decision = limiter.check("m9", "GET /x", 1).unwrap();
    assert_eq!(decision.outcome, Outcome::Denied);
    let rule = limiter.rule_name(decision.rule().unwrap()).unwrap();
    assert_eq!(&*rule, "platform");
}

#[test]
fn every_window_that_blocks_is_reported() {
    let (limiter, clock) = limiter(POLICY);
    assert!(limiter.allow("m", "", 10).unwrap());
    clock.advance(Duration::from_millis(1_500));
    assert!(limiter.allow("m", "", 10).unwrap());
    let (decision, windows) = limiter.check_windows("m", "POST /pay", 1).unwrap();
    assert!(!decision.allowed);
    assert_eq!(decision.precision(), Some(Precision::Exact));
    let blocks: Vec<bool> = windows.iter().map(|w| w.blocks).collect();
    assert_eq!(blocks, [false, true, true, false]);
    assert_eq!(windows[1].retry_after_ns, 1_000_000_000);
    assert_eq!(windows[2].retry_after_ns, 58_500_000_000);
    assert_eq!(decision.retry_after_ns(), Some(58_500_000_000));
}

#[test]
fn a_batch_answers_as_one_by_one() {
    let (batched, _) = limiter(POLICY);
    let (single, _) = limiter(POLICY);
    let merchants: Vec<String> = (0..100).map(|n| format!("m{}", n % 7)).collect();
    let endpoints = ["POST /pay", "GET /x", "", "nonsense"];
    let checks: Vec<Check<'_>> = merchants
        .iter()
        .enumerate()
        .map(|(n, merchant)| Check::new(merchant, endpoints[n % 4], n as u32 % 4))
        .collect();
    for (check, batched) in checks.iter().zip(batched.check_many(&checks)) {
        let one = single.check(check.merchant, check.endpoint, check.cost);
        match (batched, one) {
            (Ok(batched), Ok(one)) => assert_eq!(batched, one),
            (batched, one) => assert_eq!(batched.is_err(), one.is_err()),
        }
    }
    let mut allowed = 0;
    batched.allow_each(&checks, |allow| {
        allowed += u32::from(allow.unwrap_or(false))
    });
    assert_eq!(allowed, 0, "the platform is full");
}

#[test]
fn a_prepared_key_survives_eviction_reset_and_swap() {
    let (limiter, clock) = built(SINGLE, Limiter::builder().max_keys(4));
    let endpoint = limiter.endpoint("POST /pay").unwrap();
    let key = limiter.prepare("m", endpoint).unwrap();
    for round in 0..50 {
        assert_eq!(
            limiter.check_prepared(&key, 3).unwrap().remaining(),
            Some(7)
        );
        assert_eq!(limiter.peek("m", endpoint, 1).unwrap().remaining(), Some(7));
        assert!(limiter.allow_prepared(&key, 7).unwrap());
        assert!(!limiter.peek_prepared(&key, 1).unwrap().allowed);
        if round % 3 == 0 {
            limiter.reset("m", None).unwrap();
        }
        clock.advance(Duration::from_secs(1) + SKEW);
        // Others take the slots in the meantime.
        for other in 0..4 {
            assert!(
                limiter
                    .allow(format!("{round}-{other}"), endpoint, 1)
                    .unwrap()
            );
        }
        let is_known = limiter.key_usage("m", "pay").unwrap().is_some();
        assert!(!is_known, "round {round}: evicted");
        clock.advance(Duration::from_secs(1));
    }
    let raised = Policy::from_toml(&SINGLE.replace("10/s", "20/s")).unwrap();
    limiter.swap(&raised).unwrap();
    assert!(limiter.allow_prepared(&key, 20).unwrap());
}

#[test]
fn what_overflows_shares_one_pool() {
    let builder = Limiter::builder().max_keys(1).on_full(OnFull::Overflow);
    let (limiter, clock) = built(SINGLE, builder);
    let (mut own, mut pooled) = (0, 0);
    for merchant in 0..1_000 {
        let decision = limiter.check(format!("m{merchant}"), "", 1).unwrap();
        match (decision.untracked, decision.allowed) {
            (false, _) => own += 1,
            (true, true) => pooled += 1,
            (true, false) => assert_eq!(decision.outcome, Outcome::Denied),
        }
    }
    assert!(own <= 16, "{own}");
    assert_eq!(pooled, 10);
    assert_eq!(limiter.untracked(), 1_000 - own);
    clock.advance(Duration::from_secs(1));
    assert!(limiter.allow("m0", "", 10).unwrap());
}

#[test]
fn a_limit_above_what_the_limiter_was_built_for_is_refused() {
    let builder = Limiter::builder().max_keys(16).max_limit(100);
    let (limiter, _) = built(SINGLE, builder);
    let larger = Policy::from_toml(&SINGLE.replace("10/s", "101/s")).unwrap();
    assert!(matches!(
        limiter.swap(&larger),
        Err(Error::LimitTooLarge { limit: 101, .. })
    ));
    assert!(limiter.allow("m", "", 10).unwrap());
}

const LARGE: &str = r#"
version = 1
[[rule]]
name = "bulk"
match = "*"
windows = ["1000000/day", "5000/s"]
"#;

#[test]
fn a_large_limit_is_bucketed_and_never_exceeded() {
    let (limiter, clock) = limiter(LARGE);
    let decision = limiter.check("m", "", 5_000).unwrap();
    assert_eq!(decision.precision(), Some(Precision::Bucketed));
    let denied = limiter.check("m", "", 1).unwrap();
    let wait = denied.retry_after().unwrap();
    let second = Duration::from_secs(1);
    assert!(wait >= second && wait <= second + second / 128, "{wait:?}");
    clock.advance(wait - Duration::from_micros(1));
    assert!(!limiter.peek("m", "", 1).unwrap().allowed);
    clock.advance(Duration::from_micros(1));
    assert!(limiter.allow("m", "", 5_000).unwrap());
    let mut units = 10_000;
    loop {
        clock.advance(Duration::from_millis(1_008));
        match limiter.allow("m", "", 5_000).unwrap() {
            true => units += 5_000,
            false => break,
        }
    }
    assert_eq!(units, 1_000_000);
    let usage = limiter.key_usage("m", "bulk").unwrap().unwrap();
    assert_eq!(usage.windows[0].live, 1_000_000);
    assert_eq!(limiter.reset("m", None).unwrap(), 1);
    clock.advance(Duration::from_millis(2));
    assert!(limiter.allow("m", "", 5_000).unwrap());
}

#[test]
fn a_rule_keeps_its_precision_and_its_lengths() {
    let (limiter, _) = limiter(LARGE);
    for (windows, accepted) in [
        ("\"2000000/day\", \"6000/s\"", true),
        ("\"2000000/day\"", true),
        ("\"2000000/day\", \"5000/2s\"", false),
        ("\"100/s\"", false),
    ] {
        let text = LARGE.replace("\"1000000/day\", \"5000/s\"", windows);
        let swapped = limiter.swap(&Policy::from_toml(&text).unwrap());
        match accepted {
            true => assert!(swapped.is_ok(), "{windows}"),
            false => assert!(matches!(swapped, Err(Error::Precision { .. })), "{windows}"),
        }
    }
}

#[test]
fn a_receipt_from_before_a_reset_lends_nothing() {
    for windows in ["10/s", "5000/s"] {
        let (limiter, clock) = limiter(&SINGLE.replace("10/s", windows));
        let (_, receipt) = limiter.check_with_receipt("m", "", 4).unwrap();
        limiter.reset("m", None).unwrap();
        clock.advance(Duration::from_millis(2));
        assert!(!limiter.refund(receipt.unwrap()).unwrap(), "{windows}");
    }
}
