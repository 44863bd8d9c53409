//! Full tables. A small table has one probe set, so which keys find room is as
//! certain as the rest: those that stand in it, and newcomers while a slot is
//! free or idle. Tracked keys answer as the reference; the others as `on_full`
//! says, and an overflow pool as a reference of its own.

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;
use slidegate_reference::{Decision as Expected, Outcome, Reference};

use super::clock::{TestClock, UNIX_NS, begin_ns};
use super::compare::{Checked, agree};
use super::policies::{PolicySpec, QUANTUM_TICKS, RuleSpec, WindowSpec, leaves_at, quantum_of};
use super::steps::Draw;
use super::tally::Tally;
use crate::limiter::{Limiter, OnFull, Receipt};
use crate::sync::trace::{Event, seen};
use crate::table::SKEW;
use crate::window::Precision;
use crate::{Decision, Error, Policy};

/// Slots of the smallest table: two buckets, which are every key's probe set.
const SLOTS: usize = 16;
const MERCHANTS: u8 = 24;
const POOL: &[u8] = b"pool";

/// Places of [`PLACES`](super::policies::PLACES) with a rule of their own.
const TEXTS: [&str; 2] = ["POST /p", "GET /g/7"];

#[derive(Debug, Clone)]
pub(super) struct Setting {
    on_full: OnFull,
    /// How all rules count: one table is full.
    precision: Precision,
    policy: PolicySpec,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Check {
        merchant: u8,
        text: usize,
        cost: u32,
    },
    Peek {
        merchant: u8,
        text: usize,
        cost: u32,
    },
    Refund {
        pick: u16,
    },
    Reset {
        merchant: u8,
    },
    Wait {
        ns: u64,
    },
    /// Till a key is idle, or a tick before.
    Idle {
        pick: u16,
        early: bool,
    },
}

pub(super) fn settings() -> impl Strategy<Value = Setting> {
    let precision = prop_oneof![
        Just((Precision::Exact, 50u64..500)),
        Just((Precision::Bucketed, 263..713))
    ];
    precision.prop_flat_map(move |(precision, lengths_ms)| {
        let rule = (1u32..6, lengths_ms).prop_map(move |(limit, ms)| RuleSpec {
            windows: vec![WindowSpec { limit, ms }],
            cost: 1,
            per_all: false,
            precision,
        });
        let rules = [rule.clone(), rule.clone(), rule];
        let drawn = (on_full(), any::<bool>(), rules);
        drawn.prop_map(move |(on_full, total, rules)| Setting {
            on_full,
            precision,
            policy: policy(total && on_full != OnFull::Overflow, rules),
        })
    })
}

fn on_full() -> impl Strategy<Value = OnFull> {
    prop_oneof![
        Just(OnFull::Deny),
        Just(OnFull::Admit),
        Just(OnFull::Overflow)
    ]
}

/// No `total` beside pools: which of a request's keys would find room at its retry
/// instant, the reference does not know.
fn policy(total: bool, [first, post, get]: [RuleSpec; 3]) -> PolicySpec {
    PolicySpec {
        deny_unmatched: false,
        rules: [total.then_some(first), None, Some(post), Some(get), None],
    }
}

pub(super) fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = (0u8..100, any::<u64>()).prop_map(|(kind, rest)| step(kind, &mut Draw(rest)));
    prop::collection::vec(step, 1..=most)
}

fn step(kind: u8, draw: &mut Draw) -> Step {
    let merchant = draw.below(MERCHANTS.into()) as u8;
    let text = draw.below(TEXTS.len() as u64) as usize;
    let cost = 1 + draw.below(3) as u32;
    let pick = draw.share();
    match kind {
        0..60 => Step::Check {
            merchant,
            text,
            cost,
        },
        60..72 => Step::Peek {
            merchant,
            text,
            cost,
        },
        72..78 => Step::Refund { pick },
        78..80 => Step::Reset { merchant },
        80..94 => Step::Wait {
            ns: draw.below(20_000_000),
        },
        _ => Step::Idle {
            pick,
            early: draw.is_one_in(2),
        },
    }
}

/// A merchant's key under a rule.
type KeyId = (usize, u8);

struct Held {
    engine: Receipt,
    reference: slidegate_reference::Receipt,
    pooled: bool,
}

pub(super) struct Full {
    setting: Setting,
    clock: Arc<TestClock>,
    engine: Limiter,
    reference: Reference,
    /// Counts what the pools count.
    pools: Reference,
    /// Keys in the table with their newest stamp.
    slots: HashMap<KeyId, u64>,
    receipts: Vec<Held>,
    tally: Tally,
}

impl Full {
    pub fn new(setting: &Setting) -> Self {
        let clock = Arc::new(TestClock::default());
        let toml = setting.policy.toml();
        let policy = Policy::from_toml(&toml).expect("a valid policy");
        let builder = Limiter::builder().max_keys(1).clock(clock.clone());
        let engine = builder.on_full(setting.on_full).build(&policy);
        Self {
            setting: setting.clone(),
            clock,
            engine: engine.expect("a limiter"),
            reference: Reference::new(&toml, UNIX_NS),
            pools: Reference::new(&toml, UNIX_NS),
            slots: HashMap::new(),
            receipts: Vec::new(),
            tally: Tally::default(),
        }
    }

    pub fn run(mut self, steps: &[Step]) -> Result<Tally, TestCaseError> {
        let before = [seen(Event::Evict), seen(Event::Rebirth)];
        for step in steps {
            match *step {
                Step::Check {
                    merchant,
                    text,
                    cost,
                } => self.ask(merchant, text, cost, true)?,
                Step::Peek {
                    merchant,
                    text,
                    cost,
                } => self.ask(merchant, text, cost, false)?,
                Step::Refund { pick } => self.refund(pick),
                Step::Reset { merchant } => self.reset(merchant)?,
                Step::Wait { ns } => self.wait_till(self.clock.now_ns() + ns),
                Step::Idle { pick, early } => self.wait_for_idle(pick, early),
            }
            prop_assert_eq!(self.engine.keys(), self.slots.len());
            prop_assert_eq!(self.engine.untracked(), self.tally.untracked);
        }
        let kind = self.tally.of(self.setting.precision);
        kind.evictions = seen(Event::Evict) - before[0] - kind.resets;
        kind.rebirths = seen(Event::Rebirth) - before[1];
        Ok(self.tally)
    }

    fn wait_till(&self, ns: u64) {
        self.clock.set(ns);
    }

    fn wait_for_idle(&self, pick: u16, early: bool) {
        let mut stamps: Vec<u64> = self.slots.values().copied().collect();
        stamps.sort_unstable();
        if let Some(stamp) = stamps.get(usize::from(pick) % stamps.len().max(1)) {
            let at_ns = begin_ns(self.idle_from(*stamp) - u64::from(early));
            self.wait_till(at_ns.max(self.clock.now_ns()));
        }
    }

    fn retention(&self) -> u64 {
        let windows = self.setting.policy.windows();
        windows.map(|(_, w)| w.ticks()).max().unwrap_or(0)
    }

    /// The tick from which a key is idle whose newest unit has this stamp.
    fn idle_from(&self, newest: u64) -> u64 {
        leaves_at(self.setting.precision, self.retention(), newest) + SKEW
    }

    fn keys(&self, merchant: u8, text: usize) -> Vec<KeyId> {
        let rules = self.setting.policy.governing(text).into_iter();
        rules.map(|rule| (rule, merchant)).collect()
    }

    fn is_idle(&self, key: &KeyId) -> bool {
        let newest = self.slots.get(key);
        newest.is_some_and(|newest| self.idle_from(*newest) <= self.clock.tick())
    }

    fn ask(&mut self, merchant: u8, text: usize, cost: u32, charge: bool) -> Checked {
        self.tally.steps += 1;
        let name = [b'm', merchant];
        let keys = self.keys(merchant, text);
        let lives = |key: &&KeyId| self.slots.contains_key(key) && !self.is_idle(key);
        // Idle ones may be evicted for the others, so they need room, too.
        let new = keys.len() - keys.iter().filter(lives).count();
        let idle = self.slots.keys().filter(|k| self.is_idle(k)).count();
        let room = SLOTS - self.slots.len() + idle;
        let expected = self
            .reference
            .peek(self.now(), &name, TEXTS[text], cost.into());
        let expected = expected.expect("a valid request");
        let outcome = expected.outcome;
        let full = new > room && outcome == Outcome::Allowed;
        if full && self.setting.on_full == OnFull::Admit && (room > 0 || new < keys.len()) {
            // It is counted by the keys that find room, and by no others.
            return Ok(());
        }
        let (decision, receipt) = match charge {
            true => match self.engine.check_with_receipt(name, TEXTS[text], cost) {
                Ok((decision, receipt)) => (Ok(decision), receipt),
                Err(error) => (Err(error), None),
            },
            false => (self.engine.peek(name, TEXTS[text], cost), None),
        };
        if full {
            return self.agree_untracked(&decision, receipt, text, cost, charge);
        }
        let admitted = charge && outcome == Outcome::Allowed;
        let (expected, reference) = match admitted {
            true => self.charge(&name, text, cost, &keys),
            false => (expected, None),
        };
        let denied = u64::from(outcome == Outcome::Denied);
        self.tally.of(self.setting.precision).denials += denied;
        self.hold(receipt, reference, false);
        agree(&self.engine, &decision, &Ok(expected), 0, false)
    }

    fn now(&self) -> u64 {
        self.clock.now_ns()
    }

    /// Charges the reference, and gives the keys their slots.
    fn charge(
        &mut self,
        name: &[u8],
        text: usize,
        cost: u32,
        keys: &[KeyId],
    ) -> (Expected, Option<slidegate_reference::Receipt>) {
        let now = self.clock.tick();
        for key in keys {
            if !self.slots.contains_key(key) {
                let stays = |newest: u64| self.idle_from(newest) > now;
                let staying = self.slots.iter().filter(|(_, newest)| stays(**newest));
                self.slots = staying.map(|(key, newest)| (*key, *newest)).collect();
            }
            self.slots.insert(*key, now);
        }
        let checked = self
            .reference
            .check_with_receipt(self.now(), name, TEXTS[text], cost.into());
        checked.expect("a valid request")
    }

    fn hold(
        &mut self,
        engine: Option<Receipt>,
        reference: Option<slidegate_reference::Receipt>,
        pooled: bool,
    ) {
        if let (Some(engine), Some(reference)) = (engine, reference) {
            self.receipts.push(Held {
                engine,
                reference,
                pooled,
            });
        }
    }

    fn agree_untracked(
        &mut self,
        decision: &Result<Decision, Error>,
        receipt: Option<Receipt>,
        text: usize,
        cost: u32,
        charge: bool,
    ) -> Checked {
        self.tally.untracked += u64::from(charge);
        if self.setting.on_full != OnFull::Overflow {
            let Ok(decision) = decision else {
                return Err(TestCaseError::fail(format!("{decision:?}")));
            };
            let admits = self.setting.on_full == OnFull::Admit;
            prop_assert_eq!(decision.outcome.as_str(), "untracked");
            prop_assert_eq!(decision.allowed, admits);
            prop_assert!(decision.untracked && decision.binding.is_none() && receipt.is_none());
            return Ok(());
        }
        let (now_ns, cost) = (self.now(), cost.into());
        let (expected, reference) = match charge {
            true => {
                let checked = self
                    .pools
                    .check_with_receipt(now_ns, POOL, TEXTS[text], cost);
                checked.expect("a valid request")
            }
            false => {
                let peeked = self.pools.peek(now_ns, POOL, TEXTS[text], cost);
                (peeked.expect("a valid request"), None)
            }
        };
        self.hold(receipt, reference, true);
        agree(&self.engine, decision, &Ok(expected), 0, true)
    }

    fn refund(&mut self, pick: u16) {
        if self.receipts.is_empty() {
            return;
        }
        let held = self
            .receipts
            .swap_remove(usize::from(pick) % self.receipts.len());
        let lent = self.engine.refund(held.engine).expect("its own receipt");
        let reference = if held.pooled {
            &self.pools
        } else {
            &self.reference
        };
        reference.refund(self.now(), held.reference);
        self.tally.of(self.setting.precision).refunds += u64::from(lent);
    }

    fn reset(&mut self, merchant: u8) -> Checked {
        let had = self.slots.len();
        self.slots.retain(|(_, owner), _| *owner != merchant);
        let name = [b'm', merchant];
        let reset = self.engine.reset(name, None).expect("a valid merchant");
        self.reference.reset(&name, None);
        prop_assert_eq!(reset, had - self.slots.len());
        self.tally.of(self.setting.precision).resets += reset as u64;
        let now = self.clock.tick();
        self.wait_till(begin_ns(match self.setting.precision {
            Precision::Exact => now + 1,
            Precision::Bucketed => (quantum_of(now) + 1) * QUANTUM_TICKS,
        }));
        Ok(())
    }
}

/// A rule that denies after a refund, beside one whose key finds no room: what is
/// lent may end before the retry instant, so that all rules are asked again there.
#[test]
fn a_denial_stands_beside_a_key_without_room() {
    let rule = |limit, ms| RuleSpec {
        windows: vec![WindowSpec { limit, ms }],
        cost: 1,
        per_all: false,
        precision: Precision::Exact,
    };
    let check = |merchant, text, cost| Step::Check {
        merchant,
        text,
        cost,
    };
    let mut steps = vec![check(9, 1, 3), Step::Refund { pick: 0 }, check(9, 1, 3)];
    steps.extend((0..7).map(|merchant| check(merchant, 0, 1)));
    steps.push(check(9, 0, 1));
    for on_full in [OnFull::Admit, OnFull::Deny] {
        let setting = Setting {
            on_full,
            precision: Precision::Exact,
            policy: policy(true, [rule(3, 100), rule(5, 300), rule(5, 300)]),
        };
        let mut tally = Full::new(&setting).run(&steps).expect("both agree");
        assert_eq!(tally.of(Precision::Exact).denials, 1, "{on_full:?}");
    }
}
