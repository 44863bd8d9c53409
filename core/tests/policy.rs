//! Policies: what is accepted, and what a mistaken one is told.

use slidegate::{Limiter, Policy, PolicyError};

fn mistakes(text: &str) -> Vec<(usize, String, String)> {
    match Policy::from_toml(text) {
        Ok(_) => panic!("accepted: {text}"),
        Err(error) => error
            .mistakes()
            .iter()
            .map(|m| (m.line, m.field.clone(), m.message.clone()))
            .collect(),
    }
}

/// The one mistake of a text: its line, its field, and a part of its message.
#[track_caller]
fn assert_mistake(text: &str, line: usize, field: &str, message: &str) {
    let found = mistakes(text);
    assert_eq!(found.len(), 1, "{found:?}");
    let (at, of, what) = &found[0];
    assert_eq!((*at, of.as_str()), (line, field), "{what}");
    assert!(what.contains(message), "{what}");
}

fn rule(body: &str) -> String {
    format!("version = 1\n[[rule]]\n{body}\n")
}

#[test]
fn both_documents_are_expressed() {
    let path = |name| format!("{}/../policies/{name}", env!("CARGO_MANIFEST_DIR"));
    let merchant = Policy::from_file(path("merchant-limits.toml")).unwrap();
    assert_eq!(
        merchant.rule_names().collect::<Vec<_>>(),
        ["merchant-total"]
    );
    let endpoints = Policy::from_file(path("endpoint-limits.toml")).unwrap();
    assert_eq!(endpoints.rule_names().count(), 8);
}

#[test]
fn the_smallest_policies_are_policies() {
    assert!(Policy::from_toml("version = 1").is_ok());
    assert!(Policy::from_toml("version = 1\nunmatched = \"deny\"\nexempt = []").is_ok());
}

#[test]
fn every_mistake_is_reported_at_once_with_line_and_field() {
    let text = r#"version = 2
unmatched = "maybe"
exempt = ["GET /healthz", 7, "healthz"]
colour = "red"

[[rule]]
name = "a"
match = "GET /v1/:id"
windows = ["0/s", "5000/min", "1/0s", "1/999day", "one/s"]

[[rule]]
name = "a"
match = "GET /v1/:other"
windows = ["10/s", "20/1000ms"]
cost = 11
limit = 5

[[rule]]
windows = []
cost = 0
"#;
    let found: Vec<(usize, String)> = mistakes(text)
        .into_iter()
        .map(|(line, field, _)| (line, field))
        .collect();
    let expected = [
        (1, "version"),
        (2, "unmatched"),
        (3, "exempt[1]"),
        (3, "exempt[2]"),
        (4, "colour"),
        (9, "rule[0].windows[0]"),
        (9, "rule[0].windows[1]"),
        (9, "rule[0].windows[2]"),
        (9, "rule[0].windows[3]"),
        (9, "rule[0].windows[4]"),
        (12, "rule[1].name"),
        (13, "rule[1].match"),
        (14, "rule[1].windows[1]"),
        (15, "rule[1].cost"),
        (16, "rule[1].limit"),
        (18, "rule[2].name"),
        (18, "rule[2].match"),
        (19, "rule[2].windows"),
        (20, "rule[2].cost"),
    ];
    let expected: Vec<(usize, String)> = expected.map(|(l, f)| (l, f.to_owned())).into();
    assert_eq!(found, expected);
}

#[test]
fn the_error_text_lists_places_and_what_would_be_right() {
    let error =
        Policy::from_toml(&rule("name = \"a\"\nmatch = \"*\"\nwindows = [\"1/sec\"]")).unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("1 mistake in the policy\n"), "{text}");
    assert!(
        text.contains("line 5, column 12: rule[0].windows[0]:"),
        "{text}"
    );
    assert!(text.contains("limit/[n]unit"), "{text}");
}

#[test]
fn syntax_errors_have_their_line_and_hide_what_follows_from_them() {
    let found = mistakes("version = 1\nunmatched = \"allow\n[[rule]]\nname = a b\n");
    assert!(
        found.iter().all(|(_, field, _)| field.is_empty()),
        "{found:?}"
    );
    assert_eq!(found[0].0, 2);
}

#[test]
fn single_mistakes() {
    assert_mistake("", 1, "version", "version = 1");
    assert_mistake("version = \"1\"", 1, "version", "version = 1");
    assert_mistake("version = 1\nrule = 5", 2, "rule", "[[rule]]");
    assert_mistake("version = 1\nexempt = \"GET /\"", 2, "exempt", "list");
    let windows = |w: &str| rule(&format!("name = \"a\"\nmatch = \"*\"\nwindows = {w}"));
    assert_mistake(&windows("\"1/s\""), 5, "rule[0].windows", "list");
    assert_mistake(&windows("[5]"), 5, "rule[0].windows[0]", "as text");
    assert_mistake(&windows("[\"2049/min\"]"), 5, "rule[0].windows[0]", "2048");
    let nine = r#"["1/s","1/2s","1/3s","1/4s","1/5s","1/6s","1/7s","1/8s","1/9s"]"#;
    assert_mistake(&windows(nine), 5, "rule[0].windows", "more than 8");
    assert_mistake(
        &rule("name = \"ä\"\nmatch = \"*\"\nwindows = [\"1/s\"]"),
        3,
        "rule[0].name",
        "letters",
    );
    assert_mistake(
        &rule("name = 3\nmatch = \"*\"\nwindows = [\"1/s\"]"),
        3,
        "rule[0].name",
        "a name",
    );
}

#[test]
fn a_route_stands_in_one_place_only() {
    let text = "version = 1\nexempt = [\"GET /v1/:id\"]\n[[rule]]\nname = \"a\"\nmatch = \"GET /v1/:x\"\nwindows = [\"1/s\"]\n";
    let found = mistakes(text);
    assert_eq!(found.len(), 1);
    let joined = format!("{found:?}");
    assert!(joined.contains("the same route stands in"), "{joined}");
}

#[test]
fn columns_count_characters() {
    let error = Policy::from_toml("version = 1\nexempt = [\"GET /ü\", 1]").unwrap_err();
    assert_eq!(error.mistakes()[0].column, 21);
}

#[test]
fn files_that_cannot_be_read_say_which_and_why() {
    let error = Policy::from_file("/no/such/policy.toml").unwrap_err();
    assert!(matches!(error, PolicyError::Read { .. }));
    assert!(
        error.to_string().contains("/no/such/policy.toml"),
        "{error}"
    );
    assert!(error.mistakes().is_empty());
    let path = std::env::temp_dir().join(format!("slidegate-not-utf8-{}.toml", std::process::id()));
    std::fs::write(&path, b"version = 1 # \xff").unwrap();
    let error = Policy::from_file(&path).unwrap_err();
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(error, PolicyError::Read { .. }), "{error}");
}

#[test]
fn a_text_beyond_the_bound_is_refused_before_it_is_read() {
    let text = "#".repeat(slidegate::MAX_POLICY_BYTES + 1);
    assert_mistake(&text, 1, "", "larger");
}

#[test]
fn hostile_texts_are_refused_without_collecting_millions_of_mistakes() {
    let many = |unit: &str| unit.repeat((1 << 20) / unit.len());
    for text in [
        format!("version = 1\nexempt = [{}]", many("1,")),
        format!("version = 1\nx = \"{}\"", many("\\q")),
        format!("version = 1\n{}", many("=\n")),
        format!("version = 1\nexempt = [{}]", many("\"GET /a\",")),
        format!("version = 1\nx = {}", many("[")),
        format!("version = 1\nx = {}", many("{a=")),
        format!("version = 1\nexempt = [\"GET {}\"]", many("/:a")),
    ] {
        let error = Policy::from_toml(&text).unwrap_err();
        assert!((1..=1_000).contains(&error.mistakes().len()));
        assert!(error.to_string().len() < 2_000_000);
    }
}

#[test]
fn mistakes_beyond_the_bounds_are_counted_as_at_least() {
    let text = format!("version = 1\nexempt = [{}]", "1,".repeat(100_000));
    let error = Policy::from_toml(&text).unwrap_err();
    assert!(error.to_string().ends_with("… and at least 900 more"));
}

#[test]
fn a_refused_policy_leaves_the_running_one_alone() {
    let policy =
        Policy::from_toml(&rule("name = \"a\"\nmatch = \"*\"\nwindows = [\"1/min\"]")).unwrap();
    let limiter = Limiter::builder().max_keys(16).build(&policy).unwrap();
    assert!(limiter.allow("m", "", 1).unwrap());
    assert!(Policy::from_toml(&rule("name = \"a\"")).is_err());
    assert_eq!(limiter.policy_version(), 1);
    assert!(!limiter.allow("m", "", 1).unwrap());
}
