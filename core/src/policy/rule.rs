//! The rules of a policy text.

use std::collections::HashMap;
use std::sync::Arc;

use smallvec::SmallVec;
use toml::Spanned;
use toml::de::DeValue;

use super::parse::{POLICY_FIELDS, Reader, Section, Span, integer};
use super::route::RouteTarget;
use super::{MAX_RULE_NAME_BYTES, MAX_RULES, MAX_STAR_RULES, MAX_WINDOWS, Per, Rule, Windows};
use crate::window::{MAX_LIMIT, MIN_BUCKETED_TEXT, Precision, Window, WindowError};

pub(super) const RULE_FIELDS: [&str; 6] = ["name", "match", "windows", "cost", "per", "precision"];

const RULE_SHAPE: &str = "write each rule as a [[rule]] table, in double brackets";

/// What the rules of a text amount to.
#[derive(Default)]
pub(super) struct Rules {
    pub list: Vec<Rule>,
    /// Indices of the `*` rules.
    pub stars: SmallVec<[u32; 4]>,
    lines_by_name: HashMap<String, usize>,
}

/// A window with the place where it was written.
struct Placed {
    window: Window,
    span: Span,
    field: String,
}

impl Reader<'_> {
    pub fn rules(&mut self, policy: &Section<'_, '_>) -> Rules {
        let mut rules = Rules::default();
        let Some(value) = policy.get("rule") else {
            return rules;
        };
        let Some(list) = value.get_ref().as_array() else {
            self.complain_of_value(value, "rule", RULE_SHAPE);
            return rules;
        };
        if list.len() > MAX_RULES {
            let message = format!("there are more than {MAX_RULES} rules");
            self.complain(value.span(), "rule", message);
            return rules;
        }
        for (index, item) in list.iter().enumerate() {
            match item.get_ref().as_table() {
                Some(table) => {
                    let prefix = format!("rule[{index}].");
                    let section = Section::new(table, item.span(), prefix);
                    self.rule(&section, index as u32, &mut rules);
                }
                None => self.complain_of_value(item, format!("rule[{index}]"), RULE_SHAPE),
            }
        }
        rules
    }

    fn rule(&mut self, rule: &Section<'_, '_>, index: u32, rules: &mut Rules) {
        let above = "it is a field of the policy; write it above the first [[rule]]";
        self.unknown_fields(rule, &RULE_FIELDS, &POLICY_FIELDS, above);
        let name = self.rule_name(rule, &mut rules.lines_by_name);
        self.rule_match(rule, index, &mut rules.stars);
        let placed = self.windows(rule);
        let windows: Windows = placed.iter().map(|placed| placed.window).collect();
        rules.list.push(Rule {
            name: Arc::from(name),
            cost: self.rule_cost(rule, &windows),
            per: self.per(rule),
            precision: self.precision(rule, &placed),
            windows,
        });
    }

    fn rule_name(
        &mut self,
        rule: &Section<'_, '_>,
        lines_by_name: &mut HashMap<String, usize>,
    ) -> String {
        let wanted = "a name, such as \"create-payment\"";
        let Some((span, name)) = self.text_field(rule, "name", wanted) else {
            return String::new();
        };
        let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if name.is_empty() || name.len() > MAX_RULE_NAME_BYTES || !name.bytes().all(is_name) {
            let message = "a name is 1 to 64 letters, digits, '-', '_' and '.'";
            self.complain(span.clone(), rule.field("name"), message);
        }
        let line = self.line_of(span.start);
        match lines_by_name.get(&name) {
            Some(first) => {
                let message = format!("the rule on line {first} has this name already");
                self.complain(span, rule.field("name"), message);
            }
            None => drop(lines_by_name.insert(name.clone(), line)),
        }
        name
    }

    fn rule_match(&mut self, rule: &Section<'_, '_>, index: u32, stars: &mut SmallVec<[u32; 4]>) {
        let wanted = "a route, such as \"POST /v1/payment\", or \"*\" for every request";
        let Some((span, text)) = self.text_field(rule, "match", wanted) else {
            return;
        };
        let field = rule.field("match");
        if text != "*" {
            return self.route(span, field, &text, RouteTarget::Rule(index));
        }
        stars.push(index);
        if stars.len() == MAX_STAR_RULES + 1 {
            let message = format!("there are more than {MAX_STAR_RULES} rules with \"*\"");
            self.complain(span, field, message);
        }
    }

    fn text_field(
        &mut self,
        rule: &Section<'_, '_>,
        name: &str,
        wanted: &str,
    ) -> Option<(Span, String)> {
        let value = self.required(rule, name, wanted)?;
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            self.complain_of_value(value, rule.field(name), format!("write {wanted}"));
        }
        text.map(|text| (value.span(), text))
    }

    fn required<'s, 'd>(
        &mut self,
        rule: &Section<'s, 'd>,
        name: &str,
        wanted: &str,
    ) -> Option<&'s Spanned<DeValue<'d>>> {
        let value = rule.get(name);
        if value.is_none() {
            let message = format!("it is missing; write {wanted}");
            self.complain(rule.span.clone(), rule.field(name), message);
        }
        value
    }

    fn windows(&mut self, rule: &Section<'_, '_>) -> Vec<Placed> {
        let wanted = "a list of windows, such as [\"100/s\", \"400/min\"]";
        let mut windows = Vec::new();
        let Some(value) = self.required(rule, "windows", wanted) else {
            return windows;
        };
        let field = rule.field("windows");
        let list = match value.get_ref().as_array() {
            Some(list) if !list.is_empty() => list,
            _ => {
                self.complain_of_value(value, field, format!("write {wanted}"));
                return windows;
            }
        };
        if list.len() > MAX_WINDOWS {
            let message = format!("there are more than {MAX_WINDOWS} windows");
            self.complain(value.span(), field, message);
            return windows;
        }
        for (index, item) in list.iter().enumerate() {
            windows.extend(self.window(item, format!("{field}[{index}]"), &windows));
        }
        windows
    }

    fn window(
        &mut self,
        item: &Spanned<DeValue<'_>>,
        field: String,
        before: &[Placed],
    ) -> Option<Placed> {
        let Some(text) = item.get_ref().as_str() else {
            let message = "write a window as text, such as \"100/s\"";
            self.complain_of_value(item, field, message);
            return None;
        };
        let parsed: Result<Window, WindowError> = text.parse();
        let span = item.span();
        match parsed {
            Ok(window) if before.iter().all(|b| b.window.ticks() != window.ticks()) => {
                return Some(Placed {
                    window,
                    span,
                    field,
                });
            }
            Ok(_) => self.complain(span, field, "the rule has a window of this length already"),
            Err(error) => self.complain(span, field, error.to_string()),
        }
        None
    }

    fn per(&mut self, rule: &Section<'_, '_>) -> Per {
        let choices = [("merchant", Per::Merchant), ("all", Per::All)];
        self.choice(rule, "per", &choices).unwrap_or(Per::Merchant)
    }

    /// How the rule counts: as written, else by its largest limit. Windows that
    /// cannot be counted so are mistakes.
    fn precision(&mut self, rule: &Section<'_, '_>, windows: &[Placed]) -> Precision {
        let choices = [Precision::Exact, Precision::Bucketed].map(|p| (p.as_str(), p));
        let written = self.choice(rule, "precision", &choices);
        let large = windows.iter().find(|p| p.window.limit > MAX_LIMIT);
        match (written, large) {
            (Some(Precision::Exact), _) => self.refuse_large_limits(windows),
            (Some(Precision::Bucketed), _) => self.refuse_short_windows(windows, ""),
            (None, Some(Placed { window, .. })) => {
                let why = format!(
                    ", and the rule is bucketed because the limit of {window} is above {MAX_LIMIT}"
                );
                self.refuse_short_windows(windows, &why);
                return Precision::Bucketed;
            }
            (None, None) => {}
        }
        written.unwrap_or(Precision::Exact)
    }

    fn refuse_large_limits(&mut self, windows: &[Placed]) {
        for placed in windows.iter().filter(|p| p.window.limit > MAX_LIMIT) {
            let limit = placed.window.limit;
            let instead = match placed.window.is_below_buckets() {
                true => "lower it",
                false => "lower it, or write precision = \"bucketed\"",
            };
            let message = format!(
                "limit {limit} is above {MAX_LIMIT}, the largest of an exact window; {instead}"
            );
            self.complain(placed.span.clone(), &*placed.field, message);
        }
    }

    fn refuse_short_windows(&mut self, windows: &[Placed], why_bucketed: &str) {
        for placed in windows.iter().filter(|p| p.window.is_below_buckets()) {
            let message =
                format!("a bucketed window is at least {MIN_BUCKETED_TEXT}{why_bucketed}");
            self.complain(placed.span.clone(), &*placed.field, message);
        }
    }

    fn rule_cost(&mut self, rule: &Section<'_, '_>, windows: &[Window]) -> u32 {
        let Some(value) = rule.get("cost") else {
            return 1;
        };
        let field = rule.field("cost");
        let Some(cost) = integer(value).filter(|cost| *cost >= 1) else {
            let message = "write a whole number of units, from 1 to the smallest limit";
            self.complain_of_value(value, field, message);
            return 1;
        };
        if let Some(window) = windows.iter().find(|w| i64::from(w.limit) < cost) {
            let message = format!(
                "cost {cost} is above the limit of {window}, so no request could ever be admitted"
            );
            self.complain(value.span(), field, message);
        }
        u32::try_from(cost).unwrap_or(u32::MAX)
    }
}
