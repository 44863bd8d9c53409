//! Resets: a key as if fresh.

use crate::policies::{PAY, policy};
use crate::timeline::{MIN_NS, MS_NS, SEC_NS, Timeline, US_NS};

const OTHER: &str = "GET /other";

fn both() -> String {
    policy(&[
        ("total", "*", "\"10/min\"", ""),
        ("pay", PAY, "\"5/s\", \"8/min\"", ""),
    ])
}

pub fn keys() -> Timeline {
    let mut line = Timeline::new(
        "A reset empties one rule's key of a merchant, or all of its keys, and no other.",
        &both(),
    );
    one_rule(&mut line);
    all_rules(&mut line);
    nothing_there(&mut line);
    over_and_over(&mut line);
    not_in_force(&mut line);
    line
}

fn one_rule(line: &mut Timeline) {
    for merchant in ["m_1", "m_2"] {
        line.admit_many(merchant, PAY, 5, MS_NS);
        line.deny(merchant, PAY, 1, "pay");
    }
    line.reset("m_1", Some("pay"));
    line.wait(US_NS).see_left("m_1", "", 5);
    line.admit("m_1", PAY, 5);
    line.deny("m_1", PAY, 1, "total");
    line.deny("m_2", PAY, 1, "pay");
    line.reset("m_1", Some("total"));
    line.wait(US_NS).see_left("m_1", "", 10);
    line.deny("m_1", PAY, 1, "pay");
    line.deny_until_retry("m_1", PAY, 1, "pay");
    line.deny("m_1", PAY, 5, "pay");
    line.admit("m_2", PAY, 3);
    line.deny_until_retry("m_2", PAY, 1, "pay");
}

fn all_rules(line: &mut Timeline) {
    for merchant in ["m_3", "m_4"] {
        line.admit(merchant, PAY, 5);
        line.admit(merchant, OTHER, 5);
        line.deny(merchant, PAY, 1, "total");
    }
    line.reset("m_3", None);
    line.wait(US_NS).see_left("m_3", "", 10);
    line.see_left("m_3", PAY, 5);
    line.admit("m_3", PAY, 5);
    line.deny("m_3", PAY, 1, "pay");
    line.admit("m_3", OTHER, 5);
    line.deny_until_retry("m_4", PAY, 1, "total");
    line.deny_until_retry("m_3", OTHER, 1, "total");
}

/// Keys without history, and a key reset twice.
fn nothing_there(line: &mut Timeline) {
    line.wait(MIN_NS).reset("m_5", None);
    line.reset("m_5", Some("pay"));
    line.wait(US_NS).admit("m_5", PAY, 5);
    line.reset("m_5", Some("pay"));
    line.reset("m_5", Some("pay"));
    line.wait(US_NS).admit("m_5", PAY, 5);
    line.deny("m_5", PAY, 1, "total");
    line.wait(2 * MIN_NS).reset("m_5", None);
    line.wait(MIN_NS).admit("m_5", PAY, 5);
    line.deny_until_retry("m_5", PAY, 1, "pay");
}

/// One microsecond from each reset to the next admission.
fn over_and_over(line: &mut Timeline) {
    line.wait(MIN_NS);
    for nth in 0..40 {
        line.admit("m_6", PAY, 1 + nth % 5);
        line.peek("m_6", PAY, 5);
        line.reset("m_6", if nth % 3 == 0 { None } else { Some("pay") });
        line.wait(US_NS).see_left("m_6", PAY, 5);
        line.peek("m_6", "", 1);
        line.reset("m_6", Some("total"));
        line.wait(US_NS);
    }
}

/// A rule that no policy has any more is still reset by its name, alone or
/// with the others.
fn not_in_force(line: &mut Timeline) {
    line.wait(MIN_NS);
    for merchant in ["m_7", "m_8", "m_9"] {
        line.admit(merchant, PAY, 5);
    }
    line.swap(&policy(&[("total", "*", "\"10/min\"", "")]));
    line.reset("m_7", Some("pay"));
    line.reset("m_8", None);
    line.wait(US_NS);
    for (merchant, left) in [("m_7", 5), ("m_8", 10), ("m_9", 5)] {
        line.see_left(merchant, PAY, left);
    }
    line.swap(&both());
    for merchant in ["m_7", "m_8"] {
        line.admit(merchant, PAY, 5);
    }
    line.deny_until_retry("m_9", PAY, 1, "pay");
}

/// Refunds that come after a reset.
pub fn receipts() -> Timeline {
    let mut line = Timeline::new(
        "A receipt from before a reset lends nothing to the key that was reset; a reset takes credits too.",
        &both(),
    );
    void(&mut line);
    only_one_of_two(&mut line);
    credit_forgotten(&mut line);
    old_and_new(&mut line);
    line
}

fn void(line: &mut Timeline) {
    for merchant in ["m_1", "m_2", "m_3"] {
        let receipt = line.admit_for(merchant, PAY, 5);
        line.reset(merchant, None);
        line.wait(if merchant == "m_1" { US_NS } else { 10 * MS_NS });
        if merchant == "m_3" {
            line.refund(receipt);
            line.admit(merchant, PAY, 5);
        } else {
            line.admit(merchant, PAY, 5);
            line.refund(receipt);
        }
        line.see_left(merchant, PAY, 0);
        line.deny(merchant, PAY, 1, "pay");
        line.admit(merchant, OTHER, 5);
        line.deny(merchant, OTHER, 1, "total");
        line.deny_until_retry(merchant, PAY, 1, "total");
    }
}

/// The rule that was not reset takes its part of the receipt.
fn only_one_of_two(line: &mut Timeline) {
    for (merchant, rule) in [("m_4", "pay"), ("m_5", "total")] {
        line.wait(2 * MIN_NS);
        let receipt = line.admit_for(merchant, PAY, 5);
        line.reset(merchant, Some(rule));
        line.wait(US_NS)
            .admit(merchant, if rule == "pay" { PAY } else { OTHER }, 5);
        line.refund(receipt);
        line.see_left(merchant, "", 5);
        line.peek(merchant, PAY, 5);
        line.peek(merchant, PAY, 1);
    }
}

fn credit_forgotten(line: &mut Timeline) {
    line.wait(2 * MIN_NS);
    let first = line.admit_for("m_6", PAY, 4);
    let second = line.admit_for("m_6", PAY, 1);
    line.refund(first);
    line.reset("m_6", Some("pay"));
    line.refund(second);
    line.wait(US_NS).see_left("m_6", "", 10);
    line.admit("m_6", PAY, 5);
    line.deny("m_6", PAY, 1, "pay");
    line.see_left("m_6", "", 5);
    line.deny_until_retry("m_6", PAY, 1, "pay");
}

/// Receipts of three lives of one key, given back in the wrong order.
fn old_and_new(line: &mut Timeline) {
    line.wait(2 * MIN_NS);
    let mut receipts = Vec::new();
    for _ in 0..3 {
        receipts.push(line.admit_for("m_7", PAY, 3));
        receipts.push(line.wait(MS_NS).admit_for("m_7", PAY, 2));
        line.reset("m_7", None);
        line.wait(US_NS);
    }
    let first = line.admit_for("m_7", PAY, 2);
    line.wait(US_NS).admit("m_7", PAY, 3);
    for receipt in receipts.into_iter().rev() {
        line.refund(receipt);
        line.deny("m_7", PAY, 1, "pay");
    }
    line.refund(first);
    line.see_left("m_7", PAY, 2);
    line.admit("m_7", PAY, 2);
    line.deny_until_retry("m_7", PAY, 1, "pay");
    line.wait(SEC_NS).peek("m_7", PAY, 5);
}
