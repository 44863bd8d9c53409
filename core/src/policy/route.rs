//! Routes: endpoint texts, route patterns, and the table that finds the rules of
//! a concrete path.
//!
//! **No spelling escapes.** A router in front of the handlers may decode
//! `%70`, merge `//`, drop a trailing slash or resolve `..`, and the limiter
//! cannot know which of these it does. So a path is looked up in every spelling
//! that such a router could use, and the request is charged to every rule found.
//! An ordinary path has one spelling and costs one look-up.

use std::borrow::Cow;
use std::collections::HashMap;

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
        return Ok(format!("{{p{position}}}"));
    }
    if let Some(name) = segment.strip_prefix('*') {
        check_parameter(name)?;
        return match is_last {
            true => Ok(format!("{{*p{position}}}")),
            false => Err("a catch-all such as *rest must stand last"),
        };
    }
    Ok(segment.replace('{', "{{").replace('}', "}}"))
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
#[derive(Debug, Default, Clone)]
pub(crate) struct RouteTable {
    by_method: HashMap<String, matchit::Router<RouteTarget>>,
}

impl RouteTable {
    /// Builds the table. Errors name the index of the route that clashes.
    pub fn build(routes: &[(RoutePattern, RouteTarget)]) -> Result<Self, Vec<(usize, String)>> {
        let mut table = Self::default();
        let mut clashes = Vec::new();
        for (index, (pattern, target)) in routes.iter().enumerate() {
            if let Err(clash) = table.insert(&pattern.method, pattern, *target) {
                clashes.push((index, clash));
            }
        }
        table.serve_head_with_get(routes);
        match clashes.is_empty() {
            true => Ok(table),
            false => Err(clashes),
        }
    }

    fn insert(&mut self, method: &str, route: &RoutePattern, target: RouteTarget) -> Result<(), String> {
        self.by_method
            .entry(method.to_owned())
            .or_default()
            .insert(route.template.clone(), target)
            .map_err(|e| e.to_string())
    }

    /// Servers answer HEAD with the GET handler, so a GET rule governs HEAD too,
    /// unless the policy has a HEAD rule of its own for the route.
    fn serve_head_with_get(&mut self, routes: &[(RoutePattern, RouteTarget)]) {
        for (pattern, target) in routes.iter().filter(|(p, _)| p.method == "GET") {
            // A clash means that a HEAD route stands there already.
            let _ = self.insert("HEAD", pattern, *target);
        }
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
            return match router.at(path).map(|m| *m.value) {
                Ok(RouteTarget::Exempt) => Matched::Exempt,
                Ok(RouteTarget::Rule(rule)) => Matched::Rules(SmallVec::from_slice(&[rule])),
                Err(_) => Matched::Rules(SmallVec::new()),
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

#[cold]
fn find_all_spellings(router: &matchit::Router<RouteTarget>, path: &str) -> Matched {
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    let spellings: [Cow<'_, str>; 4] = [
        Cow::Borrowed(path),
        Cow::Owned(clean(path)),
        Cow::Owned(clean(&decoded)),
        decoded,
    ];
    let targets = spellings.map(|spelling| router.at(&spelling).ok().map(|m| *m.value));
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

/// The path without empty segments and dot segments.
fn clean(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment),
        }
    }
    format!("/{}", segments.join("/"))
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
        for path in ["/v1/payment/", "//v1/payment", "/v1//payment", "/v1/%70ayment", "/v1/./payment", "/v1/x/../payment", "/%76%31/payment%2F"] {
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
    fn patterns_that_mean_the_same_are_a_clash() {
        let routes = [
            (RoutePattern::parse("GET /a/:id").unwrap(), RouteTarget::Rule(0)),
            (RoutePattern::parse("get /a/:name").unwrap(), RouteTarget::Rule(1)),
        ];
        let clashes = RouteTable::build(&routes).unwrap_err();
        assert_eq!(clashes.len(), 1);
        assert_eq!(clashes[0].0, 1);
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
        ] {
            let message = RoutePattern::parse(text).unwrap_err();
            assert!(message.contains(why), "{text}: {message}");
        }
    }

    #[test]
    fn braces_in_a_path_are_only_braces() {
        let t = table(&[("GET /a/{id}", RouteTarget::Rule(0))]);
        assert_eq!(rules(&t, "GET", "/a/{id}"), [0]);
        assert_eq!(rules(&t, "GET", "/a/7"), []);
    }
}
