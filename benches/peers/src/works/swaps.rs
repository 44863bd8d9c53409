//! Checks while another thread swaps the policy a thousand times a second.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{Load, Setup, Unit, Work};
use crate::calls::{Call, Choice};
use crate::claims::Claim;
use crate::contestants::ours::{Ours, policy};
use crate::contestants::{Limit, MINUTE, ns_per_call};
use crate::rounds::Entry;

const CALM: &str = "slidegate, no swaps";
const SWAPPED: &str = "slidegate, 1,000 swaps a second";
const EACH: Duration = Duration::from_millis(1);

/// So many that dozens of swaps fall into a round.
const PASSES: usize = 4;

/// The work.
pub fn work() -> Work {
    Work {
        name: "swaps".into(),
        title: "1,000 policy swaps a second on another thread, Zipf keys".into(),
        unit: Unit::Latency,
        baseline: CALM,
        claims: vec![Claim::at_most("1,000 swaps a second", SWAPPED, CALM, 1.05)],
        most_rounds: usize::MAX,
        entries: Box::new(|setup| Ok(entries(setup))),
    }
}

fn entries(setup: &Setup) -> Vec<Entry> {
    let mut load = Load::new(Choice::Zipf, &setup.scale);
    load.times = PASSES;
    let calm = load.entry(CALM, Ours::allow(MINUTE, load.keys));
    let limiter = Arc::new(Ours::allow(MINUTE, load.keys));
    super::insert(&*limiter, load.keys);
    let calls: Arc<[Call]> = load.calls.clone();
    let swapped = Entry::new(SWAPPED, move || {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| swap_until(&stop, &limiter));
            let ns = ns_per_call(&*limiter, &calls, PASSES);
            stop.store(true, Ordering::Relaxed);
            ns
        })
    });
    vec![calm, swapped]
}

/// Swaps between two policies that differ in a limit, one swap each millisecond by the
/// clock: a swap that comes late is made up for.
fn swap_until(stop: &AtomicBool, limiter: &Ours) {
    let more = [Limit {
        units: 101,
        ..MINUTE[0]
    }];
    let policies = [policy(MINUTE), policy(&more)];
    let mut due = Instant::now();
    for policy in policies.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        limiter.limiter().swap(policy).expect("a swap");
        due += EACH;
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}
