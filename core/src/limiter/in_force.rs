//! The policy in force, as a thread sees it.
//!
//! Each thread keeps a reference to the policy that it saw last, of a few limiters,
//! and looks with one load whether there is a newer one: a check counts no
//! references and writes nothing that threads share.

use std::cell::Cell;
use std::ptr;
use std::thread::LocalKey;

use super::Limiter;
use super::active::Active;
use crate::sync::Latest;

/// Limiters whose policies a thread remembers. One that meets more of them in turn
/// pays for a load each.
const REMEMBERED: usize = 4;

type Seen = [Cell<Option<Latest<Active>>>; REMEMBERED];

std::thread_local! {
    static SEEN: Seen = const { [const { Cell::new(None) }; REMEMBERED] };
}

impl Limiter {
    /// Lets `body` work under the policy in force.
    #[inline]
    pub(super) fn with_active<R>(&self, body: impl FnOnce(&Active) -> R) -> R {
        let place = self.id as usize % REMEMBERED;
        // Taken out, so that a clock or callback that asks this limiter again from
        // within finds none and loads its own.
        let seen = SEEN.try_with(|seen| seen[place].take()).ok().flatten();
        let own = |seen: &Latest<Active>| ptr::eq(seen.arc_swap(), &*self.active);
        let mut latest = match seen.filter(own) {
            Some(latest) => latest,
            None => self.first_look(),
        };
        let result = body(latest.load());
        keep(&SEEN, place, latest);
        result
    }

    #[cold]
    fn first_look(&self) -> Latest<Active> {
        Latest::new(self.active.clone())
    }
}

/// Remembers what a thread saw; where its locals are gone, it is dropped.
#[inline]
fn keep(seen: &'static LocalKey<Seen>, place: usize, latest: Latest<Active>) {
    let _ = seen.try_with(|seen| seen[place].set(Some(latest)));
}
