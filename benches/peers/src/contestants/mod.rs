//! Who is compared. A contestant runs whole sequences of calls, so that a call through
//! `dyn` is paid once for a sequence and each limiter's own call is inlined.

pub mod capi;
pub mod flooded;
pub mod governor;
pub mod limitador;
pub mod log;
pub mod ours;
pub mod trypema;

use std::hint::black_box;
use std::time::Instant;

use crate::calls::Call;

/// `units` in any `seconds`, as far as the contestant can promise that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Units.
    pub units: u32,
    /// The window's length.
    pub seconds: u64,
}

/// One window of 100 a minute: what most works use.
pub const MINUTE: &[Limit] = &[Limit {
    units: 100,
    seconds: 60,
}];

/// Two windows at once: 100 a second and 400 a minute.
pub const JOINT: &[Limit] = &[
    Limit {
        units: 100,
        seconds: 1,
    },
    Limit {
        units: 400,
        seconds: 60,
    },
];

/// 100 an hour: nothing expires while memory is filled.
pub const HOUR: &[Limit] = &[Limit {
    units: 100,
    seconds: 3_600,
}];

/// A limiter in one way of being called.
pub trait Contestant: Send + Sync {
    /// Makes these calls, one after the other, and answers how many were admitted.
    fn pass(&self, calls: &[Call]) -> usize;

    /// Charges each of these keys so many units, untimed, and answers whether all were
    /// admitted: by single calls, unless they would make nothing else of its keys and
    /// take most of the run's time.
    fn charge_each(&self, keys: &[Call], units: u32) -> bool {
        (0..units).all(|_| self.pass(keys) == keys.len())
    }

    /// Of so many calls one is enough for a figure: for contestants that are so slow
    /// that all of them would take most of the run's time.
    fn thinning(&self) -> usize {
        1
    }
}

/// How many of these calls `allow` admits.
#[inline(always)]
fn admitted(calls: &[Call], allow: impl Fn(&Call) -> bool) -> usize {
    calls.iter().filter(|call| allow(call)).count()
}

/// Nanoseconds a call, over `times` passes. A part of the calls runs before, untimed:
/// the contestant before this one has left the caches to itself.
pub fn ns_per_call(contestant: &dyn Contestant, calls: &[Call], times: usize) -> f64 {
    let (part, times) = thinned(contestant, calls, times);
    black_box(contestant.pass(&part[..part.len().div_ceil(16)]));
    let begun = Instant::now();
    for _ in 0..times {
        black_box(contestant.pass(black_box(part)));
    }
    begun.elapsed().as_nanos() as f64 / (part.len() * times) as f64
}

/// Fewer passes or, if there is one alone, fewer calls for a slow contestant.
pub fn thinned<'c>(
    contestant: &dyn Contestant,
    calls: &'c [Call],
    times: usize,
) -> (&'c [Call], usize) {
    let thinning = contestant.thinning();
    if times > 1 {
        (calls, times.div_ceil(thinning))
    } else {
        (&calls[..calls.len().div_ceil(thinning)], 1)
    }
}
