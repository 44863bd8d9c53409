//! Windows: their edges, short and long ones, and two at once.

use slidegate_reference::Outcome;

use crate::timeline::{DAY_NS, HOUR_NS, MIN_NS, MS_NS, SEC_NS, Timeline, US_NS};

const GET: &str = "GET /x";

fn one_rule(windows: &str) -> String {
    format!(
        "version = 1\nunmatched = \"allow\"\n\n[[rule]]\nname = \"x\"\nmatch = \"GET /x\"\nwindows = [{windows}]\n"
    )
}

pub fn edges() -> Timeline {
    let mut line = Timeline::new(
        "Twice the limit is attempted around what a fixed window would take for its edge.",
        &one_rule("\"10/s\""),
    );
    for (merchant, before_ns) in [
        ("m_1", US_NS),
        ("m_2", 1),
        ("m_3", MS_NS),
        ("m_4", 300 * MS_NS),
    ] {
        line.wait(10 * SEC_NS);
        let edge_ns = line.now_ns() / SEC_NS * SEC_NS;
        line.at(edge_ns - before_ns)
            .admit_many(merchant, GET, 10, 0);
        for _ in 0..10 {
            line.at(edge_ns).deny(merchant, GET, 1, "x");
        }
        line.at(edge_ns + US_NS)
            .deny_until_retry(merchant, GET, 1, "x");
        line.admit_many(merchant, GET, 9, 0);
        line.deny(merchant, GET, 1, "x");
    }
    staircase(&mut line);
    brim(&mut line);
    line
}

/// Ten units at ten instants: each cost waits for another of them.
fn staircase(line: &mut Timeline) {
    line.wait(MIN_NS)
        .admit_many("m_5", GET, 10, 37 * MS_NS + 13);
    for cost in 1..=10 {
        line.peek("m_5", GET, cost);
    }
    for cost in [1, 2, 3, 4] {
        line.deny_until_retry("m_5", GET, cost, "x");
    }
    for cost in 1..=10 {
        line.peek("m_5", GET, cost);
    }
}

/// The largest limit that is kept unit by unit.
fn brim(line: &mut Timeline) {
    line.wait(MIN_NS).swap(&one_rule("\"2048/s\""));
    line.admit("m_6", GET, 2_047);
    line.wait(US_NS).admit("m_6", GET, 1);
    line.deny("m_6", GET, 1, "x");
    line.deny("m_6", GET, 2_047, "x");
    line.deny_until_retry("m_6", GET, 2_048, "x");
    line.deny_until_retry("m_6", GET, 1, "x");
    line.meet(Outcome::Never, "m_6", GET, 2_049);
}

pub fn small() -> Timeline {
    let mut line = Timeline::new(
        "Windows of one millisecond and of twenty, one request a microsecond.",
        &one_rule("\"3/ms\", \"10/20ms\""),
    );
    for round in 0..40 {
        for _ in 0..5 {
            line.check("m_1", GET, 1);
            line.wait(US_NS);
        }
        line.wait(round * 90 * US_NS);
    }
    line.wait(SEC_NS).admit_many("m_2", GET, 3, US_NS);
    line.deny_until_retry("m_2", GET, 1, "x");
    line.deny_until_retry("m_2", GET, 3, "x");
    line.deny_until_retry("m_2", GET, 2, "x");
    line.deny_until_retry("m_2", GET, 3, "x");
    line.swap(&one_rule("\"1/ms\""));
    line.wait(SEC_NS);
    for _ in 0..20 {
        line.admit("m_3", GET, 1);
        line.deny_until_retry("m_3", GET, 1, "x");
        line.wait(MS_NS);
    }
    line
}

pub fn long() -> Timeline {
    let mut line = Timeline::new(
        "Windows of an hour and of thirty days, with long idle times between requests.",
        &one_rule("\"50/h\", \"200/30day\""),
    );
    let idle_ns = [0, HOUR_NS, DAY_NS, 10 * DAY_NS];
    for wait_ns in idle_ns {
        line.wait(wait_ns).admit_many("m_1", GET, 49, MIN_NS);
        line.admit("m_1", GET, 1);
        line.deny("m_1", GET, 1, "x");
    }
    line.deny_until_retry("m_1", GET, 1, "x");
    line.deny_until_retry("m_1", GET, 1, "x");
    line.deny_until_retry("m_1", GET, 50, "x");
    for idle_ns in [29 * DAY_NS, 31 * DAY_NS, 400 * DAY_NS, 900 * DAY_NS] {
        line.wait(idle_ns).peek("m_1", GET, 1);
        line.admit("m_1", GET, 50);
        line.deny_until_retry("m_1", GET, 1, "x");
    }
    line.peek("m_2", GET, 50);
    line
}

pub fn pairs() -> Timeline {
    let mut line = Timeline::new(
        "Two windows in one rule: the one with the latest retry, or the least remaining, is reported.",
        &one_rule("\"5/s\", \"8/10s\""),
    );
    line.admit_many("m_1", GET, 3, 0);
    line.wait(2 * SEC_NS).peek("m_1", GET, 1);
    line.admit_many("m_1", GET, 5, MS_NS);
    line.peek("m_1", GET, 5);
    line.deny_until_retry("m_1", GET, 1, "x");
    line.deny_until_retry("m_1", GET, 3, "x");
    line.deny_until_retry("m_1", GET, 5, "x");
    long_listed_first(&mut line);
    equal_retries(&mut line);
    line
}

/// The order in the file decides only what length does not.
fn long_listed_first(line: &mut Timeline) {
    line.wait(MIN_NS).swap(&one_rule("\"8/10s\", \"5/s\""));
    line.admit_many("m_2", GET, 3, 0);
    line.wait(2 * SEC_NS).admit_many("m_2", GET, 2, MS_NS);
    line.peek("m_2", GET, 1);
    line.admit_many("m_2", GET, 3, MS_NS);
    line.deny_until_retry("m_2", GET, 1, "x");
}

/// Both windows open at the same tick: the long one by its oldest unit, the
/// short one by its newest.
fn equal_retries(line: &mut Timeline) {
    line.wait(MIN_NS).swap(&one_rule("\"2/s\", \"4/3s\""));
    line.admit_many("m_3", GET, 2, 0);
    line.wait(2 * SEC_NS).admit_many("m_3", GET, 2, 0);
    line.deny_until_retry("m_3", GET, 1, "x");
    line.deny_until_retry("m_3", GET, 2, "x");
}
