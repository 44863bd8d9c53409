//! Writes the conformance vectors, or compares them with the committed ones.
//!
//! `make-vectors OUT_DIR` writes every file; `make-vectors --check DIR` exits
//! with 1 and names the first file and line that differ.

mod bucketed;
mod bucketed_credits;
mod clock;
mod costs;
mod documents;
mod growth;
mod horizon_walk;
mod horizons;
mod mixed;
mod policies;
mod pools;
mod random;
mod refunded_rules;
mod refunds;
mod resets;
mod routing;
mod splitmix;
mod swaps;
mod timeline;
mod windows;

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use timeline::Timeline;

type NamedTimeline = (&'static str, fn() -> Timeline);

/// Every file, by name without its ending.
const TIMELINES: [NamedTimeline; 49] = [
    ("bucketed-day", bucketed::day),
    ("bucketed-minute", bucketed::minute),
    ("bucketed-pairs", bucketed::pairs),
    ("bucketed-refunds", bucketed_credits::refunds),
    ("bucketed-resets", bucketed_credits::resets),
    ("bucketed-second", bucketed::second),
    ("clock-back", clock::back),
    ("clock-sub-microsecond", clock::sub_microsecond),
    ("costs", costs::weights),
    ("costs-large", growth::costs),
    ("costs-rule", costs::rule_costs),
    ("credit-again", horizons::again),
    ("credit-longer", horizons::longer),
    ("credit-shorter", horizons::shorter),
    ("credit-walk", horizon_walk::walk),
    ("document-endpoints", documents::endpoints),
    ("document-merchants", documents::merchants),
    ("errors", routing::errors),
    ("growth-large", growth::large),
    ("growth-middle", growth::middle),
    ("growth-small", growth::small),
    ("mixed-milliseconds", mixed::milliseconds),
    ("mixed-minutes", mixed::minutes),
    ("mixed-seconds", mixed::seconds),
    ("pool-all", pools::all),
    ("random-milliseconds", random::milliseconds),
    ("random-minutes", random::minutes),
    ("random-seconds", random::seconds),
    ("refund-cap", refunds::cap),
    ("refund-rules", refunded_rules::rules),
    ("refund-single", refunds::single),
    ("refund-swaps", refunds::swaps),
    ("refund-windows", refunds::windows),
    ("reset-keys", resets::keys),
    ("reset-receipts", resets::receipts),
    ("rules-several", costs::several_rules),
    ("routing-document", routing::document),
    ("routing-precedence", routing::precedence),
    ("routing-unmatched-allow", routing::unmatched_allow),
    ("routing-unmatched-deny", routing::unmatched_deny),
    ("swap-lower", swaps::lower),
    ("swap-raise", swaps::raise),
    ("swap-routes", swaps::routes),
    ("swap-rules", swaps::rules),
    ("swap-windows", swaps::windows),
    ("window-edges", windows::edges),
    ("window-long", windows::long),
    ("window-pairs", windows::pairs),
    ("window-small", windows::small),
];

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args[..] {
        ["--check", dir] => check(Path::new(dir)),
        [dir] if !dir.starts_with('-') => write(Path::new(dir)),
        _ => Err("usage: make-vectors OUT_DIR | make-vectors --check DIR".to_string()),
    };
    match result {
        Ok(summary) => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn write(dir: &Path) -> Result<String, String> {
    fs::create_dir_all(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let mut step_count = 0;
    for (name, timeline) in TIMELINES {
        let text = timeline().into_jsonl();
        let path = dir.join(format!("{name}.jsonl"));
        step_count += text.lines().count() - 1;
        fs::write(&path, text).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(format!("{} files, {step_count} steps", TIMELINES.len()))
}

fn check(dir: &Path) -> Result<String, String> {
    for (name, timeline) in TIMELINES {
        let path = dir.join(format!("{name}.jsonl"));
        let committed =
            fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        if let Some(line) = first_difference(&committed, &timeline().into_jsonl()) {
            return Err(format!("{}:{line}: differs", path.display()));
        }
    }
    no_strays(dir)?;
    Ok(format!("{} files agree", TIMELINES.len()))
}

/// A file that nothing writes would be run by every language and kept right by
/// none.
fn no_strays(dir: &Path) -> Result<(), String> {
    let entries = fs::read_dir(dir).map_err(|e| format!("{}: {e}", dir.display()))?;
    let mut paths: Vec<_> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    paths.sort();
    let is_known = |stem: &str| TIMELINES.iter().any(|(name, _)| *name == stem);
    let is_stray = |path: &&std::path::PathBuf| {
        let stem = path.file_stem().and_then(|s| s.to_str());
        path.extension().is_some_and(|e| e == "jsonl") && !stem.is_some_and(is_known)
    };
    match paths.iter().find(is_stray) {
        Some(path) => Err(format!("{}: no timeline writes this file", path.display())),
        None => Ok(()),
    }
}

/// The first line, counted from 1, at which two texts differ.
fn first_difference(left: &str, right: &str) -> Option<usize> {
    if left == right {
        return None;
    }
    let same = |(l, r): &(&str, &str)| l == r;
    let pairs = left.split('\n').zip(right.split('\n'));
    Some(pairs.take_while(same).count() + 1)
}

#[cfg(test)]
mod tests {
    use super::first_difference;

    #[test]
    fn the_first_difference_is_a_line_number() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        assert_eq!(first_difference("a\nb\n", "a\nc\n"), Some(2));
        assert_eq!(first_difference("a\nb\n", "a\n"), Some(2));
        assert_eq!(first_difference("a\nb\n", "a\nb"), Some(3));
        assert_eq!(first_difference("", "a"), Some(1));
    }
}
