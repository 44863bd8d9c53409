//! How long calls take beside the median. One call takes about as long as reading a
//! clock does, so groups of eight calls are timed and the median cost of a reading is
//! taken off; what is recorded is an eighth of the rest. So a percentile is one of
//! groups: a single slow call shows with an eighth of its length. Keys are settled, and
//! every round has calls of its own.

use std::sync::Arc;
use std::time::Instant;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::calls::{Call, Choice};
use crate::contestants::governor::Governor;
use crate::contestants::log::ExactLog;
use crate::contestants::ours::Ours;
use crate::contestants::trypema::Trypema;
use crate::contestants::{Contestant, MINUTE};
use crate::progress::Progress;
use crate::rounds::order;
use crate::works::{GOVERNOR, LOG, OURS, SETTLED, Setup, TRYPEMA, charge_all};

/// Its name on the command line.
pub const NAME: &str = "histogram";

/// Calls that are timed together.
pub const GROUP: usize = 8;

/// Tenths of a nanosecond are recorded, because an eighth of a reading is less than one.
const PARTS: f64 = 10.0;

/// What is drawn and listed of a contestant's histogram, in nanoseconds.
#[derive(Debug, Clone, Serialize)]
pub struct Percentiles {
    /// The keys: hot, uniform.
    pub keys: &'static str,
    /// The contestant.
    pub name: &'static str,
    /// Percentile and nanoseconds a call; see [`PERCENTILES`].
    pub points: Vec<(f64, f64)>,
}

/// The percentiles that are listed.
pub const PERCENTILES: [f64; 8] = [10.0, 25.0, 50.0, 75.0, 90.0, 99.0, 99.9, 99.99];

/// The histograms of all contestants: over a hot key and over uniform ones. Each
/// contestant runs a share of its calls in each of the rounds, and every round begins
/// with another contestant.
pub fn run(setup: &Setup, progress: &mut Progress) -> Vec<Percentiles> {
    [Choice::Hot, Choice::Uniform]
        .into_iter()
        .flat_map(|choice| of_choice(choice, setup, progress))
        .collect()
}

type Contestants = [(&'static str, Arc<dyn Contestant>, Histogram<u64>); 4];

fn of_choice(choice: Choice, setup: &Setup, progress: &mut Progress) -> Vec<Percentiles> {
    let what = format!("{NAME}-{}", choice.name());
    progress.preparing(&what);
    let keys = choice.keys(setup.scale.keys);
    let rounds = setup.scale.rounds;
    let mut contestants = contestants(keys);
    for (_, contestant, _) in &contestants {
        charge_all(&**contestant, keys, SETTLED);
    }
    let reading = reading_ns();
    for round in 0..rounds {
        progress.round(&what, round, rounds);
        let calls = setup.scale.histogram_calls / rounds;
        let calls = choice.calls(calls, keys, round as u64 + 1);
        for turn in order(round, contestants.len()) {
            let (_, contestant, histogram) = &mut contestants[turn];
            record(&**contestant, &calls, reading, histogram);
        }
    }
    progress.step();
    let percentiles = contestants.map(|(name, _, histogram)| Percentiles {
        keys: choice.name(),
        name,
        points: points(&histogram),
    });
    percentiles.into()
}

fn contestants(keys: usize) -> Contestants {
    let limit = &MINUTE[0];
    let with = |name, contestant| {
        let histogram = Histogram::new_with_bounds(1, 10_000_000_000, 3);
        (name, contestant, histogram.expect("valid bounds"))
    };
    [
        with(
            OURS,
            Arc::new(Ours::allow(MINUTE, keys)) as Arc<dyn Contestant>,
        ),
        with(GOVERNOR, Arc::new(Governor::growing(limit))),
        with(TRYPEMA, Arc::new(Trypema::new(limit))),
        with(LOG, Arc::new(ExactLog::new(MINUTE, keys))),
    ]
}

fn record(
    contestant: &dyn Contestant,
    calls: &[Call],
    reading: f64,
    histogram: &mut Histogram<u64>,
) {
    for group in calls.chunks_exact(GROUP) {
        let begun = Instant::now();
        std::hint::black_box(contestant.pass(group));
        let passed = begun.elapsed().as_nanos() as f64 - reading;
        let each = (passed / GROUP as f64 * PARTS).max(1.0);
        histogram.saturating_record(each as u64);
    }
}

/// What one reading adds to a timed group: the median of empty ones.
fn reading_ns() -> f64 {
    let mut readings = [0; 1_001].map(|_: u64| Instant::now().elapsed().as_nanos());
    readings.sort_unstable();
    readings[readings.len() / 2] as f64
}

fn points(histogram: &Histogram<u64>) -> Vec<(f64, f64)> {
    let point = |percentile| {
        let parts = histogram.value_at_percentile(percentile);
        (percentile, parts as f64 / PARTS)
    };
    PERCENTILES.map(point).into()
}
