//! Keys whose units grow from few to as many as the limit, and large costs.

use slidegate_reference::Outcome;

use crate::policies::policy;
use crate::timeline::{HOUR_NS, MIN_NS, MS_NS, SEC_NS, Timeline, US_NS};

/// A rule for each limit, so that one merchant has a key for each.
fn limits_policy(limits: &[u64], windows: &str) -> String {
    let rules = limits.iter().map(|limit| {
        let windows = windows.replace("LIMIT", &limit.to_string());
        (format!("r{limit}"), route(*limit), windows)
    });
    let rules: Vec<(String, String, String)> = rules.collect();
    let rules: Vec<_> = rules
        .iter()
        .map(|(name, route, windows)| (name.as_str(), route.as_str(), windows.as_str(), ""))
        .collect();
    policy(&rules)
}

fn route(limit: u64) -> String {
    format!("POST /r{limit}")
}

fn rule(limit: u64) -> String {
    format!("r{limit}")
}

pub fn small() -> Timeline {
    let limits = [5, 17, 100];
    let mut line = Timeline::new(
        "Limits of 5, 17 and 100 filled one by one, again after each window, and after long rests.",
        &limits_policy(&limits, "\"LIMIT/s\""),
    );
    for rest_ns in [0, SEC_NS, HOUR_NS] {
        line.wait(rest_ns);
        for limit in limits {
            let (route, rule) = (route(limit), rule(limit));
            let start_ns = line.now_ns();
            line.admit_many("m_1", &route, limit, 3 * MS_NS);
            line.deny("m_1", &route, 1, &rule);
            line.at(start_ns + SEC_NS - US_NS)
                .deny("m_1", &route, limit, &rule);
            line.wait(US_NS).admit("m_1", &route, 1);
            line.deny_until_retry("m_1", &route, 2, &rule);
            line.deny_until_retry("m_1", &route, limit, &rule);
        }
    }
    line
}

pub fn middle() -> Timeline {
    let limits = [400];
    let mut line = Timeline::new(
        "A limit of 400 in two windows, filled one by one and in weights, shrinking and growing again.",
        &limits_policy(&limits, "\"LIMIT/10s\", \"150/s\""),
    );
    let (route, rule) = (route(400), rule(400));
    line.admit_many("m_1", &route, 400, 20 * MS_NS);
    line.deny_until_retry("m_1", &route, 1, &rule);
    line.deny_until_retry("m_1", &route, 50, &rule);
    line.deny_until_retry("m_1", &route, 150, &rule);
    for (merchant, weights) in [
        ("m_2", [1, 3, 12, 48, 86, 150, 99, 1]),
        ("m_3", [150, 149, 1, 64, 32, 3, 1, 0]),
        ("m_4", [4, 1, 11, 1, 111, 1, 127, 144]),
    ] {
        line.wait(MIN_NS);
        for cost in weights.into_iter().filter(|cost| *cost > 0) {
            line.wait(SEC_NS).admit(merchant, &route, cost);
            line.peek(merchant, &route, 150);
        }
        line.deny_until_retry(merchant, &route, 149, &rule);
        line.deny_until_retry(merchant, &route, 149, &rule);
    }
    pulse(&mut line, &route);
    line
}

/// Bursts that double, with rests in which some units die or all.
fn pulse(line: &mut Timeline, route: &str) {
    for round in 0..3 {
        line.wait(HOUR_NS);
        for doubled in 0..8 {
            line.wait(900 * MS_NS + doubled * 400 * MS_NS * round);
            line.check("m_5", route, 1 << doubled);
            line.check("m_5", route, 1);
            line.peek("m_5", route, 2);
        }
    }
}

pub fn large() -> Timeline {
    let limits = [1_000, 2_048];
    let mut line = Timeline::new(
        "Limits of 1,000 and 2,048: in weights up to each power of two, one by one across it.",
        &limits_policy(&limits, "\"LIMIT/s\", \"2048/3s\""),
    );
    for (merchant, rest_ns) in [
        ("m_1", 0),
        ("m_2", SEC_NS),
        ("m_1", MIN_NS),
        ("m_1", HOUR_NS),
    ] {
        line.wait(rest_ns);
        for limit in limits {
            across_powers(&mut line, merchant, limit);
        }
    }
    line
}

fn across_powers(line: &mut Timeline, merchant: &str, limit: u64) {
    let (route, rule) = (route(limit), rule(limit));
    let mut count = 0;
    for power in (2..12).map(|bits| 1 << bits) {
        while count < limit && count < power + 2 {
            let near = (power - 2).min(limit - 1);
            let cost = if count < near { near - count } else { 1 };
            line.wait(MS_NS).admit(merchant, &route, cost);
            count += cost;
        }
    }
    line.deny(merchant, &route, 1, &rule);
    line.deny_until_retry(merchant, &route, limit / 2, &rule);
    line.deny_until_retry(merchant, &route, limit, &rule);
}

/// Requests as large as their limits allow.
pub fn costs() -> Timeline {
    let limits = [100, 1_000, 2_048];
    let mut line = Timeline::new(
        "Large costs, up to the whole limit in one request.",
        &limits_policy(&limits, "\"LIMIT/s\", \"2048/2s\""),
    );
    for limit in limits {
        whole(&mut line, limit);
        in_parts(&mut line, limit);
        straight_up(&mut line, limit);
    }
    line
}

fn whole(line: &mut Timeline, limit: u64) {
    let (route, rule) = (route(limit), rule(limit));
    line.admit("m_1", &route, limit);
    for cost in [1, limit / 2, limit] {
        line.deny("m_1", &route, cost, &rule);
    }
    line.meet(Outcome::Never, "m_1", &route, limit + 1);
    for _ in 0..4 {
        line.deny_until_retry("m_1", &route, limit, &rule);
    }
    line.peek("m_1", &route, 1);
}

/// All ways to split the limit in two, and in a few more.
fn in_parts(line: &mut Timeline, limit: u64) {
    for first in [1, 3, limit / 4, limit / 2, limit - 3, limit - 1] {
        line.wait(MIN_NS).admit("m_2", &route(limit), first);
        line.wait(MS_NS)
            .deny("m_2", &route(limit), limit - first + 1, &rule(limit));
        line.admit("m_2", &route(limit), limit - first);
        line.deny_until_retry("m_2", &route(limit), first, &rule(limit));
        line.deny_until_retry("m_2", &route(limit), limit - first, &rule(limit));
        line.check("m_2", &route(limit), first);
    }
}

/// From a few units to all at once, then less and less.
fn straight_up(line: &mut Timeline, limit: u64) {
    let (route, rule) = (route(limit), rule(limit));
    for few in 1..6 {
        line.wait(MIN_NS);
        line.admit_many("m_3", &route, few, MS_NS);
        line.wait(MS_NS).admit("m_3", &route, limit - few);
        line.deny_until_retry("m_3", &route, 1, &rule);
    }
    let mut cost = limit;
    while cost > 0 {
        line.wait(SEC_NS / 3).check("m_3", &route, cost);
        line.peek("m_3", &route, limit);
        cost /= 2;
    }
}
