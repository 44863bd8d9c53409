//! The Python module `slidegate._native`: the engine, dressed for Python.
//!
//! Every public class is frozen and holds its state behind the engine's own
//! atomics, so all of them may be used from any thread at once. Nothing here decides
//! anything: it converts arguments, calls the engine, and converts the answer.

mod arguments;
mod batch;
mod clock;
mod decision;
mod errors;
mod key;
mod limiter;
mod policy;
mod receipt;
mod results;
mod usage;

use pyo3::prelude::*;

/// The engine behind the package `slidegate`; import that instead.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::clock::ManualClock;
    #[pymodule_export]
    use crate::decision::Decision;
    #[pymodule_export]
    use crate::key::Key;
    #[pymodule_export]
    use crate::limiter::Limiter;
    #[pymodule_export]
    use crate::policy::Policy;

    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "the name that Python tools look for")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
    #[pymodule_export]
    const MAX_ENDPOINT_BYTES: usize = engine::MAX_ENDPOINT_BYTES;
    #[pymodule_export]
    const PROBLEM_MEDIA_TYPE: &str = engine::PROBLEM_MEDIA_TYPE;
}
