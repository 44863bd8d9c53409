//! Time for waiters: now, and a sleep until then.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

/// A sleep that a [`Timer`] began; it ends at its instant and never before.
/// Dropping it ends it, too.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a [`Pacer`](super::Pacer) sleeps by: [`SystemTimer`], or one of your own
/// to wait by a runtime's timer or, in tests, by manual time.
///
/// It should run at the pace of the limiter's clock; where it does not, a waiter
/// that woke too early is told the rest of its wait and sleeps again. All methods
/// may be called from any thread at once and must not block.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
///
/// use slidegate::pacing::{Pacer, Sleep, Timer};
/// use tokio::time::Instant;
/// # use slidegate::{Limiter, Policy};
///
/// /// tokio's timer: no thread of its own, a resolution of one millisecond.
/// struct TokioTimer(Instant);
///
/// impl Timer for TokioTimer {
///     fn now_ns(&self) -> u64 {
///         self.0.elapsed().as_nanos() as u64
///     }
///
///     fn sleep_until_ns(&self, at_ns: u64) -> Sleep {
///         let at = self.0 + Duration::from_nanos(at_ns);
///         Box::pin(tokio::time::sleep_until(at))
///     }
/// }
///
/// # let policy = Policy::from_toml("version = 1\n[[rule]]\nname = \"total\"\nmatch = \"*\"\nwindows = [\"5/20ms\"]")?;
/// # let limiter = Arc::new(Limiter::new(&policy)?);
/// let pacer = Pacer::with_timer(limiter, Arc::new(TokioTimer(Instant::now())));
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
/// # runtime.block_on(async {
/// for _ in 0..12 {
///     pacer.until_ready("m_42", "GET /v1/report", 1, None).await?;
/// }
/// # Ok::<(), slidegate::pacing::AcquireError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Timer: Send + Sync {
    /// Nanoseconds since any fixed origin; never less than before.
    fn now_ns(&self) -> u64;

    /// A sleep that ends as soon as [`now_ns`](Self::now_ns) is at least
    /// `at_ns`: at once, if it is so already.
    fn sleep_until_ns(&self, at_ns: u64) -> Sleep;
}

/// The machine's timer, for every runtime and for none. Its resolution is the
/// operating system's.
///
/// It follows [`Instant`], which on Linux stands still while the machine is
/// suspended, and the limiter's clock does not: whoever sleeps through a
/// suspension wakes late by its length, never early.
// async-io, because it is maintained (futures-timer, which governor uses, hardly
// is), needs no runtime (tokio's timer does), and keeps to the nanosecond where
// the system does (tokio's rounds up to a millisecond).
#[derive(Debug, Clone, Copy)]
pub struct SystemTimer {
    origin: Instant,
}

impl SystemTimer {
    /// A timer whose time begins now.
    pub fn new() -> Self {
        Self {
            origin: Instant::now(),
        }
    }
}

impl Default for SystemTimer {
    fn default() -> Self {
        Self::new()
    }
}

impl Timer for SystemTimer {
    fn now_ns(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn sleep_until_ns(&self, at_ns: u64) -> Sleep {
        let at = self.origin.checked_add(Duration::from_nanos(at_ns));
        let timer = at.map_or_else(async_io::Timer::never, async_io::Timer::at);
        Box::pin(async move {
            timer.await;
        })
    }
}
