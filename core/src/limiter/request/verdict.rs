//! The decision that answers amount to.

use super::Request;
use super::claim::{Answered, Claim, Failure};
use crate::decision::{Binding, Decision, Outcome};
use crate::log::Ask;
use crate::window::Window;

impl<'a> Request<'a> {
    /// The cost exceeds a limit: reports the window with the smallest one as it
    /// stands.
    pub(super) fn never(&self, claim: Claim<'a>) -> Result<Decision, Failure> {
        let smallest = |w: &&Window| (w.limit, std::cmp::Reverse(w.ticks()));
        let window = claim.windows.iter().min_by_key(smallest);
        let claim = Claim {
            windows: window.map_or(&[], std::slice::from_ref),
            ..claim
        };
        let answered = self.ask(claim, Ask::Survey)?;
        let mut decision = self.decision(&[answered]);
        decision.outcome = Outcome::Never;
        decision.allowed = false;
        Ok(decision)
    }

    /// The decision that one or several answers amount to; it describes the
    /// window that binds among them.
    pub(super) fn decision(&self, answers: &[Answered<'a>]) -> Decision {
        let allowed = answers.iter().all(|a| a.answer.admitted);
        let outcome = match allowed {
            true => Outcome::Allowed,
            false => Outcome::Denied,
        };
        let mut decision = Decision::without_window(outcome, allowed, self.active.version);
        decision.binding = self.binding(answers, allowed);
        decision
    }

    fn binding(&self, answers: &[Answered<'a>], allowed: bool) -> Option<Binding> {
        let mut bound: Option<(&Answered<'a>, (u64, u64))> = None;
        for answered in answers.iter().filter(|a| a.answer.admitted == allowed) {
            let standing = answered.answer.standing?;
            let length = answered.claim.windows[standing.window].ticks();
            // Larger binds: the later retry, or the fewer left; then the longer.
            let rank = match allowed {
                true => (u64::MAX - u64::from(standing.remaining), length),
                false => (standing.resets_at, length),
            };
            if bound.is_none_or(|(_, best)| rank > best) {
                bound = Some((answered, rank));
            }
        }
        let (Answered { claim, answer, .. }, _) = bound?;
        let standing = answer.standing?;
        let retry_after_ns = match allowed {
            true => 0,
            false => answer.now.until_ns(standing.resets_at),
        };
        Some(Binding {
            rule: claim.active.id,
            precision: claim.rule.precision,
            window: claim.windows[standing.window],
            remaining: standing.remaining,
            retry_after_ns,
            reset_at_ns: self
                .limiter
                .clock
                .unix_ns_of(standing.resets_at, self.present(answer)),
        })
    }
}
