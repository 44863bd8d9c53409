//! From TOML text to a validated policy.
//!
//! The text is parsed to a tree that knows its places, then walked by hand: a
//! derived deserializer would stop at the first mistake, and an operator wants
//! them all.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use smallvec::SmallVec;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::MAX_MISTAKES;
use super::route::{RoutePattern, RouteTable, RouteTarget};
use super::{
    MAX_POLICY_BYTES, MAX_RULE_NAME_BYTES, MAX_RULES, MAX_STAR_RULES, MAX_WINDOWS, Mistake,
    PolicyInner, Rule, Windows,
};

use crate::window::{Window, WindowError};

const POLICY_FIELDS: [&str; 4] = ["version", "unmatched", "exempt", "rule"];
const RULE_FIELDS: [&str; 4] = ["name", "match", "windows", "cost"];

/// Up to this size every error of syntax is reported; in a larger text the first
/// one only, because a hostile text could have millions.
const MAX_RECOVERABLE_BYTES: usize = 256 << 10;

type Span = Range<usize>;

pub(super) fn parse(text: &str) -> Result<PolicyInner, Vec<Mistake>> {
    let mut reader = Reader::new(text);
    if text.len() > MAX_POLICY_BYTES {
        reader.complain(
            0..0,
            "",
            format!("the text is larger than {MAX_POLICY_BYTES} bytes"),
        );
        return Err(reader.mistakes);
    }
    let (document, errors) = match text.len() <= MAX_RECOVERABLE_BYTES {
        true => DeTable::parse_recoverable(text),
        false => match DeTable::parse(text) {
            Ok(document) => (document, Vec::new()),
            Err(first) => (Spanned::new(0..0, DeTable::new()), vec![first]),
        },
    };
    for error in &errors {
        reader.complain(error.span().unwrap_or(0..0), "", error.message().to_owned());
    }
    let policy = reader.policy(&document);
    // What the parser had to guess at is not worth a second complaint.
    if !errors.is_empty() {
        reader.mistakes.truncate(errors.len().min(MAX_MISTAKES));
    }
    reader.mistakes.sort_by_key(|m| (m.line, m.column));
    match reader.mistakes.is_empty() {
        true => Ok(policy),
        false => Err(reader.mistakes),
    }
}

struct Reader<'t> {
    text: &'t str,
    /// Byte offsets at which lines begin.
    lines: Vec<usize>,
    mistakes: Vec<Mistake>,
    /// A byte offset, the begin of its line, and its column, to count on from.
    last_place: (usize, usize, usize),
    routes: Vec<(RoutePattern, RouteTarget)>,
    /// Where each of `routes` was written, and its field.
    route_places: Vec<(Span, String)>,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str) -> Self {
        let newlines = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            text,
            lines: std::iter::once(0).chain(newlines).collect(),
            mistakes: Vec::new(),
            last_place: (0, 0, 1),
            routes: Vec::new(),
            route_places: Vec::new(),
        }
    }

    fn complain(&mut self, span: Span, field: impl Into<String>, message: impl Into<String>) {
        if self.mistakes.len() == MAX_MISTAKES {
            return;
        }
        let at = span.start.min(self.text.len());
        let line = self.line_of(at);
        let column = self.column_of(at, self.lines[line - 1]);
        self.mistakes.push(Mistake {
            line,
            column,
            field: field.into(),
            message: message.into(),
        });
    }

    /// The column, from 1, of a byte offset in the line that begins at `begin`.
    /// It counts on from the last one asked for, so that a long line with many
    /// mistakes is counted once.
    fn column_of(&mut self, at: usize, begin: usize) -> usize {
        let (last_at, last_begin, last_column) = self.last_place;
        let (from, column) = match last_begin == begin && last_at <= at {
            true => (last_at, last_column),
            false => (begin, 1),
        };
        let between = self.text.get(from..at).unwrap_or("");
        let column = column + between.chars().count();
        self.last_place = (at, begin, column);
        column
    }

    /// The line, from 1, of a byte offset.
    fn line_of(&self, at: usize) -> usize {
        self.lines.partition_point(|&begin| begin <= at)
    }

    fn policy(&mut self, document: &Spanned<DeTable<'_>>) -> PolicyInner {
        let table = document.get_ref();
        self.unknown_fields(table, "", &POLICY_FIELDS);
        self.version(table);
        let admit_unmatched = self.unmatched(table);
        let (rules, star_rules) = self.rules(table);
        self.exemptions(table);
        let routes = self.route_table();
        PolicyInner {
            admit_unmatched,
            rules,
            star_rules,
            routes,
        }
    }

    fn unknown_fields(&mut self, table: &DeTable<'_>, prefix: &str, known: &[&str]) {
        for key in table.keys() {
            let name = key.get_ref();
            if !known.contains(&name.as_ref()) {
                let message = format!("unknown field; the fields here are {}", known.join(", "));
                self.complain(key.span(), format!("{prefix}{name}"), message);
            }
        }
    }

    fn version(&mut self, table: &DeTable<'_>) {
        match table.get("version") {
            None => self.complain(0..0, "version", "it is missing; write version = 1"),
            Some(value) if integer(value) == Some(1) => {}
            Some(value) => self.complain(
                value.span(),
                "version",
                "it is not a version that this library reads; write version = 1",
            ),
        }
    }

    fn unmatched(&mut self, table: &DeTable<'_>) -> bool {
        let Some(value) = table.get("unmatched") else {
            return true;
        };
        match value.get_ref().as_str() {
            Some("allow") => true,
            Some("deny") => false,
            _ => {
                self.complain(value.span(), "unmatched", "write \"allow\" or \"deny\"");
                true
            }
        }
    }

    fn exemptions(&mut self, table: &DeTable<'_>) {
        let Some(value) = table.get("exempt") else {
            return;
        };
        let Some(list) = value.get_ref().as_array() else {
            let message = "write a list of routes, such as [\"GET /healthz\"]";
            return self.complain(value.span(), "exempt", message);
        };
        for (index, item) in list.iter().enumerate() {
            let field = format!("exempt[{index}]");
            match item.get_ref().as_str() {
                Some(route) => self.route(item.span(), field, route, RouteTarget::Exempt),
                None => self.complain(
                    item.span(),
                    field,
                    "write a route, such as \"GET /healthz\"",
                ),
            }
        }
    }

    fn route(&mut self, span: Span, field: String, text: &str, target: RouteTarget) {
        match RoutePattern::parse(text) {
            Ok(pattern) => {
                self.routes.push((pattern, target));
                self.route_places.push((span, field));
            }
            Err(message) => self.complain(span, field, message),
        }
    }

    fn route_table(&mut self) -> RouteTable {
        let mut seen: HashMap<&RoutePattern, usize> = HashMap::new();
        let mut equal = Vec::new();
        for (index, (pattern, _)) in self.routes.iter().enumerate() {
            match seen.get(pattern) {
                Some(first) => equal.push((index, *first)),
                None => drop(seen.insert(pattern, index)),
            }
        }
        for &(index, first) in &equal {
            let (span, field) = self.route_places[index].clone();
            let (first_span, first_field) = self.route_places[first].clone();
            let line = self.line_of(first_span.start);
            let message = format!("the same route stands in {first_field}, line {line}");
            self.complain(span, field, message);
        }
        let built = match equal.is_empty() {
            true => RouteTable::build(&self.routes),
            false => Ok(RouteTable::default()),
        };
        built.unwrap_or_else(|(index, message)| {
            let (span, field) = self.route_places[index].clone();
            self.complain(span, field, message);
            RouteTable::default()
        })
    }

    fn rules(&mut self, table: &DeTable<'_>) -> (Vec<Rule>, SmallVec<[u32; 4]>) {
        let (mut rules, mut stars) = (Vec::new(), SmallVec::new());
        let Some(value) = table.get("rule") else {
            return (rules, stars);
        };
        let Some(list) = value.get_ref().as_array() else {
            self.complain(value.span(), "rule", "write each rule as a [[rule]] table");
            return (rules, stars);
        };
        if list.len() > MAX_RULES {
            self.complain(
                value.span(),
                "rule",
                format!("there are more than {MAX_RULES} rules"),
            );
            return (rules, stars);
        }
        let mut lines_by_name: HashMap<String, usize> = HashMap::new();
        for (index, item) in list.iter().enumerate() {
            let prefix = format!("rule[{index}].");
            let Some(table) = item.get_ref().as_table() else {
                let message = "write each rule as a [[rule]] table";
                self.complain(item.span(), format!("rule[{index}]"), message);
                continue;
            };
            self.unknown_fields(table, &prefix, &RULE_FIELDS);
            let name = self.rule_name(table, item.span(), &prefix, &mut lines_by_name);
            self.rule_match(table, item.span(), &prefix, index as u32, &mut stars);
            let windows = self.windows(table, item.span(), &prefix);
            let cost = self.rule_cost(table, &prefix, &windows);
            rules.push(Rule {
                name: Arc::from(name),
                windows,
                cost,
            });
        }
        (rules, stars)
    }

    fn rule_name(
        &mut self,
        table: &DeTable<'_>,
        rule: Span,
        prefix: &str,
        lines_by_name: &mut HashMap<String, usize>,
    ) -> String {
        let field = format!("{prefix}name");
        let Some((span, name)) =
            self.text_field(table, rule, &field, "a name, such as \"create-payment\"")
        else {
            return String::new();
        };
        let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if name.is_empty() || name.len() > MAX_RULE_NAME_BYTES || !name.bytes().all(is_name) {
            let message = "a name is 1 to 64 letters, digits, '-', '_' and '.'";
            self.complain(span.clone(), &*field, message);
        }
        let line = self.line_of(span.start);
        match lines_by_name.get(&name) {
            Some(first) => {
                let message = format!("the rule on line {first} has this name already");
                self.complain(span, field, message);
            }
            None => drop(lines_by_name.insert(name.clone(), line)),
        }
        name
    }

    fn rule_match(
        &mut self,
        table: &DeTable<'_>,
        rule: Span,
        prefix: &str,
        index: u32,
        stars: &mut SmallVec<[u32; 4]>,
    ) {
        let field = format!("{prefix}match");
        let wanted = "a route, such as \"POST /v1/payment\", or \"*\" for every request";
        let Some((span, text)) = self.text_field(table, rule, &field, wanted) else {
            return;
        };
        if text != "*" {
            return self.route(span, field, &text, RouteTarget::Rule(index));
        }
        stars.push(index);
        if stars.len() == MAX_STAR_RULES + 1 {
            self.complain(
                span,
                field,
                format!("there are more than {MAX_STAR_RULES} rules with \"*\""),
            );
        }
    }

    fn text_field(
        &mut self,
        table: &DeTable<'_>,
        owner: Span,
        field: &str,
        wanted: &str,
    ) -> Option<(Span, String)> {
        let name = field.rsplit('.').next().unwrap_or(field);
        let Some(value) = table.get(name) else {
            self.complain(owner, field, format!("it is missing; write {wanted}"));
            return None;
        };
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            self.complain(value.span(), field, format!("write {wanted}"));
        }
        text.map(|text| (value.span(), text))
    }

    fn windows(&mut self, table: &DeTable<'_>, rule: Span, prefix: &str) -> Windows {
        let field = format!("{prefix}windows");
        let wanted = "a list of windows, such as [\"100/s\", \"400/min\"]";
        let mut windows = Windows::new();
        let Some(value) = table.get("windows") else {
            self.complain(rule, field, format!("it is missing; write {wanted}"));
            return windows;
        };
        let list = match value.get_ref().as_array() {
            Some(list) if (1..=MAX_WINDOWS).contains(&list.len()) => list,
            Some(list) if !list.is_empty() => {
                self.complain(
                    value.span(),
                    field,
                    format!("there are more than {MAX_WINDOWS} windows"),
                );
                return windows;
            }
            _ => {
                self.complain(value.span(), field, format!("write {wanted}"));
                return windows;
            }
        };
        for (index, item) in list.iter().enumerate() {
            let field = format!("{field}[{index}]");
            match self.window(item, &field) {
                Some(window) if windows.iter().any(|w| w.ticks() == window.ticks()) => {
                    self.complain(
                        item.span(),
                        field,
                        "the rule has a window of this length already",
                    );
                }
                Some(window) => windows.push(window),
                None => {}
            }
        }
        windows
    }

    fn window(&mut self, item: &Spanned<DeValue<'_>>, field: &str) -> Option<Window> {
        let parsed = match item.get_ref().as_str() {
            Some(text) => text.parse().map_err(|error: WindowError| error.to_string()),
            None => Err("write a window as text, such as \"100/s\"".to_owned()),
        };
        parsed
            .map_err(|message| self.complain(item.span(), field, message))
            .ok()
    }

    fn rule_cost(&mut self, table: &DeTable<'_>, prefix: &str, windows: &Windows) -> u32 {
        let Some(value) = table.get("cost") else {
            return 1;
        };
        let field = format!("{prefix}cost");
        let Some(cost) = integer(value)
            .and_then(|n| u32::try_from(n).ok())
            .filter(|n| *n >= 1)
        else {
            self.complain(
                value.span(),
                field,
                "write a whole number of units, 1 or more",
            );
            return 1;
        };
        if let Some(window) = windows.iter().find(|w| w.limit < cost) {
            let message = format!(
                "cost {cost} is above the limit of {window}, so no request could ever be admitted"
            );
            self.complain(value.span(), field, message);
        }
        cost
    }
}

fn integer(value: &Spanned<DeValue<'_>>) -> Option<i64> {
    let integer = value.get_ref().as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}
