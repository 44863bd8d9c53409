//! Where the cells of a ring lie: in planes of growing capacity.
//!
//! The first few cells stand in the slot's own line. Every higher plane is an
//! array with one block for each slot, reserved as address space and committed
//! page by page on first touch: a ring that stays small touches none of them, so
//! memory follows traffic and there is no allocator that could leak or lock.

use std::ops::Range;

use crate::sync::{PAGE_WORDS, Word};

/// Cells of a ring by level: powers of two. The first stand in the slot's line;
/// the last is twice the largest exact limit, so that a full window can be lent
/// back whole by refunds.
#[cfg(not(any(slidegate_loom, slidegate_shuttle)))]
pub(crate) const CAPACITIES: [u32; 7] = [4, 16, 64, 128, 512, 2_048, 4_096];
/// Models reach growth with two units.
#[cfg(slidegate_loom)]
pub(crate) const CAPACITIES: [u32; 3] = [2, 4, 8];
/// Random schedules reach growth with two units, and what many of them give back
/// is remembered too.
#[cfg(slidegate_shuttle)]
pub(crate) const CAPACITIES: [u32; 4] = [2, 4, 8, 64];

/// Filled, refund and birth.
pub(crate) const STATE_WORDS: usize = 3;

/// Words of a slot's line: with key and head as many as a cache line and one more.
pub(crate) const LINE_WORDS: usize = STATE_WORDS + CAPACITIES[0] as usize;

/// How many times larger a plane one step of growth may take.
const LARGEST_STEP: u32 = 8;

/// The cells of a log in one level: a power of two of them.
#[derive(Clone, Copy)]
pub(crate) struct Cells<'t>(pub &'t [Word]);

impl<'t> Cells<'t> {
    /// The cell of the unit numbered `index`.
    #[inline(always)]
    pub fn of(self, index: u64) -> &'t Word {
        &self.0[index as usize & (self.0.len() - 1)]
    }

    #[inline(always)]
    pub fn count(self) -> u32 {
        self.0.len() as u32
    }
}

/// The places of all slots' cells in the slice of words.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planes {
    /// How many levels are in use.
    levels: usize,
    /// Where each level's blocks begin; the first is not used.
    from: [usize; CAPACITIES.len()],
}

impl Planes {
    /// Lays the planes of `slots` slots out from the word `from` on, up to one in
    /// which a window of `max_limit` finds room twice. Returns where they end, or
    /// `None` where that is past all address space.
    pub fn layout(from: usize, slots: usize, max_limit: u32) -> Option<(Self, usize)> {
        let suffices = |c: &u32| *c >= max_limit.saturating_mul(2);
        let last = CAPACITIES.iter().position(suffices);
        let levels = last.map_or(CAPACITIES.len(), |last| last + 1);
        let mut planes = Self {
            levels,
            from: [0; CAPACITIES.len()],
        };
        let mut end = from;
        let blocks = planes.from.iter_mut().zip(CAPACITIES);
        for (from, capacity) in blocks.take(levels).skip(1) {
            *from = end.checked_next_multiple_of(PAGE_WORDS)?;
            end = from.checked_add(slots.checked_mul(capacity as usize)?)?;
        }
        Some((planes, end))
    }

    pub fn levels(&self) -> usize {
        self.levels
    }

    /// Units that a ring can remember at most.
    pub fn most(&self) -> u32 {
        CAPACITIES[self.levels - 1]
    }

    /// The words of a slot's block in a plane above the first.
    #[inline(always)]
    pub fn block(&self, level: usize, slot: usize) -> Range<usize> {
        let capacity = CAPACITIES[level] as usize;
        let from = self.from[level] + slot * capacity;
        from..from + capacity
    }

    /// The level that a full ring grows to, one at least: the first that holds
    /// `needed` units, but at most [`LARGEST_STEP`] times the present one, so that
    /// a key with a large limit and little traffic stays small. `None` at the top.
    pub fn next(&self, level: usize, needed: u32) -> Option<usize> {
        let within = |to: &usize| CAPACITIES[*to] <= CAPACITIES[level] * LARGEST_STEP;
        let higher = (level + 1..self.levels).take_while(within);
        let suffices = higher.clone().find(|to| CAPACITIES[*to] >= needed);
        suffices.or(higher.last())
    }
}

#[cfg(all(test, not(any(slidegate_loom, slidegate_shuttle))))]
mod tests {
    use super::*;

    #[test]
    fn planes_reach_up_to_twice_the_limit() {
        for (limit, most) in [(1, 4), (2, 4), (3, 16), (100, 512), (2_048, 4_096)] {
            let (planes, _) = Planes::layout(0, 10, limit).unwrap();
            assert_eq!(planes.most(), most, "limit {limit}");
        }
    }

    #[test]
    fn growth_stops_where_the_policy_needs_no_more() {
        let (planes, _) = Planes::layout(0, 10, 2_048).unwrap();
        let steps = |needed: u32| {
            let next = |level: &usize| planes.next(*level, needed);
            let enough = |level: &usize| CAPACITIES[*level] < needed;
            let all = std::iter::successors(Some(0), |l| next(l).filter(|_| enough(l)));
            all.map(|level| CAPACITIES[level]).collect::<Vec<_>>()
        };
        assert_eq!(steps(4), [4]);
        assert_eq!(steps(60), [4, 16, 64]);
        assert_eq!(steps(100), [4, 16, 128]);
        assert_eq!(steps(400), [4, 16, 128, 512]);
        assert_eq!(steps(2_048), [4, 16, 128, 512, 2_048]);
        assert_eq!(planes.next(3, 1), Some(4));
        assert_eq!(planes.next(6, 5_000), None);
    }

    #[test]
    fn blocks_do_not_overlap() {
        let (planes, end) = Planes::layout(100, 3, 2_048).unwrap();
        let mut blocks: Vec<_> = (1..planes.levels())
            .flat_map(|level| (0..3).map(move |slot| (level, slot)))
            .map(|(level, slot)| planes.block(level, slot))
            .collect();
        blocks.sort_by_key(|block| block.start);
        assert!(blocks[0].start >= 100 && blocks.last().unwrap().end == end);
        assert!(blocks.windows(2).all(|pair| pair[0].end <= pair[1].start));
    }

    #[test]
    fn too_many_slots_have_no_layout() {
        assert!(Planes::layout(0, usize::MAX / 8, 2_048).is_none());
    }
}
