//! What a slot says of its key beside the log: the merchant's name, for display,
//! and counters, for statistics. Nothing here decides anything.
//!
//! A name is written before the insertion's claim is committed, by everyone who
//! finishes it, and by plain stores. A finisher that slept through the whole tenancy
//! could still overwrite words of a later name; so a reader takes a name only if it
//! hashes to the key's fingerprint ([`Table::named`]'s caller checks), and the later key
//! is listed without.

use super::geometry::{NAME_WORDS, RULES};
use super::kind::Kind;
use super::{Key, KeyWord, Place, Table};
use crate::sync::Word;

/// Bytes of a name in its short part.
const SHORT_BYTES: usize = (NAME_WORDS - 1) * 8;

/// A key as a walk over the table finds it.
pub(crate) struct Found {
    pub slot: usize,
    pub word: KeyWord,
    pub rule: u32,
    pub name: Vec<u8>,
}

/// Statistics of one key since it got its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub admitted: u64,
    pub denied: u64,
    pub peak: u64,
}

/// Sets a counter, unless the slot is somebody else's by now.
fn put(word: &Word, value: u64, holds: impl Fn() -> bool) {
    for _ in 0..crate::log::ATTEMPTS {
        let now = word.load();
        if now == value || !holds() || word.cas(now, value) {
            return;
        }
    }
}

fn pack(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

fn tag(rule: u32, len: usize) -> u64 {
    (u64::from(rule) << 32) | len as u64
}

impl<K: Kind> Table<K> {
    /// Begins the record of a key whose claim is about to be committed.
    pub(super) fn begin_record(&self, slot: usize, claim: KeyWord, key: Key, name: &[u8]) {
        let holds = || self.key(slot).load() == claim.0;
        if let Some([short, long]) = self.geometry.name(&self.words, slot)
            && holds()
        {
            short[0].note(tag(key.rule, name.len()));
            let (head, rest) = name.split_at(name.len().min(SHORT_BYTES));
            let parts = short[1..].iter().zip(head.chunks(8));
            for (word, bytes) in parts.chain(long.iter().zip(rest.chunks(8))) {
                word.note(pack(bytes));
            }
        }
        // Whoever claims the counters for this tenancy clears them; counts that
        // are added meanwhile are lost, which statistics can bear.
        if let Some([owner, counters @ ..]) = self.geometry.counters(&self.words, slot) {
            let former = owner.load();
            if former != claim.0 && owner.cas(former, claim.0) {
                counters.iter().for_each(|word| put(word, 0, holds));
            }
        }
    }

    /// The key that stands in a slot, with the rule and name that its record
    /// gives; the caller checks that they are the key's.
    pub fn named(&self, slot: usize) -> Option<Found> {
        let word = KeyWord(self.key(slot).load());
        let [short, long] = self.geometry.name(&self.words, slot)?;
        if !word.is_committed() {
            return None;
        }
        let tag = short[0].load();
        let (rule, len) = ((tag >> 32) as u32, (tag & 0xFFFF) as usize);
        let words = short[1..].iter().chain(long).take(len.div_ceil(8));
        let mut name: Vec<u8> = words.flat_map(|word| word.load().to_le_bytes()).collect();
        name.truncate(len);
        let stands = (rule as usize) < RULES && self.key(slot).load() == word.0;
        stands.then_some(Found {
            slot,
            word,
            rule,
            name,
        })
    }

    /// The slot in which a key stands.
    pub fn find(&self, key: Key, name: &[u8]) -> Option<Found> {
        let (slot, word) = self.look(&self.probes(key), key.fingerprint).committed?;
        Some(Found {
            slot,
            word,
            rule: key.rule,
            name: name.to_vec(),
        })
    }

    /// Counts a decision on a key, where keys are counted.
    #[inline]
    pub fn tally(&self, place: Place, admitted: bool, live: u32) {
        let Some([_, admissions, denials, peak]) = self.geometry.counters(&self.words, place.slot)
        else {
            return;
        };
        match admitted {
            true => {
                admissions.count(1);
                peak.raise(live.into());
            }
            false => denials.count(1),
        }
    }

    /// What was counted of the key in a slot, where keys are counted.
    pub fn tallied(&self, slot: usize) -> Option<Tally> {
        let [_, admitted, denied, peak] = self.geometry.counters(&self.words, slot)? else {
            return None;
        };
        Some(Tally {
            admitted: admitted.load(),
            denied: denied.load(),
            peak: peak.load(),
        })
    }
}
