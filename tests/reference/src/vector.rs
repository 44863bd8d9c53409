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
    /// An admitted request is given back.
    Refund(RefundStep),
    /// Keys become as if fresh.
    Reset(ResetStep),
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
    /// The number by which a later refund may name this check; no two steps of
    /// a file have the same. Left out where no receipt is wanted. A check that
    /// was not admitted, or charged no rule, has no receipt in spite of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<u64>,
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

/// A refund. Each receipt is refunded at most once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundStep {
    /// The clock reading, since construction.
    pub now_ns: u64,
    /// Always `refund`.
    pub op: RefundOp,
    /// The number of an earlier check that was admitted.
    pub receipt: u64,
    /// Always empty: a refund answers nothing.
    pub expect: Nothing,
}

/// The one way to refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundOp {
    /// Lend what was charged.
    Refund,
}

/// A reset. The clock moves on by at least one tick before the next request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResetStep {
    /// The clock reading, since construction.
    pub now_ns: u64,
    /// Always `reset`.
    pub op: ResetOp,
    /// The keys' owner, as UTF-8.
    pub merchant: String,
    /// The rule's name, or `null` for all of the merchant's own.
    pub rule: Option<String>,
    /// Always empty: a reset answers nothing.
    pub expect: Nothing,
}

/// The one way to reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResetOp {
    /// Forget what was charged and lent.
    Reset,
}

/// No answer: `{}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

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
