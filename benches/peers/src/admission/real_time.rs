//! Contestants without a clock that can be set: windows of a second, as they pass. All
//! patterns run at once, each on a thread that sleeps nearly all the time. What is
//! judged are the instants at which the requests were made, not those of the plan.

use std::thread;
use std::time::{Duration, Instant};

use super::{LIMIT, Row, patterns};
use crate::contestants::Limit;
use crate::contestants::limitador::Limitador;
use crate::contestants::trypema::Trypema;
use crate::works::{LIMITADOR, TRYPEMA};

const WINDOW_NS: u64 = 1_000_000_000;
const MERCHANT: &str = "merchant00000000";
const SECOND: Limit = Limit {
    units: LIMIT,
    seconds: 1,
};

type Decide = Box<dyn Fn() -> bool + Send>;

/// A contestant and how a fresh one is made.
type Named = (&'static str, fn() -> Decide);

/// Every pattern through every contestant.
pub fn rows(windows: u64) -> Vec<Row> {
    let contestants: [Named; 2] = [(LIMITADOR, limitador), (TRYPEMA, trypema)];
    let mut threads = Vec::new();
    for pattern in patterns::ALL {
        for (name, make) in contestants {
            let arrivals = (pattern.arrivals)(WINDOW_NS, windows);
            threads.push(thread::spawn(move || {
                let asked = asked(&arrivals, &make());
                Row::judged(pattern.name, name, false, WINDOW_NS, &asked)
            }));
        }
    }
    let joined = threads.into_iter().map(thread::JoinHandle::join);
    joined.map(|row| row.expect("a row")).collect()
}

fn asked(arrivals: &[u64], decide: &Decide) -> Vec<(u64, bool)> {
    let begun = Instant::now();
    let ask = |arrival: &u64| {
        let due = begun + Duration::from_nanos(*arrival);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let at = begun.elapsed().as_nanos() as u64;
        (at, decide())
    };
    arrivals.iter().map(ask).collect()
}

fn limitador() -> Decide {
    let limitador = Limitador::new(&[SECOND], 16);
    Box::new(move || limitador.charge(MERCHANT, 1))
}

fn trypema() -> Decide {
    let trypema = Trypema::new(&SECOND);
    Box::new(move || trypema.allow(MERCHANT))
}
