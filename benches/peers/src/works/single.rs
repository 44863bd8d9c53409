//! One thread: one hot key, uniform keys, popular keys; and the same calls over more
//! and more keys. Keys are settled, but where they are so many that they would take too
//! much memory.

use super::{GOVERNOR, LIMITADOR, LOG, Load, OURS, SETTLED, Setup, TRYPEMA, Unit, Work};
use crate::calls::Choice;
use crate::claims::Claim;
use crate::contestants::MINUTE;
use crate::contestants::governor::Governor;
use crate::contestants::limitador::Limitador;
use crate::contestants::log::ExactLog;
use crate::contestants::ours::Ours;
use crate::contestants::trypema::Trypema;
use crate::rounds::Entry;
use crate::scale::Scale;

const PREPARED: &str = "slidegate, prepared key";
const BATCH: &str = "slidegate, allow_each of 16";
const BATCH_CHECKED: &str = "slidegate, check_many of 16";
const TSC: &str = "slidegate, TSC clock";
const TSC_PREPARED: &str = "slidegate, TSC clock, prepared key";

/// The name of the works of the sweep over numbers of keys.
pub const SWEEP: &str = "keys";

/// The sweep's keys are settled up to this number. Slidegate's take more than a kilobyte
/// each then.
const MOST_SETTLED: usize = 1_000_000;

/// One key, mostly denied.
pub fn hot() -> Work {
    let claims = vec![
        Claim::at_most("one hot key", OURS, GOVERNOR, 0.65),
        Claim::at_most("one hot key, prepared", PREPARED, GOVERNOR, 0.50),
        // Lines that appear with the clock; until then they are not measured.
        Claim::at_most("one hot key, TSC clock", TSC, GOVERNOR, 0.50),
        Claim::at_most(
            "one hot key, TSC clock, prepared",
            TSC_PREPARED,
            GOVERNOR,
            0.33,
        ),
    ];
    work(Choice::Hot, "one hot key, mostly denied", claims)
}

/// Many keys, each as often as any other.
pub fn uniform() -> Work {
    let claims = vec![
        Claim::at_most("uniform keys", OURS, GOVERNOR, 0.70),
        Claim::at_most("uniform keys, batches of 16", BATCH, GOVERNOR, 0.20),
        Claim::at_most(
            "uniform keys, batches of 16, decisions",
            BATCH_CHECKED,
            GOVERNOR,
            0.20,
        ),
    ];
    work(
        Choice::Uniform,
        "uniform keys, all present and settled",
        claims,
    )
}

/// Many keys, some of them popular.
pub fn zipf() -> Work {
    let claims = vec![
        Claim::at_most("Zipf keys", OURS, GOVERNOR, 0.65),
        Claim::at_most("Zipf keys, batches of 16", BATCH, GOVERNOR, 0.25),
        Claim::at_most(
            "Zipf keys, batches of 16, decisions",
            BATCH_CHECKED,
            GOVERNOR,
            0.25,
        ),
    ];
    work(
        Choice::Zipf,
        "Zipf(1.0) keys, all present and settled",
        claims,
    )
}

fn work(choice: Choice, title: &str, claims: Vec<Claim>) -> Work {
    Work {
        name: choice.name().into(),
        title: title.into(),
        unit: Unit::Latency,
        baseline: GOVERNOR,
        claims,
        most_rounds: usize::MAX,
        entries: Box::new(move |setup| Ok(entries(choice, setup))),
    }
}

fn entries(choice: Choice, setup: &Setup) -> Vec<Entry> {
    let load = Load::new(choice, &setup.scale);
    let keys = load.keys;
    let mut entries = vec![
        load.entry(OURS, Ours::allow(MINUTE, keys)),
        load.entry(PREPARED, Ours::prepared(MINUTE, keys)),
        load.entry(TSC, Ours::tsc(MINUTE, keys)),
        load.entry(TSC_PREPARED, Ours::tsc_prepared(MINUTE, keys)),
        load.entry("slidegate, endpoint as text", Ours::text(MINUTE, keys)),
        load.entry("slidegate, check", Ours::check(MINUTE, keys)),
        load.entry("slidegate, check and headers", Ours::headers(MINUTE, keys)),
    ];
    if choice != Choice::Hot {
        entries.push(load.entry(BATCH, Ours::allow_each(MINUTE, keys)));
        entries.push(load.entry(BATCH_CHECKED, Ours::check_many(MINUTE, keys)));
    }
    entries.push(load.entry(GOVERNOR, Governor::growing(&MINUTE[0])));
    entries.push(load.entry(LIMITADOR, Limitador::new(MINUTE, keys)));
    entries.push(load.entry(TRYPEMA, Trypema::new(&MINUTE[0])));
    entries.push(load.entry(LOG, ExactLog::new(MINUTE, keys)));
    entries
}

/// Uniform calls over 1, 10, ... keys.
pub fn sweep(scale: &Scale) -> Vec<Work> {
    let powers = (0..).map(|power| 10usize.pow(power));
    let keys = powers.take_while(|keys| *keys <= scale.sweep_keys);
    keys.map(|keys| Work {
        name: format!("{SWEEP}-{keys}"),
        title: match sweep_units(keys) {
            SETTLED => format!("uniform calls over {keys} settled keys"),
            _ => format!("uniform calls over {keys} keys, not settled: 1 unit each before"),
        },
        unit: Unit::Latency,
        baseline: GOVERNOR,
        claims: Vec::new(),
        most_rounds: usize::MAX,
        entries: Box::new(move |setup| Ok(sweep_entries(keys, setup))),
    })
    .collect()
}

fn sweep_units(keys: usize) -> u32 {
    if keys <= MOST_SETTLED { SETTLED } else { 1 }
}

fn sweep_entries(keys: usize, setup: &Setup) -> Vec<Entry> {
    let choice = if keys == 1 {
        Choice::Hot
    } else {
        Choice::Uniform
    };
    let load = Load {
        units: sweep_units(keys),
        ..Load::of(choice, setup.scale.calls, keys, 1)
    };
    vec![
        load.entry(OURS, Ours::allow(MINUTE, keys)),
        load.entry(GOVERNOR, Governor::growing(&MINUTE[0])),
        load.entry(LOG, ExactLog::new(MINUTE, keys)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sweep_says_which_keys_are_settled() {
        let titles: Vec<_> = sweep(&Scale::FULL)
            .into_iter()
            .map(|work| work.title)
            .collect();
        assert_eq!(titles[6], "uniform calls over 1000000 settled keys");
        assert!(titles[7].ends_with("10000000 keys, not settled: 1 unit each before"));
    }
}
