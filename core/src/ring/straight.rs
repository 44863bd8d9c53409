//! The straight way of a charge, in three steps: to observe the head, to judge the
//! cells, to commit. It takes the steps of [`Ring::ask`] in their order, leaves out what
//! only a description needs, and gives up wherever anything is out of the ordinary.
//!
//! A request of several rules observes the logs of all, reads the clock once, after all
//! heads, judges all and then commits one after the other. Each commit is a
//! compare-and-swap of the head that was observed, so what was judged still stands.

use super::planes::Cells;
use super::snapshot::Snapshot;
use super::{Head, Ring};
use crate::law::{self, Credit};
use crate::log::{Tenant, Terms};
use crate::sync::Word;
use crate::sync::fault::{Fault, planted};
use crate::sync::trace::{Event, event};

/// A log with its head as it was read. Whoever judges it reads the clock later.
#[derive(Clone, Copy)]
pub(crate) struct Observed<'t> {
    ring: Ring<'t>,
    head: Head,
    cells: Cells<'t>,
    horizon: &'t Word,
    /// The horizon, where a planted fault reads it before the head.
    early: Option<u64>,
}

/// What the law says of an observed log.
#[derive(Clone, Copy)]
pub(crate) struct Judged {
    pub admits: bool,
    /// The instant of the decision: the tick of the clock, or the newest stamp if the
    /// clock is behind it.
    pub at: u64,
    filled: u64,
}

/// What a decision shows of the window that binds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    /// Its place among the windows.
    pub window: usize,
    pub remaining: u32,
    /// The instant at which its oldest unit leaves or, if it blocks, at which it blocks
    /// no more.
    pub resets_at: u64,
}

impl<'t> Ring<'t> {
    /// Reads the head under the tenant's name. `None` if the slot is not this tenant's
    /// any more.
    #[inline(always)]
    pub fn observe(
        self,
        tenant: Tenant<'_>,
        terms: &Terms<'_>,
        horizon: &'t Word,
    ) -> Option<Observed<'t>> {
        let early = planted(Fault::HorizonReadEarly).then(|| horizon.load());
        let head = self.head();
        if head.level() >= self.planes.levels() {
            return None;
        }
        let cells = self.cells(head.level());
        // They come while the clock is read.
        self.approach_in(head, cells);
        for window in terms.windows {
            let back = window.limit + 1 - terms.cost;
            if back <= cells.count() {
                cells.of(head.count().wrapping_sub(back.into())).approach();
            }
        }
        // After the head: a key that is still ours then was ours at the head.
        let holds = planted(Fault::KeyUnchecked) || tenant.holds();
        holds.then_some(Observed {
            ring: self,
            head,
            cells,
            horizon,
            early,
        })
    }
}

impl Observed<'_> {
    /// Whether the log admits a charge at the tick `now`, which was read after the head.
    /// `None` if [`Ring::ask`] has to say, because the log moved, has to move on or
    /// lends capacity.
    #[inline(always)]
    pub fn judge(&self, terms: &Terms<'_>, now: u64) -> Option<Judged> {
        let Self { ring, head, .. } = self;
        let at = now.max(head.stamp());
        let filled = ring.filled().load();
        if head.missing(filled) != 0 {
            return None;
        }
        let log = Snapshot::new(ring, *head, self.cells);
        if ring.lent().credit(log.birth, terms.horizons, at).units != 0 {
            return None;
        }
        let admits = law::admits(&log, terms.windows, terms.cost, at);
        let stands = match admits {
            true => !log.must_grow(terms.cost, at, self.horizon, self.early),
            false => planted(Fault::AnswerUnchecked) || ring.is_still(*head),
        };
        if stands {
            event(Event::AtOnce);
        }
        stands.then_some(Judged { admits, at, filled })
    }

    /// The window that binds, with the charge if it is admitted. To be read before the
    /// commit, and believed only if that succeeds or, on a denial,
    /// [`is_still`](Self::is_still) says so.
    pub fn describe(&self, judged: Judged, terms: &Terms<'_>) -> Option<Bound> {
        let log = Snapshot::new(&self.ring, self.head, self.cells);
        let (nothing, at) = (Credit::default(), judged.at);
        let &Terms { windows, cost, .. } = terms;
        if judged.admits {
            let standing = law::tightest(&log, windows, cost, at, nothing)?;
            return Some(Bound {
                window: standing.window,
                remaining: standing.remaining,
                resets_at: standing.resets_at,
            });
        }
        let block = law::block(&log, windows, cost, at, nothing)?;
        Some(Bound {
            window: block.window,
            remaining: law::remaining_of_blocked(&log, &windows[block.window], cost, at),
            resets_at: block.until,
        })
    }

    /// Whether the log stands as it was observed.
    pub fn is_still(&self) -> bool {
        planted(Fault::AnswerUnchecked) || self.ring.is_still(self.head)
    }

    /// Charges `cost` units to a log that admits them; `false` if it moved meanwhile.
    #[inline(always)]
    pub fn commit(&self, judged: Judged, cost: u32) -> bool {
        self.ring.commit(self.head, judged.filled, judged.at, cost)
    }
}
