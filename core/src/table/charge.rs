//! The straight way to a key's log: for keys that stand where they are looked for,
//! with nothing out of the ordinary.

use super::insertion::{Newcomer, Room};
use super::kind::Exact;
use super::{Failure, Key, KeyWord, Place, Reply, Table};
use crate::log::{Query, Terms};
use crate::ring::{Bound, Observed};
use crate::time::{Now, Reading};

/// Why a key was not charged the straight way. Nothing was charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missed {
    /// It was not found where it was looked for.
    Absent,
    /// It stands in this slot, and something there is out of the ordinary.
    In(usize),
}

/// The answer to a charge, as far as a decision shows it.
pub(crate) struct Described {
    pub admitted: bool,
    /// The clock as it was read.
    pub now: Reading,
    /// The window that binds.
    pub bound: Bound,
}

impl Table<Exact> {
    /// Charges a key on these terms: whether they were admitted. It is looked for in the
    /// slot `hint`, if there is one.
    #[inline(always)]
    pub fn charge(
        &self,
        key: Key,
        hint: Option<usize>,
        terms: &Terms<'_>,
        now: Now<'_>,
    ) -> Result<bool, Missed> {
        let found = self.found(key, hint).ok_or(Missed::Absent)?;
        let charged = self.charge_in(found, key.rule, terms, now);
        charged.ok_or(Missed::In(found.0))
    }

    /// As [`charge`](Self::charge), for a key that was missed there: it is made room for,
    /// or asked where it stands. The query is a charge.
    pub fn charge_missed(
        &self,
        missed: Missed,
        key: Key,
        query: &Query<'_>,
        now: Now<'_>,
    ) -> Result<bool, Failure> {
        let reply = match missed {
            Missed::In(slot) => self.ask_at(slot, key, query, now),
            Missed::Absent => match self.charge_newcomer(key, query, now) {
                Some(admitted) => return Ok(admitted),
                None => self.ask_longer(key, query, now),
            },
        };
        match reply {
            Reply::Answered(answer, _) => Ok(answer.admitted),
            Reply::Full => Err(Failure::Full),
            Reply::Corrupt => Err(Failure::Corrupt),
        }
    }

    /// Makes room for a key that was not found, if that takes no second look, and
    /// charges it. `None` if [`ask`](Self::ask) has to say.
    #[inline]
    fn charge_newcomer(&self, key: Key, query: &Query<'_>, now: Now<'_>) -> Option<bool> {
        let probes = self.probes(key);
        let look = self.look(&probes, key.fingerprint);
        if look.committed.is_some() {
            return None;
        }
        let newcomer = Newcomer {
            key,
            name: query.name,
        };
        match self.make_room(&look, &probes, newcomer, now, &mut 0) {
            Room::Made(slot, word) => self.charge_in((slot, word), key.rule, &query.terms(), now),
            Room::Changed | Room::None => None,
        }
    }

    /// As [`charge`](Self::charge), with a description; `None` if [`ask`](Self::ask) has
    /// to say.
    #[inline]
    pub fn charge_described(
        &self,
        key: Key,
        hint: Option<usize>,
        terms: &Terms<'_>,
        now: Now<'_>,
    ) -> Option<Described> {
        let found = self.found(key, hint)?;
        if self.is_older_than_evictions(now) {
            return None;
        }
        let observed = self.observe_in(found, key.rule, terms)?;
        let now = now.reading();
        let judged = observed.judge(terms, now.tick())?;
        let bound = observed.describe(judged, terms)?;
        let stands = match judged.admits {
            true => observed.commit(judged, terms.cost),
            false => observed.is_still(),
        };
        stands.then_some(Described {
            admitted: judged.admits,
            now,
            bound,
        })
    }

    #[inline(always)]
    fn found(&self, key: Key, hint: Option<usize>) -> Option<(usize, KeyWord)> {
        match hint {
            Some(slot) => self.standing_in(slot, key),
            None => self.standing(key),
        }
    }

    #[inline(always)]
    fn charge_in(
        &self,
        found: (usize, KeyWord),
        rule: u32,
        terms: &Terms<'_>,
        now: Now<'_>,
    ) -> Option<bool> {
        if self.is_older_than_evictions(now) {
            return None;
        }
        let observed = self.observe_in(found, rule, terms)?;
        let judged = observed.judge(terms, now.reading().tick())?;
        let charged = !judged.admits || observed.commit(judged, terms.cost);
        charged.then_some(judged.admits)
    }

    #[inline(always)]
    fn observe_in(
        &self,
        (slot, word): (usize, KeyWord),
        rule: u32,
        terms: &Terms<'_>,
    ) -> Option<Observed<'_>> {
        let log = self.log(slot);
        log.observe(self.tenant(slot, word), terms, self.horizon(rule))
    }

    /// Observes the log of a key that stands where it is looked for, to be judged by a
    /// clock that is read later.
    #[inline]
    pub fn observe(&self, key: Key, terms: &Terms<'_>) -> Option<(Place, Observed<'_>)> {
        let found = self.standing(key)?;
        let observed = self.observe_in(found, key.rule, terms)?;
        Some((key.place(found.0), observed))
    }

    /// Brings near what finding a key reads.
    #[inline]
    pub fn approach(&self, key: Key) {
        self.probes(key).approach();
    }

    /// Brings the words of several keys near, all at once, so that charging one after
    /// the other waits for memory once and not once a key. Says where each stands.
    #[inline]
    pub fn warm(&self, keys: &[Key], mut stands: impl FnMut(Option<usize>)) {
        keys.iter().for_each(|key| self.approach(*key));
        for key in keys {
            let slot = self.standing(*key).map(|(slot, _)| slot);
            if let Some(slot) = slot {
                let log = self.log(slot);
                log.approach(log.head());
            }
            stands(slot);
        }
    }
}
