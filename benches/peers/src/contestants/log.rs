//! An exact log behind sharded mutexes: what one would write by hand to be exact, and
//! as good as it gets. The hash is computed once for shard and table, the shards have
//! a cache line of their own, an expired stamp is dropped when it is met, and the clock
//! is read under the lock, so that stamps are in order.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use ahash::RandomState;
use hashbrown::HashTable;
use slidegate::{Clock, SystemClock};

use super::{Contestant, Limit, admitted};
use crate::calls::Call;

/// More than enough for a few threads; a power of two.
const SHARDS: usize = 64;

/// An exact log of each key's admissions.
pub struct ExactLog {
    shards: Box<[Shard]>,
    hasher: RandomState,
    /// Units and nanoseconds.
    windows: Box<[(usize, u64)]>,
    longest_ns: u64,
}

#[repr(align(64))]
struct Shard(Mutex<HashTable<Entry>>);

struct Entry {
    merchant: Box<str>,
    stamps: VecDeque<u64>,
}

impl ExactLog {
    /// With room for `keys` keys, as the engine has it.
    pub fn new(limits: &[Limit], keys: usize) -> Self {
        let shard = |_| Shard(Mutex::new(HashTable::with_capacity(keys / SHARDS)));
        let windows = limits.iter();
        let windows = windows.map(|limit| (limit.units as usize, limit.seconds * 1_000_000_000));
        let windows: Box<[_]> = windows.collect();
        Self {
            shards: (0..SHARDS).map(shard).collect(),
            hasher: RandomState::new(),
            longest_ns: windows.iter().map(|window| window.1).max().unwrap_or(0),
            windows,
        }
    }

    /// Decides at the instant that `now` reads, in nanoseconds.
    #[inline]
    pub fn allow_at(&self, merchant: &str, now: impl FnOnce() -> u64) -> bool {
        let hash = self.hasher.hash_one(merchant);
        // The table uses the upper seven and the lowest bits of the hash.
        let shard = &self.shards[(hash >> 32) as usize % SHARDS];
        let mut table = shard.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = table.entry(
            hash,
            |entry| *entry.merchant == *merchant,
            |entry| self.hasher.hash_one(&*entry.merchant),
        );
        let mut entry = entry.or_insert_with(|| Entry {
            merchant: merchant.into(),
            stamps: VecDeque::new(),
        });
        self.admit(&mut entry.get_mut().stamps, now())
    }

    /// Drops every key none of whose stamps counts at `now`, in nanoseconds, and gives
    /// back what the tables then have too much. Decisions drop stamps of their own key
    /// alone, so keys that never come again would stay for good.
    pub fn forget_idle(&self, now: u64) {
        let live = |last: &u64| last + self.longest_ns > now;
        for Shard(table) in &self.shards {
            let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
            table.retain(|entry| entry.stamps.back().is_some_and(live));
            table.shrink_to_fit(|entry| self.hasher.hash_one(&*entry.merchant));
        }
    }

    /// How many keys are in memory.
    #[cfg(test)]
    pub fn keys(&self) -> usize {
        let keys = |Shard(table): &Shard| table.lock().map_or(0, |table| table.len());
        self.shards.iter().map(keys).sum()
    }

    fn admit(&self, stamps: &mut VecDeque<u64>, now: u64) -> bool {
        while stamps
            .front()
            .is_some_and(|first| first + self.longest_ns <= now)
        {
            stamps.pop_front();
        }
        let full = |(units, span): &(usize, u64)| {
            let oldest = stamps.len().checked_sub(*units);
            oldest.is_some_and(|oldest| stamps[oldest] + span > now)
        };
        if self.windows.iter().any(full) {
            return false;
        }
        stamps.push_back(now);
        true
    }
}

impl Contestant for ExactLog {
    fn pass(&self, calls: &[Call]) -> usize {
        admitted(calls, |call| {
            self.allow_at(&call.merchant, || SystemClock.monotonic_ns())
        })
    }
}
