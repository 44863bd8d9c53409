//! Families of policies that share rule names, so that swaps carry histories over.

use std::fmt::Write as _;

use proptest::prelude::*;

/// Whether rules that count in buckets take part. Not yet: [`super::keys`] knows
/// one table with one retention, and bucketed keys stand in a table of their own.
/// `crate::buckets::tests` and the vectors compare them meanwhile.
pub(super) const BUCKETED: bool = false;

/// The rules that a policy of a family may have: name and match.
pub(super) const RULES: [(&str, &str); 5] = [
    ("total", "*"),
    ("platform", "*"),
    ("post", "POST /p"),
    ("get", "GET /g/:id"),
    ("bulk", "PUT /b"),
];

/// The rule that counts in buckets.
pub(super) const BULK: usize = 4;

/// The shortest bucketed window that a policy can name, in ms.
const BUCKETED_MS_MIN: u64 = 263;

/// An endpoint as requests name it.
pub(super) struct Place {
    pub text: &'static str,
    /// The route that it is prepared by; none for the merchant alone.
    pub template: Option<&'static str>,
    /// The rule whose match it is.
    pub rule: Option<usize>,
}

const fn place(text: &'static str, template: &'static str, rule: Option<usize>) -> Place {
    Place {
        text,
        template: Some(template),
        rule,
    }
}

/// The last is no endpoint but the merchant alone.
pub(super) const PLACES: [Place; 7] = [
    place("POST /p", "POST /p", Some(2)),
    place("GET /g/7", "GET /g/:id", Some(3)),
    place("HEAD /g/a?x=1", "HEAD /g/:id", Some(3)),
    place("PUT /b", "PUT /b", Some(BULK)),
    place("GET /e", "GET /e", None),
    place("GET /h", EXEMPT, None),
    Place {
        text: "",
        template: None,
        rule: None,
    },
];

const EXEMPT: &str = "GET /h";

#[derive(Debug, Clone, Copy)]
pub(super) struct WindowSpec {
    pub limit: u32,
    pub ms: u64,
}

impl WindowSpec {
    pub fn ticks(self) -> u64 {
        self.ms * 1_000
    }
}

#[derive(Debug, Clone)]
pub(super) struct RuleSpec {
    /// Of different lengths.
    pub windows: Vec<WindowSpec>,
    pub cost: u32,
    pub per_all: bool,
}

impl RuleSpec {
    fn longest_ms(&self) -> u64 {
        self.windows.iter().map(|w| w.ms).max().unwrap_or(0)
    }

    /// The largest cost of a request that may ever pass.
    pub fn largest_cost(&self) -> u32 {
        self.min_limit() / self.cost
    }

    fn min_limit(&self) -> u32 {
        self.windows.iter().map(|w| w.limit).min().unwrap_or(1)
    }

    /// No window longer than `most_ms`, one of each length, and a cost that can
    /// pass.
    fn settled(mut self, most_ms: u64) -> Self {
        let mut lengths = Vec::new();
        self.windows.retain_mut(|window| {
            window.ms = window.ms.min(most_ms);
            let is_new = !lengths.contains(&window.ms);
            lengths.push(window.ms);
            is_new
        });
        self.cost = self.cost.min(self.min_limit());
        self
    }

    /// With lengths of at least `BUCKETED_MS_MIN` that are all among `lengths`.
    fn bucketed(mut self, lengths: Option<&[WindowSpec]>) -> Self {
        for (index, window) in self.windows.iter_mut().enumerate() {
            window.ms = match lengths {
                Some(lengths) => lengths[index % lengths.len()].ms,
                None => window.ms.max(BUCKETED_MS_MIN),
            };
        }
        self.settled(u64::MAX)
    }

    fn write(&self, text: &mut String, (name, pattern): (&str, &str), precision: &str) {
        let windows = self.windows.iter();
        let windows: Vec<String> = windows
            .map(|w| format!("\"{}/{}ms\"", w.limit, w.ms))
            .collect();
        let (windows, cost) = (windows.join(", "), self.cost);
        let per = if self.per_all { "all" } else { "merchant" };
        let _ = writeln!(
            text,
            "[[rule]]\nname = \"{name}\"\nmatch = \"{pattern}\"\nwindows = [{windows}]\n\
             cost = {cost}\nper = \"{per}\"\nprecision = \"{precision}\""
        );
    }
}

#[derive(Debug, Clone)]
pub(super) struct PolicySpec {
    pub deny_unmatched: bool,
    pub rules: [Option<RuleSpec>; RULES.len()],
}

impl PolicySpec {
    pub fn toml(&self) -> String {
        let unmatched = if self.deny_unmatched { "deny" } else { "allow" };
        let mut text =
            format!("version = 1\nunmatched = \"{unmatched}\"\nexempt = [\"{EXEMPT}\"]\n");
        for (index, rule) in self.rules.iter().enumerate() {
            if let Some(rule) = rule {
                rule.write(&mut text, RULES[index], precision(index));
            }
        }
        text
    }

    /// A policy of one window of one rule, which then governs every request.
    pub fn window_toml(&self, rule: usize, window: usize) -> String {
        let mut text = "version = 1\nunmatched = \"allow\"\n".to_owned();
        if let Some(spec) = &self.rules[rule] {
            let alone = RuleSpec {
                windows: vec![spec.windows[window]],
                cost: 1,
                per_all: spec.per_all,
            };
            alone.write(&mut text, (RULES[rule].0, "*"), precision(rule));
        }
        text
    }

    /// The rules that govern requests to a place, in their order.
    pub fn governing(&self, place: usize) -> Vec<usize> {
        let place = &PLACES[place];
        if place.template == Some(EXEMPT) {
            return Vec::new();
        }
        let has = |rule: &usize| self.rules[*rule].is_some();
        let own = place.rule.filter(has);
        if own.is_none() && !place.text.is_empty() && self.deny_unmatched {
            return Vec::new();
        }
        [0, 1].into_iter().filter(has).chain(own).collect()
    }

    /// The largest cost of a request to a place that may ever pass.
    pub fn largest_cost(&self, place: usize) -> u32 {
        let rules = self.governing(place).into_iter();
        let costs = rules.filter_map(|rule| Some(self.rules[rule].as_ref()?.largest_cost()));
        costs.min().unwrap_or(5)
    }

    /// For how many ticks a unit counts in a rule at the most; 0 without the rule.
    pub fn horizon(&self, rule: usize) -> u64 {
        let windows = self.rules[rule].iter().flat_map(|rule| &rule.windows);
        let counts = |w: &WindowSpec| match rule {
            BULK => w.ticks() + w.ticks() / 128,
            _ => w.ticks(),
        };
        windows.map(counts).max().unwrap_or(0)
    }

    pub fn windows(&self) -> impl Iterator<Item = WindowSpec> {
        let rules = self.rules.iter().flatten();
        rules.flat_map(|rule| rule.windows.iter().copied())
    }
}

fn precision(rule: usize) -> &'static str {
    if rule == BULK { "bucketed" } else { "exact" }
}

/// Policies in the order of their numbers; the first is in force at the start.
#[derive(Debug, Clone)]
pub(super) struct Family {
    pub policies: Vec<PolicySpec>,
}

impl Family {
    /// Makes what was drawn valid. Unless the family `lengthens`, no policy has a
    /// longer window in a rule than the first that has the rule, so that no swap
    /// asks for units which an earlier policy let go of.
    fn settled(mut self, lengthens: bool) -> Self {
        let mut first: [Option<RuleSpec>; RULES.len()] = Default::default();
        for policy in &mut self.policies {
            for (index, slot) in policy.rules.iter_mut().enumerate() {
                let Some(rule) = slot.take() else { continue };
                let before = first[index].as_ref();
                let rule = match (index, before) {
                    (BULK, _) if !BUCKETED => continue,
                    (BULK, before) => rule.bucketed(before.map(|b| &*b.windows)),
                    (_, Some(before)) if !lengthens => rule.settled(before.longest_ms()),
                    _ => rule.settled(u64::MAX),
                };
                first[index].get_or_insert_with(|| rule.clone());
                *slot = Some(rule);
            }
        }
        self
    }
}

/// Families of all kinds: small limits, some that reach the middle planes of a
/// ring, some that reach the highest.
pub(super) fn families() -> impl Strategy<Value = Family> {
    prop_oneof![
        6 => family(1..=8),
        5 => family(1..=140),
        3 => family(1..=2_048),
    ]
}

fn family(limits: std::ops::RangeInclusive<u32>) -> impl Strategy<Value = Family> {
    let lengths = prop::collection::vec(length_ms(), 1..=4);
    let policies = prop::collection::vec(policy(limits), 1..=4);
    let lengthens = prop::bool::weighted(0.1);
    (lengths, policies, lengthens).prop_map(|(lengths, policies, lengthens)| {
        let mut family = Family { policies };
        let rules = family.policies.iter_mut().flat_map(|p| &mut p.rules);
        for window in rules.flatten().flat_map(|rule| &mut rule.windows) {
            window.ms = lengths[window.ms as usize % lengths.len()];
        }
        family.settled(lengthens)
    })
}

fn length_ms() -> impl Strategy<Value = u64> {
    const DAY_MS: u64 = 86_400_000;
    prop_oneof![
        4 => 1u64..60,
        4 => 100u64..5_000,
        2 => (1u64..120).prop_map(|s| s * 1_000),
        1 => (1u64..48).prop_map(|h| h * 3_600_000),
        1 => (1u64..=366).prop_map(|days| days * DAY_MS),
    ]
}

/// A policy whose windows have a number in place of their length.
fn policy(limits: std::ops::RangeInclusive<u32>) -> impl Strategy<Value = PolicySpec> {
    let exact = move |present: f64, per_all: f64| {
        let limits = limits.clone();
        prop::option::weighted(present, rule(limits, per_all))
    };
    let bulk_limits = prop_oneof![Just(8u32), Just(5_000), Just(1 << 24)];
    let bulk = bulk_limits.prop_flat_map(|most| rule(1..=most, 0.1));
    let rules = (
        exact(0.6, 0.1),
        exact(0.3, 0.9),
        exact(0.8, 0.1),
        exact(0.7, 0.1),
        prop::option::weighted(0.7, bulk),
    );
    (prop::bool::weighted(0.2), rules).prop_map(|(deny_unmatched, rules)| {
        let (total, platform, post, get, bulk) = rules;
        PolicySpec {
            deny_unmatched,
            rules: [total, platform, post, get, bulk],
        }
    })
}

fn rule(
    limits: std::ops::RangeInclusive<u32>,
    per_all: f64,
) -> impl Strategy<Value = RuleSpec> + Clone {
    let window = (limits, 0u64..8).prop_map(|(limit, ms)| WindowSpec { limit, ms });
    let windows = prop::collection::vec(window, 1..=3);
    let cost = prop_oneof![4 => Just(1u32), 1 => 2u32..4];
    (windows, cost, prop::bool::weighted(per_all)).prop_map(|(windows, cost, per_all)| RuleSpec {
        windows,
        cost,
        per_all,
    })
}
