//! What a timeline knows of its keys by itself: enough to keep clock steps, swaps
//! and resets to what the reference answers for, and to count what was reached.
//!
//! Exact and bucketed keys stand in tables of their own. Each table keeps idle keys
//! for the longest window that its own rules had.

use std::collections::{HashMap, VecDeque};

use super::policies::{PolicySpec, QUANTUM_TICKS, RULES, RuleSpec, leaves_at, quantum_of};
use crate::table::SKEW;
use crate::window::Precision;

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
    pub precision: Precision,
    pub stamp: u64,
    resets: u64,
}

#[derive(Debug, Default)]
struct History {
    /// The newest stamp; 0 if there is none since the last reset.
    newest: u64,
    /// Units since the key was idle or reset last: all in one log.
    units: u64,
    resets: u64,
    /// Whether it was ever idle since it was charged last, so that its slot may
    /// be another's.
    was_idle: bool,
    /// Stamps and units which count in the rule's longest window.
    held: VecDeque<(u64, u64)>,
    /// Till this tick the rule's longest window may show too few of the units that
    /// it held: they were more than a log can tell apart.
    uncertain_until: u64,
    /// Till this tick the rule's longest window may have held units that an exact log
    /// has forgotten, because they were more than it remembers.
    forgotten_until: u64,
}

/// Units that an exact log remembers at most.
const REMEMBERED: u64 = 4_096;

/// A rule as it was when its name first came into force, and since.
#[derive(Debug)]
struct Known {
    first: RuleSpec,
    /// The longest window so far, in ticks.
    horizon: u64,
}

impl Known {
    /// A name keeps its precision, and bucketed windows their lengths.
    fn admits(&self, rule: &RuleSpec) -> bool {
        let had = |ticks| self.first.has_length(ticks);
        rule.precision == self.first.precision
            && (rule.precision == Precision::Exact || rule.windows.iter().all(|w| had(w.ticks())))
    }
}

/// Units after which a log's count has certainly wrapped: its 13 bits, or 25.
fn counts(precision: Precision) -> u64 {
    match precision {
        Precision::Exact => 1 << 13,
        Precision::Bucketed => 1 << 25,
    }
}

#[derive(Debug, Default)]
pub(super) struct Keys {
    histories: HashMap<KeyId, History>,
    known: [Option<Known>; RULES.len()],
    /// The latest stamps, to aim at the edges of windows.
    stamps: VecDeque<u64>,
    /// Before this tick the clock never steps: a key that was evicted, or reset,
    /// would count again there for the reference.
    floor: u64,
    /// How often logs' counts have wrapped at the least, by kind.
    pub wraps: [u64; 2],
}

const STAMPS: usize = 16;

impl Keys {
    pub fn has_had(&self, rule: usize) -> bool {
        self.known[rule].is_some()
    }

    pub fn is_bucketed(&self, rule: usize) -> bool {
        self.precision(rule) == Some(Precision::Bucketed)
    }

    fn precision(&self, rule: usize) -> Option<Precision> {
        self.known[rule].as_ref().map(|known| known.first.precision)
    }

    fn horizon(&self, rule: usize) -> u64 {
        self.known[rule].as_ref().map_or(0, |known| known.horizon)
    }

    /// The longest window of a kind so far, of all rules; 0 if there was none.
    fn retention(&self, precision: Precision) -> u64 {
        let known = self.known.iter().flatten();
        let of_kind = known.filter(|known| known.first.precision == precision);
        of_kind.map(|known| known.horizon).max().unwrap_or(0)
    }

    /// The tick from which the unit with this stamp counts no more, for any rule.
    fn left_from(&self, precision: Precision, newest: u64) -> u64 {
        match self.retention(precision) {
            0 => newest,
            retention => leaves_at(precision, retention, newest),
        }
    }

    /// The tick from which a key may be evicted whose newest unit has this stamp.
    fn idle_from(&self, precision: Precision, newest: u64) -> u64 {
        self.left_from(precision, newest) + SKEW
    }

    /// The tick from which no key counts any more, given the latest.
    pub fn all_idle_from(&self, latest: u64) -> u64 {
        let kinds = [Precision::Exact, Precision::Bucketed];
        let idle = kinds.map(|precision| self.idle_from(precision, latest));
        idle[0].max(idle[1])
    }

    /// The first rule of a policy that counts in another way than its name did, or
    /// in buckets of other widths. Such a policy is refused.
    pub fn refuses(&self, policy: &PolicySpec) -> Option<usize> {
        (0..RULES.len()).find(|rule| {
            let (known, rule) = (&self.known[*rule], &policy.rules[*rule]);
            matches!((known, rule), (Some(known), Some(rule)) if !known.admits(rule))
        })
    }

    /// Till when a policy has to wait, because it asks for units which may have
    /// been let go of, or which were more than a log can tell apart.
    pub fn asks_from(&self, policy: &PolicySpec, former: &PolicySpec, latest: u64) -> u64 {
        let lengthened =
            |rule: &usize| self.has_had(*rule) && policy.horizon(*rule) > self.horizon(*rule);
        let lengthened = (0..RULES.len()).filter(lengthened);
        let lengthened = lengthened.map(|rule| latest + policy.horizon(rule));
        let returning = self.returning(policy, former);
        let uncertain = returning.map(|(history, _)| history.uncertain_until);
        match lengthened.max() {
            Some(until) => until.max(self.all_idle_from(latest)),
            None => uncertain.max().unwrap_or(0),
        }
    }

    /// How many windows of bucketed keys a policy takes back which its predecessor
    /// left out, with units in them.
    pub fn taken_back(&self, policy: &PolicySpec, former: &PolicySpec, tick: u64) -> u64 {
        let counts = |(history, ticks): &(&History, u64)| {
            leaves_at(Precision::Bucketed, *ticks, history.newest) > tick && history.newest > 0
        };
        self.returning(policy, former).filter(counts).count() as u64
    }

    /// The windows that bucketed keys get back: the key and the length.
    fn returning<'k>(
        &'k self,
        policy: &'k PolicySpec,
        former: &'k PolicySpec,
    ) -> impl Iterator<Item = (&'k History, u64)> {
        self.histories.iter().flat_map(|(key, history)| {
            let rule = policy.rules[key.rule].as_ref();
            let rule = rule.filter(|_| self.is_bucketed(key.rule));
            let had = former.rules[key.rule].as_ref();
            let windows = rule.into_iter().flat_map(|rule| &rule.windows);
            let lengths = windows.map(|w| w.ticks());
            let is_back = move |ticks: &u64| had.is_none_or(|had| !had.has_length(*ticks));
            lengths.filter(is_back).map(move |ticks| (history, ticks))
        })
    }

    pub fn take_policy(&mut self, policy: &PolicySpec) {
        for (known, rule) in self.known.iter_mut().zip(&policy.rules) {
            let Some(rule) = rule else { continue };
            let known = known.get_or_insert_with(|| Known {
                first: rule.clone(),
                horizon: 0,
            });
            known.horizon = known.horizon.max(rule.longest());
        }
    }

    pub fn charge(&mut self, key: KeyId, units: u64, tick: u64) -> Charged {
        let precision = self.precision(key.rule).expect("a rule in force");
        let horizon = self.horizon(key.rule);
        let newest = self.histories.get(&key).map_or(0, |h| h.newest);
        let left_from = self.left_from(precision, newest);
        let history = self.histories.entry(key).or_default();
        if newest > 0 && left_from + SKEW <= tick {
            self.floor = self.floor.max(left_from);
            history.units = 0;
        }
        self.wraps[precision as usize] += history.charge(precision, units, tick, horizon);
        let charged = Charged {
            key,
            precision,
            stamp: history.newest,
            resets: history.resets,
        };
        if self.stamps.len() == STAMPS {
            self.stamps.pop_front();
        }
        self.stamps.push_back(charged.stamp);
        charged
    }

    /// Whether a refund of the charge lends anything at `tick`.
    pub fn counts(&self, charged: &Charged, tick: u64) -> bool {
        let resets = self.histories.get(&charged.key).map_or(0, |h| h.resets);
        let horizon = self.horizon(charged.key.rule);
        let leaves_at = leaves_at(charged.precision, horizon, charged.stamp);
        resets == charged.resets && leaves_at > tick
    }

    /// The tick at which keys begin anew that are reset at the tick `latest`: those
    /// of a merchant under one rule, or under all. Bucketed ones do a quantum later.
    pub fn begin_after_reset(&self, merchant: u8, rule: Option<usize>, latest: u64) -> u64 {
        let mut keys = self.histories.iter();
        let waits = keys.any(|(key, history)| {
            concerns(*key, merchant, rule) && history.newest > 0 && self.is_bucketed(key.rule)
        });
        match waits {
            true => (quantum_of(latest) + 1) * QUANTUM_TICKS,
            false => latest + 1,
        }
    }

    /// Forgets the keys of a merchant under one rule or under all. Returns how
    /// many of them had a slot at the least and at the most.
    pub fn reset(&mut self, merchant: u8, rule: Option<usize>, latest: u64) -> [usize; 2] {
        self.settle_floor(latest);
        let [mut least, mut most] = [0; 2];
        for (key, history) in &mut self.histories {
            if concerns(*key, merchant, rule) {
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
        let kinds = [Precision::Exact, Precision::Bucketed];
        let retentions = kinds.map(|precision| self.retention(precision));
        for (key, history) in &mut self.histories {
            let known = self.known[key.rule].as_ref();
            let Some(precision) = known.map(|known| known.first.precision) else {
                continue;
            };
            let retention = retentions[precision as usize];
            let left_from = leaves_at(precision, retention, history.newest);
            if history.newest > 0 && left_from + SKEW <= latest {
                history.was_idle = true;
                self.floor = self.floor.max(left_from);
            }
        }
        self.floor
    }

    /// Whether the oldest unit that counts may be one that an exact log has forgotten.
    pub fn may_forget_the_oldest(&self, tick: u64) -> bool {
        let mut histories = self.histories.values();
        histories.any(|history| history.forgotten_until > tick)
    }

    /// One of the latest stamps.
    pub fn stamp(&self, pick: u16) -> Option<u64> {
        let count = self.stamps.len();
        self.stamps.get(usize::from(pick) % count.max(1)).copied()
    }

    /// A key that has units, with the tick from which it is idle.
    pub fn idle_later(&self, pick: u16) -> Option<(KeyId, u64)> {
        let charged = self.histories.iter().filter(|(_, h)| h.newest > 0);
        let mut charged: Vec<(KeyId, u64)> = charged.map(|(key, h)| (*key, h.newest)).collect();
        charged.sort_unstable_by_key(|(key, newest)| (*newest, key.rule, key.merchant));
        let (key, newest) = *charged.get(usize::from(pick) % charged.len().max(1))?;
        Some((key, self.idle_from(self.precision(key.rule)?, newest)))
    }
}

fn concerns(key: KeyId, merchant: u8, rule: Option<usize>) -> bool {
    match rule {
        Some(rule) => key.rule == rule && key.merchant.is_none_or(|m| m == merchant),
        None => key.merchant == Some(merchant),
    }
}

impl History {
    /// Notes a charge; how often the log's count has wrapped by it at the least.
    fn charge(&mut self, precision: Precision, units: u64, tick: u64, horizon: u64) -> u64 {
        self.was_idle = false;
        self.newest = match precision {
            Precision::Exact => tick.max(self.newest),
            Precision::Bucketed => tick.max(quantum_of(self.newest) * QUANTUM_TICKS),
        };
        self.hold(precision, units, horizon);
        let laps = self.units / counts(precision);
        self.units += units;
        self.units / counts(precision) - laps
    }

    /// Notes units that a key was charged at its newest stamp, and whether the rule's
    /// longest window holds more than a log can tell apart or remembers. A policy
    /// that has the window does not let it come to that.
    fn hold(&mut self, precision: Precision, units: u64, horizon: u64) {
        let leaves = |stamp| leaves_at(precision, horizon, stamp);
        while self
            .held
            .front()
            .is_some_and(|(stamp, _)| leaves(*stamp) <= self.newest)
        {
            self.held.pop_front();
        }
        self.held.push_back((self.newest, units));
        let held: u64 = self.held.iter().map(|(_, units)| units).sum();
        let until = leaves(self.newest);
        match precision {
            Precision::Exact if held > REMEMBERED => self.forgotten_until = until,
            Precision::Bucketed if held >= counts(precision) => self.uncertain_until = until,
            _ => {}
        }
    }
}
