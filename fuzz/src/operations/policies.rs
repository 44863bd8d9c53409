//! The policies that operations swap among, what they are asked, and which
//! rules govern it, written out by hand.
//!
//! They share rule names, so that swaps carry histories over. No window is
//! longer than the first policy's longest: a later, longer one may miss units
//! of keys that were evicted before, and the reference misses none.

use std::fmt::Write;

/// The longest window of every policy, in ticks: how long idle keys are kept.
pub const RETENTION: u64 = 3_000_000;

/// A rule of the table below.
pub struct Rule {
    pub name: &'static str,
    route: &'static str,
    /// Limit and length in milliseconds.
    pub windows: &'static [(u64, u64)],
    pub cost: u64,
}

/// A policy, and for each of [`ENDPOINTS`] the rules that govern it.
pub struct Policy {
    unmatched: &'static str,
    exempt: &'static [&'static str],
    rules: &'static [Rule],
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

const fn rule(
    name: &'static str,
    route: &'static str,
    windows: &'static [(u64, u64)],
    cost: u64,
) -> Rule {
    Rule {
        name,
        route,
        windows,
        cost,
    }
}

/// The first is in force at the start.
pub static POLICIES: [Policy; 3] = [
    Policy {
        unmatched: "allow",
        exempt: &["GET /healthz"],
        rules: &[
            rule("post", "POST /v1/payment", &[(3, 2_000), (5, 3_000)], 1),
            rule("get", "GET /v1/payment/:id", &[(4, 1_000)], 2),
            rule("list", "GET /v1/payment/list", &[(2, 500)], 1),
            rule("bulk", "PUT /v1/bulk", &[(2_048, 3_000), (700, 200)], 1),
        ],
        governing: [&[0], &[1], &[1, 2], &[2], &[], &[], &[], &[3], &[]],
    },
    Policy {
        unmatched: "deny",
        exempt: &[],
        rules: &[
            rule("total", "*", &[(8, 1_000), (9, 3_000)], 1),
            rule("post", "POST /v1/payment", &[(6, 2_000), (2, 300)], 1),
            rule("list", "GET /v1/payment/list", &[(3, 3_000)], 1),
        ],
        governing: [&[0, 1], &[], &[0, 2], &[0, 2], &[], &[], &[0], &[], &[]],
    },
    Policy {
        unmatched: "allow",
        exempt: &[],
        rules: &[
            rule("post", "POST /v1/payment", &[(1, 2_000)], 1),
            rule("get", "GET /v1/payment/:id", &[(4, 1_000)], 1),
            rule("total", "*", &[(5, 1_000), (2_048, 3_000)], 1),
            rule("bulk", "PUT /v1/bulk", &[(2_000, 3_000)], 3),
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
];

impl Policy {
    /// The rules that govern an endpoint, by its place in [`ENDPOINTS`].
    pub fn governing(&self, endpoint: usize) -> impl Iterator<Item = &'static Rule> {
        let rules = self.rules;
        self.governing[endpoint]
            .iter()
            .map(move |&index| &rules[index])
    }

    /// The policy file.
    pub fn toml(&self) -> String {
        let Self {
            unmatched, exempt, ..
        } = self;
        let mut text = format!("version = 1\nunmatched = {unmatched:?}\nexempt = {exempt:?}\n");
        for rule in self.rules {
            let Rule {
                name,
                route,
                windows,
                cost,
            } = rule;
            let windows: Vec<_> = windows
                .iter()
                .map(|(l, ms)| format!("{l}/{ms}ms"))
                .collect();
            let _ = write!(
                text,
                "[[rule]]\nname = {name:?}\nmatch = {route:?}\nwindows = {windows:?}\ncost = {cost}\n"
            );
        }
        text
    }
}
