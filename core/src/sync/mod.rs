//! The only module that names atomics, arc-swap, crossbeam, once_cell, loom or shuttle.
//!
//! [`Word`] is all the engine gets: a 64-bit atomic with two operations, whose
//! orderings are fixed here. (Two more, for statistics and names, order nothing, and a
//! fifth reads nothing.) Loads acquire; a compare-and-swap releases what the thread did
//! before and acquires what the word's last writer did. There is no plain store of
//! state, so no write can undo another. But for insertions, which need a [`fence`], every
//! edge of a proof is an edge between a write and a read of one and the same word.

#![allow(clippy::disallowed_types)]

pub(crate) mod fault;
#[cfg(slidegate_loom)]
mod loomed;
mod memory;
mod prefetch;
#[cfg(slidegate_loom)]
pub(crate) mod racers;
mod shards;
#[cfg(any(slidegate_loom, slidegate_shuttle))]
mod swap;
pub(crate) mod trace;

#[cfg(not(any(slidegate_loom, slidegate_shuttle)))]
pub(crate) use arc_swap::ArcSwap;
pub(crate) use crossbeam_utils::CachePadded;
pub(crate) use memory::{Density, PAGE_WORDS, Words};
/// A value that is set once, by the fastest of those who made one. Nobody waits.
pub(crate) use once_cell::race::OnceBox as SetOnce;
pub(crate) use prefetch::prefetch;
pub(crate) use shards::{Shards, enroll};
#[cfg(any(slidegate_loom, slidegate_shuttle))]
pub(crate) use swap::ArcSwap;

#[cfg(slidegate_loom)]
pub(crate) use loom::thread_local;
#[cfg(slidegate_shuttle)]
pub(crate) use shuttle::thread_local;
#[cfg(not(any(slidegate_loom, slidegate_shuttle)))]
pub(crate) use std::thread_local;

use fault::{Fault, planted};
#[cfg(slidegate_loom)]
use loomed::{AtomicU64, Ordering};
#[cfg(slidegate_shuttle)]
use shuttle::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(any(slidegate_loom, slidegate_shuttle)))]
use std::sync::atomic::{AtomicU64, Ordering};

/// One word of the engine's state.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Word(AtomicU64);

impl Word {
    pub fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Reads the word, and with it everything that its writer had done.
    #[inline]
    pub fn load(&self) -> u64 {
        trace::step();
        let order = match planted(Fault::LoadsOrderNothing) {
            true => Ordering::Relaxed,
            false => Ordering::Acquire,
        };
        self.0.load(order)
    }

    /// A load that orders nothing, for a planted fault.
    #[cfg(any(slidegate_loom, slidegate_shuttle))]
    fn load_unordered(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Replaces `old` by `new`; `false` if the word holds something else.
    #[inline]
    pub fn cas(&self, old: u64, new: u64) -> bool {
        trace::step();
        let order = match planted(Fault::WritesReleaseNothing) {
            true => Ordering::Acquire,
            false => Ordering::AcqRel,
        };
        self.0
            .compare_exchange(old, new, order, Ordering::Acquire)
            .is_ok()
    }

    /// Brings the word near, so that a later access need not wait for it: several
    /// words that are brought near one after the other are waited for together. It
    /// reads nothing, and models leave it out.
    #[inline]
    pub fn approach(&self) {
        prefetch(self);
    }

    /// Raises the word to at least `value`. Each turn but the last means that another
    /// thread changed it; where nobody lowers it, there are no more of them than values
    /// that others raise it to on the way.
    #[inline]
    pub fn raise(&self, value: u64) {
        loop {
            let now = self.load();
            if now >= value || self.cas(now, value) {
                return;
            }
        }
    }

    /// As [`raise`](Self::raise), for the first words of a block, which are probably 0 and
    /// perhaps of a page that was never touched. It begins with the write: read first, the
    /// page would be mapped as shared zeros, and written then, copied from them, which are
    /// two faults for one.
    #[inline]
    pub fn raise_from_zero(&self, value: u64) {
        if !self.cas(0, value) {
            self.raise(value);
        }
    }

    /// Writes a word that decides nothing, such as a part of a name. It orders nothing,
    /// and nobody is stopped before it.
    #[inline]
    pub fn note(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Adds to a statistic kept among the state's words. It orders nothing.
    #[inline]
    pub fn count(&self, units: u64) {
        self.0.fetch_add(units, Ordering::Relaxed);
    }
}

/// Of two threads that each write a word, pass a fence and read the other's word, at
/// least one reads what the other wrote.
#[inline]
pub(crate) fn fence() {
    #[cfg(slidegate_loom)]
    loom::sync::atomic::fence(Ordering::SeqCst);
    #[cfg(slidegate_shuttle)]
    shuttle::sync::atomic::fence(Ordering::SeqCst);
    #[cfg(not(any(slidegate_loom, slidegate_shuttle)))]
    std::sync::atomic::fence(Ordering::SeqCst);
}

/// A number that no other call in this process gets; never 0.
pub(crate) fn unique_number() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static GIVEN: AtomicU64 = AtomicU64::new(0);
    GIVEN.fetch_add(1, Ordering::Relaxed) + 1
}

/// A number outside the engine's state, such as a statistic or a test clock. It
/// orders nothing, so its accesses are relaxed, and models do not schedule them.
#[derive(Debug, Default)]
pub(crate) struct Register(std::sync::atomic::AtomicU64);

impl Register {
    pub fn get(&self) -> u64 {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }

    pub fn update(&self, to: impl Fn(u64) -> u64) {
        use std::sync::atomic::Ordering::Relaxed;
        let _ = self.0.fetch_update(Relaxed, Relaxed, |now| Some(to(now)));
    }

    /// Adds one.
    pub fn count(&self) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}
