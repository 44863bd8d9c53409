//! loom's 64-bit atomic, with a note of who read it.
//!
//! loom looks for another interleaving where an access conflicts with the *last*
//! access of the same atomic. A thread that reads a word and then writes it hides,
//! by its own read, what other threads read before, and loom leaves out the
//! interleavings in which they would have read what it wrote
//! ([loom#166](https://github.com/tokio-rs/loom/issues/166),
//! [loom#392](https://github.com/tokio-rs/loom/issues/392)). Nearly every step of
//! the engine reads a word and then writes it.
//!
//! So each word has an atomic more for each thread: the thread's reads of the word
//! read it, and other threads' writes of the word write it, and there loom finds
//! the conflict. These accesses are no points at which threads are switched, and
//! relaxed, so that they order nothing: they add no interleaving and no edge.

use loom::sync::atomic;

pub(super) use atomic::Ordering;

use super::racers::racer;

/// The thread that runs the model, and those that it starts.
const THREADS: usize = 3;

#[derive(Debug)]
pub(super) struct AtomicU64 {
    value: atomic::AtomicU64,
    read_by: [atomic::AtomicU64; THREADS],
}

impl AtomicU64 {
    pub fn new(value: u64) -> Self {
        Self {
            value: atomic::AtomicU64::new(value),
            read_by: std::array::from_fn(|_| atomic::AtomicU64::new(0)),
        }
    }

    pub fn load(&self, order: Ordering) -> u64 {
        let value = self.value.load(order);
        if let Some((me, _)) = racer() {
            aside(|| self.read_by[me].load(Ordering::Relaxed));
        }
        value
    }

    pub fn compare_exchange(
        &self,
        old: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        let result = self.value.compare_exchange(old, new, success, failure);
        if result.is_ok() {
            self.meet_readers();
        }
        result
    }

    pub fn store(&self, value: u64, order: Ordering) {
        self.value.store(value, order);
        self.meet_readers();
    }

    pub fn fetch_add(&self, value: u64, order: Ordering) -> u64 {
        let before = self.value.fetch_add(value, order);
        self.meet_readers();
        before
    }

    fn meet_readers(&self) {
        let Some((me, racers)) = racer() else {
            return;
        };
        for reader in (0..racers).filter(|reader| *reader != me) {
            aside(|| self.read_by[reader].fetch_add(1, Ordering::Relaxed));
        }
    }
}

/// An access at which loom switches to no other thread.
fn aside<T>(access: impl FnOnce() -> T) {
    loom::stop_exploring();
    access();
    loom::explore();
}
