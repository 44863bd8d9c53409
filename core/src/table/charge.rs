//! The straight way to a key's log: for keys that stand where they are looked for,
//! with nothing out of the ordinary.

use super::insertion::{Newcomer, Room};
use super::kind::Exact;
use super::{Key, KeyWord, Table};
use crate::log::{Env, Horizons};
use crate::time::Now;
use crate::window::Window;

impl Table<Exact> {
    /// Charges `cost` units, at most every limit, to a key: whether they were
    /// admitted. `None` if [`ask`](Self::ask) has to say; then nothing was charged.
    #[inline(always)]
    pub fn charge(
        &self,
        key: Key,
        hint: Option<usize>,
        windows: &[Window],
        horizons: &Horizons,
        cost: u32,
        now: Now<'_>,
    ) -> Option<bool> {
        let (slot, word) = match hint {
            Some(slot) => self.standing_in(slot, key)?,
            None => self.standing(key)?,
        };
        self.charge_in(slot, word, key, windows, horizons, cost, now)
    }

    /// As [`charge`](Self::charge), for a key that was not found: makes room for it, if
    /// that takes no second look.
    #[inline]
    pub fn charge_newcomer(
        &self,
        key: Key,
        name: &[u8],
        windows: &[Window],
        horizons: &Horizons,
        cost: u32,
        now: Now<'_>,
    ) -> Option<bool> {
        let probes = self.probes(key);
        let look = self.look(&probes, key.fingerprint);
        if look.committed.is_some() {
            return None;
        }
        let newcomer = Newcomer { key, name };
        match self.make_room(&look, &probes, newcomer, now, &mut 0) {
            Room::Made(slot, word) => self.charge_in(slot, word, key, windows, horizons, cost, now),
            Room::Changed | Room::None => None,
        }
    }

    #[inline(always)]
    #[allow(clippy::too_many_arguments)] // it is inlined, and they are all that is asked
    fn charge_in(
        &self,
        slot: usize,
        word: KeyWord,
        key: Key,
        windows: &[Window],
        horizons: &Horizons,
        cost: u32,
        now: Now<'_>,
    ) -> Option<bool> {
        if self.is_older_than_evictions(now) {
            return None;
        }
        let env = Env {
            now,
            horizon: self.horizon(key.rule),
        };
        let charged = self
            .log(slot)
            .charge(self.tenant(slot, word), windows, horizons, cost, env);
        charged.map(|(admitted, _)| admitted)
    }

    /// Brings the words of several keys near, all at once, so that charging one after
    /// the other waits for memory once and not once a key. Says where each stands.
    #[inline]
    pub fn warm(&self, keys: &[Key], mut stands: impl FnMut(Option<usize>)) {
        for key in keys {
            self.probes(*key).approach();
        }
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
