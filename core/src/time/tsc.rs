//! A clock that reads the processor's own counter.

use super::{Clock, SystemClock};

/// The processor's time stamp counter (x86-64) or system counter (AArch64), read
/// without the operating system, in less time than [`SystemClock`] takes; where the
/// processor has no counter that can be relied on, the machine's monotonic clock. For limits of minutes on machines that are neither suspended
/// nor migrated:
///
/// - The counter's rate is measured once in a process, by the first `new`, for at most
///   0.2 s, and is wrong by some millionths: a window is longer or shorter by as much.
///   `cargo test -p slidegate --features tsc tsc -- --nocapture` prints the error.
/// - It does not count while the machine is suspended.
/// - A reading may be earlier than the instruction before it, by less than a
///   microsecond, and the counters of two processors may differ by as much. No window
///   ever holds more than its limit by the clock's own readings.
///
/// Wall time is the machine's.
#[derive(Debug, Clone)]
pub struct TscClock {
    counter: quanta::Clock,
    origin: u64,
}

impl TscClock {
    /// A clock at 0. The first call in a process takes up to 0.2 s, to measure the
    /// counter's rate.
    pub fn new() -> Self {
        let counter = quanta::Clock::new();
        let origin = counter.raw();
        Self { counter, origin }
    }
}

impl Default for TscClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for TscClock {
    #[inline]
    fn monotonic_ns(&self) -> u64 {
        self.counter.delta_as_nanos(self.origin, self.counter.raw())
    }

    fn unix_ns(&self) -> u64 {
        SystemClock.unix_ns()
    }
}

#[cfg(all(test, not(any(slidegate_loom, slidegate_shuttle))))]
mod tests {
    use super::*;
    use std::thread;
    use std::time::Duration;

    /// Wide, because a virtual machine's counter may be measured badly; what the test
    /// prints is the figure.
    const MOST_PPM: f64 = 2_000.0;

    /// Both clocks at one moment: read again if the thread was interrupted between.
    fn both(tsc: &TscClock) -> (u64, u64) {
        loop {
            let before = SystemClock.monotonic_ns();
            let counted = tsc.monotonic_ns();
            if SystemClock.monotonic_ns() - before < 10_000 {
                return (before, counted);
            }
        }
    }

    #[test]
    fn it_goes_as_fast_as_the_system_clock() {
        let tsc = TscClock::new();
        let before = both(&tsc);
        thread::sleep(Duration::from_millis(300));
        let after = both(&tsc);
        let [system, counted] = [after.0 - before.0, after.1 - before.1];
        let ppm = (counted as f64 / system as f64 - 1.0) * 1e6;
        println!("the counter is off by {ppm:.1} ppm over 0.3 s");
        assert!(ppm.abs() < MOST_PPM, "{ppm} ppm");
    }

    #[test]
    fn it_runs_forward() {
        let clock = TscClock::new();
        let readings: Vec<u64> = (0..1_000).map(|_| clock.monotonic_ns()).collect();
        assert!(readings.is_sorted());
        assert!(clock.unix_ns() > 1_700_000_000_000_000_000);
    }
}
