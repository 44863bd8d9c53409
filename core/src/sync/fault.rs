//! Planted faults: each names one step of the protocol that a model test leaves
//! out, to see the model fail. Outside the checkers' builds [`planted`] is the
//! constant `false`, and the compiler removes every trace of it.

/// A step of the protocol that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(any(slidegate_loom, slidegate_shuttle)), allow(dead_code))]
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
    RescanUnfenced,
    /// Ignore another insertion of the same key further on in the probe set.
    IgnoreLaterInsertion,
    /// Commit a key before its ring is revived.
    CommitBeforeRebirth,
    /// Let a ring be reborn without burying the former tenant's stamps.
    BirthNotRaised,
    /// Bury the former tenant's stamps only after the ring is open.
    BirthAfterHead,
    /// Let a reborn ring keep the stamp of the frozen one.
    RebirthKeepsStamp,
    /// Revive a ring without reading the key word.
    ReviveKeyUnchecked,
    /// Read the key word before the head in a revival.
    ReviveKeyEarly,
    /// Read the retention before the head in an eviction.
    RetentionReadEarly,
    /// Freeze a head whose units are not all written.
    FreezeUnfilled,
    /// Freeze a ring without reading the key word after the head.
    FreezeKeyUnchecked,
    /// Free whatever key word stands there, instead of the one read before the head.
    FreeWordReadLate,
    /// Let a freed key word keep its version.
    FreedKeepsVersion,
    /// Copy a cell to a higher plane without reading the head again.
    CopyUnchecked,
    /// Copy all units but the oldest.
    CopyStopsEarly,
    /// Copy the oldest units first, and stop at one that counts no more.
    CopyOldestFirst,
    /// Let a grown log keep its stamp.
    GrowthKeepsStamp,
    /// Read the horizon before the head.
    HorizonReadEarly,
    /// Refund to whatever tenant the ring has.
    RefundIgnoresBirth,
    /// Read the birth before the credit in a refund.
    RefundReadsBirthEarly,
    /// Give up a refund where another one was faster.
    RefundOnce,
    /// Let a former tenant's credit lend.
    CreditIgnoresBirth,
    /// Let a credit lend for units that may be forgotten.
    CreditOutlivesLog,
    /// Take refunded units for units of the newest era.
    RefundOfNewestEra,
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
    /// Let a batch keep its reading although a key was evicted since.
    EvictionForgotten,
    /// Evict what is idle by one clock and perhaps not yet by another.
    SkewIgnored,
    /// Remember longer only after the policy that needs it is in force.
    RaisedAfterSwap,
    /// Announce a policy only after it is in force.
    AnnouncedAfterSwap,
    /// Read the policy in force without what its publisher had done.
    PolicyReadUnordered,
    /// Let loads acquire nothing.
    LoadsOrderNothing,
    /// Let compare-and-swaps release nothing.
    WritesReleaseNothing,
    /// Keep the charges of a request that a later rule denied.
    ChargeKept,
}

#[cfg(not(any(slidegate_loom, slidegate_shuttle)))]
#[inline(always)]
pub(crate) const fn planted(_fault: Fault) -> bool {
    false
}

#[cfg(any(slidegate_loom, slidegate_shuttle))]
pub(crate) use modelled::{plant, planted};

#[cfg(any(slidegate_loom, slidegate_shuttle))]
mod modelled {
    use super::Fault;
    use std::cell::Cell;

    // A checker runs all threads of a model on the thread that started it.
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
