//! Models of the whole limiter: a policy swap, and requests of two rules. The
//! pointer to the policy in force is a stand-in for arc-swap's (`sync::swap`).

use std::sync::Arc;
use std::time::Duration;

use super::harness::*;
use crate::sync::trace::Event;
use crate::{Decision, Limiter, ManualClock, Policy, Receipt};

fn policy(rules: &[(&str, &str, &str)]) -> Policy {
    let rules = rules.iter().map(|(name, route, windows)| {
        format!("[[rule]]\nname = \"{name}\"\nmatch = \"{route}\"\nwindows = [\"{windows}\"]\n")
    });
    let text = format!("version = 1\n{}", rules.collect::<String>());
    Policy::from_toml(&text).expect("a good policy")
}

/// A limiter, its clock, and a policy to swap in.
struct House {
    limiter: Limiter,
    clock: Arc<ManualClock>,
    next: Policy,
}

fn house(policy: &Policy, next: &Policy) -> Arc<House> {
    let clock = Arc::new(ManualClock::new(0));
    let builder = Limiter::builder().max_keys(1).max_limit(3).names(false);
    let limiter = builder.clock(clock.clone()).build(policy);
    Arc::new(House {
        limiter: limiter.expect("a limiter"),
        clock,
        next: next.clone(),
    })
}

impl House {
    fn check(&self, merchant: &str, endpoint: &str) -> Decision {
        let decision = self.limiter.check(merchant, endpoint, 1);
        decision.expect("a good request")
    }

    fn remaining(&self, merchant: &str, endpoint: &str) -> u32 {
        let decision = self.limiter.peek(merchant, endpoint, 1);
        let remaining = decision.expect("a good request").remaining();
        remaining.expect("a window was consulted")
    }
}

/// A policy with a longer window comes into force, while a key is charged and
/// another needs room: what was admitted under the longer window is not evicted
/// by the shorter one.
pub(super) fn swap_meets_check(model: Model) {
    let short = policy(&[("r", "*", "1/10ms")]);
    let long = policy(&[("r", "*", "1/100ms")]);
    model.run(move || {
        let house = house(&short, &long);
        let swap = |house: &House| house.limiter.swap(&house.next).expect("a version");
        let check = |house: &House| {
            let decision = house.check("a", "");
            assert!(decision.allowed, "{ADMITS_WHAT_FITS}");
            house.clock.advance(Duration::from_millis(20));
            assert!(house.check("b", "").allowed, "{ADMITS_WHAT_FITS}");
            decision.policy_version
        };
        let [swapped, decided] = race(&house, [swap, check]);
        assert_eq!(swapped, 2);
        if decided == 2 {
            assert_eq!(house.remaining("a", ""), 0, "{NOT_LOST}");
        }
    });
}

#[test]
fn a_swap_meets_a_check() {
    swap_meets_check(Model::bounded("a swap meets a check", 3).reaches(&[Event::Evict]));
}

/// The same where the key has its slot already, and nothing but the policy's own
/// edge shows the thread that it has to be kept longer.
pub(super) fn swap_meets_charge(model: Model) {
    let short = policy(&[("r", "*", "1/10ms")]);
    let long = policy(&[("r", "*", "1/100ms")]);
    model.run(move || {
        let house = house(&short, &long);
        assert!(house.check("a", "").allowed, "{ADMITS_WHAT_FITS}");
        house.clock.advance(Duration::from_millis(10));
        let swap = |house: &House| {
            house.limiter.swap(&house.next).expect("a version");
        };
        let check = |house: &House| {
            let counts = house.check("a", "").allowed && house.limiter.policy_version() == 2;
            house.clock.advance(Duration::from_millis(20));
            let _ = house.check("b", "");
            if counts {
                assert_eq!(house.remaining("a", ""), 0, "{NOT_LOST}");
            }
        };
        race(&house, [swap, check]);
    });
}

#[test]
fn a_swap_meets_a_charge() {
    swap_meets_charge(Model::bounded("a swap meets a charge", 3).reaches(&[Event::Evict]));
}

/// Two swaps at once: both come into force, one after the other.
#[test]
fn two_swaps_at_once() {
    let rules = policy(&[("r", "*", "1/10ms")]);
    Model::unbounded("two swaps at once").run(move || {
        let house = house(&rules, &rules);
        let swap = |house: &House| house.limiter.swap(&house.next).expect("a version");
        let mut versions = race(&house, [swap, swap]);
        versions.sort_unstable();
        assert_eq!(versions, [2, 3]);
        assert_eq!(house.limiter.policy_version(), 3);
    });
}

/// A swap beside a thread that keeps a reference to the former policy: once somebody
/// can know of the new one, it decides under none older.
pub(super) fn swap_meets_kept(model: Model) {
    let rules = policy(&[("r", "*", "3/day")]);
    model.run(move || {
        let house = house(&rules, &rules);
        // The thread that runs the model keeps the first policy from here on.
        assert_eq!(house.check("a", "").policy_version, 1);
        let swap = |house: &House| house.limiter.swap(&house.next).expect("a version");
        let check = |house: &House| {
            let known = house.limiter.policy_version();
            assert!(house.check("a", "").policy_version >= known, "{NONE_OLDER}");
            known
        };
        race(&house, [swap, check]);
        assert_eq!(house.check("a", "").policy_version, 2, "{NONE_OLDER}");
    });
}

#[test]
fn a_swap_meets_a_kept_policy() {
    swap_meets_kept(Model::bounded("a swap meets a kept policy", 3));
}

/// Two requests of two rules, for the last unit of the second: one gets it, and
/// the other gives back what it was charged under the first.
pub(super) fn two_rules(model: Model) {
    let rules = policy(&[("all", "*", "3/day"), ("post", "POST /v1", "2/day")]);
    model.run(move || {
        let house = house(&rules, &rules);
        // Both keys have a slot: the race is about the charges.
        assert!(house.check("a", "POST /v1").allowed, "{ADMITS_WHAT_FITS}");
        let post = |house: &House| house.check("a", "POST /v1").allowed;
        one_of_two_is_charged(&house, post);
    });
}

/// Two requests for the last unit of the second rule, which leave one of the first.
fn one_of_two_is_charged(house: &Arc<House>, post: fn(&House) -> bool) {
    let allowed = race(house, [post, post]);
    let admitted = allowed.iter().filter(|a| **a).count();
    assert!(admitted <= 1, "{NEVER_OVER}");
    assert_eq!(admitted, 1, "{ADMITS_WHAT_FITS}");
    assert_eq!(house.remaining("a", ""), 1, "{ALL_OR_NOTHING}");
    assert!(house.check("a", "").allowed, "{ALL_OR_NOTHING}");
    assert!(!house.check("a", "").allowed, "{NEVER_OVER}");
}

#[test]
fn two_rules_are_charged_together() {
    two_rules(Model::bounded("two rules are charged together", 2).reaches(&[Event::Refund]));
}

/// The same by the straight way, which judges both logs at one reading of the clock.
pub(super) fn two_rules_at_once(model: Model) {
    let rules = policy(&[("all", "*", "3/day"), ("post", "POST /v1", "2/day")]);
    model.run(move || {
        let house = house(&rules, &rules);
        let known = house.limiter.endpoint("POST /v1").is_ok();
        assert!(
            known && house.check("a", "POST /v1").allowed,
            "{ADMITS_WHAT_FITS}"
        );
        let post = |house: &House| {
            // Known already, so that nobody changes anything here.
            let id = house.limiter.endpoint("POST /v1").expect("a good endpoint");
            let allow = |cost| house.limiter.allow("a", id, cost).expect("a good request");
            // It can never pass and reads no log; after it the thread keeps the policy.
            assert!(!allow(4), "{NEVER_OVER}");
            allow(1)
        };
        one_of_two_is_charged(&house, post);
    });
}

#[test]
fn two_rules_are_charged_at_once() {
    two_rules_at_once(
        Model::bounded("at once: two rules are charged together", 2)
            .reaches(&[Event::AtOnce, Event::Refund]),
    );
}

const SHORT: &str = "2/4ms";
const LONG: &str = "2/8ms";

/// A limiter with a short window and a longer one to swap in, whose merchant has
/// spent its two units: they have just left the short window, and a receipt of
/// them is out.
fn just_free_again(short: &Policy, long: &Policy) -> (Arc<House>, Receipt) {
    let house = house(short, long);
    let receipt = house.limiter.check_with_receipt("a", "", 2);
    let receipt = receipt.expect("a good request").1;
    (house, receipt.expect("it was admitted"))
}

impl House {
    /// Spends two units; how many it was charged.
    fn spend_two(&self) -> u32 {
        let allowed = self.limiter.allow("a", "", 2);
        2 * u32::from(allowed.expect("a good request"))
    }

    /// Spends what is left beyond `units`, up to one too many: none of the
    /// refunded units may be lent again.
    fn spend_the_rest(&self, mut units: u32) {
        while units <= 2 && self.check("a", "").allowed {
            units += 1;
        }
        assert!(units <= 2, "{NEVER_OVER}");
    }
}

/// A longer window comes into force beside a check that overwrites refunded units,
/// which count no more in the shorter one: their credit lends nothing for the
/// longer one, because the log has forgotten them.
pub(super) fn swap_meets_credit(model: Model) {
    let [short, long] = [SHORT, LONG].map(|window| policy(&[("r", "*", window)]));
    model.run(move || {
        let (house, receipt) = just_free_again(&short, &long);
        assert!(house.limiter.refund(receipt).expect("its own receipt"));
        house.clock.advance(Duration::from_millis(4));
        let swap = |house: &House| u32::from(house.limiter.swap(&house.next).is_err());
        let units = race(&house, [swap, House::spend_two]);
        house.spend_the_rest(units.iter().sum());
    });
}

#[test]
fn a_swap_meets_a_credit() {
    swap_meets_credit(Model::unbounded("a swap meets a credit").reaches(&[Event::Lap]));
}

/// The same where the units are refunded only after they were overwritten.
pub(super) fn swap_meets_refund(model: Model) {
    let [short, long] = [SHORT, LONG].map(|window| policy(&[("r", "*", window)]));
    model.run(move || {
        let (house, receipt) = just_free_again(&short, &long);
        house.clock.advance(Duration::from_millis(4));
        let swap: Boxed<House, u32> =
            Box::new(|house| u32::from(house.limiter.swap(&house.next).is_err()));
        let refund = Box::new(|house: &House| {
            let units = house.spend_two();
            house.limiter.refund(receipt).expect("its own receipt");
            units
        });
        let units = race_boxed(&house, [swap, refund]);
        house.spend_the_rest(units.iter().sum());
    });
}

#[test]
fn a_swap_meets_a_refund() {
    swap_meets_refund(Model::unbounded("a swap meets a refund").reaches(&[Event::Lap]));
}
