//! What the machine itself takes for the parts of a check: reading a clock, an atomic
//! write, a wait for memory. docs/performance.md explains a check's cost by them.

#![allow(missing_docs)] // criterion_group! makes a public function without docs.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use criterion::{Criterion, criterion_group, criterion_main};
use slidegate::{Clock, SystemClock, TscClock};
use slidegate_benches::uniform;

fn clocks(c: &mut Criterion) {
    let mut group = c.benchmark_group("clock");
    group.bench_function("system", |b| b.iter(|| SystemClock.monotonic_ns()));
    group.bench_function("wall", |b| b.iter(|| SystemClock.unix_ns()));
    let tsc = TscClock::new();
    group.bench_function("counter", |b| b.iter(|| tsc.monotonic_ns()));
    group.finish();
}

fn atomics(c: &mut Criterion) {
    let word = AtomicU64::new(0);
    let swap = |now| word.compare_exchange(now, now + 1, Ordering::AcqRel, Ordering::Acquire);
    c.bench_function("compare-and-swap, uncontended", |b| {
        b.iter(|| swap(word.load(Ordering::Relaxed)));
    });
}

/// A line of the cache, with the number of another.
#[repr(align(64))]
struct Line(usize);

/// Loads that hit random lines among so many MiB, on small pages: each waits for the one
/// before, or none does.
fn memory(c: &mut Criterion) {
    let mut group = c.benchmark_group("load of a far line");
    for mib in [1, 16, 128] {
        let count = mib << 14;
        let lines: Vec<Line> = uniform(count, count).into_iter().map(Line).collect();
        let mut at = 0;
        group.bench_function(format!("dependent, {mib} MiB"), |b| {
            b.iter(|| {
                // A step beside the chain, which could be a short circle.
                at = (lines[at].0 + black_box(1)) % count;
                at
            });
        });
        let places = uniform(1 << 16, count);
        let mut turn = 0;
        group.bench_function(format!("independent, {mib} MiB"), |b| {
            b.iter(|| {
                turn = (turn + 1) % places.len();
                lines[places[turn]].0
            });
        });
    }
    group.finish();
}

criterion_group!(benches, clocks, atomics, memory);
criterion_main!(benches);
