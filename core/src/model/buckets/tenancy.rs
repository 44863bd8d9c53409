//! Models of a bucketed log that changes hands.

use super::*;
use crate::buckets::{Mark, is_idle};

/// A check of an idle key meets its eviction and the next tenant: it is charged
/// while the slot is its own, or learns that it is not, and is never told that a
/// window is full.
pub(super) fn check_meets_eviction(model: Model) {
    model.run(|| {
        let lot = Lot::new(&TWO_LONG);
        lot.take(&TWO_LONG, &[1, 2]);
        let check = |lot: &Lot| lot.attempt(KEY, &charge(&TWO_LONG, 1), at(8));
        let (moved, answer) = lot.evicted_beside(check);
        assert!(answer.is_none_or(|a| a.admitted), "{ADMITS_WHAT_FITS}");
        let mut admitted = Admitted::default();
        if let Some(answer) = answer {
            admitted.note(&answer, 1);
            assert!(!moved, "{NOT_LOST}");
        }
        match moved {
            true => lot.agrees(KEY + 1, &TWO_LONG, &Admitted::default()),
            false => lot.agrees(KEY, &TWO_LONG, &admitted),
        }
    });
}

#[test]
fn a_check_meets_an_eviction() {
    check_meets_eviction(
        Model::bounded("buckets: a check meets an eviction", 3)
            .reaches(&[Event::Evict, Event::Rebirth]),
    );
}

/// A check by a clock that was read long ago meets an eviction and the next
/// tenant's birth, which it must not take for its own.
pub(super) fn late_check_meets_eviction(model: Model) {
    const THREE: [Window; 1] = [Window::from_ticks(3, LONG)];
    model.run(|| {
        let lot = Lot::new(&THREE);
        let mut admitted = lot.take(&THREE, &[1, 2]);
        let check = |lot: &Lot| lot.attempt(KEY, &charge(&THREE, 1), at(3));
        let (moved, answer) = lot.evicted_beside(check);
        assert!(answer.is_none_or(|a| a.admitted), "{ADMITS_WHAT_FITS}");
        match (moved, answer) {
            (true, _) => lot.agrees(KEY + 1, &THREE, &Admitted::default()),
            (false, Some(answer)) => {
                admitted.note(&answer, 1);
                lot.agrees(KEY, &THREE, &admitted);
            }
            (false, None) => panic!("{ADMITS_WHAT_FITS}"),
        }
    });
}

#[test]
fn a_late_check_meets_an_eviction() {
    late_check_meets_eviction(
        Model::bounded("buckets: a late check meets an eviction", 3)
            .reaches(&[Event::Evict, Event::Rebirth]),
    );
}

/// A rotator of the former tenant sleeps through the eviction and the next
/// tenant's first rotations: what it enters late is not the new tenant's.
pub(super) fn former_tenant_sleeps(model: Model) {
    model.run(|| {
        let lot = Lot::new(&TWO_LONG);
        lot.take(&TWO_LONG, &[1, 2]);
        let newcomer = |lot: &Lot| {
            let revived = lot.change_hands(at(8)) && lot.revive(at(8));
            (revived.then(|| lot.take_as_second(&[9, 10])), None)
        };
        let former = |lot: &Lot| (None, lot.attempt(KEY, &charge(&TWO_LONG, 1), at(9)));
        let [(admitted, _), (_, former)] = race(&lot, [newcomer, former]);
        if let Some(admitted) = admitted {
            assert!(former.is_none(), "{CHARGED_AS_ANSWERED}");
            assert_eq!(admitted.units(), 2, "{ADMITS_WHAT_FITS}");
            lot.agrees(KEY + 1, &TWO_LONG, &admitted);
        }
    });
}

#[test]
fn a_former_tenant_sleeps() {
    former_tenant_sleeps(
        Model::bounded("buckets: a former tenant sleeps", 2).reaches(&[
            Event::Evict,
            Event::Rebirth,
            Event::Rotate,
        ]),
    );
}

/// A reset meets a check: what was admitted before it is forgotten, and the check
/// is charged before the reset or learns that the slot is not its own.
#[test]
fn a_reset_meets_a_check() {
    Model::bounded("buckets: a reset meets a check", 3)
        .reaches(&[Event::Evict, Event::Rebirth])
        .run(|| {
            let lot = Lot::new(&TWO_LONG);
            lot.take(&TWO_LONG, &[4]);
            let reset = |lot: &Lot| {
                assert!(lot.log().freeze(lot.tenant(KEY)), "the key has the slot");
                assert!(lot.words[0].cas(KEY, KEY + 1) && lot.revive(at(5)));
                None
            };
            let check = |lot: &Lot| lot.attempt(KEY, &charge(&TWO_LONG, 1), at(5));
            let [_, answer] = race(&lot, [reset, check]);
            assert!(answer.is_none_or(|a| a.admitted), "{ADMITS_WHAT_FITS}");
            lot.agrees(KEY + 1, &TWO_LONG, &Admitted::default());
            let admitted = lot.take_as_second(&[7, 7]);
            assert_eq!(admitted.units(), 2, "{ADMITS_WHAT_FITS}");
        });
}

/// A reset of an idle key meets its eviction: the next tenant's log is not closed.
pub(super) fn reset_meets_eviction(model: Model) {
    model.run(|| {
        let lot = Lot::new(&TWO_LONG);
        lot.take(&TWO_LONG, &[1, 2]);
        let reset = |lot: &Lot| lot.log().freeze(lot.tenant(KEY));
        let evictor = |lot: &Lot| lot.change_hands(at(8)) && lot.revive(at(8));
        let [_, revived] = race(&lot, [reset, evictor]);
        assert!(revived, "the log is idle");
        assert!(!lot.log().is_frozen(), "{NOT_LOST}");
        lot.agrees(KEY + 1, &TWO_LONG, &Admitted::default());
    });
}

#[test]
fn a_reset_meets_an_eviction() {
    reset_meets_eviction(
        Model::bounded("buckets: a reset meets an eviction", 3)
            .reaches(&[Event::Evict, Event::Rebirth]),
    );
}

/// Two revive the log by clocks that differ: they agree on one birth.
#[test]
fn two_revive_one_log() {
    Model::bounded("buckets: two revive one log", 3)
        .reaches(&[Event::Rebirth])
        .run(|| {
            let lot = Lot::new(&TWO_LONG);
            lot.take(&TWO_LONG, &[1, 2]);
            assert!(lot.change_hands(at(8)), "the log is idle");
            let behind = |lot: &Lot| {
                assert!(lot.revive(at(8)));
                lot.take_as_second(&[8])
            };
            let ahead = |lot: &Lot| {
                assert!(lot.revive(at(9)));
                lot.take_as_second(&[9])
            };
            let admitted = Admitted::all(race(&lot, [behind, ahead]));
            assert_eq!(admitted.units(), 2, "{ADMITS_WHAT_FITS}");
            lot.agrees(KEY + 1, &TWO_LONG, &admitted);
        });
}

/// A window grows while the key is being evicted: a unit of the longer one is not
/// lost.
pub(super) fn window_grows(model: Model) {
    const GROWN: [Window; 1] = [Window::from_ticks(1, 2 * WIDE)];
    model.run(|| {
        let lot = Lot::new(&GROWN);
        let evictor = |lot: &Lot| {
            let tenant = lot.tenant(KEY);
            lot.log().freeze_if_idle(tenant, lot.retention(), at(8))
        };
        let longer = |lot: &Lot| {
            lot.retention().raise(2 * WIDE);
            let answer = lot.attempt(KEY, &charge(&GROWN, 1), at(4));
            answer.is_some_and(|a| a.admitted)
        };
        let [frozen, charged] = race(&lot, [evictor, longer]);
        assert!(!(charged && frozen), "{NOT_LOST}");
        assert_eq!(lot.log().is_frozen(), frozen);
        let head = Mark(lot.words[PLACES.head].load());
        let idle = is_idle(head, lot.retention().load(), at(8));
        assert_eq!(idle, frozen, "{NOT_LOST}");
    });
}

#[test]
fn a_window_grows_during_an_eviction() {
    window_grows(
        Model::bounded("buckets: a window grows during an eviction", 3).reaches(&[Event::Evict]),
    );
}

/// A thread that evicts the key and revives the log for the next stops before any
/// of its accesses: another finishes for it.
#[test]
fn a_reviver_dies_after_every_step() {
    dies_after_every_step(8, &[Event::Evict, Event::Rebirth], |accesses| {
        let name = format!("buckets: a reviver dies after {accesses} accesses");
        Model::bounded(name, 2).run(move || {
            let lot = Lot::new(&TWO_LONG);
            lot.take(&TWO_LONG, &[1, 2]);
            let victim: Boxed<Lot, ()> = Box::new(move |lot| {
                dying(accesses, || {
                    lot.change_hands(at(8));
                    lot.revive(at(8));
                });
            });
            let other = Box::new(|lot: &Lot| {
                lot.change_hands(at(9));
                lot.revive(at(9));
            });
            race_boxed(&lot, [victim, other]);
            let admitted = lot.take_as_second(&[9, 10]);
            assert_eq!(admitted.units(), 2, "{ADMITS_WHAT_FITS}");
            lot.agrees(KEY + 1, &TWO_LONG, &admitted);
        });
    });
}
