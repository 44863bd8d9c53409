//! Slidegate with two threads that ask for one fresh key as fast as they can, in real
//! time. Each admission lies somewhere between the instants before and after its call,
//! so there are two figures: what a window held for sure, and what it held by the
//! instants after the calls.
//!
//! The engine counts ticks of a microsecond: two admissions may be closer in time than
//! in ticks by less than one, so a window is sure to be one only if it is a tick shorter.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::{LIMIT, ideal};
use crate::contestants::Limit;
use crate::contestants::ours::{ENDPOINT, builder, policy};

const WINDOW: Duration = Duration::from_secs(1);
const TICK_NS: u64 = 1_000;

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Race {
    /// Requests of both threads.
    pub requests: usize,
    /// How many were admitted.
    pub admitted: usize,
    /// The most admitted for sure in any window, as a multiple of the limit.
    pub over_surely: f64,
    /// The most by the instants after the calls, which a thread that was suspended
    /// after its commit shifts.
    pub over_as_seen: f64,
    /// All that was admitted, as a share of what the windows that ended had room for.
    pub under: f64,
}

/// Nanoseconds before and after a call that was admitted.
type Admitted = (u64, u64);

/// Runs for so many windows and half another.
pub fn run(windows: u64) -> Race {
    let second = Limit {
        units: LIMIT,
        seconds: WINDOW.as_secs(),
    };
    let limiter = builder(16).build(&policy(&[second])).expect("a limiter");
    let id = limiter.endpoint(ENDPOINT).expect("an endpoint");
    let allow = || limiter.allow("fresh", id, 1).expect("a decision");
    let length = WINDOW.mul_f64(windows as f64 + 0.5);
    let (barrier, begun) = (Barrier::new(2), Instant::now());
    let ask = || {
        barrier.wait();
        asking(begun, begun.elapsed() + length, allow)
    };
    let runs = thread::scope(|scope| {
        let other = scope.spawn(ask);
        [ask(), other.join().expect("a thread")]
    });
    let requests = runs.iter().map(|run| run.0).sum();
    let mut admitted: Vec<Admitted> = runs.into_iter().flat_map(|run| run.1).collect();
    admitted.sort_unstable();
    judged(requests, &admitted, windows)
}

fn asking(begun: Instant, length: Duration, allow: impl Fn() -> bool) -> (usize, Vec<Admitted>) {
    let (mut requests, mut admitted) = (0, Vec::new());
    loop {
        let before = begun.elapsed();
        if before >= length {
            return (requests, admitted);
        }
        requests += 1;
        if allow() {
            admitted.push((before.as_nanos() as u64, begun.elapsed().as_nanos() as u64));
        }
    }
}

fn judged(requests: usize, admitted: &[Admitted], windows: u64) -> Race {
    let window_ns = WINDOW.as_nanos() as u64;
    let surely = |first: &Admitted| {
        let inside = |(before, after): &&Admitted| {
            *before >= first.0 && *after < first.0 + window_ns - TICK_NS
        };
        admitted.iter().filter(inside).count()
    };
    let mut seen: Vec<u64> = admitted.iter().map(|admitted| admitted.1).collect();
    seen.sort_unstable();
    let limit = f64::from(LIMIT);
    let surely = admitted.iter().map(surely).max().unwrap_or(0);
    Race {
        requests,
        admitted: admitted.len(),
        over_surely: surely as f64 / limit,
        over_as_seen: ideal::worst_window(&seen, window_ns) as f64 / limit,
        under: admitted.len() as f64 / ((windows + 1) as f64 * limit),
    }
}
