//! The straight way to a key's log: for keys that stand where they are looked for,
//! with nothing out of the ordinary.

use super::kind::Exact;
use super::{Key, KeyWord, Table};
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
        cost: u32,
        now: Now<'_>,
    ) -> Option<bool> {
        let (slot, word) = match hint {
            Some(slot) => self.standing_in(slot, key)?,
            None => self.standing(key)?,
        };
        let now = now.reading().tick();
        if self.is_older_than_evictions(now) {
            return None;
        }
        let tenant = self.tenant(slot, word);
        let ring = self.log(slot);
        let charged = ring.charge(tenant, windows, cost, now, self.horizon(key.rule));
        charged.map(|(admitted, _)| admitted)
    }

    /// The word of a key in the slot where it was found before.
    #[inline(always)]
    fn standing_in(&self, slot: usize, key: Key) -> Option<(usize, KeyWord)> {
        let slot = slot % self.geometry.slots;
        let word = KeyWord(self.key(slot).load());
        let stands = word.unversioned() == KeyWord::committed_for(key.fingerprint);
        stands.then_some((slot, word))
    }
}
