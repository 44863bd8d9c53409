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

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::Limiter;
use super::active::Active;
use crate::sync::{enroll, thread_local};

/// Limiters whose policies a thread remembers, each in a place of its number's. A
/// thread that meets two of one place in turn pays for a load each.
const REMEMBERED: usize = 4;

struct Seen {
    limiter: Cell<u64>,
    active: RefCell<Option<Arc<Active>>>,
}

impl Seen {
    const fn nothing() -> Self {
        Self {
            limiter: Cell::new(0),
            active: RefCell::new(None),
        }
    }

    fn of(seen: &[Self; REMEMBERED], limiter: u64) -> &Self {
        &seen[limiter as usize % REMEMBERED]
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
    /// Lets `body` work under the policy in force, if the thread keeps it; `None` if it
    /// does not or `body` says so, and [`with_active`](Self::with_active) has to be used.
    ///
    /// The thread's reference is borrowed meanwhile: a clock or callback that asks the
    /// limiter again from within borrows it too, or loads a policy of its own.
    #[inline(always)]
    pub(super) fn with_kept<R>(&self, body: impl FnOnce(&Active) -> Option<R>) -> Option<R> {
        let announced = self.announced.load();
        let kept = SEEN.try_with(|seen| {
            let seen = Seen::of(seen, self.id);
            let kept = seen.active.try_borrow().ok()?;
            let active = kept.as_deref()?;
            match seen.limiter.get() == self.id && active.version == announced {
                true => body(active),
                false => None,
            }
        });
        kept.ok().flatten()
    }

    /// Lets `body` work under the policy in force, one that `suffices`.
    #[inline]
    pub(super) fn with_active<R>(
        &self,
        suffices: impl FnOnce(&Active) -> bool,
        body: impl FnOnce(&Active) -> R,
    ) -> R {
        let mut body = Some(body);
        let result = self.with_kept(|active| match suffices(active) {
            true => body.take().map(|body| body(active)),
            false => None,
        });
        match (result, body) {
            (Some(result), _) => result,
            (None, Some(body)) => self.with_loaded(body),
            (None, None) => unreachable!("a body that has run has a result"),
        }
    }

    /// As [`with_active`](Self::with_active), for a thread that keeps no such policy.
    #[cold]
    fn with_loaded<R>(&self, body: impl FnOnce(&Active) -> R) -> R {
        // A thread's first call sets up all that it needs, so that later ones find
        // nothing left to wait for.
        enroll();
        let active = self.active.load_full();
        let result = body(&active);
        keep(self.id, active);
        result
    }
}

/// Where the thread's locals are gone, or the place is in use, it is dropped.
fn keep(limiter: u64, active: Arc<Active>) {
    let former = SEEN.try_with(|seen| {
        let seen = Seen::of(seen, limiter);
        let mut kept = seen.active.try_borrow_mut().ok()?;
        seen.limiter.set(limiter);
        kept.replace(active)
    });
    // Only now: nothing is borrowed any more.
    drop(former);
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
