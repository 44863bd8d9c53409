//! How every window stands, held against a reference that has one window only.
//!
//! The reference does not answer for each window. But it keeps histories by rule
//! name, so under a policy of one window it answers for that window; and a cost
//! that can never pass shows the window as it stands.

use slidegate::{Decision, Outcome, WindowStatus};
use slidegate_reference::{Decision as Expected, Outcome as Naive};

use super::judging::PROBES;
use super::ledger::KeyId;
use super::policies::{PARSED, Rule};
use super::request::Asked;
use super::world::World;

impl World {
    /// Compares the windows of a request that was just decided; `charged` if it
    /// was admitted and charged.
    pub fn compare_windows(
        &mut self,
        asked: Asked,
        charged: bool,
        decision: &Decision,
        windows: &[WindowStatus],
    ) {
        if decision.outcome == Outcome::Never {
            assert_eq!(windows.len(), 1);
            return;
        }
        let mut left = windows;
        for rule in self.governing(asked) {
            let of_rule = left.iter().take(rule.windows.len());
            let name = left.first().and_then(|s| self.engine.rule_name(s.rule));
            if name.as_deref() != Some(rule.name) {
                self.assert_without_room(asked, rule, decision);
                continue;
            }
            for (window, status) in of_rule.enumerate() {
                self.compare_window(asked, charged, (rule, window), status);
            }
            left = left.get(rule.windows.len()..).expect("all of the rule's");
        }
        assert!(left.is_empty(), "{left:?} of {decision:?}");
        self.reference.swap(&PARSED[self.policy].0);
        self.aside += 1;
        self.reach.windows += windows.len();
        self.assert_binding(decision, windows);
    }

    /// A rule is left out only where another denies and its own key has no room.
    fn assert_without_room(&self, asked: Asked, rule: &'static Rule, decision: &Decision) {
        let key = KeyId::new(rule, asked.merchant);
        let full = self.ledger.may_be_full(&[key], PROBES, self.clock.tick());
        let left_out = full && decision.outcome == Outcome::Denied;
        assert!(left_out, "no windows of {} in {decision:?}", rule.name);
    }

    /// The decision describes one of the windows, and the one that holds longest.
    fn assert_binding(&self, decision: &Decision, windows: &[WindowStatus]) {
        let blocks = windows.iter().any(|status| status.blocks);
        assert_eq!(blocks, decision.outcome == Outcome::Denied);
        let Some(binding) = decision.binding else {
            return;
        };
        let latest = windows.iter().map(|s| s.retry_after_ns).max();
        // A loan that ends may hold a request back longer than what blocks it now.
        if !self.lent {
            assert_eq!(latest, Some(binding.retry_after_ns));
            let binds = |s: &WindowStatus| {
                s.rule == binding.rule && s.window == binding.window && s.blocks == blocks
            };
            assert!(windows.iter().any(binds), "{binding:?} of {windows:?}");
        }
    }

    fn compare_window(
        &mut self,
        asked: Asked,
        charged: bool,
        (rule, window): (&'static Rule, usize),
        status: &WindowStatus,
    ) {
        let (limit, ms) = rule.windows[window];
        let name = self.engine.rule_name(status.rule);
        assert_eq!(name.as_deref(), Some(rule.name));
        assert_eq!(status.window.limit, limit);
        assert_eq!(status.window.length().as_millis(), ms.into());

        self.reference.swap(&rule.window_toml(window));
        self.aside += 1;
        let units = u64::from(asked.cost) * u64::from(rule.cost);
        let asks = self.peek_alone(asked, units);
        let stands = self.peek_alone(asked, u64::from(limit) + 1);
        let blocks = !charged && asks.outcome == Naive::Denied;
        let shown = if blocks { &asks } else { &stands };
        let retry_after_ns = asks.retry_after_ns.filter(|_| blocks).unwrap_or(0);

        assert_eq!(status.blocks, blocks, "{status:?}");
        assert_eq!(status.retry_after_ns, retry_after_ns);
        assert_eq!(Some(status.reset_at_ns), shown.reset_at_ns);
        assert_eq!(Some(u64::from(status.remaining)), stands.remaining);
        let used = limit.saturating_sub(status.remaining);
        assert!(status.live >= used, "{status:?}");
        assert!(status.remaining == 0 || status.live == used, "{status:?}");
    }

    fn peek_alone(&self, asked: Asked, cost: u64) -> Expected {
        let now_ns = self.clock.now_ns();
        let answer = self.reference.peek(now_ns, &asked.name(), "", cost);
        answer.expect("a rule for all governs")
    }
}
