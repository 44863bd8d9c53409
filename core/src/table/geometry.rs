//! Where the words of a table lie.
//!
//! In order: a line for the whole table, a horizon for each rule, the key words
//! bucket by bucket, the slots' lines, the higher planes of their rings.
//!
//! Lines and planes are ordered by the slot's *place in its bucket* first and by
//! bucket second. An insertion takes the lowest free place, so the low places of
//! nearly all buckets are taken before the high ones of any: the lines and blocks
//! in use lie close together, and pages that are touched are nearly full.

use std::io;

use crate::ring::{LINE_WORDS, Planes, Ring};
use crate::sync::Word;

/// Slots of a bucket: their key words fill one cache line. Models shrink it to
/// reach a full probe set with two keys.
#[cfg(not(slidegate_loom))]
pub(super) const BUCKET: usize = 8;
#[cfg(slidegate_loom)]
pub(super) const BUCKET: usize = 1;

/// A key may stand in two buckets.
pub(super) const PROBES: usize = 2 * BUCKET;

/// Slots per hundred keys: a load of 0.55. `cargo test --release --test churn`
/// replaces a full table's keys many times over and is refused none.
const SLOTS_PER_100_KEYS: u64 = 182;

/// Words of the whole table: a cache line, of which the first is in use.
const TABLE_WORDS: usize = 8;

/// How many rules have a horizon.
#[cfg(not(slidegate_loom))]
pub(crate) const RULES: usize = crate::error::MAX_RULE_IDS;
#[cfg(slidegate_loom)]
pub(crate) const RULES: usize = 2;

/// Words of a page.
const PAGE_WORDS: usize = 512;

/// A table's layout, kept outside the words that it describes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Geometry {
    pub buckets: u32,
    /// Slots that keys are looked for in.
    pub slots: usize,
    /// Slots apart from them, one for each of the first rules.
    pub spare: usize,
    lines_from: usize,
    /// Where memory begins that only busy keys touch.
    pub sparse_from: usize,
    pub words: usize,
    planes: Planes,
}

impl Geometry {
    /// For `max_keys` keys with exact windows of up to `max_limit` units, and
    /// `spare` slots beside.
    pub fn for_keys(max_keys: u64, max_limit: u32, spare: usize) -> io::Result<Self> {
        let buckets = max_keys
            .checked_mul(SLOTS_PER_100_KEYS)
            .map(|slots| slots.div_ceil(100).div_ceil(BUCKET as u64).max(2))
            .and_then(|buckets| u32::try_from(buckets).ok());
        let geometry = buckets.and_then(|buckets| Self::with_buckets(buckets, max_limit, spare));
        geometry.ok_or_else(|| io::ErrorKind::OutOfMemory.into())
    }

    /// `None` where that is past all address space.
    pub fn with_buckets(buckets: u32, max_limit: u32, spare: usize) -> Option<Self> {
        let slots = (buckets as usize).checked_mul(BUCKET)?;
        let all = slots.checked_add(spare)?;
        let keys_end = all.checked_add(TABLE_WORDS + RULES)?;
        let lines_from = keys_end.checked_next_multiple_of(PAGE_WORDS)?;
        let lines_end = all.checked_mul(LINE_WORDS)?.checked_add(lines_from)?;
        let (planes, words) = Planes::layout(lines_end, all, max_limit)?;
        Some(Self {
            buckets,
            slots,
            spare,
            lines_from,
            sparse_from: lines_end.next_multiple_of(PAGE_WORDS).min(words),
            words,
            planes,
        })
    }

    /// Where the horizon of a rule stands.
    #[inline]
    pub fn horizon(&self, rule: usize) -> usize {
        TABLE_WORDS + rule % RULES
    }

    /// Where the key word of a slot stands.
    #[inline]
    pub fn key(&self, slot: usize) -> usize {
        TABLE_WORDS + RULES + slot
    }

    #[inline]
    pub fn ring<'t>(&'t self, words: &'t [Word], slot: usize) -> Ring<'t> {
        let place = match slot < self.slots {
            true => (slot % BUCKET) * self.buckets as usize + slot / BUCKET,
            false => slot,
        };
        let line_from = self.lines_from + place * LINE_WORDS;
        Ring::new(words, line_from, &self.planes, place)
    }

    /// The slots of two buckets.
    #[inline]
    pub fn probe_set(&self, buckets: [u32; 2]) -> [usize; PROBES] {
        let [first, second] = buckets.map(|bucket| bucket as usize * BUCKET);
        std::array::from_fn(|i| match i < BUCKET {
            true => first + i,
            false => second + i - BUCKET,
        })
    }
}
