//! A clock that stands still, and that the victim may be caught reading.

use std::cell::Cell;

use nix::sys::signal::raise;
use slidegate::{Clock, ManualClock};

use crate::child::BEGINS;

thread_local! {
    /// How many readings away the one is that this thread is caught at; 0: none.
    static LEFT: Cell<usize> = const { Cell::new(0) };
}

/// Catches this thread when it reads the clock for the `reading`th time from now
/// on, counted from 1: between two steps of the limiter that no other call can
/// tell apart.
pub fn catch_at(reading: usize) {
    LEFT.set(reading);
}

/// See the module.
pub struct CountedClock(ManualClock);

impl Default for CountedClock {
    fn default() -> Self {
        Self(ManualClock::new(0))
    }
}

impl CountedClock {
    pub fn set_elapsed_ns(&self, elapsed_ns: u64) {
        self.0.set_elapsed_ns(elapsed_ns);
    }
}

impl Clock for CountedClock {
    fn monotonic_ns(&self) -> u64 {
        match LEFT.get() {
            0 => {}
            1 => {
                LEFT.set(0);
                raise(BEGINS).expect("a thread may signal itself");
            }
            left => LEFT.set(left - 1),
        }
        self.0.monotonic_ns()
    }

    fn unix_ns(&self) -> u64 {
        self.0.unix_ns()
    }
}
