//! What a timeline knows of its keys by itself: enough to keep clock steps, swaps
//! and resets to what the reference answers for, and to count what was reached.

use std::collections::HashMap;

use super::policies::{PolicySpec, RULES};

/// A rule's place among [`RULES`], and the merchant unless all share the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct KeyId {
    pub rule: usize,
    pub merchant: Option<u8>,
}

impl KeyId {
    pub fn new(policy: &PolicySpec, rule: usize, merchant: u8) -> Self {
        let per_all = policy.rules[rule].as_ref().is_some_and(|r| r.per_all);
        Self {
            rule,
            merchant: (!per_all).then_some(merchant),
        }
    }
}

/// What one key was charged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Charged {
    pub key: KeyId,
    pub stamp: u64,
    resets: u64,
}

#[derive(Debug, Default)]
struct History {
    /// The newest stamp; 0 if there is none since the last reset.
    newest: u64,
    /// Units since the key was idle or reset last: all in one ring.
    units: u64,
    resets: u64,
    /// Whether it was ever idle since it was charged last, so that its slot may
    /// be another's.
    was_idle: bool,
}

/// Units after which a ring's count has certainly wrapped: its 13 bits.
const COUNTS: u64 = 1 << 13;

#[derive(Debug, Default)]
pub(super) struct Keys {
    histories: HashMap<KeyId, History>,
    /// The longest window that each rule had.
    horizons: [u64; RULES.len()],
    /// The latest stamps, to aim at the edges of windows.
    stamps: Vec<u64>,
    /// Before this tick the clock never steps: a key that was evicted, or reset,
    /// would count again there for the reference.
    floor: u64,
    /// How often a ring's count has wrapped at the least.
    pub wraps: u64,
    /// The most units that were in one ring.
    pub most_units: u64,
}

const STAMPS: usize = 16;

impl Keys {
    pub fn has_had(&self, rule: usize) -> bool {
        self.horizons[rule] > 0
    }

    /// The longest window of all rules so far.
    pub fn retention(&self) -> u64 {
        self.horizons.into_iter().max().unwrap_or(0)
    }

    /// Whether a policy asks for units that may have been let go of.
    pub fn is_lengthened_by(&self, policy: &PolicySpec) -> bool {
        let known = |rule: &usize| self.has_had(*rule);
        let mut rules = (0..RULES.len()).filter(known);
        rules.any(|rule| policy.horizon(rule) > self.horizons[rule])
    }

    pub fn take_policy(&mut self, policy: &PolicySpec) {
        for (rule, horizon) in self.horizons.iter_mut().enumerate() {
            *horizon = policy.horizon(rule).max(*horizon);
        }
    }

    pub fn charge(&mut self, key: KeyId, units: u64, tick: u64) -> Charged {
        let retention = self.retention();
        let history = self.histories.entry(key).or_default();
        if history.newest > 0 && history.newest + retention <= tick {
            self.floor = self.floor.max(history.newest + retention);
            history.units = 0;
        }
        history.was_idle = false;
        history.newest = history.newest.max(tick);
        let laps = history.units / COUNTS;
        history.units += units;
        self.wraps += history.units / COUNTS - laps;
        self.most_units = self.most_units.max(history.units);
        if self.stamps.len() == STAMPS {
            self.stamps.remove(0);
        }
        self.stamps.push(history.newest);
        Charged {
            key,
            stamp: history.newest,
            resets: history.resets,
        }
    }

    /// Whether a refund of the charge lends anything at `tick`.
    pub fn counts(&self, charged: &Charged, tick: u64) -> bool {
        let resets = self.histories.get(&charged.key).map_or(0, |h| h.resets);
        resets == charged.resets && charged.stamp + self.horizons[charged.key.rule] > tick
    }

    /// Forgets the keys of a merchant under one rule or under all. Returns how
    /// many of them had a slot at the least and at the most.
    pub fn reset(&mut self, merchant: u8, rule: Option<usize>, latest: u64) -> [usize; 2] {
        self.settle_floor(latest);
        let [mut least, mut most] = [0; 2];
        for (key, history) in &mut self.histories {
            let concerns = match rule {
                Some(rule) => key.rule == rule && key.merchant.is_none_or(|m| m == merchant),
                None => key.merchant == Some(merchant),
            };
            if concerns {
                most += usize::from(history.newest > 0);
                least += usize::from(history.newest > 0 && !history.was_idle);
                *history = History {
                    resets: history.resets + 1,
                    ..History::default()
                };
            }
        }
        [least, most]
    }

    /// Forbids the clock to step back before `tick`.
    pub fn raise_floor(&mut self, tick: u64) {
        self.floor = self.floor.max(tick);
    }

    /// The earliest tick to which the clock may step back, given the latest.
    /// Call it before the retention changes, too.
    pub fn settle_floor(&mut self, latest: u64) -> u64 {
        let retention = self.retention();
        for history in self.histories.values_mut() {
            let idle_from = history.newest + retention;
            if history.newest > 0 && idle_from <= latest {
                history.was_idle = true;
                self.floor = self.floor.max(idle_from);
            }
        }
        self.floor
    }

    /// One of the latest stamps.
    pub fn stamp(&self, pick: u16) -> Option<u64> {
        let count = self.stamps.len();
        self.stamps.get(usize::from(pick) % count.max(1)).copied()
    }

    /// A key that has units, with its newest stamp.
    pub fn newest(&self, pick: u16) -> Option<(KeyId, u64)> {
        let charged = self.histories.iter().filter(|(_, h)| h.newest > 0);
        let mut charged: Vec<(KeyId, u64)> = charged.map(|(key, h)| (*key, h.newest)).collect();
        charged.sort_unstable_by_key(|(key, newest)| (*newest, key.rule, key.merchant));
        charged
            .get(usize::from(pick) % charged.len().max(1))
            .copied()
    }
}
