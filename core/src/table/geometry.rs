//! Where the words of a table lie.
//!
//! In order: a line for the whole table, a horizon for each rule, the key words and
//! heads bucket by bucket, the slots' lines, their names and counters if wanted, the
//! higher planes of their rings.
//!
//! A slot's head stands beside its key word. So who has found the key knows the plane
//! and the cells that come next, and waits for them and for the line at once; and
//! which slots of a bucket are idle is seen without a look at their lines.
//!
//! Lines and planes are ordered by the slot's *place in its bucket* first and by
//! bucket second. An insertion takes the lowest free place, so the low places of
//! nearly all buckets are taken before the high ones of any: the lines and blocks
//! in use lie close together, and pages that are touched are nearly full.

use std::io;

use super::kind::Kind;
use crate::log::Places;
use crate::sync::{Density, PAGE_WORDS, Word};

/// Words of a slot in its bucket: the key word and the head.
const PAIR: usize = 2;

/// Slots of a bucket: their pairs fill two cache lines, and the first is used up
/// before the second is begun. Models shrink it to reach a full probe set with two
/// keys, random schedules with four.
#[cfg(not(any(slidegate_loom, slidegate_shuttle)))]
pub(super) const BUCKET: usize = 8;
#[cfg(slidegate_loom)]
pub(super) const BUCKET: usize = 1;
#[cfg(slidegate_shuttle)]
pub(super) const BUCKET: usize = 2;

/// The key words of a bucket's slots, each with its head.
pub(super) type Bucket = [[Word; PAIR]; BUCKET];

/// Places of a bucket whose lines and names lie densely in a table that is full: nearly
/// all buckets have taken those below before any takes the next.
const DENSE_PLACES: usize = BUCKET / 2 + 1;

/// The place of a bucket whose taking tells that the table fills: with two choices, no
/// bucket holds a third key before some hundredths of all that find room stand in the
/// table.
pub(super) const FILLING_PLACE: usize = BUCKET / 4;

/// A key may stand in two buckets.
pub(super) const PROBES: usize = 2 * BUCKET;

/// Slots per hundred keys: a load of 0.56. `cargo test --release --test churn`
/// replaces a full table's keys many times over and is refused next to none.
const SLOTS_PER_100_KEYS: u64 = 180;

/// Words of the whole table: a cache line, of which the first two are in use.
const TABLE_WORDS: usize = 8;

/// How many rules have a horizon.
#[cfg(not(any(slidegate_loom, slidegate_shuttle)))]
pub(crate) const RULES: usize = crate::error::MAX_RULE_IDS;
#[cfg(any(slidegate_loom, slidegate_shuttle))]
pub(crate) const RULES: usize = 4;

/// Words of a slot's name: a tag and the first 56 bytes, and the rest apart, so
/// that short names touch no more than a line.
pub(super) const NAME_WORDS: usize = 8;
pub(super) const LONG_NAME_WORDS: usize = 128;

/// Words of a slot's counters.
pub(super) const COUNTER_WORDS: usize = 4;

/// What a table is built for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// Keys that find room.
    pub max_keys: u64,
    /// The largest limit of an exact window.
    pub max_limit: u32,
    /// For how many rules there is a pool for what overflows.
    pub pools: usize,
    /// Whether merchants' names are kept.
    pub names: bool,
    /// Whether each key is counted.
    pub counters: bool,
}

/// A table's layout, kept outside the words that it describes.
pub(super) struct Geometry<K: Kind> {
    pub buckets: u32,
    /// Slots that keys are looked for in.
    pub slots: usize,
    /// Slots apart from them, one for each of the first rules.
    pub spare: usize,
    lines_from: usize,
    names_from: Option<[usize; 2]>,
    counters_from: Option<usize>,
    /// Which words are touched how densely.
    pub density: Density,
    pub words: usize,
    planes: K::Planes,
}

impl<K: Kind> Geometry<K> {
    pub fn new(sizes: &Sizes) -> io::Result<Self> {
        let buckets = sizes
            .max_keys
            .checked_mul(SLOTS_PER_100_KEYS)
            .map(|slots| slots.div_ceil(100).div_ceil(BUCKET as u64).max(2))
            .and_then(|buckets| u32::try_from(buckets).ok());
        let geometry = buckets.and_then(|buckets| Self::with_buckets(buckets, sizes));
        geometry.ok_or_else(|| io::ErrorKind::OutOfMemory.into())
    }

    /// `None` where that is past all address space.
    pub fn with_buckets(buckets: u32, sizes: &Sizes) -> Option<Self> {
        let slots = (buckets as usize).checked_mul(BUCKET)?;
        let all = slots.checked_add(sizes.pools)?;
        let mut end = all.checked_mul(PAIR)?.checked_add(TABLE_WORDS + RULES)?;
        let mut region = |words_a_slot: usize| {
            let from = end.checked_next_multiple_of(PAGE_WORDS)?;
            end = all.checked_mul(words_a_slot)?.checked_add(from)?;
            Some(from)
        };
        let lines_from = region(K::LINE_WORDS)?;
        let kept = |wanted: bool, words: usize| if wanted { words } else { 0 };
        let names_from = region(kept(sizes.names, NAME_WORDS))?;
        let counters_from = region(kept(sizes.counters, COUNTER_WORDS))?;
        let long_names_from = region(kept(sizes.names, LONG_NAME_WORDS))?;
        let (planes, words) = K::layout(end, all, sizes.max_limit)?;
        let dense = |from: usize, words_a_slot: usize| {
            from + DENSE_PLACES.min(BUCKET) * buckets as usize * words_a_slot
        };
        let dense_names = dense(names_from, kept(sizes.names, NAME_WORDS));
        let density = Density {
            dense: [0..dense(lines_from, K::LINE_WORDS), names_from..dense_names],
            sparse_from: long_names_from,
        };
        Some(Self {
            buckets,
            slots,
            spare: sizes.pools,
            lines_from,
            names_from: sizes.names.then_some([names_from, long_names_from]),
            counters_from: sizes.counters.then_some(counters_from),
            density,
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
        TABLE_WORDS + RULES + PAIR * slot
    }

    /// Where the line of a slot begins.
    #[inline]
    pub fn line(&self, slot: usize) -> usize {
        self.lines_from + self.place(slot) * K::LINE_WORDS
    }

    /// Where the head of a slot stands.
    #[inline]
    pub fn head(&self, slot: usize) -> usize {
        self.key(slot) + 1
    }

    /// The key words and heads of a bucket.
    #[inline(always)]
    pub fn bucket<'t>(&self, words: &'t [Word], number: u32) -> &'t Bucket {
        let from = self.key(number as usize * BUCKET);
        let (pairs, _) = words[from..from + PAIR * BUCKET].as_chunks::<PAIR>();
        pairs.first_chunk().expect("a bucket has this length")
    }

    /// A slot's place in the order of lines and planes.
    #[inline]
    #[cfg_attr(slidegate_loom, allow(clippy::modulo_one))]
    fn place(&self, slot: usize) -> usize {
        match slot < self.slots {
            true => (slot % BUCKET) * self.buckets as usize + slot / BUCKET,
            false => slot,
        }
    }

    #[inline]
    pub fn log<'t>(&'t self, words: &'t [Word], slot: usize) -> K::Slot<'t> {
        let block = self.place(slot);
        let places = Places {
            head: self.head(slot),
            line: self.lines_from + block * K::LINE_WORDS,
            block,
        };
        K::slot(words, places, &self.planes)
    }

    /// The words of a slot's name: the short part and the long.
    pub fn name<'t>(&self, words: &'t [Word], slot: usize) -> Option<[&'t [Word]; 2]> {
        let place = self.place(slot);
        let part = |from: usize, count: usize| &words[from + place * count..][..count];
        let [short, long] = self.names_from?;
        Some([part(short, NAME_WORDS), part(long, LONG_NAME_WORDS)])
    }

    /// The words of a slot's counters.
    #[inline]
    pub fn counters<'t>(&self, words: &'t [Word], slot: usize) -> Option<&'t [Word]> {
        let from = self.counters_from? + self.place(slot) * COUNTER_WORDS;
        Some(&words[from..from + COUNTER_WORDS])
    }
}

#[cfg(all(test, not(any(slidegate_loom, slidegate_shuttle))))]
mod tests {
    use super::*;
    use crate::table::{Bucketed, Exact};

    const LIMITATIONS: &str = include_str!("../../../docs/limitations.md");

    /// What the default of `max_keys` reserves, as the document says.
    #[test]
    fn the_document_says_what_address_space_is_reserved() {
        for (limit, text) in [(2_048, "2,048 (default)"), (100, "100"), (16, "16")] {
            let sizes = Sizes {
                max_keys: 262_144,
                max_limit: limit,
                pools: 0,
                names: true,
                counters: false,
            };
            let gib = |words: usize| words as f64 * 8.0 / f64::from(1 << 30);
            let exact = gib(Geometry::<Exact>::new(&sizes).unwrap().words);
            let both = exact + gib(Geometry::<Bucketed>::new(&sizes).unwrap().words);
            let row = format!("| {text} | {exact:.1} GiB | {both:.1} GiB |");
            assert!(LIMITATIONS.contains(&row), "docs/limitations.md: {row}");
        }
    }

    #[test]
    fn buckets_begin_at_a_cache_line() {
        let sizes = Sizes {
            max_keys: 100,
            max_limit: 100,
            pools: 0,
            names: false,
            counters: false,
        };
        let geometry = Geometry::<Exact>::new(&sizes).unwrap();
        assert!(
            (0..geometry.slots)
                .step_by(BUCKET)
                .all(|slot| geometry.key(slot).is_multiple_of(8))
        );
    }
}
