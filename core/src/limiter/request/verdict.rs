//! What answers amount to, as far as the caller wants to know.

use super::Request;
use super::at_once::PlainCharge;
use super::claim::{Answered, Claim};
use crate::decision::{Binding, Decision, Outcome};
use crate::limiter::active::ActiveRule;
use crate::log::Ask;
use crate::ring::Bound;
use crate::table::{Described, Failure};
use crate::time::Reading;
use crate::window::Window;

/// What a caller is told.
pub(in crate::limiter) trait Verdict: Sized {
    /// Whether the keys are to describe the window that binds.
    const DETAIL: bool;

    /// On a request that no window decided.
    fn without_window(outcome: Outcome, allowed: bool, version: u64) -> Self;

    /// On a claim whose cost exceeds a limit.
    fn never<'a>(request: &Request<'a>, claim: Claim<'a>) -> Result<Self, Failure>;

    /// Charges one rule by the straight way; `None` if nothing was charged or counted and
    /// the long way has to be gone.
    fn at_once<'a>(request: &Request<'a>, charge: PlainCharge<'a>) -> Option<Self>;

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

    fn at_once<'a>(request: &Request<'a>, charge: PlainCharge<'a>) -> Option<Self> {
        let slot = request.slot()?;
        request
            .limiter
            .charge_at_once(charge, slot, request.now)
            .ok()
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

    fn at_once<'a>(request: &Request<'a>, charge: PlainCharge<'a>) -> Option<Self> {
        let slot = request.slot()?;
        let exact = &request.limiter.tables.exact;
        let active = charge.active;
        let terms = active.terms(charge.cost);
        let described = exact.charge_described(charge.key, slot, &terms, request.now)?;
        let Described {
            admitted,
            now,
            bound,
        } = described;
        active.usage.count_answer(admitted, charge.cost);
        let mut decision = request.verdict(admitted);
        decision.binding = Some(request.bound(active, terms.windows, bound, admitted, now));
        Some(decision)
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
    /// The slot in which the request's only key was found before, if it is prepared; the
    /// outer `None` if that is not known yet.
    #[inline]
    fn slot(&self) -> Option<Option<usize>> {
        match self.call.extras.hints {
            None => Some(None),
            Some(hints) => hints[0].slot().map(Some),
        }
    }

    /// The decision that one or several answers amount to; it describes the
    /// window that binds among them.
    pub(super) fn decision(&self, answers: &[Answered<'a>]) -> Decision {
        let allowed = answers.iter().all(|a| a.answer.admitted);
        let mut decision = self.verdict(allowed);
        decision.binding = self.binding(answers, allowed);
        decision
    }

    /// A decision that describes no window yet.
    fn verdict(&self, allowed: bool) -> Decision {
        let outcome = match allowed {
            true => Outcome::Allowed,
            false => Outcome::Denied,
        };
        Decision::without_window(outcome, allowed, self.active.version)
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
        let bound = Bound {
            window: standing.window,
            remaining: standing.remaining,
            resets_at: standing.resets_at,
        };
        Some(self.bound(claim.active, claim.windows, bound, allowed, answer.now))
    }

    /// The description of a window, by a clock that was read as `now`.
    #[inline]
    fn bound(
        &self,
        active: &ActiveRule,
        windows: &[Window],
        bound: Bound,
        allowed: bool,
        now: Reading,
    ) -> Binding {
        let retry_after_ns = match allowed {
            true => 0,
            false => now.until_ns(bound.resets_at),
        };
        let clock = &self.limiter.clock;
        Binding {
            rule: active.id,
            precision: active.rule.precision,
            window: windows[bound.window],
            remaining: bound.remaining,
            retry_after_ns,
            reset_at_ns: clock.unix_ns_of(bound.resets_at, self.present(now)),
        }
    }
}
