//! The law of the window: given the stamps of admitted units, the windows, an
//! instant and a cost, may the request pass, and if not, when?
//!
//! It sees no atomics and no clock, so a naive oracle can be held against it.
//! Logs that count in another way judge a single window by a law of their own
//! ([`Judge`]); how several windows go together is the same for all.
//!
//! A unit stamped `v` counts in a window of length `W` at instant `x` while
//! `v + W > x`. Of `n` further units the window admits all, or none if the unit
//! that stands `L + 1 - n` back from the newest still counts: it, everything
//! newer, and the `n` would be more than `L`. Stamps never fall from an older
//! unit to a newer, so that one unit decides, and `v + W` is the exact instant
//! at which the window lets the request pass.

use crate::window::Window;

/// The stamps of a key's admitted units.
pub(crate) trait Log {
    /// The stamp of the unit `back` places back (1 is the newest); 0 if there is
    /// no such unit or it counts no more for anyone.
    fn stamp(&self, back: u32) -> u64;

    /// How many units back the log can look at present; what is further back
    /// counts no more.
    fn capacity(&self) -> u32;

    /// How many units the log can ever hold.
    fn most(&self) -> u32;
}

/// Capacity lent by refunds: `units` more until the oldest refunded unit leaves
/// the window, and not beyond `ends_at`. It may vanish early and never late,
/// because the refunded units are all still in the log while it is alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Credit {
    pub units: u32,
    /// The stamp of the oldest refunded unit.
    pub oldest: u64,
    /// The instant from which that unit may be forgotten, whatever a window's
    /// length.
    pub ends_at: u64,
}

impl Credit {
    /// What `limit` amounts to at an instant, in a window that the oldest
    /// refunded unit leaves at `until` and in a log of `most` units.
    pub fn limit(self, limit: u32, until: u64, at: u64, most: u32) -> u32 {
        if self.units == 0 || until.min(self.ends_at) <= at {
            return limit;
        }
        limit.saturating_add(self.units).min(most).max(limit)
    }
}

/// How a log stands against a single window.
pub(crate) trait Judge {
    /// The instant at which `window` would let `cost` units pass, judged by what
    /// counts at `at`; 0 if it lets them pass at `at`.
    fn unblocks_at(&self, window: &Window, cost: u32, at: u64, credit: Credit) -> u64;

    /// What `window` holds at `at`.
    fn holding(&self, window: &Window, at: u64, credit: Credit) -> Holding;

    /// The instant at which a unit stamped `at` leaves the window.
    fn leaves_at(&self, window: &Window, at: u64) -> u64;
}

impl<L: Log> Judge for L {
    #[inline]
    fn unblocks_at(&self, window: &Window, cost: u32, at: u64, credit: Credit) -> u64 {
        let limit = limit(self, window, at, credit);
        debug_assert!(cost <= limit, "such a request never passes");
        let back = (limit + 1).saturating_sub(cost);
        unit_leaves_at(self, window, back, at).unwrap_or(0)
    }

    fn holding(&self, window: &Window, at: u64, credit: Credit) -> Holding {
        let units = live(self, window, at);
        let frees_at = match units {
            0 => 0,
            _ => self.leaves_at(window, self.stamp(units)),
        };
        Holding::new(window, units, limit(self, window, at, credit), frees_at)
    }

    fn leaves_at(&self, window: &Window, at: u64) -> u64 {
        at.saturating_add(window.ticks())
    }
}

/// When the unit that stands `back` places back leaves the window; `None` if it counts
/// no more at `at`, or never did.
#[inline(always)]
fn unit_leaves_at(log: &impl Log, window: &Window, back: u32, at: u64) -> Option<u64> {
    let stamp = log.stamp(back);
    let leaves = log.leaves_at(window, stamp);
    (stamp != 0 && leaves > at).then_some(leaves)
}

fn limit(log: &impl Log, window: &Window, at: u64, credit: Credit) -> u32 {
    let until = log.leaves_at(window, credit.oldest);
    credit.limit(window.limit, until, at, log.most())
}

/// A window that holds a request back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    /// The instant from which it does so no more.
    pub until: u64,
    /// Its place among the windows.
    pub window: usize,
}

/// The window that blocks longest, judged by what counts at `at`; ties go to
/// the longer window, then to the earlier.
#[inline]
fn longest_block(
    log: &impl Judge,
    windows: &[Window],
    cost: u32,
    at: u64,
    credit: Credit,
) -> Option<Block> {
    let mut longest: Option<Block> = None;
    for (index, window) in windows.iter().enumerate() {
        let until = log.unblocks_at(window, cost, at, credit);
        let beats = |b: Block| (until, window.ticks()) > (b.until, windows[b.window].ticks());
        if until != 0 && longest.is_none_or(beats) {
            longest = Some(Block {
                until,
                window: index,
            });
        }
    }
    longest
}

/// What holds `cost` units back at `at`, until the earliest instant at which
/// they pass all windows if nothing else comes; `None` if they pass at `at`.
/// `cost` is at most every limit.
#[inline]
pub(crate) fn block(
    log: &impl Judge,
    windows: &[Window],
    cost: u32,
    at: u64,
    credit: Credit,
) -> Option<Block> {
    let block = longest_block(log, windows, cost, at, credit)?;
    match credit.units {
        0 => Some(block),
        _ => outlast_credit(log, windows, cost, block, credit),
    }
}

/// The end of a block that a credit may end before.
#[cold]
fn outlast_credit(
    log: &impl Judge,
    windows: &[Window],
    cost: u32,
    mut block: Block,
    credit: Credit,
) -> Option<Block> {
    // A credit may die before the instant that it promised, once per window.
    for _ in 0..=windows.len() {
        match longest_block(log, windows, cost, block.until, credit) {
            None => break,
            Some(later) => block = later,
        }
    }
    Some(block)
}

/// Whether all windows let `cost` units pass at `at`, where nothing was lent; `cost`
/// is at most every limit.
#[inline(always)]
pub(crate) fn admits(log: &impl Log, windows: &[Window], cost: u32, at: u64) -> bool {
    for window in windows {
        let back = window.limit + 1 - cost;
        if unit_leaves_at(log, window, back, at).is_some() {
            return false;
        }
    }
    true
}

/// What one window holds at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holding {
    /// Units that count, less those lent back.
    pub live: u32,
    /// Units that the window still admits.
    pub remaining: u32,
    /// The instant at which the oldest unit that counts leaves; 0 if none counts.
    pub frees_at: u64,
}

impl Holding {
    /// A window with `units` in it that admits `limit` of them, lent ones included.
    pub fn new(window: &Window, units: u32, limit: u32, frees_at: u64) -> Self {
        Self {
            live: units.saturating_sub(limit - window.limit),
            remaining: limit.saturating_sub(units),
            frees_at,
        }
    }
}

/// Counts what `window` holds at `at`.
fn live(log: &impl Log, window: &Window, at: u64) -> u32 {
    live_between(log, window, at, 0, log.capacity())
}

/// As [`live`], where the newest `known` units are known to count, and no more than
/// `most` are asked for: a gallop back from the known, then a bisection.
fn live_between(log: &impl Log, window: &Window, at: u64, known: u32, most: u32) -> u32 {
    let counts = |back: u32| {
        let stamp = log.stamp(back);
        stamp != 0 && log.leaves_at(window, stamp) > at
    };
    let (mut live, mut step) = (known, 1);
    let mut dead = known + step;
    while dead <= most && counts(dead) {
        live = dead;
        step *= 2;
        dead = live + step;
    }
    dead = dead.min(most + 1);
    while dead - live > 1 {
        let middle = live + (dead - live) / 2;
        match counts(middle) {
            true => live = middle,
            false => dead = middle,
        }
    }
    live
}

/// What a window still admits that holds `cost` units back, where nothing was lent.
pub(crate) fn remaining_of_blocked(log: &impl Log, window: &Window, cost: u32, at: u64) -> u32 {
    // The unit that blocks counts, and with it all that are newer.
    let known = window.limit + 1 - cost;
    let most = window.limit.min(log.capacity());
    window.limit - live_between(log, window, at, known, most)
}

/// How a key stands in one of its windows: what a decision shows of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// The window's place among the rule's windows.
    pub window: usize,
    /// Units that count, those just charged included, less those lent back.
    pub live: u32,
    pub remaining: u32,
    /// The instant at which the oldest unit leaves the window or, for a window
    /// that blocks, at which it blocks no more.
    pub resets_at: u64,
}

/// How the key stands in a window once `charged` units stamped `at` have joined
/// the log. The window is the caller's to number.
fn standing(log: &impl Judge, window: &Window, charged: u32, at: u64, credit: Credit) -> Standing {
    let holding = log.holding(window, at, credit);
    Standing {
        window: 0,
        live: holding.live + charged,
        remaining: holding.remaining.saturating_sub(charged),
        resets_at: match (holding.frees_at, charged) {
            (0, 0) => at,
            (0, _) => log.leaves_at(window, at),
            _ => holding.frees_at,
        },
    }
}

/// The window with the least remaining once `charged` units stamped `at` have
/// joined the log; ties go to the longer window, then to the earlier.
pub(crate) fn tightest(
    log: &impl Judge,
    windows: &[Window],
    charged: u32,
    at: u64,
    credit: Credit,
) -> Option<Standing> {
    let mut tightest: Option<Standing> = None;
    for (index, window) in windows.iter().enumerate() {
        let standing = Standing {
            window: index,
            ..standing(log, window, charged, at, credit)
        };
        let beats = |t: Standing| {
            let longer = window.ticks() > windows[t.window].ticks();
            standing.remaining < t.remaining || (standing.remaining == t.remaining && longer)
        };
        if tightest.is_none_or(beats) {
            tightest = Some(standing);
        }
    }
    tightest
}

/// How the key stands in every window, in their order, once `charged` units
/// stamped `at` have joined the log; and which of them hold `cost` units back.
pub(crate) fn standings<'l>(
    log: &'l impl Judge,
    windows: &'l [Window],
    cost: u32,
    charged: u32,
    at: u64,
    credit: Credit,
) -> impl Iterator<Item = (Standing, bool)> + 'l {
    windows.iter().enumerate().map(move |(index, window)| {
        let alone = std::slice::from_ref(window);
        let blocks = match charged {
            0 => block(log, alone, cost, at, credit),
            _ => None,
        };
        let standing = match blocks {
            Some(block) => blocked(log, alone, block, at, credit),
            None => standing(log, window, charged, at, credit),
        };
        let standing = Standing {
            window: index,
            ..standing
        };
        (standing, blocks.is_some())
    })
}

/// How the key stands in the window that blocks it.
pub(crate) fn blocked(
    log: &impl Judge,
    windows: &[Window],
    block: Block,
    at: u64,
    credit: Credit,
) -> Standing {
    let holding = log.holding(&windows[block.window], at, credit);
    Standing {
        window: block.window,
        live: holding.live,
        remaining: holding.remaining,
        resets_at: block.until,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Stamps from oldest to newest.
    struct Stamps(Vec<u64>);

    impl Log for Stamps {
        fn stamp(&self, back: u32) -> u64 {
            let index = self.0.len().checked_sub(back as usize);
            index.and_then(|i| self.0.get(i)).copied().unwrap_or(0)
        }

        fn capacity(&self) -> u32 {
            2_048
        }

        fn most(&self) -> u32 {
            2_048
        }
    }

    fn earliest(log: &Stamps, windows: &[Window], cost: u32, at: u64, credit: Credit) -> u64 {
        block(log, windows, cost, at, credit).map_or(0, |b| b.until)
    }

    const NO_CREDIT: Credit = Credit {
        units: 0,
        oldest: 0,
        ends_at: 0,
    };

    /// By counting one by one, in wide numbers.
    fn counted(stamps: &[u64], window: &Window, at: u64) -> u32 {
        let live = stamps
            .iter()
            .filter(|&&v| u128::from(v) + u128::from(window.ticks()) > u128::from(at));
        live.count() as u32
    }

    fn admits(stamps: &[u64], windows: &[Window], cost: u32, at: u64, credit: Credit) -> bool {
        windows.iter().all(|w| {
            let alive = (credit.oldest + w.ticks()).min(credit.ends_at) > at;
            let lent = credit.units > 0 && alive;
            let limit = w.limit + if lent { credit.units } else { 0 };
            counted(stamps, w, at) + cost <= limit
        })
    }

    #[test]
    fn a_window_is_half_open() {
        let log = Stamps(vec![10]);
        let window = [Window::from_ticks(1, 5)];
        assert_eq!(earliest(&log, &window, 1, 14, NO_CREDIT), 15);
        assert_eq!(earliest(&log, &window, 1, 15, NO_CREDIT), 0);
    }

    #[test]
    fn the_instant_is_that_of_the_unit_whose_leaving_makes_room_for_all() {
        let log = Stamps(vec![10, 12, 14]);
        let window = [Window::from_ticks(3, 100)];
        assert_eq!(earliest(&log, &window, 1, 20, NO_CREDIT), 110);
        assert_eq!(earliest(&log, &window, 2, 20, NO_CREDIT), 112);
        assert_eq!(earliest(&log, &window, 3, 20, NO_CREDIT), 114);
    }

    #[test]
    fn a_credit_that_dies_early_does_not_promise_too_much() {
        // Unit 10 was refunded; its credit dies at 110 together with the unit,
        // so three units do not fit before all but none are gone.
        let log = Stamps(vec![10, 12, 14]);
        let window = [Window::from_ticks(3, 100)];
        let credit = Credit {
            units: 1,
            oldest: 10,
            ends_at: u64::MAX,
        };
        assert_eq!(earliest(&log, &window, 1, 20, credit), 0);
        assert_eq!(earliest(&log, &window, 2, 20, credit), 112);
    }

    proptest! {
        #[test]
        fn agrees_with_counting(
            mut stamps in proptest::collection::vec(1u64..60, 0..12),
            raw in proptest::collection::vec((1u32..6, 1u64..40), 1..4),
            cost in 1u32..4,
            ahead in 0u64..60,
            credit_units in 0u32..3,
            refunded in 0usize..12,
            kept in 1u64..60,
        ) {
            stamps.sort_unstable();
            let windows: Vec<Window> = raw.iter().map(|&(l, w)| Window::from_ticks(l.max(cost), w)).collect();
            let at = stamps.last().copied().unwrap_or(1) + ahead;
            let credit = match stamps.get(refunded) {
                Some(&oldest) => Credit {
                    units: credit_units.min((stamps.len() - refunded) as u32),
                    oldest,
                    ends_at: oldest + kept,
                },
                None => NO_CREDIT,
            };
            let log = Stamps(stamps.clone());
            let by_law = earliest(&log, &windows, cost, at, credit);
            let by_counting = (at..at + 200).find(|&x| admits(&stamps, &windows, cost, x, credit)).unwrap();
            prop_assert_eq!(if by_law == 0 { at } else { by_law }, by_counting);
            for window in &windows {
                let holding = log.holding(window, at, credit);
                let dies_at = (credit.oldest + window.ticks()).min(credit.ends_at);
                let lent = if dies_at > at { credit.units } else { 0 };
                prop_assert_eq!(holding.live, counted(&stamps, window, at).saturating_sub(lent));
            }
        }
    }
}
