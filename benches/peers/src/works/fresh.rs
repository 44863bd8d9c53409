//! Insertion: every call is a new key's first. Each round has a new limiter, made and
//! dropped outside of the measured time; pages that are touched first are inside.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use super::{GOVERNOR, LIMITADOR, LOG, OURS, Setup, TRYPEMA, Unit, Work};
use crate::calls::{self, Call};
use crate::claims::Claim;
use crate::contestants::governor::Governor;
use crate::contestants::limitador::Limitador;
use crate::contestants::log::ExactLog;
use crate::contestants::ours::Ours;
use crate::contestants::trypema::Trypema;
use crate::contestants::{Contestant, MINUTE, thinned};
use crate::rounds::Entry;

/// The work.
pub fn work() -> Work {
    Work {
        name: "fresh".into(),
        title: "fresh keys, a new limiter each round".into(),
        unit: Unit::Latency,
        baseline: GOVERNOR,
        claims: vec![Claim::at_most("fresh keys", OURS, GOVERNOR, 0.85)],
        most_rounds: usize::MAX,
        entries: Box::new(|setup| Ok(entries(setup))),
    }
}

fn entries(setup: &Setup) -> Vec<Entry> {
    let keys = setup.scale.fresh_keys;
    let calls: Arc<[Call]> = calls::all(keys).into();
    let limit = &MINUTE[0];
    vec![
        entry(OURS, &calls, move || Ours::allow(MINUTE, keys)),
        entry(GOVERNOR, &calls, move || Governor::growing(limit)),
        entry("governor, room made before", &calls, move || {
            Governor::with_room(limit, keys)
        }),
        entry(LIMITADOR, &calls, move || Limitador::new(MINUTE, keys)),
        entry(TRYPEMA, &calls, move || Trypema::new(limit)),
        entry(LOG, &calls, move || ExactLog::new(MINUTE, keys)),
    ]
}

fn entry<C: Contestant>(name: &str, calls: &Arc<[Call]>, make: impl Fn() -> C + 'static) -> Entry {
    let (thinning, calls) = (make().thinning(), calls.clone());
    let run = move || {
        let contestant = make();
        let (calls, _) = thinned(&contestant, &calls, 1);
        let begun = Instant::now();
        let admitted = black_box(contestant.pass(calls));
        let passed = begun.elapsed();
        assert_eq!(admitted, calls.len(), "every first call is admitted");
        passed.as_nanos() as f64 / calls.len() as f64
    };
    Entry {
        thinning,
        ..Entry::new(name, run)
    }
}
