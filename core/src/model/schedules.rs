//! The whole limiter with many threads, through random schedules.
//!
//! shuttle runs the threads of a body one at a time and chooses at every access to
//! a shared word who goes on: by lot, or as *probabilistic concurrency testing*
//! does, which finds what needs few changes of thread. It knows interleavings only,
//! no weak orderings: these are loom's.
//!
//! Every run prints its seed; `SLIDEGATE_SEED=<seed>` repeats it, with the same
//! schedules up to the one that failed. `SLIDEGATE_SCHEDULES` says how many
//! schedules each test runs.

mod audit;
mod threads;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, FailurePersistence, Runner};

use crate::sync::fault::{Fault, plant};
use crate::sync::trace::{self, Event};
use crate::{Limiter, ManualClock, OnFull, Policy};
use audit::{ALL_FREE, Audit, NEVER_OVER, SAME_CAPACITY};
use threads::{Ask, House, THREADS};

/// How many changes of thread the second half of the schedules is made for.
const PCT_DEPTH: usize = 4;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Runs half of the schedules by lot and half by PCT.
fn explore(name: &str, schedules: usize, body: fn()) {
    let seed = number("SLIDEGATE_SEED").unwrap_or_else(|| getrandom::u64().expect("a seed"));
    let schedules = number("SLIDEGATE_SCHEDULES").map_or(schedules, |n| n as usize);
    explore_from(seed, name, schedules, body);
}

fn explore_from(seed: u64, name: &str, schedules: usize, body: fn()) {
    println!("schedules of {name}: seed {seed}; SLIDEGATE_SEED={seed} repeats them");
    trace::start();
    trace::counting(true);
    let began = Instant::now();
    let half = schedules.div_ceil(2);
    Runner::new(RandomScheduler::new_from_seed(seed, half), config()).run(body);
    let pct = PctScheduler::new_from_seed(seed, PCT_DEPTH, half);
    Runner::new(pct, config()).run(body);
    let seconds = began.elapsed().as_secs_f64();
    let reached = EVENTS.map(|e| format!("{e:?} {}", trace::seen(e)));
    println!(
        "schedules of {name}: {} in {seconds:.1} s, {:.0} a second; {}",
        2 * half,
        2.0 * half as f64 / seconds,
        reached.join(", ")
    );
}

fn config() -> Config {
    let mut config = Config::new();
    config.failure_persistence = FailurePersistence::None;
    config.silence_warnings = true;
    config
}

const EVENTS: [Event; 9] = [
    Event::Help,
    Event::Grow,
    Event::Rotate,
    Event::Takeover,
    Event::Evict,
    Event::Rebirth,
    Event::Gone,
    Event::Reset,
    Event::Refund,
];

fn reached(events: &[Event]) {
    for event in events {
        assert!(trace::seen(*event) > 0, "no schedule reached {event:?}");
    }
}

fn policy(total: &str, post: &str, bulk: &str) -> Policy {
    let text = format!(
        "version = 1\n[[rule]]\nname = \"total\"\nmatch = \"*\"\nwindows = [{total}]\n\
         [[rule]]\nname = \"post\"\nmatch = \"POST /v1\"\nwindows = [{post}]\n\
         [[rule]]\nname = \"bulk\"\nmatch = \"POST /bulk\"\nwindows = [{bulk}]\n\
         precision = \"bucketed\"\n"
    );
    Policy::from_toml(&text).expect("a good policy")
}

std::thread_local! {
    /// The policies of a run: parsed once, not in each of thousands of schedules.
    static POLICIES: Cell<Option<&'static [Policy]>> = const { Cell::new(None) };
}

/// What the versions of the policy say by turns: odd ones the first. Of the one
/// exact rule they lengthen the longest window, of the other they shorten it.
fn policies() -> &'static [Policy] {
    POLICIES.get().unwrap_or_else(|| {
        let policies = Box::leak(Box::new([
            policy("\"4/4ms\", \"9/10ms\"", "\"3/4ms\"", "\"3/300ms\""),
            policy("\"6/4ms\"", "\"2/8ms\"", "\"2/300ms\""),
        ]));
        POLICIES.set(Some(policies));
        policies
    })
}

fn house(max_keys: u64) -> Arc<House> {
    let clock = Arc::new(ManualClock::new(0));
    let builder = Limiter::builder().max_keys(max_keys).max_limit(32);
    let builder = builder.clock(clock.clone()).on_full(OnFull::Deny);
    // Names would be most of the words that a checker makes anew for each run.
    let builder = builder.names(false);
    let limiter = builder.build(&policies()[0]).expect("a limiter");
    Arc::new(House::new(limiter, clock, policies()))
}

/// Time stands still: then what is left of every window is known to the unit.
fn still() {
    let house = house(8);
    let ledger = house.run(&[Ask::Check, Ask::Allow, Ask::Many, Ask::Prepared, Ask::Peek]);
    Audit::new(&ledger).exact(&house);
}

/// Time stands still, and what was admitted may be given back.
fn still_with_refunds() {
    let house = house(8);
    let ledger = house.run(&[Ask::Check, Ask::Receipt, Ask::Receipt, Ask::Prepared]);
    Audit::new(&ledger).exact(&house);
}

/// Everything at once, in a table that is too small.
fn everything() {
    let house = house(2);
    let ledger = house.run(&[
        Ask::Check,
        Ask::Allow,
        Ask::Receipt,
        Ask::Many,
        Ask::Prepared,
        Ask::Peek,
        Ask::Reset,
        Ask::Swap,
        Ask::Advance,
        Ask::Check,
        Ask::Advance,
    ]);
    let audit = Audit::new(&ledger);
    audit.never_over();
    house.clock.advance(ALL_FREE);
    audit.free_again(&house);
}

#[test]
fn random_schedules_charge_what_they_answer() {
    explore("still", 6_000, still);
    reached(&[Event::Help, Event::Grow, Event::Takeover]);
}

#[test]
fn random_schedules_refund_what_they_charged() {
    explore("still, with refunds", 6_000, still_with_refunds);
    reached(&[Event::Help, Event::Grow, Event::Takeover, Event::Refund]);
}

#[test]
fn random_schedules_are_never_over() {
    explore("everything", 16_000, everything);
    reached(&EVENTS);
}

/// With a fault planted, a run must fail on a promise; always from one seed, so
/// that it always does.
fn dies(fault: Fault, promises: &[&str], body: fn()) {
    plant(Some(fault));
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        explore_from(1, "a mutant", 20_000, body)
    }));
    plant(None);
    let cause = outcome.expect_err("the mutant lives: no schedule noticed the fault");
    let message = cause.downcast_ref::<String>().cloned().unwrap_or_default();
    assert!(
        promises.iter().any(|promise| message.contains(promise)),
        "the mutant died of something else: {message}"
    );
    let first = message.lines().next().unwrap_or("");
    println!("mutant {fault:?} of {THREADS} threads died: {first}");
}

#[test]
fn a_charge_kept_is_noticed_among_many_threads() {
    dies(Fault::ChargeKept, &[SAME_CAPACITY], still);
}

#[test]
fn a_copy_that_stops_early_is_noticed_among_many_threads() {
    dies(Fault::CopyStopsEarly, &[SAME_CAPACITY, NEVER_OVER], still);
}

#[test]
fn a_refund_that_gives_up_is_noticed_among_many_threads() {
    dies(Fault::RefundOnce, &[SAME_CAPACITY], still_with_refunds);
}

#[test]
fn a_credit_of_a_former_tenant_is_noticed_among_many_threads() {
    dies(Fault::CreditIgnoresBirth, &[NEVER_OVER], everything);
}

#[test]
fn a_bucket_not_marked_as_left_is_noticed_among_many_threads() {
    dies(
        Fault::LeaveUnmarked,
        &[NEVER_OVER, SAME_CAPACITY],
        everything,
    );
}
