//! What a request asks of one rule's key, and the key's answer.

use std::cell::RefCell;

use smallvec::SmallVec;

use crate::limiter::active::ActiveRule;
use crate::limiter::receipt::Charge;
use crate::log::{Answer, Ask, Query, Standings};
use crate::table::{Key, Place};
use crate::window::Window;

/// A governing rule with what this request asks of it.
#[derive(Clone, Copy)]
pub(in crate::limiter) struct Claim<'a> {
    pub active: &'a ActiveRule,
    /// The owner's name; empty for a rule that everybody shares.
    pub name: &'a [u8],
    pub windows: &'a [Window],
    pub cost: u32,
    pub key: Key,
    /// The rule's place among those that govern the request.
    pub place: usize,
}

/// One claim's answer.
#[derive(Clone, Copy)]
pub(in crate::limiter) struct Answered<'a> {
    pub claim: Claim<'a>,
    pub answer: Answer,
    pub place: Option<Place>,
}

pub(super) type Answers<'a> = SmallVec<[Answered<'a>; 4]>;

impl<'a> Claim<'a> {
    /// Whether the cost exceeds a limit.
    #[inline]
    pub fn can_never_pass(&self) -> bool {
        self.cost > self.active.min_limit
    }

    /// The query that asks the claim's key.
    pub fn query<'q>(
        &self,
        ask: Ask,
        detail: bool,
        standings: Option<&'q RefCell<Standings>>,
    ) -> Query<'q>
    where
        'a: 'q,
    {
        Query {
            name: self.name,
            windows: self.windows,
            widths: self.active.shifts.widths(),
            horizons: &self.active.horizons,
            cost: self.cost,
            ask,
            detail,
            standings,
        }
    }

    pub fn answered(self, answer: Answer, place: Option<Place>) -> Answered<'a> {
        Answered {
            claim: self,
            answer,
            place,
        }
    }
}

impl Answered<'_> {
    /// The length of the window that binds, in ticks.
    pub fn length(&self) -> u64 {
        let standing = self.answer.standing;
        standing.map_or(0, |s| self.claim.windows[s.window].ticks())
    }

    pub fn charge(&self) -> Option<Charge> {
        let Claim { active, cost, .. } = self.claim;
        Some(active.charge(self.place?, cost, self.answer.at))
    }
}
