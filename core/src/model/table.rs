//! Models of the table: two slots, one probe set.

use loom::sync::Arc;
use loom::thread;

use super::harness::*;
use crate::ring::{Answer, Ask, Query};
use crate::sync::trace::{Event, seen};
use crate::table::{Key, Reply, Table};
use crate::time::Now;
use crate::window::Window;

const RETENTION: u64 = 10;

fn one() -> [Window; 1] {
    [window(1, RETENTION)]
}

/// A key that probes slot 0 first.
fn key(name: u64) -> Key {
    Key::from_parts(name, 0)
}

/// A key that probes slot 1 first.
fn key_from_above(name: u64) -> Key {
    Key::from_parts(name, 1 << 31)
}

fn table() -> Arc<Table> {
    let table = Table::with_buckets(2, 1).expect("loom's memory");
    table.raise_horizon(0, RETENTION);
    Arc::new(table)
}

/// `None` where the table is full.
fn ask_with(table: &Table, key: Key, windows: &[Window], ask: Ask, tick: u64) -> Option<Answer> {
    let query = Query {
        ask,
        ..charge(windows, 1)
    };
    let clock = clock_at(tick);
    match table.ask(key, &query, Now::Live(&clock)) {
        Reply::Answered(answer, _) => Some(answer),
        Reply::Full => None,
        Reply::Corrupt => panic!("the table contradicts itself"),
    }
}

fn take(table: &Table, key: Key, tick: u64) -> Option<bool> {
    ask_with(table, key, &one(), Ask::Charge, tick).map(|answer| answer.admitted)
}

fn live(table: &Table, key: Key, tick: u64) -> u32 {
    live_in(table, key, one()[0], tick)
}

fn live_in(table: &Table, key: Key, window: Window, tick: u64) -> u32 {
    let survey = ask_with(table, key, &[window], Ask::Survey, tick);
    let standing = survey.and_then(|answer| answer.standing);
    window.limit - standing.expect("a survey has detail").remaining
}

type Body = fn(&Table) -> Option<bool>;

fn race<const N: usize>(table: &Arc<Table>, bodies: [Body; N]) -> [Option<bool>; N] {
    let threads = bodies.map(|body| {
        let table = table.clone();
        thread::spawn(move || body(&table))
    });
    threads.map(|thread| thread.join().expect("a model thread"))
}

fn admitted(answers: &[Option<bool>]) -> usize {
    answers.iter().filter(|a| **a == Some(true)).count()
}

/// Two first requests of one key: one slot, one unit.
pub(super) fn double_insert(model: Model) {
    model.run(|| {
        let table = table();
        let body: Body = |table| take(table, key(7), 5);
        let answers = race(&table, [body, body]);
        assert!(admitted(&answers) <= 1, "{NEVER_OVER}");
        assert_eq!(admitted(&answers), 1, "{ADMITS_WHAT_FITS}");
        assert_eq!(live(&table, key(7), 5), 1, "{CHARGED_AS_ANSWERED}");
        assert_eq!(table.count_keys(), 1, "one key stands in one slot");
    });
}

#[test]
fn two_insert_one_key() {
    double_insert(Model::bounded("two insert one key", 3).reaches(&[Event::Takeover]));
}

/// Two first requests of one key by clocks that differ: for one of them the key
/// in the first slot still counts, so it takes the second, while the other evicts
/// it and takes the first.
pub(super) fn insert_twice(model: Model) {
    model.run(|| {
        let table = table();
        take(&table, key(1), 5);
        let behind: Body = |table| take(table, key(7), 12);
        let ahead: Body = |table| take(table, key(7), 20);
        let answers = race(&table, [behind, ahead]);
        assert!(admitted(&answers) <= 1, "{NEVER_OVER}");
        assert_eq!(admitted(&answers), 1, "{ADMITS_WHAT_FITS}");
        assert_eq!(live(&table, key(7), 20), 1, "{CHARGED_AS_ANSWERED}");
    });
}

#[test]
fn two_insert_one_key_in_two_slots() {
    insert_twice(
        Model::bounded("two insert one key in two slots", 2).reaches(&[
            Event::Evict,
            Event::Rebirth,
            Event::Takeover,
            Event::DuplicateLost,
        ]),
    );
}

/// A check of an idle key while another key takes its slot: neither is charged
/// for the other.
pub(super) fn check_meets_eviction(model: Model) {
    model.run(|| {
        let table = table();
        take(&table, key(1), 8);
        take(&table, key(2), 12);
        let old: Body = |table| take(table, key(1), 20);
        let new: Body = |table| take(table, key(7), 20);
        let [old, new] = race(&table, [old, new]);
        for (name, answer) in [(1, old), (7, new)] {
            let charged = live(&table, key(name), 20);
            assert_eq!(
                charged,
                u32::from(answer == Some(true)),
                "{CHARGED_AS_ANSWERED}: key {name}"
            );
            assert_ne!(answer, Some(false), "{ADMITS_WHAT_FITS}: key {name}");
        }
        assert_eq!(live(&table, key(2), 20), 1, "{NOT_LOST}");
        assert!(
            old.is_some() || new.is_some(),
            "one of two finds the one free slot"
        );
    });
}

#[test]
fn a_check_meets_an_eviction() {
    check_meets_eviction(
        Model::bounded("a check meets an eviction", 2).reaches(&[Event::Evict, Event::Gone]),
    );
}

/// Evicted, and born again under the same name, while a check of it sleeps.
pub(super) fn rebirth(model: Model) {
    model.run(|| {
        let table = table();
        take(&table, key(1), 1);
        take(&table, key(2), 1);
        let same: Body = |table| take(table, key(1), 20);
        let other: Body = |table| take(table, key_from_above(7), 20);
        let [same, other] = race(&table, [same, other]);
        assert_eq!(same, Some(true), "{ADMITS_WHAT_FITS}");
        assert_eq!(other, Some(true), "{ADMITS_WHAT_FITS}");
        let again = take(&table, key(1), 21);
        assert_eq!(again, Some(false), "{NEVER_OVER}");
        // Under a longer window too, the newcomer has its own unit alone.
        let charged = live_in(&table, key(7), window(2, 100), 21);
        assert_eq!(charged, 1, "{CHARGED_AS_ANSWERED}");
    });
}

#[test]
fn evicted_and_born_again() {
    rebirth(Model::bounded("evicted and born again", 2).reaches(&[Event::Evict, Event::Rebirth]));
}

/// A writer falls asleep between its commit and its cell and is evicted as idle:
/// the slot's next tenant begins with nothing of it. (While the sleeper's own
/// insertion keeps coming back, a newcomer may find the table full.)
pub(super) fn sleeper_is_evicted(model: Model) {
    model.run(|| {
        let table = table();
        let sleeper: Body = |table| take(table, key(1), 1);
        let others: Body = |table| {
            for name in [key(7), key_from_above(8)] {
                let answer = take(table, name, 20);
                assert_ne!(answer, Some(false), "{ADMITS_WHAT_FITS}");
                let charged = live(table, name, 20);
                assert_eq!(
                    charged,
                    u32::from(answer.is_some()),
                    "{CHARGED_AS_ANSWERED}"
                );
            }
            None
        };
        race(&table, [sleeper, others]);
    });
}

#[test]
fn a_sleeper_is_evicted() {
    sleeper_is_evicted(
        Model::bounded("a sleeper is evicted", 1).reaches(&[Event::Evict, Event::Help]),
    );
}

/// A longer window comes into force and a key is charged under it, while an
/// eviction that began before judges who is idle.
pub(super) fn window_grows(model: Model) {
    model.run(|| {
        let table = table();
        take(&table, key(1), 8);
        take(&table, key(2), 12);
        let newcomer: Body = |table| take(table, key(7), 40);
        let longer: Body = |table| {
            table.raise_horizon(0, 100);
            let answer = ask_with(table, key(1), &[window(2, 100)], Ask::Charge, 20);
            answer.map(|answer| answer.admitted)
        };
        let [_, charged] = race(&table, [newcomer, longer]);
        let held = live_in(&table, key(1), window(2, 100), 41);
        assert!(charged != Some(true) || held > 0, "{NOT_LOST}");
    });
}

#[test]
fn a_window_grows_during_an_eviction() {
    window_grows(Model::bounded("a window grows during an eviction", 2).reaches(&[Event::Evict]));
}

/// The slot of an insertion that stopped in the middle is given to another key
/// when nothing else is free.
#[test]
fn a_dead_claim_makes_room() {
    let model = Model::bounded("a dead claim makes room", 2);
    model.reaches(&[Event::Death, Event::ForeignFreed]).run(|| {
        let table = table();
        take(&table, key(2), 20);
        let victim = table.clone();
        // The claim is the 8th access: two looks, each slot once to evict.
        let thread = thread::spawn(move || dying(12, || take(&victim, key(1), 20)));
        thread.join().expect("a model thread");
        assert_eq!(take(&table, key(7), 20), Some(true), "{ADMITS_WHAT_FITS}");
    });
}

/// Two insert one key while a third inserts another.
#[test]
fn three_insert_two_keys() {
    let model = Model::bounded("three insert two keys", 1).reaches(&[Event::Takeover]);
    model.run_if_deep(|| three_keys(&table(), 5));
}

/// The same over idle keys: everything that the table can do at once.
#[test]
fn three_keys_for_two_idle_slots() {
    let model = Model::bounded("three keys for two idle slots", 1).reaches(&[
        Event::Evict,
        Event::Rebirth,
        Event::Takeover,
    ]);
    model.run_if_deep(|| {
        let table = table();
        take(&table, key(1), 1);
        take(&table, key(2), 1);
        three_keys(&table, 20);
    });
}

fn three_keys(table: &Arc<Table>, tick: u64) {
    let bodies: [Body; 3] = match tick {
        5 => [
            |table| take(table, key(7), 5),
            |table| take(table, key_from_above(8), 5),
            |table| take(table, key(7), 5),
        ],
        _ => [
            |table| take(table, key(7), 20),
            |table| take(table, key_from_above(8), 20),
            |table| take(table, key(7), 20),
        ],
    };
    let [first, other, second] = race(table, bodies);
    assert!(admitted(&[first, second]) <= 1, "{NEVER_OVER}");
    for (name, answers) in [(7, vec![first, second]), (8, vec![other])] {
        let charged = live(table, key(name), tick) as usize;
        assert_eq!(
            charged,
            admitted(&answers),
            "{CHARGED_AS_ANSWERED}: key {name}"
        );
    }
}

/// A live key is never evicted, however full the table.
#[test]
fn a_full_table_keeps_live_keys() {
    Model::bounded("a full table keeps live keys", 2).run(|| {
        let table = table();
        take(&table, key(1), 15);
        take(&table, key(2), 15);
        let bodies: [Body; 2] = [
            |table| take(table, key(7), 20),
            |table| take(table, key(1), 20),
        ];
        let [new, old] = race(&table, bodies);
        assert_eq!((new, old), (None, Some(false)), "{NOT_LOST}");
        assert_eq!(live(&table, key(2), 20), 1, "{NOT_LOST}");
    });
}

/// An inserter over idle keys stops before any of its accesses; the other, of
/// the same key, gets on, and the dead one is charged one unit or none.
#[test]
fn an_inserter_dies_after_every_step() {
    let steps = (0..80).find(|&accesses| !dies_inserting(accesses));
    let steps = steps.expect("an insertion takes fewer accesses");
    assert!(steps > 10, "the victim died after each of {steps} accesses");
}

fn dies_inserting(accesses: usize) -> bool {
    Model::bounded(format!("an inserter dies after {accesses} accesses"), 1).run(move || {
        let table = table();
        take(&table, key(1), 1);
        take(&table, key(2), 1);
        let victim = table.clone();
        let thread = thread::spawn(move || dying(accesses, || take(&victim, key(7), 20)));
        let other = take(&table, key_from_above(7), 20);
        let answer = thread.join().expect("a model thread");
        assert!(
            other.is_some(),
            "{ADMITS_WHAT_FITS}: the dead one blocks nobody"
        );
        assert!(admitted(&[other, answer.flatten()]) <= 1, "{NEVER_OVER}");
        assert_eq!(live(&table, key(7), 20), 1, "{CHARGED_AS_ANSWERED}");
        assert_eq!(
            take(&table, key(7), 31),
            Some(true),
            "one window later all is free again"
        );
    });
    seen(Event::Death) > 0
}
