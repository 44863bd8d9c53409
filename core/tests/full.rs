//! Requests that need several new keys in a table with room for fewer: refused,
//! they leave nothing behind, and no key takes the room that another needs.

use std::sync::Arc;
use std::time::Duration;

use slidegate::{Check, Limiter, ManualClock, OnFull, Outcome, Policy};

const SECOND: Duration = Duration::from_secs(1);

/// One rule for everybody and two for each merchant.
const RULES: &str = r#"
version = 1
[[rule]]
name = "shared"
match = "*"
per = "all"
windows = ["1000/10s"]
[[rule]]
name = "own"
match = "*"
windows = ["20/10s"]
[[rule]]
name = "post"
match = "POST /v1"
windows = ["3/10s"]
"#;

/// Slots of the smallest table, which are the probe set of every key.
const SLOTS: usize = 16;

const NO_TRACE: &str = "nothing was charged, nothing was lent";

struct Small {
    limiter: Limiter,
    clock: Arc<ManualClock>,
}

impl Small {
    fn new(on_full: OnFull) -> Self {
        let clock = Arc::new(ManualClock::new(0));
        let policy = Policy::from_toml(RULES).unwrap();
        let builder = Limiter::builder().max_keys(1).on_full(on_full);
        let limiter = builder.clock(clock.clone()).build(&policy).unwrap();
        Self { limiter, clock }
    }

    /// Fills the table with keys of other merchants, but for `free` slots.
    fn fill(&self, free: usize) {
        for name in (0u32..).take_while(|_| self.limiter.keys() < SLOTS - free) {
            let name = [b"filler", &name.to_le_bytes()[..]].concat();
            assert!(self.limiter.allow(name, "", 1).unwrap());
        }
    }

    /// Leaves a loan of one unit in the shared rule. What is lent later ends with
    /// it, at the latest; were it charged first, it would count again from then on.
    fn lend(&self) {
        let checked = self.limiter.check_with_receipt("known", "POST /v1", 1);
        let (_, receipt) = checked.unwrap();
        self.limiter.refund(receipt.unwrap()).unwrap();
    }

    /// What a merchant who has all keys sees left of the shared rule.
    fn left(&self) -> u32 {
        let (_, windows) = self.limiter.peek_windows("known", "POST /v1", 1).unwrap();
        let shared = self.limiter.rule_id("shared");
        let left = windows.iter().find(|w| Some(w.rule) == shared);
        left.unwrap().remaining
    }
}

#[test]
fn two_new_keys_do_not_count_on_one_free_slot() {
    let small = Small::new(OnFull::Deny);
    small.lend();
    small.clock.advance(5 * SECOND);
    small.fill(1);
    let left = small.left();
    let decision = small.limiter.peek("new", "POST /v1", 1).unwrap();
    assert_eq!(decision.outcome, Outcome::Untracked, "{decision:?}");
    let decision = small.limiter.check("new", "POST /v1", 1).unwrap();
    assert_eq!(decision.outcome, Outcome::Untracked, "{decision:?}");
    assert_eq!(small.limiter.keys(), SLOTS - 1, "a refusal takes no slot");
    assert_eq!(small.left(), left);
    small.clock.advance(5 * SECOND);
    assert_eq!(small.left(), left, "{NO_TRACE}");
}

#[test]
fn two_new_keys_find_two_free_slots() {
    let small = Small::new(OnFull::Deny);
    assert!(small.limiter.allow("known", "POST /v1", 1).unwrap());
    small.fill(2);
    let left = small.left();
    let decision = small.limiter.check("new", "POST /v1", 1).unwrap();
    assert_eq!(decision.outcome, Outcome::Allowed, "{decision:?}");
    assert!(!decision.untracked);
    assert_eq!(small.limiter.keys(), SLOTS);
    assert_eq!(small.left(), left - 1);
}

#[test]
fn a_new_key_does_not_count_on_the_slot_of_an_idle_one_of_its_request() {
    let small = Small::new(OnFull::Deny);
    assert!(small.limiter.allow("new", "", 1).unwrap());
    small.clock.advance(5 * SECOND);
    small.lend();
    small.fill(0);
    small.clock.advance(5 * SECOND);
    let decision = small.limiter.check("new", "POST /v1", 1).unwrap();
    assert_eq!(decision.outcome, Outcome::Untracked, "{decision:?}");
    small.clock.advance(5 * SECOND);
    assert_eq!(small.left(), 1_000, "{NO_TRACE}");
}

#[test]
fn an_idle_key_finds_room_in_its_own_slot() {
    let small = Small::new(OnFull::Deny);
    assert!(small.limiter.allow("new", "", 1).unwrap());
    small.clock.advance(5 * SECOND);
    small.fill(0);
    small.clock.advance(5 * SECOND);
    for _ in 0..2 {
        let decision = small.limiter.check("new", "", 1).unwrap();
        assert_eq!(decision.outcome, Outcome::Allowed, "{decision:?}");
    }
}

/// The second key would be counted in its pool, which is used up.
#[test]
fn a_pool_that_denies_leaves_the_free_slot() {
    let small = Small::new(OnFull::Overflow);
    small.lend();
    small.fill(0);
    for _ in 0..3 {
        assert!(small.limiter.allow("pooled", "POST /v1", 1).unwrap());
    }
    assert_eq!(small.limiter.reset("filler\0\0\0\0", None).unwrap(), 1);
    let decision = small.limiter.check("new", "POST /v1", 1).unwrap();
    assert_eq!(decision.outcome, Outcome::Denied, "{decision:?}");
    assert_eq!(small.limiter.keys(), SLOTS - 1);
    small.clock.advance(10 * SECOND);
    assert_eq!(small.left(), 1_000, "{NO_TRACE}");
}

#[test]
fn a_key_without_room_is_let_through_beside_one_that_is_charged() {
    for on_full in [OnFull::Admit, OnFull::Overflow] {
        let small = Small::new(on_full);
        assert!(small.limiter.allow("known", "POST /v1", 1).unwrap());
        small.fill(1);
        let (left, before) = (small.left(), small.limiter.untracked());
        let decision = small.limiter.check("new", "POST /v1", 1).unwrap();
        assert!(decision.allowed && decision.untracked, "{decision:?}");
        assert_eq!(small.limiter.untracked(), before + 1);
        assert_eq!(small.limiter.keys(), SLOTS);
        assert_eq!(small.left(), left - 1, "{on_full:?}");
    }
}

/// `count` rules, all of them for every request.
fn many_rules(count: usize, window: &str) -> Policy {
    let rule = |n: usize| {
        let route = if n < 16 { "*" } else { "POST /v1" };
        format!("[[rule]]\nname = \"r{n}\"\nmatch = \"{route}\"\nwindows = [\"{window}\"]\n")
    };
    let rules: String = (0..count).map(rule).collect();
    Policy::from_toml(&format!("version = 1\n{rules}")).unwrap()
}

/// A limiter with room for `max_keys`, and a clock.
fn sized(max_keys: u64, policy: &Policy) -> (Limiter, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(0));
    let builder = Limiter::builder().max_keys(max_keys).clock(clock.clone());
    (builder.build(policy).unwrap(), clock)
}

/// A window later, too: then all keys of a merchant are idle, in slots of their own.
#[test]
fn merchants_of_many_rules_find_room_for_as_many_keys_as_promised() {
    const MAX_KEYS: u64 = 10_000;
    for rules in [2, 6, 12, 17] {
        let (limiter, clock) = sized(MAX_KEYS, &many_rules(rules, "1/min"));
        let merchants = MAX_KEYS as usize / rules;
        for merchant in 0..merchants {
            let decision = limiter
                .check(format!("m{merchant}"), "POST /v1", 1)
                .unwrap();
            assert_eq!(
                decision.outcome,
                Outcome::Allowed,
                "{rules} rules, {merchant}"
            );
        }
        assert_eq!(limiter.keys(), merchants * rules);
        clock.advance(60 * SECOND);
        for merchant in 0..merchants {
            let decision = limiter
                .check(format!("m{merchant}"), "POST /v1", 1)
                .unwrap();
            assert_eq!(
                decision.outcome,
                Outcome::Allowed,
                "{rules} rules, {merchant} again"
            );
        }
        assert_eq!(limiter.untracked(), 0);
    }
}

/// In tables of a few buckets, whose probe sets overlap: whatever finds no room is
/// foreseen, and leaves every key as it was.
#[test]
fn a_refused_request_leaves_no_trace_however_probe_sets_overlap() {
    let mut refused = 0;
    for seed in 0..150u64 {
        let (limiter, clock) = sized(9 + seed % 13, &many_rules(2 + seed as usize % 7, "3/5s"));
        let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        for _ in 0..120 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            clock.advance(Duration::from_millis((random >> 40) % 1_200));
            let merchant = format!("m{}", (random >> 20) % 12);
            let keys = || {
                let mut keys: Vec<_> = limiter.usage().collect();
                keys.sort_by_key(|usage| (usage.merchant.clone(), usage.rule.get()));
                keys
            };
            let before = keys();
            let foreseen = limiter.peek(&merchant, "POST /v1", 1).unwrap();
            let decision = limiter.check(&merchant, "POST /v1", 1).unwrap();
            assert_eq!(decision.outcome, foreseen.outcome, "seed {seed}");
            if decision.outcome != Outcome::Allowed {
                refused += u32::from(decision.outcome == Outcome::Untracked);
                assert_eq!(keys(), before, "seed {seed}");
            }
        }
    }
    assert!(refused > 300, "{refused}");
}

/// Keys that are idle at the latest eviction and alive at the batch's reading.
#[test]
fn a_batch_that_takes_long_refuses_nobody_who_has_keys() {
    let policy = Policy::from_toml(RULES).unwrap();
    for _ in 0..200 {
        let (limiter, clock) = sized(16, &policy);
        assert!(limiter.allow("known", "POST /v1", 1).unwrap());
        for name in 0.. {
            let filler = limiter.check(format!("filler{name}"), "", 1).unwrap();
            if filler.outcome == Outcome::Untracked && limiter.keys() == 2 * SLOTS {
                break;
            }
        }
        clock.advance(5 * SECOND);
        let checks = [
            Check::new("filler0", "", 1),
            Check::new("known", "POST /v1", 1),
        ];
        let mut outcomes = Vec::new();
        limiter.check_each(&checks, |decision| {
            if outcomes.is_empty() {
                // And a millisecond, which clocks may differ by.
                clock.advance(5 * SECOND + SECOND / 1_000);
                assert!((0..100).any(|name| limiter.allow(format!("other{name}"), "", 1).unwrap()));
            }
            outcomes.push(decision.unwrap().outcome);
        });
        assert_eq!(outcomes[1], Outcome::Allowed);
    }
}

#[test]
fn each_rule_counts_the_requests_whose_key_found_no_room() {
    for on_full in [OnFull::Deny, OnFull::Admit, OnFull::Overflow] {
        let small = Small::new(on_full);
        assert!(small.limiter.allow("known", "POST /v1", 1).unwrap());
        small.fill(0);
        for _ in 0..5 {
            let _ = small.limiter.allow("new", "POST /v1", 1).unwrap();
        }
        let untracked = |rule| {
            let rule = small.limiter.rule_id(rule).unwrap();
            small.limiter.rule_usage(rule).unwrap().untracked
        };
        let counted = ["shared", "own", "post"].map(untracked);
        assert_eq!(counted, [0, 5, 5], "{on_full:?}");
        assert_eq!(small.limiter.untracked(), 5);
    }
}
