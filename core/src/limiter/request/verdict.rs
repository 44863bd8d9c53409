//! What answers amount to, as far as the caller wants to know.

use super::Request;
use super::claim::{Answered, Claim, Failure};
use crate::decision::{Binding, Decision, Outcome};
use crate::log::Ask;
use crate::window::Window;

/// What a caller is told.
pub(in crate::limiter) trait Verdict: Sized {
    /// Whether the keys are to describe the window that binds.
    const DETAIL: bool;

    /// On a request that no window decided.
    fn without_window(outcome: Outcome, allowed: bool, version: u64) -> Self;

    /// On a claim whose cost exceeds a limit.
    fn never<'a>(request: &Request<'a>, claim: Claim<'a>) -> Result<Self, Failure>;

    /// What answers amount to. They are peeks or charges, at least one of them.
    fn of<'a>(request: &Request<'a>, answers: &[Answered<'a>]) -> Result<Self, Failure>;

    /// The same, where some key found no room.
    fn untracked(self) -> Self;
}

/// Only whether the request may proceed.
impl Verdict for bool {
    const DETAIL: bool = false;

    #[inline]
    fn without_window(_outcome: Outcome, allowed: bool, _version: u64) -> Self {
        allowed
    }

    fn never<'a>(_request: &Request<'a>, _claim: Claim<'a>) -> Result<Self, Failure> {
        Ok(false)
    }

    #[inline]
    fn of<'a>(_request: &Request<'a>, answers: &[Answered<'a>]) -> Result<Self, Failure> {
        Ok(answers.iter().all(|a| a.answer.admitted))
    }

    fn untracked(self) -> Self {
        self
    }
}

impl Verdict for Decision {
    const DETAIL: bool = true;

    fn without_window(outcome: Outcome, allowed: bool, version: u64) -> Self {
        Decision::without_window(outcome, allowed, version)
    }

    /// Reports the window with the smallest limit as it stands.
    #[cold]
    fn never<'a>(request: &Request<'a>, claim: Claim<'a>) -> Result<Self, Failure> {
        let smallest = |w: &&Window| (w.limit, std::cmp::Reverse(w.ticks()));
        let window = claim.windows.iter().min_by_key(smallest);
        let claim = Claim {
            windows: window.map_or(&[], std::slice::from_ref),
            ..claim
        };
        let answered = request.ask::<Self>(claim, Ask::Survey)?;
        let mut decision = request.decision(&[answered]);
        decision.outcome = Outcome::Never;
        decision.allowed = false;
        Ok(decision)
    }

    fn of<'a>(request: &Request<'a>, answers: &[Answered<'a>]) -> Result<Self, Failure> {
        let denied = answers.iter().any(|a| !a.answer.admitted);
        match denied && answers.len() > 1 && answers.iter().any(|a| a.answer.lent) {
            true => request.look_ahead(answers),
            false => Ok(request.decision(answers)),
        }
    }

    fn untracked(self) -> Self {
        Self {
            untracked: true,
            ..self
        }
    }
}

impl<'a> Request<'a> {
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
            precision: claim.active.rule.precision,
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
