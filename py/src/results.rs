//! Results that are plain Python dataclasses, written in `slidegate/_results.py`.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyTuple};

const MODULE: &str = "slidegate._results";

static WINDOW: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static RULE_USAGE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static KEY_USAGE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static KEY_COUNTERS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// A window's length, which is 366 days at most and fits.
pub(crate) fn length_ns(window: engine::Window) -> u64 {
    window.length().as_nanos() as u64
}

/// `slidegate.Window` of a rule with this name.
pub(crate) fn window<'py>(
    py: Python<'py>,
    rule: &str,
    status: &engine::WindowStatus,
) -> PyResult<Bound<'py, PyAny>> {
    let class = WINDOW.import(py, MODULE, "Window")?;
    class.call1((
        rule,
        status.window.to_string(),
        length_ns(status.window),
        status.window.limit,
        status.live,
        status.remaining,
        status.blocks,
        status.retry_after_ns,
        status.reset_at_ns,
    ))
}

/// `slidegate.RuleUsage`.
pub(crate) fn rule_usage(py: Python<'_>, usage: engine::RuleUsage) -> PyResult<Bound<'_, PyAny>> {
    let class = RULE_USAGE.import(py, MODULE, "RuleUsage")?;
    class.call1((usage.admitted, usage.units, usage.denied, usage.untracked))
}

/// `slidegate.KeyUsage`.
pub(crate) fn key_usage<'py>(
    py: Python<'py>,
    limiter: &engine::Limiter,
    usage: &engine::KeyUsage,
) -> PyResult<Bound<'py, PyAny>> {
    let rule = limiter.rule_name(usage.rule);
    let rule = rule.as_deref().unwrap_or_default();
    let windows = usage.windows.iter().map(|status| window(py, rule, status));
    let windows = PyTuple::new(py, windows.collect::<PyResult<Vec<_>>>()?)?;
    let counters = usage.counters.map(|counters| key_counters(py, counters));
    let merchant = PyBytes::new(py, &usage.merchant);
    let class = KEY_USAGE.import(py, MODULE, "KeyUsage")?;
    class.call1((rule, merchant, windows, counters.transpose()?))
}

fn key_counters(py: Python<'_>, counters: engine::KeyCounters) -> PyResult<Bound<'_, PyAny>> {
    let class = KEY_COUNTERS.import(py, MODULE, "KeyCounters")?;
    class.call1((counters.admitted, counters.denied, counters.peak))
}
