//! Waits that are dropped: nothing is charged, and the others move up.

use super::common::*;

/// Three in line behind a full window: the first asleep.
fn three(paced: &Paced) -> [Waiting<'_>; 3] {
    paced.charge(1);
    let mut waits = [(); 3].map(|()| paced.wait(1, None));
    waits.iter_mut().for_each(Waiting::assert_waits);
    waits
}

#[test]
fn one_in_line_is_dropped() {
    let paced = paced("\"1/s\"");
    let [mut first, second, mut third] = three(&paced);
    drop(second);
    paced.time.advance_to(SEC);
    third.assert_waits();
    first.assert_admitted();
    third.assert_waits();
    paced.time.advance_to(2 * SEC);
    third.assert_admitted();
    assert_eq!(paced.pacer.lines(), 0);
}

#[test]
fn the_first_is_dropped_asleep() {
    let paced = paced("\"1/s\"");
    let [first, mut second, mut third] = three(&paced);
    drop(first);
    assert_eq!(paced.time.asleep(), 0);
    third.assert_waits();
    second.assert_waits();
    assert_eq!(paced.time.next_wake(), Some(SEC));
    paced.time.advance_to(SEC);
    third.assert_waits();
    second.assert_admitted();
    third.assert_waits();
    assert_eq!(paced.time.next_wake(), Some(2 * SEC));
}

#[test]
fn one_is_dropped_whose_turn_has_come_unseen() {
    let paced = paced("\"1/s\"");
    let [mut first, second, mut third] = three(&paced);
    paced.time.advance_to(SEC);
    first.assert_admitted();
    // The turn was handed to the second, which is never polled again.
    drop(second);
    third.assert_waits();
    paced.time.advance_to(2 * SEC);
    third.assert_admitted();
}

#[test]
fn one_is_dropped_whose_retry_instant_has_come_unseen() {
    let paced = paced("\"1/s\"");
    let [first, mut second, _third] = three(&paced);
    paced.time.advance_to(SEC);
    drop(first);
    second.assert_admitted();
    assert_eq!(paced.time.now(), SEC);
}

#[test]
fn one_that_was_never_polled_stands_in_nobodys_way() {
    let paced = paced("\"1/s\"");
    let asleep = paced.wait(1, None);
    assert!(paced.ask("m", "GET /", 1).unwrap().allowed);
    drop(asleep);
    assert_eq!(paced.pacer.lines(), 0);
}

#[test]
fn all_are_dropped_and_nothing_is_left() {
    let paced = paced("\"1/s\"");
    drop(three(&paced));
    assert_eq!((paced.pacer.lines(), paced.time.asleep()), (0, 0));
    paced.time.advance_to(SEC);
    assert_eq!(paced.remaining(), 1);
}

#[test]
fn a_task_that_is_aborted_lets_the_others_move_up() {
    within_patience(abort_the_first);
}

fn abort_the_first() {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let paced = paced("\"1/s\"");
    paced.charge(1);
    let come = |cost| {
        let pacer = paced.pacer.clone();
        runtime.spawn(async move { pacer.until_ready("m", "GET /", cost, HOUR).await })
    };
    let first = come(1);
    paced.time.await_asleep(1);
    let second = come(1);
    paced.time.await_asleep(2);
    first.abort();
    paced.time.await_asleep(1);
    paced.time.await_next_wake(SEC);
    paced.time.advance_to(SEC);
    let answer = runtime.block_on(second).unwrap();
    assert!(answer.unwrap().allowed);
}
