//! What the two kinds of logs have in common: what they are asked and answer, whose
//! they are, what they charge and how long they remember it.

mod charged;
mod horizons;
mod query;

pub(crate) use charged::Charged;
pub(crate) use horizons::{Era, Horizons};
pub(crate) use query::{Answer, Ask, Query, Standings, Terms, answer, answer_fresh};

use crate::sync::Word;
use crate::time::Now;

/// Every loop ends: words that no protocol step wrote must not hang a caller.
/// Each turn but the last means that another thread got on.
pub(crate) const ATTEMPTS: usize = 1 << 20;

/// A key's claim on a slot: the key word and what it must still hold.
#[derive(Clone, Copy)]
pub(crate) struct Tenant<'t> {
    pub key: &'t Word,
    pub word: u64,
}

impl Tenant<'_> {
    /// Whether the slot is still the tenant's.
    pub fn holds(self) -> bool {
        self.key.load() == self.word
    }
}

/// Where the words of a slot's log lie.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places {
    /// The head.
    pub head: usize,
    /// The first word of the slot's line.
    pub line: usize,
    /// The number of its block in every plane.
    pub block: usize,
}

/// What a log is asked under.
#[derive(Clone, Copy)]
pub(crate) struct Env<'l> {
    pub now: Now<'l>,
    /// The longest window that the query's rule ever had, in ticks: raised before
    /// a policy with a longer one comes into force.
    pub horizon: &'l Word,
}

/// The outcome of one attempt on a log.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Attempt {
    Answered(Answer),
    /// The slot is not this tenant's any more.
    Gone,
    /// The words contradict each other.
    Corrupt,
}
