//! What may have happened at a stop, and at the wake-up: every serial history
//! that the promise allows. An answer of the limiter rules some out; if none is
//! left, the promise is broken.

use slidegate::MAX_LIMIT;

use crate::ledger::{Answer, Ledger, Request, Rule, UNTRACKED};

/// What the victim does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Check(Request),
    Allow(Request),
    Peek(Request),
    /// Puts three times the limits into force.
    Swap,
}

/// What the victim's call returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    Decision(Answer),
    Allowed(bool),
    Swapped(u64),
}

/// How far the victim is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Nothing of it counts.
    NotYet,
    /// Of several rules the first is charged, since this instant.
    FirstAlone(u64),
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
            victim: Progress::NotYet,
        }
    }

    pub fn peek(&self, request: Request, now_ns: u64) -> Answer {
        self.ledger.peek(request, now_ns)
    }

    pub fn check(&mut self, request: Request, now_ns: u64) -> Answer {
        self.ledger.check(request, now_ns)
    }

    /// Puts other limits into force and returns the policy's version.
    pub fn swap(&mut self, rules: &[Rule]) -> u64 {
        self.ledger.swap(rules);
        self.policies.push(rules.to_vec());
        self.policies.len() as u64
    }

    /// What may have happened when a victim is stopped that began at `now_ns`.
    pub fn stopped(&self, op: Op, now_ns: u64) -> Vec<Self> {
        let mut histories = vec![self.clone()];
        if let Op::Check(request) | Op::Allow(request) = op {
            histories.extend(self.first_alone(request, now_ns));
        }
        histories.push(self.clone().completed(op, now_ns));
        histories
    }

    fn first_alone(&self, request: Request, now_ns: u64) -> Option<Self> {
        let rules = self.ledger.governing(request);
        let admitted = self.ledger.peek(request, now_ns).allowed;
        (rules.len() > 1 && admitted).then(|| {
            let mut history = self.clone();
            history.ledger.charge(rules[0], request, now_ns);
            history.victim = Progress::FirstAlone(now_ns);
            history
        })
    }

    fn completed(mut self, op: Op, now_ns: u64) -> Self {
        let returned = match op {
            Op::Check(request) => Returned::Decision(self.check(request, now_ns)),
            Op::Allow(request) => Returned::Allowed(self.check(request, now_ns).allowed),
            Op::Peek(request) => Returned::Decision(self.peek(request, now_ns)),
            Op::Swap => Returned::Swapped(self.swap(&raised(&self.policies[0], 3))),
        };
        self.victim = Progress::Done(returned);
        self
    }

    /// What may have happened once the victim, woken at `now_ns`, has returned.
    /// Only in a `crowded` table may its key have found no room.
    pub fn woken(&self, op: Op, returned: Returned, crowded: bool, now_ns: u64) -> Vec<Self> {
        match (self.victim, op) {
            (Progress::Done(expected), _) => {
                let done = (returned == expected).then(|| self.clone());
                done.into_iter().collect()
            }
            (Progress::FirstAlone(at_ns), Op::Check(request) | Op::Allow(request)) => {
                self.second_charged(request, at_ns, returned, now_ns)
            }
            _ if crowded && returned.is_untracked() => vec![self.clone()],
            _ => self.decided_late(op, returned, now_ns),
        }
    }

    /// The victim charges the other rule at its wake-up, or gives the first back.
    fn second_charged(
        &self,
        request: Request,
        at_ns: u64,
        returned: Returned,
        now_ns: u64,
    ) -> Vec<Self> {
        let mut history = self.clone();
        let rules = self.ledger.governing(request);
        let fits = |&rule: &usize| self.ledger.has_room(rule, request, now_ns);
        match returned.allowed() {
            true if rules[1..].iter().all(fits) => {
                for &rule in &rules[1..] {
                    history.ledger.charge(rule, request, now_ns);
                }
            }
            true => return Vec::new(),
            false => history.ledger.take_back(rules[0], request, at_ns),
        }
        vec![history]
    }

    /// Everything that counts happened at the wake-up, under the policy in force
    /// or one that the victim had read before it was swapped.
    fn decided_late(&self, op: Op, returned: Returned, now_ns: u64) -> Vec<Self> {
        let under = |rules: &Vec<Rule>| {
            let mut history = self.clone();
            history.ledger.swap(rules);
            let mut history = history.completed(op, now_ns);
            let Progress::Done(expected) = history.victim else {
                unreachable!("completed");
            };
            if op != Op::Swap {
                history.ledger.swap(&self.policies[self.policies.len() - 1]);
            }
            let agrees = match self.races(op) {
                true => returned.allowed() == expected.allowed(),
                false => returned == expected,
            };
            agrees.then_some(history)
        };
        self.policies.iter().filter_map(under).collect()
    }

    /// Whether the victim asks several keys one after the other: then others may
    /// have moved on in between, and only its verdict is exact.
    fn races(&self, op: Op) -> bool {
        match op {
            Op::Check(request) | Op::Peek(request) => self.ledger.governing(request).len() > 1,
            Op::Allow(_) | Op::Swap => false,
        }
    }
}

impl Returned {
    fn allowed(self) -> bool {
        match self {
            Self::Decision(answer) => answer.allowed,
            Self::Allowed(allowed) => allowed,
            Self::Swapped(_) => true,
        }
    }

    fn is_untracked(self) -> bool {
        matches!(self, Self::Decision(UNTRACKED) | Self::Allowed(false))
    }
}
