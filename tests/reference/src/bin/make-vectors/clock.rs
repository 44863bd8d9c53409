//! Clocks that step back, and readings between ticks.

use crate::timeline::{MS_NS, SEC_NS, Timeline, US_NS};

const GET: &str = "GET /x";

/// Steps stay short of bringing a key back to life that had gone idle: an
/// engine may have given its place away.
pub fn back() -> Timeline {
    let mut line = Timeline::new(
        "A clock that steps back gives nothing out twice and takes nothing back.",
        r#"version = 1
unmatched = "allow"

[[rule]]
name = "total"
match = "*"
windows = ["9/2s"]

[[rule]]
name = "x"
match = "GET /x"
windows = ["5/s"]
"#,
    );
    one_step(&mut line);
    every_key_has_its_own_time(&mut line);
    to_and_fro(&mut line);
    line
}

fn one_step(line: &mut Timeline) {
    line.at(10 * SEC_NS).admit_many("m_1", GET, 3, 0);
    line.at(4 * SEC_NS).peek("m_1", GET, 1);
    line.admit_many("m_1", GET, 2, MS_NS);
    line.deny("m_1", GET, 1, "x");
    line.at(0).deny("m_1", GET, 1, "x");
    line.at(10 * SEC_NS + 500 * MS_NS)
        .deny_until_retry("m_1", GET, 1, "x");
    line.admit_many("m_1", GET, 3, 0);
    line.deny_until_retry("m_1", GET, 1, "total");
}

/// A merchant first seen after the step is judged by the clock; of two rules
/// in one request, each by its own newest unit.
fn every_key_has_its_own_time(line: &mut Timeline) {
    line.at(20 * SEC_NS).admit("m_2", "GET /other", 4);
    line.at(19 * SEC_NS + 1).admit("m_3", GET, 5);
    line.deny("m_3", GET, 1, "x");
    line.admit("m_2", GET, 4);
    line.peek("m_2", GET, 1);
    line.deny("m_2", GET, 2, "total");
    line.at(19 * SEC_NS + 400 * MS_NS).admit("m_2", GET, 1);
    line.deny("m_2", GET, 1, "total");
    line.at(20 * SEC_NS).admit("m_3", "", 4);
    line.deny("m_3", "", 1, "total");
    line.at(19 * SEC_NS + 900 * MS_NS)
        .deny("m_3", GET, 1, "total");
    line.deny_until_retry("m_3", GET, 5, "total");
    line.deny_until_retry("m_2", GET, 1, "total");
}

/// A sawtooth over a key in steady use.
fn to_and_fro(line: &mut Timeline) {
    let start_ns = 60 * SEC_NS;
    for tooth in 0..40 {
        let crest_ns = start_ns + tooth * 130 * MS_NS;
        line.at(crest_ns).check("m_4", GET, 1);
        line.at(crest_ns - 1).check("m_4", GET, 1);
        line.at(crest_ns - US_NS).peek("m_4", GET, 1);
        line.at(crest_ns - 50 * MS_NS).check("m_4", GET, 2);
    }
}

pub fn sub_microsecond() -> Timeline {
    let mut line = Timeline::new(
        "Readings within one microsecond are one tick; retry instants are the beginnings of ticks.",
        r#"version = 1
unmatched = "allow"

[[rule]]
name = "x"
match = "GET /x"
windows = ["3/ms", "6/s"]
"#,
    );
    for now_ns in [0, 1, 999] {
        line.at(now_ns).admit("m_1", GET, 1);
    }
    for now_ns in [999, 1_000, 1_001, 999_998, 999_999] {
        line.at(now_ns).deny("m_1", GET, 1, "x");
    }
    line.at(MS_NS).admit("m_1", GET, 1);
    line.at(MS_NS + 1).admit("m_1", GET, 2);
    line.deny("m_1", GET, 1, "x");
    line.at(SEC_NS - 1).deny("m_1", GET, 1, "x");
    line.at(SEC_NS).admit("m_1", GET, 3);
    for offset_ns in [0, 1, 499, 500, 999] {
        line.wait(5 * SEC_NS).wait(offset_ns);
        line.admit_many("m_2", GET, 3, 1);
        line.peek("m_2", GET, 1);
        line.deny_until_retry("m_2", GET, 1, "x");
        line.wait(1_777).admit("m_2", GET, 1);
        line.deny_until_retry("m_2", GET, 2, "x");
    }
    line
}
