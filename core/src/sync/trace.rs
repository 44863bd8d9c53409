//! Hooks of the model build: events that a model must have seen to mean
//! anything, and a fuse that stops a thread before any chosen access. Unit tests
//! count events too; elsewhere both are empty.

/// Something rare that a model must really have reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(slidegate_loom), allow(dead_code))]
pub(crate) enum Event {
    /// A thread finished the cells of another thread's admission.
    Help,
    /// A log moved to a higher plane.
    Grow,
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
    /// A frozen ring was given to a new tenant.
    Rebirth,
    /// A check found its slot taken away and looked again.
    Gone,
    /// Another key's claim was freed.
    ForeignFreed,
    /// A thread was stopped for good.
    Death,
}

#[cfg(all(not(test), not(slidegate_loom)))]
#[inline(always)]
pub(crate) fn event(_event: Event) {}

#[cfg(all(test, not(slidegate_loom)))]
pub(crate) use counted::{event, seen, start};

/// Events by thread: tests run side by side.
#[cfg(all(test, not(slidegate_loom)))]
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

#[cfg(not(slidegate_loom))]
#[inline(always)]
pub(crate) fn step() {}

#[cfg(slidegate_loom)]
pub(crate) use modelled::{Died, event, is_thorough, light_fuse, seen, start, step, thorough};

#[cfg(slidegate_loom)]
mod modelled {
    const EVENTS: usize = Event::Death as usize + 1;

    use super::Event;
    use std::cell::{Cell, RefCell};

    std::thread_local! {
        static SEEN: RefCell<[u64; EVENTS]> = const { RefCell::new([0; EVENTS]) };
        // Threads of a model interleave, so each has a fuse of its own.
        static FUSES: RefCell<Vec<(loom::thread::ThreadId, usize)>> = const { RefCell::new(Vec::new()) };
        static ARMED: Cell<bool> = const { Cell::new(false) };
        static THOROUGH: Cell<bool> = const { Cell::new(false) };
    }

    /// What a thread is stopped with: it unwinds to its closure and does nothing more.
    pub(crate) struct Died;

    pub(crate) fn event(event: Event) {
        SEEN.with_borrow_mut(|seen| seen[event as usize] += 1);
    }

    /// How often an event has happened since [`start`].
    pub(crate) fn seen(event: Event) -> u64 {
        SEEN.with_borrow(|seen| seen[event as usize])
    }

    /// Forgets all events; call before a model.
    pub(crate) fn start() {
        SEEN.with_borrow_mut(|seen| *seen = [0; EVENTS]);
        disarm();
    }

    /// Whether the models of this thread try both orders of any two accesses to
    /// one word from now on.
    pub(crate) fn thorough(thorough: bool) {
        THOROUGH.set(thorough);
    }

    pub(crate) fn is_thorough() -> bool {
        THOROUGH.get()
    }

    fn disarm() {
        FUSES.with_borrow_mut(Vec::clear);
        ARMED.set(false);
    }

    /// Lets the current thread perform `accesses` more accesses and then die.
    pub(crate) fn light_fuse(accesses: usize) {
        let me = loom::thread::current().id();
        FUSES.with_borrow_mut(|fuses| {
            fuses.retain(|(id, _)| *id != me);
            fuses.push((me, accesses));
        });
        ARMED.set(true);
    }

    pub(crate) fn step() {
        if !ARMED.get() {
            return;
        }
        let me = loom::thread::current().id();
        let dies = FUSES.with_borrow_mut(|fuses| {
            let Some((_, left)) = fuses.iter_mut().find(|(id, _)| *id == me) else {
                return false;
            };
            let dies = *left == 0;
            *left = left.saturating_sub(1);
            dies
        });
        if dies {
            event(Event::Death);
            FUSES.with_borrow_mut(|fuses| fuses.retain(|(id, _)| *id != me));
            std::panic::resume_unwind(Box::new(Died));
        }
    }
}
