//! Waiting, for those who pace themselves: clients of a limited API, workers,
//! batch jobs.
//!
//! - A [`Pacer`] knows the limits and keeps them: it waits until the limiter
//!   admits, blocking ([`Pacer::acquire`]) or in any async runtime
//!   ([`Pacer::until_ready`]), first come, first served.
//! - A [`Backoff`] is for limits that only the server knows: it says how long to
//!   wait before the next attempt, and obeys `Retry-After`
//!   ([`parse_retry_after`]).
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use slidegate::{Limiter, Policy, pacing::Pacer};
//!
//! let policy = Policy::from_toml(r#"
//!     version = 1
//!     [[rule]]
//!     name = "create-payment"
//!     match = "POST /v1/payment"
//!     windows = ["2/50ms"]
//! "#)?;
//! let pacer = Pacer::new(Arc::new(Limiter::new(&policy)?));
//!
//! for _ in 0..3 {
//!     // The third call waits until the first has left the window.
//!     let decision = pacer.acquire("m_42", "POST /v1/payment", 1, None)?;
//!     assert!(decision.allowed);
//! }
//! let hasty = pacer.acquire("m_42", "POST /v1/payment", 2, Some(Duration::ZERO));
//! assert!(hasty.is_err()); // and nothing was charged
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Who stands in line with whom
//! One line for each merchant and endpoint, shared by blocking and async
//! waiters of a pacer and its clones. Endpoints are told apart as the caller
//! names them: methods without case, paths without their query, ids by number.
//! Whoever names concrete paths (`GET /v1/payment/7`) has a line for each of
//! them; requests of one route stand in one line if they name the route
//! (`GET /v1/payment/:id`) or its [`EndpointId`](crate::EndpointId).
//!
//! Lines decide about order only. What is admitted is up to the limiter, so
//! limits hold whatever lines there are; between lines that share a rule, and
//! against those who ask the limiter directly, the order is that of a race.
//!
//! # What it costs
//! This module may block and lock, which the engine never does. The first sleep
//! of a process starts one thread, `async-io`, which serves all timers; a
//! [`Timer`] of your own does without it. A pacer used before a `fork` does not
//! wake up in the child, where that thread is missing.

mod backoff;
mod pacer;
mod queue;
mod retry_after;
mod timer;

pub use backoff::Backoff;
pub use pacer::{AcquireError, Pacer};
pub use retry_after::parse_retry_after;
pub use timer::{Sleep, SystemTimer, Timer};
