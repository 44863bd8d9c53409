//! Many checks in one call.

use std::collections::HashSet;
use std::sync::Arc;

use engine::Endpoint;
use pyo3::exceptions::{PyTypeError, PyUnicodeEncodeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::arguments::{self, Merchant};
use crate::decision::Decision;
use crate::errors::{self, RequestError};

/// From how many items on the interpreter is released while the engine works.
///
/// To get it back from a thread that computes takes up to a switch interval (5 ms
/// by default), and about here the engine's work begins to take as long. A smaller
/// batch would wait longer than it works, and without the wait it keeps nobody
/// waiting longer than Python itself does.
const RELEASE_FROM: usize = 4_096;

type Answer = Result<engine::Decision, engine::Error>;

/// An engine's error and the item that met it.
type Refused = (usize, engine::Error);

/// Decides all items; a malformed one raises before anything is charged.
pub(crate) fn check_many(
    limiter: &Arc<engine::Limiter>,
    items: &Bound<'_, PyAny>,
) -> PyResult<Vec<Decision>> {
    let py = items.py();
    let tuples = tuples(items)?;
    let requests = tuples.iter().enumerate();
    let checks = requests.map(|(index, item)| check(item).map_err(|e| at_item(py, index, e)));
    let checks = checks.collect::<PyResult<Vec<_>>>()?;
    let answers = match checks.len() {
        RELEASE_FROM.. => py.detach(|| decide(limiter, &checks)),
        _ => decide(limiter, &checks),
    };
    let refuse = |(index, error)| at_item(py, index, errors::call(error));
    let answers = answers.map_err(refuse)?.into_iter().enumerate();
    answers
        .map(|(index, answer)| Decision::of(limiter, answer).map_err(|e| at_item(py, index, e)))
        .collect()
}

/// The items themselves, which the checks then borrow from: tuples and what is
/// in them do not change, whoever runs meanwhile.
fn tuples<'py>(items: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyTuple>>> {
    let tuple = |(index, item): (usize, PyResult<Bound<'py, PyAny>>)| {
        item?.cast_into::<PyTuple>().map_err(|_| shape(index))
    };
    let tuples: Vec<_> = items
        .try_iter()?
        .enumerate()
        .map(tuple)
        .collect::<PyResult<_>>()?;
    match tuples.iter().position(|t| !(2..=3).contains(&t.len())) {
        Some(index) => Err(shape(index)),
        None => Ok(tuples),
    }
}

fn shape(index: usize) -> PyErr {
    let message = "is not a tuple (merchant, endpoint) or (merchant, endpoint, cost)";
    PyTypeError::new_err(format!("item {index} {message}"))
}

fn check<'a>(item: &'a Bound<'_, PyTuple>) -> PyResult<engine::Check<'a>> {
    let Merchant(merchant) = item.get_borrowed_item(0)?.extract()?;
    let endpoint: &'a str = item.get_borrowed_item(1)?.extract()?;
    let cost = match item.len() {
        2 => 1,
        _ => arguments::cost(&item.get_item(2)?)?,
    };
    Ok(engine::Check::new(merchant, endpoint, cost))
}

fn decide(limiter: &engine::Limiter, checks: &[engine::Check<'_>]) -> Result<Vec<Answer>, Refused> {
    judge(limiter, checks)?;
    Ok(limiter.check_many(checks))
}

/// Finds the first item that the engine cannot judge, charging nothing. A peek
/// meets every error that a check would; of equal endpoints one is enough,
/// because merchant and cost need no look at the policy.
fn judge(limiter: &engine::Limiter, checks: &[engine::Check<'_>]) -> Result<(), Refused> {
    let mut known: HashSet<&str> = HashSet::new();
    for (index, check) in checks.iter().enumerate() {
        let len = check.merchant.len();
        if !(1..=engine::MAX_MERCHANT_BYTES).contains(&len) {
            return Err((index, engine::Error::InvalidMerchant { len }));
        }
        if check.cost == 0 {
            return Err((index, engine::Error::InvalidCost));
        }
        if let Endpoint::Text(text) = check.endpoint
            && known.insert(text)
        {
            let peek = limiter.peek(check.merchant, text, check.cost);
            peek.map(drop).map_err(|error| (index, error))?;
        }
    }
    Ok(())
}

/// An error that says which item it is about; others pass as they are.
fn at_item(py: Python<'_>, index: usize, error: PyErr) -> PyErr {
    let message = format!("item {index}: {}", error.value(py));
    let located = if error.is_instance_of::<RequestError>(py) {
        let code = error.value(py).getattr("code").map(Bound::unbind);
        match code {
            Ok(code) => RequestError::new_err((message, code, index)),
            Err(error) => return error,
        }
    } else if error.is_instance_of::<PyUnicodeEncodeError>(py) {
        PyValueError::new_err(message)
    } else if error.is_instance_of::<PyTypeError>(py) {
        PyTypeError::new_err(message)
    } else {
        return error;
    };
    located.set_cause(py, Some(error));
    located
}
