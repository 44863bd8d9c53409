//! How every window stands, held against a reference that has one window only.
//!
//! The reference does not answer for each window. But it keeps histories by rule
//! name, so under a policy of one window it answers for that window; and a cost
//! that can never pass shows the window as it stands.

use proptest::prelude::*;
use slidegate_reference::{Decision as Expected, Outcome};

use super::compare::Checked;
use super::pair::{Asked, Pair};
use super::policies::RULES;
use crate::{Decision, WindowStatus};

/// One window of a governing rule.
#[derive(Debug, Clone, Copy)]
struct Which {
    rule: usize,
    window: usize,
}

impl Pair {
    /// Compares the windows of a request that was just decided; `charged` if it
    /// was admitted and charged.
    pub fn agree_on_windows(
        &mut self,
        asked: Asked,
        charged: bool,
        decision: &Decision,
        windows: &[WindowStatus],
    ) -> Checked {
        let outcome = decision.outcome.as_str();
        if outcome == "never" {
            prop_assert_eq!(windows.len(), 1);
            return Ok(());
        }
        let all = self.all_windows(asked.place);
        prop_assert_eq!(windows.len(), all.len(), "windows of {}", outcome);
        for (which, status) in all.iter().zip(windows) {
            self.agree_on_window(asked, charged, *which, status)?;
        }
        let blocks = windows.iter().any(|status| status.blocks);
        prop_assert_eq!(blocks, outcome == "denied");
        if let Some(binding) = decision.binding {
            // Where a loan ends before the retry instant, a window binds that does
            // not block yet.
            let binds = |s: &&WindowStatus| {
                let is_it = s.rule == binding.rule && s.window == binding.window;
                is_it && (self.refunded || s.blocks == blocks)
            };
            prop_assert!(windows.iter().any(|s| binds(&s)), "the binding window");
            let latest = windows.iter().map(|s| s.retry_after_ns).max();
            prop_assert!(self.refunded || latest == Some(binding.retry_after_ns));
        }
        self.back_to_the_policy();
        Ok(())
    }

    fn all_windows(&self, place: usize) -> Vec<Which> {
        let rules = self.spec().governing(place).into_iter();
        let windows = |rule: usize| {
            let count = self.spec().rules[rule]
                .as_ref()
                .map_or(0, |r| r.windows.len());
            (0..count).map(move |window| Which { rule, window })
        };
        rules.flat_map(windows).collect()
    }

    fn agree_on_window(
        &mut self,
        asked: Asked,
        charged: bool,
        which: Which,
        status: &WindowStatus,
    ) -> Checked {
        let Some(rule) = self.spec().rules[which.rule].clone() else {
            return Ok(());
        };
        let spec = rule.windows[which.window];
        let name = self.engine.rule_name(status.rule);
        prop_assert_eq!(name.as_deref(), Some(RULES[which.rule].0));
        prop_assert_eq!(status.window.limit, spec.limit);
        prop_assert_eq!(status.window.ticks(), spec.ticks());

        let toml = self.spec().window_toml(which.rule, which.window);
        self.reference.swap(&toml);
        self.aside += 1;
        let asks = self.peek_alone(asked, asked.cost * rule.cost);
        let stands = self.peek_alone(asked, spec.limit + 1);
        let blocks = !charged && asks.outcome == Outcome::Denied;
        let shown = if blocks { &asks } else { &stands };
        let retry_after_ns = asks.retry_after_ns.filter(|_| blocks).unwrap_or(0);

        prop_assert_eq!(status.blocks, blocks, "{:?}", status);
        prop_assert_eq!(status.retry_after_ns, retry_after_ns);
        prop_assert_eq!(blocks, retry_after_ns > 0);
        prop_assert_eq!(Some(status.reset_at_ns), shown.reset_at_ns);
        prop_assert_eq!(Some(u64::from(status.remaining)), stands.remaining);
        let used = spec.limit.saturating_sub(status.remaining);
        prop_assert!(status.live >= used, "{:?}", status);
        prop_assert!(status.remaining == 0 || status.live == used, "{:?}", status);
        Ok(())
    }

    fn peek_alone(&self, asked: Asked, cost: u32) -> Expected {
        let now_ns = self.clock.now_ns();
        let answer = self.reference.peek(now_ns, &asked.name(), "", cost.into());
        answer.expect("a rule for all governs")
    }

    /// Gives the reference the policy in force again.
    fn back_to_the_policy(&mut self) {
        let toml = self.spec().toml();
        self.reference.swap(&toml);
        self.aside += 1;
    }
}
