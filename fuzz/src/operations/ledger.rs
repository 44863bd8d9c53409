//! What was admitted, noted independently of engine and reference, and what
//! follows from it: which keys the tables hold, and where the two may differ.
//!
//! Exact and bucketed keys stand in tables of their own, and each table keeps idle
//! keys for the longest window of its own rules.

use std::collections::BTreeMap;

use slidegate::Precision;

use super::policies::{Policy, Rule};
use super::span::{QUANTUM, Span};

/// Whose pool it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Merchant(u8),
    All,
}

/// What one rule counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId {
    owner: Owner,
    rule: &'static str,
    /// A name keeps its precision.
    is_bucketed: bool,
}

/// What one key was charged by a request.
#[derive(Debug, Clone, Copy)]
pub struct Charged {
    key: KeyId,
    serial: u64,
    stamp: u64,
    resets: u64,
}

/// One admission, without what was refunded.
struct Admission {
    serial: u64,
    stamp: u64,
    units: u64,
}

/// One key's admissions.
#[derive(Default)]
struct Account {
    /// Ascending by stamp.
    admitted: Vec<Admission>,
    /// Until when, at the latest, the table must keep the key.
    kept_until: u64,
    /// The tick from which engine and reference agree on the key again.
    doubt_until: u64,
    resets: u64,
}

/// What is known of one table.
#[derive(Debug, Clone, Copy, Default)]
struct Table {
    /// For how long it keeps idle keys.
    retention: Span,
    /// The latest tick by which keys were idle that may have been evicted.
    evicted_at: u64,
}

/// For how many ticks more than its rules need a table keeps idle keys, so that no
/// clock that is behind misses one.
const SKEW: u64 = 1_000;

/// The admissions of every key.
#[derive(Default)]
pub struct Ledger {
    accounts: BTreeMap<KeyId, Account>,
    /// Of exact keys, and of bucketed ones.
    tables: [Table; 2],
    /// For how long the units of each rule that there was count at the most.
    horizons: BTreeMap<&'static str, Span>,
    /// The window lengths that each bucketed rule came with first.
    lengths: BTreeMap<&'static str, Vec<u64>>,
    /// The tick of the latest request that charges: no stamp lies after it.
    latest: u64,
    serials: u64,
}

/// Which table holds the rule's keys.
fn table_of(rule: &Rule) -> usize {
    usize::from(rule.precision == Precision::Bucketed)
}

impl KeyId {
    pub fn new(rule: &'static Rule, merchant: u8) -> Self {
        Self {
            owner: match rule.is_shared {
                true => Owner::All,
                false => Owner::Merchant(merchant),
            },
            rule: rule.name,
            is_bucketed: table_of(rule) == 1,
        }
    }

    /// Whether a reset of the merchant, under a rule or under all, means the key.
    fn is_reset_by(self, merchant: u8, rule: Option<&str>) -> bool {
        match (self.owner, rule) {
            (Owner::Merchant(owner), None) => owner == merchant,
            (Owner::All, None) => false,
            (Owner::Merchant(owner), Some(name)) => owner == merchant && self.rule == name,
            (Owner::All, Some(name)) => self.rule == name,
        }
    }

    fn table(self) -> usize {
        usize::from(self.is_bucketed)
    }
}

impl Account {
    fn newest(&self) -> u64 {
        self.admitted.last().map_or(0, |newest| newest.stamp)
    }

    /// Whether the table cannot have evicted the key.
    fn is_certain(&self, table: Table) -> bool {
        let newest = self.newest();
        newest != 0 && newest + table.retention.least > table.evicted_at
    }
}

impl Ledger {
    /// Takes note that the clock has passed all that counts, for good.
    pub fn pass_all(&mut self) {
        for account in self.accounts.values_mut() {
            account.admitted.clear();
        }
    }

    /// Takes note of a policy that comes into force.
    pub fn take_policy(&mut self, policy: &Policy) {
        for rule in policy.rules {
            let span = Span::longest(rule);
            let horizon = self.horizons.entry(rule.name).or_default();
            *horizon = horizon.max(span);
            if rule.precision == Precision::Bucketed {
                let lengths = self.lengths.entry(rule.name);
                lengths.or_insert_with(|| rule.lengths_ms().collect());
            }
            self.keep_for(table_of(rule), span);
        }
    }

    /// Takes note that a table keeps idle keys at least so long, those that stand in
    /// it idle included.
    fn keep_for(&mut self, table: usize, span: Span) {
        let retention = &mut self.tables[table].retention;
        let longer = retention.max(span);
        let more = longer.most - retention.most;
        *retention = longer;
        for (key, account) in &mut self.accounts {
            if key.table() == table && account.kept_until != 0 {
                account.kept_until += more;
            }
        }
    }

    /// For how long a unit may count, if the policy gives a rule, or a table, a
    /// longer window than it ever had.
    pub fn lengthened_by(&self, policy: &Policy) -> Option<u64> {
        let longer = |rule: &Rule| {
            let span = Span::longest(rule);
            let known = self.horizons.get(rule.name).copied().unwrap_or_default();
            let table = self.tables[table_of(rule)].retention;
            [known, table]
                .iter()
                .any(|had| (1..span.most).contains(&had.most))
        };
        let rules = policy.rules.iter();
        let spans = rules.clone().map(Span::longest);
        let spans = spans.chain(self.tables.iter().map(|table| table.retention));
        let longest = spans.map(|span| span.most).max();
        longest.filter(|_| rules.clone().any(longer))
    }

    /// Whether the policy may come into force: a bucketed rule gets no lengths but
    /// those that it came with.
    pub fn admits(&self, policy: &Policy) -> bool {
        let old = |rule: &Rule| {
            let first = self.lengths.get(rule.name);
            first.is_none_or(|first| rule.lengths_ms().all(|ms| first.contains(&ms)))
        };
        policy.rules.iter().all(old)
    }

    /// Whether any policy so far had a rule of the name.
    pub fn has_had(&self, rule: &str) -> bool {
        self.horizons.contains_key(rule)
    }

    /// A request that charges the keys was made at tick `t`; it may have evicted
    /// any key of their tables that was idle by then, and have put them in.
    pub fn charged_at(&mut self, t: u64, keys: &[KeyId]) {
        self.latest = self.latest.max(t);
        for key in keys {
            let table = &mut self.tables[key.table()];
            table.evicted_at = table.evicted_at.max(t.saturating_sub(SKEW));
            let account = self.accounts.entry(*key).or_default();
            account.kept_until = self.latest + table.retention.most + SKEW;
        }
    }

    /// Notes an admission at tick `t` and panics if it is one too many for a
    /// window of the rule. Refunded units leave room, as far as they still count.
    pub fn admit(&mut self, t: u64, key: KeyId, rule: &Rule, units: u64) -> Charged {
        let table = self.tables[key.table()];
        let account = self.accounts.entry(key).or_default();
        if !account.is_certain(table) {
            // It was evicted perhaps; a clock that steps back does not revive it.
            account.admitted.clear();
        }
        let stamp = t.max(account.newest());
        self.serials += 1;
        let serial = self.serials;
        account.admitted.push(Admission {
            serial,
            stamp,
            units,
        });
        for (limit, ms) in rule.windows {
            let length = Span::of(Precision::Exact, *ms).least;
            let counts = |a: &&Admission| a.stamp + length > stamp;
            let held: u64 = account
                .admitted
                .iter()
                .filter(counts)
                .map(|a| a.units)
                .sum();
            assert!(
                held <= u64::from(*limit),
                "{held} of {limit} in {ms} ms: {}",
                rule.name
            );
        }
        Charged {
            key,
            serial,
            stamp,
            resets: account.resets,
        }
    }

    /// Units that were given back count no more.
    pub fn refund(&mut self, charged: &Charged) {
        let account = self.accounts.entry(charged.key).or_default();
        let mut admitted = account.admitted.iter_mut();
        if let Some(refunded) = admitted.find(|a| a.serial == charged.serial) {
            refunded.units = 0;
        }
    }

    /// Whether a refund at tick `t` certainly lends something, and whether it may.
    pub fn lends(&self, charged: &Charged, t: u64) -> [bool; 2] {
        let resets = self.accounts.get(&charged.key).map_or(0, |a| a.resets);
        let horizon = self.horizons.get(charged.key.rule);
        let Span { least, most } = horizon.copied().unwrap_or_default();
        [least, most].map(|span| resets == charged.resets && charged.stamp + span > t)
    }

    /// Whether what was charged may have been evicted with its key, so that a clock
    /// that steps back before that finds nothing to lend.
    pub fn is_perhaps_evicted(&self, charged: &Charged) -> bool {
        let table = self.tables[charged.key.table()];
        charged.stamp + table.retention.least <= table.evicted_at
    }

    /// Forgets the keys of a merchant under one rule or under all. Returns how
    /// many had a slot, at the least and at the most, and whether any is bucketed.
    pub fn reset(&mut self, merchant: u8, rule: Option<&str>) -> ([usize; 2], bool) {
        let ([mut least, mut most], mut bucketed) = ([0; 2], false);
        for (key, account) in &mut self.accounts {
            if key.is_reset_by(merchant, rule) {
                least += usize::from(account.is_certain(self.tables[key.table()]));
                most += usize::from(account.kept_until != 0);
                bucketed |= key.is_bucketed;
                *account = Account {
                    resets: account.resets + 1,
                    ..Account::default()
                };
            }
        }
        ([least, most], bucketed)
    }

    /// Whether engine and reference must agree on a key at tick `t`.
    pub fn is_exact(&self, key: KeyId, t: u64) -> bool {
        let table = self.tables[key.table()];
        let slack = if key.is_bucketed { QUANTUM } else { 0 };
        // A slot's next key begins no earlier than its last one ended.
        let begins = t + table.retention.least > table.evicted_at + slack;
        let account = self.accounts.get(&key);
        begins && account.is_none_or(|account| account.is_exact(table, t))
    }

    /// Engine and reference may differ on the key until all that there is by tick
    /// `t` has left every window.
    pub fn doubt(&mut self, key: KeyId, t: u64) {
        let until = self.latest.max(t) + self.tables[key.table()].retention.most;
        self.accounts.entry(key).or_default().doubt_until = until;
    }

    /// Whether a request of the keys at tick `t` comes before one that may have
    /// evicted them.
    pub fn is_behind(&self, keys: &[KeyId], t: u64) -> bool {
        keys.iter()
            .any(|key| t < self.tables[key.table()].evicted_at)
    }

    /// How many keys the tables certainly hold: evicting one would lose units.
    pub fn certain_keys(&self) -> usize {
        let certain =
            |(key, account): &(&KeyId, &Account)| account.is_certain(self.tables[key.table()]);
        self.accounts.iter().filter(certain).count()
    }

    /// Whether the table of one of the keys may hold `count` keys at tick `t`
    /// without being able to evict one.
    pub fn may_be_full(&self, keys: &[KeyId], count: usize, t: u64) -> bool {
        let held = |bucketed: bool| {
            let kept = |(key, account): &(&KeyId, &Account)| {
                key.is_bucketed == bucketed && account.kept_until > t
            };
            self.accounts.iter().filter(kept).take(count).count()
        };
        keys.iter().any(|key| held(key.is_bucketed) == count)
    }

    /// How many keys there ever were.
    pub fn keys(&self) -> usize {
        self.accounts.len()
    }
}

impl Account {
    /// Not so if the key is in doubt, or has units that count at tick `t`, the
    /// clock having stepped back, though it may have been evicted.
    fn is_exact(&self, table: Table, t: u64) -> bool {
        let newest = self.newest();
        let forgotten = t < table.evicted_at
            && newest + table.retention.least <= table.evicted_at
            && newest + table.retention.most > t;
        t >= self.doubt_until && !forgotten
    }
}
