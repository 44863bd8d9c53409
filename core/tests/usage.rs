//! Who uses how much: rules, keys, the fullest keys.

use std::sync::Arc;
use std::time::Duration;

use slidegate::{Error, KeyUsage, Limiter, LimiterBuilder, ManualClock, OnFull, Policy};

const POLICY: &str = r#"
version = 1
[[rule]]
name = "platform"
match = "*"
per = "all"
windows = ["1000/s"]
[[rule]]
name = "pay"
match = "POST /pay"
windows = ["10/s", "100/min"]
cost = 2
"#;

fn built(builder: LimiterBuilder) -> (Limiter, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(0));
    let policy = Policy::from_toml(POLICY).unwrap();
    let limiter = builder.clock(clock.clone()).build(&policy).unwrap();
    (limiter, clock)
}

fn pay(limiter: &Limiter, merchant: &str, times: u32) -> u32 {
    let admitted = |_: &u32| limiter.allow(merchant, "POST /pay", 1).unwrap();
    (0..times).filter(admitted).count() as u32
}

fn named(usage: &KeyUsage) -> String {
    String::from_utf8(usage.merchant.clone()).unwrap()
}

#[test]
fn a_rule_counts_what_became_of_its_requests() {
    let (limiter, _) = built(Limiter::builder().max_keys(100));
    assert_eq!(pay(&limiter, "a", 8), 5);
    assert!(limiter.peek("a", "POST /pay", 1).is_ok());
    assert!(limiter.allow("b", "GET /x", 3).unwrap());
    let rule = |name| {
        let id = limiter.rule_id(name).unwrap();
        assert_eq!(limiter.rule_name(id).as_deref(), Some(name));
        limiter.rule_usage(id).unwrap()
    };
    assert_eq!(limiter.rule_id("no such rule"), None);
    let pay = rule("pay");
    assert_eq!(
        (pay.admitted, pay.units, pay.denied, pay.untracked),
        (5, 10, 3, 0)
    );
    let platform = rule("platform");
    assert_eq!(
        (platform.admitted, platform.units, platform.denied),
        (6, 8, 0)
    );
    assert!(limiter.rule_usage(slidegate::RuleId::from_raw(9)).is_none());
}

#[test]
fn what_was_refunded_is_not_in_use() {
    let (limiter, clock) = built(Limiter::builder().max_keys(100));
    let (_, receipt) = limiter.check_with_receipt("a", "POST /pay", 4).unwrap();
    pay(&limiter, "b", 1);
    let used = |merchant| {
        let usage = limiter.key_usage(merchant, "pay").unwrap().unwrap();
        let window = usage.windows[0];
        (window.live, window.remaining, usage.utilisation())
    };
    assert_eq!(used("a"), (8, 2, 0.8));
    limiter.refund(receipt.unwrap()).unwrap();
    assert_eq!(used("a"), (0, 10, 0.0));
    assert_eq!(named(&limiter.top(2)[0]), "b");
    clock.advance(Duration::from_millis(1));
    pay(&limiter, "a", 1);
    assert_eq!(used("a"), (2, 8, 0.2));
}

#[test]
fn a_full_table_counts_what_it_could_not_track() {
    let builder = Limiter::builder().max_keys(1).on_full(OnFull::Admit);
    let (limiter, _) = built(builder);
    for merchant in 0..100 {
        pay(&limiter, &merchant.to_string(), 1);
    }
    let usage = limiter.rule_usage(slidegate::RuleId::from_raw(1)).unwrap();
    assert_eq!(usage.untracked, limiter.untracked());
    assert_eq!(usage.admitted + usage.untracked, 100);
    assert!(usage.untracked >= 84);
}

#[test]
fn the_fullest_keys_come_first_with_their_names() {
    let (limiter, _) = built(Limiter::builder().max_keys(1_000));
    let long = "m".repeat(1_024);
    for (merchant, times) in [("a", 1), ("b", 4), (long.as_str(), 5), ("d", 2), ("e", 3)] {
        pay(&limiter, merchant, times);
    }
    let top = limiter.top(3);
    let names: Vec<String> = top.iter().map(named).collect();
    assert_eq!(names, [long.as_str(), "b", "e"]);
    assert_eq!(top[0].utilisation(), 1.0);
    assert!(top[0].windows[0].blocks && !top[1].windows[0].blocks);
    assert_eq!(
        (top[1].windows[0].live, top[1].windows[0].remaining),
        (8, 2)
    );
    assert_eq!(top[1].windows[1].live, 8);
    assert_eq!(top[1].counters, None);
    assert_eq!(limiter.usage().count(), 6, "five merchants and everybody");
    assert_eq!(limiter.top(0), []);
}

#[test]
fn a_key_is_counted_where_that_is_wanted() {
    let (limiter, clock) = built(Limiter::builder().max_keys(4).key_counters(true));
    pay(&limiter, "a", 7);
    clock.advance(Duration::from_millis(1_100));
    pay(&limiter, "a", 3);
    let usage = limiter.key_usage("a", "pay").unwrap().unwrap();
    let counters = usage.counters.unwrap();
    assert_eq!(
        (counters.admitted, counters.denied, counters.peak),
        (8, 2, 10)
    );
    assert_eq!(usage.windows[0].live, 6);
    assert_eq!(limiter.key_usage("nobody", "pay").unwrap(), None);
    assert!(matches!(
        limiter.key_usage("a", "none"),
        Err(Error::UnknownRule { .. })
    ));
    // The slots get other tenants, whose counters begin anew.
    for round in 0..20 {
        clock.advance(Duration::from_secs(61));
        let merchant = format!("other {round}");
        pay(&limiter, &merchant, 1);
        let usage = limiter.key_usage(&merchant, "pay").unwrap().unwrap();
        let counters = usage.counters.unwrap();
        assert_eq!(
            (counters.admitted, counters.denied, counters.peak),
            (1, 0, 2)
        );
    }
}

#[test]
fn without_names_nothing_is_listed() {
    let (limiter, _) = built(Limiter::builder().max_keys(100).names(false));
    pay(&limiter, "a", 2);
    assert_eq!(limiter.usage().count(), 0);
    assert!(limiter.key_usage("a", "pay").unwrap().is_some());
}

#[test]
fn keys_are_listed_while_others_check() {
    let (limiter, clock) = built(Limiter::builder().max_keys(64));
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let limiter = &limiter;
            scope.spawn(move || {
                for n in 0..20_000 {
                    pay(limiter, &format!("thread-{thread}-{}", n % 50), 1);
                }
            });
        }
        for _ in 0..200 {
            clock.advance(Duration::from_secs(30));
            for usage in limiter.usage() {
                let name = named(&usage);
                assert!(name.is_empty() || name.starts_with("thread-"), "{name}");
                assert!(usage.windows.iter().all(|w| w.live <= w.window.limit));
            }
        }
    });
}
