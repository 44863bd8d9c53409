//! The harness in tiny sizes: every work runs, every file is there, and no figure is
//! missing or no number. The figures themselves mean nothing here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const PLOTS: [&str; 8] = [
    "latency-by-keys",
    "latency-by-work",
    "memory",
    "tails-hot",
    "tails-uniform",
    "threads-hot",
    "threads-uniform",
    "threads-zipf",
];

/// A folder of its own under the build's.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    folder
}

fn run(out: &Path, more: &[&str]) -> Value {
    let mut harness = Command::new(env!("CARGO_BIN_EXE_slidegate-peers"));
    let harness = harness.args(["--smoke", "--out"]).arg(out).args(more);
    let output = harness.output().expect("the harness");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let json = fs::read(out.join("results.json")).expect("results.json");
    serde_json::from_slice(&json).expect("JSON")
}

/// JSON has no NaN and no infinity: they are written as null, and nothing else is.
fn assert_no_null(value: &Value, place: &str) {
    match value {
        Value::Null => panic!("{place} is no number"),
        Value::Array(values) => {
            let values = values.iter().enumerate();
            values.for_each(|(n, value)| assert_no_null(value, &format!("{place}[{n}]")));
        }
        Value::Object(values) => {
            let values = values.iter();
            values.for_each(|(name, value)| assert_no_null(value, &format!("{place}.{name}")));
        }
        _ => {}
    }
}

fn assert_positive(work: &Value) {
    let name = &work["name"];
    for line in work["lines"].as_array().expect("lines") {
        let rounds = line["rounds"].as_array().expect("rounds");
        assert!(!rounds.is_empty(), "{name}: {line}");
        for figure in rounds {
            assert!(
                figure.as_f64().is_some_and(|figure| figure > 0.0),
                "{name}: {line}"
            );
        }
    }
}

/// What holds of exact limiters at any size and speed.
fn assert_exact(admission: &Value) {
    for row in admission["rows"].as_array().expect("rows") {
        if row["name"] == "slidegate" || row["name"] == "exact log" {
            assert!(row["over"].as_f64().unwrap() <= 1.0, "{row}");
            assert_eq!(row["under"], 1.0, "{row}");
        }
    }
    assert!(
        admission["race"]["over_surely"].as_f64().unwrap() <= 1.0,
        "{admission}"
    );
}

#[test]
fn everything_runs_and_every_file_is_written() {
    let out = folder("smoke");
    let results = run(&out, &[]);
    assert_no_null(&results, "results");
    for work in results["works"].as_array().expect("works") {
        let through_c = work["name"].as_str().unwrap().starts_with("capi-");
        let lines = work["lines"].as_array().expect("lines").len();
        assert_eq!(lines == 0, through_c, "{work}");
        assert_positive(work);
    }
    assert_exact(&results["admission"]);
    for plot in PLOTS {
        let plot = fs::read_to_string(out.join(format!("plots/{plot}.svg"))).expect("a plot");
        assert!(plot.starts_with("<svg") && plot.trim_end().ends_with("</svg>"));
        assert!(!plot.contains("NaN"));
    }
    let report = fs::read_to_string(out.join("report.md")).expect("report.md");
    assert!(report.contains("## Targets") && !report.contains("NaN"));
}

#[test]
fn only_what_was_named_runs() {
    let results = run(
        &folder("only"),
        &["--only", "hot,threads-zipf", "--rounds", "3"],
    );
    let works = results["works"].as_array().expect("works");
    let names: Vec<_> = works.iter().map(|work| work["name"].as_str()).collect();
    assert_eq!(names, [Some("hot"), Some("threads-zipf")]);
    assert_eq!(works[0]["lines"][0]["rounds"].as_array().unwrap().len(), 3);
    assert!(results.get("admission").is_none());
}
