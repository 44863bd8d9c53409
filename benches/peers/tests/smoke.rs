//! The harness in tiny sizes: every work runs, every file is there, and no figure is
//! missing or no number. The figures themselves mean nothing here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const PLOTS: [&str; 10] = [
    "latency-by-keys",
    "latency-by-work",
    "memory",
    "memory-by-keys",
    "tails-hot",
    "tails-uniform",
    "threads-distinct",
    "threads-hot",
    "threads-uniform",
    "threads-zipf",
];

/// Works of memory, and the lines of their tables.
const MEMORY: [(&str, &[&str]); 3] = [
    (
        "present-500",
        &[
            "slidegate, max_keys 600",
            "slidegate, names not kept, max_keys 600",
            "slidegate, max_keys 2000",
            "slidegate, names not kept, max_keys 2000",
            "slidegate, max_keys 4000",
            "slidegate, names not kept, max_keys 4000",
            "governor",
            "exact log",
        ],
    ),
    (
        "present-1000",
        &[
            "slidegate, max_keys 2000",
            "slidegate, names not kept, max_keys 2000",
            "slidegate, max_keys 4000",
            "slidegate, names not kept, max_keys 4000",
            "governor",
            "exact log",
        ],
    ),
    (
        "flood",
        &[
            "slidegate, flood 1",
            "slidegate, idle 1",
            "slidegate, flood 2",
            "slidegate, idle 2",
            "slidegate, flood 3",
            "slidegate, names not kept, flood 1",
            "slidegate, names not kept, idle 1",
            "slidegate, names not kept, flood 2",
            "slidegate, names not kept, idle 2",
            "slidegate, names not kept, flood 3",
            "governor, flood 1",
            "governor, idle 1",
            "governor, flood 2",
            "governor, idle 2",
            "governor, flood 3",
            "exact log, flood 1",
            "exact log, idle 1",
            "exact log, flood 2",
            "exact log, idle 2",
            "exact log, flood 3",
        ],
    ),
];

/// Works whose keys are settled before anything is timed, and their titles say so.
const SETTLED: [&str; 14] = [
    "uniform",
    "zipf",
    "windows",
    "threads-hot",
    "threads-uniform",
    "threads-zipf",
    "threads-distinct",
    "routes",
    "swaps",
    "capi-hot",
    "capi-zipf",
    "keys-1",
    "keys-10",
    "keys-100",
];

/// Works of which limitador makes a part.
const THINNED: [&str; 9] = [
    "hot",
    "uniform",
    "zipf",
    "fresh",
    "windows",
    "threads-hot",
    "threads-uniform",
    "threads-zipf",
    "threads-distinct",
];

/// Every target, as the report's first table has it.
const TARGETS: [(&str, &str); 38] = [
    ("one hot key", "at most 0.65"),
    ("one hot key, prepared", "at most 0.50"),
    ("one hot key, TSC clock", "at most 0.50"),
    ("one hot key, TSC clock, prepared", "at most 0.33"),
    ("uniform keys", "at most 0.70"),
    ("uniform keys, batches of 16", "at most 0.20"),
    ("uniform keys, batches of 16, decisions", "at most 0.20"),
    ("Zipf keys", "at most 0.65"),
    ("Zipf keys, batches of 16", "at most 0.25"),
    ("Zipf keys, batches of 16, decisions", "at most 0.25"),
    ("fresh keys", "at most 0.85"),
    ("two windows at once", "at most 0.30"),
    ("2 threads, denials of one hot key", "at least 0.95"),
    ("2 threads, uniform keys", "at least 0.90"),
    ("2 threads, Zipf keys", "at least 0.90"),
    ("2 threads, distinct keys", "at least 0.90"),
    ("memory, 1 live request", "at most 1.20"),
    ("memory, 1 live request, names not kept", "at most 1.20"),
    ("memory, 100 live requests", "at most 1.20"),
    ("memory, 100 live requests, names not kept", "at most 1.20"),
    ("memory, third flood to first", "at most 1.05"),
    (
        "memory, third flood to first, names not kept",
        "at most 1.05",
    ),
    ("200 routes", "at most 1.30"),
    ("1,000 swaps a second", "at most 1.05"),
    ("C interface, hot key", "at most 1.10"),
    ("C interface, hot key, prepared", "at most 1.10"),
    ("C interface, many keys", "at most 1.10"),
    ("C interface, many keys, prepared", "at most 1.10"),
    ("over-admission, edges", "exactly 1.00"),
    ("under-admission, edges", "exactly 1.00"),
    ("over-admission, trickle", "exactly 1.00"),
    ("under-admission, trickle", "exactly 1.00"),
    ("over-admission, steady", "exactly 1.00"),
    ("under-admission, steady", "exactly 1.00"),
    ("over-admission, bursts", "exactly 1.00"),
    ("under-admission, bursts", "exactly 1.00"),
    ("over-admission, 2 threads on one fresh key", "exactly 1.00"),
    (
        "under-admission, 2 threads on one fresh key",
        "exactly 1.00",
    ),
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

/// The text of a section of the report, without its heading.
fn section<'r>(report: &'r str, heading: &str) -> &'r str {
    let mut sections = report.split("\n## ");
    let section = sections.find_map(|section| section.strip_prefix(heading));
    section.unwrap_or_else(|| panic!("the report has no section {heading}"))
}

/// The first cell of each row of a section's table, and the second.
fn rows(section: &str) -> Vec<(&str, &str)> {
    let rows = section.lines().filter_map(|line| line.strip_prefix("| "));
    let cells = rows.map(|row| row.split(" | "));
    let cells = cells.filter_map(|mut cells| Some((cells.next()?, cells.next()?)));
    // The first row is the head.
    cells.skip(1).collect()
}

/// That a work of memory has these lines, in the results and in a table with totals,
/// and that a total is the keys' bytes.
fn assert_memory(results: &Value, report: &str, name: &str, lines: &[&str]) {
    let works = results["works"].as_array().expect("works");
    let work = works.iter().find(|work| work["name"] == name);
    let of_work = work.unwrap_or_else(|| panic!("no work {name}"))["lines"].clone();
    let measured: Vec<_> = of_work.as_array().expect("lines").iter().collect();
    let names: Vec<_> = measured.iter().map(|line| line["name"].as_str()).collect();
    let wanted: Vec<_> = lines.iter().copied().map(Some).collect();
    assert_eq!(names, wanted, "{name}");
    let keys = name
        .strip_prefix("present-")
        .map_or(2_000.0, |keys| keys.parse().unwrap());
    for line in measured {
        let total = line["total_bytes"]["median"].as_f64().expect("a total");
        let each = line["figure"]["median"].as_f64().expect("a figure");
        assert!((total - each * keys).abs() < 1.0, "{name}: {line}");
    }
    let section = section(report, &format!("{name}: "));
    assert!(
        section.contains("| contestant | bytes a key | MiB in all |"),
        "{section}"
    );
    let tabled: Vec<_> = rows(section).into_iter().map(|row| row.0).collect();
    assert_eq!(tabled, lines, "{name}");
}

/// That the work of growth has its contestants.
fn assert_growing(report: &str) {
    let section = section(report, "growing: ");
    let lines: Vec<_> = rows(section).into_iter().map(|row| row.0).collect();
    assert_eq!(lines, ["slidegate", "governor", "trypema", "exact log"]);
    assert!(section.contains("the 2nd to 17th unit"), "{section}");
}

/// That a table says that its keys were settled and its calls thinned, where they were,
/// and that every line has its ratio with a spread.
fn assert_said(work: &Value, report: &str) {
    let name = work["name"].as_str().expect("a name");
    let title = work["title"].as_str().expect("a title");
    assert_eq!(
        title.contains("settled"),
        SETTLED.contains(&name),
        "{title}"
    );
    let section = section(report, &format!("{name}: "));
    let thinned = section.contains("limitador is so slow that it makes one of 16");
    assert_eq!(thinned, THINNED.contains(&name), "{section}");
    for line in work["lines"].as_array().expect("lines") {
        let ratio = &line["ratio"];
        for figure in ["median", "lower", "upper"] {
            assert!(ratio[figure].is_number(), "{name}: {line}");
        }
    }
}

/// That every target is there, that nothing else is, and that each was judged, but for
/// those of the C interface, whose library the test does not have.
fn assert_targets(report: &str) {
    let section = section(report, "Targets\n");
    assert_eq!(rows(section), TARGETS);
    for line in section.lines().filter(|line| line.starts_with("| ")) {
        assert_eq!(
            line.contains("not measured"),
            line.contains("C interface"),
            "{line}"
        );
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
        let file = out.join(format!("plots/{plot}.svg"));
        let plot = fs::read_to_string(file).unwrap_or_else(|error| panic!("{plot}: {error}"));
        assert!(plot.starts_with("<svg") && plot.trim_end().ends_with("</svg>"));
        assert!(!plot.contains("NaN"));
    }
    let report = fs::read_to_string(out.join("report.md")).expect("report.md");
    assert!(!report.contains("NaN"));
    for (name, lines) in MEMORY {
        assert_memory(&results, &report, name, lines);
    }
    for work in results["works"].as_array().expect("works") {
        assert_said(work, &report);
    }
    assert_growing(&report);
    assert_targets(&report);
}

#[test]
fn only_what_was_named_runs() {
    let results = run(
        &folder("only"),
        &["--only", "hot,growing,threads-zipf", "--rounds", "3"],
    );
    let works = results["works"].as_array().expect("works");
    let names: Vec<_> = works.iter().map(|work| work["name"].as_str()).collect();
    assert_eq!(names, [Some("hot"), Some("growing"), Some("threads-zipf")]);
    assert_eq!(works[0]["lines"][0]["rounds"].as_array().unwrap().len(), 3);
    assert!(results.get("admission").is_none());
}
