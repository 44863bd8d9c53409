//! A slot and the naive count side by side, step by step: gaps, laps, clocks that
//! step back, changing limits, windows left out, refunds, changes of tenant to a
//! rule with other widths, and the wrap of the count.

use proptest::prelude::*;
use proptest::sample::Index;

use super::naive::{Naive, leaves_at};
use super::*;
use crate::buckets::is_idle;
use crate::buckets::mark::MOST;
use crate::law::Standing;

#[derive(Debug, Clone)]
enum Step {
    Charge {
        /// Of the smallest limit, in percent.
        share: u32,
        limits: [u32; 3],
        /// Which windows the policy has at the time: a bit for each.
        asked: u8,
    },
    Refund(Index),
    /// Let time pass, to the edge of idleness or by some ticks; evict if idle, and
    /// let a key of the rule move in.
    Tenant(usize, Option<u64>),
    Forward(u64),
    Back(u64),
}

/// A rule has three windows; the first two share a plane in the first rule.
const RULES: [[u64; 3]; 2] = [[300_000, 400_000, 3_000_000], [1 << 18, 5 << 19, 1 << 23]];
const RETENTION: u64 = 1 << 23;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let limit = || prop_oneof![6 => 1u32..30, 1 => MOST - 9..MOST + 1, 1 => 1u32..MOST];
    let charge =
        (0u32..101, [limit(), limit(), limit()], 1u8..8).prop_map(|(share, limits, asked)| {
            Step::Charge {
                share,
                limits,
                asked,
            }
        });
    let few = (0u32..20, 10u32..30, 1u8..8).prop_map(|(share, limit, asked)| Step::Charge {
        share,
        limits: [limit, limit + 2, 3 * limit],
        asked,
    });
    let forward = prop_oneof![
        4 => 0u64..3_000,
        4 => 0u64..40_000,
        2 => 0u64..600_000,
        1 => 0u64..5_000_000,
        1 => (0u64..3).prop_map(|n| n << 20),
    ];
    let step = prop_oneof![
        8 => few,
        2 => charge,
        10 => forward.prop_map(Step::Forward),
        2 => any::<Index>().prop_map(Step::Refund),
        1 => (0usize..2, proptest::option::of(0u64..1 << 24))
            .prop_map(|(rule, ticks)| Step::Tenant(rule, ticks)),
        1 => (0u64..2_000_000).prop_map(Step::Back),
    ];
    proptest::collection::vec(step, 1..80)
}

struct Bench {
    slot: Slot,
    naive: Naive,
    rule: usize,
    shifts: [Shifts; 2],
    tick: u64,
    /// No admission is stamped earlier.
    newest: u64,
    /// Which admissions were refunded.
    refunded: Vec<usize>,
    admitted: u64,
    denied: u64,
}

impl Bench {
    fn new(units: u32) -> Self {
        let slot = Slot::new(units);
        slot.retention().raise(RETENTION);
        let shifts = RULES.map(|rule| {
            let windows = rule.map(|ticks| Window::from_ticks(1, ticks));
            Shifts::of(&windows).expect("three planes")
        });
        Self {
            slot,
            naive: Naive::default(),
            rule: 0,
            shifts,
            tick: 1,
            newest: 0,
            refunded: Vec::new(),
            admitted: 0,
            denied: 0,
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Charge {
                share,
                limits,
                asked,
            } => self.charge(*share, limits, *asked),
            Step::Refund(index) => self.refund(index),
            Step::Tenant(rule, ticks) => {
                let edge = leaves_at(RETENTION, self.newest).max(self.tick);
                self.tick = ticks.map_or(edge, |ticks| self.tick + ticks);
                if self.tick.is_multiple_of(3) {
                    self.tick -= 1;
                }
                self.change_tenant(*rule);
            }
            Step::Forward(ticks) => self.tick += ticks,
            Step::Back(ticks) => self.tick = self.tick.saturating_sub(*ticks).max(1),
        }
    }

    fn charge(&mut self, share: u32, limits: &[u32; 3], asked: u8) {
        let all = RULES[self.rule].iter().zip(limits).enumerate();
        let windows: Vec<Window> = all
            .filter(|(n, _)| asked & (1 << n) != 0)
            .map(|(_, (&ticks, &limit))| Window::from_ticks(limit, ticks))
            .collect();
        let least = windows.iter().map(|w| w.limit).min().expect("a window");
        let cost = (u64::from(least) * u64::from(share) / 100).max(1) as u32;
        if self.overflows(cost) {
            return;
        }
        let at = self.tick.max(self.newest);
        self.survey(&windows, at);
        let earliest = self.naive.earliest(&windows, cost, at);
        let answer = self.ask(&windows, cost, Ask::Charge, self.tick);
        assert_eq!((answer.admitted, answer.at), (earliest == at, at));
        match answer.admitted {
            true => self.admit(&answer, cost, &windows),
            false => self.deny(answer.standing, cost, &windows, earliest),
        }
    }

    /// The precondition of a bucketed log: windows left out are bounded too.
    fn overflows(&self, cost: u32) -> bool {
        let at = self.tick.max(self.newest);
        let live = |ticks: &u64| self.naive.live(&Window::from_ticks(1, *ticks), at);
        let most = RULES[self.rule].iter().map(live).max().unwrap_or(0);
        most + cost > MOST
    }

    fn ask(&self, windows: &[Window], cost: u32, ask: Ask, tick: u64) -> Answer {
        let query = query(windows, cost, ask);
        self.slot.ask(&query, &self.shifts[self.rule], tick)
    }

    fn survey(&self, windows: &[Window], at: u64) {
        let standing = self.ask(windows, 1, Ask::Survey, self.tick).standing;
        assert_eq!(standing, Some(self.naive.tightest(windows, at)));
    }

    fn admit(&mut self, answer: &Answer, cost: u32, windows: &[Window]) {
        self.naive.admitted.push((answer.at, cost));
        self.newest = answer.at & !1_023;
        self.admitted += 1;
        let tightest = self.naive.tightest(windows, answer.at);
        assert_eq!(answer.standing, Some(tightest));
    }

    fn deny(&mut self, standing: Option<Standing>, cost: u32, windows: &[Window], until: u64) {
        let standing = standing.expect("detail was asked for");
        let (at, binding) = (self.tick.max(self.newest), &windows[standing.window]);
        assert_eq!(standing.resets_at, until);
        assert!(!self.naive.fits(binding, cost, until - 1));
        let held = self.naive.live(binding, at);
        let left = self.naive.limit(binding, at).saturating_sub(held);
        assert_eq!(standing.remaining, left);
        let passes = |tick| self.ask(windows, cost, Ask::Peek, tick).admitted;
        assert!(passes(until), "the retry instant is late");
        assert!(!passes(until - 1), "the retry instant is early");
        self.denied += 1;
    }

    fn refund(&mut self, index: &Index) {
        if self.naive.admitted.is_empty() {
            return;
        }
        let index = index.index(self.naive.admitted.len());
        if self.refunded.contains(&index) {
            return;
        }
        let (stamp, units) = self.naive.admitted[index];
        let horizon = RULES[self.rule][2];
        let charged = Charged::at_first(units, stamp);
        let horizons = Horizons::new(horizon);
        let lent = self.slot.log().refund(charged, &horizons, self.tick);
        // Credits keep the quantum of the oldest unit, which leaves when it does.
        let naive = self.naive.refund(units, stamp, horizon, self.tick);
        assert_eq!(lent, naive);
        self.refunded.push(index);
    }

    fn change_tenant(&mut self, rule: usize) {
        let (log, tenant) = (self.slot.log(), self.slot.tenant());
        let retention = self.slot.retention();
        let idle = leaves_at(RETENTION, self.newest) <= self.tick;
        assert_eq!(is_idle(log.head(), RETENTION, self.tick), idle);
        assert_eq!(log.freeze_if_idle(tenant, retention, self.tick), idle);
        assert_eq!(log.is_frozen(), idle);
        if !idle {
            return;
        }
        // The reviver's clock may have been read long before the freeze, and the
        // next clocks may be as late.
        let reborn = self.tick.saturating_sub(self.tick % 7 * 1_500_000).max(1);
        assert!(log.revive(tenant, reborn) && !log.is_frozen());
        self.naive = Naive::default();
        self.refunded.clear();
        self.newest = (reborn & !1_023).max(self.newest + 1_024);
        self.rule = rule;
        if self.tick.is_multiple_of(2) {
            self.tick = reborn;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_slot_answers_as_counting_does(
        units in prop_oneof![Just(0), (1 << 25) - 60u32..1 << 25, 0u32..1 << 25],
        steps in steps(),
    ) {
        let mut bench = Bench::new(units);
        for step in &steps {
            bench.step(step);
        }
    }
}

/// Every bucket is entered, for more than three laps.
#[test]
fn a_dense_key_goes_round_the_planes() {
    let mut bench = Bench::new((1 << 25) - 1_000);
    for _ in 0..3_600 {
        bench.tick += 900;
        bench.charge(1, &[200, 220, 1_000], 3);
        // Naive questions take as long as the log is.
        let (now, longest) = (bench.tick, RULES[0][1]);
        let kept = |(stamp, _): &(u64, u32)| leaves_at(longest, *stamp) > now;
        bench.naive.admitted.retain(kept);
    }
    assert!(bench.admitted > 500 && bench.denied > 500);
    assert!(bench.tick > 3 * 1_024 * 1_024);
}
