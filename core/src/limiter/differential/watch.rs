//! Which keys stand in the engine's tables, to see which of them are evicted, reset
//! and given others' slots: events do not say in which table.

use crate::limiter::Limiter;
use crate::table::{Kind, Table};
use crate::window::Precision;

/// What became of a table's keys between two looks, at the least.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Changes {
    /// Keys that lost their slots.
    pub gone: u64,
    /// Keys that got slots which others had had.
    pub reborn: u64,
}

#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    /// The key word, which tells tenancies apart.
    word: Option<u64>,
    was_used: bool,
}

/// What the last look saw, by kind and slot.
#[derive(Debug, Default)]
pub(super) struct Watch {
    slots: [Vec<Seen>; 2],
}

impl Watch {
    /// What has changed in the tables of exact and of bucketed keys.
    pub fn look(&mut self, engine: &Limiter) -> [Changes; 2] {
        let [exact, bucketed] = &mut self.slots;
        let exact = look_at(&engine.tables.exact, exact);
        let bucketed = engine
            .tables
            .bucketed()
            .map(|table| look_at(table, bucketed));
        let mut changes = [Changes::default(); 2];
        changes[Precision::Exact as usize] = exact;
        changes[Precision::Bucketed as usize] = bucketed.unwrap_or_default();
        changes
    }
}

fn look_at<K: Kind>(table: &Table<K>, slots: &mut Vec<Seen>) -> Changes {
    slots.resize(table.slots(), Seen::default());
    let mut changes = Changes::default();
    for (slot, seen) in slots.iter_mut().enumerate() {
        let word = table.named(slot).map(|found| found.word.0);
        if word != seen.word {
            changes.gone += u64::from(seen.word.is_some());
            changes.reborn += u64::from(word.is_some() && seen.was_used);
            seen.was_used |= word.is_some();
            seen.word = word;
        }
    }
    changes
}
