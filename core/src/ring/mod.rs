//! The ring: a key's log of admission stamps, with one commit point.
//!
//! **Fast path.** A check reads the head, then its key word, then the cells that
//! the law asks for. A denial reads the head again and writes nothing. An
//! admission moves the head by one compare-and-swap: that is the commit; it
//! names the stamp and the number of the new units.
//!
//! **Filling.** The units of the newest admission may still have no cell. Head
//! and `filled` describe them completely (all carry the head's stamp), so
//! whoever comes next writes them before doing anything else. At most one
//! admission is unfilled, because an admission begins only where nothing is
//! missing.
//!
//! **Growth.** A ring begins with the few cells of its own line. An admission
//! that would overwrite a unit which still counts first moves the log to a higher
//! plane: it copies the units that count and then moves the head, which names the
//! plane, by one compare-and-swap. A copy is made only after a look that the head
//! stands as it stood, so that what was read is the unit that it was taken for.
//!
//! **Stale helpers.** A cell is a maximum register: it is only ever raised, and
//! every value offered to it is the true stamp of a unit of its index class. A
//! helper or copier that slept through laps offers a smaller stamp and changes
//! nothing.
//!
//! **Torn reads.** A cell may already hold the stamp of a later lap. Whoever
//! wrote it had seen the later head, so a reader that sees the cell sees that
//! head too when it reads the head again: a denial is repeated, an admission's
//! compare-and-swap fails. Head values do not recur ([`Head`]).
//!
//! **Tenants.** A slot's ring outlives its key. Eviction freezes the head of an
//! idle ring and then frees the key word; a new tenant buries the old stamps
//! (`birth`) and then revives the head with a later stamp. A check reads the key
//! word *after* the head: if the key is still its own, the head was too.
//!
//! **A thread that stops anywhere** leaves either nothing or an admission that
//! others finish; it holds nothing that anybody waits for.

mod credit;
mod growth;
mod head;
mod planes;
mod snapshot;
mod straight;
mod tenancy;

pub(crate) use head::Head;
pub(crate) use planes::{LINE_WORDS, Planes};
pub(crate) use straight::{Bound, Judged, Observed};
pub(crate) use tenancy::is_idle;

use crate::log::{ATTEMPTS, Answer, Ask, Attempt, Env, Places, Query, Tenant, answer};
use crate::sync::Word;
use crate::sync::fault::{Fault, planted};
use crate::sync::trace::{Event, event};
use crate::time::Reading;
use planes::{CAPACITIES, Cells, STATE_WORDS};
use snapshot::Snapshot;

/// One slot's log.
#[derive(Clone, Copy)]
pub(crate) struct Ring<'t> {
    head_word: &'t Word,
    /// Filled, refund and birth; then the cells of level 0.
    line: &'t [Word; LINE_WORDS],
    /// All words, for the cells of the higher planes.
    words: &'t [Word],
    planes: &'t Planes,
    block: usize,
}

impl<'t> Ring<'t> {
    /// The ring whose words lie at `places`.
    #[inline(always)]
    pub fn new(words: &'t [Word], places: Places, planes: &'t Planes) -> Self {
        let line = words[places.line..places.line + LINE_WORDS].first_chunk();
        Self {
            head_word: &words[places.head],
            line: line.expect("a line has this length"),
            words,
            planes,
            block: places.block,
        }
    }

    fn head_word(&self) -> &'t Word {
        self.head_word
    }

    /// How many units have a cell; grows for ever.
    fn filled(&self) -> &'t Word {
        &self.line[0]
    }

    /// Capacity lent by refunds: see [`credit`].
    fn refund_word(&self) -> &'t Word {
        &self.line[1]
    }

    /// Stamps up to this one belong to an earlier tenant.
    fn birth(&self) -> &'t Word {
        &self.line[2]
    }

    pub fn head(&self) -> Head {
        Head(self.head_word().load())
    }

    /// Brings the line near, and the cell that the next unit overwrites.
    #[inline(always)]
    pub fn approach(&self, head: Head) {
        if head.level() < self.planes.levels() {
            self.approach_in(head, self.cells(head.level()));
        }
    }

    #[inline(always)]
    fn approach_in(&self, head: Head, cells: Cells<'t>) {
        self.line[0].approach();
        self.line[LINE_WORDS - 1].approach();
        cells.of(head.count()).approach();
    }

    fn is_still(&self, head: Head) -> bool {
        self.head_word().load() == head.0
    }

    /// The cells of a level in use.
    #[inline(always)]
    fn cells(&self, level: usize) -> Cells<'t> {
        Cells(match level {
            0 => &self.line[STATE_WORDS..],
            _ => &self.words[self.planes.block(level, self.block)],
        })
    }

    /// The cell of the unit numbered `index`, in a level in use.
    #[inline(always)]
    fn cell(&self, level: usize, index: u64) -> &'t Word {
        self.cells(level).of(index)
    }

    /// Answers a query under the tenant's name.
    #[inline]
    pub fn ask(&self, tenant: Tenant<'_>, query: &Query<'_>, env: Env<'_>) -> Attempt {
        match self.attempt(tenant, query, env) {
            Some(attempt) => attempt,
            None => self.ask_again(tenant, query, env),
        }
    }

    #[cold]
    fn ask_again(&self, tenant: Tenant<'_>, query: &Query<'_>, env: Env<'_>) -> Attempt {
        for _ in 1..ATTEMPTS {
            if let Some(attempt) = self.attempt(tenant, query, env) {
                return attempt;
            }
        }
        Attempt::Corrupt
    }

    /// One attempt; `None` if the log moved meanwhile, or was moved on.
    #[inline]
    fn attempt(&self, tenant: Tenant<'_>, query: &Query<'_>, env: Env<'_>) -> Option<Attempt> {
        let early = planted(Fault::HorizonReadEarly).then(|| env.horizon.load());
        let head = self.head();
        if head.is_corrupt(self.planes.levels()) {
            return Some(Attempt::Corrupt);
        }
        if head.is_frozen() {
            return Some(Attempt::Gone);
        }
        let cells = self.cells(head.level());
        // They come while the clock is read.
        self.approach_in(head, cells);
        // After the head: a key that is still ours then was ours at the head.
        if !(planted(Fault::KeyUnchecked) || tenant.holds()) {
            return Some(Attempt::Gone);
        }
        let now = env.now.reading();
        let filled = self.filled().load();
        if head.missing(filled) != 0 {
            let stuck = self.is_still(head) && !self.help(head, filled);
            return stuck.then_some(Attempt::Corrupt);
        }
        let log = Snapshot::new(self, head, cells);
        let answer = self.decide(&log, filled, query, now, env.horizon, early)?;
        Some(Attempt::Answered(answer))
    }

    /// Decides on a filled head at a reading that was taken after it; `None` if the
    /// head moved meanwhile, or was moved to a higher plane to make room.
    #[inline]
    fn decide(
        &self,
        log: &Snapshot<'_, '_>,
        filled: u64,
        query: &Query<'_>,
        now: Reading,
        horizon: &Word,
        early: Option<u64>,
    ) -> Option<Answer> {
        let head = log.head;
        let at = now.tick().max(head.stamp());
        let credit = self.lent().credit(log.birth, query.horizons, at);
        let (admitted, standing) = answer(log, query, at, credit);
        let stands = if admitted && query.ask == Ask::Charge {
            if log.must_grow(query.cost, at, horizon, early) {
                self.grow(log, query, at, horizon);
                return None;
            }
            self.commit(head, filled, at, query.cost)
        } else {
            planted(Fault::AnswerUnchecked) || self.is_still(head)
        };
        stands.then_some(Answer {
            admitted,
            at,
            now,
            lent: credit.units > 0,
            standing,
        })
    }

    /// Admits `cost` units stamped `at`; `false` if the head moved meanwhile.
    ///
    /// No unit that still counts is overwritten: below the top because the ring
    /// grows first, at the top because the law found the unit that is
    /// `limit + 1 - cost` back dead in every window, and the cells to be written
    /// belong to units at least that far back.
    #[inline(always)]
    fn commit(&self, head: Head, filled: u64, at: u64, cost: u32) -> bool {
        let next = head.admit(at, cost);
        if !self.head_word().cas(head.0, next.0) {
            return false;
        }
        self.fill(next, filled);
        true
    }

    /// Finishes another thread's admission; `false` if the words contradict
    /// each other.
    #[cold]
    fn help(&self, head: Head, filled: u64) -> bool {
        if head.missing(filled) > CAPACITIES[head.level()].into() {
            return false;
        }
        event(Event::Help);
        self.fill(head, filled);
        true
    }

    /// Writes the cells of the newest admission. Anyone may, any number of times.
    #[inline(always)]
    fn fill(&self, head: Head, filled: u64) {
        let missing = head.missing(filled);
        let cells = self.cells(head.level());
        for index in (0..missing).map(|n| filled.wrapping_add(n)) {
            if index >= cells.count().into() {
                event(Event::Lap);
            }
            let cell = cells.of(index);
            if planted(Fault::FillOnce) {
                cell.cas(cell.load(), head.stamp());
            } else {
                cell.raise(head.stamp());
            }
        }
        self.filled().cas(filled, filled.wrapping_add(missing));
    }
}
