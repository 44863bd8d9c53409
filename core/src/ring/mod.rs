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
//! **Stale helpers.** A cell is a maximum register: it is only ever raised, and
//! every value offered to it is the true stamp of a unit of its index class. A
//! helper that slept through laps offers a smaller stamp and changes nothing.
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

mod head;

pub(crate) use head::Head;

use crate::law::{self, Block, Credit, Log, Standing};
use crate::sync::Word;
use crate::sync::fault::{Fault, planted};
use crate::sync::trace::{Event, event};
use crate::time::{Reading, Timeline};
use crate::window::Window;

/// Words of a slot: head, filled, refund, birth.
pub(crate) const SLOT_WORDS: usize = 4;

/// Every loop ends: words that no protocol step wrote must not hang a caller.
/// Each turn but the last means that another thread got on.
pub(crate) const ATTEMPTS: usize = 1 << 20;

const CREDIT_STAMP_BITS: u32 = 48;
const CREDIT_STAMP_MASK: u64 = (1 << CREDIT_STAMP_BITS) - 1;
const MAX_CREDIT: u64 = u16::MAX as u64;

/// One slot's log.
#[derive(Clone, Copy)]
pub(crate) struct Ring<'t> {
    head: &'t Word,
    /// How many units have a cell; grows for ever.
    filled: &'t Word,
    /// `units:16 | oldest:48`: capacity lent by refunds.
    refund: &'t Word,
    /// Stamps up to this one belong to an earlier tenant.
    birth: &'t Word,
    /// Stamps by index class; the length is the capacity, a power of two.
    cells: &'t [Word],
}

/// A key's claim on a slot: the key word and what it must still hold.
#[derive(Clone, Copy)]
pub(crate) struct Tenant<'t> {
    pub key: &'t Word,
    pub word: u64,
}

impl Tenant<'_> {
    fn holds(self) -> bool {
        self.key.load() == self.word
    }
}

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
    pub windows: &'p [Window],
    /// Units, at least 1 and at most the smallest limit; ignored by a survey.
    pub cost: u32,
    pub ask: Ask,
    /// Whether the answer needs its [`Standing`].
    pub detail: bool,
}

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
    /// The window that binds; `None` where no detail was asked for.
    pub standing: Option<Standing>,
}

/// The outcome of one attempt on a ring.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Attempt {
    Answered(Answer),
    /// The slot is not this tenant's any more.
    Gone,
    /// The words contradict each other.
    Corrupt,
}

impl<'t> Ring<'t> {
    pub fn new(slot: &'t [Word], cells: &'t [Word]) -> Self {
        let [head, filled, refund, birth] = slot else {
            unreachable!("a slot has {SLOT_WORDS} words");
        };
        Self {
            head,
            filled,
            refund,
            birth,
            cells,
        }
    }

    pub fn head(&self) -> Head {
        Head(self.head.load())
    }

    fn is_still(&self, head: Head) -> bool {
        self.head.load() == head.0
    }

    fn cell(&self, index: u64) -> &'t Word {
        &self.cells[index as usize & (self.cells.len() - 1)]
    }

    /// Answers a query under the tenant's name.
    pub fn ask(&self, tenant: Tenant<'_>, query: &Query<'_>, clock: &Timeline) -> Attempt {
        for _ in 0..ATTEMPTS {
            let head = self.head();
            if head.is_corrupt() {
                return Attempt::Corrupt;
            }
            // After the head: a key that is still ours then was ours at the head.
            if head.is_frozen() || !(planted(Fault::KeyUnchecked) || tenant.holds()) {
                return Attempt::Gone;
            }
            let filled = self.filled.load();
            if head.missing(filled) != 0 {
                if self.is_still(head) && !self.help(head, filled) {
                    return Attempt::Corrupt;
                }
                continue;
            }
            if let Some(answer) = self.decide(head, filled, query, clock) {
                return Attempt::Answered(answer);
            }
        }
        Attempt::Corrupt
    }

    /// Decides on a filled head; `None` if the head moved meanwhile.
    #[inline]
    fn decide(
        &self,
        head: Head,
        filled: u64,
        query: &Query<'_>,
        clock: &Timeline,
    ) -> Option<Answer> {
        let log = Snapshot {
            ring: self,
            count: head.count(),
            birth: self.birth.load(),
        };
        let credit = self.credit(log.birth);
        let now = clock.now();
        let at = now.tick().max(head.stamp());
        let (admitted, standing) = answer(&log, query, at, credit);
        let stands = if admitted && query.ask == Ask::Charge {
            self.commit(head, filled, at, query.cost)
        } else {
            planted(Fault::AnswerUnchecked) || self.is_still(head)
        };
        stands.then_some(Answer {
            admitted,
            at,
            now,
            standing,
        })
    }

    /// Admits `cost` units stamped `at`; `false` if the head moved meanwhile.
    ///
    /// No unit that still counts is overwritten: the law found the unit that is
    /// `limit + 1 - cost` back dead in every window, and the cells to be written
    /// belong to units at least that far back.
    fn commit(&self, head: Head, filled: u64, at: u64, cost: u32) -> bool {
        let next = head.admit(at, cost);
        if !self.head.cas(head.0, next.0) {
            return false;
        }
        self.fill(next, filled);
        true
    }

    /// Finishes another thread's admission; `false` if the words contradict
    /// each other.
    fn help(&self, head: Head, filled: u64) -> bool {
        if head.missing(filled) > self.cells.len() as u64 {
            return false;
        }
        event(Event::Help);
        self.fill(head, filled);
        true
    }

    /// Writes the cells of the newest admission. Anyone may, any number of times.
    fn fill(&self, head: Head, filled: u64) {
        let missing = head.missing(filled);
        for index in (0..missing).map(|n| filled.wrapping_add(n)) {
            if index >= self.cells.len() as u64 {
                event(Event::Lap);
            }
            let cell = self.cell(index);
            if planted(Fault::FillOnce) {
                cell.cas(cell.load(), head.stamp());
            } else {
                cell.raise(head.stamp());
            }
        }
        self.filled.cas(filled, filled.wrapping_add(missing));
    }

    fn credit(&self, birth: u64) -> Credit {
        let credit = decode_credit(self.refund.load());
        match credit.oldest > birth {
            true => credit,
            false => Credit::default(),
        }
    }

    /// Lends back `units` that were admitted with the stamp `admitted_at`. Each
    /// admission may be refunded once. Under another tenant it has no effect,
    /// because the credit is older than that tenant's birth.
    pub fn refund(&self, units: u32, admitted_at: u64, retention: u64, now: u64) {
        for _ in 0..ATTEMPTS {
            let word = self.refund.load();
            let birth = self.birth.load();
            if admitted_at <= birth {
                return;
            }
            let lent = decode_credit(word);
            let alive = lent.units > 0
                && lent.oldest > birth
                && lent.oldest.saturating_add(retention) > now;
            let credit = match alive {
                true => Credit {
                    units: lent.units + units,
                    oldest: lent.oldest.min(admitted_at),
                },
                false => Credit {
                    units,
                    oldest: admitted_at,
                },
            };
            if self.refund.cas(word, encode_credit(credit)) {
                return;
            }
        }
    }

    /// Closes the ring if it has been idle for `retention` ticks at `now`;
    /// whether it is closed.
    ///
    /// The retention is read after the head: it was raised before the first
    /// admission that needs more of it, so whoever sees that admission's head
    /// sees the raise, and whoever does not fails to move the head.
    pub fn freeze_if_idle(&self, tenant: Tenant<'_>, retention: &Word, now: u64) -> bool {
        for _ in 0..ATTEMPTS {
            let early = planted(Fault::RetentionReadEarly).then(|| retention.load());
            let head = self.head();
            if head.is_frozen() {
                return true;
            }
            // Only a hint that spares work: a newer tenant's ring would not be
            // idle, and freeing goes by the old word.
            if !tenant.holds() || head.is_corrupt() {
                return false;
            }
            let retention = early.unwrap_or_else(|| retention.load());
            if head.stamp().saturating_add(retention) > now {
                return false;
            }
            let filled = self.filled.load();
            if head.missing(filled) != 0 && !planted(Fault::FreezeUnfilled) {
                if self.is_still(head) && !self.help(head, filled) {
                    return false;
                }
                continue;
            }
            if self.head.cas(head.0, head.frozen().0) {
                event(Event::Evict);
                return true;
            }
        }
        false
    }

    /// Whether `freeze_if_idle` would close the ring, as far as a look can tell.
    pub fn is_idle(&self, retention: &Word, now: u64) -> bool {
        let head = self.head();
        head.is_frozen() || head.stamp().saturating_add(retention.load()) <= now
    }

    /// Opens a frozen ring for the tenant; `false` if the slot is not its any
    /// more. Anyone may do it for the tenant, any number of times.
    pub fn revive(&self, tenant: Tenant<'_>, now: u64) -> bool {
        for _ in 0..ATTEMPTS {
            let head = self.head();
            // After the head: else a ring frozen under a later tenant would be
            // opened in the name of this one.
            if !tenant.holds() {
                return false;
            }
            if !head.is_frozen() {
                return true;
            }
            if !planted(Fault::BirthNotRaised) {
                self.birth.raise(head.stamp());
            }
            let reborn = now.max(head.stamp() + 1);
            if self.head.cas(head.0, head.revived(reborn).0) {
                event(Event::Rebirth);
            }
        }
        false
    }
}

/// The ring as one head value describes it.
struct Snapshot<'r, 't> {
    ring: &'r Ring<'t>,
    count: u64,
    birth: u64,
}

impl Log for Snapshot<'_, '_> {
    #[inline]
    fn stamp(&self, back: u32) -> u64 {
        if back > self.capacity() {
            return 0;
        }
        let stamp = self.ring.cell(self.count.wrapping_sub(back.into())).load();
        if stamp > self.birth { stamp } else { 0 }
    }

    fn capacity(&self) -> u32 {
        self.ring.cells.len() as u32
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
}

/// The answer for a key without history.
pub(crate) fn answer_fresh(query: &Query<'_>, clock: &Timeline) -> Answer {
    let now = clock.now();
    let at = now.tick();
    let (admitted, standing) = answer(&NoLog, query, at, Credit::default());
    Answer {
        admitted,
        at,
        now,
        standing,
    }
}

#[inline]
fn answer(log: &impl Log, query: &Query<'_>, at: u64, credit: Credit) -> (bool, Option<Standing>) {
    let &Query { windows, cost, .. } = query;
    let block: Option<Block> = match query.ask {
        Ask::Survey => None,
        Ask::Charge | Ask::Peek => law::block(log, windows, cost, at, credit),
    };
    let charged = if query.ask == Ask::Charge { cost } else { 0 };
    let standing = match (query.detail, block) {
        (false, _) => None,
        (true, Some(block)) => Some(law::blocked(log, windows, block, at, credit)),
        (true, None) => law::tightest(log, windows, charged, at, credit),
    };
    (block.is_none(), standing)
}

fn decode_credit(word: u64) -> Credit {
    Credit {
        units: (word >> CREDIT_STAMP_BITS) as u32,
        oldest: word & CREDIT_STAMP_MASK,
    }
}

/// More than 16 bits of units are cut: lending less is safe.
fn encode_credit(credit: Credit) -> u64 {
    (u64::from(credit.units).min(MAX_CREDIT) << CREDIT_STAMP_BITS)
        | (credit.oldest & CREDIT_STAMP_MASK)
}
