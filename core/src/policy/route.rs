//! Routes: endpoint texts, route patterns, and the table that finds the rules of
//! a concrete path.
//!
//! **No spelling escapes.** A router in front of the handlers may decode
//! `%70`, merge `//`, drop a trailing slash or resolve `..`, and the limiter
//! cannot know which of these it does. So a path is looked up in every spelling
//! that such a router could use, and the request is charged to every rule found.
//! An ordinary path has one spelling and costs one look-up.

use std::collections::{HashMap, HashSet};

use path_tree::PathTree;
use smallvec::SmallVec;

/// The longest endpoint text, in bytes.
pub const MAX_ENDPOINT_BYTES: usize = 8_192;

const MAX_METHOD_BYTES: usize = 32;

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
    pub fn parse(text: &str) -> Result<Self, String> {
        let complain = |why: &str| format!("\"{text}\" is not a route: {why}");
        let (method, path) = split_endpoint(text).map_err(complain)?;
        if path.contains(['?', '#']) {
            return Err(complain("a route has no query and no fragment"));
        }
        if path.contains('%') || path != clean(path) {
            return Err(complain(
                "write the path plainly: no %-escapes, no '//', no '.' or '..', no slash at the end",
            ));
        }
        let segments: Vec<&str> = path[1..].split('/').collect();
        let mut template = String::new();
        for (position, segment) in segments.iter().enumerate() {
            let is_last = position + 1 == segments.len();
            template.push('/');
            template.push_str(&template_segment(segment, position, is_last).map_err(complain)?);
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
        return Ok(format!(":p{position}"));
    }
    if let Some(name) = segment.strip_prefix('*') {
        check_parameter(name)?;
        return match is_last {
            true => Ok("+".to_owned()),
            false => Err("a catch-all such as *rest must stand last"),
        };
    }
    match segment.contains([':', '*', '+', '\\']) {
        true => Err("':' and '*' stand at the beginning of a segment only, '+' and '\\' nowhere"),
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
#[derive(Debug, Default)]
pub(crate) struct RouteTable {
    by_method: HashMap<String, PathTree<RouteTarget>>,
}

impl RouteTable {
    /// Builds the table of routes that differ from each other.
    ///
    /// Servers answer HEAD with the GET handler, so a GET route governs HEAD too,
    /// unless the policy has the same route for HEAD.
    pub fn build(routes: &[(RoutePattern, RouteTarget)]) -> Self {
        let mut table = Self::default();
        for (pattern, target) in routes {
            table.insert(pattern, *target);
        }
        let own: HashSet<&RoutePattern> = routes.iter().map(|(pattern, _)| pattern).collect();
        for (pattern, target) in routes.iter().filter(|(p, _)| p.method == "GET") {
            let head = RoutePattern {
                method: "HEAD".to_owned(),
                ..pattern.clone()
            };
            if !own.contains(&head) {
                table.insert(&head, *target);
            }
        }
        table
    }

    fn insert(&mut self, route: &RoutePattern, target: RouteTarget) {
        let tree = self.by_method.entry(route.method.clone()).or_default();
        let _id = tree.insert(&route.template, target);
    }

    /// Finds the rules of a concrete request. `method` is compared without case.
    pub fn find(&self, method: &str, path: &str) -> Matched {
        let path = &path[..path.find(['?', '#']).unwrap_or(path.len())];
        let upper;
        let router = match self.by_method.get(method) {
            Some(router) => Some(router),
            None => {
                upper = method.to_ascii_uppercase();
                self.by_method.get(&upper)
            }
        };
        let Some(router) = router else {
            return Matched::Rules(SmallVec::new());
        };
        if is_plain(path) {
            return match look_up(router, path) {
                Some(RouteTarget::Exempt) => Matched::Exempt,
                Some(RouteTarget::Rule(rule)) => Matched::Rules(SmallVec::from_slice(&[rule])),
                None => Matched::Rules(SmallVec::new()),
            };
        }
        find_all_spellings(router, path)
    }
}

/// Whether the path has one spelling only.
fn is_plain(path: &str) -> bool {
    let bytes = path.as_bytes();
    let unusual = |(i, &b): (usize, &u8)| match b {
        b'%' => true,
        // "//", a slash at the end, or a segment that begins with a dot.
        b'/' => matches!(bytes.get(i + 1), None | Some(b'/' | b'.')),
        _ => false,
    };
    path == "/" || !bytes.iter().enumerate().any(unusual)
}

fn look_up(router: &PathTree<RouteTarget>, path: &str) -> Option<RouteTarget> {
    // "*" is no path, and the router would take it for one.
    let (target, _) = router.find(path).filter(|_| path.starts_with('/'))?;
    Some(*target)
}

#[cold]
fn find_all_spellings(router: &PathTree<RouteTarget>, path: &str) -> Matched {
    let targets: SmallVec<[_; 12]> = spellings(path)
        .iter()
        .map(|spelling| look_up(router, spelling))
        .collect();
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

/// Every reading of a path: its escapes kept, decoded within segments (`%2F`
/// stays an escape) or decoded throughout; and of each, as it is, without empty
/// segments, and with dot segments resolved after dropping those or before.
fn spellings(path: &str) -> SmallVec<[String; 12]> {
    let parts = path.split("%2F").flat_map(|part| part.split("%2f"));
    let by_segment = parts.map(decode).collect::<Vec<_>>().join("%2F");
    let mut spellings: SmallVec<[String; 12]> = SmallVec::new();
    for base in [path.to_owned(), by_segment, decode(path)] {
        let merged = merge_slashes(&base);
        let cleaned = resolve_dots(&merged);
        let resolved = merge_slashes(&resolve_dots(&base));
        for spelling in [base, merged, cleaned, resolved] {
            if !spellings.contains(&spelling) {
                spellings.push(spelling);
            }
        }
    }
    spellings
}

fn decode(path: &str) -> String {
    let decoded = percent_encoding::percent_decode_str(path);
    decoded.decode_utf8_lossy().into_owned()
}

/// The path without empty segments.
fn merge_slashes(path: &str) -> String {
    let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    format!("/{}", segments.join("/"))
}

/// The path without dot segments. As RFC 3986 has it, an empty segment is one
/// that `..` takes back.
fn resolve_dots(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.strip_prefix('/').unwrap_or(path).split('/') {
        match segment {
            "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    format!("/{}", segments.join("/"))
}

/// The path without empty segments and dot segments.
fn clean(path: &str) -> String {
    resolve_dots(&merge_slashes(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(routes: &[(&str, RouteTarget)]) -> RouteTable {
        let routes: Vec<_> = routes
            .iter()
            .map(|(text, target)| (RoutePattern::parse(text).unwrap(), *target))
            .collect();
        RouteTable::build(&routes)
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
        match table.find(method, path) {
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
        assert_eq!(rules(&t, "GET", "/static/private"), [4]);
        assert_eq!(rules(&t, "GET", "/"), [6]);
        assert_eq!(rules(&t, "GET", "/v1/payment"), []);
        assert_eq!(rules(&t, "GET", "/v1/payment/a/b"), []);
        assert_eq!(rules(&t, "OPTIONS", "*"), []);
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
    }

    #[test]
    fn head_is_governed_by_get_unless_it_has_its_own_rule() {
        let t = payments();
        assert_eq!(rules(&t, "HEAD", "/v1/payment/list"), [2]);
        assert_eq!(rules(&t, "HEAD", "/files/x"), [5]);
        assert_eq!(rules(&t, "OPTIONS", "/v1/payment"), []);
    }

    #[test]
    fn methods_are_compared_without_case_and_queries_are_cut() {
        let t = payments();
        assert_eq!(rules(&t, "post", "/v1/payment?x=/v1/payment/list"), [0]);
        assert_eq!(rules(&t, "GET", "/v1/payment/list#top"), [2]);
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
    fn readings_of_other_routers_are_found_too() {
        let t = payments();
        // Slashes merged or cut before dots are resolved, and the reverse.
        assert_eq!(rules(&t, "GET", "/v1/payment/./"), [1]);
        assert_eq!(rules(&t, "GET", "//v1/payment/."), [1]);
        assert_eq!(rules(&t, "GET", "/v1/payment//../list"), [2]);
        // Segments decoded one by one.
        assert_eq!(rules(&t, "GET", "/v1/%70ayment/a%2Fb"), [1]);
    }

    #[test]
    fn an_odd_spelling_never_buys_an_exemption() {
        let t = payments();
        assert_eq!(t.find("GET", "/healthz"), Matched::Exempt);
        assert_eq!(t.find("GET", "/static/a%20b.png"), Matched::Exempt);
        for path in ["/healthz/", "//healthz", "/health%7A", "/x/../healthz"] {
            assert_eq!(rules(&t, "GET", path), [], "{path}");
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
        assert_eq!(rules(&t, "GET", "/a/"), []);
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
            ("GET /a:b", "beginning"),
            ("GET /a+", "nowhere"),
        ] {
            let message = RoutePattern::parse(text).unwrap_err();
            assert!(message.contains(why), "{text}: {message}");
        }
    }
}
