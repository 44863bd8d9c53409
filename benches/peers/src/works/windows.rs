//! Two windows at once: 100 a second and 400 a minute.

use super::{GOVERNOR, LIMITADOR, LOG, Load, OURS, Setup, Unit, Work};
use crate::calls::Choice;
use crate::claims::Claim;
use crate::contestants::JOINT;
use crate::contestants::governor::Pair;
use crate::contestants::limitador::Limitador;
use crate::contestants::log::ExactLog;
use crate::contestants::ours::Ours;
use crate::rounds::Entry;

/// The work. governor's line is two limiters asked one after the other, which are not
/// joint.
pub fn work() -> Work {
    Work {
        name: "windows".into(),
        title: "two windows at once, settled Zipf keys (governor: two limiters, not joint)".into(),
        unit: Unit::Latency,
        baseline: GOVERNOR,
        claims: vec![Claim::at_most("two windows at once", OURS, GOVERNOR, 0.30)],
        most_rounds: usize::MAX,
        entries: Box::new(|setup| Ok(entries(setup))),
    }
}

fn entries(setup: &Setup) -> Vec<Entry> {
    let load = Load::new(Choice::Zipf, &setup.scale);
    let keys = load.keys;
    let pair = Pair::new(&[JOINT[0], JOINT[1]]);
    vec![
        load.entry(OURS, Ours::allow(JOINT, keys)),
        load.entry(GOVERNOR, pair),
        load.entry(LIMITADOR, Limitador::new(JOINT, keys)),
        load.entry(LOG, ExactLog::new(JOINT, keys)),
    ]
}
