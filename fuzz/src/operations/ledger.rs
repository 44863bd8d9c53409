//! What was admitted, noted independently of engine and reference.

use std::collections::BTreeMap;

use super::policies::{RETENTION, Rule};

type Key = (u8, &'static str);

/// One key's admissions.
#[derive(Default)]
struct Account {
    /// Stamp, in ticks, and units; ascending.
    admitted: Vec<(u64, u64)>,
    /// Until when, at the latest, the table must keep the key.
    kept_until: u64,
}

/// The admissions of every key, a merchant and a rule.
#[derive(Default)]
pub struct Ledger {
    accounts: BTreeMap<Key, Account>,
    /// The latest tick at which a request may have evicted keys.
    evicted_at: u64,
}

impl Account {
    fn newest(&self) -> u64 {
        self.admitted.last().map_or(0, |(stamp, _)| *stamp)
    }
}

impl Ledger {
    /// A request that charges was made at tick `t`; it may have evicted any key
    /// that was idle by then, and have put its own keys into the table.
    pub fn charged_at(&mut self, t: u64, merchant: u8, rules: impl Iterator<Item = &'static Rule>) {
        self.evicted_at = self.evicted_at.max(t);
        for rule in rules {
            let account = self.accounts.entry((merchant, rule.name)).or_default();
            account.kept_until = self.evicted_at + RETENTION;
        }
    }

    /// The latest tick of a request that charges: no stamp lies after it.
    pub fn evicted_at(&self) -> u64 {
        self.evicted_at
    }

    /// Notes an admission at tick `t` and panics if it is one too many for a
    /// window of the rule.
    pub fn admit(&mut self, t: u64, merchant: u8, rule: &'static Rule, units: u64) {
        let forgotten = self.evicted_at;
        let account = self.accounts.entry((merchant, rule.name)).or_default();
        if account.newest() + RETENTION <= forgotten {
            // It was evicted perhaps; a clock that steps back does not revive it.
            account.admitted.clear();
        }
        let stamp = t.max(account.newest());
        account.admitted.push((stamp, units));
        for (limit, length_ms) in rule.windows {
            let counts = |(at, _): &&(u64, u64)| at + length_ms * 1_000 > stamp;
            let counting = account.admitted.iter().filter(counts);
            let held: u64 = counting.map(|(_, units)| units).sum();
            assert!(
                held <= *limit,
                "{held} of {limit} in {length_ms} ms: {}",
                rule.name
            );
        }
    }

    /// Whether the merchant has units that count at tick `t`, the clock having
    /// stepped back, though their key may have been evicted.
    pub fn may_have_forgotten(&self, t: u64, merchant: u8) -> bool {
        let of_merchant = self.accounts.range((merchant, "")..);
        let of_merchant = of_merchant.take_while(|((name, _), _)| *name == merchant);
        let mut stamps = of_merchant.map(|(_, account)| account.newest());
        stamps.any(|stamp| stamp + RETENTION <= self.evicted_at && stamp + RETENTION > t)
    }

    /// How many keys the table certainly holds: evicting one would lose units.
    pub fn certain_keys(&self) -> usize {
        let counts = |a: &&Account| a.newest() != 0 && a.newest() + RETENTION > self.evicted_at;
        self.accounts.values().filter(counts).count()
    }

    /// Whether the table may hold `keys` keys at tick `t` without being able to
    /// evict one.
    pub fn may_hold(&self, keys: usize, t: u64) -> bool {
        let kept = |account: &&Account| account.kept_until > t;
        self.accounts.values().filter(kept).take(keys).count() == keys
    }

    /// How many keys there ever were.
    pub fn keys(&self) -> usize {
        self.accounts.len()
    }
}
