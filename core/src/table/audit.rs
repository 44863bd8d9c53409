//! The audit of windows under real threads: every decision with its instant, held
//! against an ideal log of the same admissions.

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use super::{Hashing, Key, Reply, Sizes, Table};
use crate::log::{Ask, Horizons, Query};
use crate::time::{Now, Timeline};
use crate::window::Window;

const RETENTION: u64 = 30_000;

/// One decision: key, instant, cost, admitted.
type Entry = (u32, u64, u32, bool);

struct Load {
    windows: [Window; 2],
    keys: u32,
    max_keys: u64,
    most_cost: u32,
}

fn table(load: &Load) -> Table {
    let sizes = Sizes {
        max_keys: load.max_keys,
        max_limit: 2_048,
        pools: 0,
        names: true,
        counters: false,
    };
    let table = Table::new(&sizes).unwrap();
    table.raise_horizon(0, RETENTION);
    table
}

/// Decides as fast as it can until the deadline, with keys and costs from a
/// small generator of its own.
fn hammer(load: &Load, table: &Table, keys: &[Key], clock: &Timeline, seed: u64) -> Vec<Entry> {
    let deadline = Instant::now() + Duration::from_millis(700);
    let mut entries = Vec::new();
    let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    while Instant::now() < deadline {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let name = (random >> 40) as u32 % load.keys;
        let cost = 1 + (random >> 20) as u32 % load.most_cost;
        let query = Query {
            name: b"audit",
            windows: &load.windows,
            widths: &[],
            horizons: &Horizons::FOREVER,
            cost,
            ask: Ask::Charge,
            detail: false,
            standings: None,
        };
        match table.ask(keys[name as usize], &query, Now::Live(clock)) {
            Reply::Answered(answer, _) => entries.push((name, answer.at, cost, answer.admitted)),
            Reply::Full => {}
            Reply::Corrupt => panic!("the table contradicts itself"),
        }
    }
    entries
}

/// The most units in any half-open span, and the denials that an ideal log would
/// have admitted.
fn judge(windows: &[Window], entries: &[(u64, u32, bool)]) -> (u32, usize) {
    let mut over = 0;
    let mut wrong = vec![true; entries.len()];
    for window in windows {
        let (mut from, mut held) = (0, 0);
        let mut to = 0;
        for (index, &(at, cost, admitted)) in entries.iter().enumerate() {
            // All admissions of the same instant count: they may have come first.
            while to < entries.len() && entries[to].0 <= at {
                held += if entries[to].2 { entries[to].1 } else { 0 };
                to += 1;
            }
            while entries[from].0 + window.ticks() <= at {
                held -= if entries[from].2 { entries[from].1 } else { 0 };
                from += 1;
            }
            over = over.max(held.saturating_sub(window.limit));
            wrong[index] &= !admitted && held + cost <= window.limit;
        }
    }
    (over, wrong.into_iter().filter(|wrong| *wrong).count())
}

fn audit(load: &Load) -> (usize, usize) {
    let table = table(load);
    let hashing = Hashing::with_random_secret().unwrap();
    let key = |name: u32| Key::new(0, hashing.rule("r"), hashing.merchant(&name.to_le_bytes()));
    let keys: Vec<Key> = (0..load.keys).map(key).collect();
    let clock = Timeline::new(None);
    let logs = thread::scope(|scope| {
        let (table, keys, clock) = (&table, &keys, &clock);
        let threads =
            [1, 2, 3, 4].map(|seed| scope.spawn(move || hammer(load, table, keys, clock, seed)));
        threads.map(|thread| thread.join().unwrap())
    });
    let mut by_key: HashMap<u32, Vec<(u64, u32, bool)>> = HashMap::new();
    for (name, at, cost, admitted) in logs.into_iter().flatten() {
        by_key.entry(name).or_default().push((at, cost, admitted));
    }
    let (mut admitted, mut denied) = (0, 0);
    for (name, mut entries) in by_key {
        entries.sort_unstable_by_key(|entry| entry.0);
        let (over, wrong) = judge(&load.windows, &entries);
        assert_eq!(over, 0, "key {name}: units above a limit");
        assert_eq!(wrong, 0, "key {name}: denials that an ideal log admits");
        admitted += entries.iter().filter(|entry| entry.2).count();
        denied += entries.iter().filter(|entry| !entry.2).count();
    }
    (admitted, denied)
}

#[test]
fn one_hot_key_is_exact() {
    let (admitted, denied) = audit(&Load {
        windows: [
            Window::from_ticks(100, 2_000),
            Window::from_ticks(700, RETENTION),
        ],
        keys: 1,
        max_keys: 16,
        most_cost: 3,
    });
    assert!(admitted > 1_000 && denied > 1_000, "{admitted}, {denied}");
}

/// More keys than slots: they grow, are evicted and come back all the time.
#[test]
fn a_crowded_table_is_exact() {
    let (admitted, denied) = audit(&Load {
        windows: [
            Window::from_ticks(3, 500),
            Window::from_ticks(40, RETENTION),
        ],
        keys: 3_000,
        max_keys: 200,
        most_cost: 2,
    });
    assert!(admitted > 1_000, "{admitted}, {denied}");
}

#[test]
fn the_judge_sees_what_is_wrong() {
    let windows = [Window::from_ticks(2, 10)];
    let fine = [(1, 1, true), (1, 1, true), (5, 1, false), (11, 2, true)];
    assert_eq!(judge(&windows, &fine), (0, 0));
    assert_eq!(judge(&windows, &[(1, 2, true), (10, 1, true)]), (1, 0));
    assert_eq!(judge(&windows, &[(1, 2, true), (11, 1, false)]), (0, 1));
}
