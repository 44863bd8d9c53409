//! What the benchmarks share: policies, and key sequences made beforehand so
//! that making them is not measured.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use slidegate::{Clock, Limiter, Policy, SystemClock};

/// A policy of one rule for each merchant, with these windows.
///
/// # Panics
/// Where the windows are not windows.
pub fn policy(windows: &str) -> Policy {
    let text = format!(
        "version = 1\n[[rule]]\nname = \"r\"\nmatch = \"POST /v1/payment\"\nwindows = [{windows}]\n"
    );
    Policy::from_toml(&text).expect("a policy")
}

/// A limiter with such a policy.
///
/// # Panics
/// Where the windows are not windows.
pub fn limiter(windows: &str, max_keys: u64) -> Limiter {
    let limiter = Limiter::builder()
        .max_keys(max_keys)
        .build(&policy(windows));
    limiter.expect("a limiter")
}

/// As [`limiter`], by a clock of such steps.
///
/// # Panics
/// Where the windows are not windows.
pub fn limiter_in_steps(windows: &str, max_keys: u64, step_ns: u64) -> Limiter {
    let builder = Limiter::builder().max_keys(max_keys);
    let builder = builder.clock(Arc::new(Steps::new(step_ns)));
    builder.build(&policy(windows)).expect("a limiter")
}

/// A clock, for one thread, that takes as long as the system's and moves by so many
/// nanoseconds at every reading: whether a loop that asks it once a turn uses up a
/// window depends on its sizes, and not on how fast the machine is.
pub struct Steps {
    step_ns: u64,
    elapsed_ns: AtomicU64,
}

impl Steps {
    /// A clock at 0.
    pub fn new(step_ns: u64) -> Self {
        let elapsed_ns = AtomicU64::new(0);
        Self {
            step_ns,
            elapsed_ns,
        }
    }
}

impl Clock for Steps {
    fn monotonic_ns(&self) -> u64 {
        black_box(SystemClock.monotonic_ns());
        let now = self.elapsed_ns.load(Ordering::Relaxed) + self.step_ns;
        self.elapsed_ns.store(now, Ordering::Relaxed);
        now
    }

    fn unix_ns(&self) -> u64 {
        SystemClock.unix_ns()
    }
}

/// `count` merchant names of 16 bytes.
pub fn merchants(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("merchant{n:08}")).collect()
}

/// A uniform sequence of `len` indices below `range`: xorshift64*, Vigna 2016.
pub fn uniform(len: usize, range: usize) -> Vec<usize> {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    };
    (0..len)
        .map(|_| ((u128::from(next()) * range as u128) >> 64) as usize)
        .collect()
}
