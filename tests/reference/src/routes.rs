//! Which rules govern a request.

use crate::endpoint::Endpoint;
use crate::policy::Policy;

/// Every route of a policy, exempt ones and rules together: the more specific
/// of an exemption and a rule wins.
#[derive(Debug)]
pub struct Routes(Vec<Route>);

#[derive(Debug)]
struct Route {
    method: String,
    segments: Vec<Segment>,
    target: Target,
}

/// One segment of a pattern, without names, so that patterns that differ in
/// names alone are equal. Declared in order of precedence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Static(String),
    Param,
    Rest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Exempt,
    /// Position of the rule in the policy file.
    Rule(usize),
}

/// What the spellings of one path lead to.
#[derive(Debug, PartialEq, Eq)]
pub enum Matched {
    Exempt,
    /// Positions of the endpoint rules in the policy file, ascending; empty if
    /// none matched.
    Rules(Vec<usize>),
}

impl Routes {
    pub fn of(policy: &Policy) -> Routes {
        let exempt = policy.exempt.iter().map(|p| Route::new(p, Target::Exempt));
        let rules = policy.rules.iter().enumerate();
        let rules = rules
            .filter(|(_, rule)| !rule.is_for_all())
            .map(|(index, rule)| Route::new(&rule.pattern, Target::Rule(index)));
        Routes(exempt.chain(rules).collect())
    }

    /// Looks up every spelling. Exempt needs all of them: one that leads
    /// elsewhere might be the one that the server goes by.
    pub fn matched(&self, endpoint: &Endpoint) -> Matched {
        let spellings = endpoint.spellings();
        let targets: Vec<Option<Target>> = spellings
            .iter()
            .map(|path| self.lookup(&endpoint.method, path))
            .collect();
        if !targets.is_empty() && targets.iter().all(|t| *t == Some(Target::Exempt)) {
            return Matched::Exempt;
        }
        let mut rules: Vec<usize> = targets
            .iter()
            .filter_map(|target| match target {
                Some(Target::Rule(index)) => Some(*index),
                _ => None,
            })
            .collect();
        rules.sort_unstable();
        rules.dedup();
        Matched::Rules(rules)
    }

    /// The most specific route for one spelling. Trying static, then param,
    /// then catch-all at each segment with backtracking finds the least
    /// sequence of segment kinds among the routes that match; two matching
    /// routes with the same kinds would be the same pattern.
    fn lookup(&self, method: &str, path: &str) -> Option<Target> {
        let matching = self
            .0
            .iter()
            .filter(|r| self.serves(r, method) && r.matches(path));
        matching
            .min_by_key(|r| r.segments.clone())
            .map(|r| r.target)
    }

    /// HEAD borrows each GET route that has no HEAD route of its own.
    fn serves(&self, route: &Route, method: &str) -> bool {
        let overridden = || {
            let mut heads = self.0.iter().filter(|r| r.method == "HEAD");
            heads.any(|r| r.segments == route.segments)
        };
        route.method == method || (method == "HEAD" && route.method == "GET" && !overridden())
    }
}

impl Route {
    fn new(pattern: &str, target: Target) -> Route {
        let (method, path) = pattern.split_once(" /").expect("a pattern is METHOD /path");
        let segments = path.split('/').map(|segment| match segment.as_bytes() {
            [b':', ..] => Segment::Param,
            [b'*', ..] => Segment::Rest,
            _ => Segment::Static(segment.to_string()),
        });
        Route {
            method: method.to_ascii_uppercase(),
            segments: segments.collect(),
            target,
        }
    }

    fn matches(&self, path: &str) -> bool {
        let Some(path) = path.strip_prefix('/') else {
            return false;
        };
        let parts: Vec<&str> = path.split('/').collect();
        segments_match(&self.segments, &parts)
    }
}

fn segments_match(segments: &[Segment], parts: &[&str]) -> bool {
    match (segments, parts) {
        ([], []) => true,
        ([Segment::Rest], [_, ..]) => true,
        ([Segment::Static(text), segments @ ..], [part, parts @ ..]) => {
            text == part && segments_match(segments, parts)
        }
        ([Segment::Param, segments @ ..], [part, parts @ ..]) => {
            !part.is_empty() && segments_match(segments, parts)
        }
        _ => false,
    }
}
