//! The threads of a model under loom: their numbers, and a fuse for each, which
//! stops it for good before any chosen access.

use std::cell::RefCell;
use std::panic::resume_unwind;

use loom::thread::{self, ThreadId};

use super::trace::{self, Event};

// loom runs all threads of a model on the thread that started it.
std::thread_local! {
    static RACERS: RefCell<Vec<ThreadId>> = const { RefCell::new(Vec::new()) };
    static FUSES: RefCell<Vec<(ThreadId, usize)>> = const { RefCell::new(Vec::new()) };
}

/// What a thread is stopped with: it unwinds to its closure and does nothing more.
pub(crate) struct Died;

/// Call before each execution of a model.
pub(crate) fn begin() {
    trace::counting(false);
    RACERS.with_borrow_mut(Vec::clear);
    FUSES.with_borrow_mut(Vec::clear);
}

/// The number of the current thread among those of a race that have run so far,
/// and how many these are; `None` before and after a race.
pub(super) fn racer() -> Option<(usize, usize)> {
    if !trace::is_counting() {
        return None;
    }
    let me = thread::current().id();
    RACERS.with_borrow_mut(|racers| {
        let known = racers.iter().position(|id| *id == me);
        let number = known.unwrap_or_else(|| {
            racers.push(me);
            racers.len() - 1
        });
        Some((number, racers.len()))
    })
}

/// Lets the current thread perform `accesses` more accesses and then die.
pub(crate) fn light_fuse(accesses: usize) {
    put_out_fuse();
    let me = thread::current().id();
    FUSES.with_borrow_mut(|fuses| fuses.push((me, accesses)));
}

/// Lets the current thread live on.
pub(crate) fn put_out_fuse() {
    let me = thread::current().id();
    FUSES.with_borrow_mut(|fuses| fuses.retain(|(id, _)| *id != me));
}

/// Comes before every access.
pub(crate) fn step() {
    let dies = FUSES.with_borrow_mut(|fuses| {
        if fuses.is_empty() {
            return false;
        }
        let me = thread::current().id();
        let Some((_, left)) = fuses.iter_mut().find(|(id, _)| *id == me) else {
            return false;
        };
        let dies = *left == 0;
        *left = left.saturating_sub(1);
        dies
    });
    if dies {
        trace::event(Event::Death);
        put_out_fuse();
        resume_unwind(Box::new(Died));
    }
}
