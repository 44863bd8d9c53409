//! Many threads and tasks that come, wait, give up and are dropped: whatever
//! they do, nobody is forgotten in line and no limit is broken.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use slidegate::Limiter;
use slidegate::pacing::{AcquireError, Pacer};

use super::common::{SEC, paced, policy, wait_for, within_patience};

const TASKS: u32 = 60;
const THREADS: u32 = 6;
const TURNS: u32 = 60;

fn merchant(number: u32) -> [u8; 4] {
    (number % 3).to_le_bytes()
}

/// Some wait as long as it takes, the others up to 3 ms.
fn timeout(random: &mut fastrand::Rng) -> Option<Duration> {
    let some = random.bool();
    some.then(|| Duration::from_micros(random.u64(0..3_000)))
}

fn assert_no_error(answer: Result<slidegate::Decision, AcquireError>, patient: bool) {
    match answer {
        Ok(decision) => assert!(decision.allowed),
        Err(AcquireError::Limiter(error)) => panic!("{error}"),
        Err(error) => assert!(!patient, "{error}"),
    }
}

async fn come_and_go(pacer: Pacer, number: u32) {
    let mut random = fastrand::Rng::with_seed(number.into());
    for _ in 0..TURNS {
        let timeout = timeout(&mut random);
        let wait = pacer.until_ready(merchant(number), "GET /", random.u32(1..4), timeout);
        if random.bool() {
            let dropped = Duration::from_micros(random.u64(0..2_000));
            if let Ok(answer) = tokio::time::timeout(dropped, wait).await {
                assert_no_error(answer, timeout.is_none());
            }
        } else {
            assert_no_error(wait.await, timeout.is_none());
        }
    }
}

fn block(pacer: &Pacer, number: u32) {
    let mut random = fastrand::Rng::with_seed(u64::MAX - u64::from(number));
    for _ in 0..TURNS {
        let timeout = timeout(&mut random);
        let answer = pacer.acquire(merchant(number), "GET /", random.u32(1..4), timeout);
        assert_no_error(answer, timeout.is_none());
    }
}

#[test]
fn nobody_is_forgotten_in_real_time() {
    within_patience(|| {
        let builder = Limiter::builder().max_keys(64);
        let limiter = builder.build(&policy("\"20/2ms\"")).unwrap();
        let pacer = Pacer::new(Arc::new(limiter));
        let runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = { runtime }.worker_threads(4).enable_time().build().unwrap();
        let tasks: Vec<_> = (0..TASKS)
            .map(|number| runtime.spawn(come_and_go(pacer.clone(), number)))
            .collect();
        thread::scope(|scope| {
            for number in 0..THREADS {
                let pacer = &pacer;
                scope.spawn(move || block(pacer, number));
            }
        });
        for task in tasks {
            runtime.block_on(task).unwrap();
        }
        assert_eq!(pacer.lines(), 0);
    });
}

/// Time jumps from retry instant to retry instant as fast as threads can follow,
/// and exactly the limit is admitted in each window.
#[test]
fn nobody_is_forgotten_on_manual_time() {
    within_patience(|| {
        const LIMIT: u64 = 7;
        let paced = paced(&format!("\"{LIMIT}/s\""));
        let runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = { runtime }.worker_threads(4).build().unwrap();
        let admitted = Arc::new(AtomicU64::new(0));
        let total = u64::from(TASKS) * u64::from(TURNS);
        for _ in 0..TASKS {
            let (pacer, admitted) = (paced.pacer.clone(), admitted.clone());
            runtime.spawn(async move {
                for _ in 0..TURNS {
                    let decision = pacer.until_ready("m", "GET /", 1, None).await.unwrap();
                    assert!(decision.allowed);
                    admitted.fetch_add(1, Relaxed);
                }
            });
        }
        for second in 1..=(total - 1) / LIMIT {
            paced.time.await_next_wake(second * SEC);
            wait_for(|| admitted.load(Relaxed) == second * LIMIT);
            paced.time.advance_to(second * SEC);
        }
        wait_for(|| admitted.load(Relaxed) == total);
        wait_for(|| paced.pacer.lines() == 0);
    });
}
