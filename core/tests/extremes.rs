//! Wraps and extremes: counters that run round, years of idleness, clocks that
//! jump by days, the shortest and the longest windows, costs at the limit.

use std::sync::Arc;
use std::time::Duration;

use slidegate::{Check, Limiter, LimiterBuilder, ManualClock, Policy};

const DAY: Duration = Duration::from_secs(86_400);
const TICK: Duration = Duration::from_micros(1);
/// The beginning of the last tick.
const LAST_NS: u64 = ((1 << 48) - 2) * 1_000;

fn built(windows: &str, builder: LimiterBuilder) -> (Limiter, Arc<ManualClock>) {
    let text =
        format!("version = 1\n[[rule]]\nname = \"r\"\nmatch = \"*\"\nwindows = [{windows}]\n");
    let clock = Arc::new(ManualClock::new(0));
    let policy = Policy::from_toml(&text).unwrap();
    let limiter = builder.clock(clock.clone()).build(&policy).unwrap();
    (limiter, clock)
}

fn limiter(windows: &str) -> (Limiter, Arc<ManualClock>) {
    built(windows, Limiter::builder().max_keys(16))
}

fn admit(limiter: &Limiter, times: u32) -> u32 {
    let admitted = |_: &u32| limiter.allow("m", "", 1).unwrap();
    (0..times).filter(admitted).count() as u32
}

/// A count of units runs modulo 2^13: several laps of it, at every capacity.
#[test]
fn the_count_of_units_wraps() {
    for limit in [1, 3, 4, 5, 16, 17, 64, 100, 128, 500, 2_000, 2_048] {
        let (limiter, clock) = limiter(&format!("\"{limit}/s\""));
        for lap in 0..30_000 / limit + 2 {
            assert_eq!(
                admit(&limiter, limit + 1),
                limit,
                "limit {limit}, lap {lap}"
            );
            clock.advance(Duration::from_secs(1));
        }
    }
}

/// The same with weights that do not divide the capacity.
#[test]
fn weights_wrap() {
    for (limit, cost) in [
        (7, 3),
        (100, 33),
        (2_048, 2_048),
        (2_048, 1_000),
        (2_000, 1_999),
    ] {
        let (limiter, clock) = limiter(&format!("\"{limit}/s\""));
        for lap in 0..200 {
            let admitted = (0..limit).take_while(|_| limiter.allow("m", "", cost).unwrap());
            assert_eq!(
                admitted.count() as u32,
                limit / cost,
                "limit {limit}, lap {lap}"
            );
            assert_eq!(admit(&limiter, limit), limit % cost);
            clock.advance(Duration::from_secs(1));
        }
    }
}

#[test]
fn a_key_that_was_idle_for_years_is_fresh() {
    let (limiter, clock) = limiter("\"100/s\", \"400/366day\"");
    assert_eq!(admit(&limiter, 101), 100);
    clock.advance(DAY * 365 * 3);
    assert_eq!(admit(&limiter, 101), 100);
    clock.advance(DAY * 366 * 4);
    assert_eq!(admit(&limiter, 101), 100);
}

/// A clock that steps back takes nothing back and gives nothing: the key goes on
/// from its newest admission.
#[test]
fn a_clock_that_jumps_by_days_mints_nothing() {
    let (limiter, clock) = limiter("\"10/min\", \"20/day\"");
    clock.advance(DAY * 10);
    assert_eq!(admit(&limiter, 11), 10);
    for _ in 0..5 {
        clock.step_back(DAY * 3);
        assert_eq!(admit(&limiter, 5), 0);
        clock.advance(DAY * 3);
        assert_eq!(admit(&limiter, 5), 0);
    }
    clock.advance(Duration::from_secs(60) - TICK);
    assert_eq!(admit(&limiter, 5), 0);
    clock.advance(TICK);
    assert_eq!(admit(&limiter, 11), 10);
    clock.advance(Duration::from_secs(60));
    assert_eq!(admit(&limiter, 1), 0, "the day is used up");
    clock.advance(DAY * 2);
    assert_eq!(admit(&limiter, 11), 10);
}

#[test]
fn the_shortest_and_a_long_window_are_exact() {
    for (window, length) in [("7/ms", Duration::from_millis(1)), ("7/30day", DAY * 30)] {
        let (limiter, clock) = limiter(&format!("\"{window}\""));
        for _ in 0..50 {
            assert_eq!(admit(&limiter, 8), 7, "{window}");
            clock.advance(length - TICK);
            assert_eq!(admit(&limiter, 1), 0, "{window}");
            clock.advance(TICK);
        }
    }
}

/// A key word's version runs modulo 2^12: one slot with many more tenancies.
#[test]
fn the_version_of_a_slot_wraps() {
    let (limiter, clock) = built("\"2/s\"", Limiter::builder().max_keys(1));
    for tenancy in 0..10_000 {
        let merchant = format!("m{}", tenancy % 3);
        for expected in [true, true, false] {
            let allowed = limiter.allow(&merchant, "", 1).unwrap();
            assert_eq!(allowed, expected, "tenancy {tenancy}");
        }
        clock.advance(Duration::from_secs(1));
    }
    assert_eq!(limiter.untracked(), 0);
}

/// Every step of a ladder of costs up to the limit, each with its exact retry.
#[test]
fn a_denial_of_any_cost_names_the_exact_instant() {
    let (limiter, clock) = limiter("\"100/s\", \"150/3s\"");
    for cost in (1..=100).chain([100, 99, 1]) {
        let decision = limiter.check("m", "", cost).unwrap();
        if decision.allowed {
            continue;
        }
        let wait = decision.retry_after().unwrap();
        clock.advance(wait - TICK);
        assert!(!limiter.peek("m", "", cost).unwrap().allowed, "cost {cost}");
        clock.advance(TICK);
        assert!(limiter.allow("m", "", cost).unwrap(), "cost {cost}");
    }
}

/// At the last tick nothing leaves a window, and no reset makes room: a key that
/// began anew there could not tell its own units from the former ones.
#[test]
fn when_time_has_ended_used_windows_stay_full() {
    for precision in ["exact", "bucketed"] {
        let (limiter, clock) = limiter(&format!("\"3/s\"]\nprecision = \"{precision}\" #"));
        // Resets move a key ahead of the clock, across the end as well.
        for before in [u64::from(u32::MAX), 2_000_000, 3_000, 1_000, 0] {
            clock.set_elapsed_ns(LAST_NS - before);
            for _ in 0..4 {
                assert!(admit(&limiter, 10) <= 3, "{precision}, {before}");
                limiter.reset("m", None).unwrap();
            }
        }
        clock.set_elapsed_ns(u64::MAX);
        for merchant in ["m", "n"] {
            let allowed = |_: &u32| limiter.allow(merchant, "", 1).unwrap();
            assert!((0..100).filter(allowed).count() <= 3, "{precision}");
            assert_eq!(limiter.reset(merchant, None).unwrap(), 0, "{precision}");
            assert!(!limiter.allow(merchant, "", 1).unwrap(), "{precision}");
        }
    }
}

const BUCKETED: &str = "\"3/s\"]\nprecision = \"bucketed\"\n#[";

/// Threads whose clocks differ by up to a millisecond: what left by one clock and is
/// evicted has left by the other, too.
#[test]
fn a_clock_that_lags_mints_nothing() {
    for (windows, lag) in LAGS
        .iter()
        .flat_map(|lag| [EXACT, BUCKETED].map(|w| (w, *lag)))
    {
        let (limiter, clock) = built(windows, Limiter::builder().max_keys(1));
        clock.advance(Duration::from_secs(1));
        assert_eq!(admit(&limiter, 4), 3);
        evict(&limiter, &clock);
        clock.step_back(lag);
        assert_eq!(admit(&limiter, 4), 3, "{windows}, {lag:?} behind");
        clock.advance(Duration::from_secs(1) - TICK);
        assert_eq!(admit(&limiter, 1), 0, "{windows}, {lag:?} behind");
    }
}

/// The same of a batch that began long before.
#[test]
fn a_batch_by_a_clock_that_lags_mints_nothing() {
    for (windows, lag) in LAGS
        .iter()
        .flat_map(|lag| [EXACT, BUCKETED].map(|w| (w, *lag)))
    {
        let (limiter, clock) = built(windows, Limiter::builder().max_keys(1));
        clock.advance(Duration::from_secs(1));
        assert_eq!(admit(&limiter, 4), 3);
        let checks = [Check::new("m", "", 1); 4];
        let mut admitted = Vec::new();
        limiter.allow_each(&checks, |allowed| {
            if admitted.is_empty() {
                evict(&limiter, &clock);
                clock.step_back(lag);
            }
            admitted.push(allowed.unwrap());
        });
        assert_eq!(admitted, [false, true, true, true]);
        clock.advance(lag + Duration::from_secs(1) - SKEW - TICK);
        assert_eq!(
            admit(&limiter, 1),
            0,
            "{windows}, {lag:?} behind: they began when those before them left"
        );
    }
}

/// A peek by a clock that was set back behind an eviction tells its own clock's time.
#[test]
fn a_peek_by_a_clock_that_lags_tells_its_time() {
    let windows = "\"9/s\"]\n[[rule]]\nname = \"x\"\nmatch = \"GET /x\"\nwindows = [\"5/s\"";
    let (limiter, clock) = built(windows, Limiter::builder().max_keys(1));
    clock.advance(Duration::from_secs(1));
    assert!(limiter.allow("old", "", 1).unwrap());
    clock.advance(Duration::from_secs(1) + SKEW);
    let first = limiter.check("m", "GET /x", 1).unwrap();
    assert_eq!(first.reset_at_ns(), Some(3_001_000_000));
    assert_eq!(limiter.keys(), 2, "the old one is evicted");
    clock.step_back(SKEW + TICK);
    let peeked = limiter.peek("m", "GET /x", 1).unwrap();
    assert_eq!(peeked.reset_at_ns(), Some(3_001_000_000));
}

/// How far apart the clocks of two threads may be.
const SKEW: Duration = Duration::from_millis(1);
const LAGS: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_nanos(500),
    Duration::from_micros(900),
    SKEW,
];
const EXACT: &str = "\"3/s\"";

/// Waits until the units of the key have left their window by every clock, and evicts
/// it; a tick earlier it stays.
fn evict(limiter: &Limiter, clock: &ManualClock) {
    let full = limiter.peek("m", "", 3).unwrap();
    let left = Duration::from_nanos(full.retry_after_ns().unwrap());
    clock.advance(left + SKEW - TICK);
    assert!(limiter.allow("another", "", 1).unwrap());
    assert_eq!(limiter.keys(), 2);
    clock.advance(TICK);
    assert!(limiter.allow("a third", "", 1).unwrap());
    assert_eq!(limiter.keys(), 2);
}
