//! What is fuzzed: each target is a function of an input's bytes that panics on
//! a finding. libFuzzer calls it through `targets/`; the test `replay` calls it
//! with every file of `corpus/`.
//!
//! The oracles are the naive reference (`tests/reference`) and what
//! `docs/policy.md` promises, stated anew here.

mod compare;
pub mod operations;
pub mod policy_field;
pub mod policy_model;
pub mod policy_text;
pub mod requests;
mod routes;
mod secret;

/// A fuzz target: it panics where the input shows a fault.
pub type Target = fn(&[u8]);

/// Every target under the name of its binary and its corpus.
pub const TARGETS: [(&str, Target); 5] = [
    ("policy_text", policy_text::run),
    ("policy_field", policy_field::run),
    ("policy_model", policy_model::run),
    ("requests", requests::run),
    ("operations", operations::run),
];
