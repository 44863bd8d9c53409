//! What a table needs of the logs in its slots. There are two kinds: the exact
//! ring, and the bucketed ring for limits that are too large for it.

use crate::buckets::{self, Buckets, MAX_PLANES, Mark, Shifts};
use crate::log::{Attempt, Charged, Env, Horizons, Places, Query, Tenant};
use crate::ring::{self, Head, LINE_WORDS, Planes, Ring};
use crate::sync::Word;

/// A kind of log, with the way its words are laid out.
pub(crate) trait Kind {
    /// Words of a slot's line.
    const LINE_WORDS: usize;

    /// Where the words outside the lines lie.
    type Planes: Copy;

    type Slot<'t>: Slot;

    /// Lays out what `slots` slots need from the word `from` on, for windows of up
    /// to `max_limit` units. Returns where it ends, or `None` where that is past
    /// all address space.
    fn layout(from: usize, slots: usize, max_limit: u32) -> Option<(Self::Planes, usize)>;

    /// Whether a log with this head may be closed, as far as a look can tell: it is, or
    /// had been idle for `retention` ticks at the tick `settled`.
    fn is_idle(head: u64, retention: u64, settled: u64) -> bool;

    /// The log whose words lie at `places`.
    fn slot<'t>(words: &'t [Word], places: Places, planes: &'t Self::Planes) -> Self::Slot<'t>;
}

/// One slot's log, as the table sees it.
pub(crate) trait Slot {
    /// Answers a query under the tenant's name.
    fn ask(&self, tenant: Tenant<'_>, query: &Query<'_>, env: Env<'_>) -> Attempt;

    /// Lends back what an admission charged; whether that lends anything.
    fn refund(&self, charged: Charged, horizons: &Horizons, now: u64) -> bool;

    /// Whether the log is closed until a new tenant revives it.
    fn is_frozen(&self) -> bool;

    /// Closes the log if it had been idle for `retention` ticks at the tick `settled`;
    /// whether it is closed.
    fn freeze_if_idle(&self, tenant: Tenant<'_>, retention: &Word, settled: u64) -> bool;

    /// Closes the log whatever it holds; `false` if it is not the tenant's or time
    /// has ended.
    fn freeze(&self, tenant: Tenant<'_>) -> bool;

    /// Whether no tenant could come after this one, because time has ended.
    fn is_at_the_end(&self) -> bool;

    /// Opens a closed log for the tenant; `false` if it is not the tenant's.
    fn revive(&self, tenant: Tenant<'_>, now: u64) -> bool;
}

/// Logs of stamps: exact, for limits up to [`MAX_LIMIT`](crate::MAX_LIMIT).
pub(crate) struct Exact;

impl Kind for Exact {
    const LINE_WORDS: usize = LINE_WORDS;

    type Planes = Planes;

    type Slot<'t> = Ring<'t>;

    fn layout(from: usize, slots: usize, max_limit: u32) -> Option<(Planes, usize)> {
        Planes::layout(from, slots, max_limit)
    }

    #[inline]
    fn is_idle(head: u64, retention: u64, settled: u64) -> bool {
        ring::is_idle(Head(head), retention, settled)
    }

    #[inline]
    fn slot<'t>(words: &'t [Word], places: Places, planes: &'t Planes) -> Ring<'t> {
        Ring::new(words, places, planes)
    }
}

impl Slot for Ring<'_> {
    #[inline(always)]
    fn ask(&self, tenant: Tenant<'_>, query: &Query<'_>, env: Env<'_>) -> Attempt {
        Ring::ask(self, tenant, query, env)
    }

    fn refund(&self, charged: Charged, horizons: &Horizons, now: u64) -> bool {
        Ring::refund(self, charged, horizons, now)
    }

    #[inline]
    fn is_frozen(&self) -> bool {
        self.head().is_frozen()
    }

    fn freeze_if_idle(&self, tenant: Tenant<'_>, retention: &Word, settled: u64) -> bool {
        Ring::freeze_if_idle(self, tenant, retention, settled)
    }

    fn freeze(&self, tenant: Tenant<'_>) -> bool {
        Ring::freeze(self, tenant)
    }

    fn is_at_the_end(&self) -> bool {
        Ring::is_at_the_end(self)
    }

    fn revive(&self, tenant: Tenant<'_>, now: u64) -> bool {
        Ring::revive(self, tenant, now)
    }
}

/// Logs of counts: bucketed, for limits up to
/// [`MAX_BUCKETED_LIMIT`](crate::MAX_BUCKETED_LIMIT).
pub(crate) struct Bucketed;

impl Kind for Bucketed {
    const LINE_WORDS: usize = buckets::LINE_WORDS;

    type Planes = buckets::Planes;

    type Slot<'t> = Buckets<'t>;

    fn layout(from: usize, slots: usize, _max_limit: u32) -> Option<(buckets::Planes, usize)> {
        buckets::Planes::layout(from, slots, MAX_PLANES)
    }

    #[inline]
    fn is_idle(head: u64, retention: u64, settled: u64) -> bool {
        buckets::is_idle(Mark(head), retention, settled)
    }

    #[inline]
    fn slot<'t>(words: &'t [Word], places: Places, planes: &'t Self::Planes) -> Buckets<'t> {
        Buckets::new(words, places, planes)
    }
}

impl Slot for Buckets<'_> {
    #[inline]
    fn ask(&self, tenant: Tenant<'_>, query: &Query<'_>, env: Env<'_>) -> Attempt {
        let env = buckets::Env {
            now: env.now,
            shifts: &Shifts::from(query.widths),
        };
        Buckets::ask(self, tenant, query, env)
    }

    fn refund(&self, charged: Charged, horizons: &Horizons, now: u64) -> bool {
        Buckets::refund(self, charged, horizons, now)
    }

    #[inline]
    fn is_frozen(&self) -> bool {
        Buckets::is_frozen(self)
    }

    fn freeze_if_idle(&self, tenant: Tenant<'_>, retention: &Word, settled: u64) -> bool {
        Buckets::freeze_if_idle(self, tenant, retention, settled)
    }

    fn freeze(&self, tenant: Tenant<'_>) -> bool {
        Buckets::freeze(self, tenant)
    }

    fn is_at_the_end(&self) -> bool {
        Buckets::is_at_the_end(self)
    }

    fn revive(&self, tenant: Tenant<'_>, now: u64) -> bool {
        Buckets::revive(self, tenant, now)
    }
}
