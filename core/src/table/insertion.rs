//! How a key comes to a slot, and loses it.
//!
//! **Insertion.** An empty word is claimed as *tentative*; then, after a fence, the rest
//! of the probe set is read. Two insertions of one key claim different slots only
//! if each claims before it looks. One fence comes before the other, and whoever
//! looks after the later one finds what was claimed, or seen as claimed, before the
//! earlier; without fences both could still read what was there before. The lower
//! slot wins, the higher is freed. Anyone who meets a tentative word of its own key
//! finishes it, so a thread that stops in the middle leaves nothing to wait for.
//!
//! **Eviction.** Before an insertion chooses between its two buckets, the slots
//! whose ring has been idle for the longest window are frozen and freed, so that the
//! choice sees living keys only: such a key is indistinguishable from a fresh one,
//! by all clocks that differ by no more than [`SKEW`](super::SKEW).
//! The heads stand beside the key words, so a look at them waits for nothing more.
//! Whoever finds a frozen ring under a committed key frees the slot. The key word
//! freed is the one read before the ring's head, so that a newer tenant is never
//! touched. *The longest window* (the retention) is that of any policy of
//! the table's life: it is raised before a policy comes into force and never
//! lowered, so a policy that returns finds its history.
//!
//! **A tentative word of another key** whose thread stopped is freed when nothing
//! else gives room, at most twice a call; its owner, if alive, looks again.

use super::geometry::{BUCKET, PROBES};
use super::key::{Key, KeyWord, State};
use super::kind::{Kind, Slot};
use super::probes::Probes;
use super::{Table, settled};
use crate::log;
use crate::sync;
use crate::sync::fault::{Fault, planted};
use crate::sync::trace::{Event, event};
use crate::time::Now;

/// How many foreign tentative words one call may free.
pub(super) const MAX_FREED_FOREIGN: usize = 2;

/// A key that needs a slot, with the name to keep for it.
#[derive(Clone, Copy)]
pub(super) struct Newcomer<'q> {
    pub key: Key,
    pub name: &'q [u8],
}

/// What became of an attempt to make room for a key.
pub(super) enum Room {
    /// The key stands in this slot, under this word.
    Made(usize, KeyWord),
    /// Look again.
    Changed,
    None,
}

/// What one look at a probe set found.
pub(super) struct Look {
    /// The key words in their order, up to the key's own.
    words: [KeyWord; PROBES],
    pub committed: Option<(usize, KeyWord)>,
    /// The lowest insertion of the same key.
    tentative: Option<usize>,
    /// The lowest of another.
    foreign: Option<usize>,
    /// A bit for each empty word.
    empty: u32,
}

impl Look {
    /// The place of the first empty word of the emptier bucket.
    fn room(&self) -> Option<usize> {
        let [first, second] = [self.empty & FIRST_BUCKET, self.empty & !FIRST_BUCKET];
        let emptier = match second.count_ones() > first.count_ones() {
            true => second,
            false => first,
        };
        (emptier != 0).then(|| emptier.trailing_zeros() as usize % PROBES)
    }
}

/// The places of the first bucket in a probe set.
const FIRST_BUCKET: u32 = (1 << BUCKET) - 1;

impl<K: Kind> Table<K> {
    #[inline]
    pub(super) fn look(&self, probes: &Probes<'_>, fingerprint: u64) -> Look {
        let mut words = [KeyWord(0); PROBES];
        let (mut tentative, mut foreign, mut empty) = (None, None, 0);
        let committed = probes.find(|place, word| {
            words[place] = word;
            match (word.state(), word.names(fingerprint)) {
                (State::Empty, _) => empty |= 1 << place,
                (State::Committed, true) => return Some((probes.slot(place), word)),
                (State::Committed, false) => {}
                (State::Tentative, true) => tentative = tentative.or(Some(place)),
                (State::Tentative, false) => foreign = foreign.or(Some(place)),
            }
            None
        });
        Look {
            words,
            committed,
            tentative,
            foreign,
            empty,
        }
    }

    /// Brings the key one step nearer to a slot of its own.
    pub(super) fn make_room(
        &self,
        look: &Look,
        probes: &Probes<'_>,
        newcomer: Newcomer<'_>,
        now: Now<'_>,
        foreign_left: &mut usize,
    ) -> Room {
        // What the newcomer will write comes while the clock is read.
        if let Some(place) = look.tentative.or_else(|| look.room()) {
            self.approach_slot(probes.slot(place));
        }
        let now = now.reading().tick();
        if let Some(place) = look.tentative {
            event(Event::Takeover);
            return self.finish(place, look.words[place], probes, newcomer, now);
        }
        let changed = self.evict_idle(probes, look, settled(now));
        if let (false, Some(place)) = (changed, look.room()) {
            return self.claim(place, look, probes, newcomer, now);
        }
        let look = self.look(probes, newcomer.key.fingerprint);
        if look.committed.is_some() || look.tentative.is_some() {
            return Room::Changed;
        }
        match look.room() {
            Some(place) => self.claim(place, &look, probes, newcomer, now),
            None if changed => Room::Changed,
            None => self.free_foreign(&look, probes, foreign_left),
        }
    }

    /// Frees another key's claim, whose owner may have died.
    fn free_foreign(&self, look: &Look, probes: &Probes<'_>, left: &mut usize) -> Room {
        let Some(place) = look.foreign.filter(|_| *left > 0) else {
            return Room::None;
        };
        if self.free(probes.slot(place), look.words[place]) {
            event(Event::ForeignFreed);
            *left -= 1;
        }
        Room::Changed
    }

    /// Claims an empty slot, unless somebody was faster.
    fn claim(
        &self,
        place: usize,
        look: &Look,
        probes: &Probes<'_>,
        newcomer: Newcomer<'_>,
        now: u64,
    ) -> Room {
        if probes.is_filling(place) {
            self.note_that_it_fills();
        }
        let empty = look.words[place];
        let claimed = empty.claimed(newcomer.key.fingerprint);
        match self.key(probes.slot(place)).cas(empty.0, claimed.0) {
            true => self.finish(place, claimed, probes, newcomer, now),
            false => Room::Changed,
        }
    }

    /// From now on memory may come in large pieces, because it will be used.
    #[inline]
    fn note_that_it_fills(&self) {
        if self.fills.get() == 0 {
            self.fills.update(|_| 1);
            self.words.condense();
        }
    }

    /// Frees every slot of a probe set that was idle at the tick `settled`; whether it
    /// is worth another look.
    fn evict_idle(&self, probes: &Probes<'_>, look: &Look, settled: u64) -> bool {
        let (mut changed, retention) = (false, self.retention().load());
        // The words were read before the heads: freeing a word read after its head could
        // free a newer tenant's. The retention may grow meanwhile; who freezes reads it
        // again.
        for (place, &word) in look.words.iter().enumerate() {
            let is_idle = || K::is_idle(probes.head(place).load(), retention, settled);
            if word.is_committed() && is_idle() {
                changed |= self.evict(probes.slot(place), word, settled);
            }
        }
        changed
    }

    /// Frees a slot, if it was idle at the tick `settled`.
    #[cold]
    fn evict(&self, slot: usize, word: KeyWord, settled: u64) -> bool {
        // Before the key is gone.
        self.evicted().raise(settled);
        let (tenant, log) = (self.tenant(slot, word), self.log(slot));
        let is_frozen = log.freeze_if_idle(tenant, self.retention(), settled);
        if is_frozen {
            self.free(slot, word);
        }
        is_frozen
    }

    /// Decides an insertion: commits the claim, or frees it in favour of another
    /// one of the same key. Anyone may do it, any number of times.
    fn finish(
        &self,
        place: usize,
        claim: KeyWord,
        probes: &Probes<'_>,
        newcomer: Newcomer<'_>,
        now: u64,
    ) -> Room {
        let Newcomer { key, name } = newcomer;
        let slot = probes.slot(place);
        if !planted(Fault::RescanUnfenced) {
            sync::fence();
        }
        if !planted(Fault::InsertWithoutRescan) && !self.stands_alone(place, claim, probes, key) {
            event(Event::DuplicateLost);
            return Room::Changed;
        }
        let claim = match planted(Fault::CommitBeforeRebirth)
            && self.key(slot).cas(claim.0, claim.committed().0)
        {
            true => claim.committed(),
            false => claim,
        };
        if !self.log(slot).revive(self.tenant(slot, claim), now) {
            return Room::Changed;
        }
        self.begin_record(slot, claim, key, name);
        match self.key(slot).cas(claim.0, claim.committed().0) {
            true => Room::Made(slot, claim.committed()),
            false => Room::Changed,
        }
    }

    /// Whether the claim stands against all that the other slots of the probe set hold;
    /// if not, it is freed.
    fn stands_alone(&self, place: usize, claim: KeyWord, probes: &Probes<'_>, key: Key) -> bool {
        let slot = probes.slot(place);
        let lost = probes.find(|other, word| {
            let meets = word.claims(key.fingerprint) && other != place;
            let holds = || self.prevails(slot, claim, probes.slot(other), other < place, key);
            (meets && !holds()).then_some(())
        });
        lost.is_none()
    }

    /// As [`stands_alone`](Self::stands_alone), against one of them.
    fn prevails(
        &self,
        slot: usize,
        claim: KeyWord,
        other: usize,
        comes_first: bool,
        key: Key,
    ) -> bool {
        for _ in 0..log::ATTEMPTS {
            let word = KeyWord(self.key(other).load());
            if !word.claims(key.fingerprint) {
                return true;
            }
            if word.is_tentative() && !comes_first {
                if planted(Fault::IgnoreLaterInsertion) {
                    return true;
                }
                self.free(other, word);
                continue;
            }
            if word.is_committed() && self.log(other).is_frozen() {
                self.free(other, word);
                continue;
            }
            self.free(slot, claim);
            return false;
        }
        false
    }
}
