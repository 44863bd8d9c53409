//! The slots in which a key may stand, in the order in which they are looked at: those
//! of its first bucket and then those of its second. A slot's *place* is its number in
//! this order.

use super::KeyWord;
use super::geometry::{BUCKET, Bucket, FILLING_PLACE};
use crate::sync::Word;

#[derive(Clone, Copy)]
pub(super) struct Probes<'t> {
    /// The first slot of each bucket.
    first: [usize; 2],
    buckets: [&'t Bucket; 2],
}

#[cfg_attr(slidegate_loom, allow(clippy::modulo_one))] // models have buckets of one slot
impl<'t> Probes<'t> {
    #[inline(always)]
    pub fn new(numbers: [u32; 2], buckets: [&'t Bucket; 2]) -> Self {
        Self {
            first: numbers.map(|number| number as usize * BUCKET),
            buckets,
        }
    }

    /// The slot at a place.
    #[inline(always)]
    pub fn slot(&self, place: usize) -> usize {
        self.first[place / BUCKET % 2] + place % BUCKET
    }

    /// Whether the taking of a place tells that the table fills.
    #[inline]
    pub fn is_filling(&self, place: usize) -> bool {
        place % BUCKET == FILLING_PLACE
    }

    /// The head of the slot at a place.
    #[inline(always)]
    pub fn head(&self, place: usize) -> &'t Word {
        let [_, head] = &self.buckets[place / BUCKET % 2][place % BUCKET];
        head
    }

    /// Reads the key words one after the other, until `found` says something of one.
    #[inline(always)]
    pub fn find<R>(&self, mut found: impl FnMut(usize, KeyWord) -> Option<R>) -> Option<R> {
        for (number, bucket) in self.buckets.into_iter().enumerate() {
            for (place, [key, _]) in bucket.iter().enumerate() {
                let found = found(number * BUCKET + place, KeyWord(key.load()));
                if found.is_some() {
                    return found;
                }
            }
        }
        None
    }

    /// Brings the key words and heads near.
    #[inline(always)]
    pub fn approach(&self) {
        self.buckets.into_iter().for_each(approach);
    }

    /// Brings near what is looked at last, so that all is waited for at once.
    #[inline(always)]
    pub fn approach_second(&self) {
        approach(self.buckets[1]);
    }
}

#[inline(always)]
fn approach(bucket: &Bucket) {
    // A bucket fills two cache lines.
    for [key, _] in bucket.iter().step_by(BUCKET.div_ceil(2)) {
        key.approach();
    }
}
