//! Deadlines, asleep and in line.

use std::task::Poll;
use std::thread;
use std::time::Duration;

use slidegate::pacing::AcquireError;

use super::common::*;

const HALF: Option<Duration> = Some(Duration::from_millis(500));

#[test]
fn a_retry_instant_beyond_the_deadline_fails_at_once() {
    let paced = paced("\"2/s\"");
    paced.charge(2);
    let denial = too_late(paced.wait(1, HALF).answer());
    assert_eq!(denial.retry_after(), Some(Duration::from_secs(1)));
    let text = AcquireError::TooLate(denial).to_string();
    assert!(text.contains("another 1s,"), "{text}");
    assert!(paced.time.begun().is_empty(), "it slept");
    paced.time.advance_to(SEC);
    assert_eq!(paced.remaining(), 2);
}

#[test]
fn a_deadline_at_the_retry_instant_is_kept() {
    let paced = paced("\"1/s\"");
    paced.charge(1);
    let one = Duration::from_secs(1);
    let mut hasty = paced.wait(1, Some(one - Duration::from_nanos(1)));
    let _ = too_late(hasty.answer());
    let mut wait = paced.wait(1, Some(one));
    wait.assert_waits();
    paced.time.advance_to(SEC);
    wait.assert_admitted();
}

#[test]
fn a_timeout_of_zero_tries_without_waiting() {
    let paced = paced("\"1/s\"");
    let now = Some(Duration::ZERO);
    paced.wait(1, now).assert_admitted();
    let _ = too_late(paced.wait(1, now).answer());
    assert!(paced.time.begun().is_empty(), "it slept");
}

#[test]
fn a_timeout_counts_from_the_call() {
    let paced = paced("\"1/s\"");
    paced.charge(1);
    let mut wait = paced.wait(1, Some(Duration::from_millis(1_200)));
    paced.time.advance_to(300 * MS);
    wait.assert_waits(); // 1 s is within 1.2 s
    let mut wait = paced.wait(1, Some(Duration::from_millis(800)));
    paced.time.advance_to(301 * MS);
    wait.assert_waits(); // and within 1.1 s
    let mut wait = paced.wait(1, Some(Duration::from_millis(698)));
    paced.time.advance_to(500 * MS);
    let _ = too_late(wait.answer()); // but not within 0.999 s
}

#[test]
fn the_longest_timeout_is_one() {
    let paced = paced("\"1/s\"");
    paced.time.advance_to(SEC);
    paced.charge(1);
    let mut wait = paced.wait(1, Some(Duration::MAX));
    wait.assert_waits();
    paced.time.advance_to(2 * SEC);
    wait.assert_admitted();
}

#[test]
fn a_deadline_that_cannot_be_kept_fails_at_once_even_in_line() {
    let paced = paced("\"1/s\"");
    paced.charge(1);
    let mut first = paced.wait(1, None);
    first.assert_waits();
    let denial = too_late(paced.wait(1, HALF).answer());
    assert_eq!(denial.retry_after(), Some(Duration::from_secs(1)));
    paced.time.advance_to(SEC);
    first.assert_admitted();
}

#[test]
fn a_deadline_comes_in_line() {
    let paced = paced("\"10/s\"");
    paced.charge(9);
    let mut dear = paced.wait(10, None);
    dear.assert_waits();
    // There is room for them, but not before the first has gone.
    let (mut hasty, mut patient) = (paced.wait(1, HALF), paced.wait(1, None));
    hasty.assert_waits();
    patient.assert_waits();
    paced.time.advance_to(500 * MS - 1);
    hasty.assert_waits();
    paced.time.advance_to(500 * MS);
    assert!(matches!(hasty.answer(), Err(AcquireError::StillInLine)));
    drop(hasty);
    assert_eq!(paced.remaining(), 1, "it was charged");
    paced.time.advance_to(SEC);
    patient.assert_waits();
    dear.assert_admitted();
    patient.assert_waits();
    assert_eq!(paced.time.next_wake(), Some(2 * SEC));
}

#[test]
fn a_turn_that_comes_with_the_deadline_is_taken() {
    let paced = paced("\"10/s\"");
    paced.charge(9);
    let mut dear = paced.wait(2, None);
    dear.assert_waits();
    let mut wait = paced.wait(1, Some(Duration::from_secs(1)));
    wait.assert_waits();
    paced.time.advance_to(SEC);
    dear.assert_admitted();
    wait.assert_admitted();
}

#[test]
fn a_blocked_thread_sees_its_deadline_in_line() {
    within_patience(block_in_line);
}

fn block_in_line() {
    let paced = paced("\"10/s\"");
    paced.charge(9);
    let mut dear = paced.wait(10, None);
    dear.assert_waits();
    let pacer = paced.pacer.clone();
    let waiter = thread::spawn(move || pacer.acquire("m", "GET /", 1, HALF));
    paced.time.await_next_wake(500 * MS);
    paced.time.advance_to(500 * MS);
    let answer = waiter.join().unwrap();
    assert!(matches!(answer, Err(AcquireError::StillInLine)));
    paced.time.advance_to(SEC);
    dear.assert_admitted();
    assert_eq!(paced.pacer.lines(), 0);
}

#[test]
fn those_who_gave_up_are_passed_over() {
    let paced = paced("\"1/s\"");
    paced.charge(1);
    let timeouts = [1_500, 1_600, 5_000].map(|ms| Some(Duration::from_millis(ms)));
    let mut head = paced.wait(1, None);
    head.assert_waits();
    let mut waits = timeouts.map(|timeout| paced.wait(1, timeout));
    waits.iter_mut().for_each(Waiting::assert_waits);
    paced.time.advance_to(SEC);
    head.assert_admitted();
    // At their turn the next retry instant is 2 s: too late for two of them.
    let [mut first, mut second, mut third] = waits;
    let _ = too_late(first.answer());
    let _ = too_late(second.answer());
    assert!(matches!(third.poll(), Poll::Pending));
    assert_eq!(paced.time.next_wake(), Some(2 * SEC));
    paced.time.advance_to(2 * SEC);
    third.assert_admitted();
}
