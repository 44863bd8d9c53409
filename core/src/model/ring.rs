//! Models of one ring.

use loom::sync::Arc;
use loom::thread;

use super::harness::*;
use crate::ring::Answer;
use crate::sync::trace::{Event, seen};

/// Runs one closure per thread on one ring and collects what they admitted.
fn race<const N: usize>(ring: &Arc<Lone>, bodies: [fn(&Lone) -> Admitted; N]) -> Admitted {
    let threads = bodies.map(|body| {
        let ring = ring.clone();
        thread::spawn(move || body(&ring))
    });
    let mut all = Admitted::default();
    for thread in threads {
        all.join(thread.join().expect("a model thread"));
    }
    all
}

fn note(answer: Answer, cost: u32) -> Admitted {
    let mut admitted = Admitted::default();
    admitted.note(&answer, cost);
    admitted
}

/// Two requests at one instant for the last unit: one gets it, and the other
/// learns the exact instant at which it returns.
pub(super) fn last_unit(model: Model) {
    model.run(|| {
        let ring = Arc::new(Lone::new(1));
        let body = |ring: &Lone| {
            let answer = ring.ask(&[window(1, 10)], 1, 5);
            if !answer.admitted {
                let retry = answer.standing.map(|s| s.resets_at);
                assert_eq!(retry, Some(15), "{EXACT_RETRY}");
            }
            note(answer, 1)
        };
        let admitted = race(&ring, [body, body]);
        admitted.audit(&[window(1, 10)]);
        assert_eq!(admitted.units(), 1, "{ADMITS_WHAT_FITS}");
        assert_eq!(ring.live(window(1, 10), 5), 1, "{CHARGED_AS_ANSWERED}");
    });
}

#[test]
fn two_for_the_last_unit() {
    last_unit(Model::unbounded("two for the last unit").reaches(&[Event::Help]));
}

#[test]
fn three_for_two_units() {
    Model::bounded("three for two units", 2)
        .reaches(&[Event::Help])
        .run(|| {
            let ring = Arc::new(Lone::new(1));
            let body = |ring: &Lone| note(ring.ask(&[window(2, 10)], 1, 5), 1);
            let admitted = race(&ring, [body, body, body]);
            admitted.audit(&[window(2, 10)]);
            assert_eq!(admitted.units(), 2, "{ADMITS_WHAT_FITS}");
            assert_eq!(ring.live(window(2, 10), 5), 2, "{CHARGED_AS_ANSWERED}");
        });
}

/// A writer that sleeps between its commit and its cell, while the other laps
/// the ring: its late stamp must not bury a newer one.
pub(super) fn sleeper_is_lapped(model: Model) {
    model.run(|| {
        let ring = Arc::new(Lone::new(1));
        let early = |ring: &Lone| note(ring.ask(&[window(2, 10)], 1, 1), 1);
        let late = |ring: &Lone| {
            let mut admitted = Admitted::default();
            for tick in [1, 11, 12, 13] {
                admitted.note(&ring.ask(&[window(2, 10)], 1, tick), 1);
            }
            admitted
        };
        let admitted = race(&ring, [early, late]);
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
        let ring = Arc::new(Lone::new(1));
        ring.ask(&[window(2, 10)], 2, 1);
        let body = |ring: &Lone| note(ring.ask(&[window(2, 10)], 1, 11), 1);
        let admitted = race(&ring, [body, body]);
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
        .reaches(&[Event::Help])
        .run(|| {
            let ring = Arc::new(Lone::new(2));
            let three = |ring: &Lone| note(ring.ask(&[window(4, 10)], 3, 5), 3);
            let two = |ring: &Lone| note(ring.ask(&[window(4, 10)], 2, 5), 2);
            let admitted = race(&ring, [three, two]);
            assert!(matches!(admitted.units(), 2 | 3), "{ADMITS_WHAT_FITS}");
            let live = ring.live(window(4, 10), 5);
            assert_eq!(live as usize, admitted.units(), "{CHARGED_AS_ANSWERED}");
        });
}

#[test]
fn two_windows_commit_together() {
    Model::bounded("two windows", 2)
        .reaches(&[Event::Help, Event::Lap])
        .run(|| {
            let ring = Arc::new(Lone::remembering(2, 100));
            ring.ask(&[window(2, 5), window(3, 100)], 2, 1);
            let body = |ring: &Lone| {
                let mut admitted = Admitted::default();
                let windows = [window(2, 5), window(3, 100)];
                admitted.note(&ring.ask(&windows, 1, 6), 1);
                admitted.note(&ring.ask(&windows, 1, 101), 1);
                admitted
            };
            let mut admitted = race(&ring, [body, body]);
            admitted.join(note(ring.ask(&[window(2, 5), window(3, 100)], 1, 101), 1));
            assert_eq!(admitted.units(), 3, "{ADMITS_WHAT_FITS}");
            admitted.audit(&[window(2, 5)]);
            assert_eq!(ring.live(window(3, 100), 101), 3, "{CHARGED_AS_ANSWERED}");
        });
}

/// Clocks that disagree: the stamps of one log never fall, and the windows hold
/// by the stamps.
#[test]
fn clocks_disagree() {
    Model::bounded("clocks disagree", 3)
        .reaches(&[Event::Help])
        .run(|| {
            let ring = Arc::new(Lone::new(1));
            let behind = |ring: &Lone| {
                let mut admitted = note(ring.ask(&[window(2, 10)], 1, 3), 1);
                admitted.join(note(ring.ask(&[window(2, 10)], 1, 4), 1));
                admitted
            };
            let ahead = |ring: &Lone| note(ring.ask(&[window(2, 10)], 1, 12), 1);
            let admitted = race(&ring, [behind, ahead]);
            admitted.audit(&[window(2, 10)]);
            let live = admitted.live(window(2, 10), 12);
            assert_eq!(ring.live(window(2, 10), 12), live, "{CHARGED_AS_ANSWERED}");
        });
}

/// A refund lends exactly what it gave back, and a racing check sees it or not.
#[test]
fn refund_meets_a_check() {
    Model::unbounded("refund meets a check").run(|| {
        let ring = Arc::new(Lone::new(1));
        let first = ring.ask(&[window(1, 10)], 1, 5);
        let refunder = ring.clone();
        let refund = thread::spawn(move || refunder.refund(1, first.at, 5));
        let checker = ring.clone();
        let check = thread::spawn(move || checker.ask(&[window(1, 10)], 1, 6));
        refund.join().expect("a model thread");
        let racing = check.join().expect("a model thread");
        let after = ring.ask(&[window(1, 10)], 1, 6);
        let admitted = [racing, after].iter().filter(|a| a.admitted).count();
        assert_eq!(admitted, 1, "{ADMITS_WHAT_FITS}");
        assert!(!ring.ask(&[window(1, 10)], 1, 14).admitted, "{NEVER_OVER}");
    });
}

/// A writer stops before any of its accesses: it is charged for all of its units
/// or for none, and the other goes on at once.
#[test]
fn a_writer_dies_after_every_step() {
    let steps = (0..80).find(|&accesses| !dies_writing(accesses));
    let steps = steps.expect("a check takes fewer accesses");
    assert!(steps > 5, "the victim died after each of {steps} accesses");
}

fn dies_writing(accesses: usize) -> bool {
    Model::bounded(format!("a writer dies after {accesses} accesses"), 2).run(move || {
        let ring = Arc::new(Lone::new(2));
        ring.ask(&[window(4, 10)], 2, 1);
        let victim = ring.clone();
        let thread = thread::spawn(move || {
            dying(accesses, || victim.ask(&[window(4, 10)], 3, 11)).is_some()
        });
        let other = ring.ask(&[window(4, 10)], 1, 11);
        let survived = thread.join().expect("a model thread");
        assert!(other.admitted, "{ADMITS_WHAT_FITS}");
        let live = ring.live(window(4, 10), 11);
        let charged = live == 4 || (live == 1 && !survived);
        assert!(charged, "{CHARGED_AS_ANSWERED}: {live}");
        let room = ring.ask(&[window(4, 10)], 4, 21);
        assert!(room.admitted, "one window later all is free again");
    });
    seen(Event::Death) > 0
}
