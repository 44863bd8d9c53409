//! How a bucketed log changes hands: it is frozen when idle, and revived for a new
//! key.

use super::Buckets;
use super::mark::{Mark, first_tick, quantum_of};
use super::span::Span;
use crate::log::{ATTEMPTS, Tenant};
use crate::sync::Word;
use crate::sync::fault::{Fault, planted};
use crate::sync::trace::{Event, event};
use crate::time::LAST_TICK;

impl Buckets<'_> {
    /// Closes the log if its units had left every window of up to `retention`
    /// ticks at the tick `settled`; whether it is closed.
    ///
    /// The retention is read after the head: it was raised before the first
    /// admission that needs more of it, so whoever sees that admission's head
    /// sees the raise, and whoever does not fails to move the head.
    pub fn freeze_if_idle(&self, tenant: Tenant<'_>, retention: &Word, settled: u64) -> bool {
        let early = planted(Fault::RetentionReadEarly).then(|| retention.load());
        self.freeze_if(tenant, |head| {
            is_over(head, early.unwrap_or_else(|| retention.load()), settled)
        })
    }

    /// Closes the log whatever it holds, so that the key begins anew; `false` if
    /// the slot is not this tenant's any more, or time has ended.
    pub fn freeze(&self, tenant: Tenant<'_>) -> bool {
        self.freeze_if(tenant, |head| head.quantum() < quantum_of(LAST_TICK))
    }

    fn freeze_if(&self, tenant: Tenant<'_>, may: impl Fn(Mark) -> bool) -> bool {
        for _ in 0..ATTEMPTS {
            let head = self.head();
            if head.is_flagged() {
                return true;
            }
            // After the head: a key that is still the tenant's then was so at the
            // head, so that the compare-and-swap closes no one else's log.
            if !(planted(Fault::FreezeKeyUnchecked) || tenant.holds()) || !may(head) {
                return false;
            }
            if self.head_word().cas(head.0, head.flagged().0) {
                event(Event::Evict);
                return true;
            }
        }
        false
    }

    /// Whether no tenant could come after this one, because time has ended.
    pub fn is_at_the_end(&self) -> bool {
        self.head().quantum() >= quantum_of(LAST_TICK)
    }

    /// Opens a frozen log for the tenant, at the tick `now` or later; `false` if
    /// the slot is not its any more. Anyone may do it for the tenant, any number
    /// of times.
    pub fn revive(&self, tenant: Tenant<'_>, now: u64) -> bool {
        for _ in 0..ATTEMPTS {
            let head = self.head();
            // After the head: else a log frozen under a later tenant would be
            // opened in the name of this one.
            if !tenant.holds() {
                return false;
            }
            if !head.is_flagged() {
                return true;
            }
            let birth = match planted(Fault::BirthNotRaised) {
                true => rebirth(head, now),
                false => self.agree_on_birth(head, now),
            };
            if self.head_word().cas(head.0, birth.0) {
                event(Event::Rebirth);
            }
        }
        false
    }

    /// The head of the next tenant. Whoever proposes one first decides: a birth
    /// later than the frozen head is the one agreed on. Births never fall, so a
    /// proposal that comes late fails.
    fn agree_on_birth(&self, frozen: Mark, now: u64) -> Mark {
        let birth = Mark(self.birth_word().load());
        if birth.quantum() > frozen.quantum() {
            return birth;
        }
        self.birth_word().cas(birth.0, rebirth(frozen, now).0);
        Mark(self.birth_word().load())
    }
}

/// Later than all that the former tenant was admitted, and counted as a unit, so
/// that no word of the former tenant's equals one of the new one's.
fn rebirth(frozen: Mark, now: u64) -> Mark {
    frozen.after(quantum_of(now).max(frozen.quantum() + 1), 1)
}

/// Whether a log with this head may be closed, as far as a look can tell.
#[inline]
pub(crate) fn is_idle(head: Mark, retention: u64, settled: u64) -> bool {
    head.is_flagged() || is_over(head, retention, settled)
}

/// Whether units of the head's quantum have left a window of `ticks` at `now`.
fn is_over(head: Mark, ticks: u64, now: u64) -> bool {
    Span::of(ticks).leaves_at(first_tick(head.quantum())) <= now
}
