//! A clock that reads the processor's own counter.

use std::thread;
use std::time::Duration;

use super::{Clock, SystemClock};

/// The processor's time stamp counter (x86-64) or system counter (AArch64), read
/// without the operating system, in less time than [`SystemClock`] takes. For limits of
/// minutes on machines that are neither suspended nor migrated:
///
/// - The counter's rate is measured once in a process, by the first `new`, for at most
///   0.2 s, and is wrong by some millionths: a window is longer or shorter by as much.
///   `cargo test -p slidegate --features tsc tsc -- --nocapture` prints the error.
/// - It does not count while the machine is suspended.
/// - A reading may be earlier than the instruction before it, by less than a
///   microsecond, and the counters of two processors may differ. As long as that is
///   less than a millisecond, no window holds more than its limit by the clock's own
///   readings.
///
/// Where the processor has no counter that can be relied on, or one that turns out to
/// be off by more than a thousandth, it reads the system's clock instead
/// ([`reads_counter`](Self::reads_counter)). Wall time is the machine's.
///
/// ```
/// # let text = "version = 1\n[[rule]]\nname = \"r\"\nmatch = \"*\"\nwindows = [\"9/min\"]\n";
/// # let policy = slidegate::Policy::from_toml(text)?;
/// use std::sync::Arc;
/// use slidegate::{Limiter, TscClock};
///
/// let limiter = Limiter::builder().clock(Arc::new(TscClock::new())).build(&policy)?;
/// # assert!(limiter.check("m", "", 1)?.allowed);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct TscClock(Source);

#[derive(Debug, Clone)]
enum Source {
    Counter { counter: quanta::Clock, origin: u64 },
    System,
}

/// How long the counter is compared with the system's clock.
const TRIAL: Duration = Duration::from_millis(20);

/// How far it may be off in that time: a thousandth, and what reading both takes.
const MOST_NS: u64 = 20_000 + READING_NS;
const READING_NS: u64 = 2_000;

impl TscClock {
    /// A clock at 0. It takes 20 ms to see that the counter goes right, and the first
    /// call in a process up to 0.2 s more, to measure the counter's rate.
    pub fn new() -> Self {
        let counter = quanta::Clock::new();
        let origin = counter.raw();
        let source = Source::Counter { counter, origin };
        match goes_right(|| source.now_ns()) {
            true => Self(source),
            false => Self(Source::System),
        }
    }

    /// Whether it reads the counter, and not the system's clock instead.
    pub fn reads_counter(&self) -> bool {
        matches!(self.0, Source::Counter { .. })
    }
}

impl Default for TscClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Source {
    #[inline]
    fn now_ns(&self) -> u64 {
        match self {
            Self::Counter { counter, origin } => counter.delta_as_nanos(*origin, counter.raw()),
            Self::System => SystemClock.monotonic_ns(),
        }
    }
}

/// Whether a clock agrees with the system's. A counter's rate is measured in less than a
/// millisecond, so a thread that is suspended meanwhile may get it badly wrong.
fn goes_right(now_ns: impl Fn() -> u64) -> bool {
    let Some(before) = both(&now_ns) else {
        return false;
    };
    thread::sleep(TRIAL);
    let Some(after) = both(&now_ns) else {
        return false;
    };
    let [system, counted] = [after.0 - before.0, after.1 - before.1];
    // Longer where the thread slept longer, so in proportion.
    let most = (u128::from(system) * u128::from(MOST_NS)).div_ceil(TRIAL.as_nanos());
    u128::from(system.abs_diff(counted)) <= most
}

/// The system's clock and another at one moment: read again if the thread was
/// interrupted between.
fn both(now_ns: impl Fn() -> u64) -> Option<(u64, u64)> {
    (0..1_000).find_map(|_| {
        let before = SystemClock.monotonic_ns();
        let counted = now_ns();
        (SystemClock.monotonic_ns() - before <= READING_NS).then_some((before, counted))
    })
}

impl Clock for TscClock {
    #[inline]
    fn monotonic_ns(&self) -> u64 {
        self.0.now_ns()
    }

    fn unix_ns(&self) -> u64 {
        SystemClock.unix_ns()
    }
}

#[cfg(all(test, not(any(slidegate_loom, slidegate_shuttle))))]
mod tests {
    use super::*;

    /// Wide, because a virtual machine's counter may be measured badly; what the test
    /// prints is the figure.
    const MOST_PPM: f64 = 2_000.0;

    #[test]
    fn it_goes_as_fast_as_the_system_clock() {
        let tsc = TscClock::new();
        let before = both(|| tsc.monotonic_ns()).expect("a moment");
        thread::sleep(Duration::from_millis(300));
        let after = both(|| tsc.monotonic_ns()).expect("a moment");
        let [system, counted] = [after.0 - before.0, after.1 - before.1];
        let ppm = (counted as f64 / system as f64 - 1.0) * 1e6;
        let counts = tsc.reads_counter();
        println!("the clock (a counter: {counts}) is off by {ppm:.1} ppm over 0.3 s");
        assert!(ppm.abs() < MOST_PPM, "{ppm} ppm");
    }

    /// As one whose rate was measured while the thread was suspended.
    #[test]
    fn a_counter_that_goes_wrong_is_not_read() {
        let system = || SystemClock.monotonic_ns();
        assert!(goes_right(system));
        assert!(!goes_right(|| 0), "it stands still");
        assert!(!goes_right(|| system() / 100 * 101), "it is too fast");
        assert!(!goes_right(|| system() / 100 * 99), "it is too slow");
    }

    #[test]
    fn it_runs_forward() {
        let clock = TscClock::new();
        let readings: Vec<u64> = (0..1_000).map(|_| clock.monotonic_ns()).collect();
        assert!(readings.is_sorted());
        assert!(clock.unix_ns() > 1_700_000_000_000_000_000);
    }
}
