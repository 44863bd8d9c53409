//! The clock of a sequence: it stands still between operations, and on demand
//! moves with every reading, to show whether a batch reads it once.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use slidegate::Clock;

use crate::compare::UNIX_NS;

pub const TICK_NS: u64 = 1_000;

/// Sequences run in one thread; the atomics are for the trait.
#[derive(Debug, Default)]
pub struct StepClock {
    now_ns: AtomicU64,
    /// The furthest that the clock was ever set.
    latest_ns: AtomicU64,
    /// Before this the clock is never set.
    floor_ns: AtomicU64,
    drift_ns: AtomicU64,
    drift_per_reading_ns: AtomicU64,
}

impl StepClock {
    pub fn now_ns(&self) -> u64 {
        self.now_ns.load(Relaxed)
    }

    pub fn tick(&self) -> u64 {
        tick_of(self.now_ns())
    }

    /// The latest tick so far.
    pub fn latest_tick(&self) -> u64 {
        tick_of(self.latest_ns.load(Relaxed))
    }

    /// Sets the clock, but not before the floor.
    pub fn set(&self, now_ns: u64) {
        let now_ns = now_ns.max(self.floor_ns.load(Relaxed));
        self.now_ns.store(now_ns, Relaxed);
        self.latest_ns.fetch_max(now_ns, Relaxed);
    }

    /// Sets the clock to the instant at which a tick begins, and never before it
    /// from then on.
    pub fn pass(&self, tick: u64) {
        self.floor_ns.fetch_max(begin_ns(tick), Relaxed);
        self.set(begin_ns(tick));
    }

    /// Lets the clock move on by so much after each reading, from now.
    pub fn drift(&self, per_reading_ns: u64) {
        self.drift_ns.store(0, Relaxed);
        self.drift_per_reading_ns.store(per_reading_ns, Relaxed);
    }
}

impl Clock for StepClock {
    fn monotonic_ns(&self) -> u64 {
        let more_ns = self.drift_per_reading_ns.load(Relaxed);
        self.now_ns() + self.drift_ns.fetch_add(more_ns, Relaxed)
    }

    /// As it stood at the latest reading of the other clock.
    fn unix_ns(&self) -> u64 {
        let per_reading_ns = self.drift_per_reading_ns.load(Relaxed);
        let since_ns = self.drift_ns.load(Relaxed).saturating_sub(per_reading_ns);
        UNIX_NS + self.now_ns() + since_ns
    }
}

/// The first tick is 1.
fn tick_of(ns: u64) -> u64 {
    ns / TICK_NS + 1
}

/// The instant at which a tick begins.
pub fn begin_ns(tick: u64) -> u64 {
    tick.saturating_sub(1) * TICK_NS
}
