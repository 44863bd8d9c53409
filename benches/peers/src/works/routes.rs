//! A policy of 200 routes against one of a single route. Each merchant calls one
//! endpoint, so both have the same number of keys.

use std::fmt::Write;

use slidegate::{EndpointId, Limiter, Policy};

use super::{Load, Setup, Unit, Work};
use crate::calls::{Call, Choice};
use crate::claims::Claim;
use crate::contestants::Contestant;
use crate::contestants::ours::builder;
use crate::rounds::Entry;

const ONE: &str = "slidegate, 1 route";
const MANY: &str = "slidegate, 200 routes";
const ROUTES: usize = 200;

/// The work.
pub fn work() -> Work {
    Work {
        name: "routes".into(),
        title: "a policy of 200 routes, settled Zipf keys".into(),
        unit: Unit::Latency,
        baseline: ONE,
        claims: vec![Claim::at_most("200 routes", MANY, ONE, 1.3)],
        most_rounds: usize::MAX,
        entries: Box::new(|setup| Ok(entries(setup))),
    }
}

fn entries(setup: &Setup) -> Vec<Entry> {
    let load = Load::new(Choice::Zipf, &setup.scale);
    let keys = load.keys;
    vec![
        load.entry(ONE, Routed::new(1, keys, false)),
        load.entry(MANY, Routed::new(ROUTES, keys, false)),
        load.entry("slidegate, 1 route, as text", Routed::new(1, keys, true)),
        load.entry(
            "slidegate, 200 routes, as text",
            Routed::new(ROUTES, keys, true),
        ),
    ]
}

/// A limiter with many routes, called by `allow`.
struct Routed {
    limiter: Limiter,
    ids: Vec<EndpointId>,
    texts: Vec<String>,
    as_text: bool,
}

impl Routed {
    fn new(routes: usize, keys: usize, as_text: bool) -> Self {
        let texts: Vec<String> = (0..routes)
            .map(|n| format!("POST /v1/resource{n}"))
            .collect();
        let mut text = "version = 1\n".to_owned();
        for (n, route) in texts.iter().enumerate() {
            let rule = format!("name = \"r{n}\"\nmatch = \"{route}\"\nwindows = [\"100/min\"]");
            let _ = writeln!(text, "[[rule]]\n{rule}");
        }
        let policy = Policy::from_toml(&text).expect("a policy");
        let limiter = builder(keys).build(&policy).expect("a limiter");
        let id = |route: &String| limiter.endpoint(route).expect("an endpoint");
        Self {
            ids: texts.iter().map(id).collect(),
            limiter,
            texts,
            as_text,
        }
    }

    #[inline]
    fn allow(&self, call: &Call) -> bool {
        let (merchant, route) = (&call.merchant, call.index as usize % self.ids.len());
        let allowed = if self.as_text {
            self.limiter.allow(merchant, &self.texts[route], 1)
        } else {
            self.limiter.allow(merchant, self.ids[route], 1)
        };
        allowed.expect("a decision")
    }
}

impl Contestant for Routed {
    fn pass(&self, calls: &[Call]) -> usize {
        calls.iter().filter(|call| self.allow(call)).count()
    }
}
