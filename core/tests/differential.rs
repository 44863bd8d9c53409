//! The engine against the naive reference, step by step on random timelines:
//! times, costs, several merchants and rules, peeks and swaps. A difference is
//! shrunk to its shortest timeline.

use std::sync::Arc;

use proptest::prelude::*;
use slidegate::{Limiter, ManualClock, Policy};
use slidegate_reference::{Decision as Expected, Reference};

const UNIX_NS: u64 = 1_700_000_000_123_456_789;

/// Policies that share rule names, so that swaps carry histories over. Every
/// window of a rule is at most as long in the first as in any other, so no
/// swap asks for units that an earlier policy let go of.
const POLICIES: [&str; 3] = [
    r#"
version = 1
unmatched = "allow"
exempt = ["GET /healthz"]
[[rule]]
name = "total"
match = "*"
windows = ["5/s", "9/3s"]
[[rule]]
name = "post"
match = "POST /v1/payment"
windows = ["3/2s"]
[[rule]]
name = "get"
match = "GET /v1/payment/:id"
windows = ["4/s"]
cost = 2
"#,
    r#"
version = 1
unmatched = "deny"
[[rule]]
name = "total"
match = "*"
windows = ["8/s", "9/3s"]
[[rule]]
name = "post"
match = "POST /v1/payment"
windows = ["6/2s", "2/300ms"]
"#,
    r#"
version = 1
unmatched = "allow"
[[rule]]
name = "post"
match = "POST /v1/payment"
windows = ["1/2s"]
[[rule]]
name = "get"
match = "GET /v1/payment/:id"
windows = ["4/s"]
"#,
];

const ENDPOINTS: [&str; 6] = [
    "POST /v1/payment",
    "GET /v1/payment/7",
    "HEAD /v1/payment/list?x=1",
    "GET /healthz",
    "GET /elsewhere",
    "",
];

#[derive(Debug, Clone)]
enum Step {
    Wait {
        ns: u64,
    },
    Ask {
        merchant: u8,
        endpoint: usize,
        cost: u32,
        charge: bool,
    },
    /// Waits for the last denial's retry instant, or one tick less.
    Retry {
        early: bool,
    },
    Swap {
        policy: usize,
    },
}

fn step() -> impl Strategy<Value = Step> {
    let ask = (
        0u8..3,
        0..ENDPOINTS.len(),
        1u32..6,
        prop::bool::weighted(0.8),
    )
        .prop_map(|(merchant, endpoint, cost, charge)| Step::Ask {
            merchant,
            endpoint,
            cost: if cost > 3 { 1 } else { cost },
            charge,
        });
    prop_oneof![
        10 => ask,
        4 => (0u64..400_000_000).prop_map(|ns| Step::Wait { ns }),
        1 => (0u64..10_000_000_000).prop_map(|ns| Step::Wait { ns }),
        3 => any::<bool>().prop_map(|early| Step::Retry { early }),
        1 => (0..POLICIES.len()).prop_map(|policy| Step::Swap { policy }),
    ]
}

struct Pair {
    clock: Arc<ManualClock>,
    engine: Limiter,
    reference: Reference,
    now_ns: u64,
    last_retry_ns: u64,
}

impl Pair {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::new(UNIX_NS));
        let policy = Policy::from_toml(POLICIES[0]).unwrap();
        let builder = Limiter::builder().max_keys(64).clock(clock.clone());
        Self {
            clock,
            engine: builder.build(&policy).unwrap(),
            reference: Reference::new(POLICIES[0], UNIX_NS),
            now_ns: 0,
            last_retry_ns: 0,
        }
    }

    fn wait(&mut self, ns: u64) {
        self.now_ns += ns;
        self.clock.set_elapsed_ns(self.now_ns);
    }

    fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Wait { ns } => self.wait(ns),
            Step::Retry { early } => {
                let wait = self
                    .last_retry_ns
                    .saturating_sub(if early { 1_000 } else { 0 });
                self.last_retry_ns = 0;
                self.wait(wait);
            }
            Step::Swap { policy } => {
                let version = self.reference.swap(POLICIES[policy]);
                let policy = Policy::from_toml(POLICIES[policy]).unwrap();
                prop_assert_eq!(self.engine.swap(&policy).unwrap(), version);
            }
            Step::Ask {
                merchant,
                endpoint,
                cost,
                charge,
            } => {
                self.ask([b'm', merchant], ENDPOINTS[endpoint], cost, charge)?;
            }
        }
        Ok(())
    }

    fn ask(
        &mut self,
        merchant: [u8; 2],
        endpoint: &str,
        cost: u32,
        charge: bool,
    ) -> Result<(), TestCaseError> {
        let (engine, expected) = if charge {
            (
                self.engine.check(merchant, endpoint, cost),
                self.reference
                    .check(self.now_ns, &merchant, endpoint, cost.into()),
            )
        } else {
            (
                self.engine.peek(merchant, endpoint, cost),
                self.reference
                    .peek(self.now_ns, &merchant, endpoint, cost.into()),
            )
        };
        match (engine, expected) {
            (Ok(decision), Ok(expected)) => {
                self.last_retry_ns = decision.retry_after_ns().unwrap_or(self.last_retry_ns);
                self.compare(&decision, &expected)
            }
            (engine, expected) => {
                prop_assert_eq!(engine.is_err(), expected.is_err());
                Ok(())
            }
        }
    }

    fn compare(
        &self,
        decision: &slidegate::Decision,
        expected: &Expected,
    ) -> Result<(), TestCaseError> {
        let rule = decision.rule().and_then(|id| self.engine.rule_name(id));
        let outcome = format!("{:?}", expected.outcome).to_lowercase();
        prop_assert_eq!(decision.outcome.as_str(), outcome);
        prop_assert_eq!(decision.allowed, expected.allowed);
        prop_assert_eq!(rule.as_deref(), expected.rule.as_deref());
        prop_assert_eq!(decision.limit().map(u64::from), expected.limit);
        prop_assert_eq!(decision.remaining().map(u64::from), expected.remaining);
        prop_assert_eq!(decision.retry_after_ns(), expected.retry_after_ns);
        prop_assert_eq!(decision.reset_at_ns(), expected.reset_at_ns);
        prop_assert_eq!(decision.policy_version, expected.policy_version);
        Ok(())
    }
}

proptest! {
    #[test]
    fn the_engine_answers_as_the_reference(steps in prop::collection::vec(step(), 1..120)) {
        let mut pair = Pair::new();
        for step in &steps {
            pair.take(step)?;
        }
    }
}
