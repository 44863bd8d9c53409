//! What may have happened at a stop, and at the wake-up: every serial history
//! that the promise allows. An answer of the limiter rules some out; if none is
//! left, the promise is broken.

use slidegate::MAX_LIMIT;

use crate::ledger::{Answer, Ledger, NOBODYS, PREPARED, Request, Rule, Tag, UNTRACKED, VICTIMS};
use crate::op::{Op, Returned, one_of_batch};
use crate::world::VICTIM;

/// How far the victim is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// So many parts of the call are done; this is what they amount to.
    Parts(usize, Option<Returned>),
    /// Of several rules the first is charged.
    FirstAlone,
    /// It is decided; this is what the call is to return.
    Done(Returned),
}

/// One serial history.
#[derive(Debug, Clone)]
pub struct History {
    ledger: Ledger,
    /// The rules of each policy so far, the first first.
    policies: Vec<Vec<Rule>>,
    victim: Progress,
}

/// When the victim's call began, and when and where it came to its end.
#[derive(Debug, Clone, Copy)]
pub struct Wake {
    pub began_ns: u64,
    pub now_ns: u64,
    /// Whether the table is full of others.
    pub crowded: bool,
    /// Whether it was so at any time since the call began.
    pub was_crowded: bool,
}

/// `rules` with `times` the limits, as far as limits go.
pub fn raised(rules: &[Rule], times: u32) -> Vec<Rule> {
    let raise = |rule: &Rule| Rule {
        limit: (rule.limit * times).min(MAX_LIMIT),
        ..*rule
    };
    rules.iter().map(raise).collect()
}

impl History {
    /// Nothing was admitted, and the victim has not begun.
    pub fn new(rules: &[Rule]) -> Self {
        Self {
            ledger: Ledger::new(rules),
            policies: vec![rules.to_vec()],
            victim: Progress::Parts(0, None),
        }
    }

    pub fn peek(&self, request: Request, now_ns: u64) -> Answer {
        self.ledger.peek(request, now_ns)
    }

    pub fn check(&mut self, request: Request, now_ns: u64) -> Answer {
        self.ledger.check(request, now_ns, NOBODYS)
    }

    /// A check whose units are marked as a receipt's.
    pub fn check_with_receipt(&mut self, request: Request, now_ns: u64, tag: Tag) -> Answer {
        self.ledger.check(request, now_ns, tag)
    }

    /// Refunds a receipt; whether it lends anything, and whether the limiter may
    /// say so. Of what a reset has wiped it may say so until the key is used again.
    pub fn refund(&mut self, tag: Tag, now_ns: u64) -> (bool, bool) {
        let rules = self.ledger.all_rules();
        let young = |&rule: &usize| self.ledger.was_young(rule, tag, now_ns);
        let may_say = rules.iter().any(young);
        let lend = |any, rule| self.ledger.lend(rule, tag, now_ns) || any;
        (rules.into_iter().fold(false, lend), may_say)
    }

    /// Resets a merchant under all rules; how many keys had live units.
    pub fn reset(&mut self, merchant: u8, now_ns: u64) -> usize {
        let rules = self.ledger.all_rules().into_iter();
        rules
            .filter(|&rule| self.ledger.wipe(rule, merchant, now_ns))
            .count()
    }

    /// Puts other limits into force and returns the policy's version.
    pub fn swap(&mut self, rules: &[Rule]) -> u64 {
        self.ledger.swap(rules);
        self.policies.push(rules.to_vec());
        self.policies.len() as u64
    }

    /// Whether the victim stands between its charges.
    pub fn is_first_alone(&self) -> bool {
        self.victim == Progress::FirstAlone
    }

    /// What may have happened when a victim is stopped that began at `now_ns`, or
    /// that stood between its charges until then.
    pub fn stopped(&self, op: Op, now_ns: u64) -> Vec<Self> {
        let mut histories = vec![self.clone()];
        if self.is_first_alone() {
            histories.extend(self.given_back(op, now_ns).stopped(op, now_ns));
            return histories;
        }
        histories.extend(self.first_alone(op, now_ns));
        let mut history = self.clone();
        for part in 0..op.parts(&self.ledger) {
            history = history.with_part(op, part, now_ns);
            histories.push(history.clone());
        }
        histories
    }

    fn first_alone(&self, op: Op, now_ns: u64) -> Option<Self> {
        let request = op.request()?;
        let may = op.may_charge_one_alone(&self.ledger);
        let admitted = self.ledger.peek(request, now_ns).allowed;
        (may && admitted).then(|| {
            let mut history = self.clone();
            let first = self.ledger.governing(request)[0];
            history.ledger.charge(first, request, now_ns, VICTIMS);
            history.victim = Progress::FirstAlone;
            history
        })
    }

    /// The first charge is lent back, and the request is decided anew.
    fn given_back(&self, op: Op, now_ns: u64) -> Self {
        let mut history = self.clone();
        if let Some(request) = op.request() {
            let first = self.ledger.governing(request)[0];
            history.ledger.lend(first, VICTIMS, now_ns);
        }
        history.victim = Progress::Parts(0, None);
        history
    }

    /// The victim's call with one part more.
    fn with_part(mut self, op: Op, part: usize, at_ns: u64) -> Self {
        let returned = self.perform(op, part, at_ns);
        self.enter(op, part, returned)
    }

    fn enter(mut self, op: Op, part: usize, returned: Returned) -> Self {
        let all = match self.victim {
            Progress::Parts(_, Some(so_far)) => so_far.and(returned),
            _ => returned,
        };
        self.victim = match part + 1 == op.parts(&self.ledger) {
            true => Progress::Done(all),
            false => Progress::Parts(part + 1, Some(all)),
        };
        self
    }

    /// Does one part of the call at an instant.
    fn perform(&mut self, op: Op, part: usize, at_ns: u64) -> Returned {
        let rule = op.rules(&self.ledger).get(part).copied().unwrap_or(0);
        let ledger = &mut self.ledger;
        let mut check = |request| ledger.check(request, at_ns, VICTIMS);
        match op {
            Op::Check(request) | Op::CheckPrepared(request) => Returned::Decision(check(request)),
            Op::Allow(request) | Op::AllowPrepared(request) => {
                Returned::Allowed(check(request).allowed)
            }
            Op::CheckWithReceipt(request) => {
                let answer = check(request);
                Returned::WithReceipt(answer, answer.allowed)
            }
            Op::CheckMany(requests) => one_of_batch(part, check(requests[part])),
            Op::Peek(request) => Returned::Decision(ledger.peek(request, at_ns)),
            Op::Refund(_) => Returned::Refunded(ledger.lend(rule, PREPARED, at_ns)),
            Op::Reset(_) => Returned::Reset(ledger.wipe(rule, VICTIM, at_ns).into()),
            Op::Swap => Returned::Swapped(self.swap(&raised(&self.policies[0], 3))),
        }
    }

    /// What may have happened once the victim, woken, has returned. Only in a
    /// crowded table may its key have found no room.
    pub fn woken(&self, op: Op, returned: Returned, wake: Wake) -> Vec<Self> {
        let keys = op.rules(&self.ledger).len();
        let is = |so: bool| so.then(|| self.clone()).into_iter().collect();
        match self.victim {
            Progress::Done(expected) => is(returned.agrees(expected, keys)),
            Progress::FirstAlone => {
                let mut histories = self.second_charged(op, returned, wake.now_ns);
                let given_back = self.given_back(op, wake.now_ns);
                histories.extend(given_back.woken(op, returned, wake));
                histories
            }
            Progress::Parts(..) if wake.crowded && returned.is_untracked() => is(true),
            Progress::Parts(done, _) => self.done_late(op, done, returned, wake),
        }
    }

    /// The victim charges the other rule at its wake-up.
    fn second_charged(&self, op: Op, returned: Returned, now_ns: u64) -> Vec<Self> {
        let Some(request) = op.request() else {
            return Vec::new();
        };
        let others = &self.ledger.governing(request)[1..];
        let fits = |&rule: &usize| self.ledger.has_room(rule, request, now_ns);
        if !returned.allowed() || !others.iter().all(fits) {
            return Vec::new();
        }
        let mut history = self.clone();
        for &rule in others {
            history.ledger.charge(rule, request, now_ns, VICTIMS);
        }
        vec![history]
    }

    /// What was left of the call happened at the wake-up, one part after the other.
    fn done_late(&self, op: Op, done: usize, returned: Returned, wake: Wake) -> Vec<Self> {
        let parts = op.parts(&self.ledger);
        let mut histories = vec![self.clone()];
        for part in done..parts {
            let late = |history: &Self| history.part_late(op, part, returned, wake);
            histories = histories.iter().flat_map(late).collect();
        }
        let keys = op.rules(&self.ledger).len();
        let agrees = |history: &Self| match history.victim {
            Progress::Done(expected) if self.races(op) => returned.has_verdict_of(expected),
            Progress::Done(expected) => returned.agrees(expected, keys),
            _ => false,
        };
        histories.retain(agrees);
        histories
    }

    fn part_late(&self, op: Op, part: usize, returned: Returned, wake: Wake) -> Vec<Self> {
        match op {
            Op::CheckMany(requests) => {
                let said = returned.of_batch(part);
                let late = self.batch_late(requests[part], wake);
                let late = late.into_iter().filter(|(_, answer)| said == Some(*answer));
                late.map(|(history, answer)| history.enter(op, part, one_of_batch(part, answer)))
                    .collect()
            }
            Op::Refund(_) => self.refunded_late(op, part, wake),
            Op::Reset(_) => {
                let rule = op.rules(&self.ledger)[part];
                let span = (wake.began_ns, wake.now_ns);
                let idle = self.ledger.was_idle(rule, VICTIM, span);
                let without_effect = || self.clone().enter(op, part, Returned::Reset(0));
                let mut histories = vec![self.clone().with_part(op, part, wake.now_ns)];
                histories.extend(idle.then(without_effect));
                histories
            }
            _ => self.decided_late(op, wake.now_ns),
        }
    }

    /// Decided under the policy in force or one that the victim had read before it
    /// was swapped.
    fn decided_late(&self, op: Op, now_ns: u64) -> Vec<Self> {
        let under = |rules: &Vec<Rule>| {
            let mut history = self.clone();
            history.ledger.swap(rules);
            let mut history = history.with_part(op, 0, now_ns);
            if op != Op::Swap {
                history.ledger.swap(&self.policies[self.policies.len() - 1]);
            }
            history
        };
        self.policies.iter().map(under).collect()
    }

    /// A refund goes by the clock as it stood when the call began, or as it stands:
    /// what has left the window meanwhile is lent in vain. So is what a reset has
    /// wiped meanwhile.
    fn refunded_late(&self, op: Op, part: usize, wake: Wake) -> Vec<Self> {
        let at = |at_ns| self.clone().with_part(op, part, at_ns);
        let rule = op.rules(&self.ledger)[part];
        let in_vain = || self.clone().enter(op, part, Returned::Refunded(true));
        let was_young = self.ledger.was_young(rule, PREPARED, wake.began_ns);
        let in_vain = was_young.then(in_vain);
        let still_counts = self.clone().ledger.lend(rule, PREPARED, wake.began_ns);
        let in_vain = in_vain.filter(|_| !still_counts);
        let late = [at(wake.began_ns), at(wake.now_ns)].into_iter();
        late.chain(in_vain).collect()
    }

    /// A request of a batch goes by the clock as the batch has read it; a key that
    /// has moved on holds it back.
    fn batch_late(&self, request: Request, wake: Wake) -> Vec<(Self, Answer)> {
        let mut late = Vec::new();
        for rules in &self.policies {
            for read_ns in [wake.began_ns, wake.now_ns] {
                for at_ns in self.ledger.instants(read_ns) {
                    let mut history = self.clone();
                    if at_ns > wake.now_ns || at_ns < history.ledger.newest(request) {
                        continue;
                    }
                    history.ledger.swap(rules);
                    let mut answer = history.ledger.check(request, at_ns, VICTIMS);
                    if !answer.allowed {
                        answer.retry_after_ns += at_ns - read_ns;
                    }
                    history.ledger.swap(&self.policies[self.policies.len() - 1]);
                    late.push((history, answer));
                }
            }
        }
        late.extend(wake.was_crowded.then(|| (self.clone(), UNTRACKED)));
        late
    }

    /// Whether the victim asks several keys one after the other: then others may
    /// have moved on in between, and only its verdict is exact.
    fn races(&self, op: Op) -> bool {
        let several = |request| self.ledger.governing(request).len() > 1;
        !matches!(op, Op::Allow(_)) && op.request().is_some_and(several)
    }
}
