//! Asking the keys, and noting what became of it.

use std::cell::RefCell;

use super::claim::{Answered, Claim, Failure};
use super::{Mode, Request};
use crate::decision::WindowStatus;
use crate::law::Standing;
use crate::limiter::OnFull;
use crate::limiter::usage::Count;
use crate::log::{Answer, Ask, Query, Standings};
use crate::table::{Kind, Reply, Table};
use crate::time::{Now, Reading};

impl<'a> Request<'a> {
    /// Asks a key at an instant of its own, and notes nothing.
    pub(super) fn glance(
        &self,
        claim: Claim<'a>,
        ask: Ask,
        now: Now<'_>,
    ) -> Result<Answered<'a>, Failure> {
        match self.reply(&claim, &claim.query(ask, true, None), now) {
            Reply::Answered(answer, place) => Ok(claim.answered(answer, place)),
            Reply::Full => Err(Failure::Full),
            Reply::Corrupt => Err(Failure::Corrupt),
        }
    }

    pub(super) fn ask(&self, claim: Claim<'a>, ask: Ask) -> Result<Answered<'a>, Failure> {
        let standings = RefCell::new(Standings::new());
        let detail = self.mode != Mode::Allow || self.limiter.counts_keys;
        let query = claim.query(ask, detail, self.extras.windows.map(|_| &standings));
        match self.reply(&claim, &query, self.now) {
            Reply::Answered(answer, place) => {
                self.note_windows(&claim, &answer, &standings.borrow());
                Ok(claim.answered(answer, place))
            }
            Reply::Full => {
                if ask == Ask::Charge {
                    self.count_untracked(&claim);
                }
                Err(Failure::Full)
            }
            Reply::Corrupt => Err(Failure::Corrupt),
        }
    }

    pub(super) fn count_untracked(&self, claim: &Claim<'a>) {
        if self.mode != Mode::Peek {
            claim.active.usage.count(Count::Untracked);
        }
    }

    fn reply(&self, claim: &Claim<'a>, query: &Query<'_>, now: Now<'_>) -> Reply {
        match &claim.active.buckets {
            Some(table) => self.reply_of(table, claim, query, now),
            None => self.reply_of(&self.limiter.table, claim, query, now),
        }
    }

    fn reply_of<K: Kind>(
        &self,
        table: &Table<K>,
        claim: &Claim<'a>,
        query: &Query<'_>,
        now: Now<'_>,
    ) -> Reply {
        let reply = match self.extras.hints {
            Some(hints) => hints.ask(table, claim.place, claim.key, query, now),
            None => table.ask(claim.key, query, now),
        };
        match reply {
            Reply::Full if self.limiter.on_full == OnFull::Overflow => {
                self.untracked.set(true);
                if query.ask == Ask::Charge {
                    self.count_untracked(claim);
                }
                table.ask_pool(claim.key.rule, query, now)
            }
            reply => reply,
        }
    }

    fn note_windows(&self, claim: &Claim<'a>, answer: &Answer, standings: &Standings) {
        let Some(windows) = self.extras.windows else {
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
        match self.now {
            Now::Batch(_, clock) => clock.now(),
            Now::Live(_) | Now::Fixed(_) => answer.now,
        }
    }

    /// Forgets what an earlier round of questions found.
    pub(super) fn begin_anew(&self) {
        self.untracked.set(false);
        if let Some(windows) = self.extras.windows {
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
            match &claim.active.buckets {
                Some(table) => table.tally(place, answer.admitted, live),
                None => self.limiter.table.tally(place, answer.admitted, live),
            }
        }
    }
}
