//! What a mistake shows of the text: the value that was found, and the field
//! that was probably meant.

use toml::de::DeValue;

use crate::window::quoted;

/// Names longer than this resemble no field. It bounds the comparison, whose
/// time grows with the length.
const MAX_COMPARED_BYTES: usize = 32;

/// Digits of a number that are shown.
const MAX_SHOWN_DIGITS: usize = 30;

/// What a value is, for a message that says what should stand there instead.
pub(super) fn found(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("the text {}", quoted(text)),
        DeValue::Integer(number) => shown_number(&number.to_string()),
        DeValue::Float(number) => shown_number(number.as_str()),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(_) => "a date or time".to_owned(),
        DeValue::Array(list) if list.is_empty() => "an empty list".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

fn shown_number(number: &str) -> String {
    match number.get(..MAX_SHOWN_DIGITS) {
        Some(begin) if begin.len() < number.len() => format!("the number {begin}…"),
        _ => format!("the number {number}"),
    }
}

/// A key as it is shown: bare where TOML lets it be, else in quotes.
pub(super) fn shown_key(key: &str) -> String {
    let is_bare = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    match key.bytes().all(is_bare) && (1..=MAX_COMPARED_BYTES).contains(&key.len()) {
        true => key.to_owned(),
        false => quoted(key),
    }
}

/// The known name that `name` was probably meant to be.
///
/// At most a third of the longer one may differ, in letters left out, put in,
/// replaced or swapped: `rules` is taken for `rule`, and `colour` for nothing.
pub(super) fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    if name.len() > MAX_COMPARED_BYTES {
        return None;
    }
    let name = name.to_lowercase();
    let distances = known.iter().map(|k| (strsim::osa_distance(&name, k), *k));
    distances
        .filter(|(distance, known)| 3 * distance <= known.len().max(name.len()))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_found_and_a_far_one_is_not() {
        let known = ["name", "match", "windows", "cost", "per", "precision"];
        for (name, meant) in [
            ("window", Some("windows")),
            ("Windows", Some("windows")),
            ("pre", Some("per")),
            ("costs", Some("cost")),
            ("precison", Some("precision")),
            ("mtach", Some("match")),
            ("limit", None),
            ("rate", None),
            ("colour", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, &known), meant, "{name}");
        }
        assert_eq!(nearest(&"windows".repeat(1_000_000), &known), None);
    }

    #[test]
    fn what_is_shown_of_a_text_is_short_and_on_one_line() {
        let long = "9".repeat(1_000);
        assert!(shown_number(&long).len() < 60);
        assert_eq!(shown_number("1.5"), "the number 1.5");
        assert_eq!(shown_key("rules"), "rules");
        assert_eq!(shown_key("a\nb"), "\"a\\nb\"");
        assert_eq!(shown_key(""), "\"\"");
        assert!(shown_key(&long).len() < 100);
    }
}
