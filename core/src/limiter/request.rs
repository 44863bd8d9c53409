//! One request: which rules govern it, what their keys answer, and the decision
//! that follows.
//!
//! A request of several rules peeks at every key before it charges any, so a
//! denial leaves no trace. Then it charges one key after the other; where a race
//! lets a later key deny after all, what was charged before is lent back. Such a
//! race may deny what some order of the requests would have admitted, never the
//! reverse.

use std::cell::{Cell, RefCell};

use smallvec::SmallVec;

use super::active::{Active, ActiveRule, Governed};
use super::prepared::Hints;
use super::receipt::Charge;
use super::usage::Count;
use super::{Endpoint, Limiter, OnFull};
use crate::decision::{Binding, Decision, Outcome, WindowStatus};
use crate::error::{Error, MAX_MERCHANT_BYTES};
use crate::law::Standing;
use crate::policy::{MAX_WINDOWS, Rule};
use crate::ring::{Answer, Ask, Charged, Query, Standings};
use crate::sync::fault::{Fault, planted};
use crate::table::{Hashing, Key, Kind, NameHash, Place, Reply, Table};
use crate::time::{Now, Reading};
use crate::window::{Precision, Window};

/// What a call wants of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Check,
    /// As `Check`, without a description of the window that binds.
    Allow,
    Peek,
}

/// What a call wants or brings beside the decision.
#[derive(Clone, Copy, Default)]
pub(super) struct Extras<'a> {
    /// Where to note what was charged.
    pub charges: Option<&'a RefCell<SmallVec<[Charge; 2]>>>,
    /// Where to note how every window stands.
    pub windows: Option<&'a RefCell<Vec<WindowStatus>>>,
    /// Where the keys were found before.
    pub hints: Option<&'a Hints>,
}

/// A merchant's name and its hash.
#[derive(Clone, Copy)]
pub(super) struct Merchant<'a> {
    pub name: &'a [u8],
    pub hash: NameHash,
}

impl<'a> Merchant<'a> {
    #[inline]
    pub fn new(name: &'a [u8], hashing: &Hashing) -> Self {
        let hash = hashing.merchant(name);
        Self { name, hash }
    }
}

/// A governing rule with what this request asks of it.
#[derive(Clone, Copy)]
struct Claim<'a> {
    rule: &'a Rule,
    active: &'a ActiveRule,
    /// The owner's name; empty for a rule that everybody shares.
    name: &'a [u8],
    windows: &'a [Window],
    cost: u32,
    key: Key,
    /// The rule's place among those that govern the request.
    place: usize,
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

impl Answered<'_> {
    /// The length of the window that binds, in ticks.
    fn length(&self) -> u64 {
        let standing = self.answer.standing;
        standing.map_or(0, |s| self.claim.windows[s.window].ticks())
    }

    fn charge(&self) -> Option<Charge> {
        let place = self.place?;
        Some(Charge {
            place,
            charged: Charged {
                units: self.claim.cost,
                at: self.answer.at,
                era: self.claim.active.horizons.newest(),
            },
            precision: self.claim.rule.precision,
        })
    }
}

impl Limiter {
    pub(super) fn decide(
        &self,
        merchant: &[u8],
        endpoint: Endpoint<'_>,
        cost: u32,
        mode: Mode,
    ) -> Result<Decision, Error> {
        self.decide_with(merchant, endpoint, cost, mode, Extras::default())
    }

    pub(super) fn decide_with(
        &self,
        merchant: &[u8],
        endpoint: Endpoint<'_>,
        cost: u32,
        mode: Mode,
        extras: Extras<'_>,
    ) -> Result<Decision, Error> {
        check_merchant(merchant)?;
        check_cost(cost)?;
        let active = self.active.load();
        let governed = active.governs(endpoint)?;
        let request = Request::new(self, &active, mode, Now::Live(&self.clock), extras);
        request.decide(&governed, Merchant::new(merchant, &self.hashing), cost)
    }
}

pub(super) fn check_merchant(merchant: &[u8]) -> Result<(), Error> {
    match merchant.len() {
        1..=MAX_MERCHANT_BYTES => Ok(()),
        len => Err(Error::InvalidMerchant { len }),
    }
}

pub(super) fn check_cost(cost: u32) -> Result<(), Error> {
    match cost {
        0 => Err(Error::InvalidCost),
        _ => Ok(()),
    }
}

/// A request under one active policy.
pub(super) struct Request<'a> {
    limiter: &'a Limiter,
    active: &'a Active,
    mode: Mode,
    now: Now<'a>,
    extras: Extras<'a>,
    /// Whether some key found no room.
    untracked: Cell<bool>,
}

impl<'a> Request<'a> {
    pub fn new(
        limiter: &'a Limiter,
        active: &'a Active,
        mode: Mode,
        now: Now<'a>,
        extras: Extras<'a>,
    ) -> Self {
        Self {
            limiter,
            active,
            mode,
            now,
            extras,
            untracked: Cell::new(false),
        }
    }

    pub fn decide(
        &self,
        governed: &Governed,
        merchant: Merchant<'a>,
        cost: u32,
    ) -> Result<Decision, Error> {
        let plain =
            |outcome, allowed| Decision::without_window(outcome, allowed, self.active.version);
        let rules = match governed {
            Governed::Exempt => return Ok(plain(Outcome::Exempt, true)),
            Governed::Unmatched(allowed) => return Ok(plain(Outcome::Unmatched, *allowed)),
            Governed::Rules(rules) => rules,
        };
        let decision = match self.decide_rules(rules, merchant, cost) {
            Ok(decision) => decision,
            Err(Failure::Corrupt) => return Err(Error::Corrupt),
            Err(Failure::Full) => {
                self.untracked.set(true);
                plain(Outcome::Untracked, self.limiter.on_full == OnFull::Admit)
            }
        };
        let untracked = self.untracked.get();
        if untracked && self.mode != Mode::Peek {
            self.limiter.untracked.count();
        }
        Ok(Decision {
            untracked,
            ..decision
        })
    }

    fn decide_rules(
        &self,
        rules: &[u32],
        merchant: Merchant<'a>,
        cost: u32,
    ) -> Result<Decision, Failure> {
        let mut claims: SmallVec<[Claim<'a>; 4]> = SmallVec::new();
        for (place, &index) in rules.iter().enumerate() {
            let (rule, active) = self.active.rule(index);
            let claim = Claim {
                rule,
                active,
                name: active.owner_name(merchant.name),
                windows: &rule.windows,
                cost: cost.saturating_mul(rule.cost),
                key: active.key(merchant.hash),
                place,
            };
            if claim.cost > active.min_limit {
                return self.never(claim);
            }
            claims.push(claim);
        }
        if let (&[claim], Mode::Check | Mode::Allow) = (&*claims, self.mode) {
            let answered = [self.ask(claim, Ask::Charge)?];
            self.settle(&answered);
            return Ok(self.decision(&answered));
        }
        self.decide_together(&claims)
    }

    /// Peeks at all keys, then charges all or none. A key without room fails the
    /// request before anything is charged or, where such requests are admitted,
    /// after everything else was.
    fn decide_together(&self, claims: &[Claim<'a>]) -> Result<Decision, Failure> {
        let mut peeks = Answers::new();
        let mut full: Option<Claim<'a>> = None;
        for &claim in claims {
            match self.ask(claim, Ask::Peek) {
                Ok(peek) => peeks.push(peek),
                Err(Failure::Full) => full = Some(claim),
                Err(failure) => return Err(failure),
            }
        }
        let denied = peeks.iter().any(|a| !a.answer.admitted);
        if let (false, Some(claim)) = (denied, full)
            && (self.mode == Mode::Peek || self.limiter.on_full == OnFull::Deny)
        {
            self.count_untracked(&claim);
            return Err(Failure::Full);
        }
        if denied || self.mode == Mode::Peek {
            self.settle(&peeks);
            return match denied && peeks.iter().any(|a| a.answer.lent) {
                true => self.look_ahead(claims, &peeks),
                false => Ok(self.decision(&peeks)),
            };
        }
        self.charge_together(claims)
    }

    /// The decision on a denied request where refunds have lent capacity. A loan
    /// may end before the instant at which the rules that deny admit again, and
    /// then a rule that admits now denies there; so all of them are asked again
    /// at that instant, until one is found at which none denies.
    fn look_ahead(
        &self,
        claims: &[Claim<'a>],
        peeks: &[Answered<'a>],
    ) -> Result<Decision, Failure> {
        let until = |a: &Answered<'a>| a.answer.standing.map(|s| s.resets_at);
        let denials = peeks.iter().filter(|a| !a.answer.admitted);
        let mut instant = denials.filter_map(until).max();
        let mut later: Option<Answered<'a>> = None;
        // Each turn passes the end of a loan in a window, or all units of one.
        for _ in 0..claims.len() * 2 * MAX_WINDOWS {
            let Some(at) = instant else { break };
            let now = Now::Fixed(Reading::of_tick(at));
            let mut denials = Answers::new();
            for &claim in claims {
                let answered = self.glance(claim, Ask::Peek, now)?;
                denials.extend((!answered.answer.admitted).then_some(answered));
            }
            instant = denials.iter().filter_map(until).max();
            let length = |a: &Answered<'a>| a.length();
            let last = denials.iter().filter(|a| until(a) == instant);
            // Of equal ones the longest; of those the first, as everywhere.
            later = last.rev().max_by_key(|a| length(a)).copied().or(later);
        }
        match later {
            Some(later) => self.as_it_stands(later, peeks),
            None => Ok(self.decision(peeks)),
        }
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
            let present = self.glance(alone, Ask::Survey, self.now)?.answer.standing;
            answered.answer.now = first.answer.now;
            answered.answer.standing = present.map(|present| Standing {
                window: standing.window,
                resets_at: standing.resets_at,
                ..present
            });
        }
        Ok(self.decision(&[answered]))
    }

    /// Asks a key at an instant of its own, and notes nothing.
    fn glance(&self, claim: Claim<'a>, ask: Ask, now: Now<'_>) -> Result<Answered<'a>, Failure> {
        let query = Query {
            name: claim.name,
            windows: claim.windows,
            shifts: &claim.active.shifts,
            horizons: &claim.active.horizons,
            cost: claim.cost,
            ask,
            detail: true,
            standings: None,
        };
        match self.reply(&claim, &query, now) {
            Reply::Answered(answer, place) => Ok(Answered {
                claim,
                answer,
                place,
            }),
            Reply::Full => Err(Failure::Full),
            Reply::Corrupt => Err(Failure::Corrupt),
        }
    }

    fn charge_together(&self, claims: &[Claim<'a>]) -> Result<Decision, Failure> {
        self.forget_windows();
        let mut charged = Answers::new();
        let mut uncounted = false;
        for &claim in claims {
            match self.ask(claim, Ask::Charge) {
                Ok(answered) if answered.answer.admitted => charged.push(answered),
                Ok(denied) => {
                    self.give_back(&charged);
                    self.settle(&[denied]);
                    return Ok(self.decision(&[denied]));
                }
                Err(Failure::Full) if self.limiter.on_full == OnFull::Admit => uncounted = true,
                Err(failure) => {
                    self.give_back(&charged);
                    return Err(failure);
                }
            }
        }
        self.settle(&charged);
        match uncounted {
            true => Err(Failure::Full),
            false => Ok(self.decision(&charged)),
        }
    }

    fn give_back(&self, charged: &[Answered<'a>]) {
        if planted(Fault::ChargeKept) {
            return;
        }
        for charge in charged.iter().filter_map(Answered::charge) {
            charge.refund(&self.limiter.table, self.active, self.now);
        }
    }

    /// Notes what became of a request: what was charged, for a receipt, and the
    /// statistics. A denied request charged nothing and is counted by the rules
    /// that denied it.
    fn settle(&self, answers: &[Answered<'a>]) {
        if self.mode == Mode::Peek {
            return;
        }
        let admitted = answers.iter().all(|a| a.answer.admitted);
        for answered in answers.iter().filter(|a| a.answer.admitted == admitted) {
            self.count(answered);
        }
        if let (true, Some(charges)) = (admitted, self.extras.charges) {
            let all = answers.iter().filter_map(Answered::charge);
            charges.borrow_mut().extend(all);
        }
    }

    #[inline]
    fn count(&self, answered: &Answered<'a>) {
        let Answered { claim, answer, .. } = answered;
        let usage = &claim.active.usage;
        match answer.admitted {
            true => usage.count_admission(claim.cost),
            false => usage.count(Count::Denied),
        }
        if let (true, Some(place)) = (self.limiter.counts_keys, answered.place) {
            let live = answer.standing.map_or(0, |standing| standing.live);
            match (claim.rule.precision, self.active.buckets()) {
                (Precision::Bucketed, Some(table)) => table.tally(place, answer.admitted, live),
                _ => self.limiter.table.tally(place, answer.admitted, live),
            }
        }
    }

    fn ask(&self, claim: Claim<'a>, ask: Ask) -> Result<Answered<'a>, Failure> {
        let standings = RefCell::new(Standings::new());
        let query = Query {
            name: claim.name,
            windows: claim.windows,
            shifts: &claim.active.shifts,
            horizons: &claim.active.horizons,
            cost: claim.cost,
            ask,
            detail: self.mode != Mode::Allow || self.limiter.counts_keys,
            standings: self.extras.windows.map(|_| &standings),
        };
        match self.reply(&claim, &query, self.now) {
            Reply::Answered(answer, place) => {
                self.note_windows(&claim, &answer, &standings.borrow());
                Ok(Answered {
                    claim,
                    answer,
                    place,
                })
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

    fn count_untracked(&self, claim: &Claim<'a>) {
        if self.mode != Mode::Peek {
            claim.active.usage.count(Count::Untracked);
        }
    }

    fn reply(&self, claim: &Claim<'a>, query: &Query<'_>, now: Now<'_>) -> Reply {
        match (claim.rule.precision, self.active.buckets()) {
            (Precision::Exact, _) => self.reply_of(&self.limiter.table, claim, query, now),
            (Precision::Bucketed, Some(table)) => self.reply_of(table, claim, query, now),
            // It was made before the policy came into force.
            (Precision::Bucketed, None) => Reply::Corrupt,
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
        let status = |&(standing, blocks): &(Standing, bool)| {
            let (rule, windows) = (claim.active.id, claim.windows);
            WindowStatus::new(rule, windows, standing, blocks, answer.now, clock)
        };
        windows.borrow_mut().extend(standings.iter().map(status));
    }

    fn forget_windows(&self) {
        if let Some(windows) = self.extras.windows {
            windows.borrow_mut().clear();
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
            rule: claim.active.id,
            precision: claim.rule.precision,
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
