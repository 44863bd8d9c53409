//! When a waiter sleeps and wakes.

use std::time::Duration;

use super::common::*;

/// Both sides of a retry instant, without a poll of the limiter before it.
fn wakes_exactly(paced: &Paced, cost: u32) {
    let denial = paced.pacer.limiter().peek("m", "GET /", cost).unwrap();
    let at = paced.time.now() + denial.retry_after_ns().unwrap();
    let mut wait = paced.wait(cost, None);
    wait.assert_waits();
    assert_eq!(paced.time.next_wake(), Some(at));
    let (reads, slept) = (paced.time.reads(), paced.time.begun().len());
    for early in [at - 1_000, at - 1] {
        paced.time.advance_to(early);
        wait.assert_waits();
    }
    assert_eq!(paced.time.reads(), reads, "it asked before its time");
    assert_eq!(paced.time.begun().len(), slept);
    paced.time.advance_to(at);
    wait.assert_admitted();
}

#[test]
fn it_sleeps_until_the_retry_instant_and_asks_then() {
    let paced = paced("\"3/s\", \"5/10s\"");
    for gap_ns in [0, 1, 999, 123_456_789] {
        paced.time.advance_to(paced.time.now() + gap_ns);
        while paced.remaining() > 0 {
            paced.charge(1);
        }
        wakes_exactly(&paced, 1);
        paced.time.advance_to(paced.time.now() + 777);
        wakes_exactly(&paced, 3);
    }
}

#[test]
fn a_waiter_that_is_overtaken_sleeps_until_the_next_instant() {
    let paced = paced("\"1/s\"");
    paced.charge(1);
    let mut wait = paced.wait(1, None);
    wait.assert_waits();
    paced.time.advance_to(SEC);
    paced.charge(1); // past the pacer
    wait.assert_waits();
    paced.time.advance_to(2 * SEC);
    wait.assert_admitted();
    assert_eq!(paced.time.begun(), [SEC, 2 * SEC]);
}

#[test]
fn a_raised_limit_is_seen_at_the_retry_instant() {
    let paced = paced("\"1/s\"");
    paced.charge(1);
    let mut wait = paced.wait(1, None);
    wait.assert_waits();
    paced.pacer.limiter().swap(&policy("\"5/s\"")).unwrap();
    wait.assert_waits();
    paced.time.advance_to(SEC);
    wait.assert_admitted();
}

#[test]
fn a_denial_without_a_wait_is_not_asked_again_at_once() {
    let paced = paced("\"1/s\"");
    // Beyond the last tick time stands still for the limiter.
    let beyond = (1 << 48) * 1_000 + 5;
    paced.time.advance_to(beyond + 2 * SEC);
    paced.charge(1);
    let denial = paced.pacer.limiter().peek("m", "GET /", 1).unwrap();
    assert_eq!(denial.retry_after(), Some(Duration::ZERO));
    let mut wait = paced.wait(1, None);
    wait.assert_waits();
    let now = paced.time.now();
    assert_eq!(paced.time.begun(), [now + MS]);
}
