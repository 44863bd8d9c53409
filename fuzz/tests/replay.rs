//! Every file of `corpus/` goes through its target, and the corpora are still
//! about what they were made for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use slidegate_fuzz::operations;
use slidegate_fuzz::{TARGETS, Target};

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target)
}

fn inputs(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = std::fs::read_dir(corpus(target)).expect("a corpus");
    let mut paths: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).expect("a file of the corpus");
        (path, bytes)
    };
    paths.into_iter().map(read).collect()
}

fn replay(name: &str) {
    let (_, target): (_, Target) = TARGETS.into_iter().find(|t| t.0 == name).unwrap();
    let inputs = inputs(name);
    assert!(inputs.len() >= 10, "{name} has {} inputs", inputs.len());
    for (path, bytes) in inputs {
        let run = || target(&bytes);
        if std::panic::catch_unwind(run).is_err() {
            panic!(
                "{} shows a fault; run it alone to see which",
                path.display()
            );
        }
    }
}

#[test]
fn policy_text() {
    replay("policy_text");
}

#[test]
fn policy_field() {
    replay("policy_field");
}

#[test]
fn policy_model() {
    replay("policy_model");
}

#[test]
fn requests() {
    replay("requests");
}

#[test]
fn operations() {
    replay("operations");
}

#[test]
fn every_corpus_has_a_target() {
    let folders = std::fs::read_dir(corpus("")).expect("the corpora");
    for folder in folders {
        let name = folder.unwrap().file_name().into_string().unwrap();
        assert!(TARGETS.iter().any(|(target, _)| *target == name), "{name}");
    }
}

#[test]
fn the_operations_reach_what_they_are_for() {
    let mut all: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, bytes) in inputs("operations") {
        for (what, count) in operations::reach(&bytes).all() {
            *all.entry(what).or_default() += count;
        }
    }
    assert!(all.values().all(|count| *count >= 50), "{all:?}");
    assert!(all["exact"] > 2 * all["doubted"], "{all:?}");
}
