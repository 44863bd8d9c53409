//! What must be true of everything that many threads were told.

use std::time::Duration;

use super::threads::{Admission, ENDPOINTS, House, Ledger, MERCHANTS};
use crate::Outcome;

pub(super) const NEVER_OVER: &str = "a window never holds more than its limit";
pub(super) const SAME_CAPACITY: &str = "what is left is the limit less what was admitted";

/// A rule: the endpoints that it governs, and the larger of the limits that the
/// policies ever give it, for each length that every one of them has.
struct Rule {
    endpoints: &'static [usize],
    limits: &'static [(u32, u64)],
}

const MS: u64 = 1_000_000;

/// Longer than any unit counts, those of bucketed rules too.
pub(super) const ALL_FREE: Duration = Duration::from_secs(1);

/// Where the policies differ in a window, only what both promise is audited: a
/// window that is as long as the shorter of the two, with the larger limit.
const RULES: [Rule; 3] = [
    Rule {
        endpoints: &[0, 1, 2],
        limits: &[(6, 4 * MS)],
    },
    Rule {
        endpoints: &[1],
        limits: &[(3, 4 * MS)],
    },
    Rule {
        endpoints: &[2],
        limits: &[(3, 300 * MS)],
    },
];

pub(super) struct Audit<'l> {
    ledger: &'l Ledger,
}

impl<'l> Audit<'l> {
    pub fn new(ledger: &'l Ledger) -> Self {
        Self { ledger }
    }

    /// The admissions that charged a rule's key.
    fn of<'s>(&'s self, merchant: usize, rule: &'s Rule) -> impl Iterator<Item = &'s Admission> {
        let charged =
            move |a: &&Admission| a.merchant == merchant && rule.endpoints.contains(&a.endpoint);
        self.ledger.admissions.iter().filter(charged)
    }

    /// Whether no reset can have forgotten the admission.
    fn is_kept(&self, admission: &Admission) -> bool {
        let forgets = |&(merchant, ended): &(usize, u64)| {
            merchant == admission.merchant && ended > admission.began
        };
        !self.ledger.resets.iter().any(forgets)
    }

    /// No window holds more than its limit of units that certainly lie in it, were
    /// not given back, and not forgotten.
    pub fn never_over(&self) {
        for rule in &RULES {
            for merchant in 0..MERCHANTS.len() {
                let counts = |a: &&Admission| !a.refunded && self.is_kept(a);
                let counting: Vec<_> = self.of(merchant, rule).filter(counts).collect();
                for &(limit, length) in rule.limits {
                    let held = most_in_a_window(&counting, length);
                    assert!(
                        held <= limit,
                        "{NEVER_OVER}: {held} > {limit}: {counting:#?}"
                    );
                }
            }
        }
    }

    /// With a clock that stood still and no reset: what is left of the first
    /// policy's windows is known to the unit.
    pub fn exact(&self, house: &House) {
        self.never_over();
        for (merchant, name) in MERCHANTS.iter().enumerate() {
            let left = |rule: &Rule, limit: u32| {
                let kept = self.of(merchant, rule).filter(|a| !a.refunded);
                limit.checked_sub(kept.map(|a| a.cost).sum())
            };
            let total = left(&RULES[0], 4);
            let [post, bulk] = [left(&RULES[1], 3), left(&RULES[2], 3)];
            let expected = [total, total.min(post), total.min(bulk)];
            for (endpoint, expected) in ENDPOINTS.iter().zip(expected) {
                let peek = house.limiter.peek(name, *endpoint, 1).expect("a decision");
                assert_eq!(
                    peek.remaining(),
                    expected,
                    "{SAME_CAPACITY}: {name} {peek:?}"
                );
            }
        }
    }

    /// A longest window later each merchant may spend its whole limit, and not a
    /// unit more.
    pub fn free_again(&self, house: &House) {
        for name in MERCHANTS {
            for endpoint in &ENDPOINTS[1..] {
                spend_all(house, name, endpoint);
                house.clock.advance(ALL_FREE);
            }
        }
    }
}

/// Spends the whole limit of a merchant's endpoint, and tries to spend more.
fn spend_all(house: &House, name: &str, endpoint: &str) {
    let check = || {
        let decision = house.limiter.check(name, endpoint, 1);
        decision.expect("a decision")
    };
    let first = check();
    assert_eq!(
        first.outcome,
        Outcome::Allowed,
        "{SAME_CAPACITY}: {first:?}"
    );
    let limit = first.limit().expect("a window was consulted");
    for _ in 1..limit {
        let next = check();
        assert!(next.allowed, "{SAME_CAPACITY}: {next:?}");
    }
    let over = check();
    assert!(!over.allowed, "{NEVER_OVER}: {over:?}");
}

/// The most units that certainly share a half-open window of `length`.
fn most_in_a_window(admissions: &[&Admission], length: u64) -> u32 {
    let held = |from: u64| -> u32 {
        let inside = |a: &&&Admission| a.span.0 >= from && a.span.1 < from + length;
        admissions.iter().filter(inside).map(|a| a.cost).sum()
    };
    let most = admissions.iter().map(|a| held(a.span.0)).max();
    most.unwrap_or(0)
}
