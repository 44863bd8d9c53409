//! The ring as the law sees it.

use super::{CAPACITIES, Head, Ring};
use crate::law::Log;

/// The ring as one head value describes it.
pub(super) struct Snapshot<'r, 't> {
    ring: &'r Ring<'t>,
    pub head: Head,
    pub birth: u64,
}

impl<'r, 't> Snapshot<'r, 't> {
    pub fn new(ring: &'r Ring<'t>, head: Head) -> Self {
        let birth = ring.birth().load();
        Self { ring, head, birth }
    }
}

impl Log for Snapshot<'_, '_> {
    #[inline]
    fn stamp(&self, back: u32) -> u64 {
        if back > self.capacity() {
            return 0;
        }
        let index = self.head.count().wrapping_sub(back.into());
        let stamp = self.ring.cell(self.head.level(), index).load();
        if stamp > self.birth { stamp } else { 0 }
    }

    fn capacity(&self) -> u32 {
        CAPACITIES[self.head.level()]
    }

    fn most(&self) -> u32 {
        self.ring.planes.most()
    }
}
