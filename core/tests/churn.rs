//! A table that is full of living keys all the time, each of them replaced many
//! times over: next to no newcomer finds both of its buckets full. It is a matter of
//! chance, for the hash's secret is random: see `docs/limitations.md`.

use std::sync::Arc;
use std::time::Duration;

use slidegate::{Limiter, ManualClock, Outcome, Policy};

const KEYS: u64 = 10_000;
const WINDOW_MS: u64 = 3_600_000;

fn refused(newcomers: u64) -> u64 {
    let text = "version = 1\n[[rule]]\nname = \"r\"\nmatch = \"*\"\nwindows = [\"1/h\"]\n";
    let clock = Arc::new(ManualClock::new(0));
    let builder = Limiter::builder().max_keys(KEYS).clock(clock.clone());
    let limiter = builder.build(&Policy::from_toml(text).unwrap()).unwrap();
    for name in 0..newcomers {
        let decision = limiter.check(name.to_le_bytes(), "", 1).unwrap();
        if decision.outcome != Outcome::Untracked {
            assert_eq!(decision.outcome, Outcome::Allowed);
        }
        // So that as one more comes, the oldest of KEYS goes.
        clock.advance(Duration::from_millis(WINDOW_MS / KEYS));
    }
    limiter.untracked()
}

/// How many newcomers come, and how many of them may be refused. One in about ten
/// millions is, so more comes about once in a hundred thousand runs; a table with a
/// tenth less room refuses hundreds of times as many.
const NEWCOMERS: u64 = if cfg!(debug_assertions) {
    200_000
} else {
    5_000_000
};
const MOST: u64 = if cfg!(debug_assertions) { 2 } else { 5 };

#[test]
fn next_to_no_newcomer_is_refused() {
    let refused = refused(NEWCOMERS);
    println!("{refused} of {NEWCOMERS} newcomers refused");
    assert!(refused <= MOST, "{refused} of {NEWCOMERS} newcomers");
}
