//! A few requests under an accepted policy, to the engine and the reference.

use std::sync::Arc;

use arbitrary::{Result, Unstructured};
use slidegate::{Limiter, ManualClock, Policy};
use slidegate_reference::Reference;

use super::draft::{Draft, Route};
use crate::compare::{UNIX_NS, assert_same};

const MAX_ASKS: usize = 24;

/// Many more than two merchants and 25 rules make: no bucket is ever full.
const MAX_KEYS: u64 = 512;

/// Ways to spell a path: what is put in front of it, and what after.
const SPELLINGS: [(&str, &str); 8] = [
    ("", ""),
    ("", "/"),
    ("/", ""),
    ("", "?x=1"),
    ("/.", ""),
    ("/y/..", "%0a"),
    ("", "/7"),
    ("", "#x"),
];

const VALUES: [&str; 6] = ["7", "list", "a", "%61", "", "a/b"];

/// Asks both until the input ends, and panics where they differ.
pub fn compare(draft: &Draft, policy: &Policy, text: &str, input: &mut Unstructured<'_>) {
    if draft.unmatched.is_none() {
        // The reference has no default for it.
        return;
    }
    let clock = Arc::new(ManualClock::new(UNIX_NS));
    let builder = Limiter::builder().max_keys(MAX_KEYS).clock(clock.clone());
    let limiter = builder.build(policy).expect("a small table");
    let reference = Reference::new(text, UNIX_NS);
    let mut now_ns = 0;
    for _ in 0..MAX_ASKS {
        let Ok(ask) = Ask::read(draft, input) else {
            return;
        };
        now_ns += ask.wait_ns;
        clock.set_elapsed_ns(now_ns);
        let Ask {
            merchant,
            endpoint,
            cost,
            ..
        } = &ask;
        let expected = match ask.charge {
            true => reference.check(now_ns, merchant, endpoint, (*cost).into()),
            false => reference.peek(now_ns, merchant, endpoint, (*cost).into()),
        };
        let answer = match ask.charge {
            true => limiter.check(merchant, endpoint, *cost),
            false => limiter.peek(merchant, endpoint, *cost),
        };
        assert_same(&limiter, &answer, &expected);
    }
}

struct Ask {
    wait_ns: u64,
    merchant: [u8; 1],
    endpoint: String,
    cost: u32,
    charge: bool,
}

impl Ask {
    fn read(draft: &Draft, input: &mut Unstructured<'_>) -> Result<Self> {
        if input.is_empty() {
            return Err(arbitrary::Error::NotEnoughData);
        }
        let [flags, wait, scale, cost] = input.arbitrary::<[u8; 4]>()?;
        Ok(Self {
            wait_ns: u64::from(wait) * 10_u64.pow(u32::from(scale % 14)),
            merchant: [b'm' + (flags & 1)],
            endpoint: endpoint(draft, input)?,
            cost: match cost {
                0..200 => 1 + u32::from(cost % 4),
                _ => u32::from(cost - 200) * 40,
            },
            charge: flags & 0b110 != 0,
        })
    }
}

/// A path under one of the draft's routes, in one of several spellings.
fn endpoint(draft: &Draft, input: &mut Unstructured<'_>) -> Result<String> {
    let routes = draft.rules.iter().filter_map(|rule| rule.route.as_ref());
    let routes: Vec<&Route> = routes.chain(&draft.exempt).collect();
    let [which, method, value, spelling] = input.arbitrary::<[u8; 4]>()?;
    if which == u8::MAX || routes.is_empty() {
        return Ok(String::new());
    }
    let route = routes[usize::from(which) % routes.len()];
    let value = VALUES[usize::from(value) % VALUES.len()];
    let fill = |segment: &&'static str| match segment.starts_with([':', '*']) {
        true => value,
        false => *segment,
    };
    let path: Vec<&str> = route.segments.iter().map(fill).collect();
    let (front, end) = SPELLINGS[usize::from(spelling) % SPELLINGS.len()];
    let method = match method % 4 {
        0 => "HEAD",
        1 => "OPTIONS",
        _ => route.method,
    };
    Ok(format!("{method} {front}/{}{end}", path.join("/")))
}
