//! From TOML text to a validated policy.
//!
//! The text is parsed to a tree that knows its places, then walked by hand: a
//! derived deserializer would stop at the first mistake, and an operator wants
//! them all.

use std::collections::HashMap;
use std::fmt::Display;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::hint::{found, nearest, shown_key};
use super::mistake::MAX_MISTAKES;
use super::route::{RoutePattern, RouteTable, RouteTarget};
use super::rule::RULE_FIELDS;
use super::{MAX_POLICY_BYTES, Mistake, PolicyInner};

pub(super) const POLICY_FIELDS: [&str; 4] = ["version", "unmatched", "exempt", "rule"];

/// Up to this size every error of syntax is reported; in a larger text the first
/// one only, because a hostile text could have millions.
const MAX_RECOVERABLE_BYTES: usize = 256 << 10;

pub(super) type Span = Range<usize>;

/// A table of the text, with the place that is named where a field is missing.
pub(super) struct Section<'s, 'd> {
    table: &'s DeTable<'d>,
    pub span: Span,
    /// What stands before the names of its fields.
    prefix: String,
}

impl<'s, 'd> Section<'s, 'd> {
    pub fn new(table: &'s DeTable<'d>, span: Span, prefix: String) -> Self {
        Self {
            table,
            span,
            prefix,
        }
    }

    pub fn get(&self, name: &str) -> Option<&'s Spanned<DeValue<'d>>> {
        self.table.get(name)
    }

    /// The field as a mistake names it.
    pub fn field(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

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

pub(super) struct Reader<'t> {
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

    pub fn complain(&mut self, span: Span, field: impl Into<String>, message: impl Into<String>) {
        if self.is_full() {
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

    /// Complains of a value in whose place something else must stand.
    pub fn complain_of_value(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        field: impl Into<String>,
        wanted: impl Display,
    ) {
        let message = format!("{wanted}, not {}", found(value.get_ref()));
        self.complain(value.span(), field, message);
    }

    fn is_full(&self) -> bool {
        self.mistakes.len() == MAX_MISTAKES
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
    pub fn line_of(&self, at: usize) -> usize {
        self.lines.partition_point(|&begin| begin <= at)
    }

    fn policy(&mut self, document: &Spanned<DeTable<'_>>) -> PolicyInner {
        let policy = Section::new(document.get_ref(), 0..0, String::new());
        let below = "it is a field of a rule; write it below its [[rule]]";
        self.unknown_fields(&policy, &POLICY_FIELDS, &RULE_FIELDS, below);
        self.version(&policy);
        let unmatched = [("allow", true), ("deny", false)];
        let admit_unmatched = self.choice(&policy, "unmatched", &unmatched);
        let rules = self.rules(&policy);
        self.exemptions(&policy);
        let routes = self.route_table();
        PolicyInner {
            admit_unmatched: admit_unmatched.unwrap_or(true),
            rules: rules.list,
            star_rules: rules.stars,
            routes,
        }
    }

    /// Complains of every field that is not `known`; of those `elsewhere`, it
    /// says where.
    pub fn unknown_fields(
        &mut self,
        section: &Section<'_, '_>,
        known: &[&str],
        elsewhere: &[&str],
        where_else: &str,
    ) {
        let is_unknown = |key: &&Spanned<_>| !known.contains(&AsRef::<str>::as_ref(key.get_ref()));
        for key in section.table.keys().filter(is_unknown) {
            // A hint takes time, and a hostile text has a million unknown fields.
            if self.is_full() {
                return;
            }
            let name = key.get_ref().as_ref();
            let hint = match nearest(name, known) {
                _ if elsewhere.contains(&name) => where_else.to_owned(),
                Some(near) => format!("did you mean {near}?"),
                None => format!("the fields here are {}", known.join(", ")),
            };
            let shown = shown_key(name);
            let message = format!("unknown field {shown}; {hint}");
            self.complain(key.span(), section.field(&shown), message);
        }
    }

    /// The value that a field's text stands for; `None` where the field is absent
    /// or mistaken.
    pub fn choice<T: Copy>(
        &mut self,
        section: &Section<'_, '_>,
        name: &str,
        choices: &[(&str, T); 2],
    ) -> Option<T> {
        let value = section.get(name)?;
        let text = value.get_ref().as_str();
        let chosen = choices.iter().find(|(choice, _)| text == Some(choice));
        if chosen.is_none() {
            let [(first, _), (second, _)] = choices;
            let wanted = format!("write \"{first}\" or \"{second}\"");
            self.complain_of_value(value, section.field(name), wanted);
        }
        chosen.map(|(_, value)| *value)
    }

    fn version(&mut self, policy: &Section<'_, '_>) {
        match policy.get("version") {
            None => self.complain(0..0, "version", "it is missing; write version = 1"),
            Some(value) if integer(value) == Some(1) => {}
            Some(value) => {
                let wanted = "write version = 1, the one that this library reads";
                self.complain_of_value(value, "version", wanted);
            }
        }
    }

    fn exemptions(&mut self, policy: &Section<'_, '_>) {
        let Some(value) = policy.get("exempt") else {
            return;
        };
        let Some(list) = value.get_ref().as_array() else {
            let wanted = "write a list of routes, such as [\"GET /healthz\"]";
            return self.complain_of_value(value, "exempt", wanted);
        };
        for (index, item) in list.iter().enumerate() {
            let field = format!("exempt[{index}]");
            match item.get_ref().as_str() {
                Some(route) => self.route(item.span(), field, route, RouteTarget::Exempt),
                None => {
                    self.complain_of_value(item, field, "write a route, such as \"GET /healthz\"")
                }
            }
        }
    }

    pub fn route(&mut self, span: Span, field: String, text: &str, target: RouteTarget) {
        match RoutePattern::parse(text) {
            Ok(pattern) => {
                self.routes.push((pattern, target));
                self.route_places.push((span, field));
            }
            Err(why) => {
                let message = format!("\"{text}\" is not a route: {why}");
                self.complain(span, field, message);
            }
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
}

pub(super) fn integer(value: &Spanned<DeValue<'_>>) -> Option<i64> {
    let integer = value.get_ref().as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}
