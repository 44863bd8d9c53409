//! One slot under real threads: never over by commit stamps, and every unit
//! accounted for.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use super::naive::Naive;
use super::*;
use crate::sync::Register;
use crate::time::Timeline;

const THREADS: usize = 4;

/// Stamp and units of admissions.
type Admissions = Vec<(u64, u32)>;

/// Runs `body` on every thread at once and collects what was admitted, in the
/// order of the stamps.
fn together(body: impl Fn(u64) -> Admissions + Sync) -> Admissions {
    let start = Barrier::new(THREADS);
    let mut admitted: Admissions = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS as u64)
            .map(|n| {
                let (start, body) = (&start, &body);
                scope.spawn(move || {
                    start.wait();
                    body(n)
                })
            })
            .collect();
        let all = threads
            .into_iter()
            .flat_map(|t| t.join().expect("a thread"));
        all.collect()
    });
    admitted.sort_unstable();
    admitted
}

/// The most units in any half-open span of the window's length.
fn most_in_a_window(admitted: &Admissions, window: &Window) -> u32 {
    let (mut from, mut held, mut most) = (0, 0, 0);
    for &(stamp, units) in admitted {
        held += units;
        while admitted[from].0 + window.ticks() <= stamp {
            held -= admitted[from].1;
            from += 1;
        }
        most = most.max(held);
    }
    most
}

fn audit(slot: &Slot, windows: &[Window], admitted: &Admissions) {
    for window in windows {
        let most = most_in_a_window(admitted, window);
        assert!(most <= window.limit, "{most} units in {window:?}");
    }
    let units: u64 = admitted.iter().map(|&(_, units)| u64::from(units)).sum();
    assert_eq!(u64::from(slot.log().head().units()), units % (1 << 25));
    let naive = Naive {
        admitted: admitted.clone(),
        lent: (0, 0),
    };
    let shifts = Shifts::of(windows).expect("planes");
    let last = admitted.last().expect("admissions").0;
    for ticks in [0, 50_000, 200_000, 500_000] {
        let answer = slot.ask(&query(windows, 1, Ask::Survey), &shifts, last + ticks);
        let expected = naive.tightest(windows, answer.at);
        assert_eq!(
            answer.standing,
            Some(expected),
            "a unit was lost or doubled"
        );
    }
}

/// A small generator: real randomness is not needed, variety is.
fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    *seed >> 33
}

#[test]
fn never_over_by_the_machines_clock() {
    let slot = Slot::new(0);
    let windows = ["300/263ms", "700/s"].map(|w| w.parse::<Window>().unwrap());
    let shifts = Shifts::of(&windows).unwrap();
    let clock = Timeline::new(None);
    let started = Instant::now();
    let admitted = together(|n| {
        let (mut seed, mut admitted) = (n, Vec::new());
        while started.elapsed() < Duration::from_millis(1_500) {
            let cost = next(&mut seed) as u32 % 3 + 1;
            let env = Env {
                now: Now::Live(&clock),
                shifts: &shifts,
            };
            let query = query(&windows, cost, Ask::Charge);
            match slot.log().ask(slot.tenant(), &query, env) {
                Attempt::Answered(a) if a.admitted => admitted.push((a.at, cost)),
                Attempt::Answered(_) => {}
                other => panic!("{other:?}"),
            }
        }
        admitted
    });
    audit(&slot, &windows, &admitted);
    let units: u32 = admitted.iter().map(|a| a.1).sum();
    assert!(units >= 1_000, "only {units} were admitted");
}

/// Time goes by in steps, from parts of a bucket to more than a lap, and each
/// thread reads it late by up to `skew` ticks.
fn stepping(skew: u64, largest_step: u64) {
    let windows = [
        Window::from_ticks(50, 300_000),
        Window::from_ticks(60, 400_000),
        Window::from_ticks(200, 2_000_000),
    ];
    let shifts = Shifts::of(&windows).unwrap();
    for round in 0..10 {
        let slot = Slot::new(0);
        let clock = Arc::new(Register::default());
        clock.update(|_| skew + 1);
        let admitted = together(|n| {
            let (mut seed, mut admitted) = (n + 4 * round, Vec::new());
            for _ in 0..2_000 {
                let now = clock.get() - next(&mut seed) % (skew + 1);
                let cost = next(&mut seed) as u32 % 4 + 1;
                let answer = slot.ask(&query(&windows, cost, Ask::Charge), &shifts, now);
                if answer.admitted {
                    admitted.push((answer.at, cost));
                }
                if next(&mut seed).is_multiple_of(8) {
                    let step = next(&mut seed) % largest_step;
                    clock.update(|now| now + step);
                }
            }
            admitted
        });
        audit(&slot, &windows, &admitted);
    }
}

#[test]
fn never_over_by_a_stepping_clock() {
    stepping(0, 20_000);
    stepping(0, 400_000);
}

#[test]
fn never_over_by_clocks_that_disagree() {
    stepping(5_000, 20_000);
    stepping(3_000_000, 100_000);
    stepping(5_000_000, 4_000_000);
}
