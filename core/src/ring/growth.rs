//! Growth: a log that would overwrite units which still count moves to a higher
//! plane.
//!
//! Units are copied from the newest back to the first that counts no more within
//! the rule's horizon, and then the head names the new plane. Until then nobody
//! reads what was copied; if the head moves first, the copies are true stamps of
//! their index class in a plane that raises only, and do no harm. Of the units
//! not copied the new plane has no stamp later than this tenant's birth, because
//! a log never moves to a lower plane.

use super::snapshot::Snapshot;
use super::{CAPACITIES, Ring};
use crate::law::Log;
use crate::log::Query;
use crate::sync::Word;
use crate::sync::fault::{Fault, planted};
use crate::sync::trace::{Event, event};

impl Snapshot<'_, '_> {
    /// Whether `cost` more units would overwrite one that counts within the
    /// horizon at `at`.
    ///
    /// The horizon is read after the head: it was raised before the first
    /// admission that needs more of it, so whoever sees that admission's head
    /// sees the raise, and whoever does not fails to move the head.
    #[inline(always)]
    pub fn must_grow(&self, cost: u32, at: u64, horizon: &Word, early: Option<u64>) -> bool {
        // In the highest plane the law alone protects what counts: see `Ring::commit`.
        if self.is_in_highest_plane() {
            return false;
        }
        let capacity = self.capacity();
        if cost > capacity {
            return true;
        }
        let stamp = self.stamp(capacity + 1 - cost);
        let horizon = early.unwrap_or_else(|| horizon.load());
        stamp != 0 && stamp.saturating_add(horizon) > at
    }
}

impl Ring<'_> {
    /// Tries to move the log, which is not in the highest plane, to a higher.
    #[cold]
    pub(super) fn grow(&self, log: &Snapshot<'_, '_>, query: &Query<'_>, at: u64, horizon: &Word) {
        let head = log.head;
        let Some(to) = self.planes.next(head.level(), query.max_limit()) else {
            return;
        };
        if self.copy(log, to, at, horizon) && self.head_word().cas(head.0, head.grown(at, to).0) {
            event(Event::Grow);
        }
    }

    /// Copies the units that count to another plane; `false` if the head moved.
    fn copy(&self, log: &Snapshot<'_, '_>, to: usize, at: u64, horizon: &Word) -> bool {
        let horizon = horizon.load();
        let capacity = CAPACITIES[log.head.level()];
        let most = capacity - u32::from(planted(Fault::CopyStopsEarly));
        for back in 1..=most {
            let back = match planted(Fault::CopyOldestFirst) {
                true => capacity + 1 - back,
                false => back,
            };
            let stamp = log.stamp(back);
            if stamp == 0 || stamp.saturating_add(horizon) <= at {
                break;
            }
            // After the cell: else it may be a later unit's, which has another
            // place in the new plane.
            if !planted(Fault::CopyUnchecked) && !self.is_still(log.head) {
                event(Event::CopyLost);
                return false;
            }
            self.cell(to, log.head.count().wrapping_sub(back.into()))
                .raise_from_zero(stamp);
        }
        true
    }
}
