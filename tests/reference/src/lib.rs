//! The naive reference limiter.
//!
//! It answers every request by walking a complete list of admission stamps
//! under one lock. It is slow, keeps every stamp for ever, and shares no code
//! with the engine, so that what both of them say is not one mistake said twice.
//!
//! - [`Reference`]: the limiter, driven by a clock reading given with each call.
//! - [`vector`]: the shape of the conformance files it writes.
//!
//! Inside, arrows point one way: `limiter -> {law, routes, endpoint} -> policy`.

mod decision;
mod endpoint;
mod law;
mod limiter;
mod policy;
mod routes;
pub mod vector;

pub use decision::{Decision, Outcome, Refusal};
pub use limiter::Reference;
