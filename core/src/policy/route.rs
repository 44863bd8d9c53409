//! Routes: endpoint texts, route patterns, and the table that finds the rules of
//! a concrete path.
//!
//! **No spelling escapes.** A router in front of the handlers may decode
//! `%70`, merge `//`, drop a trailing slash or resolve `..`, and the limiter
//! cannot know which of these it does. So a path is looked up in every spelling
//! that such a router could use, and the request is charged to every rule found.
//! An ordinary path has one spelling and costs one look-up; an odd one costs
//! dozens, so its length is bounded.

use std::collections::HashMap;
use std::fmt;

use smallvec::SmallVec;
use wayfind::{Router, RouterBuilder};

use super::spelling::{is_plain, merge_slashes, readings, resolve_dots};

/// The longest endpoint text, in bytes.
pub const MAX_ENDPOINT_BYTES: usize = 8_192;

const MAX_METHOD_BYTES: usize = 32;

/// The longest path in an unusual spelling, in bytes.
const MAX_ODD_PATH_BYTES: usize = 2_048;

/// The longest route of a policy, in bytes, and the most segments of one.
const MAX_ROUTE_BYTES: usize = 1_024;
const MAX_ROUTE_SEGMENTS: usize = 64;

/// Splits `METHOD /path` and checks its shape.
pub(crate) fn split_endpoint(text: &str) -> Result<(&str, &str), &'static str> {
    if text.len() > MAX_ENDPOINT_BYTES {
        return Err("it is longer than 8192 bytes");
    }
    let (method, path) = text
        .split_once(' ')
        .ok_or("write METHOD /path, such as \"POST /v1/payment\"")?;
    check_method(method)?;
    check_path(path)?;
    Ok((method, path))
}

pub(crate) fn check_method(method: &str) -> Result<(), &'static str> {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    match method.len() {
        1..=MAX_METHOD_BYTES if method.bytes().all(is_token) => Ok(()),
        _ => Err("the method is not 1 to 32 letters, such as GET or POST"),
    }
}

pub(crate) fn check_path(path: &str) -> Result<(), &'static str> {
    match path {
        "*" => Ok(()),
        _ if path.len() > MAX_ENDPOINT_BYTES => Err("it is longer than 8192 bytes"),
        _ if !path.starts_with('/') => Err("the path does not begin with '/'"),
        _ if path.contains(' ') => Err("the path contains a blank; write it as %20"),
        _ if path.contains(|c: char| c.is_ascii_control()) => {
            Err("the path contains a control character; write it as an escape such as %09")
        }
        _ => Ok(()),
    }
}

/// A route as a policy names it: `POST /v1/payment`, `GET /v1/payment/:id` or
/// `GET /files/*rest`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RoutePattern {
    pub method: String,
    /// The path in the router's own spelling, parameters named by position, so
    /// that two patterns that differ in parameter names alone are equal.
    template: String,
}

impl RoutePattern {
    /// Reads a route, or says why it is none.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some((_, "*")) = text.split_once(' ') {
            return Err("for all paths of a method write GET /*rest, for all requests \"*\"");
        }
        let (method, path) = split_endpoint(text)?;
        if path.contains(['?', '#']) {
            return Err("a route has no query and no fragment");
        }
        if text.len() > MAX_ROUTE_BYTES || path.split('/').count() > MAX_ROUTE_SEGMENTS + 1 {
            return Err("a route has at most 1024 bytes and 64 segments");
        }
        if path.contains('%') || path != resolve_dots(&merge_slashes(path)) {
            return Err(
                "write the path plainly: no %-escapes, no '//', no '.' or '..', no slash at the end",
            );
        }
        let segments: Vec<&str> = path[1..].split('/').collect();
        let mut template = String::new();
        for (position, segment) in segments.iter().enumerate() {
            let is_last = position + 1 == segments.len();
            template.push('/');
            template.push_str(&template_segment(segment, position, is_last)?);
        }
        Ok(Self {
            method: method.to_ascii_uppercase(),
            template,
        })
    }
}

fn template_segment(segment: &str, position: usize, is_last: bool) -> Result<String, &'static str> {
    if let Some(name) = segment.strip_prefix(':') {
        check_parameter(name)?;
        return Ok(format!("<p{position}>"));
    }
    if let Some(name) = segment.strip_prefix('*') {
        check_parameter(name)?;
        return match is_last {
            true => Ok(format!("<*p{position}>")),
            false => Err("a catch-all such as *rest must stand last"),
        };
    }
    // No URL holds these unescaped, and other routers write parameters with them:
    // taken for plain text, such a route would match nothing and limit nothing.
    match segment.contains(['{', '}', '<', '>', '\\', '^', '|', '*']) {
        true => Err(
            "write a parameter as :id and the rest of a path as *rest; braces, '<', '>', '\\', '^', '|' and an inner '*' cannot stand in a route",
        ),
        false => Ok(segment.to_owned()),
    }
}

fn check_parameter(name: &str) -> Result<(), &'static str> {
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    match !name.is_empty() && name.bytes().all(is_name) {
        true => Ok(()),
        false => Err("a parameter needs a name of letters, digits, '_' and '-', such as :id"),
    }
}

/// What stands at a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RouteTarget {
    Rule(u32),
    Exempt,
}

/// Which endpoint rules a request falls under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Matched {
    Exempt,
    /// Indices of rules, ascending, without duplicates; empty: unmatched.
    Rules(SmallVec<[u32; 4]>),
}

/// All routes of a policy, by method.
#[derive(Default)]
pub(crate) struct RouteTable {
    by_method: HashMap<String, Router<RouteTarget>>,
    by_pattern: HashMap<RoutePattern, RouteTarget>,
}

impl RouteTable {
    /// Builds the table of routes that differ from each other; errors name the
    /// index of the route that does not fit in.
    ///
    /// Servers answer HEAD with the GET handler, so a GET route governs HEAD too,
    /// unless the policy has the same route for HEAD.
    pub fn build(routes: &[(RoutePattern, RouteTarget)]) -> Result<Self, (usize, String)> {
        let mut builders: HashMap<String, RouterBuilder<RouteTarget>> = HashMap::new();
        let mut by_pattern: HashMap<RoutePattern, RouteTarget> = routes.iter().cloned().collect();
        for (index, (pattern, target)) in routes.iter().enumerate() {
            let mut insert = |pattern: &RoutePattern| {
                let builder = builders
                    .entry(pattern.method.clone())
                    .or_insert_with(RouterBuilder::new);
                let inserted = builder.insert(&pattern.template, *target);
                inserted.map_err(|error| (index, error.to_string()))
            };
            insert(pattern)?;
            let head = RoutePattern {
                method: "HEAD".to_owned(),
                ..pattern.clone()
            };
            if pattern.method == "GET" && !by_pattern.contains_key(&head) {
                insert(&head)?;
                by_pattern.insert(head, *target);
            }
        }
        // Routers let the rest be empty, too. A clash means that a route of its
        // own stands there.
        for (pattern, target) in &by_pattern {
            let front = pattern.template.rsplit_once("<*").map(|(front, _)| front);
            if let (Some(front), Some(builder)) = (front, builders.get_mut(&pattern.method)) {
                let _ = builder.insert(front, *target);
            }
        }
        let built = builders.into_iter().map(|(method, b)| (method, b.build()));
        Ok(Self {
            by_method: built.collect(),
            by_pattern,
        })
    }

    /// Finds the rules of a route template: those of the same route, else those
    /// of a path that only such a route matches.
    pub fn find_template(&self, template: &str) -> Result<Matched, &'static str> {
        let pattern = RoutePattern::parse(template)?;
        if let Some(target) = self.by_pattern.get(&pattern) {
            return Ok(Matched::one(*target));
        }
        let path = template.split_once(' ').map_or("/", |(_, path)| path);
        // Two segments in place of a catch-all, which no parameter matches.
        let path = match path.rsplit_once("/*") {
            Some((front, _)) => format!("{front}/:rest/:rest"),
            None => path.to_owned(),
        };
        self.find(&pattern.method, &path)
    }

    /// Finds the rules of a concrete request. `method` is compared without case.
    pub fn find(&self, method: &str, path: &str) -> Result<Matched, &'static str> {
        let path = &path[..path.find('?').unwrap_or(path.len())];
        let upper;
        let router = match self.by_method.get(method) {
            Some(router) => Some(router),
            None => {
                upper = method.to_ascii_uppercase();
                self.by_method.get(&upper)
            }
        };
        let plain = is_plain(path);
        if !plain && path.len() > MAX_ODD_PATH_BYTES {
            return Err("a path in an unusual spelling has at most 2048 bytes");
        }
        Ok(match router {
            None => Matched::Rules(SmallVec::new()),
            Some(router) if plain => match look_up(router, path) {
                Some(target) => Matched::one(target),
                None => Matched::Rules(SmallVec::new()),
            },
            Some(router) => find_all_readings(router, path),
        })
    }
}

impl fmt::Debug for RouteTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.by_pattern.fmt(f)
    }
}

impl Matched {
    fn one(target: RouteTarget) -> Self {
        match target {
            RouteTarget::Exempt => Self::Exempt,
            RouteTarget::Rule(rule) => Self::Rules(SmallVec::from_slice(&[rule])),
        }
    }
}

fn look_up(router: &Router<RouteTarget>, path: &str) -> Option<RouteTarget> {
    // "*" is no path, and the router would take it for one.
    let found = router.search(path).filter(|_| path.starts_with('/'))?;
    Some(*found.data())
}

#[cold]
fn find_all_readings(router: &Router<RouteTarget>, path: &str) -> Matched {
    let readings = readings(path);
    let targets = readings.iter().map(|reading| look_up(router, reading));
    let targets: Vec<Option<RouteTarget>> = targets.collect();
    // An unusual spelling must not buy an exemption: every reading has to agree.
    if targets.iter().all(|t| *t == Some(RouteTarget::Exempt)) {
        return Matched::Exempt;
    }
    let mut rules: SmallVec<[u32; 4]> = targets
        .iter()
        .filter_map(|target| match target {
            Some(RouteTarget::Rule(rule)) => Some(*rule),
            _ => None,
        })
        .collect();
    rules.sort_unstable();
    rules.dedup();
    Matched::Rules(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(routes: &[(&str, RouteTarget)]) -> RouteTable {
        let routes: Vec<_> = routes
            .iter()
            .map(|(text, target)| (RoutePattern::parse(text).unwrap(), *target))
            .collect();
        RouteTable::build(&routes).unwrap()
    }

    fn payments() -> RouteTable {
        table(&[
            ("POST /v1/payment", RouteTarget::Rule(0)),
            ("GET /v1/payment/:id", RouteTarget::Rule(1)),
            ("GET /v1/payment/list", RouteTarget::Rule(2)),
            ("GET /files/*rest", RouteTarget::Rule(3)),
            ("GET /healthz", RouteTarget::Exempt),
            ("GET /static/*rest", RouteTarget::Exempt),
            ("GET /static/private", RouteTarget::Rule(4)),
            ("HEAD /files/*all", RouteTarget::Rule(5)),
            ("GET /", RouteTarget::Rule(6)),
        ])
    }

    fn rules(table: &RouteTable, method: &str, path: &str) -> Vec<u32> {
        match table.find(method, path).unwrap() {
            Matched::Rules(rules) => rules.to_vec(),
            Matched::Exempt => panic!("{method} {path} is exempt"),
        }
    }

    #[test]
    fn static_before_parameter_before_catch_all() {
        let t = payments();
        assert_eq!(rules(&t, "GET", "/v1/payment/list"), [2]);
        assert_eq!(rules(&t, "GET", "/v1/payment/lis"), [1]);
        assert_eq!(rules(&t, "GET", "/v1/payment/listing"), [1]);
        assert_eq!(rules(&t, "GET", "/files/a/b/c"), [3]);
        assert_eq!(rules(&t, "GET", "/files/"), [3]);
        assert_eq!(rules(&t, "GET", "/files"), [0u32; 0]);
        assert_eq!(rules(&t, "GET", "/static/private"), [4]);
        assert_eq!(rules(&t, "GET", "/"), [6]);
        assert_eq!(rules(&t, "GET", "/v1/payment"), [0u32; 0]);
        assert_eq!(rules(&t, "GET", "/v1/payment/a/b"), [0u32; 0]);
        assert_eq!(rules(&t, "OPTIONS", "*"), [0u32; 0]);
    }

    #[test]
    fn a_less_specific_route_is_found_after_a_dead_end() {
        let t = table(&[
            ("GET /a/b/c", RouteTarget::Rule(0)),
            ("GET /a/:x/d", RouteTarget::Rule(1)),
            ("GET /*rest", RouteTarget::Rule(2)),
        ]);
        assert_eq!(rules(&t, "GET", "/a/b/d"), [1]);
        assert_eq!(rules(&t, "GET", "/a/b/e"), [2]);
        assert_eq!(rules(&t, "GET", "/a/b"), [2]);
        assert_eq!(rules(&t, "GET", "/"), [2]);
    }

    #[test]
    fn a_star_for_a_path_is_told_how_to_say_it() {
        let mistake = RoutePattern::parse("GET *").unwrap_err();
        assert!(mistake.contains("GET /*rest"), "{mistake}");
    }

    #[test]
    fn head_is_governed_by_get_unless_it_has_its_own_rule() {
        let t = payments();
        assert_eq!(rules(&t, "HEAD", "/v1/payment/list"), [2]);
        assert_eq!(rules(&t, "HEAD", "/files/x"), [5]);
        assert_eq!(rules(&t, "OPTIONS", "/v1/payment"), [0u32; 0]);
    }

    #[test]
    fn methods_are_compared_without_case_and_queries_are_cut() {
        let t = payments();
        assert_eq!(rules(&t, "post", "/v1/payment?x=/v1/payment/list"), [0]);
        assert_eq!(rules(&t, "GET", "/v1/payment/list?a#b"), [2]);
    }

    #[test]
    fn odd_spellings_are_charged_to_every_rule_they_could_reach() {
        let t = payments();
        for path in [
            "/v1/payment/",
            "//v1/payment",
            "/v1//payment",
            "/v1/%70ayment",
            "/v1/./payment",
            "/v1/x/../payment",
            "/%76%31/payment%2F",
        ] {
            assert_eq!(rules(&t, "POST", path), [0], "{path}");
        }
        // A router that decodes reaches `list`; one that does not reaches `:id`.
        assert_eq!(rules(&t, "GET", "/v1/payment/%6Cist"), [1, 2]);
        assert_eq!(rules(&t, "GET", "/v1/payment/%6Cist/"), [1, 2]);
        assert_eq!(rules(&t, "GET", "/v1/payment/x/../list"), [2]);
        assert_eq!(rules(&t, "GET", "/v1/payment/.."), [1]);
        assert_eq!(rules(&t, "GET", "/v1/payment/a%2Fb"), [1]);
        assert_eq!(rules(&t, "GET", "/v1/payment/a%20b"), [1]);
        assert_eq!(rules(&t, "GET", "/v1/payment/%ff"), [1]);
        assert_eq!(rules(&t, "GET", "/v1/payment/%zz"), [1]);
    }

    #[test]
    fn a_folder_keeps_its_slash_in_some_reading() {
        let t = table(&[
            ("GET /pub/*rest", RouteTarget::Exempt),
            ("GET /pub/priv/*rest", RouteTarget::Rule(0)),
            ("GET /files/*rest", RouteTarget::Rule(1)),
        ]);
        for path in [
            "//files/",
            "/./files/.",
            "/files//",
            "/x/../files/y/..",
            "/files/%2E",
        ] {
            assert_eq!(rules(&t, "GET", path), [1], "{path}");
            assert_eq!(rules(&t, "HEAD", path), [1], "{path}");
        }
        for path in ["/pub//priv/", "/pub/./priv/.", "/pub/x/../priv/."] {
            assert_eq!(rules(&t, "GET", path), [0], "{path}");
        }
        assert_eq!(t.find("GET", "/pub//a/"), Ok(Matched::Exempt));
    }

    #[test]
    fn a_path_has_no_control_characters() {
        for c in ['\t', '\0', '\r', '\n', '\x0b', '\x7f'] {
            assert!(check_path(&format!("/a{c}b")).is_err(), "{c:?}");
        }
        assert!(check_path("/a%09b").is_ok());
    }

    #[test]
    fn readings_of_other_routers_are_found_too() {
        let t = payments();
        // Slashes merged or cut before dots are resolved, and the reverse.
        assert_eq!(rules(&t, "GET", "/v1/payment/./"), [1]);
        assert_eq!(rules(&t, "GET", "//v1/payment/."), [1]);
        assert_eq!(rules(&t, "GET", "/v1/payment//../list"), [2]);
        // Segments decoded one by one.
        assert_eq!(rules(&t, "GET", "/v1/%70ayment/a%2Fb"), [1]);
        // A newline at the end, which `$` of a regular expression overlooks.
        assert_eq!(rules(&t, "POST", "/v1/payment%0A"), [0]);
        assert_eq!(rules(&t, "POST", "/v1/payment\n"), [0]);
        assert_eq!(rules(&t, "GET", "/v1/payment/list%0a"), [1, 2]);
        // A "#" that is no fragment.
        assert_eq!(rules(&t, "GET", "/v1/payment/#x"), [1]);
        assert_eq!(rules(&t, "GET", "/v1/payment/list#x"), [1, 2]);
        // Slashes cut at the ends only.
        assert_eq!(rules(&t, "GET", "//files//a/"), [3]);
        assert_eq!(rules(&t, "GET", "/./files//a"), [3]);
        // Only dots decoded.
        assert_eq!(rules(&t, "GET", "/v1/payment/%6Cist/x/%2e%2e"), [1, 2]);
    }

    #[test]
    fn a_parameter_is_never_empty() {
        let t = table(&[
            ("GET /a/:id/x", RouteTarget::Exempt),
            ("GET /a/x", RouteTarget::Exempt),
            ("GET /a/*rest", RouteTarget::Rule(0)),
        ]);
        assert_eq!(rules(&t, "GET", "/a//x"), [0]);
        assert_eq!(t.find("GET", "/a/7/x"), Ok(Matched::Exempt));
    }

    #[test]
    fn a_template_is_found_as_a_route_and_not_as_a_path() {
        let t = table(&[
            ("GET /a/:id", RouteTarget::Rule(0)),
            ("GET /a/*rest", RouteTarget::Rule(1)),
            ("GET /b/:id", RouteTarget::Exempt),
            ("GET /b/*rest", RouteTarget::Rule(2)),
        ]);
        let one = |rule| Ok(Matched::one(RouteTarget::Rule(rule)));
        assert_eq!(t.find_template("GET /a/*rest"), one(1));
        assert_eq!(t.find_template("HEAD /a/*other"), one(1));
        assert_eq!(t.find_template("GET /a/:other"), one(0));
        assert_eq!(t.find_template("GET /b/*rest"), one(2));
        assert_eq!(t.find_template("GET /b/c/*rest"), one(2));
        assert_eq!(t.find_template("GET /a/static"), one(0));
        assert!(t.find_template("GET /a/?x").is_err());
    }

    #[test]
    fn long_odd_paths_are_refused_and_long_plain_ones_are_not() {
        let t = payments();
        assert!(
            t.find("GET", &format!("/v1/payment/{}", "a".repeat(4_000)))
                .is_ok()
        );
        assert!(t.find("GET", &"/".repeat(4_000)).is_err());
    }

    #[test]
    fn long_routes_are_refused() {
        assert!(RoutePattern::parse(&format!("GET /{}", "a".repeat(1_100))).is_err());
        assert!(RoutePattern::parse(&format!("GET {}", "/a".repeat(65))).is_err());
        assert!(RoutePattern::parse(&format!("GET {}", "/a".repeat(64))).is_ok());
    }

    #[test]
    fn an_odd_spelling_never_buys_an_exemption() {
        let t = payments();
        assert_eq!(t.find("GET", "/healthz"), Ok(Matched::Exempt));
        assert_eq!(t.find("GET", "/static/a%20b.png"), Ok(Matched::Exempt));
        for path in ["/healthz/", "//healthz", "/health%7A", "/x/../healthz"] {
            assert_eq!(rules(&t, "GET", path), [0u32; 0], "{path}");
        }
        assert_eq!(rules(&t, "GET", "/static/%70rivate"), [4]);
    }

    #[test]
    fn patterns_that_differ_in_parameter_names_alone_are_equal() {
        let pattern = |text| RoutePattern::parse(text).unwrap();
        assert_eq!(pattern("GET /a/:id"), pattern("get /a/:name"));
        assert_ne!(pattern("GET /a/:id"), pattern("GET /a/*id"));
    }

    #[test]
    fn a_parameter_is_a_whole_segment_whatever_it_holds() {
        let t = table(&[
            ("GET /a/:id", RouteTarget::Rule(0)),
            ("GET /a/:id/x.json", RouteTarget::Rule(1)),
        ]);
        for id in [
            "7", "a.b", "a-b", ".hidden", "a:b", "*", "+", "a~b;c=d", "ü", ":id",
        ] {
            assert_eq!(rules(&t, "GET", &format!("/a/{id}")), [0], "{id}");
            assert_eq!(rules(&t, "GET", &format!("/a/{id}/x.json")), [1], "{id}");
        }
        assert_eq!(rules(&t, "GET", "/a/"), [0u32; 0]);
    }

    #[test]
    fn a_parameter_and_a_catch_all_share_a_place() {
        let t = table(&[
            ("GET /a/:x/d", RouteTarget::Rule(0)),
            ("GET /a/b/*rest", RouteTarget::Rule(1)),
            ("GET /a/*rest", RouteTarget::Rule(2)),
        ]);
        assert_eq!(rules(&t, "GET", "/a/b/d"), [1]);
        assert_eq!(rules(&t, "GET", "/a/z/d"), [0]);
        assert_eq!(rules(&t, "GET", "/a/z/e"), [2]);
    }

    #[test]
    fn what_is_not_a_route_says_why() {
        for (text, why) in [
            ("/v1", "METHOD /path"),
            ("GET v1", "begin with '/'"),
            ("GE T /v1", "begin with '/'"),
            ("G€T /v1", "method"),
            ("GET /v1?x=1", "query"),
            ("GET /v1/", "plainly"),
            ("GET //v1", "plainly"),
            ("GET /%76", "plainly"),
            ("GET /a/:", "parameter"),
            ("GET /*rest/b", "last"),
            ("GET /a b", "blank"),
            ("GET /a<b>", "cannot stand"),
            ("GET /a/{id}", ":id"),
            ("GET /a/(.*)", "*rest"),
        ] {
            let message = RoutePattern::parse(text).unwrap_err();
            assert!(message.contains(why), "{text}: {message}");
        }
    }
}
