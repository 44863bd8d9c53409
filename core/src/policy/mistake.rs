//! What is wrong with a policy text: every mistake at once, each with its place.

use std::fmt;

/// How many mistakes an error lists before it only counts them.
const MAX_LISTED: usize = 100;

/// The most mistakes that are collected from one text.
pub(super) const MAX_MISTAKES: usize = 1_000;

/// One mistake in a policy text.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mistake {
    /// Line in the text, from 1.
    pub line: usize,
    /// Column in the line, in characters, from 1.
    pub column: usize,
    /// The field, such as `rule[0].windows[1]`; empty for a mistake of syntax.
    pub field: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: ", self.line, self.column)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

/// Why a policy was refused.
#[derive(Debug)]
#[non_exhaustive]
pub enum PolicyError {
    /// The file could not be read.
    Read {
        /// The path as given.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text has these mistakes, in the order of their places; never empty,
    /// and 1,000 at the most.
    Invalid(Vec<Mistake>),
}

impl PolicyError {
    /// The mistakes in the text; empty when it could not be read at all.
    pub fn mistakes(&self) -> &[Mistake] {
        match self {
            Self::Read { .. } => &[],
            Self::Invalid(mistakes) => mistakes,
        }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mistakes = match self {
            Self::Read { path, source } => return write!(f, "cannot read {path}: {source}"),
            Self::Invalid(mistakes) => mistakes,
        };
        let plural = if mistakes.len() == 1 { "" } else { "s" };
        write!(f, "{} mistake{plural} in the policy", mistakes.len())?;
        for mistake in mistakes.iter().take(MAX_LISTED) {
            write!(f, "\n  {mistake}")?;
        }
        if mistakes.len() > MAX_LISTED {
            let more = mistakes.len() - MAX_LISTED;
            let at_least = if mistakes.len() == MAX_MISTAKES {
                "at least "
            } else {
                ""
            };
            write!(f, "\n  … and {at_least}{more} more")?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { source, .. } => Some(source),
            Self::Invalid(_) => None,
        }
    }
}
