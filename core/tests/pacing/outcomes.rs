//! What ends a wait beside an admission.

use slidegate::pacing::AcquireError;
use slidegate::{Error, Outcome, Policy};

use super::common::*;

fn two_routes(unmatched: &str) -> Policy {
    let text = format!(
        "version = 1\nunmatched = \"{unmatched}\"\nexempt = [\"GET /healthz\"]\n[[rule]]\nname = \"get\"\nmatch = \"GET /\"\nwindows = [\"5/s\"]\n"
    );
    Policy::from_toml(&text).unwrap()
}

#[test]
fn decisions_that_no_waiting_changes_end_at_once() {
    for (unmatched, allowed) in [("allow", true), ("deny", false)] {
        let paced = paced_by(&two_routes(unmatched), 64);
        let ask = |endpoint, cost| paced.ask("m", endpoint, cost).unwrap();
        let exempt = ask("GET /healthz", 1);
        assert_eq!((exempt.outcome, exempt.allowed), (Outcome::Exempt, true));
        let other = ask("GET /other", 1);
        assert_eq!(
            (other.outcome, other.allowed),
            (Outcome::Unmatched, allowed)
        );
        let never = ask("GET /", 6);
        assert_eq!((never.outcome, never.allowed), (Outcome::Never, false));
        assert!(paced.time.begun().is_empty());
    }
}

#[test]
fn they_end_at_once_even_behind_others() {
    let paced = paced("\"5/s\"");
    paced.charge(5);
    let mut first = paced.wait(1, None);
    first.assert_waits();
    let never = paced.wait(6, None).answer().unwrap();
    assert_eq!((never.outcome, never.allowed), (Outcome::Never, false));
    let error = paced.wait(0, None).answer();
    let invalid = matches!(error, Err(AcquireError::Limiter(Error::InvalidCost)));
    assert!(invalid, "{error:?}");
    // A swap may make exempt what others wait for.
    let exempt = "version = 1\nexempt = [\"GET /\"]\n";
    let exempt = Policy::from_toml(exempt).unwrap();
    paced.pacer.limiter().swap(&exempt).unwrap();
    let decision = paced.wait(1, None).answer().unwrap();
    assert_eq!(decision.outcome, Outcome::Exempt);
    first.assert_waits();
    paced.time.advance_to(SEC);
    assert_eq!(first.answer().unwrap().outcome, Outcome::Exempt);
}

#[test]
fn an_untracked_request_ends_at_once() {
    let paced = paced_by(&policy("\"1/day\""), 1);
    let untracked = (0..1_000u32).find_map(|merchant| {
        let name = format!("m_{merchant}");
        let decision = paced.ask(&name, "GET /", 1).unwrap();
        (decision.outcome == Outcome::Untracked).then_some(decision)
    });
    assert!(!untracked.expect("a full table").allowed);
    assert!(paced.time.begun().is_empty());
    assert_eq!(paced.pacer.lines(), 0);
}

#[test]
fn errors_of_the_limiter_pass_through() {
    let paced = paced_by(&two_routes("allow"), 64);
    let ask = |merchant, endpoint, cost| match paced.ask(merchant, endpoint, cost) {
        Err(AcquireError::Limiter(error)) => error,
        other => panic!("{other:?}"),
    };
    let error = ask("", "GET /", 1);
    assert!(matches!(error, Error::InvalidMerchant { len: 0 }));
    assert!(matches!(ask("m", "GET /", 0), Error::InvalidCost));
    for endpoint in ["", "GET", "GET nowhere", "GET  /?", "?", " "] {
        let error = ask("m", endpoint, 1);
        assert!(matches!(error, Error::InvalidEndpoint { .. }), "{error}");
    }
    let unknown = slidegate::EndpointId::from_raw(7);
    let error = paced.pacer.acquire("m", unknown, 1, None).unwrap_err();
    let unknown = matches!(
        error,
        AcquireError::Limiter(Error::UnknownEndpoint { id: 7 })
    );
    assert!(unknown, "{error}");
    assert_eq!(paced.pacer.lines(), 0);
}

#[test]
fn an_id_names_the_line_of_its_route() {
    let paced = paced_by(&two_routes("allow"), 64);
    let id = paced.pacer.limiter().endpoint("GET /").unwrap();
    let mut waits = [(); 6].map(|()| Waiting(Box::pin(paced.pacer.until_ready("m", id, 1, None))));
    waits[..5].iter_mut().for_each(Waiting::assert_admitted);
    waits[5].assert_waits();
    paced.time.advance_to(SEC);
    waits[5].assert_admitted();
}
