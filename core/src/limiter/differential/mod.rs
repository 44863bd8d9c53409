//! The engine against the naive reference, step by step on random timelines. A
//! difference is shrunk to a short timeline.
//!
//! Everything that the engine offers takes part: all ways to ask, batches,
//! prepared keys, refunds, resets, swaps; and a clock that waits for edges, steps
//! back and sleeps for years. Every run demands that it reached what it is about:
//! growth, laps, wraps, evictions, rebirths, and denials asked again at their
//! retry instant and one tick before.
//!
//! `PROPTEST_CASES` sets how long it runs (256 is the default) and
//! `PROPTEST_RNG_SEED` which timelines.

mod asking;
mod changes;
mod clock;
mod compare;
mod full;
mod keys;
mod pair;
mod policies;
mod steps;
mod tally;
mod windows;

use std::cell::RefCell;
use std::time::Instant;

use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};

use crate::sync::trace::{self, Event, seen};
use full::Full;
use pair::Pair;
use tally::{Tally, reached};

/// The longest timeline, in steps.
const STEPS: usize = 200;

/// For how long a difference is shrunk.
const SHRINK_MS: u32 = 30_000;

/// Runs a property on `share` timelines for each of proptest's cases. Returns how
/// many that were, and what they reached.
fn run<S: Strategy>(
    share: u32,
    timelines: S,
    property: impl Fn(S::Value) -> Result<Tally, TestCaseError>,
) -> (u32, Tally) {
    let cases = ProptestConfig::default().cases.saturating_mul(share);
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_time: SHRINK_MS,
        ..ProptestConfig::default()
    };
    trace::start();
    let begun = Instant::now();
    let totals = RefCell::new(Tally::default());
    let ran = TestRunner::new(config).run(&timelines, |timeline| {
        let tally = property(timeline)?;
        totals.borrow_mut().add(&tally);
        Ok(())
    });
    match ran {
        Err(TestError::Fail(reason, timeline)) => panic!("{reason}\n{timeline:?}"),
        ran => assert!(ran.is_ok(), "{ran:?}"),
    }
    let tally = totals.into_inner();
    let (steps, seconds) = (tally.steps, begun.elapsed().as_secs_f32());
    println!("{cases} timelines, {steps} steps, {seconds:.1} s");
    (cases, tally)
}

/// Enough room for every key, in one probe set or in several.
fn max_keys() -> impl Strategy<Value = u64> {
    prop_oneof![Just(1), Just(64)]
}

#[test]
fn the_engine_answers_as_the_reference() {
    let timelines = (policies::families(), max_keys(), steps::steps(STEPS));
    let (cases, tally) = run(4, timelines, |(family, max_keys, steps)| {
        Pair::new(&family, max_keys, false).run(&steps)
    });
    let reached = |what, count, least| reached(what, count, cases, least);
    reached("growths", seen(Event::Grow), 3_000);
    reached("laps", seen(Event::Lap), 100_000);
    reached("wraps", tally.wraps, 2);
    reached("evictions", tally.evictions(), 1_500);
    reached("rebirths", seen(Event::Rebirth), 2_500);
    reached("swaps", tally.swaps, 1_000);
    reached("refunds", tally.refunds, 400);
    reached("refunds too late", tally.late_refunds, 500);
    reached("resets", tally.resets, 1_000);
    reached("steps back", tally.back_steps, 500);
    reached("denials", tally.denials, 10_000);
    reached("denied one tick before", tally.denied_before, 300);
    reached("admitted at the retry instant", tally.admitted_at, 1_500);
}

#[test]
fn a_denial_names_the_first_instant_that_admits() {
    let timelines = (policies::families(), max_keys(), steps::steps(STEPS));
    let (cases, tally) = run(1, timelines, |(family, max_keys, steps)| {
        Pair::new(&family, max_keys, true).run(&steps)
    });
    reached("denied one tick before", tally.denied_before, cases, 8_000);
    reached(
        "admitted at the retry instant",
        tally.admitted_at,
        cases,
        8_000,
    );
}

#[test]
fn a_full_table_tracks_what_it_can_and_answers_for_the_rest() {
    let timelines = (full::settings(), full::steps(STEPS));
    let (cases, tally) = run(1, timelines, |(setting, steps)| {
        Full::new(&setting).run(&steps)
    });
    reached("untracked", tally.untracked, cases, 1_000);
    reached("evictions", tally.evictions(), cases, 8_000);
    reached("rebirths", seen(Event::Rebirth), cases, 7_000);
    reached("refunds", tally.refunds, cases, 600);
    reached("resets", tally.resets, cases, 150);
    reached("denials", tally.denials, cases, 1_000);
}
