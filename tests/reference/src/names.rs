//! What each rule name has been, over every policy so far.

use std::collections::HashMap;

use crate::policy::{Policy, Rule};
use crate::window::{Precision, Window};

/// Every rule name of the limiter's life.
#[derive(Debug, Default)]
pub struct Names(HashMap<String, Named>);

#[derive(Debug)]
struct Named {
    /// The rule as it was when its name first came.
    first: Rule,
    /// The longest window that the name has had.
    horizon: Window,
}

impl Names {
    /// Takes note of a policy that comes into force. A name that changes its
    /// precision, or a bucketed one that has a new length, panics.
    pub fn note(&mut self, policy: &Policy) {
        for rule in &policy.rules {
            let named = self.0.entry(rule.name.clone()).or_insert_with(|| Named {
                first: rule.clone(),
                horizon: rule.longest(),
            });
            assert!(named.admits(rule), "{} cannot be {rule:?}", rule.name);
            if rule.longest().length_ticks > named.horizon.length_ticks {
                named.horizon = rule.longest();
            }
        }
    }

    /// The longest window that the name has had in any policy.
    pub fn horizon(&self, name: &str) -> Window {
        self.0[name].horizon
    }
}

impl Named {
    fn admits(&self, rule: &Rule) -> bool {
        let first = &self.first;
        let lengths_are_old = || {
            let had = |w: &Window| {
                first
                    .windows
                    .iter()
                    .any(|f| f.length_ticks == w.length_ticks)
            };
            rule.windows.iter().all(had)
        };
        rule.precision == first.precision
            && (rule.precision == Precision::Exact || lengths_are_old())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(windows: &str) -> Policy {
        Policy::parse(&format!(
            "version = 1\nunmatched = \"allow\"\n[[rule]]\nname = \"x\"\nmatch = \"*\"\nwindows = [{windows}]\n"
        ))
    }

    fn noted(policies: &[&str]) -> Names {
        let mut names = Names::default();
        for windows in policies {
            names.note(&policy(windows));
        }
        names
    }

    #[test]
    fn the_horizon_only_grows() {
        for policies in [["'5/min'", "'5/s'"], ["'5/s', '5/ms'", "'5/min', '5/h'"]] {
            let ticks = noted(&policies).horizon("x").length_ticks;
            let longest = policies.map(|p| policy(p).rules[0].longest().length_ticks);
            assert_eq!(Some(&ticks), longest.iter().max());
        }
    }

    #[test]
    fn a_bucketed_name_may_leave_lengths_out_and_take_them_back() {
        noted(&["'5000/s', '9000/min'", "'3000/min'", "'4000/min', '9/s'"]);
    }

    #[test]
    #[should_panic(expected = "x cannot be")]
    fn a_bucketed_name_has_no_new_lengths() {
        noted(&["'5000/s'", "'5000/2s'"]);
    }

    #[test]
    #[should_panic(expected = "x cannot be")]
    fn a_name_keeps_its_precision() {
        noted(&["'5/s'", "'5000/s'"]);
    }
}
