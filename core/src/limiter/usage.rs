//! Who uses how much: statistics of rules and keys.
//!
//! Rules are counted always, in a shard for each thread. Keys are walked over
//! without stopping anybody: what is reported of each is consistent by itself, the
//! report as a whole is not of one instant.

use std::cell::RefCell;
use std::collections::BinaryHeap;

use super::Limiter;
use super::active::Active;
use super::request::{Merchant, check_merchant};
use super::tables::Tables;
use crate::decision::{RuleId, WindowStatus};
use crate::error::{Error, shown};
use crate::log::{Ask, Query, Standings};
use crate::sync::Shards;
use crate::table::{Found, Key, Kind, Table, Tally};
use crate::time::Now;
use crate::window::Precision;

/// What became of the requests that a rule governed, since the limiter was built.
///
/// A request of several rules is counted by each of them if it was admitted, and
/// by those that denied it if it was denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RuleUsage {
    /// Requests admitted and charged.
    pub admitted: u64,
    /// Units charged; refunds are not subtracted.
    pub units: u64,
    /// Requests denied because a window of this rule was full.
    pub denied: u64,
    /// Requests whose key found no room.
    pub untracked: u64,
}

/// How much a key, one rule of one merchant, uses at the moment.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct KeyUsage {
    /// The rule.
    pub rule: RuleId,
    /// The merchant; empty for a rule with `per = "all"`.
    pub merchant: Vec<u8>,
    /// How each window of the rule stands.
    pub windows: Vec<WindowStatus>,
    /// Statistics since the key got its place in the table; `None` unless
    /// [`LimiterBuilder::key_counters`](crate::LimiterBuilder::key_counters).
    pub counters: Option<KeyCounters>,
}

/// Statistics of one key since it got its place in the table, which it loses when
/// it was idle for longer than the longest window. Requests that race with its first one may
/// be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyCounters {
    /// Requests admitted.
    pub admitted: u64,
    /// Requests denied because a window of this key was full.
    pub denied: u64,
    /// The most units that counted at once in the window that was tightest.
    pub peak: u64,
}

impl KeyUsage {
    /// The used part of the window that is used most: 0 unused, 1 full; more
    /// where a limit was lowered.
    pub fn utilisation(&self) -> f64 {
        let used = self
            .windows
            .iter()
            .map(|w| f64::from(w.live) / f64::from(w.window.limit));
        used.fold(0.0, f64::max)
    }
}

#[derive(Clone, Copy)]
#[repr(usize)]
pub(super) enum Count {
    Admitted,
    /// Units beyond one a request.
    FurtherUnits,
    Denied,
    Untracked,
}

/// The numbers behind a [`RuleUsage`].
#[derive(Default)]
pub(crate) struct RuleCounts(Shards<4>);

impl RuleCounts {
    #[inline(always)]
    pub(super) fn count(&self, count: Count) {
        self.0.add(count as usize, 1);
    }

    #[inline(always)]
    pub(super) fn count_answer(&self, admitted: bool, units: u32) {
        match admitted {
            true => self.count_admission(units),
            false => self.count(Count::Denied),
        }
    }

    #[inline(always)]
    fn count_admission(&self, units: u32) {
        self.count(Count::Admitted);
        if units > 1 {
            self.0.add(Count::FurtherUnits as usize, (units - 1).into());
        }
    }

    fn usage(&self) -> RuleUsage {
        let sum = |count: Count| self.0.sum(count as usize);
        RuleUsage {
            admitted: sum(Count::Admitted),
            units: sum(Count::Admitted) + sum(Count::FurtherUnits),
            denied: sum(Count::Denied),
            untracked: sum(Count::Untracked),
        }
    }
}

impl From<Tally> for KeyCounters {
    fn from(tally: Tally) -> Self {
        Self {
            admitted: tally.admitted,
            denied: tally.denied,
            peak: tally.peak,
        }
    }
}

impl Limiter {
    /// What became of the requests that a rule governed. The numbers are summed
    /// while others count: that of requests is right for some moment of the call, that of
    /// units may hold a part of a request that is counted meanwhile.
    pub fn rule_usage(&self, rule: RuleId) -> Option<RuleUsage> {
        let active = self.active.load();
        active.counts(rule).map(|counts| counts.usage())
    }

    /// How much a merchant uses of a rule in force at the moment; `None` if it
    /// has no key, because it has no units that count.
    ///
    /// # Errors
    /// [`Error::InvalidMerchant`], [`Error::UnknownRule`].
    pub fn key_usage(
        &self,
        merchant: impl AsRef<[u8]>,
        rule: &str,
    ) -> Result<Option<KeyUsage>, Error> {
        let merchant = merchant.as_ref();
        check_merchant(merchant)?;
        let active = self.active.load();
        let found = active.rule_by_name(rule);
        let found = found.ok_or_else(|| Error::UnknownRule { name: shown(rule) })?;
        let Merchant { name, hash } = Merchant::new(merchant, &self.hashing);
        let (key, name) = (found.key(hash), found.owner_name(name));
        Ok(match (found.rule.precision, self.tables.bucketed()) {
            (Precision::Exact, _) => self.usage_of_key(&self.tables.exact, &active, key, name),
            (Precision::Bucketed, table) => {
                table.and_then(|table| self.usage_of_key(table, &active, key, name))
            }
        })
    }

    /// All keys of rules in force, in no order; a walk over the whole table that
    /// goes on as the iterator does. Empty unless names are kept (see
    /// [`LimiterBuilder::names`](crate::LimiterBuilder::names)).
    pub fn usage(&self) -> impl Iterator<Item = KeyUsage> + '_ {
        let active = self.active.load_full();
        let Tables { exact, .. } = &self.tables;
        let bucketed = self.tables.bucketed();
        let slots = exact.slots() + bucketed.map_or(0, Table::slots);
        (0..slots).filter_map(
            move |slot| match (slot.checked_sub(exact.slots()), bucketed) {
                (Some(slot), Some(table)) => self.usage_in(table, &active, slot),
                _ => self.usage_in(exact, &active, slot),
            },
        )
    }

    fn usage_in<K: Kind>(
        &self,
        table: &Table<K>,
        active: &Active,
        slot: usize,
    ) -> Option<KeyUsage> {
        let found = table.named(slot)?;
        let named = self.is_named(active, &found);
        named.then(|| self.usage_of(table, active, found)).flatten()
    }

    fn usage_of_key<K: Kind>(
        &self,
        table: &Table<K>,
        active: &Active,
        key: Key,
        name: &[u8],
    ) -> Option<KeyUsage> {
        self.usage_of(table, active, table.find(key, name)?)
    }

    /// The `n` keys that use most of their limit ([`KeyUsage::utilisation`]),
    /// beginning with the fullest: a walk over the whole table, which stops
    /// nobody. `n` keys are held in memory at a time.
    pub fn top(&self, n: usize) -> Vec<KeyUsage> {
        let mut fullest = BinaryHeap::new();
        for usage in self.usage() {
            fullest.push(Ranked(usage));
            if fullest.len() > n {
                fullest.pop();
            }
        }
        let ranked = fullest.into_sorted_vec();
        ranked.into_iter().map(|Ranked(usage)| usage).collect()
    }

    /// Whether a record is that of the key which stands in its slot.
    fn is_named(&self, active: &Active, found: &Found) -> bool {
        active.rule_by_id(found.rule).is_some_and(|rule| {
            let key = Key::new(found.rule, rule.hash, self.hashing.merchant(&found.name));
            found.word.names(key.fingerprint)
        })
    }

    fn usage_of<K: Kind>(
        &self,
        table: &Table<K>,
        active: &Active,
        found: Found,
    ) -> Option<KeyUsage> {
        let of_active = active.rule_by_id(found.rule)?;
        let rule = &of_active.rule;
        let standings = RefCell::new(Standings::new());
        let query = Query {
            name: &found.name,
            windows: &rule.windows,
            widths: of_active.shifts.widths(),
            horizons: &of_active.horizons,
            cost: 1,
            ask: Ask::Peek,
            detail: false,
            standings: Some(&standings),
        };
        let answer = table.ask_found(&found, &query, Now::Live(&self.clock))?;
        let status = |(standing, blocks): (_, bool)| {
            WindowStatus::new(
                of_active.id,
                &rule.windows,
                standing,
                blocks,
                answer.now,
                &self.clock,
            )
        };
        Some(KeyUsage {
            rule: of_active.id,
            windows: standings.into_inner().into_iter().map(status).collect(),
            counters: table.tallied(found.slot).map(KeyCounters::from),
            merchant: found.name,
        })
    }
}

/// Ordered so that the heap's greatest, which is dropped first, is used least.
struct Ranked(KeyUsage);

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.0.utilisation().total_cmp(&self.0.utilisation())
    }
}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}
