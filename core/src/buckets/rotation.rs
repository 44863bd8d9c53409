//! Rotation: what an admission does to the cells before it moves the head into
//! later buckets.

use super::mark::Mark;
use super::planes::Shifts;
use super::{Buckets, Setback};
use crate::log::ATTEMPTS;
use crate::sync::fault::{Fault, planted};
use crate::sync::trace::{Event, event};

/// A bucket of a plane.
#[derive(Clone, Copy)]
struct Place {
    plane: usize,
    shift: u32,
    bucket: u64,
}

impl Place {
    fn first_quantum(self) -> u64 {
        self.bucket << self.shift
    }

    /// Whether an entry is of a later bucket.
    fn is_before(self, entry: Mark) -> bool {
        entry.quantum() >> self.shift > self.bucket
    }
}

impl Buckets<'_> {
    /// Leaves the head's bucket and enters that of `quantum` in every plane in
    /// which they differ.
    pub(super) fn rotate(&self, head: Mark, quantum: u64, shifts: &Shifts) -> Result<(), Setback> {
        for (plane, shift) in shifts.iter().enumerate() {
            let place = |quantum: u64| Place {
                plane,
                shift,
                bucket: quantum >> shift,
            };
            let (from, to) = (place(head.quantum()), place(quantum));
            if from.bucket < to.bucket {
                self.leave(from, to)?;
                self.enter(to, head)?;
            }
        }
        Ok(())
    }

    /// Marks that the head has been in `from`. That is so whenever it is written,
    /// so it needs no look at the head. The bucket of the tenant's birth was not
    /// entered by a rotation and has no entry.
    fn leave(&self, from: Place, to: Place) -> Result<(), Setback> {
        let cell = self.cell(from.plane, from.bucket);
        for _ in 0..ATTEMPTS {
            let entry = Mark(cell.load());
            if to.is_before(entry) {
                return Err(Setback::Ahead(entry.quantum()));
            }
            let is_entry = entry.quantum() == from.first_quantum();
            if !is_entry || entry.is_flagged() || planted(Fault::LeaveUnmarked) {
                return Ok(());
            }
            if cell.cas(entry.0, entry.flagged().0) {
                return Ok(());
            }
        }
        Err(Setback::Contradiction)
    }

    /// Enters into the cell of `to` how many units there are.
    fn enter(&self, to: Place, head: Mark) -> Result<(), Setback> {
        let cell = self.cell(to.plane, to.bucket);
        let entry = Mark::new(to.first_quantum(), head.units());
        for _ in 0..ATTEMPTS {
            let former = Mark(cell.load());
            if former == entry {
                return Ok(());
            }
            if to.is_before(former) {
                return Err(Setback::Ahead(former.quantum()));
            }
            // After the cell: what is replaced stood while the head did.
            let unchecked = planted(Fault::EnterUnchecked) || planted(Fault::EnterLate);
            if !unchecked && !self.is_still(head) {
                return Err(Setback::Moved);
            }
            if cell.cas(former.0, entry.0) {
                self.note(former, to);
                return Ok(());
            }
        }
        Err(Setback::Contradiction)
    }

    fn note(&self, former: Mark, to: Place) {
        event(Event::Rotate);
        if former.quantum() == to.first_quantum() {
            event(Event::Abandoned);
        } else if former.quantum() != 0 {
            event(Event::Lap);
        }
    }
}
