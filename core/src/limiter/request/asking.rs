//! Asking the keys, and noting what became of it.

use std::cell::RefCell;

use super::claim::{Answered, Claim};
use super::{Request, Verdict};
use crate::decision::WindowStatus;
use crate::law::Standing;
use crate::limiter::OnFull;
use crate::log::{Answer, Ask, Query, Standings};
use crate::table::{Failure, Newcomers, Reply};
use crate::time::{Now, Reading};

impl<'a> Request<'a> {
    #[inline(always)]
    pub(super) fn ask<V: Verdict>(
        &self,
        claim: Claim<'a>,
        ask: Ask,
    ) -> Result<Answered<'a>, Failure> {
        self.ask_for(claim, |standings, claim| {
            let query = claim.query(ask, self.needs_detail::<V>(), standings);
            let now = self.now;
            match self.reply(claim, &query, now) {
                Reply::Full => self.without_room(claim, &query, now),
                reply => reply,
            }
        })
    }

    /// Peeks at a key, and sees whether it will have room once the `newcomers`
    /// before it, in the exact table and in the bucketed one, have theirs.
    pub(super) fn peek<V: Verdict>(
        &self,
        claim: Claim<'a>,
        newcomers: &mut [Newcomers; 2],
        now: Now<'_>,
    ) -> Result<Answered<'a>, Failure> {
        self.ask_for(claim, |standings, claim| {
            let query = claim.query(Ask::Peek, self.needs_detail::<V>(), standings);
            self.peek_reply(claim, &query, newcomers, now)
        })
    }

    fn needs_detail<V: Verdict>(&self) -> bool {
        V::DETAIL || self.limiter.counts_keys
    }

    /// As [`peek`](Self::peek), at an instant of its own; notes no windows.
    pub(super) fn peek_at(
        &self,
        claim: Claim<'a>,
        newcomers: &mut [Newcomers; 2],
        now: Now<'_>,
    ) -> Result<Answered<'a>, Failure> {
        let query = claim.query(Ask::Peek, true, None);
        let reply = self.peek_reply(&claim, &query, newcomers, now);
        answered(claim, reply)
    }

    /// How a key stands now; notes no windows.
    pub(super) fn survey(&self, claim: Claim<'a>) -> Result<Answered<'a>, Failure> {
        let query = claim.query(Ask::Survey, true, None);
        let reply = self.reply(&claim, &query, self.now);
        answered(claim, reply)
    }

    fn peek_reply(
        &self,
        claim: &Claim<'a>,
        query: &Query<'_>,
        newcomers: &mut [Newcomers; 2],
        now: Now<'_>,
    ) -> Reply {
        let precision = claim.active.rule.precision;
        let newcomers = &mut newcomers[precision as usize];
        match self.reply(claim, query, now) {
            Reply::Answered(_, place)
                if !self
                    .limiter
                    .tables
                    .has_room(precision, claim.key, place, newcomers, now) =>
            {
                self.without_room(claim, query, now)
            }
            reply => reply,
        }
    }

    /// Asks, and notes how every window stands if the caller wants to know.
    #[inline(always)]
    fn ask_for(
        &self,
        claim: Claim<'a>,
        ask: impl FnOnce(Option<&RefCell<Standings>>, &Claim<'a>) -> Reply,
    ) -> Result<Answered<'a>, Failure> {
        if self.call.extras.windows.is_none() {
            let reply = ask(None, &claim);
            return answered(claim, reply);
        }
        let standings = RefCell::new(Standings::new());
        let reply = ask(Some(&standings), &claim);
        if let Reply::Answered(answer, _) = &reply {
            self.note_windows(&claim, answer, &standings.borrow());
        }
        answered(claim, reply)
    }

    #[inline(always)]
    fn reply(&self, claim: &Claim<'a>, query: &Query<'_>, now: Now<'_>) -> Reply {
        let hints = self.call.extras.hints;
        let hint = hints.and_then(|hints| hints.get(claim.place));
        let precision = claim.active.rule.precision;
        self.limiter
            .tables
            .ask(precision, claim.key, hint, query, now)
    }

    #[cold]
    pub(super) fn without_room(&self, claim: &Claim<'_>, query: &Query<'_>, now: Now<'_>) -> Reply {
        self.untracked.note(claim.place);
        if self.limiter.on_full != OnFull::Overflow {
            return Reply::Full;
        }
        let precision = claim.active.rule.precision;
        let tables = &self.limiter.tables;
        tables.ask_pool(precision, claim.key.rule, query, now)
    }

    fn note_windows(&self, claim: &Claim<'a>, answer: &Answer, standings: &Standings) {
        let Some(windows) = self.call.extras.windows else {
            return;
        };
        let clock = &self.limiter.clock;
        let now = self.present(answer.now);
        let status = |&(standing, blocks): &(Standing, bool)| {
            let (rule, windows) = (claim.active.id, claim.windows);
            WindowStatus::new(rule, windows, standing, blocks, now, clock)
        };
        windows.borrow_mut().extend(standings.iter().map(status));
    }

    /// The monotonic clock as it stands beside the wall clock: an answer's reading
    /// was just taken, but in a batch it is the batch's.
    pub(super) fn present(&self, read: Reading) -> Reading {
        match self.now {
            Now::Batch(_, clock) => clock.now(),
            Now::Live(_) | Now::Begun(..) | Now::Fixed(_) => read,
        }
    }

    /// Forgets what an earlier round of questions found.
    pub(super) fn begin_anew(&self) {
        self.untracked.forget();
        if let Some(windows) = self.call.extras.windows {
            windows.borrow_mut().clear();
        }
    }

    #[inline]
    pub(super) fn count(&self, answered: &Answered<'a>) {
        let Answered { claim, answer, .. } = answered;
        claim.active.usage.count_answer(answer.admitted, claim.cost);
        if let (true, Some(place)) = (self.limiter.counts_keys, answered.place) {
            let live = answer.standing.map_or(0, |standing| standing.live);
            let precision = claim.active.rule.precision;
            let tables = &self.limiter.tables;
            tables.tally(precision, place, answer.admitted, live);
        }
    }
}

#[inline]
fn answered<'a>(claim: Claim<'a>, reply: Reply) -> Result<Answered<'a>, Failure> {
    match reply {
        Reply::Answered(answer, place) => Ok(claim.answered(answer, place)),
        Reply::Full => Err(Failure::Full),
        Reply::Corrupt => Err(Failure::Corrupt),
    }
}
