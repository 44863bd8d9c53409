//! Arrivals of requests, in nanoseconds, ascending, of whole microseconds.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::LIMIT;

/// A pattern of arrivals.
pub struct Pattern {
    /// Its name.
    pub name: &'static str,
    /// The arrivals, for windows of this length and so many of them.
    pub arrivals: fn(window_ns: u64, windows: u64) -> Vec<u64>,
}

/// All patterns.
pub const ALL: [Pattern; 4] = [
    Pattern {
        name: "edges",
        arrivals: edges,
    },
    Pattern {
        name: "trickle",
        arrivals: trickle,
    },
    Pattern {
        name: "steady",
        arrivals: steady,
    },
    Pattern {
        name: "bursts",
        arrivals: bursts,
    },
];

/// A lone request, a full limit within a hundredth of a window before the first window
/// after it ends, and another just after that: what a fixed window admits twice, whether
/// it begins with the clock's multiples or with its first request. Every third window
/// is such an edge, so that each begins anew.
fn edges(window_ns: u64, windows: u64) -> Vec<u64> {
    let (burst_ns, limit) = (window_ns / 100, u64::from(LIMIT));
    let of_edge = |lone: u64| {
        let burst = (0..2 * limit).map(move |n| whole(n * burst_ns / limit));
        let begin = lone + window_ns - burst_ns;
        std::iter::once(lone).chain(burst.map(move |after| begin + after))
    };
    let edges = (0..windows).step_by(3);
    edges.flat_map(|edge| of_edge(edge * window_ns)).collect()
}

/// One request at a time, evenly, exactly as many as the limit: all can be admitted.
fn trickle(window_ns: u64, windows: u64) -> Vec<u64> {
    evenly(window_ns, windows, u64::from(LIMIT))
}

/// Twice as many as the limit, evenly: half of them can be admitted.
fn steady(window_ns: u64, windows: u64) -> Vec<u64> {
    evenly(window_ns, windows, 2 * u64::from(LIMIT))
}

fn evenly(window_ns: u64, windows: u64, each_window: u64) -> Vec<u64> {
    let count = windows * each_window;
    (0..count)
        .map(|n| whole(n * (window_ns / each_window)))
        .collect()
}

/// Bursts of up to a limit and a half, about two in each window, at instants and of
/// sizes that are drawn once for all.
fn bursts(window_ns: u64, windows: u64) -> Vec<u64> {
    let mut random = StdRng::seed_from_u64(1);
    let mut arrivals = Vec::new();
    let mut now = 0;
    while now < windows * window_ns {
        let size = random.random_range(1..=u64::from(LIMIT) * 3 / 2);
        let apart = whole(window_ns / 20_000).max(1_000);
        arrivals.extend((0..size).map(|n| now + n * apart));
        now += size * apart + whole(random.random_range(0..window_ns));
    }
    arrivals
}

/// The engine's tick is a microsecond, and governor's and the ideal's a nanosecond:
/// on whole microseconds all of them mean the same.
fn whole(ns: u64) -> u64 {
    ns / 1_000 * 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_ascend_on_whole_microseconds() {
        for pattern in ALL {
            for window_ns in [1_000_000_000, 60_000_000_000] {
                let arrivals = (pattern.arrivals)(window_ns, 3);
                assert!(arrivals.is_sorted(), "{}", pattern.name);
                assert!(
                    arrivals.iter().all(|at| at % 1_000 == 0),
                    "{}",
                    pattern.name
                );
            }
        }
    }
}
