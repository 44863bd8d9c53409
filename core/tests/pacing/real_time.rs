//! On the machine's own clock and timer. Nobody is early; how late they are is
//! up to the machine, so the upper bounds only tell waiting from hanging.

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use slidegate::Limiter;
use slidegate::pacing::{AcquireError, Pacer, SystemTimer, Timer};

use super::common::{PATIENCE, policy, within_patience};

const WINDOW: Duration = Duration::from_millis(40);

fn pacer() -> Pacer {
    let builder = Limiter::builder().max_keys(64);
    let limiter = builder.build(&policy("\"4/40ms\"")).unwrap();
    Pacer::new(Arc::new(limiter))
}

/// Three windows full of units take two windows at least; stamps are whole
/// microseconds.
fn assert_paced(start: Instant) {
    let elapsed = start.elapsed();
    assert!(
        elapsed >= 2 * WINDOW - Duration::from_micros(2),
        "{elapsed:?}"
    );
    assert!(elapsed < PATIENCE, "{elapsed:?}");
}

async fn twelve(pacer: Pacer) {
    let start = Instant::now();
    for _ in 0..12 {
        let decision = pacer.until_ready("m", "GET /", 1, None).await.unwrap();
        assert!(decision.allowed);
    }
    assert_paced(start);
}

#[test]
fn a_thread_is_paced() {
    within_patience(|| {
        let (pacer, start) = (pacer(), Instant::now());
        for _ in 0..12 {
            assert!(pacer.acquire("m", "GET /", 1, None).unwrap().allowed);
        }
        assert_paced(start);
    });
}

#[test]
fn every_runtime_is_paced() {
    within_patience(|| {
        futures_executor::block_on(twelve(pacer()));
        smol::block_on(twelve(pacer()));
        smol::block_on(smol::spawn(twelve(pacer())));
        // Without tokio's own timer, which nobody enabled.
        let current = tokio::runtime::Builder::new_current_thread().build();
        current.unwrap().block_on(twelve(pacer()));
        let threads = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        threads.block_on(threads.spawn(twelve(pacer()))).unwrap();
    });
}

#[test]
fn the_machines_timer_is_never_early() {
    within_patience(|| {
        let timer = SystemTimer::new();
        for wait_ns in [0, 1, 1_000, 300_000, 20_000_000] {
            let at_ns = timer.now_ns() + wait_ns;
            smol::block_on(timer.sleep_until_ns(at_ns));
            assert!(timer.now_ns() >= at_ns);
        }
        smol::block_on(timer.sleep_until_ns(0));
        let mut endless = timer.sleep_until_ns(u64::MAX);
        let mut context = Context::from_waker(Waker::noop());
        assert!(endless.as_mut().poll(&mut context).is_pending());
    });
}

#[test]
fn a_deadline_ends_a_wait_in_line() {
    within_patience(wait_in_line);
}

fn wait_in_line() {
    let pacer = pacer();
    let start = Instant::now();
    for _ in 0..3 {
        assert!(pacer.acquire("m", "GET /", 1, None).unwrap().allowed);
    }
    let mut dear = Box::pin(pacer.until_ready("m", "GET /", 4, None));
    let mut context = Context::from_waker(Waker::noop());
    if dear.as_mut().poll(&mut context).is_ready() {
        return; // the machine took a window's time to get here
    }
    // The first in line is not polled any more, so the wait behind it is long.
    let timeout = Duration::from_millis(100);
    let answer = pacer.acquire("m", "GET /", 1, Some(timeout));
    assert!(
        matches!(answer, Err(AcquireError::StillInLine)),
        "{answer:?}"
    );
    assert!(start.elapsed() >= timeout);
}
