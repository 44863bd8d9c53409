//! How the cost of a check grows: with the windows of a rule, with the rules of a
//! request, with what is asked. One key, so that nothing waits for memory.

#![allow(missing_docs)] // criterion_group! makes a public function without docs.

use std::fmt::Write;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use slidegate::{EndpointId, Limiter, Policy};
use slidegate_benches::{limiter, limiter_in_steps};

const ENDPOINT: &str = "POST /v1/payment";
const MERCHANT: &str = "merchant00000001";

/// Windows of 1, 2, ... units of time that all admit as many units.
fn windows(count: usize, limit: u32, unit: &str) -> String {
    let windows = (1..=count).map(|n| format!("\"{limit}/{n}{unit}\""));
    windows.collect::<Vec<_>>().join(", ")
}

/// A limiter with so many rules for one endpoint, all but one of them for all endpoints.
fn with_rules(count: usize, limit: u32) -> Limiter {
    let mut text = String::from("version = 1\n");
    for n in 0..count {
        let route = if n == 0 { ENDPOINT } else { "*" };
        writeln!(
            text,
            "[[rule]]\nname = \"r{n}\"\nmatch = \"{route}\"\nwindows = [\"{limit}/h\"]"
        )
        .expect("a string takes all");
    }
    let policy = Policy::from_toml(&text).expect("a policy");
    Limiter::builder()
        .max_keys(1_024)
        .build(&policy)
        .expect("a limiter")
}

/// Denied: long windows of one unit. Admitted: short ones, of which the longest, of 8 ms,
/// sees 1,000 calls.
const KINDS: [(&str, u32, &str); 2] = [("denied", 1, "h"), ("admitted", 2_048, "ms")];
const STEP_NS: u64 = 8_000;

fn by_windows(c: &mut Criterion) {
    for (kind, limit, unit) in KINDS {
        let mut group = c.benchmark_group(format!("windows of one rule, {kind}"));
        for count in [1, 2, 4, 8] {
            let limiter = limiter_in_steps(&windows(count, limit, unit), 1_024, STEP_NS);
            let id = limiter.endpoint(ENDPOINT).expect("an endpoint");
            assert!(allow(&limiter, id), "a fresh key");
            let admits = limit > 1;
            group.bench_function(count.to_string(), |b| {
                b.iter(|| assert_eq!(allow(&limiter, id), admits));
            });
        }
        group.finish();
    }
}

fn by_rules(c: &mut Criterion) {
    let mut group = c.benchmark_group("rules of one request, denied");
    for count in [1, 2, 3, 4] {
        let limiter = with_rules(count, 1);
        let id = limiter.endpoint(ENDPOINT).expect("an endpoint");
        group.bench_function(count.to_string(), |b| b.iter(|| allow(&limiter, id)));
    }
    group.finish();
}

fn allow(limiter: &Limiter, id: EndpointId) -> bool {
    limiter
        .allow(black_box(MERCHANT), id, 1)
        .expect("a decision")
}

fn by_what_is_asked(c: &mut Criterion) {
    let mut group = c.benchmark_group("one key, denied");
    let limiter = limiter("\"1/h\"", 1_024);
    let id = limiter.endpoint(ENDPOINT).expect("an endpoint");
    let key = limiter.prepare(MERCHANT, id).expect("a key");
    // The first notes where the key stands.
    let _ = limiter.check_prepared(&key, 1);
    group.bench_function("allow", |b| b.iter(|| allow(&limiter, id)));
    group.bench_function("allow_prepared", |b| {
        b.iter(|| limiter.allow_prepared(&key, 1))
    });
    group.bench_function("check", |b| {
        b.iter(|| limiter.check(black_box(MERCHANT), id, 1))
    });
    group.bench_function("check_prepared", |b| {
        b.iter(|| limiter.check_prepared(&key, 1))
    });
    group.bench_function("check, route as text", |b| {
        b.iter(|| limiter.check(black_box(MERCHANT), ENDPOINT, 1));
    });
    group.finish();
}

criterion_group!(benches, by_windows, by_rules, by_what_is_asked);
criterion_main!(benches);
