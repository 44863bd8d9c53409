//! Waiting until the limiter admits.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_lite::future;

use super::queue::{Line, Queues, Turn};
use super::timer::{SystemTimer, Timer};
use crate::decision::{Decision, Outcome};
use crate::error::Error;
use crate::limiter::{Endpoint, Limiter};

/// How long to wait after a denial that names no wait, as one does once the
/// clock has run out of ticks: then asking again at once would never end.
const LEAST_WAIT_NS: u64 = 1_000_000;

/// Why a wait ended without an answer to the request. Nothing was charged, save
/// what [`Error`] says of a limiter that could not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcquireError {
    /// The limiter denied, and its retry instant lies beyond the deadline, so
    /// that waiting would have been useless. The decision is the last denial.
    #[error("denied for another {:?}, which is beyond the deadline", .0.retry_after().unwrap_or_default())]
    TooLate(Decision),
    /// The deadline came while others were still before in line.
    #[error("the deadline came while others were still before in line")]
    StillInLine,
    /// The limiter could not answer.
    #[error(transparent)]
    Limiter(#[from] Error),
}

/// Waits until a limiter admits: first come, first served.
///
/// Waiters of one merchant and endpoint stand in line
/// ([who with whom](super#who-stands-in-line-with-whom)). The first alone asks
/// [`Limiter::check`], sleeps exactly until the retry instant of a denial, asks
/// again, and never asks in between. Those behind charge nothing; each asks
/// [`Limiter::peek`] once, as it lines up, so that what cannot be admitted ends
/// at once.
///
/// Clones share the lines; two pacers made apart have lines of their own, so
/// make one for each limiter. It is safe to share between threads.
///
/// # What ends a wait
/// Every decision but a denial, whether it is allowed or not: look at
/// [`Decision::allowed`]. `never`, `exempt`, `unmatched` and errors end it even
/// behind others; `untracked` when the request is first in line.
///
/// # Deadlines
/// A timeout counts from the call, by the pacer's [`Timer`]; `None` waits as
/// long as it takes. If a denial's retry instant lies beyond the deadline the
/// wait fails at once. A request whose turn it is is asked at least once, so that
/// a timeout of 0 tries without waiting.
///
/// A sleeping waiter asks again at the retry instant that it was told, not before: a
/// refund, a reset or a swap that frees capacity earlier does not wake it.
#[derive(Clone)]
pub struct Pacer {
    shared: Arc<Shared>,
}

struct Shared {
    limiter: Arc<Limiter>,
    timer: Arc<dyn Timer>,
    queues: Queues,
}

/// One request and its place in the world.
struct Request<'a> {
    line: Line<'a>,
    endpoint: Endpoint<'a>,
    cost: u32,
    deadline_ns: Option<u64>,
}

/// How lining up ended.
enum Arrival<'a> {
    First(Turn<'a>),
    /// There is nothing to wait for.
    Settled(Decision),
}

impl Pacer {
    /// A pacer that sleeps by the machine's timer.
    pub fn new(limiter: Arc<Limiter>) -> Self {
        Self::with_timer(limiter, Arc::new(SystemTimer::new()))
    }

    /// A pacer that sleeps by `timer`.
    pub fn with_timer(limiter: Arc<Limiter>, timer: Arc<dyn Timer>) -> Self {
        let queues = Queues::default();
        Self {
            shared: Arc::new(Shared {
                limiter,
                timer,
                queues,
            }),
        }
    }

    /// The limiter that is asked.
    pub fn limiter(&self) -> &Arc<Limiter> {
        &self.shared.limiter
    }

    /// How many merchants and endpoints somebody is waiting for right now.
    pub fn lines(&self) -> usize {
        self.shared.queues.len()
    }

    /// Blocks the thread until the limiter admits and charges the request; its
    /// parameters are those of [`Limiter::check`]. In async code use
    /// [`until_ready`](Self::until_ready), which blocks nobody else.
    ///
    /// ```
    /// # use std::{sync::Arc, time::Duration};
    /// # use slidegate::{Limiter, Policy, pacing::{AcquireError, Pacer}};
    /// # let policy = Policy::from_toml("version = 1\n[[rule]]\nname = \"total\"\nmatch = \"*\"\nwindows = [\"1/day\"]")?;
    /// let pacer = Pacer::new(Arc::new(Limiter::new(&policy)?));
    /// let timeout = Some(Duration::from_secs(2));
    ///
    /// assert!(pacer.acquire("m_42", "GET /v1/report", 1, timeout)?.allowed);
    /// // The second of a day would have to wait for longer: it fails at once.
    /// match pacer.acquire("m_42", "GET /v1/report", 1, timeout) {
    ///     Err(AcquireError::TooLate(denial)) => println!("in {:?}", denial.retry_after()),
    ///     other => panic!("{other:?}"),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`AcquireError`]; nothing was charged.
    pub fn acquire<'a>(
        &'a self,
        merchant: impl AsRef<[u8]>,
        endpoint: impl Into<Endpoint<'a>>,
        cost: u32,
        timeout: Option<Duration>,
    ) -> Result<Decision, AcquireError> {
        future::block_on(self.until_ready(merchant, endpoint, cost, timeout))
    }

    /// Waits until the limiter admits and charges the request; its parameters
    /// are those of [`Limiter::check`]. It runs in every async runtime.
    ///
    /// The future lines up when it is first polled. Dropping it, asleep or in
    /// line, charges nothing and lets the others move up. Do not keep one that is
    /// not polled any more: nobody behind it moves before it is dropped.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use slidegate::{Limiter, Policy, pacing::Pacer};
    /// # let policy = Policy::from_toml("version = 1\n[[rule]]\nname = \"total\"\nmatch = \"*\"\nwindows = [\"5/20ms\"]")?;
    /// let pacer = Pacer::new(Arc::new(Limiter::new(&policy)?));
    /// # tokio::runtime::Builder::new_multi_thread().build()?.block_on(async {
    /// let calls = (0..12).map(|number| {
    ///     let pacer = pacer.clone();
    ///     tokio::spawn(async move {
    ///         pacer.until_ready("m_42", "POST /v1/payment", 1, None).await?;
    ///         Ok::<_, slidegate::pacing::AcquireError>(number) // send it now
    ///     })
    /// });
    /// for call in calls.collect::<Vec<_>>() {
    ///     call.await??;
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`AcquireError`]; nothing was charged.
    pub fn until_ready<'a, M, E>(
        &'a self,
        merchant: M,
        endpoint: E,
        cost: u32,
        timeout: Option<Duration>,
    ) -> impl Future<Output = Result<Decision, AcquireError>> + Send + use<'a, M, E>
    where
        M: AsRef<[u8]>,
        E: Into<Endpoint<'a>>,
    {
        let endpoint = endpoint.into();
        let shared = &*self.shared;
        let request = Request {
            line: shared.queues.line(merchant.as_ref(), endpoint),
            endpoint,
            cost,
            deadline_ns: timeout.map(|timeout| {
                let timeout_ns = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
                shared.timer.now_ns().saturating_add(timeout_ns)
            }),
        };
        async move { shared.admit(&request).await }
    }
}

impl Shared {
    async fn admit(&self, request: &Request<'_>) -> Result<Decision, AcquireError> {
        match self.line_up(request).await? {
            Arrival::First(_turn) => self.ask_until_admitted(request).await,
            Arrival::Settled(decision) => Ok(decision),
        }
    }

    async fn line_up<'a>(&self, request: &'a Request<'_>) -> Result<Arrival<'a>, AcquireError> {
        let mut turn = pin!(request.line.turn());
        if let Some(turn) = future::poll_once(turn.as_mut()).await {
            return Ok(Arrival::First(turn));
        }
        // Only now, with a place in line, so that the look costs none.
        if let Some(decision) = self.foresee(request)? {
            return Ok(Arrival::Settled(decision));
        }
        let Some(deadline_ns) = request.deadline_ns else {
            return Ok(Arrival::First(turn.await));
        };
        let alarm = self.timer.sleep_until_ns(deadline_ns);
        let turn = async { Ok(Arrival::First(turn.await)) };
        let too_late = async {
            alarm.await;
            Err(AcquireError::StillInLine)
        };
        future::or(turn, too_late).await
    }

    /// What is known of a request before its turn: a decision that no waiting
    /// changes and that charges nothing, or that it will be too late.
    fn foresee(&self, request: &Request<'_>) -> Result<Option<Decision>, AcquireError> {
        let merchant = request.line.merchant();
        let decision = self
            .limiter
            .peek(merchant, request.endpoint, request.cost)?;
        match decision.outcome {
            Outcome::Never | Outcome::Exempt | Outcome::Unmatched => Ok(Some(decision)),
            // A check of an untracked request may still charge its other rules.
            Outcome::Allowed | Outcome::Untracked => Ok(None),
            Outcome::Denied => self.retry_at_ns(&decision, request).map(|_| None),
        }
    }

    /// Asks as the first in line.
    async fn ask_until_admitted(&self, request: &Request<'_>) -> Result<Decision, AcquireError> {
        loop {
            let merchant = request.line.merchant();
            let decision = self
                .limiter
                .check(merchant, request.endpoint, request.cost)?;
            match self.retry_at_ns(&decision, request)? {
                Some(at_ns) => self.timer.sleep_until_ns(at_ns).await,
                None => return Ok(decision),
            }
        }
    }

    /// When to ask again, by the timer; `None` unless denied. The timer is read
    /// after the decision was made, so the instant is never before the limiter's.
    fn retry_at_ns(
        &self,
        decision: &Decision,
        request: &Request<'_>,
    ) -> Result<Option<u64>, AcquireError> {
        let Some(wait_ns) = decision.retry_after_ns() else {
            return Ok(None);
        };
        let wait_ns = match wait_ns {
            0 => LEAST_WAIT_NS,
            wait_ns => wait_ns,
        };
        let at_ns = self.timer.now_ns().saturating_add(wait_ns);
        match request.deadline_ns {
            Some(deadline_ns) if at_ns > deadline_ns => Err(AcquireError::TooLate(*decision)),
            _ => Ok(Some(at_ns)),
        }
    }
}

impl fmt::Debug for Pacer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pacer")
            .field("limiter", &self.shared.limiter)
            .field("lines", &self.lines())
            .finish_non_exhaustive()
    }
}
