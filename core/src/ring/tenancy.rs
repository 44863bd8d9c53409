//! How a ring changes hands: it is frozen when idle, and revived for a new key.

use super::{Head, Ring};
use crate::log::{ATTEMPTS, Tenant};
use crate::sync::Word;
use crate::sync::fault::{Fault, planted};
use crate::sync::trace::{Event, event};
use crate::time::LAST_TICK;

impl Ring<'_> {
    /// Closes the ring if it had been idle for `retention` ticks at the tick
    /// `settled`; whether it is closed.
    ///
    /// The retention is read after the head: it was raised before the first
    /// admission that needs more of it, so whoever sees that admission's head
    /// sees the raise, and whoever does not fails to move the head.
    pub fn freeze_if_idle(&self, tenant: Tenant<'_>, retention: &Word, settled: u64) -> bool {
        let early = planted(Fault::RetentionReadEarly).then(|| retention.load());
        self.freeze_if(tenant, |head| {
            let retention = early.unwrap_or_else(|| retention.load());
            is_over(head, retention, settled)
        })
    }

    /// Closes the ring whatever it holds, so that the key begins anew; `false` if
    /// the slot is not this tenant's any more, or time has ended.
    pub fn freeze(&self, tenant: Tenant<'_>) -> bool {
        self.freeze_if(tenant, |head| head.stamp() < LAST_TICK)
    }

    /// Whether no tenant could come after this one, because time has ended.
    pub fn is_at_the_end(&self) -> bool {
        self.head().stamp() >= LAST_TICK
    }

    fn freeze_if(&self, tenant: Tenant<'_>, may: impl Fn(Head) -> bool) -> bool {
        for _ in 0..ATTEMPTS {
            let head = self.head();
            if head.is_frozen() {
                return true;
            }
            // After the head: a key that is still the tenant's then was so at the
            // head, so that the compare-and-swap closes no one else's ring.
            let holds = planted(Fault::FreezeKeyUnchecked) || tenant.holds();
            if !holds {
                event(Event::NotItsOwn);
            }
            if !holds || head.is_corrupt(self.planes.levels()) || !may(head) {
                return false;
            }
            let filled = self.filled().load();
            if head.missing(filled) != 0 && !planted(Fault::FreezeUnfilled) {
                if self.is_still(head) && !self.help(head, filled) {
                    return false;
                }
                continue;
            }
            if self.head_word().cas(head.0, head.frozen().0) {
                event(Event::Evict);
                return true;
            }
        }
        false
    }

    /// Opens a frozen ring for the tenant; `false` if the slot is not its any
    /// more. Anyone may do it for the tenant, any number of times.
    pub fn revive(&self, tenant: Tenant<'_>, now: u64) -> bool {
        for _ in 0..ATTEMPTS {
            let early = planted(Fault::ReviveKeyEarly).then(|| tenant.holds());
            let head = self.head();
            // After the head: else a ring frozen under a later tenant would be
            // opened in the name of this one.
            let holds = planted(Fault::ReviveKeyUnchecked);
            if !(holds || early.unwrap_or_else(|| tenant.holds())) {
                event(Event::NotItsOwn);
                return false;
            }
            if !head.is_frozen() {
                return true;
            }
            let buries = !planted(Fault::BirthNotRaised);
            if buries && !planted(Fault::BirthAfterHead) {
                self.birth().raise(head.stamp());
            }
            let reborn = match planted(Fault::RebirthKeepsStamp) {
                true => head.stamp(),
                false => now.max(head.stamp() + 1),
            };
            if self.head_word().cas(head.0, head.revived(reborn).0) {
                event(Event::Rebirth);
            }
            if planted(Fault::BirthAfterHead) {
                self.birth().raise(head.stamp());
            }
        }
        false
    }
}

/// Whether a ring with this head may be closed, as far as a look can tell.
#[inline]
pub(crate) fn is_idle(head: Head, retention: u64, settled: u64) -> bool {
    head.is_frozen() || is_over(head, retention, settled)
}

fn is_over(head: Head, retention: u64, now: u64) -> bool {
    head.stamp().saturating_add(retention) <= now
}
