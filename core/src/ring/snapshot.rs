//! The ring as the law sees it.

use super::planes::Cells;
use super::{Head, Ring};
use crate::law::Log;

/// The ring as one head value describes it.
pub(super) struct Snapshot<'r, 't> {
    ring: &'r Ring<'t>,
    cells: Cells<'t>,
    pub head: Head,
    pub birth: u64,
}

impl<'r, 't> Snapshot<'r, 't> {
    #[inline(always)]
    pub fn new(ring: &'r Ring<'t>, head: Head, cells: Cells<'t>) -> Self {
        Self {
            ring,
            cells,
            head,
            birth: ring.birth().load(),
        }
    }

    /// Whether there is no plane to grow to.
    #[inline(always)]
    pub fn is_in_highest_plane(&self) -> bool {
        self.head.level() + 1 >= self.ring.planes.levels()
    }
}

impl Log for Snapshot<'_, '_> {
    #[inline(always)]
    fn stamp(&self, back: u32) -> u64 {
        if back > self.capacity() {
            return 0;
        }
        let index = self.head.count().wrapping_sub(back.into());
        let stamp = self.cells.of(index).load();
        if stamp > self.birth { stamp } else { 0 }
    }

    #[inline(always)]
    fn capacity(&self) -> u32 {
        self.cells.count()
    }

    fn most(&self) -> u32 {
        self.ring.planes.most()
    }
}
