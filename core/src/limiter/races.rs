//! Races between requests of several rules, at every access that one makes.

use std::sync::Arc;
use std::time::Duration;

use crate::limiter::Limiter;
use crate::sync::trace::visit_before;
use crate::{ManualClock, Policy};

const RULES: &str = r#"
version = 1
[[rule]]
name = "own"
match = "*"
windows = ["1/60s"]
[[rule]]
name = "shared"
match = "GET /b"
per = "all"
windows = ["1/40s"]
"#;

/// More accesses than a request makes.
const MOST_ACCESSES: u32 = 2_000;

const SECOND: Duration = Duration::from_secs(1);

/// At 30 s both of m's rules admit, the first because of a loan that ends at 60 s.
fn lent() -> (Arc<Limiter>, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(0));
    let builder = Limiter::builder().max_keys(100).clock(clock.clone());
    let limiter = builder.build(&Policy::from_toml(RULES).unwrap()).unwrap();
    let (_, receipt) = limiter.check_with_receipt("m", "", 1).unwrap();
    limiter.refund(receipt.unwrap()).unwrap();
    clock.advance(30 * SECOND);
    (Arc::new(limiter), clock)
}

/// Runs `request` once for each of its accesses, before which another merchant
/// takes what is shared; how often that cost the request its admission.
fn raced(request: impl Fn(&Limiter, &ManualClock) -> bool) -> u32 {
    let mut denials = 0;
    for accesses in 0..MOST_ACCESSES {
        let (limiter, clock) = lent();
        let other = limiter.clone();
        let visit = move || assert!(other.allow("other", "GET /b", 1).is_ok());
        let visited = visit_before(accesses, visit, || {
            denials += u32::from(!request(&limiter, &clock));
        });
        if !visited {
            assert!(
                denials > 20 && accesses > denials,
                "{denials} of {accesses}"
            );
            return denials;
        }
    }
    panic!("a request ends");
}

#[test]
fn a_denial_after_a_lost_race_names_an_instant_that_holds() {
    raced(|limiter, clock| {
        let decision = limiter.check("m", "GET /b", 1).unwrap();
        if let Some(wait) = decision.retry_after().filter(|_| !decision.allowed) {
            clock.advance(wait - Duration::from_micros(1));
            assert!(!limiter.peek("m", "GET /b", 1).unwrap().allowed, "{wait:?}");
            clock.advance(Duration::from_micros(1));
            assert!(limiter.peek("m", "GET /b", 1).unwrap().allowed, "{wait:?}");
        }
        decision.allowed
    });
}

#[test]
fn after_a_lost_race_the_windows_are_all_there_and_uncharged() {
    raced(|limiter, _| {
        let (decision, windows) = limiter.check_windows("m", "GET /b", 1).unwrap();
        if !decision.allowed {
            let blocks: Vec<_> = windows.iter().map(|w| w.blocks).collect();
            assert_eq!(blocks, [false, true], "{windows:?}");
            assert_eq!(windows[0].remaining, 1, "{windows:?}");
        }
        decision.allowed
    });
}
