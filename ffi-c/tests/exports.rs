//! House rules of the exports, held against the source text: every export goes
//! through `boundary`, has a doc comment, and is in the header and in the list of
//! symbols.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Each export's name, the doc comment above it, and its body.
fn exports() -> Vec<(String, String, String)> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut exports = Vec::new();
    for entry in fs::read_dir(sources).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let mut pieces = text.split("#[unsafe(no_mangle)]\n");
        let mut before = pieces.next().unwrap().to_owned();
        for piece in pieces {
            let end = piece
                .find("\n}\n")
                .expect("an export ends with a brace of its own");
            let name = piece
                .split("fn ")
                .nth(1)
                .unwrap()
                .split('(')
                .next()
                .unwrap();
            exports.push((name.to_owned(), doc_above(&before), piece[..end].to_owned()));
            before = piece.to_owned();
        }
    }
    exports
}

fn header() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../include/slidegate.h");
    fs::read_to_string(path).unwrap()
}

fn doc_above(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .rev()
        .take_while(|line| line.starts_with("///"))
        .collect();
    lines.concat()
}

#[test]
fn every_export_goes_through_the_boundary() {
    let exports = exports();
    assert!(exports.len() > 34, "found only {} exports", exports.len());
    for (name, _, body) in exports {
        let through = [
            "boundary::call(",
            "boundary::explained(",
            "boundary::value(",
            "boundary::free(",
            "decide(call, ",
        ];
        assert!(
            through.iter().any(|way| body.contains(way)),
            "{name} bypasses boundary"
        );
    }
}

#[test]
fn every_export_is_documented_and_prefixed() {
    for (name, doc, _) in exports() {
        assert!(name.starts_with("slg_"), "{name}");
        assert!(doc.len() > 30, "{name} has no doc comment");
    }
}

#[test]
fn every_export_is_in_the_header() {
    let header = header();
    for (name, ..) in exports() {
        assert!(
            header.contains(&format!("{name}(")),
            "{name}: is its file in SOURCES?"
        );
    }
}

#[test]
fn the_example_in_the_header_compiles() {
    let header = header();
    let from = header.find(" *     #include <slidegate.h>").unwrap();
    let lines = header[from..]
        .lines()
        .map_while(|line| line.strip_prefix(" *"));
    let example: String = lines
        .take_while(|line| line.is_empty() || line.starts_with("     "))
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(example.contains("slg_limiter_free"), "{example}");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("example.c");
    fs::write(&file, example).unwrap();
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let compiled = Command::new(&compiler)
        .args([
            "-std=c11",
            "-Wall",
            "-Wextra",
            "-Wpedantic",
            "-Werror",
            "-fsyntax-only",
        ])
        .args([
            concat!("-I", env!("CARGO_MANIFEST_DIR"), "/../include").as_ref(),
            file.as_os_str(),
        ])
        .output()
        .unwrap_or_else(|e| panic!("cannot run {compiler}: {e}"));
    assert!(
        compiled.status.success(),
        "{}",
        String::from_utf8_lossy(&compiled.stderr)
    );
}

#[test]
fn every_export_is_in_the_list_of_symbols() {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/c/symbols.txt");
    let listed = fs::read_to_string(list).unwrap();
    let mut names: Vec<String> = exports().into_iter().map(|(name, ..)| name).collect();
    names.sort();
    assert_eq!(listed.lines().collect::<Vec<_>>(), names);
}
