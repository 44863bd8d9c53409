//! The spellings of a path: every way in which a router in front of the handlers
//! may read it.

use std::collections::HashSet;

use smallvec::SmallVec;

/// Whether the path has one reading only.
pub(super) fn is_plain(path: &str) -> bool {
    let bytes = path.as_bytes();
    let unusual = |(i, &b): (usize, &u8)| match b {
        b'%' | b'#' | b'\n' => true,
        // "//", a slash at the end, or a segment that begins with a dot.
        b'/' => matches!(bytes.get(i + 1), None | Some(b'/' | b'.')),
        _ => false,
    };
    path == "/" || !bytes.iter().enumerate().any(unusual)
}

/// Every reading of a path: each way to decode it, and of each, every way to
/// clear its empty and dot segments away.
pub(super) fn readings(path: &str) -> HashSet<String> {
    // A server that takes "#" for a fragment, and one that does not.
    let whole = [Some(path), path.split_once('#').map(|(front, _)| front)];
    let mut readings = HashSet::new();
    for base in whole.into_iter().flatten().flat_map(decodings) {
        let merged = merge_slashes(&base);
        let resolved = resolve_dots(&base);
        let cleared = [
            resolve_dots(&merged),
            merge_slashes(&resolved),
            merged,
            resolved.clone(),
        ];
        if names_a_folder(&base) {
            let open = cleared.iter().filter(|reading| !reading.ends_with('/'));
            readings.extend(open.map(|reading| format!("{reading}/")));
        }
        readings.extend([trim_slashes(&base), trim_slashes(&resolved), base]);
        readings.extend(cleared);
    }
    readings
}

/// Whether a router may keep a slash at the end when it clears the path.
fn names_a_folder(path: &str) -> bool {
    ["/", "/.", "/.."].iter().any(|end| path.ends_with(end))
}

/// The path with its escapes, with its dots decoded, decoded within segments
/// (`%2F` stays an escape), and decoded throughout; the last without a newline
/// at the end too, which some regular expressions do not see.
fn decodings(path: &str) -> SmallVec<[String; 5]> {
    let dots = path.replace("%2E", ".").replace("%2e", ".");
    let parts = path.split("%2F").flat_map(|part| part.split("%2f"));
    let by_segment = parts.map(decode).collect::<Vec<_>>().join("%2F");
    let all = decode(path);
    let mut decodings = SmallVec::from([path.to_owned(), dots, by_segment, all.clone(), all]);
    if decodings[4].ends_with('\n') {
        decodings[4].pop();
    }
    decodings
}

fn decode(path: &str) -> String {
    let decoded = percent_encoding::percent_decode_str(path);
    decoded.decode_utf8_lossy().into_owned()
}

fn trim_slashes(path: &str) -> String {
    format!("/{}", path.trim_matches('/'))
}

/// The path without empty segments.
pub(super) fn merge_slashes(path: &str) -> String {
    let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    format!("/{}", segments.join("/"))
}

/// The path without dot segments. As RFC 3986 has it, an empty segment is one
/// that `..` takes back.
pub(super) fn resolve_dots(path: &str) -> String {
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
