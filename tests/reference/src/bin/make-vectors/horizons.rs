//! Credits across windows that become longer, shorter and longer again.
//!
//! Units are lent for the longest window that their rule's name had had when
//! they were admitted: under a longer one an engine may have forgotten them. For
//! the same reason a window becomes longer here only while all units of a key
//! count, or where the newest of them fill the window by themselves.

use slidegate_reference::Outcome;

use crate::policies::{PAY, policy};
use crate::timeline::{MS_NS, SEC_NS, Timeline, US_NS};

/// The limit of most windows here, in units.
const LIMIT: u64 = 4;

/// One rule for payments; each name has a horizon of its own.
fn rule(name: &str, windows: &str) -> String {
    policy(&[(name, PAY, windows, "")])
}

/// What is left of [`LIMIT`] or more, and when one unit more than that fits.
#[track_caller]
fn see(line: &mut Timeline, merchant: &str, left: u64) {
    line.see_left(merchant, PAY, left);
    if left < LIMIT {
        let decision = line.peek(merchant, PAY, left + 1);
        assert_eq!(decision.outcome, Outcome::Denied, "{decision:?}");
    }
}

/// What is left a microsecond before an instant, at it, and one after it.
#[track_caller]
fn around(line: &mut Timeline, instant_ns: u64, left: &[(&str, u64, u64)]) {
    for (merchant, before, _) in left {
        see(line.at(instant_ns - US_NS), merchant, *before);
    }
    for (merchant, _, from_then) in left {
        see(line.at(instant_ns), merchant, *from_then);
    }
    for (merchant, _, from_then) in left {
        line.at(instant_ns + US_NS)
            .see_left(merchant, PAY, *from_then);
    }
}

#[track_caller]
fn give_back(line: &mut Timeline, receipts: [u64; 2]) {
    for number in receipts {
        line.refund(number);
    }
}

/// One unit and later three, all given back.
fn lend_four(line: &mut Timeline, merchant: &str, gap_ns: u64) {
    let older = line.admit_for(merchant, PAY, 1);
    let younger = line.wait(gap_ns).admit_for(merchant, PAY, 3);
    give_back(line, [older, younger]);
}

pub fn longer() -> Timeline {
    let mut line = Timeline::new(
        "A credit is lent for the longest window that its rule had had when its units were admitted, however long a later one is.",
        &rule("once", "\"4/s\""),
    );
    overwritten(&mut line);
    refunded_before(&mut line);
    refunded_after(&mut line);
    admitted_after(&mut line);
    of_both_eras(&mut line);
    at_one_instant(&mut line);
    joined_or_replaced(&mut line);
    one_window_more(&mut line);
    two_rules(&mut line);
    gone_and_back(&mut line);
    line
}

/// Refunded units that died and were overwritten by as many: the window becomes
/// longer, and would have the credit, but not the units, alive again.
fn overwritten(line: &mut Timeline) {
    let start_ns = line.now_ns();
    for nth in 0..5 {
        for merchant in ["m_1", "m_2"] {
            let receipt = line.at(start_ns + nth * SEC_NS).admit_for(merchant, PAY, 4);
            line.refund(receipt);
        }
    }
    let full_ns = start_ns + 5 * SEC_NS;
    line.at(full_ns).admit("m_1", PAY, 4);
    line.admit("m_2", PAY, 3);
    line.wait(MS_NS).admit("m_2", PAY, 1);
    line.swap(&rule("once", "\"4/3s\""));
    around(line, full_ns + 2 * SEC_NS, &[("m_1", 0, 0), ("m_2", 0, 0)]);
    line.swap(&rule("once", "\"4/10s\""));
    for cost in 1..=4 {
        let retry_ns = line.deny("m_1", PAY, cost, "once");
        assert_eq!(retry_ns, full_ns + 10 * SEC_NS);
    }
    line.deny_until_retry("m_1", PAY, 2, "once");
    line.deny_until_retry("m_2", PAY, 4, "once");
}

/// The window becomes longer while its units count: they do so on, but what
/// they lent ends when it would have.
fn refunded_before(line: &mut Timeline) {
    let start_ns = line.wait(SEC_NS).now_ns();
    line.swap(&rule("before", "\"4/s\""));
    let receipt = line.admit_for("m_1", PAY, 3);
    line.wait(100 * MS_NS).refund(receipt);
    line.swap(&rule("before", "\"4/3s\""));
    see(line, "m_1", 4);
    around(line, start_ns + SEC_NS, &[("m_1", 4, 1)]);
    around(line, start_ns + 3 * SEC_NS, &[("m_1", 1, 4)]);
}

/// A refund goes by the admission's longest window and not by its own. At the
/// instant of its end it lends nothing.
fn refunded_after(line: &mut Timeline) {
    let start_ns = line.wait(SEC_NS).now_ns();
    line.swap(&rule("after", "\"4/s\""));
    let early = line.admit_for("m_1", PAY, 2);
    let late = line.admit_for("m_2", PAY, 2);
    let next = line.wait(300 * MS_NS).admit_for("m_2", PAY, 1);
    line.swap(&rule("after", "\"4/3s\""));
    line.at(start_ns + SEC_NS - US_NS).refund(early);
    see(line, "m_1", 4);
    see(line.wait(US_NS), "m_1", 2);
    line.refund(late);
    see(line, "m_2", 1);
    line.at(start_ns + 1_300 * MS_NS - US_NS).refund(next);
    see(line, "m_2", 2);
    see(line.wait(US_NS), "m_2", 1);
    let both_dead = [("m_1", 2, 4), ("m_2", 1, 3)];
    around(line, start_ns + 3 * SEC_NS, &both_dead);
}

fn admitted_after(line: &mut Timeline) {
    line.wait(SEC_NS).swap(&rule("new", "\"4/s\""));
    line.admit("m_1", PAY, 1);
    line.swap(&rule("new", "\"4/3s\""));
    let start_ns = line.now_ns();
    let older = line.admit_for("m_2", PAY, 1);
    let younger = line.wait(SEC_NS).admit_for("m_2", PAY, 3);
    give_back(line, [older, younger]);
    see(line, "m_2", 4);
    around(line, start_ns + 3 * SEC_NS, &[("m_2", 4, 1)]);
    around(line, start_ns + 4 * SEC_NS, &[("m_2", 1, 4)]);
}

/// One unit from before and three from after, given back in either order, the
/// younger alone, and the older too late.
fn of_both_eras(line: &mut Timeline) {
    let merchants = ["m_1", "m_2", "m_3", "m_4"];
    let start_ns = line.wait(SEC_NS).now_ns();
    line.swap(&rule("eras", "\"4/s\""));
    let older = merchants.map(|m| line.admit_for(m, PAY, 1));
    line.wait(200 * MS_NS).swap(&rule("eras", "\"4/3s\""));
    let younger = merchants.map(|m| line.admit_for(m, PAY, 3));
    line.wait(100 * MS_NS);
    give_back(line, [older[0], younger[0]]);
    give_back(line, [younger[1], older[1]]);
    give_back(line, [younger[2], younger[3]]);
    let short = [("m_1", 4, 0), ("m_2", 4, 0), ("m_3", 3, 3), ("m_4", 3, 3)];
    around(line, start_ns + SEC_NS, &short);
    line.refund(older[3]);
    see(line, "m_4", 3);
    let long = [("m_1", 0, 1), ("m_3", 3, 4), ("m_4", 3, 4)];
    around(line, start_ns + 3 * SEC_NS, &long);
    let younger_dead = [("m_1", 1, 4), ("m_2", 1, 4)];
    around(line, start_ns + 3_200 * MS_NS, &younger_dead);
}

/// Units of one stamp, admitted before and after the swap.
fn at_one_instant(line: &mut Timeline) {
    let merchants = ["m_1", "m_2", "m_3", "m_4"];
    let start_ns = line.wait(SEC_NS).now_ns();
    line.swap(&rule("instant", "\"4/s\""));
    let before = merchants.map(|m| line.admit_for(m, PAY, 2));
    line.swap(&rule("instant", "\"4/3s\""));
    let after = merchants.map(|m| line.admit_for(m, PAY, 2));
    give_back(line, [before[0], after[1]]);
    give_back(line, [before[2], after[2]]);
    give_back(line, [after[3], before[3]]);
    let short = [("m_1", 2, 0), ("m_2", 2, 2), ("m_3", 4, 0), ("m_4", 4, 0)];
    around(line, start_ns + SEC_NS, &short);
    around(line, start_ns + 3 * SEC_NS, &[("m_1", 0, 4), ("m_2", 2, 4)]);
}

/// A refund at the last instant of an older credit ends with it, one at its end
/// stands alone.
fn joined_or_replaced(line: &mut Timeline) {
    let start_ns = line.wait(SEC_NS).now_ns();
    line.swap(&rule("joined", "\"4/s\""));
    let older = ["m_1", "m_2"].map(|m| line.admit_for(m, PAY, 2));
    line.wait(100 * MS_NS).swap(&rule("joined", "\"4/3s\""));
    give_back(line, older);
    let younger = ["m_1", "m_2"].map(|m| line.wait(US_NS).admit_for(m, PAY, 2));
    line.at(start_ns + SEC_NS - US_NS).refund(younger[0]);
    see(line, "m_1", 4);
    see(line, "m_2", 2);
    line.wait(US_NS).refund(younger[1]);
    see(line, "m_1", 0);
    see(line, "m_2", 2);
    let older_dead = [("m_1", 0, 2), ("m_2", 2, 4)];
    around(line, start_ns + 3 * SEC_NS, &older_dead);
    line.deny_until_retry("m_1", PAY, 3, "joined");
}

/// The two old windows have the credit for their own lengths, the new one for
/// the longer of these.
fn one_window_more(line: &mut Timeline) {
    let start_ns = line.wait(SEC_NS).now_ns();
    line.swap(&rule("more", "\"4/s\", \"9/3s\""));
    let receipt = line.admit_for("m_1", PAY, 4);
    line.at(start_ns + 500 * MS_NS)
        .swap(&rule("more", "\"4/s\", \"9/3s\", \"12/10s\""));
    line.refund(receipt);
    line.wait(200 * MS_NS).admit("m_1", PAY, 1);
    around(line, start_ns + SEC_NS, &[("m_1", 3, 3)]);
    for at_ms in [1_500, 2_500] {
        line.at(start_ns + at_ms * MS_NS).admit("m_1", PAY, 3);
    }
    around(line, start_ns + 3 * SEC_NS, &[("m_1", 1, 1)]);
    around(line, start_ns + 3_500 * MS_NS, &[("m_1", 1, 1)]);
    line.deny_until_retry("m_1", PAY, 2, "more");
}

/// Each rule goes by the windows of its own name, also where one receipt gives
/// back to both.
fn two_rules(line: &mut Timeline) {
    let both = |total: &str, each: &str| {
        let total = ("total", "*", total, "per = \"all\"\n");
        policy(&[total, ("each", PAY, each, "")])
    };
    let other = "GET /other";
    let start_ns = line.wait(SEC_NS).now_ns();
    line.swap(&both("\"8/20s\"", "\"4/s\""));
    let receipt = line.admit_for("m_1", PAY, 4);
    line.wait(500 * MS_NS).swap(&both("\"8/20s\"", "\"4/3s\""));
    line.refund(receipt);
    line.see_left("m_2", other, 8);
    around(line, start_ns + SEC_NS, &[("m_1", 4, 0)]);
    around(line, start_ns + 3 * SEC_NS, &[("m_1", 0, 4)]);
    line.swap(&both("\"8/30s\"", "\"4/3s\""));
    for (at_s, before, from_then) in [(20, 8, 4), (30, 4, 8)] {
        let instant_ns = start_ns + at_s * SEC_NS;
        line.at(instant_ns - US_NS).see_left("m_2", other, before);
        line.at(instant_ns).see_left("m_2", other, from_then);
        line.wait(US_NS).see_left("m_2", other, from_then);
    }
}

/// While its rule is not in force a credit ends as well, and a refund goes by
/// the same longest window.
fn gone_and_back(line: &mut Timeline) {
    let start_ns = line.wait(SEC_NS).now_ns();
    line.swap(&rule("gone", "\"4/s\""));
    let first = line.admit_for("m_1", PAY, 3);
    let second = line.admit_for("m_2", PAY, 3);
    line.refund(first);
    line.wait(200 * MS_NS).swap(&rule("other", "\"4/10s\""));
    line.refund(second);
    line.wait(200 * MS_NS).swap(&rule("gone", "\"4/3s\""));
    let short = [("m_1", 4, 1), ("m_2", 4, 1)];
    around(line, start_ns + SEC_NS, &short);
    around(line, start_ns + 3 * SEC_NS, &[("m_1", 1, 4)]);
}

pub fn shorter() -> Timeline {
    let mut line = Timeline::new(
        "A longest window of the past says how long units are lent that are admitted under shorter ones.",
        &rule("pay", "\"4/10s\""),
    );
    dead_in_force(&mut line);
    line.wait(SEC_NS);
    back_to_the_longest(&mut line);
    line.wait(SEC_NS);
    by_way_of_a_middle(&mut line);
    line
}

/// Ten seconds are no longer in force, but until they are over a credit draws
/// those that follow after it.
fn dead_in_force(line: &mut Timeline) {
    let start_ns = line.now_ns();
    let old = ["m_1", "m_2"].map(|m| line.admit_for(m, PAY, 4));
    line.wait(100 * MS_NS).swap(&rule("pay", "\"4/s\""));
    give_back(line, old);
    see(line, "m_1", 4);
    line.admit("m_1", PAY, 2);
    see(line, "m_1", 2);
    around(line, start_ns + SEC_NS, &[("m_1", 2, 2), ("m_2", 4, 4)]);
    let drawn = line.at(start_ns + 1_500 * MS_NS).admit_for("m_2", PAY, 4);
    line.refund(drawn);
    around(line, start_ns + 2_500 * MS_NS, &[("m_2", 0, 4)]);
    let end_ns = start_ns + 10 * SEC_NS;
    let joined = line.at(end_ns - US_NS).admit_for("m_1", PAY, 3);
    line.refund(joined);
    see(line, "m_1", 1);
    let alone = line.at(end_ns).admit_for("m_2", PAY, 3);
    line.refund(alone);
    see(line, "m_1", 1);
    see(line, "m_2", 4);
    line.wait(500 * MS_NS).admit("m_2", PAY, 4);
    around(line, end_ns + SEC_NS, &[("m_1", 4, 4), ("m_2", 0, 0)]);
    line.deny_until_retry("m_2", PAY, 4, "pay");
}

/// Dead in one second, the credit is alive again under the ten that its units
/// were admitted under, until these are over.
fn back_to_the_longest(line: &mut Timeline) {
    let start_ns = line.now_ns();
    lend_four(line, "m_3", SEC_NS);
    see(line, "m_3", 1);
    around(line, start_ns + 2 * SEC_NS, &[("m_3", 1, 4)]);
    line.swap(&rule("pay", "\"4/10s\""));
    around(line, start_ns + 10 * SEC_NS, &[("m_3", 4, 1)]);
    around(line, start_ns + 11 * SEC_NS, &[("m_3", 1, 4)]);
}

/// Five seconds, then ten, then twenty: alive in the first two for their own
/// lengths, and in the third for ten seconds.
fn by_way_of_a_middle(line: &mut Timeline) {
    line.swap(&rule("pay", "\"4/s\""));
    let start_ns = line.now_ns();
    lend_four(line, "m_4", SEC_NS);
    line.wait(SEC_NS).swap(&rule("pay", "\"4/5s\""));
    around(line, start_ns + 5 * SEC_NS, &[("m_4", 4, 1)]);
    around(line, start_ns + 6 * SEC_NS, &[("m_4", 1, 4)]);
    line.swap(&rule("pay", "\"4/10s\""));
    see(line, "m_4", 4);
    line.swap(&rule("pay", "\"4/20s\""));
    around(line, start_ns + 10 * SEC_NS, &[("m_4", 4, 0)]);
    around(line, start_ns + 20 * SEC_NS, &[("m_4", 0, 1)]);
    around(line, start_ns + 21 * SEC_NS, &[("m_4", 1, 4)]);
}

/// The first three merchants have units of two seconds and of six, the last of
/// twelve.
pub fn again() -> Timeline {
    let mut line = Timeline::new(
        "Two seconds, six, two, six, twelve, two, six, twelve: credits come and go with the windows, and end with their own longest.",
        &pay_for(2),
    );
    let a_1 = ["m_1", "m_2"].map(|m| line.admit_for(m, PAY, 1));
    line.at(500 * MS_NS).swap(&pay_for(6));
    let a_2 = ["m_1", "m_2"].map(|m| line.admit_for(m, PAY, 3));
    give_back(&mut line, a_2);
    lend_four(&mut line, "m_3", 500 * MS_NS);
    line.at(1_500 * MS_NS).swap(&pay_for(2));
    until_six_again(&mut line, a_1);
    line.at(3_500 * MS_NS).swap(&pay_for(6));
    for (merchant, left) in [("m_1", 3), ("m_2", 0), ("m_3", 4)] {
        see(&mut line, merchant, left);
    }
    line.at(4 * SEC_NS).swap(&pay_for(12));
    lend_four(&mut line, "m_4", SEC_NS);
    let six_over = [("m_1", 3, 0), ("m_2", 0, 0), ("m_3", 4, 0)];
    around(&mut line, 6_500 * MS_NS, &six_over);
    line.at(7 * SEC_NS).swap(&pay_for(2));
    around(&mut line, 7_200 * MS_NS, &[("m_1", 4, 4), ("m_4", 4, 4)]);
    line.at(8 * SEC_NS).swap(&pay_for(6));
    around(&mut line, 10 * SEC_NS, &[("m_4", 4, 1)]);
    around(&mut line, 11 * SEC_NS, &[("m_4", 1, 4)]);
    line.at(11_500 * MS_NS).swap(&pay_for(12));
    until_all_are_dead(&mut line);
    line
}

fn pay_for(length_s: u64) -> String {
    rule("pay", &format!("\"4/{length_s}s\""))
}

/// Two seconds are in force and six were: the older units of the first two
/// merchants are given back when two seconds are over, and just before.
fn until_six_again(line: &mut Timeline, a_1: [u64; 2]) {
    line.at(2 * SEC_NS - US_NS).refund(a_1[1]);
    for (merchant, left) in [("m_1", 3), ("m_2", 4), ("m_3", 4)] {
        see(line, merchant, left);
    }
    line.wait(US_NS).refund(a_1[0]);
    for (merchant, left) in [("m_1", 4), ("m_2", 1), ("m_3", 4)] {
        see(line, merchant, left);
    }
    let older_dead = [("m_1", 4, 4), ("m_2", 1, 4), ("m_3", 4, 1)];
    around(line, 2_500 * MS_NS, &older_dead);
    around(line, 3 * SEC_NS, &[("m_3", 1, 4)]);
}

fn until_all_are_dead(line: &mut Timeline) {
    around(line, 12 * SEC_NS, &[("m_1", 0, 1), ("m_2", 0, 1)]);
    let next = [("m_1", 1, 4), ("m_2", 1, 4), ("m_3", 0, 1)];
    around(line, 12_500 * MS_NS, &next);
    around(line, 13 * SEC_NS, &[("m_3", 1, 4), ("m_4", 4, 4)]);
    around(line, 16 * SEC_NS, &[("m_4", 4, 1)]);
    around(line, 17 * SEC_NS, &[("m_4", 1, 4)]);
}
