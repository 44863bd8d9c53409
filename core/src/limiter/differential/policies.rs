//! Policies as timelines have them, and when a unit leaves their windows.

use std::fmt::Write as _;

use crate::window::Precision;

/// The rules that a policy of a family may have: name and match.
pub(super) const RULES: [(&str, &str); 5] = [
    ("total", "*"),
    ("platform", "*"),
    ("post", "POST /p"),
    ("get", "GET /g/:id"),
    ("bulk", "PUT /b"),
];

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
    place("PUT /b", "PUT /b", Some(4)),
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

/// Bucketed rules tell no two ticks of one quantum apart.
pub(super) const QUANTUM_TICKS: u64 = 1_024;

/// The quantum of a tick.
pub(super) fn quantum_of(tick: u64) -> u64 {
    tick / QUANTUM_TICKS
}

/// The first tick at which a unit counts no more in a window of `ticks`.
///
/// A bucketed window cuts time into buckets of the largest power of two that is at
/// most 1/256 of it. A unit stays until the first edge at which the last tick of
/// its bucket has left.
pub(super) fn leaves_at(precision: Precision, ticks: u64, stamp: u64) -> u64 {
    match precision {
        Precision::Exact => stamp + ticks,
        Precision::Bucketed => {
            let width = 1 << (ticks / 256).ilog2();
            let last_of_bucket = stamp | (width - 1);
            (last_of_bucket + ticks).next_multiple_of(width)
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct RuleSpec {
    /// Of different lengths.
    pub windows: Vec<WindowSpec>,
    pub cost: u32,
    pub per_all: bool,
    pub precision: Precision,
}

impl RuleSpec {
    /// The longest window, in ticks.
    pub fn longest(&self) -> u64 {
        self.windows.iter().map(|w| w.ticks()).max().unwrap_or(0)
    }

    /// The largest cost of a request that may ever pass.
    pub fn largest_cost(&self) -> u32 {
        self.min_limit() / self.cost
    }

    pub fn min_limit(&self) -> u32 {
        self.windows.iter().map(|w| w.limit).min().unwrap_or(1)
    }

    pub fn has_length(&self, ticks: u64) -> bool {
        self.windows.iter().any(|w| w.ticks() == ticks)
    }

    fn write(&self, text: &mut String, (name, pattern): (&str, &str)) {
        let windows = self.windows.iter();
        let windows: Vec<String> = windows
            .map(|w| format!("\"{}/{}ms\"", w.limit, w.ms))
            .collect();
        let (windows, cost) = (windows.join(", "), self.cost);
        let per = if self.per_all { "all" } else { "merchant" };
        let precision = self.precision.as_str();
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
                rule.write(&mut text, RULES[index]);
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
                ..spec.clone()
            };
            alone.write(&mut text, (RULES[rule].0, "*"));
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

    /// The longest window of a rule, in ticks; 0 without the rule.
    pub fn horizon(&self, rule: usize) -> u64 {
        self.rules[rule].as_ref().map_or(0, RuleSpec::longest)
    }

    /// All windows, with how their rules count.
    pub fn windows(&self) -> impl Iterator<Item = (Precision, WindowSpec)> {
        let rules = self.rules.iter().flatten();
        rules.flat_map(|rule| rule.windows.iter().map(|w| (rule.precision, *w)))
    }

    /// Whether requests to a place are governed by rules of both kinds.
    pub fn is_mixed(&self, place: usize) -> bool {
        let governs = |precision| self.governs(place, precision);
        governs(Precision::Exact) && governs(Precision::Bucketed)
    }

    /// Whether a rule of this kind governs requests to a place.
    pub fn governs(&self, place: usize, precision: Precision) -> bool {
        let rules = self.governing(place).into_iter();
        let mut rules = rules.filter_map(|rule| self.rules[rule].as_ref());
        rules.any(|rule| rule.precision == precision)
    }
}
