//! When a denied request would pass, where refunds have lent capacity.

use super::Request;
use super::claim::{Answered, Answers, Claim};
use crate::decision::Decision;
use crate::law::Standing;
use crate::policy::MAX_WINDOWS;
use crate::table::Failure;
use crate::time::{Now, Reading};

impl<'a> Request<'a> {
    /// The decision on a denied request where refunds have lent capacity. A loan
    /// may end before the instant at which the rules that deny admit again, and
    /// then a rule that admits now denies there; so all of them are asked again
    /// at that instant, until one is found at which none denies.
    ///
    /// A key that has no room denies nothing, then as now.
    pub(super) fn look_ahead(&self, peeks: &[Answered<'a>]) -> Result<Decision, Failure> {
        // Who finds room then says nothing of now.
        let untracked = self.untracked.clone();
        let later = self.latest_denial(peeks);
        self.untracked.set(&untracked);
        match later? {
            Some(later) => self.as_it_stands(later, peeks),
            None => Ok(self.decision(peeks)),
        }
    }

    /// The denial that ends last, asked again and again at the instant at which the
    /// one before ends.
    fn latest_denial(&self, peeks: &[Answered<'a>]) -> Result<Option<Answered<'a>>, Failure> {
        let until = |a: &Answered<'a>| a.answer.standing.map(|s| s.resets_at);
        let denials = peeks.iter().filter(|a| !a.answer.admitted);
        let mut instant = denials.filter_map(until).max();
        let mut later: Option<Answered<'a>> = None;
        // Each turn passes the end of a loan in a window, or all units of one.
        for _ in 0..peeks.len() * 2 * MAX_WINDOWS {
            let Some(at) = instant else { break };
            let now = Now::Fixed(Reading::of_tick(at));
            let mut denials = Answers::new();
            let mut newcomers = Default::default();
            for peek in peeks {
                match self.peek_at(peek.claim, &mut newcomers, now) {
                    Ok(answered) if !answered.answer.admitted => denials.push(answered),
                    Ok(_) | Err(Failure::Full) => {}
                    Err(failure) => return Err(failure),
                }
            }
            instant = denials.iter().filter_map(until).max();
            let length = |a: &Answered<'a>| a.length();
            let last = denials.iter().filter(|a| until(a) == instant);
            // Of equal ones the longest; of those the first, as everywhere.
            later = last.rev().max_by_key(|a| length(a)).copied().or(later);
        }
        Ok(later)
    }

    /// The decision of a denial at a later instant, with what its window holds now.
    fn as_it_stands(
        &self,
        later: Answered<'a>,
        peeks: &[Answered<'a>],
    ) -> Result<Decision, Failure> {
        let mut answered = later;
        if let (Some(standing), Some(first)) = (later.answer.standing, peeks.first()) {
            let windows = std::slice::from_ref(&later.claim.windows[standing.window]);
            let alone = Claim {
                windows,
                ..later.claim
            };
            // A survey finds an answer for a key without room, too.
            let present = self.survey(alone)?.answer.standing;
            answered.answer.now = first.answer.now;
            answered.answer.standing = present.map(|present| Standing {
                window: standing.window,
                resets_at: standing.resets_at,
                ..present
            });
        }
        Ok(self.decision(&[answered]))
    }
}
