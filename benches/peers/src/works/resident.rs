//! Resident bytes, each measurement in a process of its own: this program starts itself
//! again, and the child reads what the kernel counts before and after.

use std::process::Command;

use super::{flood, memory, present};

/// The figures of a child of this program that measures this work's contestant; `sizes`
/// are what [`answer`] says for the work.
pub fn in_child(work: &str, contestant: &str, sizes: &[usize]) -> Vec<f64> {
    let program = std::env::current_exe().expect("this program's own path");
    let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
    let mut child = Command::new(program);
    let child = child.args(["--measure", work, "--contestant", contestant]);
    let output = child.args(["--sizes", &sizes.join(",")]).output();
    let output = output.expect("a child process");
    let text = String::from_utf8_lossy(&output.stdout);
    let figures: Result<Vec<f64>, _> = text.split_whitespace().map(str::parse).collect();
    match figures {
        Ok(figures) if output.status.success() => figures,
        _ => panic!("{contestant}: {}", String::from_utf8_lossy(&output.stderr)),
    }
}

/// What the child does; none if there is no such work or contestant.
pub fn answer(work: &str, contestant: &str, sizes: &[usize]) -> Option<Vec<f64>> {
    match (work, sizes) {
        (memory::NAME, &[hits, keys]) => {
            let figure = memory::measure(contestant, hits as u32, keys)?;
            Some(vec![figure])
        }
        (present::NAME, &[keys, max_keys]) => {
            let figure = present::measure(contestant, keys, max_keys)?;
            Some(vec![figure])
        }
        (flood::NAME, &[keys]) => flood::measure(contestant, keys),
        _ => None,
    }
}

/// [`bytes`] before something is measured that may be small. The first reading brings
/// the code of readings into memory, which counts as much as a thousand keys do, and is
/// thrown away.
pub fn bytes_before() -> u64 {
    bytes();
    bytes()
}

/// Bytes in memory, from the kernel's account of the mappings.
pub fn bytes() -> u64 {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").expect("Linux");
    let line = rollup.lines().find(|line| line.starts_with("Rss:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    let kib: Option<u64> = kib.and_then(|kib| kib.parse().ok());
    kib.expect("a resident set size") * 1_024
}
