//! Exponential back-off with full jitter, after Marc Brooker, "Exponential
//! Backoff And Jitter", AWS Architecture Blog, 2015.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;

use crate::time::{Clock, SystemClock};

/// How long to wait before the next attempt at something that failed: a time
/// drawn evenly from 0 to `min(cap, base · 2^n)` after failure n = 0, 1, 2, …
/// (*full jitter*), and on top of `Retry-After` where the server named one.
///
/// The wait is added to `Retry-After` rather than compared with it, so that
/// clients that were all told the same time do not all come back at it.
///
/// One value serves one operation with its attempts. It is not `Clone`, because
/// copies would draw the same times and meet again.
///
/// ```
/// use std::time::Duration;
/// use slidegate::pacing::Backoff;
///
/// # fn send(attempt: u32) -> Result<&'static str, Option<Duration>> {
/// #     if attempt < 3 { Err(Some(Duration::from_millis(2))) } else { Ok("paid") }
/// # }
/// let mut backoff = Backoff::new(Duration::from_millis(1), Duration::from_secs(1))
///     .max_attempts(5)
///     .max_elapsed(Duration::from_secs(30));
/// let mut attempt = 1;
/// let answer = loop {
///     match send(attempt) {
///         Ok(answer) => break Some(answer),
///         Err(retry_after) => match backoff.next(retry_after) {
///             Some(wait) => std::thread::sleep(wait), // or a runtime's sleep
///             None => break None,
///         },
///     }
///     attempt += 1;
/// };
/// assert_eq!(answer, Some("paid"));
/// ```
pub struct Backoff {
    base_ns: u64,
    cap_ns: u64,
    max_attempts: Option<u32>,
    max_elapsed_ns: Option<u64>,
    clock: Arc<dyn Clock>,
    rng: Rng,
    failures: u32,
    start_ns: u64,
}

impl Backoff {
    /// A back-off without end whose first wait is at most `base` and whose
    /// longest is at most `cap`, each beside `Retry-After`.
    pub fn new(base: Duration, cap: Duration) -> Self {
        // A fork copies fastrand's own seed, and forked workers that draw the
        // same times are what jitter is against.
        let rng = getrandom::u64().map_or_else(|_| Rng::new(), Rng::with_seed);
        Self {
            base_ns: saturating_ns(base),
            cap_ns: saturating_ns(cap),
            max_attempts: None,
            max_elapsed_ns: None,
            clock: Arc::new(SystemClock),
            rng,
            failures: 0,
            start_ns: SystemClock.monotonic_ns(),
        }
    }

    /// At most this many attempts, the first one included: `next` gives a wait
    /// one time less often.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = Some(attempts);
        self
    }

    /// No attempt that would begin later than this after the back-off was made
    /// or [`reset`](Self::reset). It also bounds what a hostile `Retry-After` can
    /// do: a wait that is too long is none.
    #[must_use]
    pub fn max_elapsed(mut self, elapsed: Duration) -> Self {
        self.max_elapsed_ns = Some(saturating_ns(elapsed));
        self
    }

    /// The clock, instead of [`SystemClock`]; time elapsed begins anew.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.start_ns = clock.monotonic_ns();
        self.clock = clock;
        self
    }

    /// Draws the same waits as every back-off with this seed: for tests.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.rng = Rng::with_seed(seed);
        self
    }

    /// An attempt failed: how long to wait before the next one, never less than
    /// `retry_after`; `None` to give up. Call it once a failure.
    pub fn next(&mut self, retry_after: Option<Duration>) -> Option<Duration> {
        let failed = self.failures.saturating_add(1);
        if self.max_attempts.is_some_and(|most| failed >= most) {
            return None;
        }
        let jitter = Duration::from_nanos(self.rng.u64(0..=self.ceiling_ns()));
        let wait = retry_after.unwrap_or_default().saturating_add(jitter);
        if let Some(most) = self.max_elapsed_ns {
            let elapsed = self.clock.monotonic_ns().saturating_sub(self.start_ns);
            if elapsed.saturating_add(saturating_ns(wait)) > most {
                return None;
            }
        }
        self.failures = failed;
        Some(wait)
    }

    /// Begins anew, after a success: attempts and time elapsed count from here.
    pub fn reset(&mut self) {
        self.failures = 0;
        self.start_ns = self.clock.monotonic_ns();
    }

    /// The longest wait after this failure, `Retry-After` aside.
    fn ceiling_ns(&self) -> u64 {
        let factor = 1u64.checked_shl(self.failures).unwrap_or(u64::MAX);
        self.base_ns.saturating_mul(factor).min(self.cap_ns)
    }
}

fn saturating_ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backoff")
            .field("base_ns", &self.base_ns)
            .field("cap_ns", &self.cap_ns)
            .field("max_attempts", &self.max_attempts)
            .field("max_elapsed_ns", &self.max_elapsed_ns)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}
