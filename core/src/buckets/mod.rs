//! The bucketed ring: a key's log as counts, for limits too large for one stamp a
//! unit. It has the slot life of [`Ring`](crate::ring::Ring) and one commit point.
//!
//! **What is stored.** The head says how many units were admitted in all and the
//! quantum of the newest; [`mark`] has the layout of all words. For each width of
//! buckets that the rule's windows need there is a plane of cells; the cell of a
//! bucket says how many units there were when the head *entered* it. Units that a
//! window counts no more lie in buckets up to some `x` ([`span`]); how many were
//! admitted until the end of `x` is what the next bucket that the head entered
//! says of its beginning. So units that count = those of the head, less those.
//!
//! **Fast path.** A check reads the head, then its key word, birth, credit and
//! clock, and then the cells from `x + 1` on until one answers: one cell for a
//! busy key, one for each bucket of the window at most. A denial reads the head
//! again and writes nothing. An admission that stays in its buckets is one
//! compare-and-swap of the head.
//!
//! **Rotation.** An admission whose quantum lies in a later bucket of some plane
//! first marks the cell of the head's bucket as *left* and enters the units of the
//! head into the cell of its own bucket; then it moves the head, which is the
//! commit. Nothing remains to be done after it, so there is nothing to help.
//!
//! **What is entered is what the head found.** A cell is written by a
//! compare-and-swap from a value that was read *before* a look at the head that
//! showed it unmoved. Writes to a cell therefore come in the order of the heads
//! that they were made under: one that was made under an older head finds the cell
//! changed, and fails. When the head enters a bucket, the entry is that of the
//! head before it, and nobody can replace it by another of the same bucket.
//!
//! **Abandoned entries.** A thread that was overtaken leaves entries of buckets
//! that the head may never enter. Those are never marked as left, and are not the
//! head's own bucket, so nobody reads them. (Such an entry must not answer for a
//! skipped bucket: the overtaker may have admitted units since.)
//!
//! **Laps.** A plane has twice as many cells as the longest look back. An overtaken
//! thread whose clock had run on may have taken the cell of a bucket that is still
//! needed for one a lap or more later. A check or rotation that finds such a cell
//! takes that bucket's first tick as an instant that some clock has shown, and
//! decides anew not before it: from there no one looks back as far as the bucket
//! that was lost. Each such turn moves the instant on. So a cell never goes back to
//! an earlier bucket while its tenant lives.
//!
//! **Why a look finds an answer.** Let `x` be the bucket looked back to, `h` the
//! head's, `f` the one of the tenant's birth. If `h <= x`, nothing that counts is
//! there. If `x < f`, everything the tenant has counts, and birth says with how
//! many units it began. Else `f <= x < h`, so the head entered its bucket by a
//! rotation, and the cells from `x + 1` to `h`, less than half a lap, contain at
//! least that entry: either it stands there, or a later lap does, or the head has
//! moved. The first bucket found that was entered is the next after `x` that has
//! units, because one that was entered and left carries its mark: whoever moved
//! the head on had marked it before.
//!
//! **Torn reads.** Entries of the head's buckets are true for as long as they
//! stand, but birth and credit may already be a later tenant's. The second look at
//! the head, or its compare-and-swap, shows it. Head values do not recur: quanta
//! never fall, and in one quantum there are at most [`MOST`] units, half
//! of what the count can tell apart.
//!
//! **Tenants.** Freezing and reviving are those of the ring, and a check reads the
//! key word after the head. Revivers first agree by one compare-and-swap of
//! `birth` on the quantum and count of the rebirth: the quantum is later than any
//! that the former tenants' heads entered, so in the buckets after it a mark is
//! never theirs; the rebirth counts as a unit, so no entry of theirs equals one of
//! the new tenant's, and what one of their threads writes late finds the cell
//! changed. A rule with other widths may have had the slot before: cells hold
//! quanta, not bucket numbers, and an entry of a former tenant that lies ahead is
//! again an instant that some clock has shown.
//!
//! **Units run modulo 2^25**: a window asked for must never have held more than
//! [`MOST`]. The law sees to it for the windows of each query; one that a policy
//! leaves out and a later one brings back has to be asked for meanwhile too, with
//! a limit of at most `MOST`, or be bounded by the others.
//!
//! **A thread that stops anywhere** leaves either nothing, an abandoned entry, a
//! mark that is true, an agreed birth, or a whole admission.

mod counts;
mod credit;
pub(crate) mod mark;
mod planes;
mod rotation;
mod snapshot;
pub(crate) mod span;
mod tenancy;

#[cfg(all(test, not(any(slidegate_loom, slidegate_shuttle))))]
mod tests;

pub(crate) use mark::Mark;
pub(crate) use planes::{MAX_PLANES, Planes, Shifts};
pub(crate) use tenancy::is_idle;

use crate::log::{ATTEMPTS, Answer, Ask, Attempt, Places, Query, Tenant, answer};
use crate::sync::Word;
use crate::sync::fault::{Fault, planted};
use crate::sync::trace::{Event, event};
use crate::time::Now;
use counts::Counted;
use mark::{first_tick, quantum_of};
use snapshot::Snapshot;
use span::CELLS;

#[cfg(not(any(slidegate_loom, slidegate_shuttle)))]
const _: () = assert!(span::SHORTEST_TICKS == crate::window::MIN_BUCKETED_TICKS);

/// Words of a slot's line: refund and birth.
pub(crate) const LINE_WORDS: usize = 2;

/// One slot's log.
#[derive(Clone, Copy)]
pub(crate) struct Buckets<'t> {
    head_word: &'t Word,
    /// Refund and birth.
    line: &'t [Word; LINE_WORDS],
    /// All words, for the cells.
    words: &'t [Word],
    planes: &'t Planes,
    block: usize,
}

/// What a bucketed ring is asked under.
#[derive(Clone, Copy)]
pub(crate) struct Env<'l> {
    pub now: Now<'l>,
    /// The planes of the query's rule, those of windows that the query leaves out
    /// included.
    pub shifts: &'l Shifts,
}

/// Why an attempt has to be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Setback {
    /// The head moved.
    Moved,
    /// Another thread's clock has shown this quantum.
    Ahead(u64),
    /// The words contradict each other, if the head has not moved.
    Contradiction,
}

impl<'t> Buckets<'t> {
    /// The log whose words lie at `places`.
    #[inline]
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

    /// Capacity lent by refunds: see [`credit`].
    fn refund_word(&self) -> &'t Word {
        &self.line[0]
    }

    /// The head that this tenant was born with.
    fn birth_word(&self) -> &'t Word {
        &self.line[1]
    }

    fn head(&self) -> Mark {
        Mark(self.head_word().load())
    }

    fn is_still(&self, head: Mark) -> bool {
        self.head_word().load() == head.0
    }

    /// Whether the log is closed to admissions until a new tenant revives it.
    pub fn is_frozen(&self) -> bool {
        self.head().is_flagged()
    }

    #[inline]
    fn cell(&self, plane: usize, bucket: u64) -> &'t Word {
        let place = bucket as usize & (CELLS - 1);
        &self.words[self.planes.block(plane, self.block).start + place]
    }

    /// Answers a query under the tenant's name.
    pub fn ask(&self, tenant: Tenant<'_>, query: &Query<'_>, env: Env<'_>) -> Attempt {
        // What other threads' clocks have shown, in quanta.
        let mut shown = 0;
        for _ in 0..ATTEMPTS {
            let head = self.head();
            // After the head: a key that is still ours then was ours at the head.
            if head.is_flagged() || !(planted(Fault::KeyUnchecked) || tenant.holds()) {
                return Attempt::Gone;
            }
            match self.decide(head, query, env, shown) {
                Ok(answer) => return Attempt::Answered(answer),
                Err(Setback::Moved) => {}
                Err(Setback::Ahead(quantum)) => {
                    event(Event::Ahead);
                    shown = shown.max(quantum);
                }
                Err(Setback::Contradiction) if self.is_still(head) => return Attempt::Corrupt,
                Err(Setback::Contradiction) => {}
            }
        }
        Attempt::Corrupt
    }

    /// Decides on a head, not before the quantum `shown`.
    #[inline]
    fn decide(
        &self,
        head: Mark,
        query: &Query<'_>,
        env: Env<'_>,
        shown: u64,
    ) -> Result<Answer, Setback> {
        let birth = Mark(self.birth_word().load());
        let lent = self.lent();
        let now = env.now.reading();
        let at = now.tick().max(first_tick(head.quantum().max(shown)));
        let credit = credit::credit(lent, birth, query.horizons, at);
        let log = Snapshot::new(self, env.shifts, head, birth, quantum_of(at));
        let (admitted, standing) = answer(&Counted(&log), query, at, credit);
        log.outcome()?;
        if admitted && query.ask == Ask::Charge {
            self.commit(head, quantum_of(at), query.cost, env.shifts)?;
        } else if !planted(Fault::AnswerUnchecked) && !self.is_still(head) {
            return Err(Setback::Moved);
        }
        Ok(Answer {
            admitted,
            at,
            now,
            lent: credit.units > 0,
            standing,
        })
    }

    /// Admits `cost` units in `quantum`.
    fn commit(&self, head: Mark, quantum: u64, cost: u32, shifts: &Shifts) -> Result<(), Setback> {
        let late = planted(Fault::EnterLate);
        if !late {
            self.rotate(head, quantum, shifts)?;
        }
        if !self.head_word().cas(head.0, head.after(quantum, cost).0) {
            return Err(Setback::Moved);
        }
        match late {
            true => self.rotate(head, quantum, shifts),
            false => Ok(()),
        }
    }
}
