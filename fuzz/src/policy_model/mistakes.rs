//! Which fields of a draft are mistaken, by the words of `docs/policy.md`.

use std::collections::{BTreeSet, HashSet};

use super::draft::{Draft, Route, Rule, Window};

const MAX_STAR_RULES: usize = 16;
const MAX_LENGTH_US: u64 = 366 * 86_400 * 1_000_000;
const MIN_BUCKETED_US: u64 = 262_144;

/// The field of every mistake, as an error names it.
pub fn fields(draft: &Draft) -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    if draft.unmatched.is_some_and(|text| text == "Allow") {
        fields.insert("unmatched".to_owned());
    }
    fields.extend(mistaken_routes(draft));
    let (mut names, mut stars) = (HashSet::new(), 0);
    for (index, rule) in draft.rules.iter().enumerate() {
        if !names.insert(&rule.name) || !is_name(&rule.name) {
            fields.insert(format!("rule[{index}].name"));
        }
        stars += usize::from(rule.route.is_none());
        if rule.route.is_none() && stars == MAX_STAR_RULES + 1 {
            fields.insert(format!("rule[{index}].match"));
        }
        let windows = mistaken_windows(rule);
        fields.extend(windows.into_iter().map(|w| format!("rule[{index}].{w}")));
        if !is_cost(rule) {
            fields.insert(format!("rule[{index}].cost"));
        }
    }
    fields
}

/// Routes that are none, and all but the first of equal ones: rules come before
/// exemptions.
fn mistaken_routes(draft: &Draft) -> Vec<String> {
    let rules = draft.rules.iter().enumerate();
    let rules = rules.map(|(i, rule)| (format!("rule[{i}].match"), rule.route.as_ref()));
    let exempt = draft.exempt.iter().enumerate();
    let exempt = exempt.map(|(i, route)| (format!("exempt[{i}]"), Some(route)));
    let mut seen = HashSet::new();
    let mut mistaken = Vec::new();
    for (field, route) in rules.chain(exempt) {
        let Some(route) = route else { continue };
        if !is_route(route) || !seen.insert(identity(route)) {
            mistaken.push(field);
        }
    }
    mistaken
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    (1..=64).contains(&name.len()) && name.chars().all(allowed)
}

fn is_route(route: &Route) -> bool {
    let method = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let (last, front) = match &*route.segments {
        [] | [""] => return is_method(route.method, method),
        [front @ .., last] => (last, front),
    };
    is_method(route.method, method)
        && route.text().len() <= 1_024
        && route.segments.len() <= 64
        && front.iter().all(|s| is_segment(s) && !s.starts_with('*'))
        && is_segment(last)
}

fn is_method(method: &str, allowed: impl Fn(char) -> bool) -> bool {
    (1..=32).contains(&method.len()) && method.chars().all(allowed)
}

fn is_segment(segment: &str) -> bool {
    if let Some(name) = segment.strip_prefix([':', '*']) {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        return !name.is_empty() && name.chars().all(allowed);
    }
    let strange = |c: char| "%?#{<*".contains(c) || c.is_ascii_control();
    !matches!(segment, "" | "." | "..") && !segment.contains(strange)
}

/// What makes two routes the same: all but the names of parameters.
fn identity(route: &Route) -> String {
    let anonymous = |segment: &&'static str| match segment.chars().next() {
        Some(':') => ":",
        Some('*') => "*",
        _ => segment,
    };
    let segments: Vec<&str> = route.segments.iter().map(anonymous).collect();
    format!("{} /{}", route.method.to_uppercase(), segments.join("/"))
}

fn mistaken_windows(rule: &Rule) -> Vec<String> {
    if !(1..=8).contains(&rule.windows.len()) {
        return vec!["windows".to_owned()];
    }
    let bucketed = is_bucketed(rule);
    let good = read_windows(rule).filter(|(_, _, us)| !bucketed || *us >= MIN_BUCKETED_US);
    let good: Vec<usize> = good.map(|(index, ..)| index).collect();
    let all = 0..rule.windows.len();
    let mistaken = all.filter(|index| !good.contains(index));
    mistaken.map(|index| format!("windows[{index}]")).collect()
}

/// A rule is bucketed if any of its windows is too large to be exact.
fn is_bucketed(rule: &Rule) -> bool {
    read_windows(rule).any(|(_, window, _)| window.limit > 2_048)
}

/// The windows that are good by themselves, with their lengths: of equal lengths
/// the first.
fn read_windows(rule: &Rule) -> impl Iterator<Item = (usize, &Window, u64)> {
    let mut lengths = HashSet::new();
    let windows = rule.windows.iter().enumerate();
    windows.filter_map(move |(index, window)| {
        let us = length_us(window).filter(|us| lengths.insert(*us))?;
        Some((index, window, us))
    })
}

/// The length of a window that is good by itself.
fn length_us(window: &Window) -> Option<u64> {
    let us = window.count.unwrap_or(1).checked_mul(window.unit.1)?;
    let good = (1..=16_777_216).contains(&window.limit) && (1..=MAX_LENGTH_US).contains(&us);
    good.then_some(us)
}

/// Whether the cost is at least 1 and at most every window's limit.
fn is_cost(rule: &Rule) -> bool {
    let Some(cost) = rule.cost else { return true };
    let in_number = (1..=8).contains(&rule.windows.len());
    let limits = read_windows(rule).map(|(_, window, _)| window.limit);
    let smallest = limits.filter(|_| in_number).min();
    cost >= 1 && smallest.is_none_or(|limit| cost.unsigned_abs() <= limit)
}
