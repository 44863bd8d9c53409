//! The committed vectors: a few lines worked out by hand, and all of them
//! against what the reference says today.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use slidegate_reference::Outcome;
use slidegate_reference::vector::{Header, RequestExpect, Step};

/// Answers of `window-pairs.jsonl`, which has 5 a second and 8 in ten seconds:
/// three requests at 0 s, then five a millisecond apart from 2 s on. Step, then
/// the decision as it stands in the file.
const PAIRS: [(usize, &str); 6] = [
    (
        1,
        r#""now_ns":0,"op":"check","merchant":"m_1","endpoint":"GET /x","cost":1,"expect":{"outcome":"allowed","allowed":true,"rule":"x","limit":5,"window_ns":1000000000,"precision":"exact","remaining":4,"retry_after_ns":null,"reset_at_ns":1767225601123456789,"policy_version":1}"#,
    ),
    (
        3,
        r#""now_ns":0,"op":"check","merchant":"m_1","endpoint":"GET /x","cost":1,"expect":{"outcome":"allowed","allowed":true,"rule":"x","limit":5,"window_ns":1000000000,"precision":"exact","remaining":2,"retry_after_ns":null,"reset_at_ns":1767225601123456789,"policy_version":1}"#,
    ),
    // 5 left in both: the longer window.
    (
        4,
        r#""now_ns":2000000000,"op":"peek","merchant":"m_1","endpoint":"GET /x","cost":1,"expect":{"outcome":"allowed","allowed":true,"rule":"x","limit":8,"window_ns":10000000000,"precision":"exact","remaining":5,"retry_after_ns":null,"reset_at_ns":1767225610123456789,"policy_version":1}"#,
    ),
    (
        9,
        r#""now_ns":2004000000,"op":"check","merchant":"m_1","endpoint":"GET /x","cost":1,"expect":{"outcome":"allowed","allowed":true,"rule":"x","limit":8,"window_ns":10000000000,"precision":"exact","remaining":0,"retry_after_ns":null,"reset_at_ns":1767225610123456789,"policy_version":1}"#,
    ),
    // Five more need five units gone: the three of 0 s, 2.000 s and 2.001 s.
    (
        10,
        r#""now_ns":2004000000,"op":"peek","merchant":"m_1","endpoint":"GET /x","cost":5,"expect":{"outcome":"denied","allowed":false,"rule":"x","limit":8,"window_ns":10000000000,"precision":"exact","remaining":0,"retry_after_ns":9997000000,"reset_at_ns":1767225612124456789,"policy_version":1}"#,
    ),
    (
        11,
        r#""now_ns":2004000000,"op":"check","merchant":"m_1","endpoint":"GET /x","cost":1,"expect":{"outcome":"denied","allowed":false,"rule":"x","limit":8,"window_ns":10000000000,"precision":"exact","remaining":0,"retry_after_ns":7996000000,"reset_at_ns":1767225610123456789,"policy_version":1}"#,
    ),
];

/// Lines of `refund-single.jsonl`, which has 5 a second: five units 10 ms
/// apart, a denial, and the unit of 40 ms given back at 41 ms.
const REFUND: [(usize, &str); 4] = [
    (
        5,
        r#""now_ns":40000000,"op":"check","merchant":"m_1","endpoint":"POST /pay","cost":1,"receipt":1,"expect":{"outcome":"allowed","allowed":true,"rule":"pay","limit":5,"window_ns":1000000000,"precision":"exact","remaining":0,"retry_after_ns":null,"reset_at_ns":1767225601123456789,"policy_version":1}"#,
    ),
    (
        6,
        r#""now_ns":40000000,"op":"check","merchant":"m_1","endpoint":"POST /pay","cost":1,"receipt":2,"expect":{"outcome":"denied","allowed":false,"rule":"pay","limit":5,"window_ns":1000000000,"precision":"exact","remaining":0,"retry_after_ns":960000000,"reset_at_ns":1767225601123456789,"policy_version":1}"#,
    ),
    (
        7,
        r#""now_ns":41000000,"op":"refund","receipt":1,"expect":{}"#,
    ),
    (
        8,
        r#""now_ns":41000000,"op":"peek","merchant":"m_1","endpoint":"POST /pay","cost":1,"expect":{"outcome":"allowed","allowed":true,"rule":"pay","limit":5,"window_ns":1000000000,"precision":"exact","remaining":1,"retry_after_ns":null,"reset_at_ns":1767225601123456789,"policy_version":1}"#,
    ),
];

fn committed_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors")
}

fn read(name: &str) -> String {
    fs::read_to_string(committed_dir().join(name)).expect("the vectors are committed")
}

fn make_vectors(args: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_make-vectors"))
        .args(args)
        .output()
        .expect("the binary runs");
    let message = String::from_utf8(output.stderr).expect("messages are text");
    (output.status.success(), message)
}

#[test]
fn the_first_lines_are_right() {
    let text = read("window-pairs.jsonl");
    let lines: Vec<&str> = text.lines().collect();
    let header = r#"{"vectors":2,"about":"Two windows in one rule: the one with the latest retry, or the least remaining, is reported.","unix_ns":1767225600123456789,"max_keys":1024,"policy":"version = 1\nunmatched = \"allow\"\n\n[[rule]]\nname = \"x\"\nmatch = \"GET /x\"\nwindows = [\"5/s\", \"8/10s\"]\n"}"#;
    assert_eq!(lines[0], header);
    for (step, expected) in PAIRS {
        assert_eq!(lines[step], format!("{{{expected}}}"), "step {step}");
    }
}

#[test]
fn a_receipt_is_a_number_that_a_refund_names() {
    let text = read("refund-single.jsonl");
    let lines: Vec<&str> = text.lines().collect();
    for (step, expected) in REFUND {
        assert_eq!(lines[step], format!("{{{expected}}}"), "step {step}");
    }
}

/// What a reader may rely on: a refund names a check that was admitted and
/// charged a rule, once; and a reset is followed by a later tick.
#[test]
fn receipts_and_resets_are_used_as_promised() {
    let mut refund_count = 0;
    for (name, text) in committed_files() {
        let steps = text.lines().skip(1);
        let steps = steps.map(|line| serde_json::from_str::<Step>(line).unwrap());
        let mut receipts = BTreeSet::new();
        let mut numbers = BTreeSet::new();
        let mut reset_tick = None;
        for step in steps {
            match step {
                Step::Request(step) => {
                    let tick = Some(step.now_ns / 1_000);
                    assert!(
                        reset_tick.is_none() || tick > reset_tick,
                        "{name}: {step:?}"
                    );
                    let is_new = step.receipt.is_none_or(|number| numbers.insert(number));
                    assert!(is_new, "{name}: {step:?}");
                    receipts.extend(step.receipt.filter(|_| has_receipt(&step.expect)));
                }
                Step::Refund(step) => {
                    assert!(receipts.remove(&step.receipt), "{name}: {step:?}");
                    refund_count += 1;
                }
                Step::Reset(step) => reset_tick = Some(step.now_ns / 1_000),
                Step::Swap(_) => {}
            }
        }
    }
    assert!(refund_count > 400, "{refund_count}");
}

fn has_receipt(expect: &RequestExpect) -> bool {
    let RequestExpect::Decision(decision) = expect else {
        return false;
    };
    decision.outcome == Outcome::Allowed && decision.rule.is_some()
}

/// Every committed file, by name.
fn committed_files() -> Vec<(String, String)> {
    let entries = fs::read_dir(committed_dir()).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.extension().is_some_and(|e| e == "jsonl"));
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path.display().to_string(), text)
    };
    paths.map(read).collect()
}

#[test]
fn every_line_is_of_the_published_shape() {
    for (name, text) in committed_files() {
        let (first, steps) = text.split_once('\n').unwrap();
        let header: Header = serde_json::from_str(first).unwrap();
        assert_eq!(header.vectors, 2, "{name}");
        for line in steps.lines() {
            let step: Step = serde_json::from_str(line).unwrap();
            assert_eq!(serde_json::to_string(&step).unwrap(), line, "{name}");
        }
    }
}

#[test]
fn the_committed_vectors_are_what_the_reference_says() {
    let dir = committed_dir();
    let (agree, message) = make_vectors(&["--check", dir.to_str().unwrap()]);
    assert!(agree, "{message}");
}

#[test]
fn a_changed_line_is_named() {
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("changed-vectors");
    let dir = dir.to_str().unwrap();
    let (written, message) = make_vectors(&[dir]);
    assert!(written, "{message}");
    let path = Path::new(dir).join("costs.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        text.replacen("\"remaining\":9", "\"remaining\":8", 1),
    )
    .unwrap();
    let (agree, message) = make_vectors(&["--check", dir]);
    assert!(!agree);
    assert!(message.contains("costs.jsonl:2: differs"), "{message}");
}
