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

/// A line of the cache.
#[repr(align(64))]
struct Line(usize);

/// Loads of random lines among so many MiB: each waits for the one before, or none does.
fn memory(c: &mut Criterion) {
    let mut group = c.benchmark_group("load of a far line");
    for mib in [1, 16, 128] {
        let lines: Vec<Line> = (0..mib << 14).map(|n| Line(n & 1)).collect();
        let places = uniform(1 << 20, lines.len() - 1);
        let (mut turn, mut loaded) = (0, 0);
        let mut next = || {
            turn = (turn + 1) % places.len();
            places[turn]
        };
        group.bench_function(format!("dependent, {mib} MiB"), |b| {
            b.iter(|| {
                // The next place needs what was loaded before.
                loaded = lines[next() + loaded].0;
            });
        });
        group.bench_function(format!("independent, {mib} MiB"), |b| {
            b.iter(|| lines[next()].0);
        });
        black_box(loaded);
    }
    group.finish();
}

criterion_group!(benches, clocks, atomics, memory);
criterion_main!(benches);
