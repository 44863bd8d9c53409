//! Models of the straight way to a log, which leaves everything out of the ordinary
//! to the long one.

use super::harness::*;
use super::keys::*;
use super::table;
use crate::sync::trace::Event;
use crate::table::{Key, Table};
use crate::time::{Now, Reading, Timeline};

/// A sleeping writer is lapped: see the model of the long way.
#[test]
fn a_sleeper_is_lapped_at_once() {
    let model = Model::bounded("at once: a sleeper is lapped", 2);
    model
        .reaches(&[Event::AtOnce, Event::Help, Event::Lap])
        .run(|| {
            let ring = Lone::new(1);
            let early = |ring: &Lone| ring.note_at_once(&[window(2, 10)], 1, 1);
            let late = |ring: &Lone| {
                let asks = [1, 11, 12].map(|tick| ring.note_at_once(&[window(2, 10)], 1, tick));
                Admitted::all(asks)
            };
            let admitted = Admitted::all(race(&ring, [early, late]));
            admitted.audit(&[window(2, 10)]);
            let live = admitted.live(window(2, 10), 12);
            assert_eq!(ring.live(window(2, 10), 12), live, "{NOT_LOST}");
        });
}

/// A reader does not mix the laps of two others' units.
pub(super) fn lap_is_read_whole(model: Model) {
    model.run(|| {
        let ring = Lone::new(1);
        ring.ask(&[window(2, 10)], 2, 1);
        let body = |ring: &Lone| ring.note_at_once(&[window(2, 10)], 1, 11);
        let admitted = Admitted::all(race(&ring, [body, body]));
        assert_eq!(admitted.units(), 2, "{ADMITS_WHAT_FITS}");
        admitted.audit(&[window(2, 10)]);
        assert_eq!(ring.live(window(2, 10), 11), 2, "{CHARGED_AS_ANSWERED}");
    });
}

#[test]
fn a_lap_is_read_whole_at_once() {
    lap_is_read_whole(Model::bounded("at once: a lap is read whole", 3).reaches(&[
        Event::AtOnce,
        Event::Help,
        Event::Lap,
    ]));
}

/// A check under the policy before overwrites nothing that a longer window counts.
pub(super) fn horizon_grows(model: Model) {
    model.run(|| {
        let ring = Lone::new(2);
        let longer = |ring: &Lone| {
            ring.raise_horizon(100);
            ring.note_at_once(&[window(4, 100)], 2, 1)
        };
        let shorter = |ring: &Lone| ring.note_at_once(&[window(2, 10)], 1, 12);
        let admitted = Admitted::all(race(&ring, [longer, shorter]));
        assert_eq!(admitted.units(), 3, "{ADMITS_WHAT_FITS}");
        assert_eq!(ring.live(window(4, 100), 12), 3, "{NOT_LOST}");
    });
}

#[test]
fn a_horizon_grows_during_a_check_at_once() {
    horizon_grows(
        Model::bounded("at once: a horizon grows", 3).reaches(&[Event::AtOnce, Event::Grow]),
    );
}

/// As the limiter takes a unit, in the slot where the key stood if it is prepared.
fn take_at_once(table: &Table, key: Key, hint: Option<usize>, tick: u64) -> Option<bool> {
    let clock = clock_at(tick);
    let now = Now::Live(&clock);
    let windows = [window(1, RETENTION)];
    let query = charge(&windows, 1);
    let charged = table
        .charge(key, hint, &query.terms(), now)
        .or_else(|missed| table.charge_missed(missed, key, &query, now));
    charged.ok()
}

/// A check of an idle key meets its eviction: nobody is charged for another.
pub(super) fn check_meets_eviction(model: Model) {
    meets_eviction(model, |table| take_at_once(table, key(1), None, 20));
}

/// The same of a prepared key, which is not looked for.
pub(super) fn prepared_meets_eviction(model: Model) {
    meets_eviction(model, |table| take_at_once(table, key(1), Some(0), 20));
}

fn meets_eviction(model: Model, old: Body) {
    model.run(move || {
        let table = table(1);
        take(&table, key(1), 8);
        take(&table, key(2), 12);
        let new: Body = |table| take(table, key(7), 20);
        let [old, new] = race(&table, [old, new]);
        for (name, answer) in [(1, old), (7, new)] {
            let charged = live(&table, key(name), 20);
            let answered = u32::from(answer == Some(true));
            assert_eq!(charged, answered, "{CHARGED_AS_ANSWERED}: key {name}");
            assert_ne!(answer, Some(false), "{ADMITS_WHAT_FITS}: key {name}");
        }
        assert_eq!(live(&table, key(2), 20), 1, "{NOT_LOST}");
    });
}

#[test]
fn a_check_meets_an_eviction_at_once() {
    check_meets_eviction(
        Model::bounded("at once: a check meets an eviction", 1)
            .reaches(&[Event::AtOnce, Event::Evict]),
    );
}

#[test]
fn a_prepared_key_meets_an_eviction_at_once() {
    prepared_meets_eviction(
        Model::bounded("at once: a prepared key meets an eviction", 1)
            .reaches(&[Event::AtOnce, Event::Evict]),
    );
}

/// Two first requests of one key by clocks that differ: see the model of the long way.
pub(super) fn insert_twice(model: Model) {
    table::insert_twice_by(model, |table, key, tick| {
        take_at_once(table, key, None, tick)
    });
}

#[test]
fn two_insert_one_key_at_once() {
    insert_twice(
        Model::bounded("at once: two insert one key in two slots", 2).reaches(&[
            Event::AtOnce,
            Event::Evict,
            Event::Rebirth,
            Event::Takeover,
            Event::DuplicateLost,
        ]),
    );
}

/// A key was evicted, and somebody whose reading is from before that brings it back
/// and dies: what it had used is not admitted once more at such a reading.
pub(super) fn old_readings(model: Model) {
    const EVICTED: u64 = 20;
    model.run(|| {
        fn old(clock: &Timeline) -> Now<'_> {
            Now::Batch(Reading::of_tick(12), clock)
        }
        const ACCESSES: usize = 60;
        for accesses in 0..=ACCESSES {
            let table = table(1);
            take(&table, key(1), 8);
            // It evicts the first and takes its slot, whose ring knows the instant;
            // the other slot's does not.
            take(&table, key(7), EVICTED);
            let clock = clock_at(EVICTED);
            let windows = [window(1, RETENTION)];
            let query = charge(&windows, 1);
            let survived = dying(accesses, || {
                let _ = table.ask(key(1), &query, old(&clock));
            });
            assert!(accesses < ACCESSES || survived.is_some(), "a longer way");
            if table.charge(key(1), None, &query.terms(), old(&clock)) == Ok(true) {
                let counts = live(&table, key(1), EVICTED + RETENTION - 1);
                assert_eq!(counts, 1, "{NEVER_OVER}: stamped before the eviction");
            }
        }
    });
}

#[test]
fn an_old_reading_meets_an_eviction_at_once() {
    old_readings(Model::bounded("at once: an old reading", 0));
}
