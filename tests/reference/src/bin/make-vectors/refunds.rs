//! Refunds: capacity lent until the oldest refunded unit leaves the window.

use slidegate_reference::Outcome;

use crate::policies::{PAY, pay, policy};
use crate::timeline::{MIN_NS, MS_NS, SEC_NS, Timeline, US_NS};

pub fn single() -> Timeline {
    let mut line = Timeline::new(
        "One window: a refund lends its units at once, and no longer than the oldest of them counts.",
        &pay("\"5/s\""),
    );
    lent_at_once(&mut line);
    merged(&mut line);
    dies_before_its_units(&mut line);
    promise_dies(&mut line);
    order_is_of_no_matter(&mut line);
    around_the_length(&mut line);
    over_and_over(&mut line);
    line
}

fn lent_at_once(line: &mut Timeline) {
    line.admit_many("m_1", PAY, 4, 10 * MS_NS);
    let newest = line.wait(10 * MS_NS).admit_for("m_1", PAY, 1);
    assert_eq!(line.check_with_receipt("m_1", PAY, 1).1, None);
    line.wait(MS_NS).refund(newest);
    line.see_left("m_1", PAY, 1);
    line.admit("m_1", PAY, 1);
    for _ in 0..6 {
        line.deny_until_retry("m_1", PAY, 1, "pay");
    }
    line.wait(SEC_NS);
    let whole = line.admit_for("m_2", PAY, 3);
    line.deny("m_2", PAY, 3, "pay");
    line.refund(whole);
    line.admit("m_2", PAY, 3);
    line.see_left("m_2", PAY, 2);
    line.meet(Outcome::Never, "m_2", PAY, 6);
}

/// Units at 0, 100, … 400 ms, those of 300 and then of 100 given back.
fn merged(line: &mut Timeline) {
    let start_ns = line.wait(MIN_NS).now_ns();
    let mut receipts = Vec::new();
    for nth in 0..5 {
        line.at(start_ns + nth * 100 * MS_NS);
        receipts.push(line.admit_for("m_3", PAY, 1));
    }
    line.refund(receipts[3]);
    line.see_left("m_3", PAY, 1);
    line.refund(receipts[1]);
    line.see_left("m_3", PAY, 2);
    line.at(start_ns + 1_100 * MS_NS - US_NS)
        .see_left("m_3", PAY, 3);
    line.wait(US_NS).see_left("m_3", PAY, 2);
    line.admit("m_3", PAY, 2);
    line.deny_until_retry("m_3", PAY, 1, "pay");
    line.deny_until_retry("m_3", PAY, 5, "pay");
}

/// The credit of both refunds dies with the older: what was admitted one
/// microsecond earlier is denied.
fn dies_before_its_units(line: &mut Timeline) {
    let start_ns = line.wait(MIN_NS).now_ns();
    let older = line.admit_for("m_4", PAY, 1);
    let younger = line.wait(500 * MS_NS).admit_for("m_4", PAY, 4);
    line.refund(younger);
    line.refund(older);
    line.see_left("m_4", PAY, 5);
    line.at(start_ns + SEC_NS - US_NS).admit("m_4", PAY, 2);
    line.see_left("m_4", PAY, 3);
    line.at(start_ns + SEC_NS).see_left("m_4", PAY, 0);
    line.deny_until_retry("m_4", PAY, 1, "pay");
}

/// By the credit, more fit when the refunded unit leaves; but with it the
/// credit goes, so they wait for the next.
fn promise_dies(line: &mut Timeline) {
    let start_ns = line.wait(MIN_NS).now_ns();
    let first = line.admit_for("m_5", PAY, 1);
    for nth in 1..5 {
        line.at(start_ns + nth * 30 * MS_NS).admit("m_5", PAY, 1);
    }
    line.refund(first);
    line.see_left("m_5", PAY, 1);
    for cost in [2, 3, 4, 5] {
        let retry_ns = line.deny("m_5", PAY, cost, "pay");
        assert_eq!(retry_ns, start_ns + SEC_NS + (cost - 1) * 30 * MS_NS);
    }
    line.deny_until_retry("m_5", PAY, 3, "pay");
    line.deny_until_retry("m_5", PAY, 2, "pay");
}

fn order_is_of_no_matter(line: &mut Timeline) {
    for (merchant, older_first) in [("m_6", true), ("m_7", false)] {
        let start_ns = line.wait(MIN_NS).now_ns();
        let older = line.admit_for(merchant, PAY, 3);
        let younger = line.wait(300 * MS_NS).admit_for(merchant, PAY, 2);
        let (first, second) = match older_first {
            true => (older, younger),
            false => (younger, older),
        };
        line.refund(first);
        for cost in 1..=5 {
            line.peek(merchant, PAY, cost);
        }
        line.wait(MS_NS).refund(second);
        line.see_left(merchant, PAY, 5);
        line.admit(merchant, PAY, 4);
        for cost in 1..=5 {
            line.peek(merchant, PAY, cost);
        }
        line.at(start_ns + SEC_NS).see_left(merchant, PAY, 0);
        line.deny_until_retry(merchant, PAY, 1, "pay");
    }
}

/// At the last instant of the unit, at the instant of its end, and late while
/// another credit lives: the late one lends nothing and takes nothing.
fn around_the_length(line: &mut Timeline) {
    line.wait(MIN_NS);
    let last = line.admit_for("m_8", PAY, 5);
    line.wait(SEC_NS - US_NS).refund(last);
    line.admit("m_8", PAY, 5);
    line.wait(US_NS).see_left("m_8", PAY, 0);
    line.deny_until_retry("m_8", PAY, 1, "pay");

    let over = line.admit_for("m_9", PAY, 5);
    line.wait(SEC_NS).refund(over);
    line.see_left("m_9", PAY, 5);
    line.admit("m_9", PAY, 5);
    line.deny("m_9", PAY, 1, "pay");

    let old = line.wait(MIN_NS).admit_for("m_9", PAY, 2);
    let new = line.wait(SEC_NS).admit_for("m_9", PAY, 5);
    line.wait(US_NS).refund(new);
    line.see_left("m_9", PAY, 5);
    line.refund(old);
    line.see_left("m_9", PAY, 5);
    line.admit("m_9", PAY, 5);
    line.deny_until_retry("m_9", PAY, 1, "pay");
    let again = line.admit_for("m_9", PAY, 4);
    line.refund(again);
    line.see_left("m_9", PAY, 4);
}

/// Every refunded unit stays in the log, so it grows far beyond the limit.
fn over_and_over(line: &mut Timeline) {
    let start_ns = line.wait(MIN_NS).now_ns();
    for nth in 0..60 {
        line.at(start_ns + nth * 7 * MS_NS);
        let receipt = line.admit_for("m_10", PAY, 5);
        line.deny("m_10", PAY, 1, "pay");
        line.refund(receipt);
    }
    line.see_left("m_10", PAY, 5);
    line.admit("m_10", PAY, 2);
    line.at(start_ns + SEC_NS).see_left("m_10", PAY, 0);
    line.deny_until_retry("m_10", PAY, 1, "pay");
    line.wait(MIN_NS).admit("m_10", PAY, 5);
    line.deny_until_retry("m_10", PAY, 5, "pay");
}

pub fn windows() -> Timeline {
    let mut line = Timeline::new(
        "Two windows: a credit may live in the long one and be dead in the short.",
        &pay("\"4/s\", \"10/10s\""),
    );
    both_alive(&mut line);
    dead_in_the_short(&mut line);
    dead_in_both(&mut line);
    every_third_is_kept(&mut line);
    line
}

fn both_alive(line: &mut Timeline) {
    let start_ns = line.now_ns();
    let first = line.admit_for("m_1", PAY, 4);
    line.deny("m_1", PAY, 1, "pay");
    line.wait(MS_NS).refund(first);
    line.wait(MS_NS).admit("m_1", PAY, 4);
    let retry_ns = line.deny("m_1", PAY, 1, "pay");
    assert_eq!(retry_ns, start_ns + SEC_NS + 2 * MS_NS);
    line.deny_until_retry("m_1", PAY, 1, "pay");
    line.admit("m_1", PAY, 3);
    line.wait(SEC_NS).admit("m_1", PAY, 2);
    let retry_ns = line.deny("m_1", PAY, 1, "pay");
    assert_eq!(retry_ns, start_ns + 10 * SEC_NS + 2 * MS_NS);
    line.deny_until_retry("m_1", PAY, 1, "pay");
    line.deny_until_retry("m_1", PAY, 4, "pay");
}

/// The older refund is of use in the long window only, and draws the younger
/// after it.
fn dead_in_the_short(line: &mut Timeline) {
    line.wait(MIN_NS);
    let older = line.admit_for("m_2", PAY, 4);
    line.wait(2 * SEC_NS).refund(older);
    let younger = line.admit_for("m_2", PAY, 4);
    line.see_left("m_2", PAY, 0);
    line.refund(younger);
    line.see_left("m_2", PAY, 0);
    line.deny_until_retry("m_2", PAY, 1, "pay");
    line.admit("m_2", PAY, 3);
    line.wait(SEC_NS).admit("m_2", PAY, 4);
    line.wait(SEC_NS).see_left("m_2", PAY, 2);
    line.admit("m_2", PAY, 2);
    line.deny_until_retry("m_2", PAY, 1, "pay");
}

/// Ten seconds after the older refund's unit the younger stands alone.
fn dead_in_both(line: &mut Timeline) {
    for (merchant, early_ns) in [("m_3", US_NS), ("m_4", 0)] {
        let start_ns = line.wait(MIN_NS).now_ns();
        let older = line.admit_for(merchant, PAY, 2);
        line.refund(older);
        line.at(start_ns + 10 * SEC_NS - early_ns);
        let younger = line.admit_for(merchant, PAY, 4);
        line.refund(younger);
        line.peek(merchant, PAY, 1);
        line.wait(US_NS).peek(merchant, PAY, 4);
        line.check(merchant, PAY, 4);
        line.wait(SEC_NS).peek(merchant, PAY, 4);
    }
}

fn every_third_is_kept(line: &mut Timeline) {
    line.wait(MIN_NS);
    for nth in 0..70 {
        line.wait(130 * MS_NS);
        let (_, receipt) = line.check_with_receipt("m_5", PAY, 1 + nth % 4);
        if let Some(receipt) = receipt
            && nth % 3 != 0
        {
            line.wait(nth * MS_NS).refund(receipt);
        }
        line.peek("m_5", PAY, 1 + nth % 3);
    }
    for cost in [1, 4, 2, 3] {
        line.deny_until_retry("m_5", PAY, cost, "pay");
        line.admit_until_denied("m_5", PAY, 1);
    }
}

/// The most that a key is asked about, credits included.
pub fn cap() -> Timeline {
    let mut line = Timeline::new(
        "However much is refunded, no more than 4,096 units count against an exact window.",
        &policy(&[
            ("pay", PAY, "\"2048/min\"", ""),
            ("send", "POST /send", "\"2000/min\"", ""),
            ("list", "GET /list", "\"100/min\"", ""),
            ("pair", "POST /pair", "\"2048/s\", \"2048/min\"", ""),
        ]),
    );
    twice_the_largest(&mut line);
    less_than_twice(&mut line);
    many_small(&mut line);
    two_windows(&mut line);
    line
}

fn twice_the_largest(line: &mut Timeline) {
    let start_ns = line.now_ns();
    let first = line.admit_for("m_1", PAY, 2_048);
    line.deny("m_1", PAY, 1, "pay");
    line.refund(first);
    line.see_left("m_1", PAY, 2_048);
    let second = line.wait(MS_NS).admit_for("m_1", PAY, 2_048);
    line.deny("m_1", PAY, 1, "pay");
    line.refund(second);
    line.see_left("m_1", PAY, 0);
    for cost in [1, 1_024, 2_048] {
        let retry_ns = line.deny("m_1", PAY, cost, "pay");
        assert_eq!(retry_ns, start_ns + MIN_NS + MS_NS);
    }
    line.meet(Outcome::Never, "m_1", PAY, 2_049);
    line.deny_until_retry("m_1", PAY, 2_048, "pay");
    line.deny_until_retry("m_1", PAY, 1, "pay");
}

fn less_than_twice(line: &mut Timeline) {
    let send = "POST /send";
    line.wait(MIN_NS);
    for _ in 0..2 {
        let receipt = line.wait(MS_NS).admit_for("m_1", send, 2_000);
        line.refund(receipt);
    }
    line.see_left("m_1", send, 96);
    line.deny("m_1", send, 97, "send");
    let rest = line.admit_for("m_1", send, 96);
    line.refund(rest);
    line.see_left("m_1", send, 0);
    line.deny_until_retry("m_1", send, 1, "send");
    line.deny_until_retry("m_1", send, 2_000, "send");
}

/// The 41st refund is the first that finds no more room.
fn many_small(line: &mut Timeline) {
    let list = "GET /list";
    line.wait(MIN_NS);
    for nth in 0..40 {
        let receipt = line.wait(nth * MS_NS).admit_for("m_1", list, 100);
        line.see_left("m_1", list, 0);
        line.refund(receipt);
    }
    line.see_left("m_1", list, 96);
    line.admit("m_1", list, 90);
    let receipt = line.admit_for("m_1", list, 6);
    line.refund(receipt);
    line.see_left("m_1", list, 0);
    line.deny_until_retry("m_1", list, 1, "list");
    line.deny_until_retry("m_1", list, 100, "list");
}

/// The short window's cap is that of the one log that both share.
fn two_windows(line: &mut Timeline) {
    let pair = "POST /pair";
    line.wait(MIN_NS);
    for cost in [2_047, 1, 1_000, 1_048] {
        let receipt = line.wait(300 * MS_NS).admit_for("m_1", pair, cost);
        line.peek("m_1", pair, cost);
        line.refund(receipt);
        line.peek("m_1", pair, 1);
    }
    line.deny_until_retry("m_1", pair, 1, "pair");
    line.admit_until_denied("m_1", pair, 512);
    line.deny_until_retry("m_1", pair, 512, "pair");
}

/// The longest window that a rule had had when units were admitted says how long
/// their credit is kept.
pub fn swaps() -> Timeline {
    let mut line = Timeline::new(
        "Credits outlive their policy; how long they take others in goes by the longest window that their rule had had when their units were admitted.",
        &pay("\"5/s\""),
    );
    grown(&mut line);
    limits(&mut line);
    shrunk(&mut line);
    gone_and_back(&mut line);
    line
}

/// The length grows while all units are alive: they count in the longer window,
/// and are lent for one second as before.
fn grown(line: &mut Timeline) {
    let first = line.admit_for("m_1", PAY, 3);
    let second = line.wait(MS_NS).admit_for("m_1", PAY, 2);
    line.refund(first);
    line.swap(&pay("\"5/s\", \"9/10s\""));
    line.see_left("m_1", PAY, 3);
    line.wait(SEC_NS).see_left("m_1", PAY, 4);
    line.admit("m_1", PAY, 4);
    line.refund(second);
    line.see_left("m_1", PAY, 0);
    line.deny_until_retry("m_1", PAY, 2, "pay");
    line.see_left("m_1", PAY, 1);
    line.admit("m_1", PAY, 1);
    line.deny_until_retry("m_1", PAY, 1, "pay");
    line.wait(SEC_NS).see_left("m_1", PAY, 5);
}

fn limits(line: &mut Timeline) {
    line.wait(MIN_NS).swap(&pay("\"5/10s\""));
    let receipt = line.admit_for("m_2", PAY, 5);
    line.refund(receipt);
    for (windows, left) in [
        ("\"8/10s\"", 8),
        ("\"3/10s\"", 3),
        ("\"1/10s\"", 1),
        ("\"2048/10s\"", 2_048),
    ] {
        line.swap(&pay(windows));
        line.see_left("m_2", PAY, left);
    }
    line.swap(&pay("\"4/10s\""));
    line.admit("m_2", PAY, 4);
    line.deny("m_2", PAY, 1, "pay");
    line.swap(&pay("\"3/10s\""));
    line.deny_until_retry("m_2", PAY, 1, "pay");
}

/// Ten seconds were the longest: until then a credit that is dead in the
/// second keeps those that follow dead as well.
fn shrunk(line: &mut Timeline) {
    let start_ns = line.wait(MIN_NS).now_ns();
    line.swap(&pay("\"5/s\""));
    for (after_ns, left) in [
        (0, 5),
        (2 * SEC_NS, 0),
        (10 * SEC_NS - US_NS, 0),
        (11 * SEC_NS, 5),
        (12 * SEC_NS, 0),
    ] {
        line.at(start_ns + after_ns);
        let receipt = line.admit_for("m_3", PAY, 5);
        line.refund(receipt);
        line.see_left("m_3", PAY, left);
    }
    line.deny_until_retry("m_3", PAY, 5, "pay");
}

fn gone_and_back(line: &mut Timeline) {
    let total = ("total", "*", "\"9/10s\"", "");
    let both = policy(&[total, ("pay", PAY, "\"5/s\", \"7/10s\"", "")]);
    line.wait(MIN_NS).swap(&both);
    let first = line.admit_for("m_4", PAY, 3);
    let second = line.wait(SEC_NS).admit_for("m_4", PAY, 4);
    line.deny("m_4", PAY, 1, "pay");
    line.swap(&policy(&[total]));
    line.see_left("m_4", PAY, 2);
    line.refund(second);
    line.see_left("m_4", PAY, 6);
    line.swap(&both);
    line.see_left("m_4", PAY, 4);
    line.swap(&policy(&[("other", PAY, "\"5/s\"", "")]));
    line.refund(first);
    line.see_left("m_4", PAY, 5);
    line.swap(&both);
    line.see_left("m_4", PAY, 1);
    line.admit("m_4", PAY, 1);
    line.deny_until_retry("m_4", PAY, 1, "pay");
}
