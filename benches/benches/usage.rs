//! What statistics cost: a check without and with counters for each key.

#![allow(missing_docs)] // criterion_group! makes a public function without docs.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use slidegate::{Limiter, Policy};
use slidegate_benches::{merchants, policy, uniform};

const ENDPOINT: &str = "POST /v1/payment";
const KEYS: usize = 100_000;

fn counting(policy: &Policy, keys: usize) -> [(&'static str, Limiter); 2] {
    let builder = Limiter::builder().max_keys(keys as u64);
    let build = |counts| builder.clone().key_counters(counts).build(policy);
    [("rules", false), ("rules and keys", true)]
        .map(|(name, counts)| (name, build(counts).expect("a limiter")))
}

fn hot_key(c: &mut Criterion) {
    for (kind, windows) in [("denied", "\"1/h\""), ("admitted", "\"2048/ms\"")] {
        let mut group = c.benchmark_group(format!("counted, hot key, {kind}"));
        for (counted, limiter) in counting(&policy(windows), 1_024) {
            let id = limiter.endpoint(ENDPOINT).expect("an endpoint");
            group.bench_function(counted, |b| {
                b.iter(|| limiter.allow(black_box("merchant00000001"), id, 1));
            });
        }
        group.finish();
    }
}

fn uniform_keys(c: &mut Criterion) {
    let names = merchants(KEYS);
    let sequence = uniform(1 << 20, KEYS);
    let mut group = c.benchmark_group("counted, uniform keys, 100,000");
    for (counted, limiter) in counting(&policy("\"100/min\""), KEYS) {
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
