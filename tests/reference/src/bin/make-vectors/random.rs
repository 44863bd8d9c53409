//! Random timelines: the same walk over three time scales.

use slidegate_reference::{Decision, Outcome};

use crate::splitmix::SplitMix64;
use crate::timeline::{MIN_NS, MS_NS, SEC_NS, Timeline, US_NS};

const STEP_COUNT: usize = 2_000;

/// Three policies over the time unit `U`. Each rule has the same longest window
/// in all of them, so that no swap asks for units that an engine may have
/// forgotten.
const POLICIES: [&str; 3] = [
    r#"version = 1
unmatched = "allow"
exempt = ["GET /healthz"]

[[rule]]
name = "total"
match = "*"
windows = ["12/50U", "80/2000U"]

[[rule]]
name = "pay"
match = "POST /pay"
windows = ["5/40U", "30/2000U"]

[[rule]]
name = "list"
match = "GET /items/list"
windows = ["6/30U"]
cost = 2

[[rule]]
name = "item"
match = "GET /items/:id"
windows = ["20/200U"]

[[rule]]
name = "tree"
match = "GET /files/*rest"
windows = ["9/100U", "7/20U"]
"#,
    r#"version = 1
unmatched = "deny"

[[rule]]
name = "pay"
match = "POST /pay"
windows = ["3/40U", "9/300U", "45/2000U"]

[[rule]]
name = "tree"
match = "GET /files/*rest"
windows = ["4/100U"]
cost = 2

[[rule]]
name = "item"
match = "GET /items/:id"
windows = ["10/200U"]

[[rule]]
name = "list"
match = "GET /items/list"
windows = ["12/30U"]

[[rule]]
name = "total"
match = "*"
windows = ["16/50U", "60/2000U"]
"#,
    r#"version = 1
unmatched = "allow"
exempt = ["GET /files/public/*rest", "GET /items/7"]

[[rule]]
name = "pay"
match = "POST /pay"
windows = ["30/2000U"]

[[rule]]
name = "item"
match = "GET /items/:id"
windows = ["20/200U", "3/10U"]

[[rule]]
name = "list"
match = "GET /items/list"
windows = ["8/30U"]
"#,
];

/// The longest window of each rule, in time units.
const LONGEST: [u64; 4] = [30, 100, 200, 2_000];

const MERCHANTS: [&str; 5] = ["m_1", "m_2", "m_3", "мерчант", "m 5"];

const ENDPOINTS: [&str; 12] = [
    "POST /pay",
    "POST /pay?once=1",
    "post /pay/",
    "GET /items/list",
    "HEAD /items/list?page=2",
    "GET /items/7",
    "GET /items/%6Cist",
    "GET /files/public/logo",
    "GET /files/a/b",
    "GET /none",
    "GET /healthz",
    "",
];

pub fn milliseconds() -> Timeline {
    walk("milliseconds", "ms", MS_NS, 0x51ed_6a7e)
}

pub fn seconds() -> Timeline {
    walk("seconds", "s", SEC_NS, 0xca11_ab1e)
}

pub fn minutes() -> Timeline {
    walk("minutes", "min", MIN_NS, 0x5eed_0003)
}

fn walk(scale: &str, unit: &str, unit_ns: u64, seed: u64) -> Timeline {
    let policies = POLICIES.map(|text| text.replace('U', unit));
    let about = format!(
        "A random walk over windows of {scale}: bursts, costs, peeks, swaps, steps back and retries."
    );
    let mut walk = Walk {
        line: Timeline::new(&about, &policies[0]),
        policies,
        unit_ns,
        random: SplitMix64(seed),
        admitted_ns: Vec::new(),
        latest_ns: 0,
    };
    while walk.line.step_count() < STEP_COUNT {
        walk.turn();
    }
    walk.line
}

struct Walk {
    line: Timeline,
    policies: [String; 3],
    unit_ns: u64,
    random: SplitMix64,
    /// Clock readings at every admission.
    admitted_ns: Vec<u64>,
    /// The largest clock reading so far.
    latest_ns: u64,
}

impl Walk {
    fn turn(&mut self) {
        match self.random.below(100) {
            0..2 => self.swap(),
            2..8 => self.step_back(),
            8 => self.wait(2_500 * self.unit_ns),
            9..59 => {}
            59..85 => self.wait(US_NS),
            _ => self.wait(20 * self.unit_ns),
        }
        self.request();
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

    /// Whether a unit that has been dead in its longest window would live again
    /// at that reading: an engine may have given its key's place away.
    fn revives(&self, target_ns: u64) -> bool {
        let dies =
            |admitted_ns: &u64, longest: &u64| admitted_ns / US_NS * US_NS + longest * self.unit_ns;
        let was_dead = |ns: u64| ns <= self.latest_ns && target_ns / US_NS * US_NS < ns;
        let mut admitted = self.admitted_ns.iter();
        admitted.any(|a| LONGEST.iter().any(|l| was_dead(dies(a, l))))
    }

    fn request(&mut self) {
        let merchant = *self.random.pick(&MERCHANTS);
        let endpoint = *self.random.pick(&ENDPOINTS);
        let cost = self.cost();
        let repeats = match self.random.below(10) {
            0 => 2 + self.random.below(6),
            _ => 1,
        };
        for _ in 0..repeats {
            if self.random.below(6) == 0 {
                self.line.try_peek(merchant, endpoint, cost);
            } else {
                self.check(merchant, endpoint, cost);
            }
        }
    }

    fn cost(&mut self) -> u64 {
        match self.random.below(100) {
            0 => 0,
            1..60 => 1,
            60..90 => 1 + self.random.below(4),
            _ => 1 + self.random.below(12),
        }
    }

    fn check(&mut self, merchant: &str, endpoint: &str, cost: u64) {
        let Some(decision) = self.line.try_check(merchant, endpoint, cost) else {
            return;
        };
        match decision.outcome {
            Outcome::Allowed => self.admitted_ns.push(self.line.now_ns()),
            Outcome::Denied => self.retry(&decision, merchant, endpoint, cost),
            _ => {}
        }
    }

    /// Some denied requests come again one microsecond early and on time; few
    /// of those with long to wait, or the walk would mostly wait.
    fn retry(&mut self, denied: &Decision, merchant: &str, endpoint: &str, cost: u64) {
        let retry_after_ns = denied.retry_after_ns.expect("a denial names its retry");
        let is_long = retry_after_ns > 300 * self.unit_ns;
        if self.random.below(if is_long { 40 } else { 4 }) != 0 {
            return;
        }
        let retry_ns = self.line.now_ns() + retry_after_ns;
        if retry_after_ns > US_NS {
            let early = self
                .line
                .at(retry_ns - US_NS)
                .check(merchant, endpoint, cost);
            assert_eq!(early.retry_after_ns, Some(US_NS));
        }
        self.line.at(retry_ns).admit(merchant, endpoint, cost);
        self.admitted_ns.push(retry_ns);
        self.latest_ns = self.latest_ns.max(retry_ns);
    }
}
