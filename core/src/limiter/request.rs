//! One request: which rules govern it, what their keys answer, and the decision
//! that follows.
//!
//! A request of several rules peeks at every key before it charges any, so a
//! denial leaves no trace. Then it charges one key after the other; where a race
//! lets a later key deny after all, what was charged before is lent back. Such a
//! race may deny what some order of the requests would have admitted, never the
//! reverse.

use smallvec::SmallVec;

use super::active::{Active, Governed};
use super::{Endpoint, Limiter, OnFull};
use crate::decision::{Binding, Decision, Outcome};
use crate::error::{Error, MAX_MERCHANT_BYTES};
use crate::policy::Per;
use crate::ring::{Answer, Ask, Query};
use crate::table::{Key, NameHash, Place, Reply};
use crate::time::Now;
use crate::window::Window;

/// What a call wants of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Check,
    /// As `Check`, without a description of the window that binds.
    Allow,
    Peek,
}

/// A governing rule with what this request asks of it.
#[derive(Clone, Copy)]
struct Claim<'a> {
    rule: crate::decision::RuleId,
    windows: &'a [Window],
    cost: u32,
    key: Key,
}

/// One claim's answer.
#[derive(Clone, Copy)]
struct Answered<'a> {
    claim: Claim<'a>,
    answer: Answer,
    place: Option<Place>,
}

/// What a key has to say beside an answer.
enum Failure {
    Full,
    Corrupt,
}

type Answers<'a> = SmallVec<[Answered<'a>; 4]>;

impl Limiter {
    pub(super) fn decide(
        &self,
        merchant: &[u8],
        endpoint: Endpoint<'_>,
        cost: u32,
        mode: Mode,
    ) -> Result<Decision, Error> {
        if !(1..=MAX_MERCHANT_BYTES).contains(&merchant.len()) {
            let len = merchant.len();
            return Err(Error::InvalidMerchant { len });
        }
        if cost == 0 {
            return Err(Error::InvalidCost);
        }
        let active = self.active.load();
        let governed = active.governs(endpoint)?;
        let plain = |outcome, allowed| Decision::without_window(outcome, allowed, active.version);
        let rules = match governed {
            Governed::Exempt => return Ok(plain(Outcome::Exempt, true)),
            Governed::Unmatched(allowed) => return Ok(plain(Outcome::Unmatched, allowed)),
            Governed::Rules(rules) => rules,
        };
        let merchant = self.hashing.merchant(merchant);
        let request = Request {
            limiter: self,
            active: &active,
            mode,
        };
        match request.decide(&rules, merchant, cost) {
            Ok(decision) => Ok(decision),
            Err(Failure::Corrupt) => Err(Error::Corrupt),
            Err(Failure::Full) => {
                if mode != Mode::Peek {
                    self.untracked.count();
                }
                Ok(plain(Outcome::Untracked, self.on_full == OnFull::Admit))
            }
        }
    }
}

/// A request under one active policy.
struct Request<'a> {
    limiter: &'a Limiter,
    active: &'a Active,
    mode: Mode,
}

impl<'a> Request<'a> {
    fn decide(&self, rules: &[u32], merchant: NameHash, cost: u32) -> Result<Decision, Failure> {
        let mut claims: SmallVec<[Claim<'a>; 4]> = SmallVec::new();
        for &index in rules {
            let (rule, active) = self.active.rule(index);
            let claim = Claim {
                rule: active.id,
                windows: &rule.windows,
                cost: cost.saturating_mul(rule.cost),
                key: Key::new(active.id.0, active.hash, self.owner(rule.per, merchant)),
            };
            if claim.cost > active.min_limit {
                return self.never(claim);
            }
            claims.push(claim);
        }
        if let (&[claim], Mode::Check | Mode::Allow) = (&*claims, self.mode) {
            return Ok(self.decision(&[self.ask(claim, Ask::Charge)?]));
        }
        self.decide_together(&claims)
    }

    /// Whose history a rule charges: the merchant's, or that of the empty name,
    /// which no merchant has.
    fn owner(&self, per: Per, merchant: NameHash) -> NameHash {
        match per {
            Per::Merchant => merchant,
            Per::All => self.limiter.hashing.merchant(b""),
        }
    }

    /// Peeks at all keys, then charges all or none. A key without room fails the
    /// request before anything is charged or, where such requests are admitted,
    /// after everything else was.
    fn decide_together(&self, claims: &[Claim<'a>]) -> Result<Decision, Failure> {
        let mut peeks = Answers::new();
        let mut full = false;
        for &claim in claims {
            match self.ask(claim, Ask::Peek) {
                Ok(peek) => peeks.push(peek),
                Err(Failure::Full) => full = true,
                Err(failure) => return Err(failure),
            }
        }
        let denied = peeks.iter().any(|a| !a.answer.admitted);
        if !denied && full && (self.mode == Mode::Peek || self.limiter.on_full == OnFull::Deny) {
            return Err(Failure::Full);
        }
        if denied || self.mode == Mode::Peek {
            return Ok(self.decision(&peeks));
        }
        self.charge_together(claims)
    }

    fn charge_together(&self, claims: &[Claim<'a>]) -> Result<Decision, Failure> {
        let mut charged = Answers::new();
        let mut untracked = false;
        for &claim in claims {
            match self.ask(claim, Ask::Charge) {
                Ok(answered) if answered.answer.admitted => charged.push(answered),
                Ok(denied) => {
                    self.give_back(&charged);
                    return Ok(self.decision(&[denied]));
                }
                Err(Failure::Full) if self.limiter.on_full == OnFull::Admit => untracked = true,
                Err(failure) => {
                    self.give_back(&charged);
                    return Err(failure);
                }
            }
        }
        match untracked {
            true => Err(Failure::Full),
            false => Ok(self.decision(&charged)),
        }
    }

    fn give_back(&self, charged: &[Answered<'a>]) {
        for Answered {
            claim,
            answer,
            place,
        } in charged
        {
            if let Some(place) = *place {
                let table = &self.limiter.table;
                table.refund(place, claim.cost, answer.at, self.now());
            }
        }
    }

    fn now(&self) -> Now<'a> {
        Now::Live(&self.limiter.clock)
    }

    fn ask(&self, claim: Claim<'a>, ask: Ask) -> Result<Answered<'a>, Failure> {
        let query = Query {
            windows: claim.windows,
            cost: claim.cost,
            ask,
            detail: self.mode != Mode::Allow,
        };
        match self.limiter.table.ask(claim.key, &query, self.now()) {
            Reply::Answered(answer, place) => Ok(Answered {
                claim,
                answer,
                place,
            }),
            Reply::Full => Err(Failure::Full),
            Reply::Corrupt => Err(Failure::Corrupt),
        }
    }

    /// The cost exceeds a limit: reports the window with the smallest one as it
    /// stands.
    fn never(&self, claim: Claim<'a>) -> Result<Decision, Failure> {
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
    fn decision(&self, answers: &[Answered<'a>]) -> Decision {
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
            rule: claim.rule,
            window: claim.windows[standing.window],
            remaining: standing.remaining,
            retry_after_ns,
            reset_at_ns: self
                .limiter
                .clock
                .unix_ns_of(standing.resets_at, answer.now),
        })
    }
}
