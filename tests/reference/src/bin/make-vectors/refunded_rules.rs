//! Refunds of requests that several rules were charged for.

use slidegate_reference::Outcome;

use crate::policies::policy;
use crate::timeline::{MIN_NS, MS_NS, SEC_NS, Timeline};

const POLICY: &str = r#"version = 1
unmatched = "allow"
exempt = ["GET /healthz"]

[[rule]]
name = "total"
match = "*"
windows = ["12/s"]

[[rule]]
name = "pay"
match = "POST /pay"
windows = ["5/s"]

[[rule]]
name = "report"
match = "POST /report"
windows = ["10/s", "20/min"]
cost = 3

[[rule]]
name = "list"
match = "GET /pay/list"
windows = ["4/s"]

[[rule]]
name = "item"
match = "GET /pay/:id"
windows = ["6/s"]
cost = 2
"#;

const OTHER: &str = "GET /other";
const PAY: &str = "POST /pay";

pub fn rules() -> Timeline {
    let mut line = Timeline::new(
        "Several rules: a receipt lends to each what that rule was charged, and each is judged by itself.",
        POLICY,
    );
    each_its_own_cost(&mut line);
    three_rules(&mut line);
    another_rule_closes(&mut line);
    merchants_apart(&mut line);
    in_turns(&mut line);
    nothing_charged(&mut line);
    line
}

fn each_its_own_cost(line: &mut Timeline) {
    let report = "POST /report";
    let first = line.admit_for("m_1", report, 3);
    line.deny("m_1", report, 1, "report");
    line.refund(first);
    line.see_left("m_1", report, 10);
    line.wait(MS_NS).admit("m_1", report, 3);
    line.deny("m_1", report, 1, "report");
    line.meet(Outcome::Never, "m_1", report, 4);
    line.admit("m_1", OTHER, 9);
    line.deny("m_1", OTHER, 1, "total");
    line.deny_until_retry("m_1", OTHER, 1, "total");
    line.admit("m_1", report, 1);
    line.wait(SEC_NS).peek("m_1", report, 3);
    line.admit("m_1", report, 2);
    line.deny_until_retry("m_1", report, 1, "report");
}

/// One spelling leads to the list, the other to an id.
fn three_rules(line: &mut Timeline) {
    line.wait(MIN_NS);
    let receipt = line.admit_for("m_2", "GET /pay/%6Cist", 3);
    line.see_left("m_2", "GET /pay/list", 1);
    line.see_left("m_2", "GET /pay/7", 0);
    line.deny("m_2", "GET /pay/7", 1, "item");
    line.see_left("m_2", "", 9);
    line.refund(receipt);
    line.see_left("m_2", "GET /pay/list", 4);
    line.see_left("m_2", "GET /pay/7", 6);
    line.see_left("m_2", "", 12);
    line.admit("m_2", "GET /pay/%6Cist", 3);
    line.deny_until_retry("m_2", "GET /pay/%6Cist", 3, "list");
}

/// While a request waits for one rule, the credit of another dies, and that other
/// is what holds the request back in the end.
fn another_rule_closes(line: &mut Timeline) {
    let start_ns = line.wait(MIN_NS).now_ns();
    let early = line.admit_for("m_3", OTHER, 1);
    line.refund(early);
    line.at(start_ns + 500 * MS_NS).admit("m_3", PAY, 5);
    line.at(start_ns + 550 * MS_NS);
    let late = line.admit_for("m_3", OTHER, 6);
    line.refund(late);
    line.at(start_ns + 560 * MS_NS).admit("m_3", OTHER, 6);
    line.see_left("m_3", OTHER, 1);
    let retry_ns = line.deny("m_3", PAY, 1, "total");
    assert_eq!(retry_ns, start_ns + 1_550 * MS_NS);
    line.at(start_ns + 1_500 * MS_NS)
        .deny("m_3", PAY, 1, "total");
    line.deny_until_retry("m_3", PAY, 1, "total");
}

fn merchants_apart(line: &mut Timeline) {
    line.wait(MIN_NS);
    let receipts = ["m_4", "m_5"].map(|merchant| line.admit_for(merchant, PAY, 5));
    line.refund(receipts[1]);
    line.deny("m_4", PAY, 1, "pay");
    line.admit("m_5", PAY, 5);
    line.refund(receipts[0]);
    line.admit("m_4", PAY, 4);
    line.deny("m_5", PAY, 1, "pay");
    line.see_left("m_4", PAY, 1);
}

/// Charged and given back in turns by three endpoints.
fn in_turns(line: &mut Timeline) {
    line.wait(MIN_NS);
    let mut held = Vec::new();
    for nth in 0..60 {
        let endpoint = ["GET /pay/7", "GET /pay/list", PAY][nth % 3];
        line.wait(37 * MS_NS);
        let (_, receipt) = line.check_with_receipt("m_6", endpoint, 1 + nth as u64 % 2);
        held.extend(receipt);
        if nth % 4 == 3 && !held.is_empty() {
            line.refund(held.remove(0));
        }
        line.peek("m_6", "", 3);
    }
    for receipt in held {
        line.wait(MS_NS).refund(receipt);
        line.peek("m_6", "", 12);
    }
}

/// Admitted, but there is nothing to give back.
fn nothing_charged(line: &mut Timeline) {
    let (decision, receipt) = line.check_with_receipt("m_7", "GET /healthz", 2);
    assert_eq!((decision.outcome, receipt), (Outcome::Exempt, None));
    let (decision, receipt) = line.check_with_receipt("m_7", PAY, 6);
    assert_eq!((decision.outcome, receipt), (Outcome::Never, None));
    line.swap(&policy(&[("pay", PAY, "\"5/s\"", "")]));
    let (decision, receipt) = line.check_with_receipt("m_7", OTHER, 2);
    assert_eq!((decision.outcome, receipt), (Outcome::Unmatched, None));
    line.admit("m_7", PAY, 5);
}
