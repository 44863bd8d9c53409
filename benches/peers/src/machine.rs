//! Where a run took place, as far as it bears on the figures.

use std::fs::read_to_string;

use serde::Serialize;

/// The machine and how busy it was.
#[derive(Debug, Serialize)]
pub struct Machine {
    /// The processor's own name.
    pub processor: String,
    /// Threads that can run at once.
    pub threads: usize,
    /// The load of the last minute when the run began. Above a few tenths the machine
    /// had other work, and spreads say how much that did.
    pub load_before: f64,
    /// The same when it ended, the run's own load included.
    pub load_after: f64,
    /// How long the run took, in seconds.
    pub seconds: f64,
}

/// The name of the first processor.
pub fn processor() -> String {
    let info = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = info.lines().find(|line| line.starts_with("model name"));
    let name = line.and_then(|line| line.split_once(": "));
    name.map_or("unknown", |(_, name)| name).trim().into()
}

/// The load of the last minute; 0 where the system does not say.
pub fn load() -> f64 {
    let loads = read_to_string("/proc/loadavg").unwrap_or_default();
    let minute = loads.split_whitespace().next();
    minute.and_then(|minute| minute.parse().ok()).unwrap_or(0.0)
}
