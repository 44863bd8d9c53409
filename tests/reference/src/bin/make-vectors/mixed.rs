//! Random timelines of everything: exact and bucketed rules, of one merchant
//! and of all, receipts, refunds, resets, large costs and swaps.

use slidegate_reference::{Decision, Outcome};

use crate::splitmix::SplitMix64;
use crate::timeline::{MIN_NS, MS_NS, SEC_NS, Timeline, US_NS};

const STEP_COUNT: usize = 600;

/// Receipts that the walk still means to give back.
const HELD_MAX: usize = 24;

/// Two units of a bucketed rule's own time.
const TWO_QUANTA_NS: u64 = 2 * 1_024 * US_NS;

/// Three policies over the time unit `U`. Each rule has the same longest window
/// in all of them, so that no swap asks for units that an engine may have
/// forgotten; and a bucketed one has no length that it did not have first.
const POLICIES: [&str; 3] = [
    r#"version = 1
unmatched = "allow"
exempt = ["GET /healthz"]

[[rule]]
name = "total"
match = "*"
windows = ["12/50U", "120/2000U"]

[[rule]]
name = "platform"
match = "*"
per = "all"
windows = ["30/300U", "2500/2000U"]

[[rule]]
name = "pay"
match = "POST /pay"
windows = ["5/40U", "50/2000U"]

[[rule]]
name = "bulk"
match = "POST /bulk"
windows = ["1000/300U", "3000/2000U"]
cost = 100

[[rule]]
name = "burst"
match = "POST /burst"
windows = ["2048/100U"]
cost = 300

[[rule]]
name = "list"
match = "GET /items/list"
per = "all"
windows = ["9/30U"]
cost = 2

[[rule]]
name = "item"
match = "GET /items/:id"
windows = ["8/200U"]

[[rule]]
name = "soft"
match = "GET /files/*rest"
precision = "bucketed"
windows = ["6/300U", "15/800U"]
"#,
    r#"version = 1
unmatched = "deny"

[[rule]]
name = "soft"
match = "GET /files/*rest"
precision = "bucketed"
windows = ["12/800U"]

[[rule]]
name = "pay"
match = "POST /pay"
windows = ["3/40U", "9/300U", "45/2000U"]

[[rule]]
name = "bulk"
match = "POST /bulk"
precision = "bucketed"
windows = ["2000/2000U"]
cost = 70

[[rule]]
name = "burst"
match = "POST /burst"
windows = ["700/100U"]
cost = 100

[[rule]]
name = "item"
match = "GET /items/:id"
per = "merchant"
windows = ["6/200U"]

[[rule]]
name = "total"
match = "*"
windows = ["9/50U", "90/2000U"]
"#,
    r#"version = 1
unmatched = "allow"
exempt = ["GET /items/7"]

[[rule]]
name = "list"
match = "GET /items/list"
per = "all"
windows = ["12/30U", "4/10U"]

[[rule]]
name = "bulk"
match = "POST /bulk"
windows = ["2500/300U", "6000/2000U"]
cost = 600

[[rule]]
name = "platform"
match = "*"
per = "all"
precision = "bucketed"
windows = ["50/300U", "200/2000U"]
"#,
];

/// The lengths of all windows that are some rule's longest, in time units.
const LONGEST: [u64; 5] = [30, 100, 200, 800, 2_000];

const RULES: [&str; 8] = [
    "total", "platform", "pay", "bulk", "burst", "list", "item", "soft",
];

const MERCHANTS: [&str; 3] = ["m_1", "m_2", "店"];

const ENDPOINTS: [&str; 11] = [
    "POST /pay",
    "POST /pay",
    "POST /bulk",
    "POST /burst",
    "GET /items/list",
    "GET /items/7",
    "GET /items/%6Cist",
    "GET /files/a/b",
    "GET /none",
    "GET /healthz",
    "",
];

/// What a walk may do with the clock and the keys: an engine owes no one answer
/// to a clock that steps back behind a reset.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    StepsBack,
    Resets,
}

pub fn milliseconds() -> Timeline {
    walk("milliseconds", "ms", MS_NS, Way::Resets, 0x0dd_ba11)
}

pub fn seconds() -> Timeline {
    walk("seconds", "s", SEC_NS, Way::StepsBack, 0x0ff_1ce5)
}

pub fn minutes() -> Timeline {
    walk("minutes", "min", MIN_NS, Way::Resets, 0x7ea_5e75)
}

fn walk(scale: &str, unit: &str, unit_ns: u64, way: Way, seed: u64) -> Timeline {
    let policies = POLICIES.map(|text| text.replace('U', unit));
    let more = match way {
        Way::StepsBack => "steps back",
        Way::Resets => "resets",
    };
    let about = format!(
        "A random walk over exact and bucketed windows of {scale}: receipts, refunds, {more}, large costs, shared rules and swaps."
    );
    let mut walk = Walk {
        line: Timeline::new(&about, &policies[0]),
        policies,
        unit_ns,
        way,
        random: SplitMix64(seed),
        admitted_ns: Vec::new(),
        latest_ns: 0,
        held: Vec::new(),
        refunded: 0,
    };
    while walk.line.step_count() < STEP_COUNT {
        walk.turn();
    }
    assert!(walk.refunded > STEP_COUNT / 20, "{} refunds", walk.refunded);
    walk.line
}

struct Walk {
    line: Timeline,
    policies: [String; 3],
    unit_ns: u64,
    way: Way,
    random: SplitMix64,
    /// Clock readings at every admission.
    admitted_ns: Vec<u64>,
    /// The largest clock reading so far.
    latest_ns: u64,
    /// Receipts not yet given back.
    held: Vec<u64>,
    refunded: usize,
}

impl Walk {
    fn turn(&mut self) {
        match self.random.below(100) {
            0..3 => self.swap(),
            3..9 if self.way == Way::StepsBack => self.step_back(),
            3..6 if self.way == Way::Resets => self.reset(),
            9 => self.wait(2_500 * self.unit_ns),
            10..50 => {}
            50..85 => self.wait(US_NS),
            _ => self.wait(20 * self.unit_ns),
        }
        match self.random.below(100) {
            0..20 => self.refund(),
            _ => self.request(),
        }
    }

    fn swap(&mut self) {
        let policy = self.random.pick(&self.policies).clone();
        self.line.swap(&policy);
    }

    fn wait(&mut self, below_ns: u64) {
        let ns = self.random.below(below_ns);
        self.line.wait(ns);
        self.latest_ns = self.latest_ns.max(self.line.now_ns());
    }

    fn step_back(&mut self) {
        let ns = self.random.below(6 * self.unit_ns);
        let target_ns = self.line.now_ns().saturating_sub(ns);
        if !self.revives(target_ns) {
            self.line.at(target_ns);
        }
    }

    /// Whether a unit that may have been dead in its longest window may live
    /// again at that reading, whatever its rule's precision: an engine may have
    /// given its key's place away.
    fn revives(&self, target_ns: u64) -> bool {
        let may_revive = |admitted_ns: u64, longest: u64| {
            let dies_ns = admitted_ns + longest * self.unit_ns;
            let latest_ns = dies_ns + longest * self.unit_ns / 128;
            dies_ns - US_NS <= self.latest_ns && target_ns < latest_ns + US_NS
        };
        let mut admitted = self.admitted_ns.iter();
        admitted.any(|a| LONGEST.iter().any(|l| may_revive(*a, *l)))
    }

    fn reset(&mut self) {
        let merchant = *self.random.pick(&MERCHANTS);
        let rule = *self.random.pick(&RULES);
        let rule = (self.random.below(3) > 0).then_some(rule);
        self.line.reset(merchant, rule);
        self.line.wait(TWO_QUANTA_NS);
    }

    fn refund(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let index = self.random.below(self.held.len() as u64);
        let index = usize::try_from(index).expect("an index fits");
        self.line.refund(self.held.swap_remove(index));
        self.refunded += 1;
    }

    fn request(&mut self) {
        let merchant = *self.random.pick(&MERCHANTS);
        let endpoint = *self.random.pick(&ENDPOINTS);
        let cost = self.cost();
        let repeats = match self.random.below(10) {
            0..3 => 2 + self.random.below(6),
            _ => 1,
        };
        for _ in 0..repeats {
            match self.random.below(6) {
                0 => drop(self.line.peek(merchant, endpoint, cost)),
                _ => self.check(merchant, endpoint, cost),
            }
        }
    }

    fn cost(&mut self) -> u64 {
        match self.random.below(100) {
            0..60 => 1,
            60..85 => 1 + self.random.below(4),
            85..99 => 1 + self.random.below(12),
            _ => 1 + self.random.below(2_048),
        }
    }

    fn check(&mut self, merchant: &str, endpoint: &str, cost: u64) {
        let decision = match self.random.below(2) {
            0 => self.line.check(merchant, endpoint, cost),
            _ => self.check_and_hold(merchant, endpoint, cost),
        };
        match decision.outcome {
            Outcome::Allowed => self.admitted_ns.push(self.line.now_ns()),
            Outcome::Denied => self.retry(&decision, merchant, endpoint, cost),
            _ => {}
        }
    }

    fn check_and_hold(&mut self, merchant: &str, endpoint: &str, cost: u64) -> Decision {
        let (decision, receipt) = self.line.check_with_receipt(merchant, endpoint, cost);
        self.held.extend(receipt);
        if self.held.len() > HELD_MAX {
            self.held.remove(0);
        }
        decision
    }

    /// Some denied requests come again one microsecond early and on time. The
    /// rule that was named then admits; another may deny, if meanwhile its
    /// credit has died.
    fn retry(&mut self, denied: &Decision, merchant: &str, endpoint: &str, cost: u64) {
        let retry_after_ns = denied.retry_after_ns.expect("a denial names its retry");
        let is_long = retry_after_ns > 300 * self.unit_ns;
        if self.random.below(if is_long { 30 } else { 3 }) != 0 {
            return;
        }
        let retry_ns = self.line.now_ns() + retry_after_ns;
        if retry_after_ns > US_NS {
            self.line.at(retry_ns - US_NS);
            self.line.meet(Outcome::Denied, merchant, endpoint, cost);
        }
        let again = self.line.at(retry_ns).check(merchant, endpoint, cost);
        assert!(again.allowed || again.rule != denied.rule, "{again:?}");
        if again.allowed {
            self.admitted_ns.push(retry_ns);
        }
        self.latest_ns = self.latest_ns.max(retry_ns);
    }
}
