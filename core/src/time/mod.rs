//! Time: the engine's tick, and the clocks that feed it.
//!
//! The engine counts **ticks** of one microsecond since the limiter was built;
//! the first tick is 1, because 0 marks a cell that was never used. A clock is
//! read in nanoseconds and only here turned into ticks, so that every window
//! and every retry instant is exact to the tick.

#[cfg(feature = "tsc")]
mod tsc;

#[cfg(feature = "tsc")]
pub use tsc::TscClock;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::sync::Register;

/// Nanoseconds in one tick.
pub(crate) const TICK_NS: u64 = 1_000;

/// The last tick that fits a head word (48 bits: 8.9 years after construction).
pub(crate) const LAST_TICK: u64 = (1 << 48) - 1;

/// A source of time for a [`Limiter`](crate::Limiter).
///
/// Windows follow [`monotonic_ns`](Clock::monotonic_ns) alone. Wall time only
/// dresses the decision (`X-RateLimit-Reset` is a Unix timestamp), so a step of
/// the wall clock never mints or destroys capacity.
///
/// Implementations must be callable from any thread at once and must not block.
pub trait Clock: Send + Sync {
    /// Nanoseconds from any fixed origin. It should never run backwards; where
    /// it does, each key keeps counting from its newest admission.
    fn monotonic_ns(&self) -> u64;

    /// Nanoseconds since the Unix epoch.
    fn unix_ns(&self) -> u64;
}

/// The machine's clock: `CLOCK_BOOTTIME` on Linux (it counts suspended time, at
/// the price of `CLOCK_MONOTONIC`), the standard library's `Instant` elsewhere.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[cfg(target_os = "linux")]
    #[inline]
    fn monotonic_ns(&self) -> u64 {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
    }

    #[cfg(not(target_os = "linux"))]
    #[allow(clippy::disallowed_types)] // set once, before any limiter counts
    fn monotonic_ns(&self) -> u64 {
        use std::sync::OnceLock;
        use std::time::Instant;
        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        saturating_ns(ORIGIN.get_or_init(Instant::now).elapsed())
    }

    #[inline]
    fn unix_ns(&self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, saturating_ns)
    }
}

/// A clock that stands still until it is told to move: for tests, simulations
/// and replays. Share it with the limiter through an [`Arc`](std::sync::Arc).
///
/// Its wall time moves in step with its monotonic time. All methods may be
/// called from any thread at once.
#[derive(Debug)]
pub struct ManualClock {
    unix_base_ns: u64,
    elapsed_ns: Register,
}

impl ManualClock {
    /// A clock at elapsed time 0 whose wall time is `unix_ns` nanoseconds since
    /// the Unix epoch.
    pub fn new(unix_ns: u64) -> Self {
        Self {
            unix_base_ns: unix_ns,
            elapsed_ns: Register::default(),
        }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let by = saturating_ns(by);
        self.elapsed_ns.update(|elapsed| elapsed.saturating_add(by));
    }

    /// Moves the clock back, at most to its origin: to test what a stepping
    /// clock does.
    pub fn step_back(&self, by: Duration) {
        let by = saturating_ns(by);
        self.elapsed_ns.update(|elapsed| elapsed.saturating_sub(by));
    }

    /// Sets the time elapsed since the clock was made, in nanoseconds.
    pub fn set_elapsed_ns(&self, elapsed_ns: u64) {
        self.elapsed_ns.update(|_| elapsed_ns);
    }
}

impl Clock for ManualClock {
    fn monotonic_ns(&self) -> u64 {
        self.elapsed_ns.get()
    }

    fn unix_ns(&self) -> u64 {
        self.unix_base_ns.saturating_add(self.monotonic_ns())
    }
}

/// A limiter's view of its clock: ticks since the limiter was built.
pub(crate) struct Timeline {
    clock: Source,
    start_ns: u64,
}

enum Source {
    // Kept apart from `Custom` so that the common clock is a direct call.
    System(SystemClock),
    Custom(std::sync::Arc<dyn Clock>),
}

/// One reading of the monotonic clock, in nanoseconds since the limiter was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reading(pub u64);

impl Reading {
    /// The tick that this instant falls into.
    #[inline]
    pub fn tick(self) -> u64 {
        (self.0 / TICK_NS + 1).min(LAST_TICK)
    }

    /// The first instant of `tick`.
    pub fn of_tick(tick: u64) -> Self {
        Self(tick_start_ns(tick))
    }

    /// Nanoseconds from this reading to the first instant of `tick`; 0 if that
    /// lies in the past.
    #[inline]
    pub fn until_ns(self, tick: u64) -> u64 {
        tick_start_ns(tick).saturating_sub(self.0)
    }
}

/// The first instant of `tick`, in nanoseconds since the limiter was built.
#[inline]
pub(crate) fn tick_start_ns(tick: u64) -> u64 {
    tick.saturating_sub(1).saturating_mul(TICK_NS)
}

impl Timeline {
    pub fn new(clock: Option<std::sync::Arc<dyn Clock>>) -> Self {
        let clock = clock.map_or(Source::System(SystemClock), Source::Custom);
        let mut line = Self { clock, start_ns: 0 };
        line.start_ns = line.monotonic_ns();
        line
    }

    #[inline]
    fn monotonic_ns(&self) -> u64 {
        match &self.clock {
            Source::System(clock) => clock.monotonic_ns(),
            Source::Custom(clock) => clock.monotonic_ns(),
        }
    }

    /// Reads the monotonic clock.
    #[inline]
    pub fn now(&self) -> Reading {
        Reading(self.monotonic_ns().saturating_sub(self.start_ns))
    }

    /// The Unix time, in nanoseconds, of the first instant of `tick`, by the
    /// wall clock as it stands now.
    #[inline]
    pub fn unix_ns_of(&self, tick: u64, now: Reading) -> u64 {
        let wall = match &self.clock {
            Source::System(clock) => clock.unix_ns(),
            Source::Custom(clock) => clock.unix_ns(),
        };
        let (start, now) = (tick_start_ns(tick), now.0);
        if start >= now {
            wall.saturating_add(start - now)
        } else {
            wall.saturating_sub(now - start)
        }
    }
}

/// Where a request takes its instant from.
///
/// What commits takes it from the clock *after* it has looked at a log's head: then
/// nothing is stamped before the commit that came before it, and of any number of
/// requests that slept only one can commit an old instant.
#[derive(Clone, Copy)]
pub(crate) enum Now<'l> {
    /// The clock, read anew for every decision.
    Live(&'l Timeline),
    /// One reading for all peeks of a request, which commit nothing.
    Begun(Reading, &'l Timeline),
    /// One reading for a whole batch, however long that takes.
    Batch(Reading, &'l Timeline),
    /// An instant that nobody makes later: one that is only asked about, or that of an
    /// eviction which a batch met.
    Fixed(Reading),
}

impl<'l> Now<'l> {
    /// One reading of a live clock, to keep for a while.
    pub fn begun(self) -> Self {
        match self {
            Self::Live(clock) => Self::Begun(clock.now(), clock),
            kept => kept,
        }
    }

    #[inline]
    pub fn reading(self) -> Reading {
        match self {
            Self::Live(clock) => clock.now(),
            Self::Begun(reading, _) | Self::Batch(reading, _) | Self::Fixed(reading) => reading,
        }
    }
}

fn saturating_ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_tick_is_one_and_a_tick_is_a_microsecond() {
        assert_eq!(Reading(0).tick(), 1);
        assert_eq!(Reading(999).tick(), 1);
        assert_eq!(Reading(1_000).tick(), 2);
        assert_eq!(tick_start_ns(2), 1_000);
    }

    #[test]
    fn until_ns_lands_on_the_first_instant_of_the_tick() {
        let now = Reading(1_499);
        let wait = now.until_ns(60_000_002);
        assert_eq!(Reading(now.0 + wait).tick(), 60_000_002);
        assert_eq!(Reading(now.0 + wait - 1).tick(), 60_000_001);
    }

    #[test]
    fn ticks_saturate_instead_of_wrapping() {
        assert_eq!(Reading(u64::MAX).tick(), LAST_TICK);
    }

    #[test]
    fn a_manual_clock_moves_both_ways_and_stops_at_its_origin() {
        let clock = ManualClock::new(5_000);
        clock.advance(Duration::from_nanos(700));
        assert_eq!((clock.monotonic_ns(), clock.unix_ns()), (700, 5_700));
        clock.step_back(Duration::from_secs(1));
        assert_eq!((clock.monotonic_ns(), clock.unix_ns()), (0, 5_000));
    }

    #[test]
    fn the_system_clock_runs_forward() {
        let first = SystemClock.monotonic_ns();
        assert!(SystemClock.monotonic_ns() >= first);
        assert!(SystemClock.unix_ns() > 1_700_000_000_000_000_000);
    }
}
