//! Rules whose units all merchants share.

use crate::policies::policy;
use crate::timeline::{MIN_NS, MS_NS, SEC_NS, Timeline, US_NS};

const POLICY: &str = r#"version = 1
unmatched = "allow"

[[rule]]
name = "merchant"
match = "*"
per = "merchant"
windows = ["4/s"]

[[rule]]
name = "platform"
match = "*"
per = "all"
windows = ["10/s", "30/min"]

[[rule]]
name = "search"
match = "GET /search"
per = "all"
windows = ["6/10s"]
cost = 2
"#;

const GET: &str = "GET /x";
const SEARCH: &str = "GET /search";

pub fn all() -> Timeline {
    let mut line = Timeline::new(
        "A platform-wide limit beside merchants' own: one log for all, whoever asks.",
        POLICY,
    );
    shared(&mut line);
    one_route(&mut line);
    held_at_the_newest_of_all(&mut line);
    minute(&mut line);
    refunded_for_all(&mut line);
    swapped(&mut line);
    reset_by_name(&mut line);
    line
}

fn shared(line: &mut Timeline) {
    line.admit_many("m_1", GET, 4, MS_NS);
    line.deny("m_1", GET, 1, "merchant");
    line.wait(MS_NS).admit("m_2", GET, 4);
    line.wait(MS_NS).admit("m_3", GET, 1);
    line.see_left("m_3", GET, 1);
    line.see_left("m_4", GET, 1);
    line.deny("m_4", GET, 2, "platform");
    line.admit("m_4", GET, 1);
    for merchant in ["m_3", "m_4", "m_5"] {
        line.deny(merchant, GET, 1, "platform");
    }
    line.deny("m_1", GET, 1, "merchant");
    line.deny_until_retry("m_5", GET, 1, "platform");
    line.deny_until_retry("m_5", GET, 3, "platform");
    line.deny_until_retry("m_1", GET, 4, "platform");
}

fn one_route(line: &mut Timeline) {
    line.wait(MIN_NS);
    for merchant in ["m_1", "m_2", "m_3"] {
        line.admit(merchant, SEARCH, 1);
    }
    for merchant in ["m_1", "m_4"] {
        line.deny(merchant, SEARCH, 1, "search");
        line.admit(merchant, GET, 1);
    }
    line.deny_until_retry("m_4", SEARCH, 3, "search");
    line.deny_until_retry("m_1", SEARCH, 1, "search");
}

/// A merchant that never saw the later instant is held at it all the same.
fn held_at_the_newest_of_all(line: &mut Timeline) {
    let start_ns = line.wait(MIN_NS).now_ns();
    line.admit("m_1", GET, 4);
    line.at(start_ns + 990 * MS_NS).admit("m_2", GET, 4);
    line.at(start_ns + 980 * MS_NS).admit("m_3", GET, 2);
    let retry_ns = line.deny("m_4", GET, 1, "platform");
    assert_eq!(retry_ns, start_ns + SEC_NS);
    line.deny_until_retry("m_4", GET, 4, "platform");
    line.deny_until_retry("m_3", GET, 1, "platform");
}

fn minute(line: &mut Timeline) {
    line.wait(MIN_NS);
    for nth in 0..30 {
        let merchant = ["m_1", "m_2", "m_3", "m_4", "m_5"][nth % 5];
        line.wait(110 * MS_NS).admit(merchant, GET, 1);
    }
    line.wait(SEC_NS);
    for merchant in ["m_1", "m_6"] {
        line.deny(merchant, GET, 4, "platform");
    }
    line.deny_until_retry("m_6", GET, 1, "platform");
    line.deny_until_retry("m_2", GET, 2, "platform");
}

/// What one merchant gives back, another may take from the platform's share.
fn refunded_for_all(line: &mut Timeline) {
    line.wait(2 * MIN_NS);
    let receipts = ["m_1", "m_2"].map(|merchant| line.admit_for(merchant, GET, 4));
    line.admit("m_3", GET, 2);
    line.deny("m_4", GET, 1, "platform");
    line.wait(MS_NS).refund(receipts[0]);
    line.see_left("m_4", GET, 4);
    line.admit("m_4", GET, 3);
    line.see_left("m_1", GET, 1);
    line.deny("m_2", GET, 1, "merchant");
    line.refund(receipts[1]);
    line.admit("m_2", GET, 4);
    line.admit("m_1", GET, 1);
    line.deny("m_1", GET, 1, "platform");
    line.deny_until_retry("m_5", GET, 1, "platform");
}

/// Each merchant's units and those of all are different logs of one name.
fn swapped(line: &mut Timeline) {
    let named = |per: &str| policy(&[("quota", "*", "\"6/min\"", &format!("per = \"{per}\"\n"))]);
    line.wait(MIN_NS).swap(&named("all"));
    line.admit("m_1", GET, 4);
    line.admit("m_2", GET, 2);
    line.deny("m_3", GET, 1, "quota");
    line.swap(&named("merchant"));
    line.see_left("m_1", GET, 6);
    line.admit("m_3", GET, 6);
    line.swap(&named("all"));
    let retry_ns = line.deny("m_1", GET, 1, "quota");
    line.swap(&named("merchant"));
    line.deny("m_3", GET, 1, "quota");
    line.swap(&named("all"));
    line.at(retry_ns).admit("m_4", GET, 4);
    line.swap(POLICY);
}

/// A merchant's reset leaves what all share; its name, by any merchant, not.
fn reset_by_name(line: &mut Timeline) {
    line.wait(2 * MIN_NS).admit("m_1", SEARCH, 3);
    line.admit("m_2", GET, 4);
    line.admit("m_3", GET, 3);
    line.reset("m_1", None);
    line.wait(US_NS).deny("m_1", GET, 1, "platform");
    line.deny("m_2", GET, 1, "merchant");
    line.wait(10 * MS_NS).reset("m_9", Some("platform"));
    line.wait(US_NS).see_left("m_1", GET, 4);
    line.deny("m_2", GET, 1, "merchant");
    line.see_left("m_3", GET, 1);
    line.deny("m_1", SEARCH, 1, "search");
    line.reset("m_2", Some("search"));
    line.wait(US_NS);
    let receipt = line.admit_for("m_1", SEARCH, 3);
    line.deny("m_3", SEARCH, 1, "search");
    line.reset("m_9", Some("search"));
    line.wait(US_NS).refund(receipt);
    line.admit("m_3", SEARCH, 1);
    line.see_left("m_4", SEARCH, 4);
    line.deny("m_2", GET, 1, "merchant");
    line.deny_until_retry("m_4", SEARCH, 3, "search");
}
