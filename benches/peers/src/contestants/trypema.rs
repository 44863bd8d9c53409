//! trypema, its local provider with absolute limits: a sliding window of buckets of
//! 100 ms, its default. Admission is best effort between threads.

use std::sync::Arc;

use trypema::local::LocalRateLimiterProvider;
use trypema::{RateLimit, RateLimitDecision, RateLimiterBuilder, WindowSize};

use super::{Contestant, Limit, admitted};
use crate::calls::Call;

/// A limiter with one window.
pub struct Trypema {
    provider: Arc<LocalRateLimiterProvider>,
    rate: RateLimit,
}

impl Trypema {
    /// Without its background thread, which forgets keys.
    pub fn new(limit: &Limit) -> Self {
        let window = WindowSize::seconds(limit.seconds).expect("a window");
        let provider = LocalRateLimiterProvider::builder()
            .window_size(window)
            .disable_cleanup()
            .build()
            .expect("a provider");
        let rate = RateLimit::per_second(f64::from(limit.units) / limit.seconds as f64);
        Self {
            provider,
            rate: rate.expect("a rate"),
        }
    }

    /// Charges one unit.
    #[inline]
    pub fn allow(&self, merchant: &str) -> bool {
        let decision = self.provider.absolute().inc(merchant, &self.rate, 1);
        matches!(decision, RateLimitDecision::Allowed)
    }
}

impl Contestant for Trypema {
    fn pass(&self, calls: &[Call]) -> usize {
        admitted(calls, |call| self.allow(&call.merchant))
    }
}
