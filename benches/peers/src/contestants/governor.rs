//! governor: GCRA behind a DashMap, with the crate's own clock and hasher. It is not
//! exact: a quota of L in W may admit up to 2 L - 1 within W, and a window that was
//! used up fills again evenly and not when its units leave it.

use std::time::Duration;

use governor::clock::DefaultClock;
use governor::state::keyed::{DashMapStateStore, DefaultHasher};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::{Contestant, Limit, admitted};
use crate::calls::Call;

/// A keyed governor.
pub struct Governor(DefaultKeyedRateLimiter<String>);

/// The quota with this burst that is replenished in this time.
pub fn quota(limit: &Limit) -> Quota {
    let period = Duration::from_secs(limit.seconds) / limit.units;
    let quota = Quota::with_period(period).expect("a period that is not zero");
    quota.allow_burst(limit.units.try_into().expect("a limit that is not zero"))
}

impl Governor {
    /// As `RateLimiter::keyed` makes it: the map grows.
    pub fn growing(limit: &Limit) -> Self {
        Self(RateLimiter::keyed(quota(limit)))
    }

    /// With room for `keys` keys, as the engine and the exact log have it.
    pub fn with_room(limit: &Limit, keys: usize) -> Self {
        let state = DashMapStateStore::with_capacity_and_hasher(keys, DefaultHasher::new());
        Self(RateLimiter::new(
            quota(limit),
            state,
            DefaultClock::default(),
        ))
    }
}

impl Contestant for Governor {
    fn pass(&self, calls: &[Call]) -> usize {
        admitted(calls, |call| self.0.check_key(&call.merchant).is_ok())
    }
}

/// Two of them, one for each window. They are not joint: what the second denies stays
/// charged to the first.
pub struct Pair(Governor, Governor);

impl Pair {
    /// One for each limit.
    pub fn new([first, second]: &[Limit; 2]) -> Self {
        Self(Governor::growing(first), Governor::growing(second))
    }
}

impl Contestant for Pair {
    fn pass(&self, calls: &[Call]) -> usize {
        admitted(calls, |call| {
            self.0.0.check_key(&call.merchant).is_ok() && self.1.0.check_key(&call.merchant).is_ok()
        })
    }
}
