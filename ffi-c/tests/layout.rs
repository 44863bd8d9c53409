//! The committed header against the Rust types, as a C compiler sees it: sizes,
//! alignments, offsets and constants. The numbers are spelled out here because
//! they are the promise; a change of both sides at once must not pass unseen.

use std::collections::BTreeMap;
use std::mem::{align_of, offset_of};
use std::path::Path;
use std::process::Command;

#[path = "../src/abi.rs"]
#[allow(dead_code)]
mod abi;
use abi::*;

const HEADER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../include/slidegate.h");

/// A C expression, its value in Rust, and the value promised.
type Fact = (String, u64, u64);

macro_rules! constants {
    ($($name:ident = $promised:expr),* $(,)?) => {
        vec![$((stringify!($name).to_owned(), u64::from($name), $promised)),*]
    };
}

macro_rules! layout {
    ($type:ident: size $size:expr, align $align:expr; $($field:ident @ $offset:expr),* $(,)?) => {
        vec![
            (concat!("sizeof(", stringify!($type), ")").to_owned(), size_of::<$type>() as u64, $size),
            (concat!("_Alignof(", stringify!($type), ")").to_owned(), align_of::<$type>() as u64, $align),
            $((
                concat!("offsetof(", stringify!($type), ", ", stringify!($field), ")").to_owned(),
                offset_of!($type, $field) as u64,
                $offset,
            )),*
        ]
    };
}

fn constants() -> Vec<Fact> {
    constants![
        SLG_OK = 0,
        SLG_STATUS_NULL_POINTER = 1,
        SLG_STATUS_INVALID_MERCHANT = 2,
        SLG_STATUS_INVALID_COST = 3,
        SLG_STATUS_INVALID_ENDPOINT = 4,
        SLG_STATUS_INVALID_POLICY = 5,
        SLG_STATUS_IO = 6,
        SLG_STATUS_NOT_UTF8 = 7,
        SLG_STATUS_INVALID_ARGUMENT = 8,
        SLG_STATUS_OUT_OF_MEMORY = 9,
        SLG_STATUS_TOO_MANY_ENDPOINTS = 10,
        SLG_STATUS_TOO_MANY_RULES = 11,
        SLG_STATUS_BUFFER_TOO_SMALL = 12,
        SLG_STATUS_CORRUPT = 13,
        SLG_STATUS_PANIC = 14,
        SLG_STATUS_UNKNOWN_RULE = 15,
        SLG_STATUS_FOREIGN_RECEIPT = 16,
        SLG_STATUS_FOREIGN_KEY = 17,
        SLG_STATUS_PRECISION = 18,
        SLG_STATUS_LIMIT_TOO_LARGE = 19,
        SLG_OUTCOME_NONE = 0,
        SLG_OUTCOME_ALLOWED = 1,
        SLG_OUTCOME_DENIED = 2,
        SLG_OUTCOME_EXEMPT = 3,
        SLG_OUTCOME_UNMATCHED = 4,
        SLG_OUTCOME_UNTRACKED = 5,
        SLG_OUTCOME_NEVER = 6,
        SLG_ON_FULL_DENY = 0,
        SLG_ON_FULL_ADMIT = 1,
        SLG_ON_FULL_OVERFLOW = 2,
        SLG_FLAG_UNTRACKED = 1,
        SLG_FLAG_BUCKETED = 2,
        SLG_FLAG_BLOCKS = 4,
        SLG_ENDPOINT_NONE = 0xffff_ffff,
        SLG_RULE_NONE = 0xffff_ffff,
        SLG_MAX_WINDOWS = 1024,
        SLG_MAX_MERCHANT_BYTES = 1024,
        SLG_ABI_VERSION = 1,
    ]
}

fn layouts() -> Vec<Fact> {
    let mut facts = layout![slg_decision: size 64, align 8;
        outcome @ 0, allowed @ 4, rule @ 8, flags @ 12, window_ns @ 16, limit @ 24,
        remaining @ 28, retry_after_ns @ 32, reset_at_ns @ 40, policy_version @ 48,
        reserved @ 56,
    ];
    facts.extend(layout![slg_window: size 64, align 8;
        rule @ 0, flags @ 4, window_ns @ 8, limit @ 16, remaining @ 20, retry_after_ns @ 24,
        reset_at_ns @ 32, reserved @ 40,
    ]);
    if cfg!(target_pointer_width = "64") {
        facts.extend(layout![slg_options: size 32, align 8;
            struct_size @ 0, on_full @ 4, max_keys @ 8, clock @ 16, max_limit @ 24,
            reserved @ 28,
        ]);
        facts.extend(layout![slg_request: size 32, align 8;
            merchant @ 0, merchant_len @ 8, endpoint @ 16, cost @ 20, reserved @ 24,
        ]);
    }
    facts.push((
        "sizeof(slg_status)".to_owned(),
        size_of::<slg_status>() as u64,
        4,
    ));
    facts
}

#[test]
fn the_committed_header_agrees_with_the_types() {
    let facts: Vec<Fact> = constants().into_iter().chain(layouts()).collect();
    let in_c = evaluate_in_c(facts.iter().map(|(expression, ..)| expression.as_str()));
    for (expression, in_rust, promised) in &facts {
        assert_eq!(in_rust, promised, "{expression} in Rust");
        assert_eq!(in_c.get(expression), Some(promised), "{expression} in C");
    }
}

#[test]
fn no_constant_of_the_header_is_left_out() {
    let header = std::fs::read_to_string(HEADER).unwrap();
    let defines = header
        .lines()
        .filter_map(|line| line.strip_prefix("#define SLG_"));
    let mut in_header: Vec<String> = defines
        .filter_map(|rest| rest.split(' ').next())
        .map(|name| format!("SLG_{name}"))
        .collect();
    let mut here: Vec<String> = constants().into_iter().map(|(name, ..)| name).collect();
    in_header.sort();
    here.sort();
    assert_eq!(in_header, here);
}

/// Compiles and runs a C program that prints each expression's value.
fn evaluate_in_c<'e>(expressions: impl Iterator<Item = &'e str>) -> BTreeMap<String, u64> {
    let prints: String = expressions
        .map(|e| format!("    printf(\"{e}\\t%llu\\n\", (unsigned long long)({e}));\n"))
        .collect();
    let source = format!(
        "#include \"{HEADER}\"\n#include <stdio.h>\nint main(void)\n{{\n{prints}    return 0;\n}}\n"
    );
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (file, program) = (folder.join("layout.c"), folder.join("layout"));
    std::fs::write(&file, source).unwrap();
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let compiled = Command::new(&compiler)
        .args([
            "-std=c11",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
            "-o",
        ])
        .args([&program, &file])
        .output()
        .unwrap_or_else(|e| panic!("cannot run {compiler}: {e}"));
    assert!(
        compiled.status.success(),
        "{}",
        String::from_utf8_lossy(&compiled.stderr)
    );
    let output = Command::new(&program).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let parse = |line: &str| {
        let (expression, value) = line.split_once('\t').unwrap();
        (expression.to_owned(), value.parse().unwrap())
    };
    lines.lines().map(parse).collect()
}
