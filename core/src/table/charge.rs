//! The straight way to a key's log: for keys that stand where they are looked for,
//! with nothing out of the ordinary.

use super::kind::Exact;
use super::{Key, Table};
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
            self.approach_pairs(key.buckets(self.geometry.buckets));
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
