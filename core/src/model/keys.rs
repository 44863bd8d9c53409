//! What the models of the table share: a table of two slots, which are the probe
//! set of every key, and keys that begin at the one or the other.

use std::sync::Arc;

use super::harness::*;
use crate::log::{Answer, Charged, Horizons, Query};
use crate::table::{Key, Place, Reply, Table};
use crate::time::Now;
use crate::window::Window;

pub(super) const RETENTION: u64 = 10;

/// A key that probes slot 0 first.
pub(super) fn key(name: u64) -> Key {
    Key::from_parts(name, 0)
}

/// A key that probes slot 1 first.
pub(super) fn key_from_above(name: u64) -> Key {
    Key::from_parts(name, 1 << 31)
}

/// A table for windows of 10 ticks, whose rings may grow until a window of
/// `max_limit` finds room twice.
pub(super) fn table(max_limit: u32) -> Arc<Table> {
    let table = Table::with_buckets(2, max_limit).expect("loom's memory");
    table.raise_horizon(0, RETENTION);
    Arc::new(table)
}

/// `None` where the table is full.
pub(super) fn ask_with(
    table: &Table,
    key: Key,
    query: &Query<'_>,
    tick: u64,
) -> Option<(Answer, Option<Place>)> {
    let clock = clock_at(tick);
    match table.ask(key, query, Now::Live(&clock)) {
        Reply::Answered(answer, place) => Some((answer, place)),
        Reply::Full => None,
        Reply::Corrupt => panic!("the table contradicts itself"),
    }
}

/// Charges `cost` units; `None` where the table is full.
pub(super) fn take_in(
    table: &Table,
    key: Key,
    window: Window,
    cost: u32,
    tick: u64,
) -> Option<bool> {
    let windows = [window];
    let answered = ask_with(table, key, &charge(&windows, cost), tick);
    answered.map(|(answer, _)| answer.admitted)
}

/// Charges one unit in a window that holds one.
pub(super) fn take(table: &Table, key: Key, tick: u64) -> Option<bool> {
    take_in(table, key, window(1, RETENTION), 1, tick)
}

/// Leaves a claim of the key in its first slot, whose inserter died right after:
/// the next to come finish it. Both slots must be empty.
pub(super) fn claim_and_die(table: &Table, key: Key, tick: u64) {
    // Two looks read both key words each, and an eviction the retention; then comes the
    // claim.
    let died = dying(6, || take(table, key, tick)).is_none();
    assert!(
        died && table.count_keys() == 0,
        "it claimed and went no further"
    );
}

pub(super) fn refund(table: &Table, place: Place, at: u64, tick: u64) -> bool {
    let charged = Charged::at_first(1, at);
    let horizons = Horizons::new(RETENTION);
    table.refund(place, charged, &horizons, Now::Live(&clock_at(tick)))
}

/// Units of a key that count in a window.
pub(super) fn live_in(table: &Table, key: Key, window: Window, tick: u64) -> u32 {
    let (answer, _) = ask_with(table, key, &survey(&window), tick).expect("a survey is answered");
    surveyed(window, &answer)
}

pub(super) fn live(table: &Table, key: Key, tick: u64) -> u32 {
    live_in(table, key, window(1, RETENTION), tick)
}

pub(super) type Body = fn(&Table) -> Option<bool>;

pub(super) fn admitted(answers: &[Option<bool>]) -> usize {
    answers.iter().filter(|a| **a == Some(true)).count()
}
