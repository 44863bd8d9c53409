//! What a check answers, and how it is dressed for HTTP.

mod headers;
mod problem;

pub use headers::Headers;
pub use problem::{PROBLEM_MEDIA_TYPE, problem_json};

use std::time::Duration;

use crate::law::Standing;
use crate::time::{Reading, Timeline};
use crate::window::{Precision, Window};

/// How a request was decided.
///
/// The numbers are those of the C interface; 0 is reserved for "no decision".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[repr(u32)]
pub enum Outcome {
    /// Every governing window had room; a check has charged them all.
    Allowed = 1,
    /// At least one window was full; nothing was charged, or, where a race showed it
    /// only after another rule was charged, that was lent back.
    Denied = 2,
    /// The policy exempts this route; nothing was counted.
    Exempt = 3,
    /// No rule governs this endpoint; [`Decision::allowed`] says what the
    /// policy's `unmatched` makes of it.
    Unmatched = 4,
    /// The table had no room for the key; [`Decision::allowed`] says what
    /// `on_full` makes of it. Refused, it charged nothing, or, where the room went
    /// in a race, what it had charged was lent back. A request that an overflow pool
    /// counts is `Allowed` or `Denied` instead, with [`Decision::untracked`] set.
    Untracked = 5,
    /// The cost exceeds a limit, so this request can never be admitted.
    Never = 6,
}

impl Outcome {
    /// The name used in every language and in the conformance vectors.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::Exempt => "exempt",
            Self::Unmatched => "unmatched",
            Self::Untracked => "untracked",
            Self::Never => "never",
        }
    }
}

/// Names a rule for the life of a limiter, across policy swaps.
/// [`Limiter::rule_name`](crate::Limiter::rule_name) gives its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub(crate) u32);

impl RuleId {
    /// The number that the C interface shows.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The id with this number; it need not name a rule.
    pub const fn from_raw(number: u32) -> Self {
        Self(number)
    }
}

/// The answer to one check or peek: plain data, 64 bytes, no borrow.
///
/// It describes one window, the *binding* one: when denied, the window with the
/// latest retry instant; when allowed, the window with the least remaining. Ties
/// go to the longer window, then to the earlier rule: the `*` rules come first,
/// then the endpoint's, each in the order of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a decision that nobody looks at limits nothing"]
#[non_exhaustive]
pub struct Decision {
    /// How the request was decided.
    pub outcome: Outcome,
    /// Whether the request may proceed.
    pub allowed: bool,
    /// The version of the policy that decided.
    pub policy_version: u64,
    /// Whether the table had no room for a key of this request, so that it was
    /// counted in its rule's overflow pool or not at all; see
    /// [`OnFull`](crate::OnFull).
    pub untracked: bool,
    /// The binding window; `None` where no window was consulted (exempt,
    /// unmatched, untracked).
    pub binding: Option<Binding>,
}

/// The window that a [`Decision`] describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Binding {
    /// The rule that the window belongs to.
    pub rule: RuleId,
    /// How exactly the rule counts.
    pub precision: Precision,
    /// The window: its limit and its length.
    pub window: Window,
    /// Units left in the window: after the charge when a check admitted,
    /// as they stand otherwise.
    pub remaining: u32,
    /// Nanoseconds until this same request would be admitted if nothing else
    /// came; 0 unless denied.
    pub retry_after_ns: u64,
    /// Unix time in nanoseconds: of the retry instant when denied, else of the
    /// moment when the window's oldest live unit expires; now if it is empty.
    pub reset_at_ns: u64,
}

/// How a key stands in one window: see
/// [`Limiter::check_windows`](crate::Limiter::check_windows).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowStatus {
    /// The rule that the window belongs to.
    pub rule: RuleId,
    /// The window: its limit and its length.
    pub window: Window,
    /// Units that count in the window, less those that refunds have lent back: with
    /// the charge when a check admitted, as they stand otherwise.
    pub live: u32,
    /// Units that it still admits.
    pub remaining: u32,
    /// Whether this window holds the request back.
    pub blocks: bool,
    /// Nanoseconds until it does so no more, if nothing else comes; 0 unless it
    /// blocks.
    pub retry_after_ns: u64,
    /// Unix time in nanoseconds: of that instant for a window that blocks, else
    /// of the moment when the window's oldest live unit expires; now if it is
    /// empty. The wall clock is read for each window by itself.
    pub reset_at_ns: u64,
}

impl WindowStatus {
    pub(crate) fn new(
        rule: RuleId,
        windows: &[Window],
        standing: Standing,
        blocks: bool,
        now: Reading,
        clock: &Timeline,
    ) -> Self {
        Self {
            rule,
            window: windows[standing.window],
            live: standing.live,
            remaining: standing.remaining,
            blocks,
            retry_after_ns: match blocks {
                true => now.until_ns(standing.resets_at),
                false => 0,
            },
            reset_at_ns: clock.unix_ns_of(standing.resets_at, now),
        }
    }
}

impl Decision {
    pub(crate) fn without_window(outcome: Outcome, allowed: bool, policy_version: u64) -> Self {
        Self {
            outcome,
            allowed,
            policy_version,
            untracked: false,
            binding: None,
        }
    }

    /// The rule that the binding window belongs to.
    pub fn rule(&self) -> Option<RuleId> {
        self.binding.map(|b| b.rule)
    }

    /// How exactly the binding window's rule counts.
    pub fn precision(&self) -> Option<Precision> {
        self.binding.map(|b| b.precision)
    }

    /// Units that the binding window admits per length.
    pub fn limit(&self) -> Option<u32> {
        self.binding.map(|b| b.window.limit)
    }

    /// Units left in the binding window.
    pub fn remaining(&self) -> Option<u32> {
        self.binding.map(|b| b.remaining)
    }

    /// How long to wait before this same request would be admitted if nothing
    /// else came: up to the first nanosecond, by the limiter's clock, of the
    /// microsecond from which it is. `None` unless denied.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after_ns().map(Duration::from_nanos)
    }

    /// [`retry_after`](Self::retry_after) in nanoseconds.
    pub fn retry_after_ns(&self) -> Option<u64> {
        match (self.outcome, self.binding) {
            (Outcome::Denied, Some(binding)) => Some(binding.retry_after_ns),
            _ => None,
        }
    }

    /// [`retry_after`](Self::retry_after) in whole seconds, rounded up and never
    /// 0: the value of the `Retry-After` header.
    pub fn retry_after_secs(&self) -> Option<u64> {
        self.retry_after_ns()
            .map(|ns| ns.div_ceil(1_000_000_000).max(1))
    }

    /// Unix time in nanoseconds at which the binding window resets.
    pub fn reset_at_ns(&self) -> Option<u64> {
        self.binding.map(|b| b.reset_at_ns)
    }

    /// Unix time in whole seconds, rounded up, at which the binding window
    /// resets: the value of the `X-RateLimit-Reset` header.
    pub fn reset_at_secs(&self) -> Option<u64> {
        self.reset_at_ns().map(|ns| ns.div_ceil(1_000_000_000))
    }

    /// The response headers for this decision; none where no window was
    /// consulted.
    pub fn headers(&self) -> Headers {
        Headers::of(self)
    }
}
