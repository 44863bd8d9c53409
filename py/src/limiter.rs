//! `slidegate.Limiter`.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::arguments::{self, Merchant};
use crate::clock::ManualClock;
use crate::decision::Decision;
use crate::key::Key;
use crate::policy::Policy;
use crate::usage::UsageIterator;
use crate::{batch, errors, usage};

/// An exact sliding-window rate limiter.
///
/// `max_keys` is how many keys (a rule and a merchant each, with an admission in the
/// longest window of any rule of the same precision) it must be able to hold at once.
/// Bucketed rules have a table of their own, of the same number. Each key reserves 99
/// KiB of address space, and 117 KiB more from the first policy with a bucketed rule
/// on; it uses memory only from its first admission on.
/// `max_limit` is the largest limit of an exact window in any policy of its life,
/// at most 2,048; a smaller one reserves less address space.
///
/// `on_full` says what becomes of a request whose key finds no room: "deny"
/// refuses it, "admit" lets it through uncounted, "overflow" counts it in a pool
/// that all keys without room of its rule share. `names` keeps merchants' names
/// for `usage` and `top`; `key_counters` counts each key's requests. `clock` is a
/// ManualClock, or None for the machine's own.
///
/// Raises ValueError for another `on_full`, or a `max_keys` or `max_limit` out of
/// range, IncompatiblePolicyError for a policy with a larger limit, MemoryError
/// where address space is refused.
///
/// Every method may be called from any thread at once; none waits for another, but
/// for the locks of the C library where a thread meets a policy for the first time,
/// and there is no background thread. A process that forks gets a limiter of its own
/// in each child: it begins with the parent's counts, and from then on each counts for
/// itself.
#[pyclass(frozen, module = "slidegate")]
pub(crate) struct Limiter {
    // Shared with the prepared keys, and not in the object itself, because the
    // engine aligns its counters to cache lines, and Python its objects to 16
    // bytes only.
    inner: Arc<engine::Limiter>,
}

#[pymethods]
impl Limiter {
    #[new]
    #[pyo3(signature = (policy, *, max_keys=262_144, max_limit=2_048, on_full="deny", names=true, key_counters=false, clock=None))]
    fn new(
        policy: &Bound<'_, Policy>,
        #[pyo3(from_py_with = arguments::max_keys)] max_keys: u64,
        #[pyo3(from_py_with = arguments::max_limit)] max_limit: u32,
        on_full: &str,
        names: bool,
        key_counters: bool,
        clock: Option<&Bound<'_, ManualClock>>,
    ) -> PyResult<Self> {
        let mut builder = engine::Limiter::builder()
            .max_keys(max_keys)
            .max_limit(max_limit)
            .on_full(arguments::on_full(on_full)?)
            .names(names)
            .key_counters(key_counters);
        if let Some(clock) = clock {
            builder = builder.clock(clock.get().inner.clone());
        }
        let inner = builder.build(&policy.get().inner).map_err(errors::call)?;
        Ok(Self {
            inner: Arc::new(inner),
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
    /// With `receipt` the decision can be given to `refund`, once. With `windows`
    /// its `windows` say how every governing window stands. One call gives the
    /// one or the other: both are a ValueError.
    ///
    /// A refusal is a Decision, not an exception. Raises RequestError, which is
    /// a ValueError, for a merchant, endpoint or cost that cannot be judged, and
    /// TypeError for a wrong type; then nothing was charged.
    #[pyo3(signature = (merchant, endpoint="", *, cost=1, receipt=false, windows=false))]
    fn check(
        &self,
        merchant: Merchant<'_>,
        endpoint: &str,
        #[pyo3(from_py_with = arguments::cost)] cost: u32,
        receipt: bool,
        windows: bool,
    ) -> PyResult<Decision> {
        let (limiter, merchant) = (&self.inner, merchant.0);
        match (receipt, windows) {
            (false, false) => Decision::of(limiter, limiter.check(merchant, endpoint, cost)),
            (true, false) => {
                let answer = limiter.check_with_receipt(merchant, endpoint, cost);
                Decision::with_receipt(limiter, answer)
            }
            (false, true) => {
                let answer = limiter.check_windows(merchant, endpoint, cost);
                Decision::with_windows(limiter, answer)
            }
            (true, true) => {
                let message = "a check gives a receipt or windows, not both";
                Err(PyValueError::new_err(message))
            }
        }
    }

    /// Decides as `check` would, and charges nothing.
    #[pyo3(signature = (merchant, endpoint="", *, cost=1, windows=false))]
    fn peek(
        &self,
        merchant: Merchant<'_>,
        endpoint: &str,
        #[pyo3(from_py_with = arguments::cost)] cost: u32,
        windows: bool,
    ) -> PyResult<Decision> {
        let (limiter, merchant) = (&self.inner, merchant.0);
        match windows {
            false => Decision::of(limiter, limiter.peek(merchant, endpoint, cost)),
            true => {
                let answer = limiter.peek_windows(merchant, endpoint, cost);
                Decision::with_windows(limiter, answer)
            }
        }
    }

    /// Decides many requests in their order, and returns their decisions.
    ///
    /// `items` are tuples (merchant, endpoint) or (merchant, endpoint, cost), as
    /// `check` takes them. The clock is read once, and all are decided under one
    /// policy, so the answers are those of one check after the other at one
    /// instant: a denial charges nothing and the others count.
    ///
    /// All items are looked at first: one that cannot be judged raises TypeError,
    /// ValueError or RequestError (with its `index`), and nothing was charged. If
    /// a swap meanwhile takes the last "*" rule away, which makes an empty
    /// endpoint an error, the rest of the batch was charged. From 4,096 items on
    /// other Python threads run meanwhile.
    fn check_many(&self, items: &Bound<'_, PyAny>) -> PyResult<Vec<Decision>> {
        batch::check_many(&self.inner, items)
    }

    /// Resolves a merchant and an endpoint once, for callers who check them often.
    ///
    /// `endpoint` is a route such as "GET /v1/payment/:id", never a concrete path
    /// and never empty: a limiter takes 4,096 different ones in its life.
    ///
    /// Raises RequestError for a merchant or an endpoint that cannot be judged,
    /// RuntimeError for the 4,097th endpoint.
    fn prepare(&self, merchant: Merchant<'_>, endpoint: &str) -> PyResult<Key> {
        Key::new(&self.inner, merchant.0, endpoint).map_err(errors::call)
    }

    /// Gives back what a check with receipt=True charged; returns whether any of
    /// it still counted. False where the check charged nothing.
    ///
    /// The units stay in the log, and as many more are lent until the oldest
    /// refunded unit leaves its window: capacity may return for a shorter time
    /// than the admission took it, never for longer. A decision that is not
    /// refunded stays charged.
    ///
    /// Of several threads one gets through. Raises ReceiptError, which is a
    /// ValueError, for a decision without a receipt, one that was refunded, or
    /// one of another limiter, which may still refund it.
    fn refund(&self, decision: &Bound<'_, Decision>) -> PyResult<bool> {
        decision.get().refund(&self.inner)
    }

    /// Makes a merchant's history under one rule, or under all rules that this
    /// limiter ever had, as if it had never been; returns how many of its keys
    /// had one. Capacity is free at once, and earlier receipts lend nothing.
    ///
    /// A check that commits before a key's reset is forgotten, one after it
    /// counts; several rules are reset one after the other. A rule with
    /// per = "all" is reset, for everybody, only if it is named.
    ///
    /// Raises RequestError for a merchant that cannot be judged, and for a rule
    /// that no policy of this limiter had.
    #[pyo3(signature = (merchant, rule=None))]
    fn reset(&self, merchant: Merchant<'_>, rule: Option<&str>) -> PyResult<usize> {
        self.inner.reset(merchant.0, rule).map_err(errors::call)
    }

    /// Puts another policy into force and returns its version.
    ///
    /// Histories carry over by rule name: a raised limit admits the difference
    /// at once, a lowered one counts what was admitted before. A check that
    /// began before the swap may still decide under the old policy; every
    /// decision says which version it used.
    ///
    /// Raises IncompatiblePolicyError for a rule with another precision than
    /// before, or with a limit above `max_limit`, RuntimeError after 65,536
    /// different rule names, and MemoryError where address space for the first
    /// bucketed rule is refused; the old policy then stays in force.
    fn swap(&self, policy: &Bound<'_, Policy>) -> PyResult<u64> {
        self.inner.swap(&policy.get().inner).map_err(errors::call)
    }

    /// How many keys (a rule and a merchant each) the table holds, idle ones
    /// included. It walks the whole table: for monitoring, not for every request.
    fn keys(&self, py: Python<'_>) -> usize {
        py.detach(|| self.inner.keys())
    }

    /// What became of the requests that a rule governed: a RuleUsage.
    ///
    /// Raises RequestError for a rule that no policy of this limiter had.
    fn rule_usage<'py>(&self, py: Python<'py>, rule: &str) -> PyResult<Bound<'py, PyAny>> {
        usage::of_rule(py, &self.inner, rule)
    }

    /// How much a merchant uses of a rule at the moment: a KeyUsage, or None if
    /// it has no key, because it has no units that count.
    ///
    /// Raises RequestError for a merchant that cannot be judged, and for a rule
    /// that the policy in force does not have.
    fn key_usage<'py>(
        &self,
        py: Python<'py>,
        merchant: Merchant<'_>,
        rule: &str,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        usage::of_key(py, &self.inner, merchant, rule)
    }

    /// An iterator over all keys of rules in force, in no order: KeyUsage
    /// objects, each of its own instant. Empty for a limiter with names=False.
    ///
    /// It walks over the whole table as it goes on, up to 256 keys ahead; other
    /// Python threads run meanwhile. It is for one thread at a time.
    fn usage(&self) -> UsageIterator {
        UsageIterator::new(&self.inner)
    }

    /// The `n` keys that use most of their limit, the fullest first: a list of
    /// KeyUsage. Empty for a limiter with names=False.
    ///
    /// It walks over the whole table, and other Python threads run meanwhile.
    /// Raises ValueError for a negative `n`.
    fn top<'py>(
        &self,
        py: Python<'py>,
        #[pyo3(from_py_with = arguments::count)] n: usize,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        usage::top(py, &self.inner, n)
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
