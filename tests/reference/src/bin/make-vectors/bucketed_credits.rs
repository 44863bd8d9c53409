//! Refunds and resets of bucketed rules.

use crate::bucketed::{MINUTE, SECOND};
use crate::policies::{PAY, policy};
use crate::timeline::{MIN_NS, MS_NS, SEC_NS, Timeline, US_NS};

/// Two units of the bucketed rule's own time.
const TWO_QUANTA_NS: u64 = 2 * 1_024 * US_NS;

pub fn refunds() -> Timeline {
    let mut line = Timeline::new(
        "Bucketed credits die with their oldest unit's bucket, and are bounded by the largest limit only.",
        &policy(&[("pay", PAY, "\"5000/s\", \"20000/min\"", "")]),
    );
    dies_with_its_bucket(&mut line);
    around_the_end(&mut line);
    joined_in_the_minute(&mut line);
    more_than_an_exact_log(&mut line);
    the_largest(&mut line);
    held_for_a_while(&mut line);
    line
}

fn dies_with_its_bucket(line: &mut Timeline) {
    let old_ns = SECOND.reading_ns(1_000, 2_047);
    let first = line.at(old_ns).admit_for("m_1", PAY, 5_000);
    line.refund(first);
    line.see_left("m_1", PAY, 5_000);
    let new_ns = line.wait(US_NS).now_ns();
    line.admit("m_1", PAY, 5_000);
    let retry_ns = line.deny("m_1", PAY, 1, "pay");
    assert_eq!(retry_ns, SECOND.gone_ns(new_ns));
    line.at(SECOND.gone_ns(old_ns) - US_NS)
        .see_left("m_1", PAY, 0);
    line.wait(US_NS).see_left("m_1", PAY, 0);
    line.deny_until_retry("m_1", PAY, 1, "pay");
    line.admit("m_1", PAY, 4_999);
    line.deny_until_retry("m_1", PAY, 5_000, "pay");
    line.deny_until_retry("m_1", PAY, 1, "pay");
}

/// A refund at the last instant that the units count, and one too late.
fn around_the_end(line: &mut Timeline) {
    for (merchant, early_ns, left) in [("m_2", US_NS, 5_000), ("m_3", 0, 5_000)] {
        line.wait(2 * MIN_NS);
        let start_ns = SECOND.reading_ns(SECOND.bucket(line.now_ns()), 100);
        let receipt = line.at(start_ns).admit_for(merchant, PAY, 4_000);
        line.at(SECOND.gone_ns(start_ns) - early_ns).refund(receipt);
        line.see_left(merchant, PAY, left);
        line.admit(merchant, PAY, 5_000);
        line.wait(US_NS).see_left(merchant, PAY, 0);
        line.deny_until_retry(merchant, PAY, 1, "pay");
    }
}

/// While the older lives in the minute it draws the younger after it, so that
/// the second gets nothing; afterwards the younger stands alone.
fn joined_in_the_minute(line: &mut Timeline) {
    for (merchant, early_ns, left) in [("m_4", US_NS, 0), ("m_5", 0, 5_000)] {
        let start_ns = line.wait(2 * MIN_NS).now_ns();
        let older = line.admit_for(merchant, PAY, 5_000);
        line.refund(older);
        line.at(MINUTE.gone_ns(start_ns) - early_ns);
        let younger = line.admit_for(merchant, PAY, 5_000);
        line.refund(younger);
        line.see_left(merchant, PAY, left);
        line.wait(MS_NS).peek(merchant, PAY, 5_000);
        line.wait(2 * SEC_NS).see_left(merchant, PAY, 5_000);
    }
}

fn more_than_an_exact_log(line: &mut Timeline) {
    line.wait(2 * MIN_NS);
    for nth in 0..12 {
        let receipt = line
            .wait(nth * 5 * MS_NS)
            .admit_for("m_6", PAY, 4_000 + nth * 90);
        line.see_left("m_6", PAY, 1_000 - nth * 90);
        line.refund(receipt);
        line.see_left("m_6", PAY, 5_000);
    }
    line.admit("m_6", PAY, 5_000);
    line.deny_until_retry("m_6", PAY, 1, "pay");
}

fn the_largest(line: &mut Timeline) {
    line.wait(2 * MIN_NS).swap(&policy(&[(
        "pay",
        PAY,
        "\"16777216/min\", \"16777215/s\"",
        "",
    )]));
    let receipt = line.admit_for("m_7", PAY, 16_777_215);
    line.refund(receipt);
    line.see_left("m_7", PAY, 1);
    line.deny("m_7", PAY, 2, "pay");
    let one = line.wait(10 * MS_NS).admit_for("m_7", PAY, 1);
    line.refund(one);
    line.see_left("m_7", PAY, 0);
    line.deny_until_retry("m_7", PAY, 1, "pay");
    line.deny_until_retry("m_7", PAY, 16_777_215, "pay");
}

fn held_for_a_while(line: &mut Timeline) {
    line.wait(2 * MIN_NS)
        .swap(&policy(&[("pay", PAY, "\"5000/s\", \"20000/min\"", "")]));
    let mut held = Vec::new();
    for nth in 0..60 {
        line.wait(190 * MS_NS + nth * 733 * US_NS);
        let (_, receipt) = line.check_with_receipt("m_8", PAY, 700 + nth * 13);
        held.extend(receipt);
        if nth % 3 == 2 && !held.is_empty() {
            line.refund(held.remove(held.len() / 2));
        }
        line.peek("m_8", PAY, 2_500);
    }
    line.deny_until_retry("m_8", PAY, 4_000, "pay");
    line.deny_until_retry("m_8", PAY, 4_000, "pay");
}

pub fn resets() -> Timeline {
    let mut line = Timeline::new(
        "A bucketed key after a reset: nothing counts, nothing is lent, and new units are counted from there.",
        &policy(&[("pay", PAY, "\"5000/s\", \"20000/min\"", "")]),
    );
    in_one_bucket(&mut line);
    line.wait(MIN_NS);
    with_receipts(&mut line);
    line
}

/// Lives that each begin where the one before was reset. A key's new life begins
/// a quantum after the old one at the earliest.
fn in_one_bucket(line: &mut Timeline) {
    for nth in 0..12 {
        line.admit("m_1", PAY, 5_000 - nth);
        line.peek("m_1", PAY, 1);
        line.deny("m_1", PAY, 12, "pay");
        line.reset("m_1", if nth % 2 == 0 { None } else { Some("pay") });
        line.wait(TWO_QUANTA_NS).see_left("m_1", PAY, 5_000);
    }
    line.admit("m_1", PAY, 5_000);
    let retry_ns = line.deny("m_1", PAY, 1, "pay");
    assert_eq!(retry_ns, SECOND.gone_ns(line.now_ns()));
    line.deny_until_retry("m_1", PAY, 5_000, "pay");
}

fn with_receipts(line: &mut Timeline) {
    let lent = line.admit_for("m_2", PAY, 2_000);
    let old = line.admit_for("m_2", PAY, 3_000);
    line.refund(lent);
    line.see_left("m_2", PAY, 2_000);
    line.reset("m_2", Some("pay"));
    line.wait(TWO_QUANTA_NS).see_left("m_2", PAY, 5_000);
    let new = line.admit_for("m_2", PAY, 5_000);
    line.refund(old);
    line.deny("m_2", PAY, 1, "pay");
    line.wait(MS_NS).refund(new);
    line.see_left("m_2", PAY, 5_000);
    line.admit("m_2", PAY, 5_000);
    line.deny_until_retry("m_2", PAY, 1, "pay");
}
