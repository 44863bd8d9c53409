//! Costs, and several rules in one request.

use slidegate_reference::Outcome;

use crate::timeline::{MIN_NS, MS_NS, SEC_NS, Timeline, US_NS};

const LARGEST_COST: u64 = u32::MAX as u64;

const WEIGHTS: &str = r#"version = 1
unmatched = "allow"

[[rule]]
name = "send"
match = "POST /send"
windows = ["10/s", "10/3s", "25/min"]
"#;

pub fn weights() -> Timeline {
    let mut line = Timeline::new(
        "Requests of several units: all fit or none; above a limit they never fit.",
        WEIGHTS,
    );
    let send = "POST /send";
    for cost in 1..=4 {
        line.wait(MS_NS).admit("m_1", send, cost);
    }
    for cost in 1..=10 {
        line.deny("m_1", send, cost, "send");
    }
    for cost in [11, 12, 26, LARGEST_COST] {
        line.meet(Outcome::Never, "m_1", send, cost);
        line.peek("m_1", send, cost);
        line.meet(Outcome::Never, "fresh", send, cost);
    }
    for cost in [1, 3, 6, 5, 10] {
        line.deny_until_retry("m_1", send, cost, "send");
    }
    for cost in (1..=10).rev() {
        line.wait(MIN_NS).admit("m_2", send, cost);
        line.peek("m_2", send, 10 - cost + 1);
        line.wait(US_NS).check("m_2", send, 11 - cost);
    }
    line
}

const RULE_COSTS: &str = r#"version = 1
unmatched = "allow"

[[rule]]
name = "total"
match = "*"
windows = ["12/s"]

[[rule]]
name = "report"
match = "POST /report"
windows = ["10/s", "20/min"]
cost = 3

[[rule]]
name = "bulk"
match = "POST /bulk"
windows = ["64/s"]
cost = 64
"#;

pub fn rule_costs() -> Timeline {
    let mut line = Timeline::new(
        "A rule's cost multiplies the request's, each rule's own.",
        RULE_COSTS,
    );
    let report = "POST /report";
    line.peek("m_1", report, 3);
    line.admit("m_1", report, 2);
    line.deny("m_1", report, 2, "report");
    line.admit("m_1", report, 1);
    line.deny_until_retry("m_1", report, 1, "report");
    line.admit("m_1", "GET /other", 8);
    line.deny("m_1", "GET /other", 4, "total");
    line.meet(Outcome::Never, "m_1", report, 4);
    line.meet(Outcome::Never, "m_1", report, 13);
    line.meet(Outcome::Never, "m_1", report, LARGEST_COST);
    line.meet(Outcome::Never, "m_1", "POST /bulk", 2);
    line.admit("m_1", "POST /bulk", 1);
    line.deny_until_retry("m_1", "POST /bulk", 1, "bulk");
    line.deny_until_retry("m_1", report, 3, "report");
    line.deny_until_retry("m_1", report, 2, "report");
    line
}

const SEVERAL: &str = r#"version = 1
unmatched = "allow"

[[rule]]
name = "pay"
match = "POST /pay"
windows = ["4/s", "9/10s"]

[[rule]]
name = "total"
match = "*"
windows = ["6/s", "12/10s"]

[[rule]]
name = "list"
match = "GET /pay/list"
windows = ["6/s"]

[[rule]]
name = "item"
match = "GET /pay/:id"
windows = ["6/s"]

[[rule]]
name = "daily"
match = "*"
windows = ["30/day"]
"#;

pub fn several_rules() -> Timeline {
    let mut line = Timeline::new(
        "Rules for all and an endpoint's rule are charged together or not at all.",
        SEVERAL,
    );
    line.admit_many("m_1", "POST /pay", 4, 10 * MS_NS);
    for _ in 0..3 {
        line.deny("m_1", "POST /pay", 1, "pay");
        line.peek("m_1", "", 1);
    }
    line.admit_many("m_1", "GET /pay/7", 2, 10 * MS_NS);
    for endpoint in ["GET /pay/7", "GET /pay/list", "GET /none", ""] {
        line.deny("m_1", endpoint, 1, "total");
    }
    line.peek("m_1", "GET /pay/list", 6);
    line.deny_until_retry("m_1", "POST /pay", 1, "total");
    line.deny_until_retry("m_1", "POST /pay", 4, "pay");
    line.deny_until_retry("m_1", "GET /pay/list", 6, "total");
    line.deny_until_retry("m_1", "POST /pay", 4, "total");
    ties(&mut line);
    ambiguous(&mut line);
    first_too_small(&mut line);
    line
}

/// Equal remaining and equal retries: the earlier rule, and rules for all come
/// first wherever they stand in the file.
fn ties(line: &mut Timeline) {
    line.wait(MIN_NS).admit("m_2", "GET /pay/list", 2);
    line.peek("m_2", "GET /pay/list", 1);
    line.admit("m_2", "GET /pay/list", 4);
    line.deny_until_retry("m_2", "GET /pay/list", 1, "total");
    line.wait(SEC_NS).admit("m_2", "POST /pay", 4);
    line.deny("m_2", "POST /pay", 3, "total");
    line.deny_until_retry("m_2", "POST /pay", 2, "total");
}

/// One spelling leads to the list, the other to an id: both are charged.
fn ambiguous(line: &mut Timeline) {
    let both = "GET /pay/%6Cist";
    line.wait(MIN_NS).admit("m_3", both, 2);
    line.peek("m_3", "GET /pay/list", 1);
    line.peek("m_3", "GET /pay/9", 1);
    line.admit("m_3", both, 4);
    line.deny_until_retry("m_3", both, 1, "total");
}

/// Of several rules that a cost exceeds, the first is reported.
fn first_too_small(line: &mut Timeline) {
    line.meet(Outcome::Never, "m_4", "POST /pay", 5);
    line.meet(Outcome::Never, "m_4", "POST /pay", 7);
    line.meet(Outcome::Never, "m_4", "POST /pay", 31);
    line.meet(Outcome::Never, "m_4", "", 31);
    line.peek("m_4", "POST /pay", 4);
}
