//! What a key's log is asked and what it answers.

use std::cell::RefCell;

use smallvec::SmallVec;

use super::Horizons;
use crate::law::{self, Block, Credit, Judge, Log, Standing};
use crate::time::Reading;
use crate::window::Window;

/// What a caller wants of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Decide, and charge if admitted.
    Charge,
    /// Decide only.
    Peek,
    /// Neither: only how the key stands.
    Survey,
}

/// One request to one key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query<'p> {
    /// The merchant's name, for a key that is inserted.
    pub name: &'p [u8],
    pub windows: &'p [Window],
    /// The widths of a bucketed log's planes; an exact one has none.
    pub widths: &'p [u8],
    /// How long the rule's units were remembered in each era.
    pub horizons: &'p Horizons,
    /// Units, at least 1 and at most the smallest limit; ignored by a survey.
    pub cost: u32,
    pub ask: Ask,
    /// Whether the answer needs its [`Standing`].
    pub detail: bool,
    /// Where to put how the key stands in every window, and which of them block.
    pub standings: Option<&'p RefCell<Standings>>,
}

/// What a charge by the straight way asks of an exact log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'p> {
    pub windows: &'p [Window],
    /// How long the rule's units were remembered in each era.
    pub horizons: &'p Horizons,
    /// Units, at least 1 and at most the smallest limit.
    pub cost: u32,
}

/// How a key stands in each of a rule's windows, and whether the window blocks.
pub(crate) type Standings = SmallVec<[(Standing, bool); 4]>;

/// A key's answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    /// Admitted (or would be); a survey always is.
    pub admitted: bool,
    /// The instant of the decision, and the stamp of the units charged: the
    /// clock's tick, or the newest stamp if the clock is behind it.
    pub at: u64,
    /// The clock as it was read.
    pub now: Reading,
    /// Whether refunds have lent capacity that may end.
    pub lent: bool,
    /// The window that binds; `None` where no detail was asked for.
    pub standing: Option<Standing>,
}

impl Query<'_> {
    /// What it asks of an exact log by the straight way.
    pub fn terms(&self) -> Terms<'_> {
        Terms {
            windows: self.windows,
            horizons: self.horizons,
            cost: self.cost,
        }
    }

    /// The largest limit among the windows.
    pub fn max_limit(&self) -> u32 {
        self.windows.iter().map(|w| w.limit).max().unwrap_or(0)
    }
}

/// A key that is in no slot.
struct NoLog;

impl Log for NoLog {
    fn stamp(&self, _back: u32) -> u64 {
        0
    }

    fn capacity(&self) -> u32 {
        0
    }

    fn most(&self) -> u32 {
        0
    }
}

/// The answer for a key without history.
pub(crate) fn answer_fresh(query: &Query<'_>, now: Reading) -> Answer {
    let at = now.tick();
    let (admitted, standing) = answer(&NoLog, query, at, Credit::default());
    Answer {
        admitted,
        at,
        now,
        lent: false,
        standing,
    }
}

/// Whether a log admits, or a survey asked, and the detail if the query wants it.
#[inline]
pub(crate) fn answer(
    log: &impl Judge,
    query: &Query<'_>,
    at: u64,
    credit: Credit,
) -> (bool, Option<Standing>) {
    let &Query { windows, cost, .. } = query;
    let block: Option<Block> = match query.ask {
        Ask::Survey => None,
        Ask::Charge | Ask::Peek => law::block(log, windows, cost, at, credit),
    };
    let charged = match (query.ask, block) {
        (Ask::Charge, None) => cost,
        _ => 0,
    };
    if let Some(sink) = query.standings {
        let asked = if query.ask == Ask::Survey { 0 } else { cost };
        let standings = law::standings(log, windows, asked, charged, at, credit);
        sink.replace(standings.collect());
    }
    let standing = match (query.detail, block) {
        (false, _) => None,
        (true, Some(block)) => Some(law::blocked(log, windows, block, at, credit)),
        (true, None) => law::tightest(log, windows, charged, at, credit),
    };
    (block.is_none(), standing)
}
