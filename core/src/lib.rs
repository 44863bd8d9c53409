//! Slidegate: an exact, lock-free, embeddable sliding-window rate limiter.
//!
//! In any half-open window of length W it admits at most L units per key, not
//! twice that at an edge; a denial names the exact instant at which the same
//! request would be admitted; several windows and several rules are charged all
//! or none; policies are swapped while running and keep their history. No lock
//! but where the policy is loaded anew, no background thread. What holds how far is in
//! `docs/limitations.md`.
//!
//! Start at [`Limiter`] and [`Policy`]. With the feature `tower`, the module `tower`
//! has a `Layer` for axum, hyper and everything that speaks `tower::Service`; with
//! the feature `pacing`, the module `pacing` has what clients of a limited API need
//! to wait their turn and to back off; with the feature `tsc`, `TscClock` reads the
//! processor's counter, which is faster than the system's clock and less exact.
//!
//! Inside, arrows point one way: `limiter → {policy, table}`, `table → {ring, buckets}
//! → law → window`, and `sync` is the only module that names an atomic.

#![deny(unsafe_code)]
// A checker's build is made for the models, which are tests.
#![cfg_attr(
    all(not(test), any(slidegate_loom, slidegate_shuttle)),
    allow(dead_code, unused_imports)
)]

mod buckets;
mod decision;
mod error;
mod law;
mod limiter;
mod log;
#[cfg(feature = "pacing")]
pub mod pacing;
mod policy;
mod ring;
mod sync;
mod table;
mod time;
#[cfg(feature = "tower")]
pub mod tower;
mod window;

#[cfg(all(test, any(slidegate_loom, slidegate_shuttle)))]
mod model;

pub use decision::{
    Binding, Decision, Headers, Outcome, PROBLEM_MEDIA_TYPE, RuleId, WindowStatus, problem_json,
};
pub use error::{Error, MAX_ENDPOINTS, MAX_MERCHANT_BYTES, MAX_RULE_IDS};
pub use limiter::{
    Check, Endpoint, EndpointId, KeyCounters, KeyUsage, Limiter, LimiterBuilder, OnFull, Prepared,
    Receipt, RuleUsage,
};
pub use policy::{
    MAX_ENDPOINT_BYTES, MAX_POLICY_BYTES, MAX_RULE_NAME_BYTES, MAX_RULES, MAX_STAR_RULES,
    MAX_WINDOWS, Mistake, Policy, PolicyError,
};
#[cfg(feature = "tsc")]
pub use time::TscClock;
pub use time::{Clock, ManualClock, SystemClock};
pub use window::{MAX_BUCKETED_LIMIT, MAX_LIMIT, MAX_WINDOW, Precision, Window, WindowError};

/// The README's Rust example, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
