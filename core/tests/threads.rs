//! The limiter under real threads while time stands still or is moved by hand:
//! then exact counts are known. (`audit.rs` has the machine's own clock.)

use std::sync::{Arc, Barrier};
use std::thread;

use slidegate::{Limiter, ManualClock, Policy};

const THREADS: usize = 4;

fn policy(windows: &str) -> Policy {
    let text = format!(
        "version = 1\n[[rule]]\nname = \"total\"\nmatch = \"*\"\nwindows = [{windows}]\n[[rule]]\nname = \"post\"\nmatch = \"POST /v1\"\nwindows = [\"60/min\"]\n"
    );
    Policy::from_toml(&text).unwrap()
}

/// Runs `body` on every thread at once and adds up what they return.
fn together(body: impl Fn(usize) -> usize + Sync) -> usize {
    let start = Barrier::new(THREADS);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|n| {
                let (start, body) = (&start, &body);
                scope.spawn(move || {
                    start.wait();
                    body(n)
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    })
}

fn frozen(max_keys: u64, windows: &str) -> (Limiter, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(0));
    let builder = Limiter::builder().max_keys(max_keys).clock(clock.clone());
    (builder.build(&policy(windows)).unwrap(), clock)
}

#[test]
fn exactly_the_limit_is_admitted_on_a_fresh_key() {
    let (limiter, _) = frozen(1_024, "\"100/min\"");
    for round in 0..200u32 {
        let admitted = together(|_| {
            (0..40)
                .filter(|_| limiter.allow(round.to_le_bytes(), "", 1).unwrap())
                .count()
        });
        assert_eq!(admitted, 100);
    }
}

#[test]
fn weights_fill_the_window_exactly_at_most() {
    let (limiter, clock) = frozen(64, "\"100/s\", \"400/min\"");
    for _ in 0..50 {
        let units = together(|n| {
            let cost = n as u32 + 1;
            (0..100)
                .filter(|_| limiter.allow("m", "", cost).unwrap())
                .count()
                * cost as usize
        });
        // What is left is less than the smallest cost, which is 1.
        assert_eq!(units, 100);
        clock.advance(std::time::Duration::from_secs(20));
    }
}

#[test]
fn two_rules_are_charged_together_and_never_over() {
    let (limiter, _) = frozen(4_096, "\"100/min\"");
    for round in 0..200u32 {
        let merchant = round.to_le_bytes();
        let posts = together(|_| {
            let posts = (0..30).filter(|_| limiter.allow(merchant, "POST /v1", 1).unwrap());
            posts.count()
        });
        assert!(posts <= 60, "{posts}");
        let total_left = limiter.peek(merchant, "", 1).unwrap().remaining().unwrap();
        assert_eq!(
            total_left as usize,
            100 - posts,
            "a refused request left a trace"
        );
        // A race may deny what fits; once it is quiet the rest fits exactly.
        let rest = (0..100)
            .filter(|_| limiter.allow(merchant, "POST /v1", 1).unwrap())
            .count();
        assert_eq!(posts + rest, 60);
    }
}

#[test]
fn a_small_table_under_fire_charges_every_key_its_own() {
    let clock = Arc::new(ManualClock::new(0));
    let one = "version = 1\n[[rule]]\nname = \"one\"\nmatch = \"*\"\nwindows = [\"1/s\"]\n";
    let builder = Limiter::builder().max_keys(16).clock(clock.clone());
    let limiter = builder.build(&Policy::from_toml(one).unwrap()).unwrap();
    for round in 0..500u32 {
        let merchants: Vec<[u8; 4]> = (0..8).map(|n| (round * 8 + n).to_le_bytes()).collect();
        let admitted = together(|_| {
            let each = merchants.iter().map(|m| limiter.check(m, "", 1).unwrap());
            each.filter(|d| d.outcome == slidegate::Outcome::Allowed)
                .count()
        });
        assert_eq!(admitted, merchants.len(), "round {round}");
        for merchant in &merchants {
            assert!(
                !limiter.peek(merchant, "", 1).unwrap().allowed,
                "round {round}"
            );
        }
        clock.advance(std::time::Duration::from_secs(1));
    }
    assert_eq!(limiter.untracked(), 0);
}

#[test]
fn swaps_under_fire_decide_wholly_under_one_version() {
    let (limiter, clock) = frozen(64, "\"100/s\"");
    let policies = [policy("\"50/s\""), policy("\"100/s\"")];
    together(|n| {
        for turn in 0..2_000 {
            if n == 0 {
                limiter.swap(&policies[turn % 2]).unwrap();
                clock.advance(std::time::Duration::from_millis(1));
                continue;
            }
            let decision = limiter.check("m", "", 1).unwrap();
            // Version 1 and odd versions have 100 a second, even ones 50.
            let limit = if decision.policy_version % 2 == 1 {
                100
            } else {
                50
            };
            assert_eq!(decision.limit(), Some(limit));
        }
        0
    });
    assert_eq!(limiter.policy_version(), 2_001);
}

/// A thread keeps references to the policies of the limiters that it met: each
/// limiter's own, and the one in force.
#[test]
fn a_thread_keeps_limiters_and_their_policies_apart() {
    let policy = |limit| {
        let windows = format!("windows = [\"{limit}/h\"]");
        let rule = format!("[[rule]]\nname = \"r\"\nmatch = \"POST /v1\"\n{windows}\n");
        Policy::from_toml(&format!("version = 1\n{rule}")).unwrap()
    };
    for round in 1..4 {
        let limiters: Vec<_> = (1..=10)
            .map(|limit| {
                let limiter = Limiter::new(&policy(limit)).unwrap();
                let id = limiter.endpoint("POST /v1").unwrap();
                (limiter, id)
            })
            .collect();
        let admitted = |index: usize| {
            let (limiter, id) = &limiters[index];
            (0..40)
                .filter(|_| limiter.allow("m", *id, 1).unwrap())
                .count()
        };
        for index in 0..10 {
            assert_eq!(admitted(index), index + 1, "round {round}");
        }
        for index in (0..10).rev() {
            thread::scope(|scope| {
                let swap = || limiters[index].0.swap(&policy(20)).unwrap();
                assert_eq!(scope.spawn(swap).join().unwrap(), 2);
            });
            assert_eq!(admitted(index), 20 - (index + 1), "round {round}");
        }
    }
}
