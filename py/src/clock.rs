//! `slidegate.ManualClock`.

use std::sync::Arc;
use std::time::Duration;

use engine::Clock as _;
use pyo3::prelude::*;

use crate::arguments;

/// A clock that stands still until it is told to move: for tests, simulations
/// and replays.
///
/// `unix` is its wall time at the origin, in Unix seconds: an int is exact, a
/// float is taken to the nearest nanosecond. Negative, infinite or too large
/// (beyond the year 2262) is a ValueError. Wall time moves in step with elapsed
/// time. Every method may be called from any thread at once.
#[pyclass(frozen, module = "slidegate")]
pub(crate) struct ManualClock {
    pub inner: Arc<engine::ManualClock>,
}

impl ManualClock {
    fn at(unix_ns: u64) -> Self {
        Self {
            inner: Arc::new(engine::ManualClock::new(unix_ns)),
        }
    }

    fn step(&self, forward: bool, by: Duration) {
        match forward {
            true => self.inner.advance(by),
            false => self.inner.step_back(by),
        }
    }
}

#[pymethods]
impl ManualClock {
    #[new]
    #[pyo3(signature = (unix=0), text_signature = "(unix=0.0)")]
    fn new(#[pyo3(from_py_with = arguments::unix_seconds)] unix: u64) -> Self {
        Self::at(unix)
    }

    /// A clock at its origin whose wall time is a whole number of nanoseconds.
    ///
    /// Raises ValueError for a negative number or one above 2**64 - 1.
    #[staticmethod]
    fn from_unix_ns(#[pyo3(from_py_with = arguments::unix_ns)] unix_ns: u64) -> Self {
        Self::at(unix_ns)
    }

    /// Moves the clock by `seconds`, taken to the nearest whole microsecond, the
    /// engine's tick: advancing by a decision's `retry_after` lands exactly on
    /// the instant at which the request is admitted.
    ///
    /// A negative number steps back, at most to the origin. Raises ValueError
    /// for nan, an infinity, or a number out of range.
    fn advance(&self, seconds: &Bound<'_, PyAny>) -> PyResult<()> {
        let step_us = arguments::seconds(seconds, 1_000_000)?;
        self.step(step_us >= 0, Duration::from_micros(step_us.unsigned_abs()));
        Ok(())
    }

    /// Moves the clock by whole nanoseconds; a negative number steps back, at
    /// most to the origin.
    fn advance_ns(&self, #[pyo3(from_py_with = arguments::step_ns)] nanoseconds: i64) {
        let by = Duration::from_nanos(nanoseconds.unsigned_abs());
        self.step(nanoseconds >= 0, by);
    }

    /// Sets the time elapsed since the origin, in nanoseconds.
    ///
    /// Raises ValueError for a negative number or one above 2**64 - 1.
    fn set_elapsed_ns(&self, #[pyo3(from_py_with = arguments::elapsed_ns)] elapsed_ns: u64) {
        self.inner.set_elapsed_ns(elapsed_ns);
    }

    /// Nanoseconds elapsed since the origin.
    #[getter]
    fn elapsed_ns(&self) -> u64 {
        self.inner.monotonic_ns()
    }

    /// The wall time now, in Unix seconds; `unix_ns` is exact.
    #[getter]
    fn unix(&self) -> f64 {
        self.inner.unix_ns() as f64 / 1e9
    }

    /// The wall time now, in Unix nanoseconds.
    #[getter]
    fn unix_ns(&self) -> u64 {
        self.inner.unix_ns()
    }

    fn __repr__(&self) -> String {
        let (unix_ns, elapsed_ns) = (self.inner.unix_ns(), self.inner.monotonic_ns());
        format!("<slidegate.ManualClock unix_ns={unix_ns} elapsed_ns={elapsed_ns}>")
    }
}
