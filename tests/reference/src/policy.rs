//! The policy file as plain data.
//!
//! Policies given to the reference are taken to be valid: a mistake panics
//! with the reason instead of being reported.

use serde::Deserialize;

use crate::window::{EXACT_LIMIT_MAX, Precision, Window};

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

/// Who shares a rule's units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// Each merchant has its own.
    #[default]
    Merchant,
    /// All merchants share one log.
    All,
}

/// A named set of windows, all of one precision.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RuleText")]
pub struct Rule {
    pub name: String,
    pub pattern: String,
    pub per: Per,
    pub precision: Precision,
    pub windows: Vec<Window>,
    pub cost: u64,
}

/// A rule as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    name: String,
    #[serde(rename = "match")]
    pattern: String,
    #[serde(default)]
    per: Per,
    precision: Option<Precision>,
    windows: Vec<String>,
    #[serde(default = "one")]
    cost: u64,
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
        self.first_by(|w| (w.limit, -w.length_ticks))
    }

    pub fn longest(&self) -> Window {
        self.first_by(|w| (-w.length_ticks, 0))
    }

    fn first_by(&self, order: impl Fn(&Window) -> (i128, i128)) -> Window {
        let first = self.windows.iter().min_by_key(|w| order(w));
        *first.expect("a rule has a window")
    }
}

impl TryFrom<RuleText> for Rule {
    type Error = String;

    /// One limit that is too large to be kept unit by unit makes the whole rule
    /// bucketed.
    fn try_from(text: RuleText) -> Result<Rule, String> {
        let read = |w: &String| Window::read(w).ok_or(format!("{w:?} is not limit/[n]unit"));
        let sizes: Vec<(i128, i128)> = text.windows.iter().map(read).collect::<Result<_, _>>()?;
        let is_large = sizes.iter().any(|(limit, _)| *limit > EXACT_LIMIT_MAX);
        let precision = match (text.precision, is_large) {
            (Some(precision), _) => precision,
            (None, true) => Precision::Bucketed,
            (None, false) => Precision::Exact,
        };
        let windows = sizes.into_iter().map(|(limit, length_ticks)| Window {
            limit,
            length_ticks,
            precision,
        });
        let windows: Vec<Window> = windows.collect();
        match windows.iter().find(|w| !w.is_valid()) {
            Some(window) => Err(format!("{window:?} is out of bounds")),
            None => Ok(Rule {
                name: text.name,
                pattern: text.pattern,
                per: text.per,
                precision,
                windows,
                cost: text.cost,
            }),
        }
    }
}

fn one() -> u64 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(rest: &str) -> Result<Rule, toml::de::Error> {
        toml::from_str(&format!("name='a'\nmatch='*'\n{rest}"))
    }

    #[test]
    fn the_tightest_window_is_the_longer_of_equal_limits() {
        let rule = rule("windows=['9/s','5/2s','5/3s','6/4s']").unwrap();
        assert_eq!(rule.tightest(), rule.windows[2]);
        assert_eq!(rule.longest(), rule.windows[3]);
    }

    #[test]
    fn a_merchant_has_its_own_units_unless_the_rule_says_otherwise() {
        assert_eq!(rule("windows=['9/s']").unwrap().per, Per::Merchant);
        let written = [("merchant", Per::Merchant), ("all", Per::All)];
        for (text, per) in written {
            let rule = rule(&format!("per='{text}'\nwindows=['9/s']"));
            assert_eq!(rule.unwrap().per, per);
        }
        assert!(rule("per='some'\nwindows=['9/s']").is_err());
    }

    #[test]
    fn a_rule_is_bucketed_whole() {
        use Precision::{Bucketed, Exact};
        let expected = [
            ("windows=['2048/s']", Exact),
            ("windows=['2048/s','2049/min']", Bucketed),
            ("windows=['5/s']\nprecision='bucketed'", Bucketed),
            ("windows=['5/s']\nprecision='exact'", Exact),
        ];
        for (text, precision) in expected {
            let rule = rule(text).unwrap();
            assert_eq!(rule.precision, precision, "{text}");
            assert!(rule.windows.iter().all(|w| w.precision == precision));
        }
    }

    #[test]
    fn windows_out_of_bounds_are_no_policy() {
        for text in [
            "windows=['2049/s']\nprecision='exact'",
            "windows=['2049/s','5/262ms']",
            "windows=['16777217/s']",
            "windows=['5/fortnight']",
        ] {
            assert!(rule(text).is_err(), "{text}");
        }
    }
}
