//! Asking the keys, and noting what became of it.

use std::cell::RefCell;

use super::claim::{Answered, Claim, Failure};
use super::{Request, Verdict};
use crate::decision::WindowStatus;
use crate::law::Standing;
use crate::limiter::OnFull;
use crate::limiter::usage::Count;
use crate::log::{Answer, Ask, Query, Standings};
use crate::table::Reply;
use crate::time::{Now, Reading};

impl<'a> Request<'a> {
    /// Asks a key at an instant of its own, and notes nothing.
    pub(super) fn glance(
        &self,
        claim: Claim<'a>,
        ask: Ask,
        now: Now<'_>,
    ) -> Result<Answered<'a>, Failure> {
        let reply = self.reply(&claim, &claim.query(ask, true, None), now);
        answered(claim, reply)
    }

    #[inline]
    pub(super) fn ask<V: Verdict>(
        &self,
        claim: Claim<'a>,
        ask: Ask,
    ) -> Result<Answered<'a>, Failure> {
        if self.call.extras.windows.is_some() {
            return self.ask_for_windows(claim, ask);
        }
        let detail = V::DETAIL || self.limiter.counts_keys;
        let reply = self.reply(&claim, &claim.query(ask, detail, None), self.now.get());
        answered(claim, reply)
    }

    #[cold]
    fn ask_for_windows(&self, claim: Claim<'a>, ask: Ask) -> Result<Answered<'a>, Failure> {
        let standings = RefCell::new(Standings::new());
        let query = claim.query(ask, true, Some(&standings));
        let reply = self.reply(&claim, &query, self.now.get());
        if let Reply::Answered(answer, _) = &reply {
            self.note_windows(&claim, answer, &standings.borrow());
        }
        answered(claim, reply)
    }

    #[inline]
    fn reply(&self, claim: &Claim<'a>, query: &Query<'_>, now: Now<'_>) -> Reply {
        let hints = self.call.extras.hints;
        let hint = hints.and_then(|hints| hints.get(claim.place));
        let precision = claim.active.rule.precision;
        let tables = &self.limiter.tables;
        let reply = tables.ask(precision, claim.key, hint, query, now);
        let has_room = match reply {
            Reply::Answered(_, place) if query.ask == Ask::Peek => {
                let newcomers = &mut self.newcomers.borrow_mut()[precision as usize];
                tables.has_room(precision, claim.key, place, newcomers, now)
            }
            Reply::Answered(..) | Reply::Corrupt => true,
            Reply::Full => false,
        };
        match has_room {
            true => reply,
            false => self.without_room(claim, query, now),
        }
    }

    #[cold]
    fn without_room(&self, claim: &Claim<'a>, query: &Query<'_>, now: Now<'_>) -> Reply {
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
        let now = self.present(answer);
        let status = |&(standing, blocks): &(Standing, bool)| {
            let (rule, windows) = (claim.active.id, claim.windows);
            WindowStatus::new(rule, windows, standing, blocks, now, clock)
        };
        windows.borrow_mut().extend(standings.iter().map(status));
    }

    /// The monotonic clock as it stands beside the wall clock: an answer's reading
    /// was just taken, but in a batch it is the batch's.
    pub(super) fn present(&self, answer: &Answer) -> Reading {
        match self.now.get() {
            Now::Batch(_, clock) => clock.now(),
            Now::Begun(..) | Now::Fixed(_) => answer.now,
        }
    }

    /// Forgets what an earlier round of questions found.
    pub(super) fn begin_anew(&self) {
        self.untracked.forget();
        self.newcomers.take();
        if let Some(windows) = self.call.extras.windows {
            windows.borrow_mut().clear();
        }
    }

    #[inline]
    pub(super) fn count(&self, answered: &Answered<'a>) {
        let Answered { claim, answer, .. } = answered;
        let usage = &claim.active.usage;
        match answer.admitted {
            true => usage.count_admission(claim.cost),
            false => usage.count(Count::Denied),
        }
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
