//! Models of one ring that admits.

use super::harness::*;
use crate::log::Query;
use crate::sync::trace::Event;

/// Two requests at one instant for the last unit: one gets it, and the other
/// learns the exact instant at which it returns.
pub(super) fn last_unit(model: Model) {
    model.run(|| {
        let ring = Lone::new(1);
        let one = [window(1, 10)];
        let body = |ring: &Lone| {
            let one = [window(1, 10)];
            let query = Query {
                detail: true,
                ..charge(&one, 1)
            };
            let answer = ring.query(&query, 5);
            if !answer.admitted {
                let retry = answer.standing.map(|s| s.resets_at);
                assert_eq!(retry, Some(15), "{EXACT_RETRY}");
            }
            let mut admitted = Admitted::default();
            admitted.note(&answer, 1);
            admitted
        };
        let admitted = Admitted::all(race(&ring, [body, body]));
        admitted.audit(&one);
        assert_eq!(admitted.units(), 1, "{ADMITS_WHAT_FITS}");
        assert_eq!(ring.live(one[0], 5), 1, "{CHARGED_AS_ANSWERED}");
    });
}

#[test]
fn two_for_the_last_unit() {
    last_unit(Model::unbounded("two for the last unit").reaches(&[Event::Help]));
}

#[test]
fn three_for_two_units() {
    Model::bounded("three for two units", 1)
        .reaches(&[Event::Help])
        .run(|| {
            let ring = Lone::new(1);
            let body = |ring: &Lone| ring.note(&[window(2, 10)], 1, 5);
            let admitted = Admitted::all(race(&ring, [body, body, body]));
            admitted.audit(&[window(2, 10)]);
            assert_eq!(admitted.units(), 2, "{ADMITS_WHAT_FITS}");
            assert_eq!(ring.live(window(2, 10), 5), 2, "{CHARGED_AS_ANSWERED}");
        });
}

/// A writer that sleeps between its commit and its cell, while the other laps
/// the ring: its late stamp must not bury a newer one.
pub(super) fn sleeper_is_lapped(model: Model) {
    model.run(|| {
        let ring = Lone::new(1);
        let early = |ring: &Lone| ring.note(&[window(2, 10)], 1, 1);
        let late = |ring: &Lone| {
            let asks = [1, 11, 12, 13].map(|tick| ring.note(&[window(2, 10)], 1, tick));
            Admitted::all(asks)
        };
        let admitted = Admitted::all(race(&ring, [early, late]));
        admitted.audit(&[window(2, 10)]);
        let live = admitted.live(window(2, 10), 13);
        assert_eq!(ring.live(window(2, 10), 13), live, "{NOT_LOST}");
    });
}

#[test]
fn a_sleeper_is_lapped() {
    sleeper_is_lapped(Model::bounded("a sleeper is lapped", 3).reaches(&[Event::Help, Event::Lap]));
}

/// Two units fit, and two requests come while the cells of a dead lap are being
/// overwritten: a reader that mixes the laps would deny one of them.
pub(super) fn lap_is_read_whole(model: Model) {
    model.run(|| {
        let ring = Lone::new(1);
        ring.ask(&[window(2, 10)], 2, 1);
        let body = |ring: &Lone| ring.note(&[window(2, 10)], 1, 11);
        let admitted = Admitted::all(race(&ring, [body, body]));
        assert_eq!(admitted.units(), 2, "{ADMITS_WHAT_FITS}");
        admitted.audit(&[window(2, 10)]);
        assert_eq!(ring.live(window(2, 10), 11), 2, "{CHARGED_AS_ANSWERED}");
    });
}

#[test]
fn a_lap_is_read_whole() {
    lap_is_read_whole(Model::unbounded("a lap is read whole").reaches(&[Event::Help, Event::Lap]));
}

#[test]
fn weights_are_all_or_nothing() {
    Model::bounded("weights", 3)
        .reaches(&[Event::Help, Event::Lap])
        .run(|| {
            let ring = Lone::grown();
            let three = |ring: &Lone| ring.note(&[window(4, 10)], 3, 11);
            let two = |ring: &Lone| ring.note(&[window(4, 10)], 2, 11);
            let admitted = Admitted::all(race(&ring, [three, two]));
            assert!(matches!(admitted.units(), 2 | 3), "{ADMITS_WHAT_FITS}");
            let live = ring.live(window(4, 10), 11);
            assert_eq!(live as usize, admitted.units(), "{CHARGED_AS_ANSWERED}");
        });
}

#[test]
fn two_windows_commit_together() {
    Model::bounded("two windows", 3)
        .reaches(&[Event::Help, Event::Lap])
        .run(|| {
            let windows = [window(2, 5), window(3, 100)];
            let ring = Lone::remembering(2, 100);
            // Grown, so that the race is about the windows.
            ring.ask(&[window(4, 100)], 4, 1);
            ring.ask(&windows, 2, 101);
            let body = |ring: &Lone| ring.note(&[window(2, 5), window(3, 100)], 1, 106);
            let mut admitted = Admitted::all(race(&ring, [body, body]));
            assert_eq!(admitted.units(), 1, "{ADMITS_WHAT_FITS}");
            admitted.join(ring.note(&windows, 2, 201));
            assert_eq!(admitted.units(), 3, "{ADMITS_WHAT_FITS}");
            admitted.audit(&windows);
            assert_eq!(ring.live(windows[1], 201), 3, "{CHARGED_AS_ANSWERED}");
        });
}

/// Clocks that disagree: the stamps of one log never fall, and the windows hold
/// by the stamps.
#[test]
fn clocks_disagree() {
    Model::bounded("clocks disagree", 3)
        .reaches(&[Event::Help])
        .run(|| {
            let ring = Lone::new(1);
            let behind = |ring: &Lone| {
                let asks = [3, 4].map(|tick| ring.note(&[window(2, 10)], 1, tick));
                Admitted::all(asks)
            };
            let ahead = |ring: &Lone| ring.note(&[window(2, 10)], 1, 12);
            let admitted = Admitted::all(race(&ring, [behind, ahead]));
            admitted.audit(&[window(2, 10)]);
            let live = admitted.live(window(2, 10), 12);
            assert_eq!(ring.live(window(2, 10), 12), live, "{CHARGED_AS_ANSWERED}");
        });
}

/// A writer stops before any of its accesses: it is charged for all of its units
/// or for none, and the other goes on at once.
#[test]
fn a_writer_dies_after_every_step() {
    dies_after_every_step(10, &[Event::Help], |accesses| {
        let name = format!("a writer dies after {accesses} accesses");
        Model::bounded(name, 2).run(move || {
            let ring = Lone::grown();
            let victim: Boxed<Lone, Option<bool>> = Box::new(move |ring| {
                dying(accesses, || ring.ask(&[window(4, 10)], 3, 11).admitted)
            });
            let other = Box::new(|ring: &Lone| Some(ring.ask(&[window(4, 10)], 1, 11).admitted));
            let [survived, other] = race_boxed(&ring, [victim, other]);
            assert_eq!(other, Some(true), "{ADMITS_WHAT_FITS}");
            let live = ring.live(window(4, 10), 11);
            let charged = live == 4 || (live == 1 && survived.is_none());
            assert!(charged, "{CHARGED_AS_ANSWERED}: {live}");
            let room = ring.ask(&[window(4, 10)], 4, 21);
            assert!(room.admitted, "{FREE_AGAIN}");
        });
    });
}
