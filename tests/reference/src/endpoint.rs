//! Endpoint text: `METHOD SP PATH`, and the spellings under which a path is
//! looked up.
//!
//! Servers disagree about `//`, `..` and `%2F`. A path is therefore looked up
//! in every spelling that a server might route it by, so that an odd spelling
//! can neither leave a limit nor reach an exemption.

const TEXT_BYTES_MAX: usize = 8_192;
const METHOD_BYTES_MAX: usize = 32;

/// A well-formed endpoint: the upper-case method, and the path up to the
/// query string or fragment.
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
    let well_formed = is_method(method) && (target.starts_with('/') || target == "*");
    well_formed.then(|| Endpoint {
        method: method.to_ascii_uppercase(),
        path: target
            .split(['?', '#'])
            .next()
            .unwrap_or_default()
            .to_string(),
    })
}

fn is_method(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    (1..=METHOD_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

impl Endpoint {
    /// The four spellings of the path. The asterisk of `OPTIONS *` is no path
    /// and has none.
    pub fn spellings(&self) -> Vec<String> {
        if self.path == "*" {
            return Vec::new();
        }
        let raw = self.path.clone();
        let decoded = percent_decoded(&raw);
        vec![raw.clone(), clean(&raw), decoded.clone(), clean(&decoded)]
    }
}

/// Resolves empty, `.` and `..` segments.
fn clean(path: &str) -> String {
    let mut kept = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
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
        assert_eq!(parse("X-1_y /#?").unwrap().path, "/");
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

    #[test]
    fn spellings_are_raw_clean_decoded_and_both() {
        let expected = [
            ("/a/b", ["/a/b", "/a/b", "/a/b", "/a/b"]),
            ("/", ["/", "/", "/", "/"]),
            ("//a/./b/", ["//a/./b/", "/a/b", "//a/./b/", "/a/b"]),
            ("/../../a", ["/../../a", "/a", "/../../a", "/a"]),
            ("/a/x/../b", ["/a/x/../b", "/a/b", "/a/x/../b", "/a/b"]),
            ("/a%2Fb", ["/a%2Fb", "/a%2Fb", "/a/b", "/a/b"]),
            (
                "/a/%2e%2E/b",
                ["/a/%2e%2E/b", "/a/%2e%2E/b", "/a/../b", "/b"],
            ),
            ("/%25%36%31", ["/%25%36%31", "/%25%36%31", "/%61", "/%61"]),
            ("/%", ["/%", "/%", "/%", "/%"]),
            ("/%4", ["/%4", "/%4", "/%4", "/%4"]),
            (
                "/%+1%G1%41",
                ["/%+1%G1%41", "/%+1%G1%41", "/%+1%G1A", "/%+1%G1A"],
            ),
            ("/%FF", ["/%FF", "/%FF", "/\u{FFFD}", "/\u{FFFD}"]),
        ];
        for (path, spellings) in expected {
            let endpoint = parse(&format!("GET {path}")).unwrap();
            assert_eq!(endpoint.spellings(), spellings, "{path}");
        }
        assert!(parse("GET *").unwrap().spellings().is_empty());
    }
}
