//! What the reference answers.

use serde::{Deserialize, Serialize};

use crate::window::Precision;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every window of every governing rule had room.
    Allowed,
    /// At least one window had no room; the same request fits later.
    Denied,
    /// The route is never limited.
    Exempt,
    /// No rule governs the request; the policy says what it gets.
    Unmatched,
    /// The cost exceeds a limit, so that no waiting helps.
    Never,
}

/// Why a request could not be judged at all. Nothing is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The cost is zero.
    InvalidCost,
    /// The merchant is empty or longer than 1,024 bytes.
    InvalidMerchant,
    /// The endpoint text is malformed, or empty where only endpoint rules exist.
    InvalidEndpoint,
}

/// The answer to one check or peek.
///
/// The window described is the one that binds: on a denial the one that holds
/// longest, on an admission the one with the least left. Where no window was
/// looked at (exempt, unmatched), its fields are `None`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// What became of the request.
    pub outcome: Outcome,
    /// Whether the request may go on.
    pub allowed: bool,
    /// Name of the rule that owns the described window.
    pub rule: Option<String>,
    /// The window's limit, in units.
    pub limit: Option<u64>,
    /// The window's length.
    pub window_ns: Option<u64>,
    /// How exactly the rule keeps its units.
    pub precision: Option<Precision>,
    /// Units left in the window, lent ones included: after the charge when a
    /// check was admitted, as they stand otherwise.
    pub remaining: Option<u64>,
    /// Distance from the clock reading to the earliest admission of the same
    /// request; on a denial only.
    pub retry_after_ns: Option<u64>,
    /// Unix time at which the window next gives units back; on a denial, the
    /// retry instant.
    pub reset_at_ns: Option<u64>,
    /// The policy that decided: 1 at construction, one more with every swap.
    pub policy_version: u64,
}
