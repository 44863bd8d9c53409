//! The conformance files: JSON Lines, a [`Header`] and then one [`Step`] a line.
//!
//! Keys stand in the order of the fields here, so that equal timelines are
//! equal bytes.

use serde::{Deserialize, Serialize};

use crate::decision::{Decision, Refusal};

/// The first line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Version of the file format.
    pub vectors: u32,
    /// What the timeline shows, in one sentence.
    pub about: String,
    /// Unix time at clock reading zero.
    pub unix_ns: u64,
    /// Keys that the limiter under test must have room for.
    pub max_keys: u64,
    /// The policy in force at the start, as TOML.
    pub policy: String,
}

/// Every later line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Step {
    /// A check or a peek.
    Request(RequestStep),
    /// Another policy comes into force.
    Swap(SwapStep),
}

/// A check or a peek, and the answer to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestStep {
    /// The clock reading, since construction.
    pub now_ns: u64,
    /// Whether an admission is charged.
    pub op: RequestOp,
    /// The key's owner, as UTF-8.
    pub merchant: String,
    /// `METHOD /path`, or empty for the merchant alone.
    pub endpoint: String,
    /// Units asked for, before the rule's own cost.
    pub cost: u64,
    /// The answer.
    pub expect: RequestExpect,
}

/// The two ways to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestOp {
    /// Decide and charge.
    Check,
    /// Decide only.
    Peek,
}

/// The answer to a check or a peek.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RequestExpect {
    /// The request was judged.
    Decision(Decision),
    /// The request could not be judged.
    Error {
        /// Why.
        error: Refusal,
    },
}

/// A swap of policies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwapStep {
    /// The clock reading, since construction.
    pub now_ns: u64,
    /// Always `swap`.
    pub op: SwapOp,
    /// The new policy, as TOML.
    pub policy: String,
    /// The version that the new policy gets.
    pub expect: SwapExpect,
}

/// The one way to swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SwapOp {
    /// Put the policy in force.
    Swap,
}

/// The answer to a swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SwapExpect {
    /// The version of the policy now in force.
    pub policy_version: u64,
}

impl From<Result<Decision, Refusal>> for RequestExpect {
    fn from(answer: Result<Decision, Refusal>) -> RequestExpect {
        match answer {
            Ok(decision) => RequestExpect::Decision(decision),
            Err(error) => RequestExpect::Error { error },
        }
    }
}
