//! The policy in force, as a thread sees it.
//!
//! Each thread keeps a reference to the policy that it saw last, of a few limiters,
//! and goes on with it while no newer version is announced, which is one load: a
//! check counts no references and writes nothing that threads share. A version is
//! announced before it is put into force, by one compare-and-swap; so a swapper that
//! stops anywhere leaves the former policy to all threads or the next one to all.
//!
//! A new endpoint id is no new version: a thread loads again when it is asked about an
//! id that it has not seen.

use std::cell::Cell;
use std::sync::Arc;

use super::Limiter;
use super::active::Active;
use crate::sync::{enroll, thread_local};

/// Limiters whose policies a thread remembers, each in a place of its number's. A
/// thread that meets two of one place in turn pays for a load each.
const REMEMBERED: usize = 4;

struct Seen {
    limiter: Cell<u64>,
    active: Cell<Option<Arc<Active>>>,
}

impl Seen {
    const fn nothing() -> Self {
        Self {
            limiter: Cell::new(0),
            active: Cell::new(None),
        }
    }
}

#[cfg(not(any(slidegate_loom, slidegate_shuttle)))]
thread_local! {
    static SEEN: [Seen; REMEMBERED] = const { [const { Seen::nothing() }; REMEMBERED] };
}

#[cfg(any(slidegate_loom, slidegate_shuttle))]
thread_local! {
    static SEEN: [Seen; REMEMBERED] = [const { Seen::nothing() }; REMEMBERED];
}

impl Limiter {
    /// Lets `body` work under the policy in force, one that `suffices`.
    #[inline]
    pub(super) fn with_active<R>(
        &self,
        suffices: impl FnOnce(&Active) -> bool,
        body: impl FnOnce(&Active) -> R,
    ) -> R {
        let announced = self.announced.load();
        let active = match take(self.id) {
            Some(active) if active.version == announced && suffices(&active) => active,
            _ => self.load_active(),
        };
        let result = body(&active);
        keep(self.id, active);
        result
    }

    #[cold]
    fn load_active(&self) -> Arc<Active> {
        // A thread's first call sets up all that it needs, so that later ones find
        // nothing left to wait for.
        enroll();
        self.active.load_full()
    }
}

/// What the thread has kept for a limiter. It is taken out, so that a clock or
/// callback that asks the limiter again from within finds none.
#[inline]
fn take(limiter: u64) -> Option<Arc<Active>> {
    let take = |seen: &[Seen; REMEMBERED]| {
        let seen = &seen[limiter as usize % REMEMBERED];
        match seen.limiter.get() == limiter {
            true => seen.active.take(),
            false => None,
        }
    };
    SEEN.try_with(take).ok().flatten()
}

/// Where the thread's locals are gone, it is dropped.
#[inline]
fn keep(limiter: u64, active: Arc<Active>) {
    let _ = SEEN.try_with(|seen| {
        let seen = &seen[limiter as usize % REMEMBERED];
        seen.limiter.set(limiter);
        seen.active.set(Some(active));
    });
}

#[cfg(all(test, not(any(slidegate_loom, slidegate_shuttle))))]
mod tests {
    use super::*;
    use crate::Policy;
    use crate::limiter::Endpoint;

    #[test]
    fn a_thread_goes_on_with_its_policy_until_it_needs_a_newer_one() {
        let text = "version = 1\n[[rule]]\nname = \"r\"\nmatch = \"*\"\nwindows = [\"9/min\"]\n";
        let policy = Policy::from_toml(text).unwrap();
        let limiter = Limiter::new(&policy).unwrap();
        let kept = |endpoint: Endpoint<'_>| {
            let knows = |active: &Active| active.knows(endpoint);
            limiter.with_active(knows, std::ptr::from_ref)
        };
        let first = kept(Endpoint::none());
        let id = limiter.endpoint("GET /a").unwrap();
        assert_eq!(
            kept(Endpoint::none()),
            first,
            "an endpoint that it does not need"
        );
        let second = kept(Endpoint::Id(id));
        assert_ne!(second, first, "an endpoint that it does not know");
        assert_eq!(kept(Endpoint::Id(id)), second);
        assert_eq!(kept(Endpoint::none()), second);
        limiter.swap(&policy).unwrap();
        assert_ne!(kept(Endpoint::none()), second, "another policy");
    }
}
