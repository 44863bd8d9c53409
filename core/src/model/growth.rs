//! Models of growth: rings of two units that grow to four and eight.

use std::sync::Arc;

use super::harness::*;
use crate::sync::trace::Event;
use crate::window::Window;

const FOUR: [Window; 1] = [window(4, 10)];

/// A ring of two units that may grow to four, with units of these ticks.
fn ring_with(ticks: &[u64]) -> Arc<Lone> {
    let ring = Lone::new(2);
    for &tick in ticks {
        ring.ask(&FOUR, 1, tick);
    }
    ring
}

/// Two admissions that both find the ring full: both grow it, both are charged,
/// and what was in the small plane still counts.
pub(super) fn grow_together(model: Model) {
    model.run(|| {
        let ring = ring_with(&[1, 1]);
        let body = |ring: &Lone| ring.note(&FOUR, 1, 5);
        let admitted = Admitted::all(race(&ring, [body, body]));
        assert_eq!(admitted.units(), 2, "{ADMITS_WHAT_FITS}");
        assert_eq!(ring.live(FOUR[0], 5), 4, "{NOT_LOST}");
        assert!(!ring.ask(&FOUR, 1, 5).admitted, "{NEVER_OVER}");
        assert_eq!(ring.live(FOUR[0], 11), 2, "{NOT_LOST}");
    });
}

#[test]
fn two_grow_at_once() {
    grow_together(Model::bounded("two grow at once", 3).reaches(&[
        Event::Grow,
        Event::CopyLost,
        Event::Help,
    ]));
}

/// Several units at once, of which only some find room, beside a second request,
/// in a ring that must grow for either.
#[test]
fn weights_grow_the_ring() {
    Model::bounded("weights grow the ring", 2)
        .reaches(&[Event::Grow, Event::CopyLost])
        .run(|| {
            let ring = ring_with(&[1]);
            let three = |ring: &Lone| ring.note(&FOUR, 3, 5);
            let two = |ring: &Lone| ring.note(&FOUR, 2, 5);
            let admitted = Admitted::all(race(&ring, [three, two]));
            assert!(matches!(admitted.units(), 2 | 3), "{ADMITS_WHAT_FITS}");
            let live = ring.live(FOUR[0], 5) as usize;
            assert_eq!(live, 1 + admitted.units(), "{CHARGED_AS_ANSWERED}");
        });
}

/// A copier sleeps while the other laps the small plane and then grows: what the
/// copier writes late must not pass for other units.
pub(super) fn copier_sleeps(model: Model) {
    model.run(|| {
        let ring = ring_with(&[1, 1]);
        let sleeper = |ring: &Lone| ring.note(&FOUR, 1, 5);
        let lapper = |ring: &Lone| {
            let admitted = Admitted::all([ring.note(&FOUR, 2, 12), ring.note(&FOUR, 1, 12)]);
            assert_eq!(admitted.units(), 3, "{ADMITS_WHAT_FITS}");
            admitted
        };
        let admitted = Admitted::all(race(&ring, [sleeper, lapper]));
        admitted.audit(&FOUR);
        let live = admitted.live(FOUR[0], 12);
        assert_eq!(ring.live(FOUR[0], 12), live, "{CHARGED_AS_ANSWERED}");
    });
}

#[test]
fn a_copier_sleeps() {
    copier_sleeps(Model::bounded("a copier sleeps", 2).reaches(&[
        Event::Grow,
        Event::CopyLost,
        Event::Lap,
    ]));
}

/// Growth drops a unit that is dead by one clock, while another clock is behind
/// and still counts it: what was dropped stays dead for both.
pub(super) fn clock_steps_back(model: Model) {
    model.run(|| {
        let ring = ring_with(&[1, 9]);
        let ahead = |ring: &Lone| ring.note(&FOUR, 2, 12);
        let behind = |ring: &Lone| ring.note(&FOUR, 3, 10);
        let raced = Admitted::all(race(&ring, [ahead, behind]));
        assert!(matches!(raced.units(), 2 | 3), "{ADMITS_WHAT_FITS}");
        let all = Admitted::all([raced, Admitted::at(&[1, 9])]);
        all.audit(&FOUR);
        let at = ring.ring().head().stamp();
        let live = all.live(FOUR[0], at);
        assert_eq!(ring.live(FOUR[0], 10), live, "{CHARGED_AS_ANSWERED}");
    });
}

#[test]
fn a_clock_steps_back_during_growth() {
    clock_steps_back(Model::bounded("a clock steps back during growth", 3).reaches(&[Event::Grow]));
}

/// A longer window comes into force, and two units are charged under it, while a
/// check under the policy before writes into the same plane: it must not
/// overwrite what only the longer window counts.
pub(super) fn horizon_grows(model: Model) {
    model.run(|| {
        let ring = Lone::new(2);
        let longer = |ring: &Lone| {
            ring.raise_horizon(100);
            ring.note(&[window(4, 100)], 2, 1)
        };
        let shorter = |ring: &Lone| ring.note(&[window(2, 10)], 1, 12);
        let admitted = Admitted::all(race(&ring, [longer, shorter]));
        assert_eq!(admitted.units(), 3, "{ADMITS_WHAT_FITS}");
        assert_eq!(ring.live(window(4, 100), 12), 3, "{NOT_LOST}");
    });
}

#[test]
fn a_horizon_grows_during_a_check() {
    horizon_grows(Model::bounded("a horizon grows during a check", 3).reaches(&[Event::Grow]));
}

/// A writer that must grow stops before any of its accesses.
#[test]
fn a_grower_dies_after_every_step() {
    dies_after_every_step(15, &[Event::Help], |accesses| {
        let name = format!("a grower dies after {accesses} accesses");
        Model::bounded(name, 2).run(move || {
            let ring = ring_with(&[1, 1]);
            let victim: Boxed<Lone, Option<bool>> =
                Box::new(move |ring| dying(accesses, || ring.ask(&FOUR, 1, 5).admitted));
            let other = Box::new(|ring: &Lone| Some(ring.ask(&FOUR, 1, 5).admitted));
            let [survived, other] = race_boxed(&ring, [victim, other]);
            assert_eq!(other, Some(true), "{ADMITS_WHAT_FITS}");
            let live = ring.live(FOUR[0], 5);
            let charged = live == 4 || (live == 3 && survived.is_none());
            assert!(charged, "{CHARGED_AS_ANSWERED}: {live}");
            let room = ring.ask(&FOUR, 4, 15);
            assert!(room.admitted, "{FREE_AGAIN}");
        });
    });
}
