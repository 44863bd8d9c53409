//! Merchants and endpoints, byte by byte, under the two API documents and a
//! policy with every kind of route.
//!
//! The first byte says which of two questions the input asks: how arbitrary
//! bytes are answered ([`plain`]), or whether an odd spelling of a limited path
//! escapes its limit ([`spelling`]).

mod plain;
mod spelling;

use std::sync::{Arc, LazyLock};

use arbitrary::Unstructured;
use slidegate::{Limiter, ManualClock, Policy};
use slidegate_reference::Reference;

use crate::compare::UNIX_NS;
use crate::routes::Routes;

/// A policy with what is known of it.
struct Site {
    policy: Policy,
    routes: Routes,
    /// Only asked and never charged, so that no input changes the next one's.
    reference: Reference,
}

impl Site {
    fn new(text: &str) -> Self {
        Self {
            policy: Policy::from_toml(text).expect("a policy of the repository"),
            routes: Routes::of(text),
            reference: Reference::new(text, UNIX_NS),
        }
    }

    fn limiter(&self) -> Limiter {
        let clock = Arc::new(ManualClock::new(UNIX_NS));
        let builder = Limiter::builder().max_keys(8).clock(clock);
        builder.build(&self.policy).expect("a small table")
    }
}

static SITES: LazyLock<[Site; 3]> = LazyLock::new(|| {
    [
        Site::new(include_str!("../policies/routes.toml")),
        Site::new(include_str!("../../policies/endpoint-limits.toml")),
        Site::new(include_str!("../../policies/merchant-limits.toml")),
    ]
});

/// The target.
pub fn run(data: &[u8]) {
    let [control, rest @ ..] = data else { return };
    let site = &SITES[usize::from(control >> 1) % SITES.len()];
    let input = Unstructured::new(rest);
    // An input that ends early asks nothing.
    let _ = match control & 1 {
        0 => plain::run(site, input),
        _ => spelling::run(site, input),
    };
}
