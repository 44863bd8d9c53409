//! The policies that operations swap among, what they are asked, and which
//! rules govern it, written out by hand.
//!
//! They share rule names, so that swaps carry histories over. No policy but the
//! last gives a rule a longer window than the rule had in the first policy that
//! has it: a longer one may miss older units, and the reference misses none.
//! Before the last comes into force the clock therefore passes all that would
//! count.
//!
//! A bucketed rule may leave windows out, but not its longest, so that no window
//! holds more units than its words can count. Where it first came without one of
//! them, a policy that has it is refused.

use std::fmt::Write;
use std::sync::LazyLock;

use slidegate::Precision;

/// A rule of the table below.
pub struct Rule {
    pub name: &'static str,
    route: &'static str,
    /// Limit and length in milliseconds.
    pub windows: &'static [(u32, u64)],
    pub cost: u32,
    pub precision: Precision,
    /// Whether all merchants share one pool.
    pub is_shared: bool,
}

/// A policy, and for each of [`ENDPOINTS`] the rules that govern it, in their
/// order.
pub struct Policy {
    unmatched: &'static str,
    exempt: &'static [&'static str],
    pub rules: &'static [Rule],
    governing: [&'static [usize]; ENDPOINTS.len()],
}

/// What is asked: a text, and the template whose id means the same, if any.
pub const ENDPOINTS: [(&str, Option<&str>); 9] = [
    ("POST /v1/payment", Some("POST /v1/payment")),
    ("GET /v1/payment/7", Some("GET /v1/payment/:id")),
    ("GET /v1/payment/%6Cist", None),
    ("HEAD /v1/payment/list?x=1", Some("HEAD /v1/payment/list")),
    ("GET /healthz", Some("GET /healthz")),
    ("GET /elsewhere", None),
    ("", None),
    ("PUT /v1/bulk", Some("PUT /v1/bulk")),
    ("nonsense", None),
];

/// Every rule name.
pub const NAMES: [&str; 8] = [
    "post", "get", "list", "bulk", "total", "platform", "wide", "few",
];

const fn rule(
    name: &'static str,
    route: &'static str,
    windows: &'static [(u32, u64)],
    cost: u32,
) -> Rule {
    Rule {
        name,
        route,
        windows,
        cost,
        precision: Precision::Exact,
        is_shared: false,
    }
}

const POST: &str = "POST /v1/payment";
const GET: &str = "GET /v1/payment/:id";
const LIST: &str = "GET /v1/payment/list";
const BULK: &str = "PUT /v1/bulk";

/// The first is in force at the start.
pub static POLICIES: [Policy; 6] = [
    Policy {
        unmatched: "allow",
        exempt: &["GET /healthz"],
        rules: &[
            rule("post", POST, &[(3, 2_000), (5, 3_000)], 1),
            rule("get", GET, &[(4, 1_000)], 2),
            rule("list", LIST, &[(2, 500), (9, 3_000)], 1),
            rule("bulk", BULK, &[(2_048, 3_000), (700, 200)], 1),
        ],
        governing: [&[0], &[1], &[1, 2], &[2], &[], &[], &[], &[3], &[]],
    },
    Policy {
        unmatched: "deny",
        exempt: &[],
        rules: &[
            rule("total", "*", &[(8, 1_000), (9, 3_000)], 1),
            rule("post", POST, &[(6, 2_000), (2, 300)], 1),
            rule("list", LIST, &[(3, 3_000)], 1),
        ],
        governing: [&[0, 1], &[], &[0, 2], &[0, 2], &[], &[], &[0], &[], &[]],
    },
    Policy {
        unmatched: "allow",
        exempt: &[],
        rules: &[
            rule("post", POST, &[(1, 2_000)], 1),
            rule("get", GET, &[(4, 1_000)], 1),
            rule("total", "*", &[(5, 1_000), (2_048, 3_000)], 1),
            rule("bulk", BULK, &[(2_000, 3_000)], 3),
        ],
        governing: [
            &[2, 0],
            &[2, 1],
            &[2, 1],
            &[2, 1],
            &[2],
            &[2],
            &[2],
            &[2, 3],
            &[],
        ],
    },
    Policy {
        unmatched: "allow",
        exempt: &["GET /healthz"],
        rules: &[
            rule("platform", "*", &[(40, 1_000), (1_900, 2_500)], 1).shared(),
            rule("post", POST, &[(6, 2_000)], 2),
            rule("few", GET, &[(5, 700), (7, 2_000)], 1).bucketed(),
            rule("wide", BULK, &[(5_000, 1_000), (9_000, 2_000)], 3).bucketed(),
        ],
        governing: [
            &[0, 1],
            &[0, 2],
            &[0, 2],
            &[0, 2],
            &[],
            &[0],
            &[0],
            &[0, 3],
            &[],
        ],
    },
    Policy {
        unmatched: "allow",
        exempt: &[],
        rules: &[
            rule("wide", BULK, &[(1 << 24, 2_000), (1 << 23, 1_000)], 3).bucketed(),
            rule("few", POST, &[(4, 2_000), (3, 700)], 1)
                .bucketed()
                .shared(),
            rule("platform", GET, &[(3, 2_500)], 1),
            rule("list", LIST, &[(3, 400)], 1).shared(),
        ],
        governing: [&[1], &[2], &[2, 3], &[3], &[], &[], &[], &[0], &[]],
    },
    Policy {
        unmatched: "deny",
        exempt: &[],
        rules: &[
            rule("total", "*", &[(6, 3_500)], 1).shared(),
            rule("few", LIST, &[(7, 2_000), (9, 700)], 2).bucketed(),
            rule("post", POST, &[(4, 5_000), (3, 100)], 1),
            rule("wide", BULK, &[(12_000, 2_000)], 4_000).bucketed(),
        ],
        governing: [&[0, 2], &[], &[0, 1], &[0, 1], &[], &[], &[0], &[0, 3], &[]],
    },
];

/// The text of each of [`POLICIES`], and the policy that the engine makes of it.
pub static PARSED: LazyLock<Vec<(String, slidegate::Policy)>> = LazyLock::new(|| {
    let parse = |policy: &Policy| {
        let text = policy.toml();
        let parsed = slidegate::Policy::from_toml(&text).expect("a good policy");
        (text, parsed)
    };
    POLICIES.iter().map(parse).collect()
});

impl Rule {
    const fn bucketed(mut self) -> Self {
        self.precision = Precision::Bucketed;
        self
    }

    const fn shared(mut self) -> Self {
        self.is_shared = true;
        self
    }

    fn write(&self, text: &mut String) {
        let Self {
            name, route, cost, ..
        } = self;
        let windows = self.windows.iter();
        let windows: Vec<_> = windows.map(|(l, ms)| format!("{l}/{ms}ms")).collect();
        let per = if self.is_shared { "all" } else { "merchant" };
        let precision = self.precision.as_str();
        let _ = write!(
            text,
            "[[rule]]\nname = {name:?}\nmatch = {route:?}\nwindows = {windows:?}\n\
             cost = {cost}\nper = {per:?}\nprecision = {precision:?}\n"
        );
    }

    /// A policy in which one of the rule's windows governs every request alone.
    pub fn window_toml(&self, window: usize) -> String {
        let alone = Self {
            name: self.name,
            route: "*",
            windows: std::slice::from_ref(&self.windows[window]),
            cost: 1,
            precision: self.precision,
            is_shared: self.is_shared,
        };
        let mut text = "version = 1\nunmatched = \"allow\"\n".to_owned();
        alone.write(&mut text);
        text
    }

    pub fn lengths_ms(&self) -> impl Iterator<Item = u64> {
        self.windows.iter().map(|(_, ms)| *ms)
    }

    /// The longest window, in milliseconds.
    pub fn longest_ms(&self) -> u64 {
        self.lengths_ms().max().unwrap_or(0)
    }

    fn largest_cost(&self) -> u32 {
        let smallest = self.windows.iter().map(|(limit, _)| *limit).min();
        smallest.unwrap_or(0) / self.cost
    }
}

impl Policy {
    /// The rules that govern an endpoint, by its place in [`ENDPOINTS`].
    pub fn governing(
        &self,
        endpoint: usize,
    ) -> impl Iterator<Item = &'static Rule> + Clone + use<> {
        let rules = self.rules;
        let governing = self.governing[endpoint];
        governing.iter().map(move |&index| &rules[index])
    }

    /// The largest cost of a request to an endpoint that may ever pass; of one
    /// that no rule governs, any.
    pub fn largest_cost(&self, endpoint: usize) -> u32 {
        let costs = self.governing(endpoint).map(Rule::largest_cost);
        costs.min().unwrap_or(5)
    }

    /// The policy file.
    fn toml(&self) -> String {
        let Self {
            unmatched, exempt, ..
        } = self;
        let mut text = format!("version = 1\nunmatched = {unmatched:?}\nexempt = {exempt:?}\n");
        for rule in self.rules {
            rule.write(&mut text);
        }
        text
    }
}
