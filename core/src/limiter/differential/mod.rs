//! The engine against the naive reference, step by step on random timelines. A
//! difference is shrunk to a short timeline.
//!
//! Everything that the engine offers takes part: exact and bucketed rules, alone and
//! side by side in one request; all ways to ask, batches, prepared keys, refunds,
//! resets, swaps, also those that are refused or that take a bucketed window back;
//! and a clock that waits for edges, steps back and sleeps for years. Every run
//! demands that it reached what it is about, of exact keys and of bucketed ones:
//! growth, rotations, laps, wraps, evictions, rebirths, and denials asked again at
//! their retry instant and one tick before.
//!
//! `PROPTEST_CASES` sets how long it runs (256 is the default) and
//! `PROPTEST_RNG_SEED` which timelines.

mod asking;
mod changes;
mod clock;
mod compare;
mod families;
mod full;
mod keys;
mod pair;
mod policies;
mod steps;
mod tally;
mod watch;
mod windows;

use std::cell::RefCell;
use std::time::Instant;

use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};

use crate::sync::trace::{self, Event, seen};
use crate::window::Precision;
use families::Family;
use full::Full;
use pair::Pair;
use policies::{PolicySpec, RuleSpec, WindowSpec};
use steps::{Cost, How, Request, Step, Wait};
use tally::{OfKind, Tally, reached, reached_by_kind};

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
    let timelines = (families::families(), max_keys(), steps::steps(STEPS));
    let (cases, tally) = run(4, timelines, |(family, max_keys, steps)| {
        Pair::new(&family, max_keys, false).run(&steps)
    });
    let by_kind = |what, count: fn(&OfKind) -> u64, least| {
        reached_by_kind(what, &tally, count, cases, least);
    };
    let reached = |what, count, least| reached(what, count, cases, least);
    reached("growths", seen(Event::Grow), 3_000);
    reached("laps", seen(Event::Lap), 100_000);
    reached("rotations", seen(Event::Rotate), 8_000);
    reached("laps of buckets", tally.bucketed_laps, 80);
    by_kind("wraps", |kind| kind.wraps, [2, 2]);
    by_kind("evictions", |kind| kind.evictions, [1_500, 1_000]);
    by_kind("rebirths", |kind| kind.rebirths, [2_500, 1_500]);
    by_kind("refunds", |kind| kind.refunds, [800, 600]);
    by_kind("refunds too late", |kind| kind.late_refunds, [800, 600]);
    by_kind("resets", |kind| kind.resets, [1_000, 800]);
    by_kind("denials", |kind| kind.denials, [10_000, 6_000]);
    by_kind(
        "denied one tick before",
        |kind| kind.denied_before,
        [300, 150],
    );
    by_kind(
        "admitted at the retry instant",
        |kind| kind.admitted_at,
        [1_500, 800],
    );
    reached("swaps", tally.swaps, 1_000);
    reached("swaps refused", tally.refused, 10);
    reached("bucketed windows taken back", tally.taken_back, 60);
    reached("steps back", tally.back_steps, 500);
    reached("requests charged to both kinds", tally.mixed, 5_000);
    reached("prepared requests to both kinds", tally.mixed_prepared, 800);
    reached("batches to both kinds", tally.mixed_batches, 500);
    reached("straight batches", tally.straight_batches, 30);
}

#[test]
fn a_denial_names_the_first_instant_that_admits() {
    let timelines = (families::families(), max_keys(), steps::steps(STEPS));
    let (cases, tally) = run(1, timelines, |(family, max_keys, steps)| {
        Pair::new(&family, max_keys, true).run(&steps)
    });
    let by_kind = |what, count: fn(&OfKind) -> u64, least| {
        reached_by_kind(what, &tally, count, cases, least);
    };
    by_kind(
        "denied one tick before",
        |kind| kind.denied_before,
        [6_000, 2_500],
    );
    by_kind(
        "admitted at the retry instant",
        |kind| kind.admitted_at,
        [6_000, 2_500],
    );
}

#[test]
fn a_full_table_tracks_what_it_can_and_answers_for_the_rest() {
    let timelines = (full::settings(), full::steps(STEPS));
    let (cases, tally) = run(1, timelines, |(setting, steps)| {
        Full::new(&setting).run(&steps)
    });
    let by_kind = |what, count: fn(&OfKind) -> u64, least| {
        reached_by_kind(what, &tally, count, cases, least);
    };
    reached("untracked", tally.untracked, cases, 1_000);
    by_kind("evictions", |kind| kind.evictions, [5_000; 2]);
    by_kind("rebirths", |kind| kind.rebirths, [4_500; 2]);
    by_kind("refunds", |kind| kind.refunds, [400; 2]);
    by_kind("resets", |kind| kind.resets, [80; 2]);
    by_kind("denials", |kind| kind.denials, [500; 2]);
}

/// A flood past what an exact log remembers, between two policies with a window that
/// is as long and lets one unit pass: `never` shows the oldest unit remembered.
#[test]
fn the_oldest_unit_may_be_forgotten() {
    let rule = |limit, ms| RuleSpec {
        windows: vec![WindowSpec { limit, ms }],
        cost: 1,
        per_all: false,
        precision: Precision::Exact,
    };
    let policy = |limit, ms| PolicySpec {
        deny_unmatched: false,
        rules: [None, None, None, Some(rule(limit, ms)), None],
    };
    let family = Family {
        policies: vec![policy(1, 10_281_600_000), policy(273, 1)],
    };
    let get = |cost| Request {
        merchant: 2,
        place: 1,
        cost,
    };
    let steps = [
        Step::Ask(How::Check, get(Cost::Units(1))),
        Step::Swap { policy: 1 },
        Step::Wait(Wait::Ns(1_358_268)),
        Step::Flood {
            request: get(Cost::Units(1)),
            times: 20,
            refund: false,
        },
        Step::Swap { policy: 2 },
        Step::Ask(How::Check, get(Cost::Over)),
    ];
    let ran = Pair::new(&family, 1, true).run(&steps);
    assert!(ran.is_ok(), "{ran:?}");
}
