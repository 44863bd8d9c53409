//! The policy file as plain data.
//!
//! Policies given to the reference are taken to be valid: a mistake panics
//! with the reason instead of being reported.

use serde::Deserialize;

/// One policy file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    version: u32,
    pub unmatched: Unmatched,
    #[serde(default)]
    pub exempt: Vec<String>,
    #[serde(default, rename = "rule")]
    pub rules: Vec<Rule>,
}

/// What an endpoint without an endpoint rule gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmatched {
    Allow,
    Deny,
}

/// A named set of windows.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub name: String,
    #[serde(rename = "match")]
    pub pattern: String,
    pub windows: Vec<Window>,
    #[serde(default = "one")]
    pub cost: u64,
}

/// At most `limit` units in any `length_ticks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Window {
    pub limit: i128,
    pub length_ticks: i128,
}

impl Policy {
    pub fn parse(text: &str) -> Policy {
        let policy: Policy = toml::from_str(text).expect("the reference is given valid policies");
        assert_eq!(policy.version, 1, "the policy format has one version");
        policy
    }
}

impl Rule {
    /// Whether the rule governs every request that is not exempt.
    pub fn is_for_all(&self) -> bool {
        self.pattern == "*"
    }

    /// The smallest limit of any window; of equal ones the longest window.
    pub fn tightest(&self) -> Window {
        let order = |w: &&Window| (w.limit, -w.length_ticks);
        *self
            .windows
            .iter()
            .min_by_key(order)
            .expect("a rule has a window")
    }
}

impl TryFrom<String> for Window {
    type Error = String;

    /// Reads `limit/[n]unit`, such as `100/s` or `5/2h`.
    fn try_from(text: String) -> Result<Window, String> {
        read_window(&text).ok_or_else(|| format!("{text:?} is not limit/[n]unit"))
    }
}

fn read_window(text: &str) -> Option<Window> {
    let (limit, length) = text.split_once('/')?;
    let digits = length.bytes().take_while(u8::is_ascii_digit).count();
    let (count, unit) = length.split_at(digits);
    let count: i128 = if count.is_empty() {
        1
    } else {
        count.parse().ok()?
    };
    let unit_ticks = match unit {
        "ms" => 1_000,
        "s" => 1_000_000,
        "min" => 60 * 1_000_000,
        "h" => 3_600 * 1_000_000,
        "day" => 86_400 * 1_000_000,
        _ => return None,
    };
    Some(Window {
        limit: limit.parse().ok()?,
        length_ticks: count * unit_ticks,
    })
}

fn one() -> u64 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_read_in_microseconds() {
        let expected = [
            ("1/ms", 1, 1_000),
            ("100/s", 100, 1_000_000),
            ("400/min", 400, 60_000_000),
            ("5/2h", 5, 7_200_000_000),
            ("7/30day", 7, 2_592_000_000_000),
        ];
        for (text, limit, length_ticks) in expected {
            let window = Window {
                limit,
                length_ticks,
            };
            assert_eq!(read_window(text), Some(window), "{text}");
        }
        for text in ["", "5", "5/", "5/2", "/s", "5/2weeks"] {
            assert_eq!(read_window(text), None, "{text}");
        }
    }

    #[test]
    fn the_tightest_window_is_the_longer_of_equal_limits() {
        let rule: Rule =
            toml::from_str("name='a'\nmatch='*'\nwindows=['9/s','5/2s','5/3s','6/4s']").unwrap();
        assert_eq!(rule.tightest(), read_window("5/3s").unwrap());
    }
}
