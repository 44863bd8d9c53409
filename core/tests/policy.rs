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
windows = ["0/s", "20000000/min", "1/0s", "1/999day", "one/s"]

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
        Policy::from_toml(&rule("name = \"a\"\nmatch = \"*\"\nwindows = [\"1s\"]")).unwrap_err();
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

/// A rule with a name, a route and `body`, which begins on line 5.
fn rule_with(body: &str) -> String {
    rule(&format!("name = \"a\"\nmatch = \"*\"\n{body}"))
}

#[test]
fn single_mistakes() {
    assert_mistake("", 1, "version", "version = 1");
    assert_mistake("version = 1\nrule = 5", 2, "rule", "[[rule]]");
    let windows = |w: &str| rule_with(&format!("windows = {w}"));
    let field = "rule[0].windows";
    assert_mistake(
        &windows("[\"16777217/min\"]"),
        5,
        &format!("{field}[0]"),
        "16777216",
    );
    let nine = r#"["1/s","1/2s","1/3s","1/4s","1/5s","1/6s","1/7s","1/8s","1/9s"]"#;
    assert_mistake(&windows(nine), 5, field, "more than 8");
    let name = |name: &str| {
        rule(&format!(
            "name = {name}\nmatch = \"*\"\nwindows = [\"1/s\"]"
        ))
    };
    assert_mistake(&name("\"ä\""), 3, "rule[0].name", "letters");
}

/// Rows of `value | line | field | what would be right | what was found`.
fn assert_wrong_types(policy: impl Fn(&str) -> String, rows: &[&str]) {
    for row in rows {
        let cells: Vec<&str> = row.split(" | ").collect();
        let [value, line, field, right, found] = cells[..] else {
            panic!("five cells: {row}");
        };
        let (text, line) = (policy(value), line.parse().unwrap());
        assert_mistake(&text, line, field, right);
        assert_mistake(&text, line, field, &format!(", not {found}"));
    }
}

#[test]
fn a_value_of_the_wrong_type_is_told_what_would_be_right_and_what_was_found() {
    let whole = [
        r#"version = "1" | 1 | version | version = 1 | the text "1""#,
        "version = 0x2 | 1 | version | version = 1 | the number 0x2",
    ];
    assert_wrong_types(str::to_owned, &whole);
    let top = [
        r#"unmatched = true | 2 | unmatched | "allow" or "deny" | true"#,
        r#"exempt = "GET /" | 2 | exempt | list of routes | the text "GET /""#,
        "exempt = [1979-05-27] | 2 | exempt[0] | a route | a date or time",
        "[rule] | 2 | rule | [[rule]] | a table",
        "rule = [[]] | 2 | rule[0] | [[rule]] | an empty list",
    ];
    assert_wrong_types(|line| format!("version = 1\n{line}"), &top);
}

#[test]
fn so_is_a_field_of_a_rule() {
    let below = |line: &str| rule(&format!("name = \"a\"\nwindows = [\"9/s\"]\n{line}"));
    assert_wrong_types(
        below,
        &[r#"match = ["*"] | 5 | rule[0].match | "*" | a list"#],
    );
    let starred = |line: &str| rule_with(&format!("windows = [\"9/s\"]\n{line}"));
    let fields = [
        r#"per = "merchants" | 6 | rule[0].per | "merchant" or "all" | the text "merchants""#,
        r#"precision = 1 | 6 | rule[0].precision | "exact" or "bucketed" | the number 1"#,
        "cost = 1.5 | 6 | rule[0].cost | whole number | the number 1.5",
        "cost = 0 | 6 | rule[0].cost | 1 to the smallest limit | the number 0",
    ];
    assert_wrong_types(starred, &fields);
    let windows = [
        r#"windows = "1/s" | 5 | rule[0].windows | list of windows | the text "1/s""#,
        "windows = [] | 5 | rule[0].windows | list of windows | an empty list",
        "windows = [5] | 5 | rule[0].windows[0] | as text | the number 5",
        "windows = [{}] | 5 | rule[0].windows[0] | as text | a table",
    ];
    assert_wrong_types(rule_with, &windows);
}

#[test]
fn an_unknown_field_is_told_the_one_that_is_meant() {
    let rules = "version = 1\n[[rules]]\nname = \"a\"";
    assert_mistake(rules, 2, "rules", "unknown field rules; did you mean rule?");
    let starred = |line: &str| rule_with(&format!("windows = [\"9/s\"]\n{line}"));
    for (line, field, hint) in [
        ("costs = 2", "costs", "did you mean cost?"),
        ("Per = \"all\"", "Per", "did you mean per?"),
        (
            "precison = \"exact\"",
            "precison",
            "did you mean precision?",
        ),
        (
            "limit = 5",
            "limit",
            "the fields here are name, match, windows, cost, per, precision",
        ),
        ("exempt = []", "exempt", "write it above the first [[rule]]"),
        (
            "\"a\\nb\" = 1",
            "\"a\\nb\"",
            "unknown field \"a\\nb\"; the fields here are",
        ),
    ] {
        assert_mistake(&starred(line), 6, &format!("rule[0].{field}"), hint);
    }
    let top = "version = 1\nwindows = [\"1/s\"]";
    assert_mistake(top, 2, "windows", "write it below its [[rule]]");
}

#[test]
fn an_unknown_unit_is_told_the_one_that_is_meant() {
    let text = rule_with("windows = [\"1/hour\"]");
    for part in [
        "unknown unit \"hour\"",
        "ms, s, min, h, day",
        "did you mean \"h\"",
    ] {
        assert_mistake(&text, 5, "rule[0].windows[0]", part);
    }
}

#[test]
fn the_precision_of_a_rule_bounds_its_limits_and_lengths() {
    let windows = |w: &str, more: &str| rule_with(&format!("windows = [{w}]\n{more}"));
    let exact = "precision = \"exact\"";
    let bucketed = "precision = \"bucketed\"";
    for (text, more) in [
        ("\"2048/ms\"", ""),
        ("\"2048/ms\"", exact),
        ("\"2049/263ms\"", ""),
        ("\"16777216/366day\", \"1/s\"", ""),
        ("\"16777216/s\"", bucketed),
        ("\"1/263ms\"", bucketed),
        ("\"5000/s\"", "cost = 5000"),
    ] {
        let text = windows(text, more);
        assert!(Policy::from_toml(&text).is_ok(), "{text}");
    }
    let first = "rule[0].windows[0]";
    let mistake = |w: &str, more: &str, field: &str, message: &str| {
        assert_mistake(&windows(w, more), 5, field, message);
    };
    mistake(
        "\"2049/s\"",
        exact,
        first,
        "above 2048, the largest of an exact window",
    );
    mistake(
        "\"2049/s\"",
        exact,
        first,
        "or write precision = \"bucketed\"",
    );
    mistake("\"2049/ms\"", exact, first, "exact window; lower it");
    mistake(
        "\"1/262ms\"",
        bucketed,
        first,
        "a bucketed window is at least 263ms",
    );
    mistake(
        "\"2049/262ms\"",
        "",
        first,
        "the limit of 2049/262ms is above 2048",
    );
    // One large limit makes the whole rule bucketed, its short windows too.
    let second = "rule[0].windows[1]";
    mistake(
        "\"5000/s\", \"100/100ms\"",
        "",
        second,
        "a bucketed window is at least 263ms",
    );
    mistake(
        "\"5000/s\", \"100/100ms\"",
        "",
        second,
        "the limit of 5000/s is above 2048",
    );
    let cost = windows("\"5000/s\", \"9000/min\"", "cost = 5001");
    assert_mistake(&cost, 6, "rule[0].cost", "above the limit of 5000/s");
}

#[test]
fn a_rule_for_all_merchants_has_one_pool() {
    let text = format!(
        "{}per = \"all\"\n[[rule]]\nname = \"each\"\nmatch = \"*\"\nwindows = [\"2/min\"]\nper = \"merchant\"",
        rule_with("windows = [\"3/min\"]")
    );
    let limiter = Limiter::builder()
        .max_keys(16)
        .build(&Policy::from_toml(&text).unwrap())
        .unwrap();
    assert!(limiter.allow("m_1", "", 2).unwrap());
    assert!(!limiter.allow("m_1", "", 1).unwrap());
    assert!(limiter.allow("m_2", "", 1).unwrap());
    let denied = limiter.check("m_3", "", 1).unwrap();
    assert!(!denied.allowed);
    let rule = limiter.rule_name(denied.rule().unwrap()).unwrap();
    assert_eq!(&*rule, "a");
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
        format!(
            "version = 1\n{}",
            (0..80_000)
                .map(|n| format!("w{n} = 1\n"))
                .collect::<String>()
        ),
        format!("version = 1\n{} = 1", many("w")),
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
