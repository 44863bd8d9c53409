//! Requests that need several new keys in a table with room for fewer: refused,
//! they leave nothing behind, and no key takes the room that another needs.

use std::sync::Arc;
use std::time::Duration;

use slidegate::{Limiter, ManualClock, OnFull, Outcome, Policy};

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
