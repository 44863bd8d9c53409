//! The tower layer in front of real axum routers, over real TCP connections:
//! requests are raw bytes, so that no client library tidies a path up.
#![cfg(feature = "tower")]
// The engine keeps to `sync`; what counts calls here is no part of it.
#![allow(clippy::disallowed_types)]

mod charging;
mod common;
mod headers;
mod options;
mod plain;
mod refusals;
mod sites;
mod spellings;
