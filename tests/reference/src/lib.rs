//! The naive reference limiter.
//!
//! It answers every request by walking a complete list of admissions under one
//! lock. It is slow, keeps every stamp until a reset, and shares no code with
//! the engine, so that what both of them say is not one mistake said twice.
//!
//! - [`Reference`]: the limiter, driven by a clock reading given with each call.
//! - [`Receipt`]: what an admitted request was charged, for a refund.
//! - [`vector`]: the shape of the conformance files it writes.
//!
//! Inside, arrows point one way:
//! `limiter -> state -> {law, names, routes, endpoint} -> {history, policy} -> window`.

mod decision;
mod endpoint;
mod history;
mod law;
mod limiter;
mod names;
mod policy;
mod receipt;
mod routes;
mod state;
pub mod vector;
mod window;

pub use decision::{Decision, Outcome, Refusal};
pub use limiter::Reference;
pub use receipt::Receipt;
pub use window::Precision;
