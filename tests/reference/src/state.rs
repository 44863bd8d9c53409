//! What the limiter knows, and what of it a request concerns.

use std::collections::HashMap;

use crate::decision::Refusal;
use crate::endpoint;
use crate::history::{Credit, History};
use crate::law;
use crate::names::Names;
use crate::policy::{Policy, Rule, Unmatched};
use crate::receipt::{Charge, Key, Pool, Receipt};
use crate::routes::{Matched, Routes};
use crate::window::Window;

const MERCHANT_BYTES_MAX: usize = 1_024;

#[derive(Debug)]
pub struct State {
    policy: Policy,
    routes: Routes,
    names: Names,
    /// The policy in force: 1 is the first.
    pub policy_version: u64,
    /// One history per pool and rule name. It outlives every policy.
    histories: HashMap<Key, History>,
}

/// One request as the policy sees it.
pub enum Governed {
    Exempt,
    Unmatched { allowed: bool },
    By(Vec<Governing>),
}

/// One governing rule with all that its windows need to decide.
pub struct Governing {
    pub rule: Rule,
    pub history: History,
    /// Units that the request takes from this rule.
    pub n: i128,
    /// The tick at which this rule's history is judged.
    pub t: i128,
    key: Key,
}

impl State {
    pub fn new(policy: Policy) -> State {
        let mut names = Names::default();
        names.note(&policy);
        State {
            routes: Routes::of(&policy),
            policy,
            names,
            policy_version: 1,
            histories: HashMap::new(),
        }
    }

    pub fn swap(&mut self, policy: Policy) {
        self.names.note(&policy);
        self.routes = Routes::of(&policy);
        self.policy = policy;
        self.policy_version += 1;
    }

    pub fn govern(
        &self,
        clock_tick: i128,
        merchant: &[u8],
        endpoint: &str,
        cost: u64,
    ) -> Result<Governed, Refusal> {
        if merchant.is_empty() || merchant.len() > MERCHANT_BYTES_MAX {
            return Err(Refusal::InvalidMerchant);
        }
        if cost == 0 {
            return Err(Refusal::InvalidCost);
        }
        let for_all = self.rules_for_all();
        let matched = self.matched(endpoint, for_all.is_empty())?;
        let Matched::Rules(matched) = matched else {
            return Ok(Governed::Exempt);
        };
        let unmatched = matched.is_empty() && !endpoint.is_empty();
        if unmatched && self.policy.unmatched == Unmatched::Deny {
            return Ok(Governed::Unmatched { allowed: false });
        }
        if unmatched && for_all.is_empty() {
            return Ok(Governed::Unmatched { allowed: true });
        }
        let in_order = for_all.into_iter().chain(matched);
        let governing = in_order.map(|index| self.governing(clock_tick, merchant, index, cost));
        Ok(Governed::By(governing.collect()))
    }

    fn rules_for_all(&self) -> Vec<usize> {
        let rules = &self.policy.rules;
        (0..rules.len())
            .filter(|i| rules[*i].is_for_all())
            .collect()
    }

    /// The endpoint rules; none for the empty text, which means the merchant
    /// alone and so needs a rule for all.
    fn matched(&self, endpoint: &str, nothing_for_all: bool) -> Result<Matched, Refusal> {
        if endpoint.is_empty() && !nothing_for_all {
            return Ok(Matched::Rules(Vec::new()));
        }
        let endpoint = endpoint::parse(endpoint).ok_or(Refusal::InvalidEndpoint)?;
        Ok(self.routes.matched(&endpoint))
    }

    fn governing(&self, clock_tick: i128, merchant: &[u8], index: usize, cost: u64) -> Governing {
        let rule = self.policy.rules[index].clone();
        let key = Key::new(&rule, merchant);
        let history = self.histories.get(&key).cloned().unwrap_or_default();
        Governing {
            n: i128::from(cost.saturating_mul(rule.cost)),
            t: history.judged_at(rule.precision, clock_tick),
            rule,
            history,
            key,
        }
    }

    /// Charges each rule, in the stored history and in the copy at hand.
    pub fn charge(&mut self, rules: &mut [Governing]) -> Receipt {
        let charges = rules.iter_mut().map(|governing| {
            governing.history.charge(governing.n, governing.t);
            self.histories
                .insert(governing.key.clone(), governing.history.clone());
            Charge {
                key: governing.key.clone(),
                units: governing.n,
                stamp: governing.t,
                horizon: self.names.horizon(&governing.key.rule),
                resets: governing.history.resets,
            }
        });
        Receipt {
            charges: charges.collect(),
        }
    }

    /// Lends what was charged, but not to a key that was reset since.
    pub fn refund(&mut self, clock_tick: i128, receipt: Receipt) {
        for charge in receipt.charges {
            let refund = Credit {
                units: charge.units,
                oldest: charge.stamp,
                horizon: charge.horizon,
            };
            let history = self.histories.entry(charge.key).or_default();
            if history.resets == charge.resets {
                history.lend(refund, clock_tick);
            }
        }
    }

    /// Resets one rule's key, and what all merchants share under its name; or,
    /// where no rule is named, every key of the merchant's own.
    pub fn reset(&mut self, merchant: &[u8], rule: Option<&str>) {
        let own = Pool::Merchant(merchant.to_vec());
        let concerns = |key: &Key| match rule {
            Some(name) => key.rule == name && (key.pool == own || key.pool == Pool::All),
            None => key.pool == own,
        };
        for (key, history) in &mut self.histories {
            if concerns(key) {
                history.reset();
            }
        }
    }
}

impl Governing {
    pub fn never_fits(&self) -> bool {
        self.n > self.rule.tightest().limit
    }

    /// The window that holds the request back longest as judged at `t`, and until
    /// which tick.
    pub fn block(&self, t: i128) -> Option<(Window, i128)> {
        law::block(&self.history, &self.rule.windows, self.n, t)
    }

    pub fn remaining(&self, window: Window) -> i128 {
        law::remaining(&self.history, window, self.t)
    }

    pub fn resets_at(&self, window: Window) -> i128 {
        law::resets_at(&self.history, window, self.t)
    }
}
