//! The table: which slot is whose.
//!
//! A key may stand in any slot of two buckets (its *probe set*); slot `j` owns
//! ring `j` for good ([`geometry`] says where).
//!
//! How a key comes to its slot and loses it: [`insertion`].

#[cfg(all(test, not(any(slidegate_loom, slidegate_shuttle))))]
mod audit;
mod charge;
mod geometry;
mod insertion;
mod key;
mod kind;
mod probes;
mod record;
mod room;

pub(crate) use charge::{Described, Missed};
pub(crate) use geometry::Sizes;
pub(crate) use key::{Hashing, Key, NameHash};
pub(crate) use record::{Found, Tally};
pub(crate) use room::Newcomers;

use std::io;

use crate::log::{self, Answer, Ask, Attempt, Charged, Env, Horizons, Query, Tenant};
use crate::sync::fault::{Fault, planted};
use crate::sync::trace::{Event, event};
use crate::sync::{Register, Word, Words};
use crate::time::{Now, Reading};
use geometry::Geometry;
use insertion::{Newcomer, Room};
use key::KeyWord;
use kind::Slot;
pub(crate) use kind::{Bucketed, Exact, Kind};
use probes::Probes;

/// The state of all keys.
pub(crate) struct Table<K: Kind = Exact> {
    words: Words,
    geometry: Geometry<K>,
    /// Whether it was seen to fill: 0 or 1.
    fills: Register,
}

/// What became of a query.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reply {
    /// The key's answer, and its slot: none for a fresh key.
    Answered(Answer, Option<Place>),
    /// The probe set has no room for the key.
    Full,
    /// The words contradict each other.
    Corrupt,
}

/// What a key has to say beside an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The probe set has no room for the key.
    Full,
    /// The words contradict each other.
    Corrupt,
}

/// The slot in which a key was charged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub slot: usize,
    pub rule: u32,
}

impl Key {
    fn place(self, slot: usize) -> Place {
        let rule = self.rule;
        Place { slot, rule }
    }
}

impl<K: Kind> Table<K> {
    pub fn new(sizes: &Sizes) -> io::Result<Self> {
        Self::with_geometry(Geometry::new(sizes)?)
    }

    fn with_geometry(geometry: Geometry<K>) -> io::Result<Self> {
        Ok(Self {
            words: Words::zeroed(geometry.words, geometry.density.clone())?,
            geometry,
            fills: Register::default(),
        })
    }

    #[cfg(all(test, slidegate_loom))]
    pub fn with_buckets(buckets: u32, max_limit: u32) -> io::Result<Self> {
        let sizes = Sizes {
            max_keys: 0,
            max_limit,
            pools: 0,
            names: false,
            counters: false,
        };
        let geometry = Geometry::with_buckets(buckets, &sizes);
        Self::with_geometry(geometry.ok_or(io::ErrorKind::OutOfMemory)?)
    }

    /// The longest window of any policy so far, in ticks.
    fn retention(&self) -> &Word {
        &self.words[0]
    }

    /// The latest instant by which a key that was evicted had been idle long enough.
    pub fn evicted(&self) -> &Word {
        &self.words[1]
    }

    /// Makes keys of `rule` remember units for at least `ticks` from now on, and
    /// the table keep idle keys that long. Call it before a policy with windows of
    /// that length comes into force.
    pub fn raise_horizon(&self, rule: u32, ticks: u64) {
        self.horizon(rule).raise(ticks);
        self.retention().raise(ticks);
    }

    fn horizon(&self, rule: u32) -> &Word {
        &self.words[self.geometry.horizon(rule as usize)]
    }

    fn key(&self, slot: usize) -> &Word {
        &self.words[self.geometry.key(slot)]
    }

    fn head(&self, slot: usize) -> &Word {
        &self.words[self.geometry.head(slot)]
    }

    fn is_idle(&self, slot: usize, settled: u64) -> bool {
        K::is_idle(self.head(slot).load(), self.retention().load(), settled)
    }

    fn log(&self, slot: usize) -> K::Slot<'_> {
        self.geometry.log(&self.words, slot)
    }

    fn tenant(&self, slot: usize, word: KeyWord) -> Tenant<'_> {
        Tenant {
            key: self.key(slot),
            word: word.0,
        }
    }

    fn free(&self, slot: usize, word: KeyWord) -> bool {
        let word = match planted(Fault::FreeWordReadLate) {
            true => KeyWord(self.key(slot).load()),
            false => word,
        };
        self.key(slot).cas(word.0, word.freed().0)
    }

    /// Answers a query for a key. A charge makes room for the key if need be; a
    /// peek or survey of an absent key answers as for a fresh one.
    #[inline]
    pub fn ask(&self, key: Key, query: &Query<'_>, now: Now<'_>) -> Reply {
        let found = self.standing(key);
        let reply = found.and_then(|found| self.ask_in(found, key, query, now));
        match reply {
            Some(reply) => reply,
            None => self.ask_longer(key, query, now),
        }
    }

    /// What the slot answers in which a key was found; `None` if the key is gone.
    #[inline(always)]
    fn ask_in(
        &self,
        (slot, word): (usize, KeyWord),
        key: Key,
        query: &Query<'_>,
        now: Now<'_>,
    ) -> Option<Reply> {
        match self.acquire(key, slot, word, query, now) {
            Attempt::Answered(answer) => Some(Reply::Answered(answer, Some(key.place(slot)))),
            Attempt::Corrupt => Some(Reply::Corrupt),
            Attempt::Gone => {
                event(Event::Gone);
                None
            }
        }
    }

    /// The slot in which a key stands, and its word.
    #[inline(always)]
    fn standing(&self, key: Key) -> Option<(usize, KeyWord)> {
        let probes = self.probes(key);
        probes.approach_second();
        let committed = KeyWord::committed_for(key.fingerprint);
        probes.find(|place, word| {
            let stands = word.unversioned() == committed;
            stands.then(|| (probes.slot(place), word))
        })
    }

    /// Brings what belongs to a slot outside its bucket near.
    fn approach_slot(&self, slot: usize) {
        self.words[self.geometry.line(slot)].approach();
        if let Some([name, _]) = self.geometry.name(&self.words, slot) {
            name[0].approach();
        }
    }

    /// The slot in which a key was found before, and its word if it still stands there.
    #[inline(always)]
    fn standing_in(&self, slot: usize, key: Key) -> Option<(usize, KeyWord)> {
        if slot >= self.geometry.slots {
            return None;
        }
        let word = KeyWord(self.key(slot).load());
        let stands = word.unversioned() == KeyWord::committed_for(key.fingerprint);
        stands.then_some((slot, word))
    }

    /// As [`ask`](Self::ask), for a key that was not found, or was lost.
    #[cold]
    pub fn ask_longer(&self, key: Key, query: &Query<'_>, now: Now<'_>) -> Reply {
        let probes = self.probes(key);
        let newcomer = Newcomer {
            key,
            name: query.name,
        };
        let mut foreign_left = insertion::MAX_FREED_FOREIGN;
        for _ in 0..log::ATTEMPTS {
            let look = self.look(&probes, key.fingerprint);
            let found = match look.committed {
                Some(found) => found,
                None if query.ask != Ask::Charge => {
                    let answer = log::answer_fresh(query, now.reading());
                    return Reply::Answered(answer, None);
                }
                None => match self.make_room(&look, &probes, newcomer, now, &mut foreign_left) {
                    Room::Made(slot, word) => (slot, word),
                    Room::Changed => continue,
                    Room::None => return Reply::Full,
                },
            };
            if let Some(reply) = self.ask_in(found, key, query, now) {
                return reply;
            }
        }
        Reply::Corrupt
    }

    /// As [`ask`](Self::ask), for a key that was found in `slot` before: where it
    /// still stands there, it is not looked for.
    pub fn ask_at(&self, slot: usize, key: Key, query: &Query<'_>, now: Now<'_>) -> Reply {
        let found = self.standing_in(slot, key);
        let reply = found.and_then(|found| self.ask_in(found, key, query, now));
        match reply {
            Some(reply) => reply,
            None => self.ask(key, query, now),
        }
    }

    /// Answers a query from the pool in which all keys of a rule are counted that
    /// find no room; `Full` if the rule has none.
    pub fn ask_pool(&self, rule: u32, query: &Query<'_>, now: Now<'_>) -> Reply {
        if rule as usize >= self.geometry.spare {
            return Reply::Full;
        }
        let slot = self.geometry.slots + rule as usize;
        // A key word that nobody ever changes.
        let tenant = self.tenant(slot, KeyWord(0));
        match self.log(slot).ask(tenant, query, self.env(rule, now)) {
            Attempt::Answered(answer) => Reply::Answered(answer, Some(Place { slot, rule })),
            Attempt::Gone | Attempt::Corrupt => Reply::Corrupt,
        }
    }

    /// Makes a key forget its units, as if it were fresh; whether it had a slot.
    /// Once time has ended it does not.
    /// The freeze is the commit: a check before it is forgotten, one after it
    /// begins anew.
    pub fn reset(&self, key: Key) -> bool {
        let probes = self.probes(key);
        for _ in 0..log::ATTEMPTS {
            let Some((slot, word)) = self.look(&probes, key.fingerprint).committed else {
                return false;
            };
            if self.log(slot).freeze(self.tenant(slot, word)) {
                event(Event::Reset);
                self.free(slot, word);
                return true;
            }
            if self.log(slot).is_at_the_end() {
                return false;
            }
        }
        false
    }

    #[inline(always)]
    fn probes(&self, key: Key) -> Probes<'_> {
        let numbers = key.buckets(self.geometry.buckets);
        let words: &[Word] = &self.words;
        Probes::new(numbers, numbers.map(|b| self.geometry.bucket(words, b)))
    }

    #[inline]
    fn acquire(
        &self,
        key: Key,
        slot: usize,
        word: KeyWord,
        query: &Query<'_>,
        now: Now<'_>,
    ) -> Attempt {
        let env = self.env(key.rule, now);
        let log = self.log(slot);
        let attempt = log.ask(self.tenant(slot, word), query, env);
        if matches!(attempt, Attempt::Gone) && log.is_frozen() {
            // The word was read before the head: a newer tenant's has changed.
            self.free(slot, word);
        }
        attempt
    }

    /// What a log is asked under, for a key that was looked for just now.
    #[inline]
    fn env<'l>(&'l self, rule: u32, now: Now<'l>) -> Env<'l> {
        Env {
            now: self.renewed(now),
            horizon: self.horizon(rule),
        }
    }

    /// An instant that was read before the key was looked for, or a later one if a
    /// key was evicted after it: that key may be back without the units that it had
    /// at the reading, and they must not pass once more at it. Whoever finds the key
    /// elsewhere, or nowhere, sees the eviction's instant.
    #[inline]
    fn renewed<'l>(&self, now: Now<'l>) -> Now<'l> {
        match self.is_older_than_evictions(now) {
            true => renewed(now, self.evicted().load()),
            false => now,
        }
    }

    #[inline]
    fn is_older_than_evictions(&self, now: Now<'_>) -> bool {
        match now {
            Now::Live(_) | Now::Fixed(_) => false,
            Now::Begun(reading, _) | Now::Batch(reading, _) => {
                !planted(Fault::EvictionForgotten) && self.evicted().load() > reading.tick()
            }
        }
    }

    /// Lends back what was charged at `place`, by the rule's horizons; whether any
    /// of it still counted.
    pub fn refund(
        &self,
        place: Place,
        charged: Charged,
        horizons: &Horizons,
        now: Now<'_>,
    ) -> bool {
        let log = self.log(place.slot);
        log.refund(charged, horizons, now.reading().tick())
    }

    /// Answers a query for a key that a walk has found; `None` if it is gone.
    pub fn ask_found(&self, found: &Found, query: &Query<'_>, now: Now<'_>) -> Option<Answer> {
        let tenant = self.tenant(found.slot, found.word);
        let env = self.env(found.rule, now);
        match self.log(found.slot).ask(tenant, query, env) {
            Attempt::Answered(answer) => Some(answer),
            Attempt::Gone | Attempt::Corrupt => None,
        }
    }

    /// How many slots hold a key at the moment: a walk over all of them.
    pub fn count_keys(&self) -> usize {
        let is_key = |&slot: &usize| KeyWord(self.key(slot).load()).is_committed();
        (0..self.geometry.slots).filter(is_key).count()
    }

    /// How many slots there are.
    pub fn slots(&self) -> usize {
        self.geometry.slots
    }
}

/// How many ticks one thread's clock may be behind another's: a millisecond.
#[cfg(not(any(slidegate_loom, slidegate_shuttle)))]
pub(crate) const SKEW: u64 = 1_000;
#[cfg(any(slidegate_loom, slidegate_shuttle))]
pub(crate) const SKEW: u64 = 2;

/// The instant that every clock has passed where one shows `now`. What is idle by then
/// may be forgotten: no clock will show an instant again at which its units count. Who
/// has a reading from before goes on later ([`Table::evicted`]), or finds the head moved.
fn settled(now: u64) -> u64 {
    match planted(Fault::SkewIgnored) {
        true => now,
        false => now.saturating_sub(SKEW),
    }
}

/// The instant of an eviction, unless the clock was set back behind it: who goes on
/// before that would take what was evicted for fresh while it still counts.
#[cold]
fn renewed(now: Now<'_>, evicted: u64) -> Now<'_> {
    match now {
        Now::Begun(_, clock) | Now::Batch(_, clock) if evicted <= clock.now().tick() => {
            Now::Fixed(Reading::of_tick(evicted))
        }
        now => now,
    }
}
