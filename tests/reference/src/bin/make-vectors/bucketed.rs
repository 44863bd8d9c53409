//! Bucketed rules: a unit stops counting with its bucket.
//!
//! The lengths of buckets, and how many of them a unit outlives, are written
//! down here by hand: of a window of `W` µs, the bucket is the largest power of
//! two up to `W` / 256, and a unit stays for (`W` - 1) / bucket buckets, rounded
//! up, and one more.

use slidegate_reference::Outcome;

use crate::policies::{PAY, policy};
use crate::timeline::{MIN_NS, MS_NS, SEC_NS, Timeline, US_NS};

const FEW: &str = "GET /few";

/// A window's length in buckets.
#[derive(Clone, Copy)]
pub struct Scale {
    unit: &'static str,
    bucket_ticks: u64,
    /// A unit is gone at the beginning of that bucket after its own.
    gone_after: u64,
}

pub const SECOND: Scale = Scale {
    unit: "s",
    bucket_ticks: 2_048,
    gone_after: 490,
};

pub const MINUTE: Scale = Scale {
    unit: "min",
    bucket_ticks: 131_072,
    gone_after: 459,
};

const DAY: Scale = Scale {
    unit: "day",
    bucket_ticks: 268_435_456,
    gone_after: 323,
};

impl Scale {
    /// The reading at the beginning of that tick of that bucket.
    pub fn reading_ns(self, bucket: u64, tick: u64) -> u64 {
        (bucket * self.bucket_ticks + tick - 1) * US_NS
    }

    pub fn bucket(self, now_ns: u64) -> u64 {
        (now_ns / US_NS + 1) / self.bucket_ticks
    }

    /// The reading at which a unit admitted at `now_ns` is gone.
    pub fn gone_ns(self, now_ns: u64) -> u64 {
        self.reading_ns(self.bucket(now_ns) + self.gone_after, 0)
    }

    /// A bucket in which everything so far is gone.
    fn fresh_bucket(self, line: &Timeline) -> u64 {
        self.bucket(line.now_ns()) + self.gone_after + 2
    }

    fn bucket_ns(self) -> u64 {
        self.bucket_ticks * US_NS
    }
}

pub fn second() -> Timeline {
    one_window(SECOND)
}

pub fn minute() -> Timeline {
    one_window(MINUTE)
}

pub fn day() -> Timeline {
    one_window(DAY)
}

fn one_window(scale: Scale) -> Timeline {
    let unit = scale.unit;
    let about = format!(
        "Bucketed windows of 1 {unit}: units go with their bucket, never early and at most a 128th late."
    );
    let large = format!("\"5000/{unit}\"");
    let few = format!("\"7/{unit}\"");
    let policy = policy(&[
        ("pay", PAY, &large, ""),
        ("few", FEW, &few, "precision = \"bucketed\"\n"),
    ]);
    let mut line = Timeline::new(&about, &policy);
    edges(&mut line, scale);
    staircase(&mut line, scale);
    large_costs(&mut line, scale);
    steady(&mut line, scale);
    line
}

/// Wherever in its bucket a unit is admitted, it goes at the same instant.
fn edges(line: &mut Timeline, scale: Scale) {
    let last = scale.bucket_ticks - 1;
    for tick in [0, 1, 1_023, 1_024, scale.bucket_ticks / 2, last - 1, last] {
        let bucket = scale.fresh_bucket(line);
        let now_ns = scale.reading_ns(bucket, tick);
        line.at(now_ns).admit("m_1", FEW, 7);
        let retry_ns = line.deny("m_1", FEW, 1, "few");
        assert_eq!(retry_ns, scale.reading_ns(bucket + scale.gone_after, 0));
        line.deny_until_retry("m_1", FEW, 1, "few");
        line.see_left("m_1", FEW, 6);
    }
}

/// Seven units on both sides of three edges: each cost waits for another.
fn staircase(line: &mut Timeline, scale: Scale) {
    let bucket = scale.fresh_bucket(line);
    let last = scale.bucket_ticks - 1;
    let places = [
        (0, last),
        (1, 0),
        (1, 1),
        (1, last),
        (2, 0),
        (3, 1_023),
        (3, 1_024),
    ];
    let mut gone_ns = Vec::new();
    for (later, tick) in places {
        line.at(scale.reading_ns(bucket + later, tick))
            .admit("m_2", FEW, 1);
        gone_ns.push(scale.gone_ns(line.now_ns()));
    }
    for cost in 1..=7 {
        let retry_ns = line.deny("m_2", FEW, cost, "few");
        assert_eq!(retry_ns, gone_ns[cost as usize - 1]);
    }
    for cost in [1, 2, 2, 3, 2, 7] {
        line.deny_until_retry("m_2", FEW, cost, "few");
        line.peek("m_2", FEW, 7);
    }
}

fn large_costs(line: &mut Timeline, scale: Scale) {
    let start_ns = scale.reading_ns(scale.fresh_bucket(line), 5);
    for nth in 0..5 {
        line.at(start_ns + nth * scale.bucket_ns() / 3)
            .admit("m_1", PAY, 1_000);
    }
    line.meet(Outcome::Never, "m_1", PAY, 5_001);
    for (cost, unit) in [(1, 0), (1_000, 0), (3_000, 2), (3_001, 3), (5_000, 4)] {
        let retry_ns = line.deny("m_1", PAY, cost, "pay");
        let admitted_ns = start_ns + unit * scale.bucket_ns() / 3;
        assert_eq!(retry_ns, scale.gone_ns(admitted_ns));
    }
    for cost in [3_000, 1, 2_500, 5_000, 4_999] {
        line.deny_until_retry("m_1", PAY, cost, "pay");
    }
    line.admit("m_1", PAY, 1);
    line.deny("m_1", PAY, 1, "pay");
}

/// A thirteenth of the window between requests, then a long rest.
fn steady(line: &mut Timeline, scale: Scale) {
    for round in 1..3 {
        line.wait(round * 400 * scale.bucket_ns());
        for nth in 0..30 {
            line.wait(scale.bucket_ns() * scale.gone_after / 13 + nth * US_NS);
            line.check("m_3", PAY, 300 + nth * 31);
            line.check("m_3", FEW, 1 + nth % 3);
        }
        line.deny_until_retry("m_3", PAY, 4_000, "pay");
        line.deny_until_retry("m_3", FEW, 6, "few");
    }
}

pub fn pairs() -> Timeline {
    let mut line = Timeline::new(
        "Bucketed windows together, beside exact rules, under swaps, and with a clock that steps back.",
        &policy(&[("pay", PAY, "\"5000/s\", \"12000/min\"", "")]),
    );
    both_windows(&mut line);
    step_back(&mut line);
    lower_limits(&mut line);
    beside_exact(&mut line);
    line
}

fn both_windows(line: &mut Timeline) {
    let start_ns = 5 * MIN_NS;
    line.at(start_ns).admit("m_1", PAY, 5_000);
    let retry_ns = line.deny("m_1", PAY, 1, "pay");
    assert_eq!(retry_ns, SECOND.gone_ns(start_ns));
    line.at(retry_ns).admit("m_1", PAY, 5_000);
    line.peek("m_1", PAY, 1);
    line.deny_until_retry("m_1", PAY, 2_000, "pay");
    let retry_ns = line.deny("m_1", PAY, 1, "pay");
    assert_eq!(retry_ns, MINUTE.gone_ns(start_ns));
    line.deny_until_retry("m_1", PAY, 4_000, "pay");
    line.deny_until_retry("m_1", PAY, 1_001, "pay");
    for nth in 0..40 {
        line.wait(3 * SEC_NS + nth * 17 * MS_NS)
            .check("m_2", PAY, 700 + nth * 37);
        line.check("m_2", PAY, 1);
    }
    line.deny_until_retry("m_2", PAY, 3_000, "pay");
}

/// Within a quantum, within a bucket, and before both: what was gone at the
/// newest unit stays gone.
fn step_back(line: &mut Timeline) {
    line.wait(2 * MIN_NS);
    let bucket = SECOND.fresh_bucket(line) + 3 * MINUTE.gone_after;
    let old_ns = SECOND.reading_ns(bucket, 7);
    line.at(old_ns).admit("m_3", PAY, 4_000);
    let new_ns = SECOND.gone_ns(old_ns) + 1_500 * US_NS;
    line.at(new_ns).admit("m_3", PAY, 3_000);
    for back_us in [1, 400, 500, 1_499, 1_500, 1_501, 2_000, 3_000, 500_000] {
        line.at(new_ns - back_us * US_NS).peek("m_3", PAY, 2_000);
        line.peek("m_3", PAY, 2_001);
        line.admit("m_3", PAY, 100);
    }
    line.at(new_ns).see_left("m_3", PAY, 1_100);
    line.deny_until_retry("m_3", PAY, 1_101, "pay");
}

fn lower_limits(line: &mut Timeline) {
    line.wait(2 * MIN_NS).admit("m_4", PAY, 3_000);
    for (windows, left) in [
        ("\"4000/s\", \"12000/min\"", 1_000),
        ("\"4000/min\"", 1_000),
        ("\"100/s\", \"3500/min\"", 0),
        ("\"9/min\"", 0),
        ("\"16777216/min\"", 16_774_216),
    ] {
        let rest = "precision = \"bucketed\"\n";
        line.swap(&policy(&[("pay", PAY, windows, rest)]));
        line.see_left("m_4", PAY, left);
        line.peek("m_4", PAY, 9);
    }
    line.admit("m_4", PAY, 16_774_216);
    line.meet(Outcome::Never, "m_4", PAY, 16_777_217);
    line.deny_until_retry("m_4", PAY, 16_777_216, "pay");
    line.swap(&policy(&[(
        "pay",
        PAY,
        "\"5/s\", \"2048/min\"",
        "precision = \"bucketed\"\n",
    )]));
    line.deny_until_retry("m_4", PAY, 5, "pay");
}

/// One request, two precisions: each rule is named with its own.
fn beside_exact(line: &mut Timeline) {
    line.wait(2 * MIN_NS).swap(&policy(&[
        ("total", "*", "\"20/s\", \"50/min\"", ""),
        ("bulk", "POST /bulk", "\"9000/s\"", "cost = 1000\n"),
        (
            "platform",
            "*",
            "\"100000/min\"",
            "per = \"all\"\ncost = 4000\n",
        ),
    ]));
    let bulk = "POST /bulk";
    line.admit_many("m_5", bulk, 9, 10 * MS_NS);
    line.deny_until_retry("m_5", bulk, 1, "bulk");
    line.admit("m_5", "GET /other", 11);
    line.deny("m_5", "GET /other", 9, "platform");
    line.deny("m_6", bulk, 5, "platform");
    line.admit("m_6", bulk, 4);
    line.deny("m_5", bulk, 1, "platform");
    line.deny_until_retry("m_6", bulk, 1, "platform");
    line.deny_until_retry("m_5", "GET /other", 20, "platform");
    line.meet(Outcome::Never, "m_5", bulk, 10);
    for nth in 0..40 {
        let merchant = ["m_5", "m_6", "m_7"][nth % 3];
        line.wait(170 * MS_NS)
            .check(merchant, bulk, 1 + nth as u64 % 4);
        line.peek(merchant, "", 3);
    }
}
