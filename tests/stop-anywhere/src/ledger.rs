//! What the limiter must answer: a list of everything that was admitted, walked
//! from end to end for every question. It shares no code with the engine.

use std::time::Duration;

/// The length of every rule's window.
pub const WINDOW: Duration = Duration::from_secs(60);
/// After so long without a charge a key may be evicted.
pub const IDLE: Duration = WINDOW.saturating_add(Duration::from_millis(1));
const WINDOW_NS: u64 = WINDOW.as_nanos() as u64;
/// The engine's unit of time.
pub const TICK: Duration = Duration::from_micros(1);

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

/// Marks the units that a receipt is for.
pub type Tag = u8;
/// Nobody has a receipt.
pub const NOBODYS: Tag = 0;
/// The receipt that the victim refunds.
pub const PREPARED: Tag = 1;
/// The receipt that others refund.
pub const OTHERS: Tag = 2;
/// What the victim charges.
pub const VICTIMS: Tag = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Charge {
    rule: usize,
    merchant: Merchant,
    at_ns: u64,
    units: u32,
    tag: Tag,
    /// A reset has made it uncounted.
    wiped: bool,
}

impl Charge {
    fn is_of(&self, rule: usize, merchant: Merchant) -> bool {
        self.rule == rule && self.merchant == merchant
    }

    fn counts(&self, at_ns: u64) -> bool {
        !self.wiped && self.at_ns + WINDOW_NS > at_ns
    }
}

/// Capacity lent by refunds until the oldest refunded unit leaves the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Loan {
    rule: usize,
    merchant: Merchant,
    units: u32,
    oldest_ns: u64,
}

impl Loan {
    fn counts(&self, at_ns: u64) -> bool {
        self.oldest_ns + WINDOW_NS > at_ns
    }
}

/// Everything that was admitted, and what was lent back of it.
#[derive(Debug, Clone)]
pub struct Ledger {
    rules: Vec<Rule>,
    charges: Vec<Charge>,
    /// At most one for each rule and merchant.
    loans: Vec<Loan>,
}

impl Ledger {
    pub fn new(rules: &[Rule]) -> Self {
        Self {
            rules: rules.to_vec(),
            charges: Vec::new(),
            loans: Vec::new(),
        }
    }

    /// Puts other limits into force; what was admitted stays.
    pub fn swap(&mut self, rules: &[Rule]) {
        self.rules = rules.to_vec();
    }

    pub fn all_rules(&self) -> Vec<usize> {
        (0..self.rules.len()).collect()
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
    pub fn check(&mut self, request: Request, now_ns: u64, tag: Tag) -> Answer {
        let answer = self.answer(request, now_ns, request.cost);
        if answer.allowed {
            for rule in self.governing(request) {
                self.charge(rule, request, now_ns, tag);
            }
        }
        answer
    }

    /// Whether one rule alone has room for a request.
    pub fn has_room(&self, rule: usize, request: Request, now_ns: u64) -> bool {
        self.retry_at(rule, request, now_ns) == now_ns
    }

    /// Charges one rule alone.
    pub fn charge(&mut self, rule: usize, request: Request, at_ns: u64, tag: Tag) {
        self.charges.push(Charge {
            rule,
            merchant: request.merchant,
            at_ns,
            units: request.cost,
            tag,
            wiped: false,
        });
    }

    /// Lends back at `now_ns` what stands in one rule under a tag, and takes the tag
    /// off; whether any of it still counted.
    pub fn lend(&mut self, rule: usize, tag: Tag, now_ns: u64) -> bool {
        let mut refunded = Vec::new();
        for charge in &mut self.charges {
            if charge.rule == rule && charge.tag == tag {
                charge.tag = NOBODYS;
                refunded.push(*charge);
            }
        }
        refunded.retain(|c| c.counts(now_ns));
        for charge in &refunded {
            self.lend_charge(charge, now_ns);
        }
        !refunded.is_empty()
    }

    fn lend_charge(&mut self, charge: &Charge, now_ns: u64) {
        let key = |l: &Loan| l.rule == charge.rule && l.merchant == charge.merchant;
        let old = self.loans.iter().position(key);
        let old = old.map(|place| self.loans.remove(place));
        let old = old.filter(|loan| loan.counts(now_ns));
        self.loans.push(Loan {
            rule: charge.rule,
            merchant: charge.merchant,
            units: charge.units + old.map_or(0, |loan| loan.units),
            oldest_ns: old.map_or(charge.at_ns, |loan| loan.oldest_ns.min(charge.at_ns)),
        });
    }

    /// Whether units under a tag were young enough at `at_ns` to be refunded, even
    /// if they were wiped later.
    pub fn was_young(&self, rule: usize, tag: Tag, at_ns: u64) -> bool {
        let is = |c: &Charge| c.rule == rule && c.tag == tag && c.at_ns + WINDOW_NS > at_ns;
        self.charges.iter().any(is)
    }

    /// Makes a merchant's history under one rule as if it had never been; whether
    /// anything counted.
    pub fn wipe(&mut self, rule: usize, merchant: Merchant, now_ns: u64) -> bool {
        let counted = self.live(rule, merchant, now_ns) > 0;
        for charge in &mut self.charges {
            charge.wiped |= charge.is_of(rule, merchant);
        }
        let other = |l: &Loan| l.rule != rule || l.merchant != merchant;
        self.loans.retain(other);
        counted
    }

    /// Whether nothing counted at some instant within the span: then a reset that
    /// was under way may have had its effect there, which is none.
    pub fn was_idle(&self, rule: usize, merchant: Merchant, span: (u64, u64)) -> bool {
        let charges = || self.charges.iter().filter(|c| c.is_of(rule, merchant));
        let counts = |c: &Charge, at: u64| c.at_ns < at && c.counts(at);
        let ends = charges().map(|c| c.at_ns + WINDOW_NS);
        let within = |at: &u64| (span.0..=span.1).contains(at);
        let mut instants = ends.chain([span.0]).filter(within);
        instants.any(|at| !charges().any(|c| counts(c, at)))
    }

    /// The latest stamp of the keys that a request charges; 0 if there is none.
    pub fn newest(&self, request: Request) -> u64 {
        let governing = self.governing(request);
        let is = |c: &&Charge| c.merchant == request.merchant && governing.contains(&c.rule);
        let stamps = self.charges.iter().filter(is).map(|c| c.at_ns);
        stamps.max().unwrap_or(0)
    }

    /// The instants from which a key may hold back a clock that stands at
    /// `from_ns`: every later stamp, and the tick after it, at which a key is born
    /// that takes its slot.
    pub fn instants(&self, from_ns: u64) -> Vec<u64> {
        let tick_ns = TICK.as_nanos() as u64;
        let stamps = self.charges.iter().map(|c| c.at_ns);
        let stamps = stamps.flat_map(|at| [at, at + tick_ns]);
        let mut instants: Vec<_> = stamps.filter(|&at| at > from_ns).collect();
        instants.push(from_ns);
        instants.sort_unstable();
        instants.dedup();
        instants
    }

    /// Units of a merchant that count under one rule.
    fn live(&self, rule: usize, merchant: Merchant, at_ns: u64) -> u32 {
        let counts = |c: &&Charge| c.is_of(rule, merchant) && c.counts(at_ns);
        self.charges.iter().filter(counts).map(|c| c.units).sum()
    }

    /// Units that one rule may hold of a merchant: its limit and what is lent.
    fn limit(&self, rule: usize, merchant: Merchant, at_ns: u64) -> u32 {
        let lent = |l: &&Loan| l.rule == rule && l.merchant == merchant && l.counts(at_ns);
        let lent: u32 = self.loans.iter().filter(lent).map(|l| l.units).sum();
        self.rules[rule].limit + lent
    }

    /// The first instant at which one rule has room for the request.
    fn retry_at(&self, rule: usize, request: Request, now_ns: u64) -> u64 {
        let merchant = request.merchant;
        let fits = |at: &u64| {
            self.live(rule, merchant, *at) + request.cost <= self.limit(rule, merchant, *at)
        };
        if fits(&now_ns) {
            return now_ns;
        }
        let leaving = self.charges.iter().map(|c| c.at_ns + WINDOW_NS);
        let later = leaving.filter(|&at| at > now_ns && fits(&at)).min();
        later.unwrap_or(u64::MAX)
    }

    fn answer(&self, request: Request, now_ns: u64, charged: u32) -> Answer {
        let governing = self.governing(request);
        let left = |rule: usize| {
            let live = self.live(rule, request.merchant, now_ns);
            self.limit(rule, request.merchant, now_ns)
                .saturating_sub(live)
        };
        let (mut at, mut binding) = (now_ns, None);
        // A loan may end before the instant at which another rule has room.
        loop {
            let retries = governing.iter().rev();
            let retries = retries.map(|&rule| (self.retry_at(rule, request, at), rule));
            // The latest retry binds; among equals the earlier rule.
            match retries.max_by_key(|&(retry, _)| retry) {
                Some((retry, rule)) if retry > at => (at, binding) = (retry, Some(rule)),
                _ => break,
            }
        }
        match binding {
            Some(rule) => Answer {
                allowed: false,
                remaining: Some(left(rule)),
                retry_after_ns: at - now_ns,
            },
            None => Answer {
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
        assert_eq!(
            ledger.check(request("GET /a", 3), 10, NOBODYS).remaining,
            Some(0)
        );
        let denied = ledger.check(request("GET /a", 1), 30, NOBODYS);
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
            assert!(ledger.check(request("", 1), at_ns, NOBODYS).allowed);
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
    fn what_is_lent_ends_with_the_oldest_refunded_unit() {
        let mut ledger = Ledger::new(&RULES[..1]);
        let _ = ledger.check(request("", 2), 10, PREPARED);
        let _ = ledger.check(request("", 3), 30, OTHERS);
        assert!(ledger.lend(0, PREPARED, 40));
        assert_eq!(ledger.peek(request("", 1), 40).remaining, Some(2));
        assert!(ledger.lend(0, OTHERS, 50));
        assert_eq!(ledger.peek(request("", 1), 50).remaining, Some(5));
        let end = 10 + WINDOW_NS;
        assert_eq!(ledger.peek(request("", 1), end).remaining, Some(2));
        assert!(!ledger.lend(0, PREPARED, 60), "a receipt is good once");
    }

    #[test]
    fn the_retry_instant_is_one_at_which_no_loan_has_ended() {
        let mut ledger = Ledger::new(&RULES);
        ledger.charge(1, request("GET /a", 3), 40, NOBODYS);
        ledger.charge(0, request("GET /a", 4), 10, PREPARED);
        ledger.charge(0, request("GET /a", 5), 50, NOBODYS);
        ledger.lend(0, PREPARED, 60);
        // Rule 1 has room from 40 on; by then rule 0 holds five and is lent none.
        let answer = ledger.peek(request("GET /a", 1), 60);
        assert_eq!(answer.retry_after_ns, 50 + WINDOW_NS - 60);
    }

    #[test]
    fn what_is_wiped_counts_no_more_and_is_not_lent() {
        let mut ledger = Ledger::new(&RULES[..1]);
        let _ = ledger.check(request("", 2), 10, PREPARED);
        assert!(!ledger.was_idle(0, 1, (20, 30)));
        assert!(ledger.was_idle(0, 1, (20, 10 + WINDOW_NS)));
        assert!(ledger.wipe(0, 1, 30) && ledger.was_idle(0, 1, (30, 30)));
        assert!(ledger.was_young(0, PREPARED, 30) && !ledger.lend(0, PREPARED, 30));
        assert_eq!(ledger.peek(request("", 1), 30).remaining, Some(5));
    }
}
