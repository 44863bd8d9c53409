//! Routes as `docs/policy.md` describes them, without precedence: enough to say
//! whether a path, taken literally, falls under a route.

/// A route of a policy.
pub struct Route {
    /// The method, in upper case.
    pub method: String,
    segments: Vec<Segment>,
}

enum Segment {
    Static(String),
    Parameter,
    Rest,
}

impl Route {
    /// Reads `METHOD /path`; `None` for `*`, which is no route.
    pub fn parse(text: &str) -> Option<Self> {
        let (method, path) = text.split_once(" /")?;
        let segments = path.split('/').map(|segment| match segment.chars().next() {
            Some(':') => Segment::Parameter,
            Some('*') => Segment::Rest,
            _ => Segment::Static(segment.to_owned()),
        });
        Some(Self {
            method: method.to_ascii_uppercase(),
            segments: segments.collect(),
        })
    }

    /// Whether nothing in the route stands for something else.
    pub fn is_static(&self) -> bool {
        let is_text = |s: &Segment| matches!(s, Segment::Static(_));
        self.segments.iter().all(is_text)
    }

    /// A path under the route, with `value` wherever the route leaves a choice.
    /// `value` is a non-empty segment.
    pub fn path_with(&self, value: &str) -> String {
        let fill = |segment: &Segment| match segment {
            Segment::Static(text) => format!("/{text}"),
            Segment::Parameter => format!("/{value}"),
            Segment::Rest => format!("/{value}/{value}"),
        };
        self.segments.iter().map(fill).collect()
    }

    /// Whether the path, byte by byte, falls under the route.
    pub fn covers(&self, path: &str) -> bool {
        let Some(path) = path.strip_prefix('/') else {
            return false;
        };
        let mut parts = path.split('/');
        for segment in &self.segments {
            let fits = match (segment, parts.next()) {
                (Segment::Rest, Some(_)) => return true,
                (Segment::Static(text), Some(part)) => text == part,
                (Segment::Parameter, Some(part)) => !part.is_empty(),
                (_, None) => false,
            };
            if !fits {
                return false;
            }
        }
        parts.next().is_none()
    }

    /// Whether the route governs the method: its own, without case, and HEAD if
    /// it is a GET route.
    pub fn serves(&self, method: &str) -> bool {
        let method = method.to_ascii_uppercase();
        method == self.method || (method == "HEAD" && self.method == "GET")
    }
}

/// The routes of a policy text that was accepted.
pub struct Routes {
    /// Exempt ones.
    pub exempt: Vec<Route>,
    /// Of each rule its name, its `match` and its route, `None` for `*`.
    pub rules: Vec<(String, String, Option<Route>)>,
}

impl Routes {
    /// Reads an accepted policy's text, independently of the engine.
    pub fn of(policy: &str) -> Self {
        let document: toml::Table = policy.parse().expect("an accepted policy is TOML");
        let list = |field: &str| match document.get(field) {
            Some(value) => value.as_array().expect("a list").clone(),
            None => Vec::new(),
        };
        let text = |value: &toml::Value| value.as_str().expect("a text").to_owned();
        let rule = |rule: &toml::Value| {
            let route = text(&rule["match"]);
            (text(&rule["name"]), route.clone(), Route::parse(&route))
        };
        let exempt = list("exempt");
        Self {
            exempt: exempt
                .iter()
                .map(text)
                .filter_map(|t| Route::parse(&t))
                .collect(),
            rules: list("rule").iter().map(rule).collect(),
        }
    }
}
