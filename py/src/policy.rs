//! `slidegate.Policy`.

use std::path::PathBuf;

use pyo3::prelude::*;

use crate::errors;

/// A validated policy: what is limited, and how much.
///
/// Immutable; share one between threads and limiters as you like. Made by
/// `from_file` or `from_toml`.
#[pyclass(frozen, module = "slidegate")]
pub(crate) struct Policy {
    pub inner: engine::Policy,
}

#[pymethods]
impl Policy {
    /// Reads a policy from a TOML file of at most 8 MiB.
    ///
    /// Raises the OSError that opening or reading it met (FileNotFoundError,
    /// PermissionError, …), or PolicyError with every mistake in the text.
    #[staticmethod]
    fn from_file(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        py.detach(|| engine::Policy::from_file(&path))
            .map(|inner| Self { inner })
            .map_err(|error| errors::policy(error, Some(path)))
    }

    /// Reads a policy from TOML text of at most 8 MiB.
    ///
    /// Raises PolicyError with every mistake in the text.
    #[staticmethod]
    fn from_toml(text: &str) -> PyResult<Self> {
        engine::Policy::from_toml(text)
            .map(|inner| Self { inner })
            .map_err(|error| errors::policy(error, None))
    }

    fn __repr__(&self) -> String {
        const SHOWN: usize = 8;
        let mut names: Vec<&str> = self.inner.rule_names().take(SHOWN + 1).collect();
        if names.len() > SHOWN {
            names[SHOWN] = "…";
        }
        format!("<slidegate.Policy rules: {}>", names.join(", "))
    }
}
