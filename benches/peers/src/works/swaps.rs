//! Checks while another thread swaps the policy a thousand times a second. The swaps are
//! counted: a machine that has no time for them measures something else.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::{Load, Setup, Unit, Work, charge_all};
use crate::calls::Choice;
use crate::claims::Claim;
use crate::contestants::ours::{Ours, policy};
use crate::contestants::{Limit, MINUTE, ns_per_call};
use crate::rounds::Entry;

const CALM: &str = "slidegate, no swaps";
const SWAPPED: &str = "slidegate, 1,000 swaps a second";
const EACH: Duration = Duration::from_millis(1);

/// Of the swaps that were due so many must have been made.
const SHARE: f64 = 0.9;

/// So many may be missing in any case: the last of a round that ends just when it is
/// due, or a thread's waking up late. Little of a run, but all of the smoke test.
const SLACK: u64 = 20;

/// So many that dozens of swaps fall into a round.
const PASSES: usize = 4;

/// The work.
pub fn work() -> Work {
    Work {
        name: "swaps".into(),
        title: "1,000 policy swaps a second on another thread, settled Zipf keys".into(),
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
    let limiter = Ours::allow(MINUTE, load.keys);
    charge_all(&limiter, load.keys, load.units);
    let counts = Rc::new(Cell::new(Counts::default()));
    let counted = counts.clone();
    let run = move || {
        let (stop, begin) = (AtomicBool::new(false), Barrier::new(2));
        thread::scope(|scope| {
            let swapping = scope.spawn(|| swap_until(&stop, &begin, &limiter));
            begin.wait();
            let ns = ns_per_call(&limiter, &load.calls, PASSES);
            stop.store(true, Ordering::Relaxed);
            let swaps = swapping.join().expect("a thread that swaps");
            counted.set(counted.get().and(swaps));
            ns
        })
    };
    let swapped = Entry {
        kept: Box::new(move || counts.get().judged()),
        ..Entry::new(SWAPPED, run)
    };
    vec![calm, swapped]
}

/// Swaps of some time.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    made: u64,
    due: u64,
}

impl Counts {
    fn and(self, other: Self) -> Self {
        Self {
            made: self.made + other.made,
            due: self.due + other.due,
        }
    }

    /// Whether enough were made, or how many were.
    fn judged(self) -> Result<(), String> {
        let Self { made, due } = self;
        if (made + SLACK) as f64 >= SHARE * due as f64 {
            return Ok(());
        }
        let made_a_second = 1_000 * made / due;
        Err(format!(
            "{made_a_second} swaps a second were made, of 1,000: the machine had no time for more"
        ))
    }
}

/// Swaps between two policies that differ in a limit, one swap each millisecond by the
/// clock: a swap that comes late is made up for.
fn swap_until(stop: &AtomicBool, begin: &Barrier, limiter: &Ours) -> Counts {
    let more = [Limit {
        units: 101,
        ..MINUTE[0]
    }];
    let policies = [policy(MINUTE), policy(&more)];
    begin.wait();
    let (begun, mut made) = (Instant::now(), 0);
    for policy in policies.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        limiter.limiter().swap(policy).expect("a swap");
        made += 1;
        let next = begun + EACH * made;
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    let due = begun.elapsed().as_nanos() / EACH.as_nanos();
    Counts {
        made: made.into(),
        due: due as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_swaps_are_no_measurement() {
        let judged = |made, due| Counts { made, due }.judged();
        assert!(judged(9_000, 10_000).is_ok() && judged(0, 5).is_ok());
        let why = judged(6_400, 10_000).unwrap_err();
        assert!(why.starts_with("640 swaps a second"), "{why}");
    }
}
