//! Hooks of the checkers' builds: events that a model must have seen to mean
//! anything, and a step before every access. Unit tests count events, too, and may
//! let another caller act before an access; elsewhere both are empty.

/// Something rare that a model must really have reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(any(slidegate_loom, slidegate_shuttle)), allow(dead_code))]
pub(crate) enum Event {
    /// The straight way came to a judgement.
    AtOnce,
    /// A thread finished the cells of another thread's admission.
    Help,
    /// A log moved to a higher plane.
    Grow,
    /// A copier found that the log had moved on.
    CopyLost,
    /// An admission overwrote a cell of an earlier lap.
    Lap,
    /// A bucket was entered.
    Rotate,
    /// An entry that an overtaken thread had left was replaced.
    Abandoned,
    /// A thread found that another's clock had run a lap ahead.
    Ahead,
    /// A thread finished another thread's insertion of the same key.
    Takeover,
    /// An insertion lost against one of the same key in another slot.
    DuplicateLost,
    /// An idle ring was frozen.
    Evict,
    /// A ring was frozen whatever it held.
    Reset,
    /// A frozen ring was given to a new tenant.
    Rebirth,
    /// A thread that would have frozen or opened a ring found it another tenant's.
    NotItsOwn,
    /// A check found its slot taken away and looked again.
    Gone,
    /// Another key's claim was freed.
    ForeignFreed,
    /// A refund lent capacity.
    Refund,
    /// A refund found that its units were a former tenant's.
    RefundLate,
    /// A thread was stopped for good.
    Death,
}

#[cfg(not(any(test, slidegate_loom, slidegate_shuttle)))]
#[inline(always)]
pub(crate) fn event(_event: Event) {}

#[cfg(all(test, not(any(slidegate_loom, slidegate_shuttle))))]
pub(crate) use counted::{event, seen, start};

/// Events by thread: tests run side by side.
#[cfg(all(test, not(any(slidegate_loom, slidegate_shuttle))))]
mod counted {
    use super::Event;
    use std::cell::Cell;

    const EVENTS: usize = Event::Death as usize + 1;

    std::thread_local! {
        static SEEN: [Cell<u64>; EVENTS] = const { [const { Cell::new(0) }; EVENTS] };
    }

    pub(crate) fn event(event: Event) {
        SEEN.with(|seen| seen[event as usize].update(|count| count + 1));
    }

    /// How often an event has happened on this thread since [`start`].
    pub(crate) fn seen(event: Event) -> u64 {
        SEEN.with(|seen| seen[event as usize].get())
    }

    /// Forgets the events of this thread.
    pub(crate) fn start() {
        SEEN.with(|seen| seen.iter().for_each(|count| count.set(0)));
    }
}

#[cfg(not(any(slidegate_loom, all(test, not(slidegate_shuttle)))))]
#[inline(always)]
pub(crate) fn step() {}

#[cfg(all(test, not(any(slidegate_loom, slidegate_shuttle))))]
pub(crate) use visited::{step, visit_before};

/// Races made deterministic: a visitor acts before an access of the thread, where
/// another thread could.
#[cfg(all(test, not(any(slidegate_loom, slidegate_shuttle))))]
mod visited {
    use std::cell::{Cell, RefCell};

    type Visit = Box<dyn FnOnce()>;

    std::thread_local! {
        static ACCESSES_LEFT: Cell<Option<u32>> = const { Cell::new(None) };
        static VISIT: RefCell<Option<Visit>> = const { RefCell::new(None) };
    }

    /// Lets `visit` act before the access after `accesses` more of this thread, if
    /// `body` comes to so many; whether it did.
    pub(crate) fn visit_before(
        accesses: u32,
        visit: impl FnOnce() + 'static,
        body: impl FnOnce(),
    ) -> bool {
        VISIT.replace(Some(Box::new(visit)));
        ACCESSES_LEFT.set(Some(accesses));
        body();
        ACCESSES_LEFT.set(None);
        VISIT.take().is_none()
    }

    #[inline]
    pub(crate) fn step() {
        let Some(left) = ACCESSES_LEFT.get() else {
            return;
        };
        ACCESSES_LEFT.set(left.checked_sub(1));
        if left == 0
            && let Some(visit) = VISIT.take()
        {
            visit();
        }
    }
}

#[cfg(slidegate_loom)]
pub(crate) use super::racers::step;
#[cfg(slidegate_loom)]
pub(crate) use modelled::is_counting;
#[cfg(any(slidegate_loom, slidegate_shuttle))]
pub(crate) use modelled::{counting, event, seen, start};

#[cfg(any(slidegate_loom, slidegate_shuttle))]
mod modelled {
    use std::cell::{Cell, RefCell};

    use super::Event;

    const EVENTS: usize = Event::Death as usize + 1;

    std::thread_local! {
        static SEEN: RefCell<[u64; EVENTS]> = const { RefCell::new([0; EVENTS]) };
        static COUNTING: Cell<bool> = const { Cell::new(false) };
    }

    pub(crate) fn event(event: Event) {
        if COUNTING.get() {
            SEEN.with_borrow_mut(|seen| seen[event as usize] += 1);
        }
    }

    /// Whether events count from now on: what happens before and after a race
    /// says nothing about it.
    pub(crate) fn counting(counts: bool) {
        COUNTING.set(counts);
    }

    /// Whether a race is on.
    #[cfg(slidegate_loom)]
    pub(crate) fn is_counting() -> bool {
        COUNTING.get()
    }

    /// How often an event has happened since [`start`].
    pub(crate) fn seen(event: Event) -> u64 {
        SEEN.with_borrow(|seen| seen[event as usize])
    }

    /// Forgets all events; call before a model.
    pub(crate) fn start() {
        SEEN.with_borrow_mut(|seen| *seen = [0; EVENTS]);
        counting(false);
    }
}
