//! Planted faults: each names one step of the protocol that a model test leaves
//! out, to see the model fail. Outside the model build [`planted`] is the
//! constant `false`, and the compiler removes every trace of it.

/// A step of the protocol that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(slidegate_loom), allow(dead_code))]
pub(crate) enum Fault {
    /// Fill a cell by one compare-and-swap instead of raising it.
    FillOnce,
    /// Answer without reading the head again.
    AnswerUnchecked,
    /// Do not read the key word after the head.
    KeyUnchecked,
    /// Commit an insertion without looking at the rest of the probe set.
    InsertWithoutRescan,
    /// Look at the rest of the probe set by plain loads.
    RescanByLoads,
    /// Ignore another insertion of the same key further on in the probe set.
    IgnoreLaterInsertion,
    /// Let a ring be reborn without burying the former tenant's stamps.
    BirthNotRaised,
    /// Read the retention before the head in an eviction.
    RetentionReadEarly,
    /// Freeze a head whose units are not all written.
    FreezeUnfilled,
    /// Freeze a ring without reading the key word after the head.
    FreezeKeyUnchecked,
    /// Copy a cell to a higher plane without reading the head again.
    CopyUnchecked,
    /// Let a credit lend for units that may be forgotten.
    CreditOutlivesLog,
    /// Enter a bucket after the head has moved into it.
    EnterLate,
    /// Enter a bucket without reading the head again.
    EnterUnchecked,
    /// Do not mark a bucket as left.
    LeaveUnmarked,
    /// Believe an entry of a bucket that the head may not have been in.
    EntryTrusted,
    /// Take a cell of a later lap for an empty one.
    LapIgnored,
}

#[cfg(not(slidegate_loom))]
#[inline(always)]
pub(crate) const fn planted(_fault: Fault) -> bool {
    false
}

#[cfg(slidegate_loom)]
pub(crate) use modelled::{plant, planted};

#[cfg(slidegate_loom)]
mod modelled {
    use super::Fault;
    use std::cell::Cell;

    // loom runs all threads of a model on the thread that started it.
    std::thread_local! {
        static PLANTED: Cell<Option<Fault>> = const { Cell::new(None) };
    }

    pub(crate) fn planted(fault: Fault) -> bool {
        PLANTED.get() == Some(fault)
    }

    /// Plants a fault for the models that this thread runs from now on.
    pub(crate) fn plant(fault: Option<Fault>) {
        PLANTED.set(fault);
    }
}
