//! Waiting for admission: on manual time, where order and instants are exact,
//! and on the machine's.
#![cfg(feature = "pacing")]
// The engine keeps to `sync`; what drives waiters here is no part of it.
#![allow(clippy::disallowed_types)]

mod backoff;
mod cancelling;
mod common;
mod deadlines;
mod instants;
mod order;
mod outcomes;
mod real_time;
mod retry_after;
mod stress;
