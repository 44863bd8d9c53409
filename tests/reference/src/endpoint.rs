//! Endpoint text: `METHOD SP PATH`, and the spellings under which a path is
//! looked up.
//!
//! Servers disagree about `//`, `..` and `%2F`. A path is therefore looked up
//! in every spelling that a server might route it by, so that an odd spelling
//! can neither leave a limit nor reach an exemption.

const TEXT_BYTES_MAX: usize = 8_192;
const METHOD_BYTES_MAX: usize = 32;

/// The longest path in an unusual spelling.
const ODD_PATH_BYTES_MAX: usize = 2_048;

/// A well-formed endpoint: the upper-case method, and the path up to the
/// query string.
#[derive(Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub method: String,
    pub path: String,
}

/// Reads endpoint text; `None` if it is malformed (as the empty text is).
pub fn parse(text: &str) -> Option<Endpoint> {
    if text.len() > TEXT_BYTES_MAX {
        return None;
    }
    let (method, target) = text.split_once(' ')?;
    let begins_well = target.starts_with('/') || target == "*";
    let well_formed = is_method(method) && begins_well && !target.contains(is_control);
    let path = target.split('?').next().unwrap_or_default().to_string();
    let readable = path.len() <= ODD_PATH_BYTES_MAX || !is_odd(&path);
    (well_formed && readable).then(|| Endpoint {
        method: method.to_ascii_uppercase(),
        path,
    })
}

fn is_control(c: char) -> bool {
    c.is_ascii_control()
}

/// Whether servers may disagree about the path.
fn is_odd(path: &str) -> bool {
    let odd_segment = |segment: &str| segment.is_empty() || segment.starts_with('.');
    path != "/" && (path.contains(['%', '#', '\n']) || path.split('/').skip(1).any(odd_segment))
}

fn is_method(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=METHOD_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

impl Endpoint {
    /// Every reading of the path. It may end at a `#` or not. Then it is read
    /// with its escapes, with only `%2E` decoded, with all but `%2F` decoded,
    /// with all decoded, and so without a newline at the end. Of each of these
    /// the slashes are taken as they stand, trimmed at both ends, or merged;
    /// and dot segments resolved, with the slashes merged before that or after,
    /// trimmed after, or as they stand. `OPTIONS *` has no path and no reading.
    pub fn spellings(&self) -> Vec<String> {
        if self.path == "*" {
            return Vec::new();
        }
        let fronts = self.path.split_once('#').map(|(front, _)| front);
        [Some(self.path.as_str()), fronts]
            .into_iter()
            .flatten()
            .flat_map(readings)
            .collect()
    }
}

fn readings(path: &str) -> Vec<String> {
    let slashes_kept = path.replace("%2F", "%252F").replace("%2f", "%252F");
    let decoded = percent_decoded(path);
    let bases = [
        path.to_string(),
        path.replace("%2E", ".").replace("%2e", "."),
        percent_decoded(&slashes_kept),
        decoded.strip_suffix('\n').unwrap_or(&decoded).to_string(),
        decoded,
    ];
    let cleared = |base: String| {
        let merged = without_empty(&base);
        let resolved = without_dots(&base);
        let mut all = vec![
            without_dots(&merged),
            without_empty(&resolved),
            merged,
            resolved.clone(),
        ];
        let last = base.rsplit('/').next();
        if let Some("" | "." | "..") = last {
            let closed: Vec<String> = all.iter().map(|path| format!("{path}/")).collect();
            all.extend(closed.into_iter().filter(|path| !path.ends_with("//")));
        }
        all.extend([trimmed(&base), trimmed(&resolved), base]);
        all
    };
    bases.into_iter().flat_map(cleared).collect()
}

fn trimmed(path: &str) -> String {
    format!("/{}", path.trim_matches('/'))
}

fn without_empty(path: &str) -> String {
    let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    format!("/{}", segments.join("/"))
}

/// `..` takes back the segment before it, also an empty one.
fn without_dots(path: &str) -> String {
    let mut kept = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            _ => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

/// Decodes every valid `%XX` once and leaves other percent signs alone.
fn percent_decoded(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match escape_at(bytes, at) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn escape_at(bytes: &[u8], at: usize) -> Option<u8> {
    let hex = |offset: usize| (*bytes.get(at + offset)? as char).to_digit(16);
    if bytes[at] != b'%' {
        return None;
    }
    u8::try_from(hex(1)? * 16 + hex(2)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_a_method_one_space_and_a_path() {
        let endpoint = parse("get /a/b?c=/d#e").unwrap();
        assert_eq!(
            (endpoint.method.as_str(), endpoint.path.as_str()),
            ("GET", "/a/b")
        );
        assert_eq!(parse("X-1_y /?#").unwrap().path, "/");
        assert_eq!(parse("OPTIONS *").unwrap().path, "*");
    }

    #[test]
    fn anything_else_is_malformed() {
        for text in [
            "", "GET", "GET ", " /a", "GET a", "GET  /a", "GET *a", "G:T /a", "GÉT /a", "/a GET",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn lengths_end_at_32_and_8192_bytes() {
        assert!(parse(&format!("{} /", "M".repeat(32))).is_some());
        assert!(parse(&format!("{} /", "M".repeat(33))).is_none());
        assert!(parse(&format!("GET /{}", "a".repeat(8_187))).is_some());
        assert!(parse(&format!("GET /{}", "a".repeat(8_188))).is_none());
    }

    /// The different readings of a path, apart from itself.
    fn others(path: &str) -> Vec<String> {
        let mut readings = parse(&format!("GET {path}")).unwrap().spellings();
        readings.sort();
        readings.dedup();
        readings.retain(|reading| reading != path);
        readings
    }

    #[test]
    fn an_ordinary_path_has_one_reading() {
        for path in ["/a/b", "/", "/%", "/%4", "/a;b=c"] {
            assert!(others(path).is_empty(), "{path}");
        }
        assert!(parse("GET *").unwrap().spellings().is_empty());
    }

    #[test]
    fn odd_paths_have_a_reading_for_every_way_to_route_them() {
        let expected: [(&str, &[&str]); 13] = [
            ("/a/", &["/a"]),
            (
                "//a/./b/",
                &["/a/./b", "/a/b", "/a/./b/", "/a/b/", "//a/b/"],
            ),
            ("/a/b/..", &["/a", "/a/", "/a/b/../"]),
            ("/../../a", &["/a"]),
            ("/a//../b", &["/a/../b", "/a/b", "/b"]),
            ("/a%2Fb", &["/a/b"]),
            ("/%61%2fb", &["/a%2Fb", "/a/b"]),
            ("/a/%2e%2E/b", &["/a/../b", "/b"]),
            ("/%25%36%31", &["/%61"]),
            ("/%+1%G1%41", &["/%+1%G1A"]),
            ("/%FF", &["/\u{FFFD}"]),
            ("/a%0A", &["/a", "/a\n"]),
            ("/a#/b", &["/a"]),
        ];
        for (path, readings) in expected {
            let readings: std::collections::BTreeSet<&str> = readings.iter().copied().collect();
            let others = others(path);
            assert!(
                others.iter().map(String::as_str).eq(readings),
                "{path}: {others:?}"
            );
        }
    }
}
