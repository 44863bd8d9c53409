//! The straight way to a key's log: for keys that stand where they are looked for,
//! with nothing out of the ordinary.

use super::insertion::{Newcomer, Room};
use super::kind::Exact;
use super::{Key, KeyWord, Place, Table};
use crate::log::Terms;
use crate::ring::{Bound, Observed};
use crate::time::{Now, Reading};

/// The answer to a charge, as far as a decision shows it.
pub(crate) struct Described {
    pub admitted: bool,
    /// The clock as it was read.
    pub now: Reading,
    /// The window that binds.
    pub bound: Bound,
}

impl Table<Exact> {
    /// Charges a key on these terms: whether they were admitted. `None` if
    /// [`ask`](Self::ask) has to say; then nothing was charged.
    #[inline(always)]
    pub fn charge(
        &self,
        key: Key,
        hint: Option<usize>,
        terms: &Terms<'_>,
        now: Now<'_>,
    ) -> Option<bool> {
        let found = match hint {
            Some(slot) => self.standing_in(slot, key)?,
            None => self.standing(key)?,
        };
        self.charge_in(found, key.rule, terms, now)
    }

    /// As [`charge`](Self::charge), for a key that was not found: makes room for it, if
    /// that takes no second look.
    #[inline]
    pub fn charge_newcomer(
        &self,
        key: Key,
        name: &[u8],
        terms: &Terms<'_>,
        now: Now<'_>,
    ) -> Option<bool> {
        let probes = self.probes(key);
        let look = self.look(&probes, key.fingerprint);
        if look.committed.is_some() {
            return None;
        }
        let newcomer = Newcomer { key, name };
        match self.make_room(&look, &probes, newcomer, now, &mut 0) {
            Room::Made(slot, word) => self.charge_in((slot, word), key.rule, terms, now),
            Room::Changed | Room::None => None,
        }
    }

    /// As [`charge`](Self::charge), with a description.
    #[inline]
    pub fn charge_described(
        &self,
        key: Key,
        hint: Option<usize>,
        terms: &Terms<'_>,
        now: Now<'_>,
    ) -> Option<Described> {
        let found = match hint {
            Some(slot) => self.standing_in(slot, key)?,
            None => self.standing(key)?,
        };
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
