//! Models of insertion and eviction: two slots, one probe set.

use std::sync::Arc;

use super::harness::*;
use super::keys::*;
use crate::sync::trace::Event;
use crate::table::{Key, Reply, Table};
use crate::time::Now;

/// Two first requests of one key: one slot, one unit.
pub(super) fn double_insert(model: Model) {
    model.run(|| {
        let table = table(1);
        let body: Body = |table| take(table, key(7), 5);
        let answers = race(&table, [body, body]);
        assert!(admitted(&answers) <= 1, "{NEVER_OVER}");
        assert_eq!(admitted(&answers), 1, "{ADMITS_WHAT_FITS}");
        assert_eq!(live(&table, key(7), 5), 1, "{CHARGED_AS_ANSWERED}");
        assert_eq!(table.count_keys(), 1, "{ONE_SLOT}");
    });
}

#[test]
fn two_insert_one_key() {
    double_insert(Model::bounded("two insert one key", 2).reaches(&[Event::Takeover]));
}

/// Two first requests of one key that begin at different slots.
pub(super) fn insert_from_both_ends(model: Model) {
    model.run(|| {
        let table = table(1);
        let low: Body = |table| take(table, key(7), 5);
        let high: Body = |table| take(table, key_from_above(7), 5);
        let answers = race(&table, [low, high]);
        assert!(admitted(&answers) <= 1, "{NEVER_OVER}");
        assert_eq!(admitted(&answers), 1, "{ADMITS_WHAT_FITS}");
        assert_eq!(live(&table, key(7), 5), 1, "{CHARGED_AS_ANSWERED}");
        assert_eq!(table.count_keys(), 1, "{ONE_SLOT}");
    });
}

#[test]
fn two_insert_from_both_ends() {
    insert_from_both_ends(
        Model::bounded("two insert one key from both ends", 2).reaches(&[Event::Takeover]),
    );
}

/// Two first requests of one key by clocks that differ: for one of them the key
/// in the first slot still counts, so it takes the second, while the other evicts
/// it and takes the first.
pub(super) fn insert_twice(model: Model) {
    insert_twice_by(model, take);
}

pub(super) fn insert_twice_by(model: Model, take: fn(&Table, Key, u64) -> Option<bool>) {
    model.run(move || {
        let table = table(1);
        take(&table, key(1), 5);
        let behind: Boxed<Table, Option<bool>> = Box::new(move |table| take(table, key(7), 12));
        let ahead: Boxed<Table, Option<bool>> = Box::new(move |table| take(table, key(7), 20));
        let answers = race_boxed(&table, [behind, ahead]);
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
        let table = table(1);
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

/// A batch whose reading is from before a key was evicted: what the key had used
/// then is not admitted once more at that reading.
pub(super) fn batch_meets_eviction(model: Model) {
    model.run(|| {
        let table = table(1);
        take(&table, key(1), 8);
        let batch: Body = |table| {
            let (reading, clock) = (clock_at(12).now(), clock_at(20));
            let windows = [window(1, RETENTION)];
            let now = Now::Batch(reading, &clock);
            match table.ask(key(1), &charge(&windows, 1), now) {
                Reply::Answered(answer, _) => Some(answer.admitted && answer.at < 18),
                _ => None,
            }
        };
        let new: Body = |table| take(table, key(7), 20);
        let [too_early, _] = race(&table, [batch, new]);
        assert_ne!(too_early, Some(true), "{NEVER_OVER}");
    });
}

#[test]
fn a_batch_meets_an_eviction() {
    batch_meets_eviction(Model::bounded("a batch meets an eviction", 2).reaches(&[Event::Evict]));
}

/// A key whose units have left by a clock that is ahead of another's: they are not
/// admitted once more at the reading of that one, by which they still count.
pub(super) fn clock_behind_needs_key(model: Model) {
    disagree(model, |table| take(table, key(7), 19), 17);
}

#[test]
fn a_clock_behind_needs_a_key() {
    clock_behind_needs_key(Model::bounded("a clock behind needs a key", 2));
}

/// The same once the key is evicted.
#[test]
fn a_clock_behind_meets_an_eviction() {
    let model = Model::bounded("a clock behind meets an eviction", 2);
    let model = model.reaches(&[Event::Evict]);
    disagree(model, |table| take(table, key(7), 20), 18);
}

fn disagree(model: Model, ahead: Body, behind: u64) {
    model.run(move || {
        let table = table(1);
        take(&table, key(1), 8);
        let ahead: Boxed<Table, _> = Box::new(ahead);
        let behind: Boxed<Table, _> = Box::new(move |table| take(table, key(1), behind));
        let [_, again] = race_boxed(&table, [ahead, behind]);
        let counts = live(&table, key(1), 17 + RETENTION);
        assert_eq!(counts, u32::from(again == Some(true)), "{NEVER_OVER}");
    });
}

/// The same where another thread brings the key back: one whose clock is not behind, or
/// a batch that began long before.
#[test]
fn a_clock_behind_finds_a_newcomer() {
    let model = Model::bounded("a clock behind finds a newcomer", 2);
    newcomer_is_found(model, |table| take(table, key(1), 20));
}

#[test]
fn a_clock_behind_finds_a_batch() {
    let batch: Body = |table| {
        let (reading, clock) = (clock_at(12).now(), clock_at(20));
        let windows = [window(1, RETENTION)];
        let now = Now::Batch(reading, &clock);
        match table.ask(key(1), &charge(&windows, 1), now) {
            Reply::Answered(answer, _) => Some(answer.admitted),
            _ => None,
        }
    };
    newcomer_is_found(Model::bounded("a clock behind finds a batch", 2), batch);
}

fn newcomer_is_found(model: Model, newcomer: Body) {
    model.reaches(&[Event::Takeover]).run(move || {
        let table = table(1);
        take(&table, key(1), 8);
        take(&table, key(7), 20);
        let behind: Body = |table| take(table, key(1), 18);
        let answers = race(&table, [newcomer, behind]);
        assert_eq!(admitted(&answers), 1, "{ADMITS_WHAT_FITS}");
        assert_eq!(live(&table, key(1), 17 + RETENTION), 1, "{NEVER_OVER}");
    });
}

#[test]
fn a_check_meets_an_eviction() {
    check_meets_eviction(
        Model::bounded("a check meets an eviction", 1).reaches(&[Event::Evict, Event::Gone]),
    );
}

/// Evicted, and born again under the same name, while a check of it sleeps.
pub(super) fn rebirth(model: Model) {
    model.run(|| {
        let table = table(1);
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
    rebirth(Model::bounded("evicted and born again", 3).reaches(&[Event::Evict, Event::Rebirth]));
}

/// A writer falls asleep between its commit and its cell and is evicted as idle:
/// the slot's next tenant begins with nothing of it.
pub(super) fn sleeper_is_evicted(model: Model) {
    model.run(|| {
        let table = table(1);
        let sleeper: Body = |table| take(table, key(1), 1);
        let newcomer: Body = |table| take(table, key(7), 20);
        let [_, newcomer] = race(&table, [sleeper, newcomer]);
        assert_eq!(newcomer, Some(true), "{ADMITS_WHAT_FITS}");
        assert_eq!(live(&table, key(7), 20), 1, "{CHARGED_AS_ANSWERED}");
        let ever = live_in(&table, key(7), window(2, 100), 20);
        assert_eq!(ever, 1, "{CHARGED_AS_ANSWERED}");
    });
}

#[test]
fn a_sleeper_is_evicted() {
    sleeper_is_evicted(
        Model::bounded("a sleeper is evicted", 2).reaches(&[Event::Evict, Event::Help]),
    );
}

/// A longer window comes into force and a key is charged under it, while an
/// eviction that began before judges who is idle.
pub(super) fn window_grows(model: Model) {
    model.run(|| {
        let table = table(1);
        take(&table, key(1), 8);
        take(&table, key(2), 12);
        let newcomer: Body = |table| take(table, key(7), 40);
        let longer: Body = |table| {
            table.raise_horizon(0, 100);
            take_in(table, key(1), window(2, 100), 1, 20)
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

/// Two insert one key while a third inserts another.
#[test]
fn three_insert_two_keys() {
    let model = Model::bounded("three insert two keys", 1).reaches(&[Event::Takeover]);
    model.run_if_deep(|| three_keys(&table(1), 5));
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
        let table = table(1);
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
        let table = table(1);
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
    dies_after_every_step(15, &[Event::Takeover, Event::Rebirth], |accesses| {
        let name = format!("an inserter dies after {accesses} accesses");
        Model::bounded(name, 0).run(move || {
            let table = table(1);
            take(&table, key(1), 1);
            take(&table, key(2), 1);
            let answers = race_boxed(&table, [dying_taker(accesses), taker(key_from_above(7))]);
            let [_, other] = answers;
            assert!(other.is_some(), "{ADMITS_WHAT_FITS}: it blocks nobody");
            assert!(admitted(&answers) <= 1, "{NEVER_OVER}");
            assert_eq!(live(&table, key(7), 20), 1, "{CHARGED_AS_ANSWERED}");
            assert_eq!(take(&table, key(7), 31), Some(true), "{FREE_AGAIN}");
        });
    });
}

/// An inserter stops before any of its accesses, and another key comes, to which
/// no other slot is free: it finds room unless the dead one's key stands there,
/// and is born with nothing of it.
#[test]
fn a_dead_inserter_makes_room() {
    let events = [Event::ForeignFreed, Event::Evict, Event::Rebirth];
    dies_after_every_step(15, &events, |accesses| {
        let name = format!("a dead inserter makes room after {accesses} accesses");
        Model::bounded(name, 0).run(move || {
            let table = table(1);
            take(&table, key(1), 8);
            take(&table, key(2), 12);
            let [_, other] = race_boxed(&table, [dying_taker(accesses), taker(key(8))]);
            let full = table.count_keys() == 2;
            assert!(other.is_some() || full, "{ADMITS_WHAT_FITS}");
            assert_ne!(other, Some(false), "{ADMITS_WHAT_FITS}");
            let charged = u32::from(other.is_some());
            assert_eq!(live(&table, key(8), 20), charged, "{CHARGED_AS_ANSWERED}");
            assert_eq!(live(&table, key(2), 20), 1, "{NOT_LOST}");
            assert_eq!(take(&table, key(7), 31), Some(true), "{FREE_AGAIN}");
        });
    });
}

type BoxedBody = Boxed<Table, Option<bool>>;

/// Takes a unit of key 7 and dies after some accesses.
fn dying_taker(accesses: usize) -> BoxedBody {
    Box::new(move |table| dying(accesses, || take(table, key(7), 20)).flatten())
}

fn taker(key: Key) -> BoxedBody {
    Box::new(move |table| take(table, key, 20))
}
