//! Growth: every key is there with one unit and gets 16 more, and with its 5th and its
//! 17th a log of Slidegate's moves to a larger plane. Each round has a new limiter, made,
//! filled and dropped outside of the measured time; pages that are touched first are
//! inside.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use super::{GOVERNOR, LOG, OURS, SETTLED, Setup, TRYPEMA, Unit, Work, charge_all};
use crate::calls::{self, Call};
use crate::contestants::governor::Governor;
use crate::contestants::log::ExactLog;
use crate::contestants::ours::Ours;
use crate::contestants::trypema::Trypema;
use crate::contestants::{Contestant, MINUTE};
use crate::rounds::Entry;

/// Each key is called often, so there are fewer than elsewhere.
const FEWER: usize = 8;

/// Passes over all keys.
const PASSES: usize = SETTLED as usize - 1;

/// The work.
pub fn work() -> Work {
    Work {
        name: "growing".into(),
        title: "the 2nd to 17th unit of every key, in a random order, a new limiter each round"
            .into(),
        unit: Unit::Latency,
        baseline: GOVERNOR,
        claims: Vec::new(),
        most_rounds: usize::MAX,
        entries: Box::new(|setup| Ok(entries(setup))),
    }
}

fn entries(setup: &Setup) -> Vec<Entry> {
    let keys = setup.scale.keys / FEWER;
    let calls: Arc<[Call]> = calls::shuffled(keys, 1).into();
    let limit = &MINUTE[0];
    vec![
        entry(OURS, &calls, move || Ours::allow(MINUTE, keys)),
        entry(GOVERNOR, &calls, move || Governor::growing(limit)),
        entry(TRYPEMA, &calls, move || Trypema::new(limit)),
        entry(LOG, &calls, move || ExactLog::new(MINUTE, keys)),
    ]
}

fn entry<C: Contestant>(name: &str, calls: &Arc<[Call]>, make: impl Fn() -> C + 'static) -> Entry {
    let calls = calls.clone();
    Entry::new(name, move || {
        let contestant = make();
        charge_all(&contestant, calls.len(), 1);
        let mut admitted = 0;
        let begun = Instant::now();
        for _ in 0..PASSES {
            admitted += black_box(contestant.pass(black_box(&calls)));
        }
        let passed = begun.elapsed();
        let made = calls.len() * PASSES;
        assert_eq!(admitted, made, "every unit is admitted");
        passed.as_nanos() as f64 / made as f64
    })
}
