//! Statistics that many threads add to.
//!
//! A thread that lives owns a shard, as long as there are shards left, and nobody
//! else writes to it: it counts with a load and a store, where an atomic addition
//! takes as long as all the rest of a denial. The other threads share one shard, and
//! add atomically. A shard's next owner has seen all that the last one wrote.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use super::CachePadded;

/// Shards with an owner; one more is shared.
const OWNED: usize = 15;

#[derive(Debug)]
pub(crate) struct Shards<const N: usize>([CachePadded<Counts<N>>; OWNED + 1]);

#[derive(Debug)]
struct Counts<const N: usize>([AtomicU64; N]);

impl<const N: usize> Default for Shards<N> {
    fn default() -> Self {
        let counts = || Counts(std::array::from_fn(|_| AtomicU64::new(0)));
        Self(std::array::from_fn(|_| CachePadded::new(counts())))
    }
}

impl<const N: usize> Shards<N> {
    /// Adds to one of the numbers.
    #[inline(always)]
    pub fn add(&self, number: usize, units: u64) {
        let Some(count) = own_shard().and_then(|shard| self.0[..OWNED].get(shard)) else {
            return self.add_shared(number, units);
        };
        let count = &count.0[number];
        let sum = count.load(Ordering::Relaxed).wrapping_add(units);
        count.store(sum, Ordering::Relaxed);
    }

    #[cold]
    fn add_shared(&self, number: usize, units: u64) {
        self.0[OWNED].0[number].fetch_add(units, Ordering::Relaxed);
    }

    /// The sum of one of the numbers.
    pub fn sum(&self, number: usize) -> u64 {
        let of = |shard: &CachePadded<Counts<N>>| shard.0[number].load(Ordering::Relaxed);
        self.0.iter().map(of).fold(0, u64::wrapping_add)
    }
}

/// One bit for each shard that has an owner.
static OWNERS: AtomicU64 = AtomicU64::new(0);

std::thread_local! {
    /// The current thread's shard, [`SHARED`] or [`UNKNOWN`]. It needs no destructor, so
    /// that to read it is one load.
    static OWN: Cell<usize> = const { Cell::new(UNKNOWN) };
    static OWNER: Owner = Owner::claim();
}

const SHARED: usize = OWNED;
const UNKNOWN: usize = OWNED + 1;

/// Gives the thread's shard back when the thread ends. What its other destructors still
/// count goes to the shared one.
struct Owner(usize);

impl Owner {
    fn claim() -> Self {
        let free = |owners: u64| {
            let shard = owners.trailing_ones() as usize;
            (shard < OWNED).then_some(owners | 1 << shard)
        };
        // The next owner acquires what the last one released.
        let claimed = OWNERS.fetch_update(Ordering::Acquire, Ordering::Relaxed, free);
        Self(claimed.map_or(SHARED, |owners| owners.trailing_ones() as usize))
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        OWN.set(SHARED);
        if self.0 < OWNED {
            OWNERS.fetch_and(!(1 << self.0), Ordering::Release);
        }
    }
}

/// Gives the current thread a shard, if there is one left.
#[cold]
pub(crate) fn enroll() -> usize {
    // A thread whose locals are gone already owns none.
    let shard = OWNER.try_with(|owner| owner.0).unwrap_or(SHARED);
    OWN.set(shard);
    shard
}

/// The current thread's shard, if it owns one.
#[inline(always)]
fn own_shard() -> Option<usize> {
    let shard = match OWN.get() {
        UNKNOWN => enroll(),
        shard => shard,
    };
    (shard < OWNED).then_some(shard)
}

#[cfg(all(test, not(any(slidegate_loom, slidegate_shuttle))))]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn nothing_is_lost_between_more_threads_than_shards() {
        let shards = Shards::<2>::default();
        for _ in 0..20 {
            thread::scope(|scope| {
                for _ in 0..2 * OWNED {
                    scope.spawn(|| (0..1_000).for_each(|_| shards.add(1, 3)));
                }
            });
        }
        assert_eq!(shards.sum(1), 20 * 2 * OWNED as u64 * 3_000);
        assert_eq!(shards.sum(0), 0);
    }
}
