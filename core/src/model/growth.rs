//! Models of growth: rings of two units that grow to four and eight.

use loom::sync::Arc;
use loom::thread;

use super::harness::*;
use crate::sync::trace::{Event, seen};

const FOUR: [crate::window::Window; 1] = [crate::window::Window::from_ticks(4, 10)];

fn four() -> Arc<Lone> {
    Arc::new(Lone::new(2))
}

/// Asks once for each tick, one unit at a time.
fn ask_at(ring: &Lone, ticks: &[u64]) -> Admitted {
    let mut admitted = Admitted::default();
    for &tick in ticks {
        admitted.note(&ring.ask(&FOUR, 1, tick), 1);
    }
    admitted
}

fn beside(ring: &Arc<Lone>, early: &'static [u64], late: &'static [u64]) -> Admitted {
    let other = ring.clone();
    let thread = thread::spawn(move || ask_at(&other, early));
    let mut admitted = ask_at(ring, late);
    admitted.join(thread.join().expect("a model thread"));
    admitted
}

/// Two admissions that both find the ring full: both grow it, both are charged,
/// and what was in the small plane still counts.
#[test]
fn two_grow_at_once() {
    Model::bounded("two grow at once", 3)
        .reaches(&[Event::Grow, Event::Help])
        .run(|| {
            let ring = four();
            ring.ask(&FOUR, 2, 1);
            let admitted = beside(&ring, &[5], &[5]);
            assert_eq!(admitted.units(), 2, "{ADMITS_WHAT_FITS}");
            assert_eq!(ring.live(FOUR[0], 5), 4, "{NOT_LOST}");
            assert!(!ring.ask(&FOUR, 1, 5).admitted, "{NEVER_OVER}");
            assert_eq!(ring.live(FOUR[0], 11), 2, "{NOT_LOST}");
        });
}

/// A copier sleeps while the other laps the small plane and then grows: what the
/// copier writes late must not pass for other units.
pub(super) fn copier_sleeps(model: Model) {
    model.run(|| {
        let ring = four();
        ring.ask(&FOUR, 2, 1);
        let other = ring.clone();
        let sleeper = thread::spawn(move || ask_at(&other, &[5]));
        let mut admitted = Admitted::default();
        for (cost, tick) in [(2, 12), (1, 12)] {
            let answer = ring.ask(&FOUR, cost, tick);
            assert!(answer.admitted, "{ADMITS_WHAT_FITS}");
            admitted.note(&answer, cost);
        }
        admitted.join(sleeper.join().expect("a model thread"));
        admitted.audit(&FOUR);
        let live = admitted.live(FOUR[0], 12);
        assert_eq!(ring.live(FOUR[0], 12), live, "{CHARGED_AS_ANSWERED}");
    });
}

#[test]
fn a_copier_sleeps() {
    copier_sleeps(Model::bounded("a copier sleeps", 2).reaches(&[Event::Grow, Event::Lap]));
}

/// Growth under a clock that then steps back: what was dropped as dead stays so.
pub(super) fn clock_steps_back(model: Model) {
    model.run(|| {
        let ring = four();
        ask_at(&ring, &[1, 9]);
        let admitted = beside(&ring, &[12], &[10]);
        assert_eq!(admitted.units(), 2, "{ADMITS_WHAT_FITS}");
        let live = ring.live(FOUR[0], 10);
        let at = ring.ring().head().stamp();
        let mut all = admitted.clone();
        all.join(Admitted::at(&[1, 9]));
        assert_eq!(live, all.live(FOUR[0], at), "{CHARGED_AS_ANSWERED}");
    });
}

#[test]
fn a_clock_steps_back_during_growth() {
    clock_steps_back(Model::bounded("a clock steps back during growth", 3).reaches(&[Event::Grow]));
}

/// A writer that must grow stops before any of its accesses.
#[test]
fn a_grower_dies_after_every_step() {
    let steps = (0..80).find(|&accesses| !dies_growing(accesses));
    let steps = steps.expect("a check takes fewer accesses");
    assert!(steps > 15, "the victim died after each of {steps} accesses");
}

fn dies_growing(accesses: usize) -> bool {
    Model::bounded(format!("a grower dies after {accesses} accesses"), 2).run(move || {
        let ring = four();
        ring.ask(&FOUR, 2, 1);
        let victim = ring.clone();
        let thread = thread::spawn(move || dying(accesses, || victim.ask(&FOUR, 1, 5)).is_some());
        let other = ring.ask(&FOUR, 1, 5);
        let survived = thread.join().expect("a model thread");
        assert!(other.admitted, "{ADMITS_WHAT_FITS}");
        let live = ring.live(FOUR[0], 5);
        assert!(
            live == 4 || (live == 3 && !survived),
            "{CHARGED_AS_ANSWERED}: {live}"
        );
        let room = ring.ask(&FOUR, 4, 15);
        assert!(room.admitted, "one window later all is free again");
    });
    seen(Event::Death) > 0
}

/// A refund lends while another grows the ring: the credit is neither lost nor
/// doubled.
#[test]
fn refund_meets_growth() {
    Model::bounded("refund meets growth", 3)
        .reaches(&[Event::Grow])
        .run(|| {
            let three = [window(3, 10)];
            let ring = Arc::new(Lone::new(3));
            let first = ring.ask(&three, 2, 1);
            let refunder = ring.clone();
            let refund = thread::spawn(move || refunder.refund(2, first.at, 5));
            let racing = ring.ask(&three, 1, 5);
            assert!(refund.join().expect("a model thread"));
            assert!(racing.admitted, "{ADMITS_WHAT_FITS}");
            assert!(ring.ask(&three, 2, 6).admitted, "{ADMITS_WHAT_FITS}");
            assert!(!ring.ask(&three, 1, 6).admitted, "{NEVER_OVER}");
            assert_eq!(ring.live(window(8, 10), 11), 3, "{NOT_LOST}");
        });
}
