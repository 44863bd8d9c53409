//! `slidegate.Decision`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::receipt::{self, Held};
use crate::{errors, results};

/// The answer to one check or peek. Immutable, save that a receipt is spent.
///
/// It describes one window, the binding one: when denied, the window with the
/// latest retry instant; when allowed, the window with the least remaining.
/// `rule`, `limit`, `remaining`, `window`, `precision` and `reset_at` are None
/// where no window was consulted (exempt, unmatched, untracked).
///
/// `bool(decision)` is `decision.allowed`. Two decisions are equal if all they
/// say is equal; a receipt is not part of it. A decision cannot be copied or
/// pickled, because its receipt is good for one refund.
#[pyclass(frozen, eq, module = "slidegate")]
pub(crate) struct Decision {
    inner: engine::Decision,
    rule: Option<Arc<str>>,
    windows: Vec<Standing>,
    receipt: Option<Box<Held>>,
}

/// How a window of the rule with this name stands.
struct Standing {
    rule: Option<Arc<str>>,
    status: engine::WindowStatus,
}

impl Decision {
    /// Dresses the answer of a limiter.
    pub fn of(
        limiter: &engine::Limiter,
        answer: Result<engine::Decision, engine::Error>,
    ) -> PyResult<Self> {
        let inner = answer.map_err(errors::call)?;
        Ok(Self {
            inner,
            rule: inner.rule().and_then(|rule| limiter.rule_name(rule)),
            windows: Vec::new(),
            receipt: None,
        })
    }

    pub fn with_receipt(
        limiter: &Arc<engine::Limiter>,
        answer: Result<(engine::Decision, Option<engine::Receipt>), engine::Error>,
    ) -> PyResult<Self> {
        let (inner, receipt) = answer.map_err(errors::call)?;
        Ok(Self {
            receipt: Some(Box::new(Held::new(limiter, receipt))),
            ..Self::of(limiter, Ok(inner))?
        })
    }

    pub fn with_windows(
        limiter: &engine::Limiter,
        answer: Result<(engine::Decision, Vec<engine::WindowStatus>), engine::Error>,
    ) -> PyResult<Self> {
        let (inner, windows) = answer.map_err(errors::call)?;
        let standing = |status: engine::WindowStatus| Standing {
            rule: limiter.rule_name(status.rule),
            status,
        };
        Ok(Self {
            windows: windows.into_iter().map(standing).collect(),
            ..Self::of(limiter, Ok(inner))?
        })
    }

    /// Gives back what the receipt stands for.
    pub fn refund(&self, limiter: &Arc<engine::Limiter>) -> PyResult<bool> {
        let held = self.receipt.as_ref();
        held.ok_or_else(receipt::without_receipt)?.refund(limiter)
    }

    /// All that it says, without the rule's id, which differs between limiters.
    fn said(&self) -> impl PartialEq + Hash + '_ {
        let d = &self.inner;
        let binding = d
            .binding
            .map(|b| (b.window, b.remaining, b.retry_after_ns, b.reset_at_ns));
        let decided = (d.outcome, d.allowed, d.untracked, d.policy_version);
        let windows: Vec<_> = self.windows.iter().map(Standing::said).collect();
        (decided, &self.rule, d.precision(), binding, windows)
    }
}

impl Standing {
    fn said(&self) -> impl PartialEq + Hash + '_ {
        let s = &self.status;
        let units = (s.live, s.remaining, s.blocks);
        (&self.rule, s.window, units, s.retry_after_ns, s.reset_at_ns)
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
        self.inner.binding.map(|b| results::length_ns(b.window))
    }

    /// How exactly the binding window's rule counts: "exact" (every unit leaves
    /// at its own microsecond) or "bucketed" (up to 1/128 of the window late,
    /// never early).
    #[getter]
    fn precision(&self) -> Option<&'static str> {
        self.inner.precision().map(|precision| precision.as_str())
    }

    /// How every governing window stands, in the order of the rules, if the call
    /// asked with windows=True; else empty.
    #[getter]
    fn windows<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let window = |standing: &Standing| {
            let rule = standing.rule.as_deref().unwrap_or_default();
            results::window(py, rule, &standing.status)
        };
        let windows = self.windows.iter().map(window);
        PyTuple::new(py, windows.collect::<PyResult<Vec<_>>>()?)
    }

    /// Whether the table had no room for a key of this request, so that it was
    /// counted in its rule's overflow pool or not at all; see `on_full` of
    /// Limiter.
    #[getter]
    fn untracked(&self) -> bool {
        self.inner.untracked
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
        if self.inner.untracked && self.inner.outcome != engine::Outcome::Untracked {
            text += " untracked";
        }
        text + &format!(" policy_version={}>", self.inner.policy_version)
    }
}
