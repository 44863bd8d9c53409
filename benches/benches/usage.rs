//! What statistics cost: a check without and with counters for each key.

#![allow(missing_docs)] // criterion_group! makes a public function without docs.

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use slidegate::{Limiter, LimiterBuilder, Policy};
use slidegate_benches::{Steps, merchants, policy, uniform};

const ENDPOINT: &str = "POST /v1/payment";
const KEYS: usize = 100_000;

fn counting(
    builder: &LimiterBuilder,
    policy: &Policy,
    keys: usize,
) -> [(&'static str, Limiter); 2] {
    let builder = builder.clone().max_keys(keys as u64);
    let build = |counts| builder.clone().key_counters(counts).build(policy);
    [("rules", false), ("rules and keys", true)]
        .map(|(name, counts)| (name, build(counts).expect("a limiter")))
}

/// A microsecond a call: 1,000 of them in a window of a millisecond.
const STEP_NS: u64 = 1_000;

fn hot_key(c: &mut Criterion) {
    for (kind, windows) in [("denied", "\"1/h\""), ("admitted", "\"2048/ms\"")] {
        let mut group = c.benchmark_group(format!("counted, hot key, {kind}"));
        let steps = Limiter::builder().clock(Arc::new(Steps::new(STEP_NS)));
        for (counted, limiter) in counting(&steps, &policy(windows), 1_024) {
            let id = limiter.endpoint(ENDPOINT).expect("an endpoint");
            let allow = || limiter.allow(black_box("merchant00000001"), id, 1);
            assert!(allow().expect("a decision"), "a fresh key");
            group.bench_function(counted, |b| {
                b.iter(|| assert_eq!(allow().expect("a decision"), kind == "admitted"));
            });
        }
        group.finish();
    }
}

fn uniform_keys(c: &mut Criterion) {
    let names = merchants(KEYS);
    let sequence = uniform(1 << 20, KEYS);
    let mut group = c.benchmark_group("counted, uniform keys, 100,000");
    for (counted, limiter) in counting(&Limiter::builder(), &policy("\"100/min\""), KEYS) {
        let id = limiter.endpoint(ENDPOINT).expect("an endpoint");
        let mut at = 0;
        group.bench_function(counted, |b| {
            b.iter(|| {
                at = (at + 1) & (sequence.len() - 1);
                limiter.allow(&names[sequence[at]], id, 1)
            });
        });
    }
    group.finish();
}

criterion_group!(benches, hot_key, uniform_keys);
criterion_main!(benches);
