//! Errors of calls to a limiter. A refused request is not an error but a
//! [`Decision`](crate::Decision).

/// The longest merchant, in bytes.
pub const MAX_MERCHANT_BYTES: usize = 1_024;
/// The most endpoints that one limiter gives ids to in its life.
pub const MAX_ENDPOINTS: usize = 4_096;
/// The most different rule names over a limiter's life.
pub const MAX_RULE_IDS: usize = 65_536;

/// Why a call could not be answered. Nothing was charged, save that before
/// [`Corrupt`](Self::Corrupt) a request of several rules may have been charged to
/// some of them and lent back, as by a [refund](crate::Limiter::refund).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The merchant is empty or longer than [`MAX_MERCHANT_BYTES`].
    #[error("the merchant has {len} bytes; it must have 1 to {MAX_MERCHANT_BYTES}")]
    InvalidMerchant {
        /// Its length in bytes.
        len: usize,
    },
    /// The cost is 0.
    #[error("the cost is 0; a request costs at least 1 unit")]
    InvalidCost,
    /// The endpoint is not `METHOD /path`, or it is empty under a policy without
    /// `*` rules, where nothing would govern the request.
    #[error("\"{endpoint}\" is not an endpoint: {reason}")]
    InvalidEndpoint {
        /// The text, cut to a readable length.
        endpoint: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The endpoint id is not one that this limiter gave out.
    #[error("{id} is not an endpoint id of this limiter")]
    UnknownEndpoint {
        /// The id.
        id: u32,
    },
    /// Too many different endpoints were resolved: ids name route templates,
    /// never concrete paths.
    #[error(
        "the limiter has its {MAX_ENDPOINTS} endpoint ids already; an id names a route template, not a concrete path"
    )]
    TooManyEndpoints,
    /// No policy of this limiter had a rule of this name, or, where usage is asked for,
    /// the one in force has none.
    #[error("the limiter has no rule named \"{name}\", or none in force")]
    UnknownRule {
        /// The name, cut to a readable length.
        name: String,
    },
    /// Another limiter gave this receipt.
    #[error("the receipt is another limiter's")]
    ForeignReceipt,
    /// Another limiter prepared this key.
    #[error("the key was prepared by another limiter")]
    ForeignKey,
    /// A rule keeps its precision, and a bucketed rule gets no new lengths of
    /// windows, for the life of a limiter.
    #[error("rule \"{rule}\" {reason}")]
    Precision {
        /// The rule's name.
        rule: String,
        /// What it cannot become, and what to write instead.
        reason: &'static str,
    },
    /// A window's limit is above what the limiter was built for.
    #[error(
        "rule \"{rule}\" has a limit of {limit}, and the limiter was built for exact limits of up to {max_limit}"
    )]
    LimitTooLarge {
        /// The rule's name.
        rule: String,
        /// Its limit.
        limit: u32,
        /// See [`LimiterBuilder::max_limit`](crate::LimiterBuilder::max_limit).
        max_limit: u32,
    },
    /// The policies of this limiter's life had too many different rule names.
    #[error(
        "the limiter has seen {MAX_RULE_IDS} different rule names, which is all it can tell apart"
    )]
    TooManyRules,
    /// The state could not be allocated, or the system gave no random secret.
    #[error(
        "cannot set up a table for {max_keys} keys (max_keys and max_limit say how much address space it reserves): {cause}"
    )]
    Memory {
        /// The number of keys asked for.
        max_keys: u64,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The state's words contradict each other, because something else in the
    /// process wrote to them; or other threads were faster a million times in a row.
    /// One alone may be such a race: repeat the request, or refuse it. If it comes
    /// again for one key, build a new limiter, which begins without history, and
    /// look for what writes to its memory.
    #[error("the limiter's memory is corrupt, or a million attempts were overtaken")]
    Corrupt,
}

impl Error {
    pub(crate) fn endpoint(endpoint: &str, reason: impl Into<String>) -> Self {
        Self::InvalidEndpoint {
            endpoint: shown(endpoint),
            reason: reason.into(),
        }
    }
}

/// A caller's text, cut to a readable length.
pub(crate) fn shown(text: &str) -> String {
    const SHOWN: usize = 120;
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
