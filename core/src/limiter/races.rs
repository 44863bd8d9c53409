//! Races between requests of several rules, at every access that one makes.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::limiter::{EndpointId, Limiter};
use crate::sync::trace::{self, Event, visit_before};
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

/// Calls `body` on a limiter of four units in 60 s, of which three were taken a second
/// apart and the next second has begun, once for each of its accesses, before which a
/// minute passes and a unit is taken.
fn overtaken(body: impl Fn(&Limiter, &ManualClock, EndpointId)) {
    for accesses in 0..MOST_ACCESSES {
        let clock = Arc::new(ManualClock::new(0));
        let policy = RULES.replace("1/60s", "4/60s");
        let policy = Policy::from_toml(&policy[..policy.rfind("[[rule]]").unwrap()]).unwrap();
        let limiter = Limiter::builder().max_keys(100).clock(clock.clone());
        let limiter = Arc::new(limiter.build(&policy).unwrap());
        let id = limiter.endpoint("GET /a").unwrap();
        for _ in 0..4 {
            assert!(limiter.allow("m", id, 1).unwrap());
            clock.advance(SECOND);
        }
        let (other, later) = (limiter.clone(), clock.clone());
        let visit = move || {
            later.set_elapsed_ns(60_500_000_000);
            assert!(other.allow("m", id, 1).unwrap());
        };
        if !visit_before(accesses, visit, || body(&limiter, &clock, id)) {
            assert!(accesses > 10, "{accesses}");
            return;
        }
    }
    panic!("a request ends");
}

/// The oldest unit leaves at 60 s and, once that was used up, the next at 61 s.
#[test]
fn a_denial_describes_one_moment() {
    overtaken(|limiter, _, id| {
        let decision = limiter.check("m", id, 1).unwrap();
        let wait = decision.retry_after().expect("a full window");
        let (before, after) = (56 * SECOND, SECOND / 2);
        assert!([before, after].contains(&wait), "{wait:?}");
    });
}

/// A rule of one's own and one that all share, both far from full.
const ROOMY: &str = r#"
version = 1
[[rule]]
name = "own"
match = "*"
windows = ["4/60s"]
[[rule]]
name = "shared"
match = "GET /b"
per = "all"
windows = ["100/60s"]
"#;

/// Runs a request of both rules by the straight way, once for each of its accesses,
/// before which `visit` is called, and then `after` with what that said.
fn straight<V: 'static>(
    visit: impl Fn(&Limiter, &ManualClock, EndpointId) -> V + Copy + 'static,
    after: impl Fn(&Limiter, &ManualClock, EndpointId, V),
) {
    for accesses in 0..MOST_ACCESSES {
        let clock = Arc::new(ManualClock::new(0));
        let limiter = Limiter::builder().max_keys(100).clock(clock.clone());
        let limiter = Arc::new(limiter.build(&Policy::from_toml(ROOMY).unwrap()).unwrap());
        let id = limiter.endpoint("GET /b").unwrap();
        assert!(limiter.allow("m", id, 1).unwrap());
        let (other, later) = (limiter.clone(), clock.clone());
        let said = Rc::new(Cell::new(None));
        let says = said.clone();
        trace::start();
        visit_before(
            accesses,
            move || says.set(Some(visit(&other, &later, id))),
            || assert!(limiter.allow("m", id, 1).unwrap()),
        );
        let Some(said) = said.take() else {
            assert!(accesses > 10, "{accesses}");
            assert_eq!(trace::seen(Event::AtOnce), 2, "both rules were judged so");
            return;
        };
        after(&limiter, &clock, id, said);
    }
    panic!("a request ends");
}

/// A race that is lost where no rule is full leaves nothing lent.
#[test]
fn a_lost_race_for_a_rule_with_room_leaves_no_loan() {
    let visit = |limiter: &Limiter, _: &ManualClock, id| {
        assert!(limiter.allow("other", id, 1).unwrap());
    };
    straight(visit, |limiter, clock, id, ()| {
        clock.set_elapsed_ns(30_000_000_000);
        let (_, receipt) = limiter.check_with_receipt("m", id, 1).unwrap();
        limiter.refund(receipt.unwrap()).unwrap();
        clock.set_elapsed_ns(61_000_000_000);
        let decision = limiter.peek("m", "", 1).unwrap();
        assert_eq!(decision.remaining(), Some(4));
    });
}

/// The clock is read after all heads: a request whose head came after another's commit is
/// not stamped before it, though that was a sleeper's and stamped long ago.
#[test]
fn of_two_sleepers_one_commits_an_old_instant() {
    let visit = |limiter: &Limiter, clock: &ManualClock, id| {
        let before = limiter.peek("m", "", 1).unwrap().remaining();
        assert!(limiter.allow("m", id, 1).unwrap());
        clock.set_elapsed_ns(50_000_000_000);
        before == Some(2)
    };
    straight(visit, |limiter, clock, _, had_committed| {
        // What was stamped at 0 s has left, what was stamped at 50 s has not.
        clock.set_elapsed_ns(60_000_000_000);
        let left = limiter.peek("m", "", 1).unwrap().remaining();
        assert_eq!(left, Some(if had_committed { 4 } else { 3 }));
    });
}
