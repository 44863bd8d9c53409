//! The promise "never over" by the machine's own clock: threads note the time
//! before and after every admitted check, and no window may hold more admissions
//! that certainly lie inside it than its limit.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use slidegate::{Limiter, Policy};

/// Times around one admission, in nanoseconds: its stamp lies between.
type Span = (u64, u64);

const TICK_NS: u64 = 1_000;

fn admissions(limiter: &Arc<Limiter>, threads: usize, merchant: &str, run: Duration) -> Vec<Span> {
    let start = Instant::now();
    let since = move || start.elapsed().as_nanos() as u64;
    let spans = |limiter: &Limiter| {
        let mut spans = Vec::new();
        while start.elapsed() < run {
            let before = since();
            if limiter.allow(merchant, "", 1).unwrap() {
                spans.push((before, since()));
            }
        }
        spans
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| spans(limiter)))
            .collect();
        threads
            .into_iter()
            .flat_map(|t| t.join().unwrap())
            .collect()
    })
}

/// The most admissions that certainly share a window of `window_ns`: those that
/// begin no earlier than one of them and end before its window does.
fn most_in_a_window(spans: &[Span], window_ns: u64) -> usize {
    let held = |&(from, _): &Span| {
        // Stamps are ticks, so a span may look longer by one at either end.
        let until = from + window_ns.saturating_sub(2 * TICK_NS);
        spans
            .iter()
            .filter(|(before, after)| *before >= from && *after < until)
            .count()
    };
    spans.iter().map(held).max().unwrap_or(0)
}

#[test]
fn no_window_holds_more_than_its_limit() {
    let text =
        "version = 1\n[[rule]]\nname = \"r\"\nmatch = \"*\"\nwindows = [\"5/ms\", \"200/100ms\"]\n";
    let limiter = Arc::new(
        Limiter::builder()
            .max_keys(16)
            .build(&Policy::from_toml(text).unwrap())
            .unwrap(),
    );
    let spans = admissions(&limiter, 4, "m", Duration::from_millis(600));
    assert!(most_in_a_window(&spans, 1_000_000) <= 5);
    assert!(most_in_a_window(&spans, 100_000_000) <= 200);
    // Enough to mean something, on however busy a machine.
    assert!(spans.len() >= 100, "only {} were admitted", spans.len());
}

#[test]
fn the_audit_sees_what_is_over() {
    let spans: Vec<Span> = (0..6).map(|n| (n * 100_000, n * 100_000 + 50)).collect();
    assert_eq!(most_in_a_window(&spans, 1_000_000), 6);
    assert_eq!(most_in_a_window(&spans, 300_000), 3);
}
