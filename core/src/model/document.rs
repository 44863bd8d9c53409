//! `docs/ordering.md` names every model with its bound, and every fault, and no other.

use std::collections::BTreeSet;
use std::fmt::Debug;

const DOCUMENT: &str = include_str!("../../../docs/ordering.md");
const FAULTS: &str = include_str!("../sync/fault.rs");
const MUTANTS: [&str; 2] = [
    include_str!("buckets/mutants.rs"),
    include_str!("mutants.rs"),
];
const MODELS: [&str; 10] = [
    include_str!("at_once.rs"),
    include_str!("buckets.rs"),
    include_str!("buckets/tenancy.rs"),
    include_str!("growth.rs"),
    include_str!("limiter.rs"),
    include_str!("refund.rs"),
    include_str!("reset.rs"),
    include_str!("ring.rs"),
    include_str!("table.rs"),
    include_str!("tenancy.rs"),
];

/// What comes before the next `end`.
fn until<'s>(text: &'s str, end: &str) -> &'s str {
    text.split(end).next().unwrap_or(text)
}

fn after<'s>(text: &'s str, start: &str) -> &'s str {
    text.split_once(start).map_or("", |(_, rest)| rest)
}

/// Every model that a text runs: its name and bound.
fn models(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let begins = |start: &'static str| text.split(start).skip(1);
    let unbounded = begins("Model::unbounded(\"").map(|rest| (until(rest, "\""), "none"));
    let bounded = begins("Model::bounded(\"")
        .map(|rest| (until(rest, "\""), until(after(rest, "\", "), ")")));
    let dying = begins("let name = format!(\"").map(|rest| {
        let bound = after(rest, "Model::bounded(name, ");
        (until(rest, " after {"), until(bound, ")"))
    });
    unbounded.chain(bounded).chain(dying)
}

/// The cells of the document's rows whose first begins and ends with `mark`.
fn rows(mark: &str) -> impl Iterator<Item = Vec<&'static str>> {
    let cells = |line: &'static str| line.split('|').skip(1).map(str::trim).collect();
    let begins = format!("| {mark}");
    let lines = DOCUMENT.lines().filter(move |l| l.starts_with(&begins));
    lines.map(cells)
}

fn differ_nowhere<T: Ord + Debug>(document: &BTreeSet<T>, code: &BTreeSet<T>) {
    let differ: Vec<_> = document.symmetric_difference(code).collect();
    assert!(differ.is_empty(), "document and code differ in {differ:?}");
}

#[test]
fn every_model_stands_in_the_document() {
    let run: BTreeSet<_> = MODELS.iter().flat_map(|text| models(text)).collect();
    let rows = rows("*").map(|cells: Vec<_>| (cells[0].trim_matches('*'), until(cells[2], " ")));
    assert!(run.len() > 50, "{run:?}");
    differ_nowhere(&rows.collect(), &run);
}

#[test]
fn every_model_that_a_table_names_is_run() {
    let run: BTreeSet<_> = MODELS.iter().flat_map(|text| models(text)).collect();
    // The bucketed ring's table leaves out what all of its models' names begin with.
    let names = run.iter().map(|(name, _)| name);
    let names: BTreeSet<_> = names.flat_map(|n| [*n, after(n, "buckets: ")]).collect();
    // Models stand in the last cell; else words are emphasised.
    let lines = DOCUMENT.lines().filter(|line| line.starts_with('|'));
    let cells = lines.filter_map(|line| line.trim_matches(['|', ' ']).rsplit('|').next());
    let named = cells.flat_map(|cell| cell.split('*').skip(1).step_by(2));
    let unknown: Vec<_> = named.filter(|name| !names.contains(name)).collect();
    assert!(unknown.is_empty(), "no model is called {unknown:?}");
}

#[test]
fn every_fault_has_a_mutant_and_stands_in_the_document() {
    let list = until(after(FAULTS, "enum Fault {"), "\n}").lines();
    let names = list.filter_map(|line| line.trim().strip_suffix(','));
    let faults: BTreeSet<_> = names.collect();
    assert!(faults.len() > 30, "{faults:?}");
    for name in &faults {
        let mutant = format!("Fault::{name},");
        let planted = MUTANTS.iter().any(|text| text.contains(&mutant));
        assert!(planted, "no mutant of {name}");
    }
    // The first cells of other rows are no names of faults.
    let named = rows("`").map(|cells: Vec<_>| cells[0].trim_matches('`'));
    let named = named.filter(|name| name.starts_with(char::is_uppercase));
    differ_nowhere(&named.collect(), &faults);
}
