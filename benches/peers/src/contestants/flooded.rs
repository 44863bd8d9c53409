//! Contestants whose clock is set by hand, for floods of keys that then fall idle. All
//! of them have one window of an hour.
//!
//! Slidegate needs no call to forget: newcomers take the slots of idle keys. From the
//! other two nothing goes by itself, and a flood would add to the one before. So they
//! are told to forget what is idle before the next flood comes, by what governor's docs
//! name as housekeeping: `retain_recent`, and `shrink_to_fit` to give the room back.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use governor::RateLimiter;
use governor::clock::{Clock, FakeRelativeClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use slidegate::{LimiterBuilder, ManualClock};

use super::governor::quota;
use super::log::ExactLog;
use super::ours::Ours;
use super::{Contestant, HOUR};
use crate::calls::Call;

/// After this every key is idle: the window's hour, and a second.
const IDLE_AFTER: Duration = Duration::from_secs(3_601);

/// A limiter in simulated time.
pub trait Flooded {
    /// Whether it admits this call at its instant.
    fn admits(&self, call: &Call) -> bool;

    /// Lets time pass until every key is idle, and has idle keys forgotten where that
    /// has to be asked for.
    fn fall_idle(&self);
}

/// Slidegate.
pub struct OursFlooded {
    limiter: Ours,
    clock: Arc<ManualClock>,
}

impl OursFlooded {
    /// With these options, and a clock of its own.
    pub fn new(options: LimiterBuilder) -> Self {
        let clock = Arc::new(ManualClock::new(0));
        let limiter = Ours::with(HOUR, &options.clock(clock.clone()));
        Self { limiter, clock }
    }
}

impl Flooded for OursFlooded {
    fn admits(&self, call: &Call) -> bool {
        self.limiter.pass(std::slice::from_ref(call)) == 1
    }

    fn fall_idle(&self) {
        self.clock.advance(IDLE_AFTER);
    }
}

type Middleware = NoOpMiddleware<<FakeRelativeClock as Clock>::Instant>;

/// governor, its map growing as it does by default.
pub struct GovernorFlooded {
    limiter: RateLimiter<String, DashMapStateStore<String>, FakeRelativeClock, Middleware>,
    clock: FakeRelativeClock,
}

impl GovernorFlooded {
    /// With a clock of its own.
    pub fn new() -> Self {
        let clock = FakeRelativeClock::default();
        let limiter = RateLimiter::dashmap_with_clock(quota(&HOUR[0]), clock.clone());
        Self { limiter, clock }
    }
}

impl Flooded for GovernorFlooded {
    fn admits(&self, call: &Call) -> bool {
        self.limiter.check_key(&call.merchant).is_ok()
    }

    fn fall_idle(&self) {
        self.clock.advance(IDLE_AFTER);
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

/// The exact log.
pub struct LogFlooded {
    log: ExactLog,
    now_ns: Cell<u64>,
}

impl LogFlooded {
    /// With room for `keys` keys.
    pub fn new(keys: usize) -> Self {
        Self {
            log: ExactLog::new(HOUR, keys),
            now_ns: Cell::new(0),
        }
    }
}

impl Flooded for LogFlooded {
    fn admits(&self, call: &Call) -> bool {
        self.log.allow_at(&call.merchant, || self.now_ns.get())
    }

    fn fall_idle(&self) {
        let now_ns = self.now_ns.get() + IDLE_AFTER.as_nanos() as u64;
        self.now_ns.set(now_ns);
        self.log.forget_idle(now_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::ours::builder;

    /// A hundred an hour: after an hour and a second there is room again.
    #[test]
    fn a_key_that_fell_idle_has_a_whole_window_again() {
        let all: [Box<dyn Flooded>; 3] = [
            Box::new(OursFlooded::new(builder(16))),
            Box::new(GovernorFlooded::new()),
            Box::new(LogFlooded::new(16)),
        ];
        for contestant in all {
            let admitted = || (0..150).filter(|_| contestant.admits(&Call::of(0))).count();
            assert_eq!(admitted(), 100);
            contestant.fall_idle();
            assert_eq!(admitted(), 100);
        }
    }

    #[test]
    fn the_peers_forget_what_is_idle_and_nothing_else() {
        let governor = GovernorFlooded::new();
        assert!(governor.admits(&Call::of(0)));
        governor.limiter.retain_recent();
        assert_eq!(governor.limiter.len(), 1);
        governor.fall_idle();
        assert!(governor.limiter.is_empty());
        let log = LogFlooded::new(16);
        assert!(log.admits(&Call::of(0)));
        log.log.forget_idle(0);
        assert_eq!(log.log.keys(), 1);
        log.fall_idle();
        assert_eq!(log.log.keys(), 0);
    }
}
