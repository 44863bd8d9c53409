//! `slidegate.Decision`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use pyo3::prelude::*;

/// The answer to one check or peek. Immutable.
///
/// It describes one window, the binding one: when denied, the window with the
/// latest retry instant; when allowed, the window with the least remaining.
/// `rule`, `limit`, `remaining`, `window` and `reset_at` are None where no window
/// was consulted (exempt, unmatched, untracked).
///
/// `bool(decision)` is `decision.allowed`. Two decisions are equal if all they
/// say is equal.
#[pyclass(frozen, eq, module = "slidegate")]
pub(crate) struct Decision {
    inner: engine::Decision,
    rule: Option<Arc<str>>,
}

impl Decision {
    pub fn new(inner: engine::Decision, rule: Option<Arc<str>>) -> Self {
        Self { inner, rule }
    }

    /// All that it says, without the rule's id, which differs between limiters.
    fn said(&self) -> impl PartialEq + Hash + '_ {
        let d = &self.inner;
        let binding = d
            .binding
            .map(|b| (b.window, b.remaining, b.retry_after_ns, b.reset_at_ns));
        (d.outcome, d.allowed, d.policy_version, &self.rule, binding)
    }
}

impl PartialEq for Decision {
    fn eq(&self, other: &Self) -> bool {
        self.said() == other.said()
    }
}

#[pymethods]
impl Decision {
    /// "allowed", "denied", "exempt", "unmatched", "untracked" (the table is
    /// full) or "never" (the cost exceeds a limit).
    #[getter]
    fn outcome(&self) -> &'static str {
        self.inner.outcome.as_str()
    }

    /// Whether the request may proceed.
    #[getter]
    fn allowed(&self) -> bool {
        self.inner.allowed
    }

    /// The name of the rule that the binding window belongs to.
    #[getter]
    fn rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }

    /// Units that the binding window admits per length.
    #[getter]
    fn limit(&self) -> Option<u32> {
        self.inner.limit()
    }

    /// Units left in the binding window: after the charge when a check admitted,
    /// as they stand otherwise.
    #[getter]
    fn remaining(&self) -> Option<u32> {
        self.inner.remaining()
    }

    /// The binding window as a policy writes it, such as "100/min".
    #[getter]
    fn window(&self) -> Option<String> {
        self.inner.binding.map(|b| b.window.to_string())
    }

    /// The length of the binding window in nanoseconds.
    #[getter]
    fn window_ns(&self) -> Option<u64> {
        // At most 366 days, so it fits.
        self.inner
            .binding
            .map(|b| b.window.length().as_nanos() as u64)
    }

    /// Seconds until this same request would be admitted if nothing else came,
    /// rounded up to whole microseconds; None unless denied.
    #[getter]
    fn retry_after(&self) -> Option<f64> {
        let ns = self.inner.retry_after_ns()?;
        Some(ns.div_ceil(1_000) as f64 / 1e6)
    }

    /// As `retry_after`, in nanoseconds and exact.
    #[getter]
    fn retry_after_ns(&self) -> Option<u64> {
        self.inner.retry_after_ns()
    }

    /// Unix time in whole seconds, rounded up: of the retry instant when denied,
    /// else of the moment when the window's oldest live unit expires.
    #[getter]
    fn reset_at(&self) -> Option<u64> {
        self.inner.reset_at_secs()
    }

    /// As `reset_at`, in nanoseconds and exact.
    #[getter]
    fn reset_at_ns(&self) -> Option<u64> {
        self.inner.reset_at_ns()
    }

    /// The version of the policy that decided.
    #[getter]
    fn policy_version(&self) -> u64 {
        self.inner.policy_version
    }

    /// The response headers as (name, value): X-RateLimit-Limit, -Remaining and
    /// -Reset, then Retry-After (whole seconds, rounded up, at least 1) when
    /// denied. Empty where no window was consulted.
    fn headers(&self) -> Vec<(&'static str, String)> {
        let headers = self.inner.headers();
        let text = |(name, value): (&'static str, u64)| (name, value.to_string());
        headers.iter().map(text).collect()
    }

    /// The HTTP status for a refusal: 429 when denied or never, 503 when
    /// untracked, 403 when unmatched; None when allowed.
    fn http_status(&self) -> Option<u16> {
        self.inner.http_status()
    }

    /// The RFC 9457 body for a refusal, of the media type
    /// "application/problem+json"; the same text as in Rust. A denial
    /// has the integer "retryAfter", equal to the Retry-After header.
    fn problem_json(&self) -> String {
        engine::problem_json(&self.inner, self.rule())
    }

    fn __bool__(&self) -> bool {
        self.inner.allowed
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.said().hash(&mut hasher);
        hasher.finish()
    }

    fn __repr__(&self) -> String {
        let mut text = format!("<slidegate.Decision {}", self.outcome());
        if let (Some(rule), Some(binding)) = (self.rule(), self.inner.binding) {
            let remaining = binding.remaining;
            text += &format!(
                " rule={rule} window={} remaining={remaining}",
                binding.window
            );
        }
        if let Some(seconds) = self.retry_after() {
            text += &format!(" retry_after={seconds}");
        }
        text + &format!(" policy_version={}>", self.inner.policy_version)
    }
}
