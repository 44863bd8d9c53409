//! Policies: what is limited, and how much.
//!
//! A policy is TOML, validated as a whole: [`Policy::from_toml`] reports every
//! mistake at once. The spelling of the file is described in `docs/policy.md`.

mod hint;
mod mistake;
mod parse;
mod route;
mod rule;
mod spelling;

pub use mistake::{Mistake, PolicyError};
pub use route::MAX_ENDPOINT_BYTES;
pub(crate) use route::{Matched, RouteTable, check_method, check_path, split_endpoint};

use std::path::Path;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::window::{Precision, Window};

/// The largest policy text, in bytes.
pub const MAX_POLICY_BYTES: usize = 8 << 20;
/// The most rules of a policy.
pub const MAX_RULES: usize = 4_096;
/// The most `*` rules of a policy: each of them is charged by every request.
pub const MAX_STAR_RULES: usize = 16;
/// The most windows of a rule.
pub const MAX_WINDOWS: usize = 8;
/// The longest name of a rule, in bytes.
pub const MAX_RULE_NAME_BYTES: usize = 64;

/// The windows of one rule; every unit is counted in all of them.
pub(crate) type Windows = SmallVec<[Window; 2]>;

/// A validated policy: immutable, cheap to clone, sharable between threads and
/// limiters.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(crate) inner: Arc<PolicyInner>,
}

#[derive(Debug)]
pub(crate) struct PolicyInner {
    /// What an endpoint without a rule gets.
    pub admit_unmatched: bool,
    pub rules: Vec<Rule>,
    /// Indices of the `*` rules.
    pub star_rules: SmallVec<[u32; 4]>,
    pub routes: RouteTable,
}

#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub name: Arc<str>,
    pub windows: Windows,
    /// Multiplies the cost of the call.
    pub cost: u32,
    pub per: Per,
    pub precision: Precision,
}

/// Who shares one history of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Per {
    /// Each merchant has its own.
    Merchant,
    /// All merchants share one.
    All,
}

impl Rule {
    /// The most units that this rule admits at once.
    pub fn min_limit(&self) -> u32 {
        self.windows.iter().map(|w| w.limit).min().unwrap_or(0)
    }

    /// The longest window, in ticks.
    pub fn longest_window(&self) -> u64 {
        self.windows.iter().map(Window::ticks).max().unwrap_or(0)
    }
}

impl Policy {
    /// Reads a policy from TOML text.
    ///
    /// # Errors
    /// [`PolicyError::Invalid`] with every mistake, each with line and field.
    pub fn from_toml(text: &str) -> Result<Self, PolicyError> {
        let inner = parse::parse(text).map_err(PolicyError::Invalid)?;
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Reads a policy from a TOML file.
    ///
    /// # Errors
    /// [`PolicyError::Read`] where the file cannot be read as UTF-8 text; else as
    /// [`from_toml`](Self::from_toml), which also refuses what is larger than
    /// [`MAX_POLICY_BYTES`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, PolicyError> {
        use std::io::{ErrorKind, Read};
        let path = path.as_ref();
        let read = || -> std::io::Result<String> {
            let mut bytes = Vec::new();
            std::fs::File::open(path)?
                .take(MAX_POLICY_BYTES as u64 + 1)
                .read_to_end(&mut bytes)?;
            let too_large = bytes.len() > MAX_POLICY_BYTES;
            String::from_utf8(bytes).map_err(|error| match too_large {
                true => ErrorKind::FileTooLarge.into(),
                false => {
                    let why = format!("it is not UTF-8 text: {error}");
                    std::io::Error::new(ErrorKind::InvalidData, why)
                }
            })
        };
        let text = read().map_err(|source| PolicyError::Read {
            path: path.display().to_string(),
            source,
        })?;
        Self::from_toml(&text)
    }

    /// The names of the rules, in the order of the file.
    pub fn rule_names(&self) -> impl Iterator<Item = &str> {
        self.inner.rules.iter().map(|rule| &*rule.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(body: &str) -> PolicyInner {
        let text =
            format!("version = 1\n[[rule]]\nname = \"a\"\nmatch = \"GET /a\"\nwindows = {body}");
        parse::parse(&text).unwrap()
    }

    #[test]
    fn what_a_rule_does_not_say_follows_from_its_windows() {
        use Precision::{Bucketed, Exact};
        for (body, precision, per) in [
            ("[\"2048/s\"]", Exact, Per::Merchant),
            (
                "[\"1/ms\", \"2048/s\"]\nprecision = \"exact\"",
                Exact,
                Per::Merchant,
            ),
            ("[\"2049/s\"]", Bucketed, Per::Merchant),
            ("[\"1/s\", \"2049/min\"]\nper = \"all\"", Bucketed, Per::All),
            (
                "[\"1/s\"]\nprecision = \"bucketed\"",
                Bucketed,
                Per::Merchant,
            ),
            ("[\"1/s\"]\nper = \"merchant\"", Exact, Per::Merchant),
            ("[\"1/s\"]\nper = \"all\"", Exact, Per::All),
        ] {
            let rule = &rule(body).rules[0];
            assert_eq!((rule.precision, rule.per), (precision, per), "{body}");
        }
    }
}
