//! The clock of a timeline: it stands still between steps, and on demand moves
//! with every reading, to show whether a batch reads it once.

use crate::sync::Register;
use crate::time::{Clock, TICK_NS};

pub(super) const UNIX_NS: u64 = 1_700_000_000_123_456_789;

/// What the clock reads when the limiter is built.
const ORIGIN_NS: u64 = 987_654_321;

/// Timelines end before ticks do, by more than the longest window.
const END_NS: u64 = 2_700 * 86_400_000_000_000;

#[derive(Debug, Default)]
pub(super) struct TestClock {
    /// Since the limiter was built.
    set_ns: Register,
    /// Since the clock was set, and by how much each reading adds to it.
    drift_ns: Register,
    drift_per_reading_ns: Register,
    /// The furthest that the clock was ever set.
    latest_ns: Register,
}

impl TestClock {
    pub fn now_ns(&self) -> u64 {
        self.set_ns.get()
    }

    pub fn tick(&self) -> u64 {
        self.now_ns() / TICK_NS + 1
    }

    /// The latest tick so far.
    pub fn latest_tick(&self) -> u64 {
        self.latest_ns.get() / TICK_NS + 1
    }

    /// Whether an instant is before the end of the timeline.
    pub fn reaches(&self, now_ns: u64) -> bool {
        now_ns <= END_NS
    }

    /// Sets the clock; `false` if that is past the end of the timeline.
    pub fn set(&self, now_ns: u64) -> bool {
        if !self.reaches(now_ns) {
            return false;
        }
        self.set_ns.update(|_| now_ns);
        self.latest_ns.update(|latest_ns| latest_ns.max(now_ns));
        true
    }

    /// Sets the clock to an instant that is only looked at.
    pub fn look_at(&self, now_ns: u64) {
        self.set_ns.update(|_| now_ns);
    }

    /// Lets the clock move on by so much with each reading.
    pub fn drift(&self, per_reading_ns: u64) {
        self.drift_ns.update(|_| 0);
        self.drift_per_reading_ns.update(|_| per_reading_ns);
    }
}

impl Clock for TestClock {
    fn monotonic_ns(&self) -> u64 {
        let drift_ns = self.drift_ns.get();
        let more_ns = self.drift_per_reading_ns.get();
        self.drift_ns.update(|drift_ns| drift_ns + more_ns);
        ORIGIN_NS + self.now_ns() + drift_ns
    }

    /// As it stood at the latest reading of the other clock.
    fn unix_ns(&self) -> u64 {
        let drift_ns = self.drift_ns.get();
        let since_ns = drift_ns.saturating_sub(self.drift_per_reading_ns.get());
        UNIX_NS + self.now_ns() + since_ns
    }
}

/// The instant at which a tick begins.
pub(super) fn begin_ns(tick: u64) -> u64 {
    tick.saturating_sub(1) * TICK_NS
}
