//! Contestants whose clock can be set: windows of a minute, in no time.

use std::sync::Arc;
use std::time::Duration;

use governor::RateLimiter;
use governor::clock::FakeRelativeClock;
use slidegate::ManualClock;

use super::{LIMIT, Row, patterns};
use crate::contestants::MINUTE;
use crate::contestants::governor::quota;
use crate::contestants::log::ExactLog;
use crate::contestants::ours::{ENDPOINT, builder, policy};
use crate::works::{GOVERNOR, LOG, OURS};

const WINDOW_NS: u64 = 60_000_000_000;
const MERCHANT: &str = "merchant00000000";

/// A contestant that decides at an instant, in nanoseconds that ascend from 0.
type Decide = Box<dyn FnMut(u64) -> bool>;

/// A contestant and how a fresh one is made.
type Named = (&'static str, fn() -> Decide);

/// Every pattern through every contestant.
pub fn rows(windows: u64) -> Vec<Row> {
    assert_eq!(MINUTE[0].units, LIMIT);
    let contestants: [Named; 3] = [(OURS, ours), (GOVERNOR, governor), (LOG, exact_log)];
    let mut rows = Vec::new();
    for pattern in patterns::ALL {
        let arrivals = (pattern.arrivals)(WINDOW_NS, windows);
        for (name, make) in contestants {
            let mut decide = make();
            let asked = arrivals.iter().map(|now| (*now, decide(*now)));
            let asked: Vec<_> = asked.collect();
            rows.push(Row::judged(pattern.name, name, true, WINDOW_NS, &asked));
        }
    }
    rows
}

fn ours() -> Decide {
    let clock = Arc::new(ManualClock::new(0));
    let limiter = builder(16).clock(clock.clone()).build(&policy(MINUTE));
    let limiter = limiter.expect("a limiter");
    let id = limiter.endpoint(ENDPOINT).expect("an endpoint");
    Box::new(move |now| {
        clock.set_elapsed_ns(now);
        limiter.allow(MERCHANT, id, 1).expect("a decision")
    })
}

fn governor() -> Decide {
    let clock = FakeRelativeClock::default();
    let limiter = RateLimiter::dashmap_with_clock(quota(&MINUTE[0]), clock.clone());
    let (key, mut last) = (MERCHANT.to_owned(), 0);
    Box::new(move |now| {
        clock.advance(Duration::from_nanos(now - last));
        last = now;
        limiter.check_key(&key).is_ok()
    })
}

fn exact_log() -> Decide {
    let log = ExactLog::new(MINUTE, 1);
    Box::new(move |now| log.allow_at(MERCHANT, || now))
}
