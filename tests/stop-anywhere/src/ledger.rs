//! What the limiter must answer: a list of everything that was admitted, walked
//! from end to end for every question. It shares no code with the engine.

use std::time::Duration;

/// The length of every rule's window.
pub const WINDOW: Duration = Duration::from_secs(60);
const WINDOW_NS: u64 = WINDOW.as_nanos() as u64;

/// A merchant's name: one byte.
pub type Merchant = u8;

/// A rule of a case: at most `limit` units a minute on `route`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// `"*"` or an endpoint without parameters.
    pub route: &'static str,
    pub limit: u32,
}

impl Rule {
    fn governs(self, endpoint: &str) -> bool {
        self.route == "*" || self.route == endpoint
    }
}

/// One request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    pub merchant: Merchant,
    /// Empty: the merchant alone.
    pub endpoint: &'static str,
    pub cost: u32,
}

/// What is compared of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    pub allowed: bool,
    /// Of the binding window; `None` where the key found no room.
    pub remaining: Option<u32>,
    /// 0 unless denied.
    pub retry_after_ns: u64,
}

/// The answer to a request whose key found no room.
pub const UNTRACKED: Answer = Answer {
    allowed: false,
    remaining: None,
    retry_after_ns: 0,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Charge {
    rule: usize,
    merchant: Merchant,
    at_ns: u64,
    units: u32,
}

/// Everything that was admitted, in the order of its stamps.
#[derive(Debug, Clone)]
pub struct Ledger {
    rules: Vec<Rule>,
    charges: Vec<Charge>,
}

impl Ledger {
    pub fn new(rules: &[Rule]) -> Self {
        Self {
            rules: rules.to_vec(),
            charges: Vec::new(),
        }
    }

    /// Puts other limits into force; what was admitted stays.
    pub fn swap(&mut self, rules: &[Rule]) {
        self.rules = rules.to_vec();
    }

    /// The rules that govern a request, in the order in which they are charged.
    pub fn governing(&self, request: Request) -> Vec<usize> {
        let governs = |&rule: &usize| self.rules[rule].governs(request.endpoint);
        (0..self.rules.len()).filter(governs).collect()
    }

    /// What a peek says at `now_ns`.
    pub fn peek(&self, request: Request, now_ns: u64) -> Answer {
        self.answer(request, now_ns, 0)
    }

    /// What a check says at `now_ns`; charges every governing rule if it admits.
    pub fn check(&mut self, request: Request, now_ns: u64) -> Answer {
        let answer = self.answer(request, now_ns, request.cost);
        if answer.allowed {
            for rule in self.governing(request) {
                self.charge(rule, request, now_ns);
            }
        }
        answer
    }

    /// Whether one rule alone has room for a request.
    pub fn has_room(&self, rule: usize, request: Request, now_ns: u64) -> bool {
        self.retry_at(rule, request, now_ns) == now_ns
    }

    /// Charges one rule alone.
    pub fn charge(&mut self, rule: usize, request: Request, at_ns: u64) {
        self.charges.push(Charge {
            rule,
            merchant: request.merchant,
            at_ns,
            units: request.cost,
        });
    }

    /// Takes a charge of one rule alone back.
    pub fn take_back(&mut self, rule: usize, request: Request, at_ns: u64) {
        let charge = Charge {
            rule,
            merchant: request.merchant,
            at_ns,
            units: request.cost,
        };
        if let Some(place) = self.charges.iter().position(|c| *c == charge) {
            self.charges.remove(place);
        }
    }

    fn live(&self, rule: usize, merchant: Merchant, at_ns: u64) -> u32 {
        let counts =
            |c: &&Charge| c.rule == rule && c.merchant == merchant && c.at_ns + WINDOW_NS > at_ns;
        self.charges.iter().filter(counts).map(|c| c.units).sum()
    }

    /// The first instant at which one rule has room for the request.
    fn retry_at(&self, rule: usize, request: Request, now_ns: u64) -> u64 {
        let fits = |at: &u64| {
            self.live(rule, request.merchant, *at) + request.cost <= self.rules[rule].limit
        };
        let leaving = self.charges.iter().map(|c| c.at_ns + WINDOW_NS);
        let later = leaving.filter(|&at| at > now_ns && fits(&at)).min();
        if fits(&now_ns) {
            now_ns
        } else {
            later.unwrap_or(u64::MAX)
        }
    }

    fn answer(&self, request: Request, now_ns: u64, charged: u32) -> Answer {
        let governing = self.governing(request);
        let left = |rule: usize| {
            let live = self.live(rule, request.merchant, now_ns);
            self.rules[rule].limit.saturating_sub(live)
        };
        let retries = governing
            .iter()
            .map(|&rule| (self.retry_at(rule, request, now_ns), rule));
        // The latest retry binds; among equals the earlier rule.
        let binding = retries.rev().max_by_key(|&(retry, _)| retry);
        match binding {
            Some((retry, rule)) if retry > now_ns => Answer {
                allowed: false,
                remaining: Some(left(rule)),
                retry_after_ns: retry - now_ns,
            },
            _ => Answer {
                allowed: true,
                remaining: governing.into_iter().map(|rule| left(rule) - charged).min(),
                retry_after_ns: 0,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: [Rule; 2] = [
        Rule {
            route: "*",
            limit: 5,
        },
        Rule {
            route: "GET /a",
            limit: 3,
        },
    ];

    fn request(endpoint: &'static str, cost: u32) -> Request {
        Request {
            merchant: 1,
            endpoint,
            cost,
        }
    }

    #[test]
    fn rules_are_charged_together_and_leave_after_a_window() {
        let mut ledger = Ledger::new(&RULES);
        assert_eq!(ledger.check(request("GET /a", 3), 10).remaining, Some(0));
        let denied = ledger.check(request("GET /a", 1), 30);
        assert_eq!(denied.retry_after_ns, WINDOW_NS - 20);
        assert_eq!(ledger.peek(request("", 1), 30).remaining, Some(2));
        assert_eq!(
            ledger.peek(request("", 1), 10 + WINDOW_NS).remaining,
            Some(5)
        );
    }

    #[test]
    fn the_retry_instant_frees_enough_for_the_cost() {
        let mut ledger = Ledger::new(&RULES[..1]);
        for at_ns in [10, 20, 30] {
            assert!(ledger.check(request("", 1), at_ns).allowed);
        }
        assert_eq!(
            ledger.peek(request("", 4), 30).retry_after_ns,
            WINDOW_NS - 10
        );
        assert_eq!(
            ledger.peek(request("", 3), 30).retry_after_ns,
            WINDOW_NS - 20
        );
    }

    #[test]
    fn one_rule_may_be_charged_alone_and_taken_back() {
        let mut ledger = Ledger::new(&RULES);
        let whole = request("GET /a", 2);
        ledger.charge(0, whole, 10);
        assert_eq!(ledger.peek(request("", 1), 10).remaining, Some(3));
        assert!(ledger.has_room(1, request("GET /a", 3), 10));
        ledger.take_back(0, whole, 10);
        assert_eq!(ledger.peek(request("", 1), 10).remaining, Some(5));
    }
}
