//! What each rule name has been, over every policy so far.

use std::collections::HashMap;

use crate::policy::{Policy, Rule};
use crate::window::{Precision, Window};

/// The horizons of a name that are kept apart: the first and fifteen longer.
const HORIZON_COUNT_MAX: usize = 16;

/// Every rule name of the limiter's life.
#[derive(Debug, Default)]
pub struct Names(HashMap<String, Named>);

#[derive(Debug)]
struct Named {
    /// The rule as it was when its name first came.
    first: Rule,
    /// Each window that was longer than all before it, the first one included.
    horizons: Vec<Window>,
}

impl Names {
    /// Takes note of a policy that comes into force. A name that changes its
    /// precision, or a bucketed one that has a new length, panics.
    pub fn note(&mut self, policy: &Policy) {
        for rule in &policy.rules {
            let named = self.0.entry(rule.name.clone()).or_insert_with(|| Named {
                first: rule.clone(),
                horizons: vec![rule.longest()],
            });
            assert!(named.admits(rule), "{} cannot be {rule:?}", rule.name);
            let is_longer = |h: &Window| rule.longest().length_ticks > h.length_ticks;
            if named.horizons.iter().all(is_longer) {
                named.horizons.push(rule.longest());
            }
        }
    }

    /// How long a unit that is admitted now is remembered for certain: the
    /// longest window that the name has had in any policy, or the sixteenth of
    /// those that were each longer than all before.
    pub fn horizon(&self, name: &str) -> Window {
        let mut kept_apart = self.0[name].horizons.iter().take(HORIZON_COUNT_MAX);
        *kept_apart.next_back().expect("a name comes with a window")
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

    /// Each length comes twice, with a shorter one between.
    #[test]
    fn the_sixteenth_horizon_is_the_last_that_counts() {
        let mut names = Names::default();
        for nth in 1..=20 {
            for windows in [nth, 1, nth].map(|length| format!("'5/{length}s'")) {
                names.note(&policy(&windows));
            }
            let expected = nth.min(16) * 1_000_000;
            assert_eq!(names.horizon("x").length_ticks, expected, "{nth}");
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
