//! `slidegate.Key`.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::arguments;
use crate::decision::Decision;
use crate::errors;

/// A merchant and an endpoint that `Limiter.prepare` resolved once, for callers
/// who check them often: no hashing, no route, and no look-up while the key
/// stays where it was.
///
/// It stays valid for the limiter's life, across policy swaps, evictions and
/// resets; the policy in force at the call decides. It keeps its limiter alive.
/// Any number of threads may share it.
#[pyclass(frozen, module = "slidegate")]
pub(crate) struct Key {
    limiter: Arc<engine::Limiter>,
    prepared: engine::Prepared,
    merchant: Box<[u8]>,
    endpoint: String,
}

impl Key {
    pub fn new(
        limiter: &Arc<engine::Limiter>,
        merchant: &[u8],
        endpoint: &str,
    ) -> Result<Self, engine::Error> {
        let id = limiter.endpoint(endpoint)?;
        Ok(Self {
            limiter: limiter.clone(),
            prepared: limiter.prepare(merchant, id)?,
            merchant: merchant.into(),
            endpoint: endpoint.to_owned(),
        })
    }
}

#[pymethods]
impl Key {
    /// As `Limiter.allow`.
    #[pyo3(signature = (*, cost=1))]
    fn allow(&self, #[pyo3(from_py_with = arguments::cost)] cost: u32) -> PyResult<bool> {
        let answer = self.limiter.allow_prepared(&self.prepared, cost);
        answer.map_err(errors::call)
    }

    /// As `Limiter.check`: decides a request and, if it is admitted, charges
    /// `cost` units to every rule that governs it.
    ///
    /// Raises RequestError for a cost that is not 1 to 2**32 - 1.
    #[pyo3(signature = (*, cost=1))]
    fn check(&self, #[pyo3(from_py_with = arguments::cost)] cost: u32) -> PyResult<Decision> {
        let answer = self.limiter.check_prepared(&self.prepared, cost);
        Decision::of(&self.limiter, answer)
    }

    /// As `Limiter.peek`: decides as `check` would, and charges nothing.
    #[pyo3(signature = (*, cost=1))]
    fn peek(&self, #[pyo3(from_py_with = arguments::cost)] cost: u32) -> PyResult<Decision> {
        let answer = self.limiter.peek_prepared(&self.prepared, cost);
        Decision::of(&self.limiter, answer)
    }

    /// The merchant's bytes.
    #[getter]
    fn merchant<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.merchant)
    }

    /// The route, as it was given.
    #[getter]
    fn endpoint(&self) -> &str {
        &self.endpoint
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let merchant = self.merchant(py).repr()?;
        Ok(format!("<slidegate.Key {merchant} {}>", self.endpoint))
    }
}
