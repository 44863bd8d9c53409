//! Arguments that need more than PyO3's own conversion.

use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::errors::RequestError;

/// The bytes that name a merchant: those of `bytes` as they are, those of `str`
/// in UTF-8, so that `"m"` and `b"m"` are one merchant.
pub(crate) struct Merchant<'a>(pub &'a [u8]);

impl<'a, 'py> FromPyObject<'a, 'py> for Merchant<'a> {
    type Error = PyErr;

    fn extract(merchant: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if merchant.is_instance_of::<PyString>() {
            // Lone surrogates have no UTF-8: a UnicodeEncodeError, which is a ValueError.
            return merchant.extract::<&str>().map(|text| Self(text.as_bytes()));
        }
        if merchant.is_instance_of::<PyBytes>() {
            return Ok(Self(merchant.extract::<&[u8]>()?));
        }
        let class = merchant.get_type();
        let message = format!("a merchant is str or bytes, not {}", class.name()?);
        Err(PyTypeError::new_err(message))
    }
}

pub(crate) fn cost(cost: &Bound<'_, PyAny>) -> PyResult<u32> {
    within(cost, || {
        let message = format!("the cost is not a number from 1 to {}", u32::MAX);
        RequestError::new_err((message, "invalid_cost"))
    })
}

pub(crate) fn max_keys(max_keys: &Bound<'_, PyAny>) -> PyResult<u64> {
    within(max_keys, || {
        PyValueError::new_err("max_keys is not a number from 0 to 2**64 - 1")
    })
}

pub(crate) fn max_limit(max_limit: &Bound<'_, PyAny>) -> PyResult<u32> {
    let refusal = || {
        let message = format!("max_limit is not a number from 1 to {}", engine::MAX_LIMIT);
        PyValueError::new_err(message)
    };
    match within(max_limit, refusal)? {
        limit @ 1..=engine::MAX_LIMIT => Ok(limit),
        _ => Err(refusal()),
    }
}

pub(crate) fn on_full(on_full: &str) -> PyResult<engine::OnFull> {
    match on_full {
        "deny" => Ok(engine::OnFull::Deny),
        "admit" => Ok(engine::OnFull::Admit),
        "overflow" => Ok(engine::OnFull::Overflow),
        other => {
            let message = format!("on_full is \"deny\", \"admit\" or \"overflow\", not {other:?}");
            Err(PyValueError::new_err(message))
        }
    }
}

/// How many keys are wanted.
pub(crate) fn count(count: &Bound<'_, PyAny>) -> PyResult<usize> {
    within(count, || {
        PyValueError::new_err("n is not a number from 0 to 2**64 - 1")
    })
}

pub(crate) fn elapsed_ns(elapsed_ns: &Bound<'_, PyAny>) -> PyResult<u64> {
    within(elapsed_ns, || {
        PyValueError::new_err("elapsed_ns is not a number from 0 to 2**64 - 1")
    })
}

pub(crate) fn unix_ns(unix_ns: &Bound<'_, PyAny>) -> PyResult<u64> {
    within(unix_ns, || {
        PyValueError::new_err("unix_ns is not a number from 0 to 2**64 - 1")
    })
}

pub(crate) fn step_ns(step_ns: &Bound<'_, PyAny>) -> PyResult<i64> {
    within(step_ns, || {
        PyValueError::new_err("the step is longer than 292 years")
    })
}

/// An integer, or `refusal` where it does not fit: Python's own OverflowError is
/// no ValueError, and out of range is out of range at either end.
fn within<'py, T>(number: &Bound<'py, PyAny>, refusal: impl FnOnce() -> PyErr) -> PyResult<T>
where
    T: for<'a> FromPyObject<'a, 'py, Error = PyErr>,
{
    number.extract().map_err(|error: PyErr| {
        match error.is_instance_of::<PyOverflowError>(number.py()) {
            true => refusal(),
            false => error,
        }
    })
}

/// Seconds, as `int` or `float`, in units of which a second has `per_second`: the
/// nearest one. Every whole number of seconds in range is an exact float.
///
/// The float is split at the point first, because multiplying a Unix time by 10⁹
/// would round away its last bits.
pub(crate) fn seconds(seconds: &Bound<'_, PyAny>, per_second: i64) -> PyResult<i64> {
    let out_of_range = || PyValueError::new_err("the number of seconds is out of range");
    let seconds: f64 = within(seconds, out_of_range)?;
    if !seconds.is_finite() {
        let message = format!("{seconds} is not a number of seconds");
        return Err(PyValueError::new_err(message));
    }
    if seconds.abs() >= (i64::MAX / per_second) as f64 {
        return Err(out_of_range());
    }
    let part = (seconds.fract() * per_second as f64).round_ties_even();
    Ok(seconds.trunc() as i64 * per_second + part as i64)
}

/// Unix seconds, as `int` or `float`, in nanoseconds.
pub(crate) fn unix_seconds(unix: &Bound<'_, PyAny>) -> PyResult<u64> {
    let negative = |_| PyValueError::new_err("a Unix time before 1970 is not supported");
    u64::try_from(seconds(unix, 1_000_000_000)?).map_err(negative)
}
