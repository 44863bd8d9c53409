//! What a victim calls, and what its call returns.

use crate::ledger::{Answer, Ledger, Request, UNTRACKED};

/// Requests of a batch.
pub const BATCH: usize = 3;

/// What the victim does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Check(Request),
    Allow(Request),
    Peek(Request),
    /// A check with a receipt, which is refunded when all is over.
    CheckWithReceipt(Request),
    /// A check of a key that the preparation has prepared.
    CheckPrepared(Request),
    /// The same, asked for a yes or no: the straight way.
    AllowPrepared(Request),
    /// Several checks in one call, each of one rule.
    CheckMany([Request; BATCH]),
    /// Gives back what the preparation has got a receipt for.
    Refund(Request),
    /// Resets the merchant of a request: the rule of this number, or all.
    Reset(Option<usize>),
    /// Puts three times the limits into force.
    Swap,
}

impl Op {
    /// The one request that is decided, if it is one.
    pub fn request(self) -> Option<Request> {
        match self {
            Self::Check(request)
            | Self::Allow(request)
            | Self::Peek(request)
            | Self::CheckWithReceipt(request)
            | Self::CheckPrepared(request)
            | Self::AllowPrepared(request) => Some(request),
            Self::CheckMany(_) | Self::Refund(_) | Self::Reset(_) | Self::Swap => None,
        }
    }

    /// Units that the call asks for; 1 where it asks for none.
    pub fn cost(self) -> u32 {
        match self {
            Self::CheckMany(requests) => requests.iter().map(|r| r.cost).sum(),
            _ => self.request().map_or(1, |request| request.cost),
        }
    }

    /// The rules that a refund or a reset goes through, one after the other.
    pub fn rules(self, ledger: &Ledger) -> Vec<usize> {
        match self {
            Self::Refund(request) => ledger.governing(request),
            Self::Reset(Some(rule)) => vec![rule],
            Self::Reset(None) => ledger.all_rules(),
            _ => Vec::new(),
        }
    }

    /// Of how many parts the call is made that may be done without the next.
    pub fn parts(self, ledger: &Ledger) -> usize {
        match self {
            Self::CheckMany(requests) => requests.len(),
            Self::Refund(_) | Self::Reset(_) => self.rules(ledger).len(),
            _ => 1,
        }
    }

    /// Whether the call charges several keys one after the other.
    pub fn may_charge_one_alone(self, ledger: &Ledger) -> bool {
        let several = |request| ledger.governing(request).len() > 1;
        !matches!(self, Self::Peek(_)) && self.request().is_some_and(several)
    }
}

/// What the victim's call returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    Decision(Answer),
    Allowed(bool),
    /// A decision, and whether there was a receipt with it.
    WithReceipt(Answer, bool),
    /// The answers of a batch, as far as it came.
    Many([Option<Answer>; BATCH]),
    /// Whether anything of the receipt still counted.
    Refunded(bool),
    /// How many keys had a history.
    Reset(usize),
    /// The version that was put into force.
    Swapped(u64),
}

impl Returned {
    /// What is returned when another part of the call has followed.
    pub fn and(self, part: Self) -> Self {
        match (self, part) {
            (Self::Many(first), Self::Many(then)) => {
                Self::Many(std::array::from_fn(|n| first[n].or(then[n])))
            }
            (Self::Refunded(first), Self::Refunded(then)) => Self::Refunded(first || then),
            (Self::Reset(first), Self::Reset(then)) => Self::Reset(first + then),
            (_, part) => part,
        }
    }

    /// Whether it is what a history expects. A reset may have met a key without
    /// live units in its slot, which the ledger knows nothing of.
    pub fn agrees(self, expected: Self, keys: usize) -> bool {
        match (self, expected) {
            (Self::Reset(said), Self::Reset(least)) => (least..=keys).contains(&said),
            _ => self == expected,
        }
    }

    /// Whether the verdict alone is what a history expects.
    pub fn has_verdict_of(self, expected: Self) -> bool {
        let true_receipt = match self {
            Self::WithReceipt(answer, receipt) => answer.allowed == receipt,
            _ => true,
        };
        true_receipt && self.allowed() == expected.allowed()
    }

    pub fn allowed(self) -> bool {
        match self {
            Self::Decision(answer) | Self::WithReceipt(answer, _) => answer.allowed,
            Self::Allowed(allowed) => allowed,
            Self::Many(_) | Self::Refunded(_) | Self::Reset(_) | Self::Swapped(_) => true,
        }
    }

    pub fn is_untracked(self) -> bool {
        matches!(
            self,
            Self::Decision(UNTRACKED) | Self::Allowed(false) | Self::WithReceipt(UNTRACKED, false)
        )
    }

    /// The answer to one request of a batch.
    pub fn of_batch(self, number: usize) -> Option<Answer> {
        match self {
            Self::Many(answers) => answers[number],
            _ => None,
        }
    }
}

/// The answer to one request of a batch, beside none.
pub fn one_of_batch(number: usize, answer: Answer) -> Returned {
    Returned::Many(std::array::from_fn(|n| (n == number).then_some(answer)))
}
