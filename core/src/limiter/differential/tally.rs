//! What timelines reached, and how much of it they must have reached to mean
//! anything.

use crate::sync::trace::{Event, seen};

#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    /// Questions to engine and reference.
    pub steps: u64,
    pub denials: u64,
    /// Denials asked again: denied one tick before the retry instant, and
    /// admitted at it.
    pub denied_before: u64,
    pub admitted_at: u64,
    pub swaps: u64,
    /// Refunds that lent something, and that came too late.
    pub refunds: u64,
    pub late_refunds: u64,
    /// Keys reset that had a slot.
    pub resets: u64,
    /// Wraps of a ring's count, at the least.
    pub wraps: u64,
    pub back_steps: u64,
    pub untracked: u64,
}

impl Tally {
    pub fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.denials += other.denials;
        self.denied_before += other.denied_before;
        self.admitted_at += other.admitted_at;
        self.swaps += other.swaps;
        self.refunds += other.refunds;
        self.late_refunds += other.late_refunds;
        self.resets += other.resets;
        self.wraps += other.wraps;
        self.back_steps += other.back_steps;
        self.untracked += other.untracked;
    }

    /// Rings frozen because they were idle: all that were but those of resets.
    pub fn evictions(&self) -> u64 {
        seen(Event::Evict) - self.resets
    }
}

/// Fewer timelines may miss the rarer things.
const CASES_THAT_COUNT: u32 = 256;

/// Demands that something was reached `least` times in every thousand cases.
pub(super) fn reached(what: &str, count: u64, cases: u32, least: u64) {
    println!("  {what}: {count}");
    let wanted = match cases >= CASES_THAT_COUNT {
        true => u64::from(cases) * least / 1_000,
        false => 0,
    };
    assert!(count >= wanted, "{what}: {count} of at least {wanted}");
}
