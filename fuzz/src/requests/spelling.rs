//! No spelling escapes its limit: a path under a rule, respelled as a router
//! could undo it, is charged to that rule.

use arbitrary::Unstructured;
use slidegate::{Decision, Limiter, Outcome};

use super::Site;
use crate::routes::Route;

const MAX_EDITS: usize = 24;

/// Values of parameters; among them the texts of static segments.
const VALUES: [&str; 8] = ["7", "list", "private", "size", "open", "a.b", "..x", "A-_~"];

/// A path in the making: characters, each of them escaped or not.
struct Spelling(Vec<(char, bool)>);

/// Reads a rule, a path under it and a spelling of the path, and asks for it.
pub fn run(site: &Site, mut input: Unstructured<'_>) -> arbitrary::Result<()> {
    let rules = &site.routes.rules;
    let (_, _, route) = &rules[input.arbitrary::<u8>()? as usize % rules.len()];
    let any = Route::parse("GET /v1/anything/:id");
    let route = route.as_ref().or(any.as_ref()).expect("a route");
    let value = VALUES[input.arbitrary::<u8>()? as usize % VALUES.len()];
    let method = match (input.arbitrary::<u8>()? % 3, route.method.as_str()) {
        (1, method) => method.to_ascii_lowercase(),
        (2, "GET") => "HEAD".to_owned(),
        (_, method) => method.to_owned(),
    };
    let plain = route.path_with(value);
    let spelled = respelled(&plain, &mut input)?;
    assert_no_escape(
        &site.limiter(),
        &format!("{method} {plain}"),
        &format!("{method} {spelled}"),
    );
    Ok(())
}

/// Panics unless a request for `spelled` is charged to the rule of `plain`.
fn assert_no_escape(limiter: &Limiter, plain: &str, spelled: &str) {
    let peek = || limiter.peek("m", plain, 1).expect("a plain endpoint");
    let before = peek();
    if before.outcome != Outcome::Allowed {
        // A more specific exemption, or HEAD where the policy has no such rule.
        return;
    }
    let decision: Decision = limiter.check("m", spelled, 1).expect("a short path");
    assert_eq!(decision.outcome, Outcome::Allowed, "{spelled} for {plain}");
    let after = peek();
    assert_eq!(after.rule(), before.rule(), "{spelled} for {plain}");
    assert!(
        after.remaining() < before.remaining(),
        "{spelled} escapes {plain}"
    );
}

/// The path with edits that decoding, merging and resolving undo, and an end
/// that no route sees.
fn respelled(path: &str, input: &mut Unstructured<'_>) -> arbitrary::Result<String> {
    let mut spelling = Spelling(path.chars().map(|c| (c, false)).collect());
    let end = ["", "?q=/x", "#part", "%0A", "%0a?q", "%0A"];
    let end = end[input.arbitrary::<u8>()? as usize % end.len()];
    for _ in 0..MAX_EDITS.min(input.len() / 2) {
        let (edit, place) = (input.arbitrary::<u8>()?, input.arbitrary::<u8>()?);
        match edit % 6 {
            0 => spelling.escape(place),
            1 => spelling.insert(place, "/"),
            2 => spelling.insert(place, "/."),
            3 => spelling.insert(place, "/zz/.."),
            4 => spelling.insert(place, "/y/../x/.."),
            _ => spelling.0.push(('/', false)),
        }
    }
    Ok(format!("{}{end}", spelling.text()))
}

impl Spelling {
    /// Writes a character as an escape; the first one makes it a path.
    fn escape(&mut self, place: u8) {
        let at = 1 + usize::from(place) % self.0.len();
        if let Some((_, escaped)) = self.0.get_mut(at) {
            *escaped = true;
        }
    }

    /// Inserts segments before a slash that is there.
    fn insert(&mut self, place: u8, segments: &str) {
        let is_slash = |at: &usize| self.0[*at].0 == '/';
        let slashes: Vec<usize> = (0..self.0.len()).filter(is_slash).collect();
        let at = slashes[usize::from(place) % slashes.len()];
        self.0.splice(at..at, segments.chars().map(|c| (c, false)));
        // What stood at the front may have been moved there as an escape.
        self.0[0].1 = false;
    }

    fn text(&self) -> String {
        let spell = |&(c, escaped): &(char, bool)| match escaped {
            true => format!("%{:02X}", u32::from(c)),
            false => c.to_string(),
        };
        self.0.iter().map(spell).collect()
    }
}
