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
//! choice sees living keys only: such a key is indistinguishable from a fresh one.
//! The heads stand beside the key words, so a look at them waits for nothing more.
//! Whoever finds a frozen ring under a committed key frees the slot. The key word
//! freed is the one read before the ring's head, so that a newer tenant is never
//! touched. *The longest window* (the retention) is that of any policy of
//! the table's life: it is raised before a policy comes into force and never
//! lowered, so a policy that returns finds its history.
//!
//! **Clocks that disagree.** Who evicts notes the instant first. A newcomer begins no
//! earlier than that, as long as any clock may still be behind it by as much as clocks
//! of two processors may be: it may be the very key that was evicted.
//!
//! **A tentative word of another key** whose thread stopped is freed when nothing
//! else gives room, at most twice a call; its owner, if alive, looks again.

use super::geometry::{BUCKET, PROBES};
use super::key::{Key, KeyWord};
use super::kind::{Kind, Slot};
use super::{ProbeSet, Table, is_skew};
use crate::log::{self, Tenant};
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
    /// As in [`Query`](crate::log::Query).
    pub widths: &'q [u8],
}

/// What became of an attempt to make room for a key.
pub(super) enum Room {
    /// The key stands in this slot, under this word.
    Made(usize, KeyWord),
    /// Look again.
    Changed,
    None,
}

/// Where a newcomer's time begins.
enum From {
    /// At this tick, or earlier in a log that nobody had before.
    Anywhere(u64),
    /// At this tick, no earlier than the latest eviction.
    Eviction(u64),
}

/// What one look at a probe set found.
#[derive(Default)]
pub(super) struct Look {
    pub committed: Option<(usize, KeyWord)>,
    /// The lowest insertion of the same key.
    tentative: Option<(usize, KeyWord)>,
    /// An empty word in the emptier bucket.
    empty: Option<(usize, KeyWord)>,
    foreign: Option<(usize, KeyWord)>,
}

impl<K: Kind> Table<K> {
    pub(super) fn look(&self, probes: &ProbeSet, fingerprint: u64) -> Look {
        let mut look = Look::default();
        let mut empties = [(0, None); 2];
        for (place, &slot) in probes.iter().enumerate() {
            let word = KeyWord(self.key(slot).load());
            let found = Some((slot, word));
            if word.is_empty() {
                let (count, first) = &mut empties[place / BUCKET];
                *count += 1;
                *first = first.or(found);
            } else if word.is_committed() && word.names(fingerprint) {
                look.committed = found;
                return look;
            } else if word.is_tentative() && word.names(fingerprint) {
                look.tentative = look.tentative.or(found);
            } else if word.is_tentative() {
                look.foreign = look.foreign.or(found);
            }
        }
        let [first, second] = empties;
        look.empty = match second.0 > first.0 {
            true => second.1,
            false => first.1,
        };
        look
    }

    /// Brings the key one step nearer to a slot of its own.
    pub(super) fn make_room(
        &self,
        look: &Look,
        probes: &ProbeSet,
        newcomer: Newcomer<'_>,
        now: Now<'_>,
        foreign_left: &mut usize,
    ) -> Room {
        let now = now.kept();
        let fingerprint = newcomer.key.fingerprint;
        if let Some((slot, word)) = look.tentative {
            event(Event::Takeover);
            return self.finish(slot, word, probes, newcomer, now);
        }
        let changed = self.evict_idle(probes, fingerprint, now.reading().tick());
        if let (false, Some(empty)) = (changed, look.empty) {
            return self.claim(empty, probes, newcomer, now);
        }
        let look = self.look(probes, fingerprint);
        if look.committed.is_some() || look.tentative.is_some() {
            return Room::Changed;
        }
        match (look.empty, changed) {
            (Some(empty), _) => self.claim(empty, probes, newcomer, now),
            (None, true) => Room::Changed,
            (None, false) => self.free_foreign(&look, foreign_left),
        }
    }

    /// Frees another key's claim, whose owner may have died.
    fn free_foreign(&self, look: &Look, left: &mut usize) -> Room {
        let Some((slot, word)) = look.foreign.filter(|_| *left > 0) else {
            return Room::None;
        };
        if self.free(slot, word) {
            event(Event::ForeignFreed);
            *left -= 1;
        }
        Room::Changed
    }

    /// Claims an empty slot, unless somebody was faster.
    fn claim(
        &self,
        (slot, empty): (usize, KeyWord),
        probes: &ProbeSet,
        newcomer: Newcomer<'_>,
        now: Now<'_>,
    ) -> Room {
        let claimed = empty.claimed(newcomer.key.fingerprint);
        match self.key(slot).cas(empty.0, claimed.0) {
            true => self.finish(slot, claimed, probes, newcomer, now),
            false => Room::Changed,
        }
    }

    /// Frees every idle slot of a probe set; whether it is worth another look.
    fn evict_idle(&self, probes: &ProbeSet, fingerprint: u64, now: u64) -> bool {
        let mut changed = false;
        for &slot in probes {
            // Before the head: freeing a word read after it could free a newer
            // tenant's.
            let word = KeyWord(self.key(slot).load());
            // Somebody brought this very key in meanwhile.
            changed |= word.names(fingerprint) && !word.is_empty();
            if !word.is_committed() {
                continue;
            }
            let (tenant, log) = (self.tenant(slot, word), self.log(slot));
            if !log.is_idle(self.retention(), now) {
                continue;
            }
            // Before the key is gone.
            self.evicted().raise(now);
            if log.freeze_if_idle(tenant, self.retention(), now) {
                self.free(slot, word);
                changed = true;
            }
        }
        changed
    }

    /// Decides an insertion: commits the claim, or frees it in favour of another
    /// one of the same key. Anyone may do it, any number of times.
    fn finish(
        &self,
        slot: usize,
        claim: KeyWord,
        probes: &ProbeSet,
        newcomer: Newcomer<'_>,
        now: Now<'_>,
    ) -> Room {
        let Newcomer { key, name, widths } = newcomer;
        let place = probes.iter().position(|&s| s == slot).unwrap_or(PROBES);
        if !planted(Fault::RescanUnfenced) {
            sync::fence();
        }
        if !planted(Fault::InsertWithoutRescan) {
            for (other_place, &other) in probes.iter().enumerate() {
                let comes_first = other_place < place;
                if other != slot && !self.prevails(slot, claim, other, comes_first, key) {
                    event(Event::DuplicateLost);
                    return Room::Changed;
                }
            }
        }
        let claim = match planted(Fault::CommitBeforeRebirth)
            && self.key(slot).cas(claim.0, claim.committed().0)
        {
            true => claim.committed(),
            false => claim,
        };
        let tenant = self.tenant(slot, claim);
        if !self.begin(slot, tenant, widths, now) {
            return Room::Changed;
        }
        self.begin_record(slot, claim, key, name);
        match self.key(slot).cas(claim.0, claim.committed().0) {
            true => Room::Made(slot, claim.committed()),
            false => Room::Changed,
        }
    }

    /// Opens the log of a newcomer who was not found: perhaps because a clock a little
    /// ahead of another had evicted it, and then the units that still count by that
    /// other one must not pass once more.
    fn begin(&self, slot: usize, tenant: Tenant<'_>, widths: &[u8], now: Now<'_>) -> bool {
        let (log, from) = (self.log(slot), self.beginning(now));
        match from {
            From::Anywhere(tick) => log.revive(tenant, tick),
            // The log may have been open: nobody had it before, or an insertion that was
            // given up has opened it. Closing it first would not do: who sees it closed
            // under the committed key may free a slot that is already in use again.
            From::Eviction(tick) => {
                let moves_on = !planted(Fault::OpenLogUnmoved);
                log.revive(tenant, tick) && (!moves_on || log.move_on(tenant, widths, tick))
            }
        }
    }

    fn beginning(&self, now: Now<'_>) -> From {
        let (tick, evicted) = (now.reading().tick(), self.evicted().load());
        if evicted == 0 || planted(Fault::EvictionForgotten) {
            return From::Anywhere(tick);
        }
        let latest = match evicted > tick {
            true => now.latest().tick(),
            false => tick,
        };
        // Who finds the newcomer may be as far behind `now` as `now` is after this.
        match is_skew(evicted, latest) && is_skew(tick, evicted) {
            true => From::Eviction(tick.max(evicted)),
            false => From::Anywhere(tick),
        }
    }

    /// Whether the claim stands against what another slot of the probe set
    /// holds; if not, the claim is freed.
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
            if word.is_empty() || !word.names(key.fingerprint) {
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
