//! Statistics of rules and keys.

use std::collections::VecDeque;
use std::sync::Arc;

use pyo3::prelude::*;
use self_cell::self_cell;

use crate::arguments::Merchant;
use crate::{errors, results};

/// How many keys are looked for at a time: each time the interpreter is released
/// once, and so many keys are held.
const CHUNK: usize = 256;

type Keys<'l> = Box<dyn Iterator<Item = engine::KeyUsage> + Send + Sync + 'l>;

self_cell!(
    /// The engine's walk over a table, with the limiter that it borrows from.
    struct Walk {
        owner: Arc<engine::Limiter>,

        #[not_covariant]
        dependent: Keys,
    }
);

impl Walk {
    fn next_chunk(&mut self) -> VecDeque<engine::KeyUsage> {
        self.with_dependent_mut(|_, keys| keys.take(CHUNK).collect())
    }
}

/// What `Limiter.usage` returns. For one thread at a time: a call while another
/// thread is inside one raises RuntimeError.
#[pyclass(module = "slidegate")]
pub(crate) struct UsageIterator {
    walk: Walk,
    /// Keys that were found already.
    near: VecDeque<engine::KeyUsage>,
}

impl UsageIterator {
    pub fn new(limiter: &Arc<engine::Limiter>) -> Self {
        Self {
            walk: Walk::new(limiter.clone(), |limiter| Box::new(limiter.usage())),
            near: VecDeque::new(),
        }
    }
}

#[pymethods]
impl UsageIterator {
    fn __iter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    fn __next__<'py>(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        if self.near.is_empty() {
            let walk = &mut self.walk;
            self.near = py.detach(|| walk.next_chunk());
        }
        let usage = self.near.pop_front();
        let limiter = self.walk.borrow_owner();
        let dressed = usage.map(|usage| results::key_usage(py, limiter, &usage));
        dressed.transpose()
    }
}

/// The fullest keys, as a list.
pub(crate) fn top<'py>(
    py: Python<'py>,
    limiter: &engine::Limiter,
    n: usize,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let fullest = py.detach(|| limiter.top(n));
    let dress = |usage| results::key_usage(py, limiter, usage);
    fullest.iter().map(dress).collect()
}

pub(crate) fn of_rule<'py>(
    py: Python<'py>,
    limiter: &engine::Limiter,
    rule: &str,
) -> PyResult<Bound<'py, PyAny>> {
    let usage = rule_id(limiter, rule).and_then(|id| limiter.rule_usage(id));
    let usage = usage.ok_or_else(|| errors::unknown_rule(rule))?;
    results::rule_usage(py, usage)
}

/// The id of a rule that some policy of the limiter's life had: ids are counted
/// up from 0.
fn rule_id(limiter: &engine::Limiter, rule: &str) -> Option<engine::RuleId> {
    let ids = (0..).map(engine::RuleId::from_raw);
    let mut names = ids.map_while(|id| limiter.rule_name(id).map(|name| (id, name)));
    let found = names.find(|(_, name)| &**name == rule);
    found.map(|(id, _)| id)
}

pub(crate) fn of_key<'py>(
    py: Python<'py>,
    limiter: &engine::Limiter,
    merchant: Merchant<'_>,
    rule: &str,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let usage = limiter.key_usage(merchant.0, rule).map_err(errors::call)?;
    let dressed = usage.map(|usage| results::key_usage(py, limiter, &usage));
    dressed.transpose()
}
