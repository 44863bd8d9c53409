//! What is admitted, against an ideal log: too much within some window, or too little
//! altogether. Contestants whose clock can be set run in simulated time; the others,
//! and Slidegate with two threads, in real time.

mod ideal;
mod patterns;
mod race;
mod real_time;
mod simulated;

use serde::Serialize;

use crate::claims::Judged;
use crate::progress::Progress;
use crate::works::{OURS, Setup};

pub use race::Race;

/// Its name on the command line.
pub const NAME: &str = "admission";

/// Steps of the run.
pub const STEPS: usize = 3;

/// Units that a window admits.
const LIMIT: u32 = 100;

/// How a contestant did in a pattern.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The pattern.
    pub pattern: &'static str,
    /// The contestant.
    pub name: &'static str,
    /// Whether time was simulated; else it was real, with windows of a second.
    pub simulated: bool,
    /// Requests of the pattern.
    pub requests: usize,
    /// How many were admitted.
    pub admitted: usize,
    /// The most admitted in any window, as a multiple of the limit. 1 is exact.
    pub over: f64,
    /// All that was admitted, as a share of what an ideal log admits. 1 is exact; more
    /// than 1 is only possible with windows that hold more than the limit.
    pub under: f64,
    /// How many requests were refused although the contestant itself had admitted fewer
    /// than the limit in the window before. 0 is exact.
    pub refused_with_room: usize,
}

impl Row {
    /// Judges what was admitted of these arrivals, nanoseconds both.
    fn judged(
        pattern: &'static str,
        name: &'static str,
        simulated: bool,
        window_ns: u64,
        asked: &[(u64, bool)],
    ) -> Self {
        let arrivals: Vec<u64> = asked.iter().map(|asked| asked.0).collect();
        let admitted = asked.iter().filter(|asked| asked.1).map(|asked| asked.0);
        let admitted: Vec<u64> = admitted.collect();
        let ideal = ideal::admitted(&arrivals, LIMIT as usize, window_ns);
        let worst = ideal::worst_window(&admitted, window_ns);
        let refused_with_room = ideal::refused_with_room(asked, LIMIT as usize, window_ns);
        Self {
            pattern,
            name,
            simulated,
            requests: arrivals.len(),
            admitted: admitted.len(),
            over: worst as f64 / f64::from(LIMIT),
            under: admitted.len() as f64 / ideal as f64,
            refused_with_room,
        }
    }
}

/// All patterns for all contestants, and the race.
#[derive(Debug, Clone, Serialize)]
pub struct Admission {
    /// A row for each pattern and contestant.
    pub rows: Vec<Row>,
    /// Two threads on one fresh key.
    pub race: Race,
    /// What the project promises.
    pub claims: Vec<Judged>,
}

/// That Slidegate admits in every pattern, and to two threads, what an ideal log does.
/// What two threads got for sure is judged: a thread that is suspended after its commit
/// shifts the instants that are seen.
fn claims(rows: &[Row], race: &Race) -> Vec<Judged> {
    let ours = rows.iter().filter(|row| row.name == OURS);
    let admitted = ours.map(|row| (row.pattern, row.over, row.under));
    let raced = ("2 threads on one fresh key", race.over_surely, race.under);
    let judged = |(pattern, over, under)| {
        let exact = |what, value| Judged::exact(format!("{what}-admission, {pattern}"), value);
        [exact("over", over), exact("under", under)]
    };
    admitted.chain([raced]).flat_map(judged).collect()
}

/// Runs everything.
pub fn run(setup: &Setup, progress: &mut Progress) -> Admission {
    progress.round("admission, simulated time", 0, 1);
    let mut rows = simulated::rows(setup.scale.windows);
    progress.step();
    progress.round("admission, real time", 0, 1);
    rows.extend(real_time::rows(setup.scale.real_windows));
    progress.step();
    progress.round("admission, two threads on one fresh key", 0, 1);
    let race = race::run(setup.scale.real_windows);
    progress.step();
    let claims = claims(&rows, &race);
    Admission { rows, race, claims }
}
