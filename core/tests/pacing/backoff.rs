//! Back-off within its bounds.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use slidegate::ManualClock;
use slidegate::pacing::Backoff;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// The textbook's bound, in a wider type than the one under test.
fn ceiling_ns(base: Duration, cap: Duration, failures: u32) -> u128 {
    let doubled = base.as_nanos() << failures.min(64);
    doubled.min(cap.as_nanos()).min(u64::MAX.into())
}

proptest! {
    #[test]
    fn every_wait_is_within_its_bounds(
        base_ns in prop_oneof![0u64..10_000_000_000, any::<u64>()],
        cap_ns in prop_oneof![0u64..100_000_000_000, any::<u64>()],
        seed: u64,
        retry_after in proptest::collection::vec(proptest::option::of(any::<u64>()), 1..100),
    ) {
        let (base, cap) = (Duration::from_nanos(base_ns), Duration::from_nanos(cap_ns));
        let mut backoff = Backoff::new(base, cap).seed(seed);
        for (failures, retry_after) in retry_after.into_iter().enumerate() {
            let retry_after = retry_after.map(Duration::from_nanos);
            let wait = backoff.next(retry_after).unwrap();
            let least = retry_after.unwrap_or_default();
            prop_assert!(wait >= least);
            let most = ceiling_ns(base, cap, failures as u32);
            prop_assert!((wait - least).as_nanos() <= most, "failure {}", failures);
        }
    }

    #[test]
    fn a_seed_decides_all_waits(seed: u64) {
        let waits = || {
            let mut backoff = Backoff::new(ms(10), ms(10_000)).seed(seed);
            [(); 20].map(|()| backoff.next(None))
        };
        prop_assert_eq!(waits(), waits());
    }
}

#[test]
fn the_jitter_is_full() {
    let mut backoff = Backoff::new(ms(100), ms(100)).seed(1);
    let waits: Vec<_> = (0..2_000).map(|_| backoff.next(None).unwrap()).collect();
    let tenths: Vec<usize> = (0..10)
        .map(|n| {
            let tenth = ms(10 * n)..ms(10 * n + 10);
            waits.iter().filter(|wait| tenth.contains(wait)).count()
        })
        .collect();
    // 200 each, with a standard deviation of 13.
    assert!(tenths.iter().all(|n| (120..280).contains(n)), "{tenths:?}");
}

#[test]
fn the_ceiling_doubles_up_to_the_cap() {
    let mut most = [Duration::ZERO; 6];
    for seed in 0..500 {
        let mut backoff = Backoff::new(ms(100), ms(1_000)).seed(seed);
        for most in &mut most {
            *most = backoff.next(None).unwrap().max(*most);
        }
    }
    let ceilings = [100, 200, 400, 800, 1_000, 1_000].map(ms);
    for (most, ceiling) in most.into_iter().zip(ceilings) {
        assert!(
            most <= ceiling && most > ceiling * 9 / 10,
            "{most:?} of {ceiling:?}"
        );
    }
}

#[test]
fn two_back_offs_draw_their_own_waits() {
    let draw = || Backoff::new(ms(1_000), ms(1_000)).next(None);
    let waits: std::collections::HashSet<_> = (0..100).map(|_| draw()).collect();
    assert!(waits.len() > 95);
}

#[test]
fn attempts_are_counted_with_the_first() {
    for attempts in [0, 1] {
        let mut backoff = Backoff::new(ms(1), ms(1)).max_attempts(attempts);
        assert_eq!(backoff.next(None), None);
    }
    let mut backoff = Backoff::new(ms(1), ms(1)).max_attempts(3);
    assert!(backoff.next(None).is_some());
    assert!(backoff.next(Some(ms(5))).is_some());
    assert_eq!(backoff.next(None), None);
    assert_eq!(backoff.next(None), None);
    backoff.reset();
    assert!(backoff.next(None).is_some());
}

#[test]
fn no_attempt_begins_beyond_the_time_allowed() {
    let clock = Arc::new(ManualClock::new(0));
    clock.advance(ms(5_000));
    let zero = Duration::ZERO;
    let mut backoff = Backoff::new(zero, zero)
        .clock(clock.clone())
        .max_elapsed(ms(1_000));
    assert_eq!(backoff.next(Some(ms(1_001))), None);
    assert_eq!(backoff.next(Some(Duration::MAX)), None);
    assert_eq!(backoff.next(Some(ms(1_000))), Some(ms(1_000)));
    clock.advance(ms(600));
    assert_eq!(backoff.next(Some(ms(401))), None);
    assert_eq!(backoff.next(Some(ms(400))), Some(ms(400)));
    clock.advance(ms(400));
    assert_eq!(backoff.next(None), Some(zero));
    clock.advance(ms(1));
    assert_eq!(backoff.next(None), None);
    backoff.reset();
    assert_eq!(backoff.next(Some(ms(1_000))), Some(ms(1_000)));
}

#[test]
fn a_wait_that_was_refused_is_no_failure_more() {
    let mut backoff = Backoff::new(ms(1), ms(1))
        .max_attempts(2)
        .max_elapsed(ms(60_000));
    assert_eq!(backoff.next(Some(ms(70_000))), None);
    assert!(backoff.next(Some(ms(5))).is_some());
}

#[test]
fn the_longest_times_do_not_overflow() {
    let mut backoff = Backoff::new(Duration::MAX, Duration::MAX);
    assert_eq!(backoff.next(Some(Duration::MAX)), Some(Duration::MAX));
    for _ in 0..200 {
        assert!(backoff.next(None).is_some());
    }
}

#[test]
fn jitter_comes_on_top_of_retry_after() {
    let mut backoff = Backoff::new(ms(100), ms(100)).seed(1);
    let waits = (0..100).map(|_| backoff.next(Some(ms(1_000))).unwrap());
    let waits: std::collections::HashSet<_> = waits.collect();
    assert!(waits.len() > 95, "clients would meet again");
}
