//! The engine's errors as Python exceptions.
//!
//! The classes of our own are written in Python (`slidegate/_errors.py`),
//! because a class of the limited API cannot extend a built-in exception before
//! Python 3.12.

use std::path::PathBuf;

use pyo3::PyErr;
use pyo3::exceptions::{PyMemoryError, PyOSError, PyRuntimeError, PyValueError};

pyo3::import_exception!(slidegate._errors, IncompatiblePolicyError);
pyo3::import_exception!(slidegate._errors, PolicyError);
pyo3::import_exception!(slidegate._errors, ReceiptError);
pyo3::import_exception!(slidegate._errors, RequestError);

/// Why a call to a limiter was not answered.
pub(crate) fn call(error: engine::Error) -> PyErr {
    use engine::Error;
    let message = error.to_string();
    match error {
        Error::InvalidMerchant { .. } => RequestError::new_err((message, "invalid_merchant")),
        Error::InvalidCost => RequestError::new_err((message, "invalid_cost")),
        Error::InvalidEndpoint { .. } => RequestError::new_err((message, "invalid_endpoint")),
        Error::UnknownRule { .. } => RequestError::new_err((message, "unknown_rule")),
        Error::Precision { rule, .. } => {
            IncompatiblePolicyError::new_err((message, "precision", rule))
        }
        Error::LimitTooLarge { rule, .. } => {
            IncompatiblePolicyError::new_err((message, "limit_too_large", rule))
        }
        Error::Memory { .. } => PyMemoryError::new_err(message),
        _ => PyRuntimeError::new_err(message),
    }
}

/// That no policy of a limiter had a rule of this name.
pub(crate) fn unknown_rule(name: &str) -> PyErr {
    let shown = name.chars().take(engine::MAX_RULE_NAME_BYTES + 1);
    call(engine::Error::UnknownRule {
        name: shown.collect(),
    })
}

/// Why a policy was refused; `path` is that of a file.
pub(crate) fn policy(error: engine::PolicyError, path: Option<PathBuf>) -> PyErr {
    let message = error.to_string();
    if let engine::PolicyError::Read { source, .. } = &error {
        return unreadable(source, message, path);
    }
    let mistakes = error.mistakes().iter();
    let mistakes: Vec<_> = mistakes
        .map(|m| (m.line, m.column, m.field.clone(), m.message.clone()))
        .collect();
    PolicyError::new_err((message, mistakes))
}

fn unreadable(source: &std::io::Error, message: String, path: Option<PathBuf>) -> PyErr {
    if let Some(errno) = source.raw_os_error() {
        // OSError picks its subclass by the number: FileNotFoundError and so on.
        let path = path.map(PathBuf::into_os_string);
        return PyOSError::new_err((errno, strerror(source, errno), path));
    }
    match source.kind() {
        // The file is there, but it is not text.
        std::io::ErrorKind::InvalidData => PolicyError::new_err((message,)),
        // A path with a NUL in it, as for Python's own open().
        std::io::ErrorKind::InvalidInput => PyValueError::new_err(message),
        _ => PyOSError::new_err(message),
    }
}

/// The system's words without the number that std appends and OSError prepends.
fn strerror(source: &std::io::Error, errno: i32) -> String {
    let text = source.to_string();
    let suffix = format!(" (os error {errno})");
    text.strip_suffix(&suffix).unwrap_or(&text).to_owned()
}
