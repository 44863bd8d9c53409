//! First come, first served.

use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use super::common::*;

const WAITERS: u64 = 12;

/// Lets waiters come one after the other, each once the last one is in line,
/// and then moves time from retry instant to retry instant.
fn served_as_they_came(come: impl Fn(&Paced, u64, Sender<u64>)) {
    let paced = paced("\"1/s\"");
    paced.charge(1);
    let (served, order) = channel();
    for number in 1..=WAITERS {
        come(&paced, number, served.clone());
        // The first sleeps, the others have their alarms set.
        paced.time.await_asleep(number as usize);
    }
    assert_order(&paced, &order);
    wait_for(|| paced.pacer.lines() == 0);
}

fn assert_order(paced: &Paced, order: &Receiver<u64>) {
    for number in 1..=WAITERS {
        paced.time.await_next_wake(number * SEC);
        assert!(order.try_recv().is_err(), "served before its time");
        paced.time.advance_to(number * SEC);
        assert_eq!(order.recv_timeout(PATIENCE), Ok(number));
    }
}

fn come_blocking(paced: &Paced, number: u64, served: Sender<u64>) {
    let pacer = paced.pacer.clone();
    thread::spawn(move || {
        assert!(pacer.acquire("m", "GET /", 1, HOUR).unwrap().allowed);
        served.send(number).unwrap();
    });
}

fn task(paced: &Paced, number: u64, served: Sender<u64>) -> impl Future<Output = ()> + use<> {
    let pacer = paced.pacer.clone();
    async move {
        let decision = pacer.until_ready("m", "GET /", 1, HOUR).await.unwrap();
        assert!(decision.allowed);
        served.send(number).unwrap();
    }
}

#[test]
fn blocking_waiters_are_served_as_they_came() {
    served_as_they_came(come_blocking);
}

#[test]
fn tokio_tasks_are_served_as_they_came() {
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.worker_threads(4).build().unwrap();
    served_as_they_came(|paced, number, served| {
        runtime.spawn(task(paced, number, served));
    });
}

#[test]
fn smol_tasks_are_served_as_they_came() {
    served_as_they_came(|paced, number, served| {
        smol::spawn(task(paced, number, served)).detach();
    });
}

#[test]
fn threads_and_tasks_of_two_runtimes_stand_in_one_line() {
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    served_as_they_came(|paced, number, served| match number % 3 {
        0 => come_blocking(paced, number, served),
        1 => drop(runtime.spawn(task(paced, number, served))),
        _ => smol::spawn(task(paced, number, served)).detach(),
    });
}

/// Waiters without a deadline in one task; nobody but time wakes it.
fn served_in_one_task(block_on: impl FnOnce(Pin<Box<dyn Future<Output = ()>>>) + Send + 'static) {
    within_patience(|| one_task(block_on));
}

fn one_task(block_on: impl FnOnce(Pin<Box<dyn Future<Output = ()>>>)) {
    let paced = paced("\"1/s\"");
    paced.charge(1);
    let order = Arc::new(Mutex::new(Vec::new()));
    let time = paced.time.clone();
    let clock_hand = thread::spawn(move || {
        for second in 1..=WAITERS {
            time.await_next_wake(second * SEC);
            time.advance_to(second * SEC);
        }
    });
    let waits = (1..=WAITERS).map({
        let order = order.clone();
        move |number| {
            let (pacer, order) = (paced.pacer.clone(), order.clone());
            async move {
                let decision = pacer.until_ready("m", "GET /", 1, None).await.unwrap();
                assert!(decision.allowed);
                order.lock().unwrap().push(number);
            }
        }
    });
    block_on(Box::pin(all(waits)));
    clock_hand.join().unwrap();
    assert_eq!(*order.lock().unwrap(), Vec::from_iter(1..=WAITERS));
}

#[test]
fn order_does_not_depend_on_who_polls() {
    served_in_one_task(futures_executor::block_on);
    served_in_one_task(smol::block_on);
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    served_in_one_task(|all| runtime.unwrap().block_on(all));
}

#[test]
fn a_cheap_request_does_not_pass_a_dear_one() {
    let paced = paced("\"10/s\"");
    paced.charge(9);
    let (mut dear, mut cheap) = (paced.wait(5, None), paced.wait(1, None));
    dear.assert_waits();
    cheap.assert_waits();
    cheap.assert_waits();
    assert_eq!(paced.remaining(), 1);
    paced.time.advance_to(SEC);
    cheap.assert_waits();
    dear.assert_admitted();
    cheap.assert_admitted();
    assert_eq!(paced.remaining(), 4);
}

#[test]
fn a_newcomer_does_not_pass_those_who_were_told_to_go_on() {
    let paced = paced("\"1/s\"");
    paced.charge(1);
    let (mut first, mut second) = (paced.wait(1, None), paced.wait(1, None));
    first.assert_waits();
    second.assert_waits();
    paced.time.advance_to(SEC);
    first.assert_admitted();
    drop(first);
    // The turn is the second's already, although nobody polled it yet.
    paced.time.advance_to(2 * SEC);
    let mut newcomer = paced.wait(1, None);
    newcomer.assert_waits();
    second.assert_admitted();
    newcomer.assert_waits();
    paced.time.advance_to(3 * SEC);
    newcomer.assert_admitted();
}

#[test]
fn thousands_in_one_line_are_served_in_order_and_one_alone_asks() {
    const CROWD: usize = 5_000;
    let paced = paced("\"100/s\"");
    let mut waits: Vec<_> = (0..CROWD).map(|_| paced.wait(1, None)).collect();
    waits
        .drain(..100)
        .for_each(|mut wait| wait.assert_admitted());
    waits.iter_mut().for_each(Waiting::assert_waits);
    assert_eq!(paced.pacer.lines(), 1);
    let lined_up = paced.time.reads();
    for second in 1..(CROWD / 100) as u64 {
        assert_eq!(paced.time.next_wake(), Some(second * SEC));
        paced.time.advance_to(second * SEC);
        // From the back first: none of them may get on.
        let later = waits.iter_mut().skip(100).rev();
        later.for_each(Waiting::assert_waits);
        waits
            .drain(..100)
            .for_each(|mut wait| wait.assert_admitted());
        waits.iter_mut().for_each(Waiting::assert_waits);
    }
    assert!(waits.is_empty());
    assert_eq!(paced.pacer.lines(), 0);
    // One admission each, and one denial for each second but the last.
    assert_eq!(paced.time.begun().len(), CROWD / 100 - 1);
    let asked = CROWD as u64 - 100 + (CROWD / 100) as u64 - 2;
    let each = reads_of_a_check();
    assert!(paced.time.reads() - lined_up <= asked * each);
}

/// How often one check looks at the clock, denied or admitted, at most.
fn reads_of_a_check() -> u64 {
    let paced = paced("\"1/s\"");
    paced.charge(1);
    let admitted = paced.time.reads();
    assert!(
        !paced
            .pacer
            .limiter()
            .check("m", "GET /", 1)
            .unwrap()
            .allowed
    );
    admitted.max(paced.time.reads() - admitted)
}

#[test]
fn lines_of_other_keys_do_not_wait_for_each_other() {
    let paced = paced("\"1/s\"");
    paced.charge(1);
    let mut blocked = paced.wait(1, None);
    blocked.assert_waits();
    for merchant in 0..100 {
        let answer = paced.ask(&format!("m_{merchant}"), "GET /", 1);
        assert!(answer.unwrap().allowed);
    }
    // Another endpoint of this merchant shares the rule, and waits in a line of
    // its own.
    let mut other = Waiting(Box::pin(paced.pacer.until_ready("m", "PUT /", 1, None)));
    other.assert_waits();
    assert_eq!(paced.pacer.lines(), 2);
    drop(blocked);
    paced.time.advance_to(SEC);
    other.assert_admitted();
}
