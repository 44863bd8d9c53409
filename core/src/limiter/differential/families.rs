//! Families of policies that share rule names, so that swaps carry histories over.

use proptest::prelude::*;

use super::policies::{PolicySpec, RULES, RuleSpec, WindowSpec};
use crate::window::Precision;

/// The shortest bucketed window that a policy can name, in ms.
const BUCKETED_MS_MIN: u64 = 263;

const DAY_MS: u64 = 86_400_000;

/// The rules that count in buckets in some families and exactly in others. The
/// others keep to one kind, so that no kind has more than four rules, whose keys
/// all find room in one probe set.
const EITHER: [usize; 3] = [0, 1, 3];
const ALWAYS_BUCKETED: usize = 4;

/// Policies in the order of their numbers; the first is in force at the start.
#[derive(Debug, Clone)]
pub(super) struct Family {
    pub policies: Vec<PolicySpec>,
}

/// A window before its family is known.
#[derive(Debug, Clone, Copy)]
struct WindowDraft {
    /// Which part of the largest limit it has, in 65,535ths.
    share: u16,
    /// Which of the family's lengths.
    length: u8,
}

#[derive(Debug, Clone)]
struct RuleDraft {
    windows: Vec<WindowDraft>,
    /// The largest limit, if it counts in buckets.
    bucketed_most: u32,
    cost: u32,
    per_all: bool,
}

type PolicyDraft = (bool, [Option<RuleDraft>; RULES.len()]);

/// What all policies of a family have in common.
#[derive(Debug, Clone)]
struct Traits {
    /// The largest limit of an exact rule.
    exact_most: u32,
    /// Lengths of exact windows, and of bucketed ones.
    exact_ms: Vec<u64>,
    bucketed_ms: Vec<u64>,
    /// Which of the rules that may count in buckets do.
    bucketed: [bool; EITHER.len()],
    /// Whether exact rules get longer windows than they began with.
    lengthens: bool,
    /// A policy, if any, whose bucketed rules have lengths of its own, and in
    /// which one rule counts in the other way: a limiter that knows the other
    /// policies refuses it, or they are refused after it.
    stray: Option<(usize, usize)>,
}

impl Traits {
    fn precision(&self, policy: usize, rule: usize) -> Precision {
        let either = EITHER.iter().position(|r| *r == rule);
        let bucketed = either.map_or(rule == ALWAYS_BUCKETED, |place| self.bucketed[place]);
        match bucketed != (either.is_some() && self.stray == Some((policy, rule))) {
            true => Precision::Bucketed,
            false => Precision::Exact,
        }
    }

    fn strays(&self, policy: usize) -> bool {
        self.stray.is_some_and(|(stray, _)| stray == policy)
    }

    /// The lengths that a rule draws from. Unless the family `lengthens`, no policy
    /// has a longer window in an exact rule than the first that has the rule, so
    /// that no swap asks for units which an earlier policy let go of.
    fn lengths_ms(&self, precision: Precision, first: Option<&RuleSpec>) -> Vec<u64> {
        let had = first.map(|rule| rule.windows.iter().map(|w| w.ms));
        match (precision, had) {
            (Precision::Bucketed, Some(had)) => had.collect(),
            (Precision::Bucketed, None) => self.bucketed_ms.clone(),
            (Precision::Exact, Some(had)) if !self.lengthens => {
                let longest = had.max().unwrap_or(u64::MAX);
                self.exact_ms.iter().map(|ms| *ms.min(&longest)).collect()
            }
            (Precision::Exact, _) => self.exact_ms.clone(),
        }
    }

    fn family(&self, policies: Vec<PolicyDraft>) -> Family {
        let mut first: [Option<RuleSpec>; RULES.len()] = Default::default();
        let mut family = Family {
            policies: Vec::new(),
        };
        for (number, (deny_unmatched, drafts)) in policies.into_iter().enumerate() {
            let mut rules: [Option<RuleSpec>; RULES.len()] = Default::default();
            for (index, draft) in drafts.into_iter().enumerate() {
                let Some(draft) = draft else { continue };
                let precision = self.precision(number, index);
                let of_kind = |rule: &&RuleSpec| rule.precision == precision;
                let before = first[index].as_ref().filter(of_kind);
                let before = before.filter(|_| !self.strays(number));
                let lengths_ms = self.lengths_ms(precision, before);
                let rule = draft.rule(precision, self.exact_most, &lengths_ms);
                first[index].get_or_insert_with(|| rule.clone());
                rules[index] = Some(rule);
            }
            family.policies.push(PolicySpec {
                deny_unmatched,
                rules,
            });
        }
        family
    }
}

impl RuleDraft {
    /// One window of each length, and a cost that can pass.
    fn rule(self, precision: Precision, exact_most: u32, lengths_ms: &[u64]) -> RuleSpec {
        let most = match precision {
            Precision::Exact => exact_most,
            Precision::Bucketed => self.bucketed_most,
        };
        let mut windows: Vec<WindowSpec> = Vec::new();
        for draft in self.windows {
            let ms = lengths_ms[usize::from(draft.length) % lengths_ms.len()];
            if windows.iter().all(|w| w.ms != ms) {
                let limit = 1 + u64::from(most - 1) * u64::from(draft.share) / 0xFFFF;
                let limit = limit as u32;
                windows.push(WindowSpec { limit, ms });
            }
        }
        let mut rule = RuleSpec {
            windows,
            cost: self.cost,
            per_all: self.per_all,
            precision,
        };
        rule.cost = rule.cost.min(rule.min_limit());
        rule
    }
}

/// Families of all kinds: small limits, some that reach the middle planes of a
/// ring, some that reach the highest; bucketed rules among them with limits up to
/// the largest.
pub(super) fn families() -> impl Strategy<Value = Family> {
    (traits(), prop::collection::vec(policy(), 1..=4))
        .prop_map(|(traits, policies)| traits.family(policies))
}

fn traits() -> impl Strategy<Value = Traits> {
    let exact_most = prop_oneof![6 => Just(8u32), 5 => Just(140), 3 => Just(2_048)];
    let exact_ms = prop::collection::vec(exact_ms(), 1..=4);
    let bucketed_ms = prop::collection::vec(bucketed_ms(), 1..=4);
    let bucketed = prop::array::uniform3(prop::bool::weighted(0.4));
    let stray = prop::option::weighted(0.1, (0usize..4, 0..RULES.len()));
    let lengthens = prop::bool::weighted(0.1);
    (
        exact_most,
        exact_ms,
        bucketed_ms,
        bucketed,
        lengthens,
        stray,
    )
        .prop_map(
            |(exact_most, exact_ms, bucketed_ms, bucketed, lengthens, stray)| Traits {
                exact_most,
                exact_ms,
                bucketed_ms,
                bucketed,
                lengthens,
                stray,
            },
        )
}

fn exact_ms() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 1u64..60,
        4 => 100u64..5_000,
        2 => (1u64..120).prop_map(|s| s * 1_000),
        1 => (1u64..48).prop_map(|h| h * 3_600_000),
        1 => (1u64..=366).prop_map(|days| days * DAY_MS),
    ]
}

/// Among the short ones are those beside which buckets become twice as wide.
fn bucketed_ms() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => BUCKETED_MS_MIN..600,
        2 => prop_oneof![Just(BUCKETED_MS_MIN), Just(524u64), Just(525)],
        4 => 600u64..5_000,
        2 => (5u64..120).prop_map(|s| s * 1_000),
        1 => (1u64..48).prop_map(|h| h * 3_600_000),
        1 => (1u64..=366).prop_map(|days| days * DAY_MS),
    ]
}

fn policy() -> impl Strategy<Value = PolicyDraft> {
    let present = |present: f64, per_all: f64| prop::option::weighted(present, rule(per_all));
    let rules = (
        present(0.6, 0.1),
        present(0.3, 0.9),
        present(0.8, 0.1),
        present(0.7, 0.1),
        present(0.8, 0.1),
    );
    let rules =
        rules.prop_map(|(total, platform, post, get, bulk)| [total, platform, post, get, bulk]);
    (prop::bool::weighted(0.2), rules)
}

fn rule(per_all: f64) -> impl Strategy<Value = RuleDraft> {
    let share = prop_oneof![9 => any::<u16>(), 1 => Just(u16::MAX)];
    let window = (share, 0u8..8);
    let window = window.prop_map(|(share, length)| WindowDraft { share, length });
    let windows = prop::collection::vec(window, 1..=3);
    let bucketed_most = prop_oneof![
        3 => Just(8u32),
        3 => Just(140),
        2 => Just(5_000),
        3 => Just(1 << 24),
    ];
    let cost = prop_oneof![4 => Just(1u32), 1 => 2u32..4];
    (windows, bucketed_most, cost, prop::bool::weighted(per_all)).prop_map(
        |(windows, bucketed_most, cost, per_all)| RuleDraft {
            windows,
            bucketed_most,
            cost,
            per_all,
        },
    )
}
