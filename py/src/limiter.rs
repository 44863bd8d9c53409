//! `slidegate.Limiter`.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::arguments::{self, Merchant};
use crate::clock::ManualClock;
use crate::decision::Decision;
use crate::errors;
use crate::policy::Policy;

/// An exact sliding-window rate limiter.
///
/// `max_keys` is how many keys (a rule and a merchant each, with an admission in
/// the rule's longest window) it must be able to hold at once; each reserves 29
/// KiB of address space and uses memory only from its first admission on.
/// `on_full` says what becomes of a request whose key finds no room: "deny"
/// refuses it, "admit" lets it through uncounted. `clock` is a ManualClock, or
/// None for the machine's own.
///
/// Raises ValueError for another `on_full` or a negative `max_keys`, MemoryError
/// where address space is refused.
///
/// Every method may be called from any thread at once; none blocks, and there is
/// no background thread. A process that forks gets a limiter of its own in each
/// child: it begins with the parent's counts, and from then on each counts for
/// itself.
#[pyclass(frozen, module = "slidegate")]
pub(crate) struct Limiter {
    // Boxed, because the engine aligns its counters to cache lines, and Python
    // aligns its objects to 16 bytes only.
    inner: Box<engine::Limiter>,
}

impl Limiter {
    fn dress(&self, answer: Result<engine::Decision, engine::Error>) -> PyResult<Decision> {
        let decision = answer.map_err(errors::call)?;
        let rule = decision.rule().and_then(|rule| self.inner.rule_name(rule));
        Ok(Decision::new(decision, rule))
    }
}

#[pymethods]
impl Limiter {
    #[new]
    #[pyo3(signature = (policy, *, max_keys=262_144, on_full="deny", clock=None))]
    fn new(
        policy: &Bound<'_, Policy>,
        #[pyo3(from_py_with = arguments::max_keys)] max_keys: u64,
        on_full: &str,
        clock: Option<&Bound<'_, ManualClock>>,
    ) -> PyResult<Self> {
        let on_full = match on_full {
            "deny" => engine::OnFull::Deny,
            "admit" => engine::OnFull::Admit,
            other => {
                let message = format!("on_full is \"deny\" or \"admit\", not {other:?}");
                return Err(PyValueError::new_err(message));
            }
        };
        let mut builder = engine::Limiter::builder()
            .max_keys(max_keys)
            .on_full(on_full);
        if let Some(clock) = clock {
            builder = builder.clock(clock.get().inner.clone());
        }
        let inner = builder.build(&policy.get().inner).map_err(errors::call)?;
        Ok(Self {
            inner: Box::new(inner),
        })
    }

    /// As `check`, but answers only whether the request may proceed, which is
    /// faster.
    #[pyo3(signature = (merchant, endpoint="", *, cost=1))]
    fn allow(
        &self,
        merchant: Merchant<'_>,
        endpoint: &str,
        #[pyo3(from_py_with = arguments::cost)] cost: u32,
    ) -> PyResult<bool> {
        let answer = self.inner.allow(merchant.0, endpoint, cost);
        answer.map_err(errors::call)
    }

    /// Decides a request and, if it is admitted, charges `cost` units to every
    /// rule that governs it: all or none.
    ///
    /// `merchant` is 1 to 1,024 opaque bytes; a str stands for its UTF-8, so "m"
    /// and b"m" are one merchant. `endpoint` is a text such as
    /// "POST /v1/payment"; an empty one is the merchant alone, governed by the
    /// policy's "*" rules. `cost` is 1 to 2**32 - 1 units.
    ///
    /// A refusal is a Decision, not an exception. Raises RequestError, which is
    /// a ValueError, for a merchant, endpoint or cost that cannot be judged, and
    /// TypeError for a wrong type; then nothing was charged.
    #[pyo3(signature = (merchant, endpoint="", *, cost=1))]
    fn check(
        &self,
        merchant: Merchant<'_>,
        endpoint: &str,
        #[pyo3(from_py_with = arguments::cost)] cost: u32,
    ) -> PyResult<Decision> {
        self.dress(self.inner.check(merchant.0, endpoint, cost))
    }

    /// Decides as `check` would, and charges nothing.
    #[pyo3(signature = (merchant, endpoint="", *, cost=1))]
    fn peek(
        &self,
        merchant: Merchant<'_>,
        endpoint: &str,
        #[pyo3(from_py_with = arguments::cost)] cost: u32,
    ) -> PyResult<Decision> {
        self.dress(self.inner.peek(merchant.0, endpoint, cost))
    }

    /// Puts another policy into force and returns its version.
    ///
    /// Histories carry over by rule name: a raised limit admits the difference
    /// at once, a lowered one counts what was admitted before. A check that
    /// began before the swap may still decide under the old policy; every
    /// decision says which version it used.
    ///
    /// Raises RuntimeError after 65,536 different rule names; the old policy
    /// then stays in force.
    fn swap(&self, policy: &Bound<'_, Policy>) -> PyResult<u64> {
        self.inner.swap(&policy.get().inner).map_err(errors::call)
    }

    /// How many keys (a rule and a merchant each) the table holds, idle ones
    /// included. It walks the whole table: for monitoring, not for every request.
    fn keys(&self, py: Python<'_>) -> usize {
        py.detach(|| self.inner.keys())
    }

    /// The version of the policy in force; the first is 1.
    #[getter]
    fn policy_version(&self) -> u64 {
        self.inner.policy_version()
    }

    /// How many requests found no room for their key so far.
    #[getter]
    fn untracked(&self) -> u64 {
        self.inner.untracked()
    }

    fn __repr__(&self) -> String {
        let (version, untracked) = (self.inner.policy_version(), self.inner.untracked());
        format!("<slidegate.Limiter policy_version={version} untracked={untracked}>")
    }
}
