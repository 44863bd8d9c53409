//! Policies swapped while running: the log holds admissions, not limits.
//!
//! A swap to a longer window comes while every unit of the key still lives in
//! the longest window before it: an engine may have forgotten older ones.

use slidegate_reference::Outcome;

use crate::policies::{PAY, pay, policy};
use crate::timeline::{MIN_NS, MS_NS, SEC_NS, Timeline, US_NS};

pub fn raise() -> Timeline {
    let mut line = Timeline::new(
        "A raised limit admits exactly the difference at once.",
        &pay("\"100/min\""),
    );
    line.admit_many("m_1", PAY, 100, 10 * MS_NS);
    line.admit("m_2", PAY, 40);
    line.deny("m_1", PAY, 1, "pay");
    line.swap(&pay("\"150/min\""));
    line.peek("m_2", PAY, 1);
    line.admit_many("m_1", PAY, 50, 0);
    line.deny("m_1", PAY, 1, "pay");
    line.admit("m_2", PAY, 110);
    line.deny("m_2", PAY, 1, "pay");
    line.swap(&pay("\"151/min\""));
    line.admit("m_1", PAY, 1);
    line.deny_until_retry("m_1", PAY, 2, "pay");
    line.swap(&pay("\"2048/min\""));
    line.admit("m_1", PAY, 1_000);
    line.deny("m_1", PAY, 1_000, "pay");
    line.meet(Outcome::Never, "m_1", PAY, 2_049);
    line
}

pub fn lower() -> Timeline {
    let mut line = Timeline::new(
        "A lowered limit counts what was admitted before it and waits until enough of that has died.",
        &pay("\"20/min\""),
    );
    line.admit_many("m_1", PAY, 20, SEC_NS);
    line.swap(&pay("\"5/min\""));
    for cost in 1..=5 {
        line.deny("m_1", PAY, cost, "pay");
        line.peek("m_1", PAY, cost);
    }
    line.meet(Outcome::Never, "m_1", PAY, 6);
    line.deny_until_retry("m_1", PAY, 1, "pay");
    line.deny_until_retry("m_1", PAY, 3, "pay");
    line.swap(&pay("\"20/min\""));
    line.peek("m_1", PAY, 1);
    line.wait(2 * MIN_NS).admit("m_1", PAY, 20);
    line.swap(&pay("\"19/min\""));
    line.deny("m_1", PAY, 1, "pay");
    line.swap(&pay("\"21/min\""));
    line.admit("m_1", PAY, 1);
    line.deny_until_retry("m_1", PAY, 1, "pay");
    line
}

pub fn rules() -> Timeline {
    let total = ("total", "*", "\"30/min\"", "");
    let pays = ("pay", PAY, "\"10/min\"", "");
    let both = policy(&[total, pays]);
    let mut line = Timeline::new(
        "Rules removed and added again by name find their units; another name starts empty.",
        &both,
    );
    line.admit_many("m_1", PAY, 10, SEC_NS);
    line.deny("m_1", PAY, 1, "pay");
    line.swap(&policy(&[total]));
    line.admit("m_1", PAY, 5);
    line.swap(&both);
    line.deny("m_1", PAY, 1, "pay");
    line.peek("m_1", "", 1);
    line.swap(&policy(&[pays]));
    line.deny_until_retry("m_1", PAY, 2, "pay");
    line.meet(Outcome::Unmatched, "m_1", "GET /other", 99);
    line.swap(&policy(&[pays, total]));
    line.peek("m_1", "", 1);
    line.admit("m_1", "GET /other", 15);
    line.swap(&policy(&[("pay-2", PAY, "\"10/min\"", "")]));
    line.admit("m_1", PAY, 10);
    line.deny("m_1", PAY, 1, "pay-2");
    line.swap(&policy(&[("pay", "GET /other", "\"10/min\"", ""), total]));
    line.deny("m_1", "GET /other", 4, "pay");
    line.swap(&policy(&[("pay", PAY, "\"10/min\"", "cost = 4\n")]));
    line.deny_until_retry("m_1", PAY, 1, "pay");
    line.deny_until_retry("m_1", PAY, 2, "pay");
    line
}

pub fn windows() -> Timeline {
    let mut line = Timeline::new(
        "Windows added to a rule, taken from it, and made longer or shorter.",
        &pay("\"5/s\""),
    );
    line.admit_many("m_1", PAY, 5, 100 * MS_NS);
    line.swap(&pay("\"5/s\", \"8/min\""));
    line.deny_until_retry("m_1", PAY, 1, "pay");
    line.deny_until_retry("m_1", PAY, 1, "pay");
    line.deny_until_retry("m_1", PAY, 1, "pay");
    line.deny("m_1", PAY, 1, "pay");
    line.swap(&pay("\"8/min\", \"9/2min\""));
    line.admit("m_2", PAY, 8);
    line.deny("m_1", PAY, 2, "pay");
    line.deny_until_retry("m_1", PAY, 1, "pay");
    line.swap(&pay("\"5/s\""));
    line.peek("m_1", PAY, 1);
    line.admit("m_1", PAY, 4);
    line.deny_until_retry("m_1", PAY, 1, "pay");
    line.wait(3 * MIN_NS).admit_many("m_3", PAY, 5, US_NS);
    line.swap(&pay("\"5/100ms\""));
    line.wait(99 * MS_NS).deny_until_retry("m_3", PAY, 5, "pay");
    line
}

pub fn routes() -> Timeline {
    let header = "version = 1\nunmatched = ";
    let rule = "\n[[rule]]\nname = \"item\"\nmatch = \"GET /items/:id\"\nwindows = [\"4/min\"]\n";
    let plain = format!("{header}\"allow\"\n{rule}");
    let mut line = Timeline::new(
        "Exemptions and the rule for unmatched endpoints change with the policy, the units stay.",
        &plain,
    );
    let item = "GET /items/7";
    line.admit_many("m_1", item, 4, MS_NS);
    line.deny("m_1", item, 1, "item");
    line.swap(&format!(
        "{header}\"deny\"\nexempt = [\"GET /items/*rest\"]\n{rule}"
    ));
    line.deny("m_1", item, 1, "item");
    line.meet(Outcome::Exempt, "m_1", "GET /items/7/parts", 1);
    line.meet(Outcome::Unmatched, "m_1", "GET /carts", 1);
    line.swap(&format!(
        "{header}\"deny\"\nexempt = [\"GET {}\"]\n{rule}",
        "/items/7"
    ));
    line.meet(Outcome::Exempt, "m_1", item, 9);
    line.deny("m_1", "GET /items/8", 1, "item");
    line.swap(&plain);
    line.meet(Outcome::Unmatched, "m_1", "GET /carts", 1);
    line.deny_until_retry("m_1", item, 1, "item");
    line
}
