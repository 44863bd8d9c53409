//! One check: denied and admitted, on a hot key and on many, by text, by id and
//! with a full decision.

#![allow(missing_docs)] // criterion_group! makes a public function without docs.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use slidegate_benches::{limiter, limiter_in_steps, merchants, uniform};

const ENDPOINT: &str = "POST /v1/payment";
const KEYS: usize = 100_000;

fn hot_key(c: &mut Criterion) {
    let mut group = c.benchmark_group("hot key, mostly denied");
    let limiter = limiter("\"100/min\"", 1_024);
    let id = limiter.endpoint(ENDPOINT).expect("an endpoint");
    group.bench_function("allow by id", |b| {
        b.iter(|| limiter.allow(black_box("merchant00000001"), id, 1));
    });
    group.bench_function("allow by text", |b| {
        b.iter(|| limiter.allow(black_box("merchant00000001"), ENDPOINT, 1));
    });
    group.bench_function("check by id", |b| {
        b.iter(|| limiter.check(black_box("merchant00000001"), id, 1));
    });
    group.finish();
}

fn admitted(c: &mut Criterion) {
    let mut group = c.benchmark_group("hot key, always admitted");
    for windows in ["\"2048/ms\"", "\"2048/ms\", \"2048/2ms\""] {
        // 1,000 calls in the longer window.
        let limiter = limiter_in_steps(windows, 1_024, 2_000);
        let id = limiter.endpoint(ENDPOINT).expect("an endpoint");
        group.bench_function(windows, |b| {
            b.iter(|| {
                let allowed = limiter.allow(black_box("merchant00000001"), id, 1);
                assert!(allowed.expect("a decision"), "a window is full");
            });
        });
    }
    group.finish();
}

fn uniform_keys(c: &mut Criterion) {
    let limiter = limiter("\"100/min\"", KEYS as u64);
    let id = limiter.endpoint(ENDPOINT).expect("an endpoint");
    let names = merchants(KEYS);
    let sequence = uniform(1 << 20, KEYS);
    let mut at = 0;
    c.bench_function("uniform keys, 100,000", |b| {
        b.iter(|| {
            at = (at + 1) & (sequence.len() - 1);
            limiter.allow(&names[sequence[at]], id, 1)
        });
    });
}

criterion_group!(benches, hot_key, admitted, uniform_keys);
criterion_main!(benches);
