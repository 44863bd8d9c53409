//! Models of one bucketed log: planes of four cells, windows of one or two
//! buckets.

mod mutants;
mod tenancy;

use std::sync::Arc;

use super::harness::*;
use crate::buckets::span::{SHORTEST_TICKS, Span};
use crate::buckets::{Buckets, Env, LINE_WORDS, Planes, Shifts};
use crate::log::{Answer, Attempt, Charged, Horizons, Places, Query, Tenant};
use crate::sync::trace::Event;
use crate::sync::{Density, Word, Words};
use crate::time::{Now, Reading, TICK_NS};
use crate::window::Window;

/// One slot with a key word and a retention of its own.
struct Lot {
    words: Words,
    planes: Planes,
    shifts: Shifts,
}

/// The first tenant's key; the second's is one more.
const KEY: u64 = 0;
/// The words before are the key's and the retention.
const PLACES: Places = Places {
    head: 2,
    line: 3,
    block: 0,
};

/// Ticks of a quantum, the narrowest bucket.
const QUANTUM: u64 = SHORTEST_TICKS;

/// A unit of bucket `b` counts up to bucket `b + 1`.
const SHORT: u64 = QUANTUM;
/// A unit of bucket `b` counts up to bucket `b + 2`.
const LONG: u64 = 2 * QUANTUM - 1;
/// Buckets are twice as wide, and a unit counts in the next.
const WIDE: u64 = 2 * QUANTUM;

/// A tick in a quantum.
fn at(quantum: u64) -> u64 {
    quantum * QUANTUM + 5
}

impl Lot {
    fn new(windows: &[Window]) -> Arc<Self> {
        let shifts = Shifts::of(windows).expect("few windows");
        let planes = shifts.iter().count();
        let layout = Planes::layout(PLACES.line + LINE_WORDS, 1, planes);
        let (planes, words) = layout.expect("a small slot");
        let words = Words::zeroed(words, Density::default()).expect("loom's memory");
        words[1].raise(LONG);
        Arc::new(Self {
            words,
            planes,
            shifts,
        })
    }

    fn log(&self) -> Buckets<'_> {
        Buckets::new(&self.words, PLACES, &self.planes)
    }

    fn retention(&self) -> &Word {
        &self.words[1]
    }

    fn tenant(&self, word: u64) -> Tenant<'_> {
        Tenant {
            key: &self.words[0],
            word,
        }
    }

    fn attempt(&self, key: u64, query: &Query<'_>, tick: u64) -> Option<Answer> {
        let env = Env {
            now: Now::Fixed(Reading((tick - 1) * TICK_NS)),
            shifts: &self.shifts,
        };
        match self.log().ask(self.tenant(key), query, env) {
            Attempt::Answered(answer) => Some(answer),
            Attempt::Gone => None,
            Attempt::Corrupt => panic!("{CONSISTENT}"),
        }
    }

    /// Asks as the first tenant, who has the slot.
    fn ask(&self, windows: &[Window], cost: u32, tick: u64) -> Answer {
        let answer = self.attempt(KEY, &charge(windows, cost), tick);
        answer.expect("the slot is the tenant's")
    }

    /// As [`ask`](Self::ask) for one unit, with the window that binds.
    fn ask_in_detail(&self, windows: &[Window], tick: u64) -> Answer {
        let query = Query {
            detail: true,
            ..charge(windows, 1)
        };
        let answer = self.attempt(KEY, &query, tick);
        answer.expect("the slot is the tenant's")
    }

    /// Charges one unit in each quantum; what was admitted.
    fn take(&self, windows: &[Window], quanta: &[u64]) -> Admitted {
        let mut admitted = Admitted::default();
        for &quantum in quanta {
            admitted.note(&self.ask(windows, 1, at(quantum)), 1);
        }
        admitted
    }

    /// How many units the log ever admitted, by its head alone.
    fn charged_in_all(&self) -> u64 {
        self.words[PLACES.head].load() % (1 << 25)
    }

    /// Freezes the idle log, and lets the second tenant have the slot.
    fn change_hands(&self, tick: u64) -> bool {
        let frozen = self
            .log()
            .freeze_if_idle(self.tenant(KEY), self.retention(), tick);
        frozen && self.words[0].cas(KEY, KEY + 1)
    }

    /// Opens the frozen log for the second tenant.
    fn revive(&self, tick: u64) -> bool {
        self.log().revive(self.tenant(KEY + 1), tick)
    }

    /// As [`take`](Self::take) by the second tenant, who has the slot.
    fn take_as_second(&self, quanta: &[u64]) -> Admitted {
        let mut admitted = Admitted::default();
        for &quantum in quanta {
            let answer = self.attempt(KEY + 1, &charge(&TWO_LONG, 1), at(quantum));
            admitted.note(&answer.expect("the slot is the tenant's"), 1);
        }
        admitted
    }

    /// Evicts the first tenant's key and revives the log for the second beside a
    /// check: whether it did, and what the check was answered.
    fn evicted_beside(
        self: &Arc<Self>,
        check: fn(&Self) -> Option<Answer>,
    ) -> (bool, Option<Answer>) {
        let evictor = |lot: &Self| (lot.change_hands(at(8)) && lot.revive(at(8)), None);
        let checker: Boxed<Self, _> = Box::new(move |lot| (false, check(lot)));
        let [(moved, _), (_, answer)] = race_boxed(self, [Box::new(evictor), checker]);
        (moved, answer)
    }

    /// Whatever window the key is asked for, from its newest unit on it has what
    /// was admitted and still counts, and nothing else.
    fn agrees(&self, key: u64, windows: &[Window], admitted: &Admitted) {
        for window in windows {
            for quantum in admitted.newest() / QUANTUM..admitted.newest() / QUANTUM + 4 {
                let answer = self.attempt(key, &survey(window), at(quantum));
                let answer = answer.expect("the slot is the tenant's");
                let span = Span::of(window.ticks());
                let live = admitted.live_by(|v| span.leaves_at(v), answer.at);
                assert_eq!(surveyed(*window, &answer), live, "{CHARGED_AS_ANSWERED}");
            }
        }
    }
}

fn beside(
    lot: &Arc<Lot>,
    windows: &'static [Window],
    one: &'static [u64],
    other: &'static [u64],
) -> Admitted {
    let take = |quanta: &'static [u64]| -> Boxed<Lot, Admitted> {
        Box::new(move |lot| lot.take(windows, quanta))
    };
    Admitted::all(race_boxed(lot, [take(other), take(one)]))
}

const TWO_SHORT: [Window; 1] = [Window::from_ticks(2, SHORT)];
const TWO_LONG: [Window; 1] = [Window::from_ticks(2, LONG)];
const MANY_LONG: [Window; 1] = [Window::from_ticks(9, LONG)];

/// Two requests for the last unit, both of which rotate: one gets it, the other
/// learns when it returns.
pub(super) fn last_unit(model: Model) {
    model.run(|| {
        let lot = Lot::new(&TWO_LONG);
        let mut admitted = lot.take(&TWO_LONG, &[4, 5]);
        assert_eq!(admitted.units(), 2, "{ADMITS_WHAT_FITS}");
        let body = |lot: &Lot| {
            let answer = lot.ask_in_detail(&TWO_LONG, at(7));
            if !answer.admitted {
                let retry = answer.standing.map(|s| s.resets_at);
                assert_eq!(retry, Some(8 * QUANTUM), "{EXACT_RETRY}");
            }
            let mut admitted = Admitted::default();
            admitted.note(&answer, 1);
            admitted
        };
        admitted.join(Admitted::all(race(&lot, [body, body])));
        admitted.audit(&TWO_LONG);
        assert_eq!(admitted.units(), 3, "{ADMITS_WHAT_FITS}");
        lot.agrees(KEY, &TWO_LONG, &admitted);
    });
}

#[test]
fn two_rotate_for_the_last_unit() {
    last_unit(Model::bounded("buckets: two rotate for the last unit", 3).reaches(&[Event::Rotate]));
}

/// A request that is denied while another rotates twice: the instant that it is
/// told is that of one moment of the log, and not of a mixture. Only where it
/// finds the other a lap ahead may it be admitted, at the other's instant.
#[test]
fn a_denial_meets_rotations() {
    Model::bounded("buckets: a denial meets rotations", 3)
        .reaches(&[Event::Rotate])
        .run(|| {
            let lot = Lot::new(&TWO_LONG);
            let mut admitted = lot.take(&TWO_LONG, &[4, 5]);
            let rotator = |lot: &Lot| (lot.take(&TWO_LONG, &[7, 8]), None);
            let asker = |lot: &Lot| {
                let answer = lot.ask_in_detail(&TWO_LONG, at(6));
                (Admitted::default(), Some(answer))
            };
            let [(rotated, _), (_, answer)] = race(&lot, [rotator, asker]);
            let answer = answer.expect("the asker was answered");
            admitted.join(rotated);
            admitted.note(&answer, 1);
            admitted.audit(&TWO_LONG);
            assert_eq!(admitted.units(), 4, "{ADMITS_WHAT_FITS}");
            let retry = answer.standing.map(|s| s.resets_at / QUANTUM);
            match (answer.admitted, answer.at / QUANTUM) {
                (true, instant) => assert_eq!(instant, 8, "{NEVER_OVER}"),
                (false, 6) => assert_eq!(retry, Some(7), "{EXACT_RETRY}"),
                (false, 7) => assert_eq!(retry, Some(8), "{EXACT_RETRY}"),
                (false, _) => assert_eq!(retry, Some(10), "{EXACT_RETRY}"),
            }
            lot.agrees(KEY, &TWO_LONG, &admitted);
        });
}

/// A rotator sleeps while the other admits in the bucket before and then enters
/// the same bucket: the late entry must not replace the true one.
pub(super) fn sleeper_enters_late(model: Model) {
    model.run(|| {
        let lot = Lot::new(&MANY_LONG);
        let mut admitted = lot.take(&MANY_LONG, &[4]);
        admitted.join(beside(&lot, &MANY_LONG, &[4, 5], &[5]));
        assert_eq!(admitted.units(), 4, "{ADMITS_WHAT_FITS}");
        lot.agrees(KEY, &MANY_LONG, &admitted);
    });
}

#[test]
fn a_sleeper_enters_late() {
    sleeper_enters_late(
        Model::bounded("buckets: a sleeper enters late", 2)
            .reaches(&[Event::Rotate, Event::Abandoned]),
    );
}

/// A rotator is overtaken by one that stays in the bucket before and then skips
/// the bucket that the first had entered: nobody may believe that entry.
pub(super) fn bucket_is_skipped(model: Model) {
    model.run(|| {
        let lot = Lot::new(&MANY_LONG);
        let mut admitted = lot.take(&MANY_LONG, &[4]);
        admitted.join(beside(&lot, &MANY_LONG, &[4, 6], &[5]));
        assert_eq!(admitted.units(), 4, "{ADMITS_WHAT_FITS}");
        lot.agrees(KEY, &MANY_LONG, &admitted);
    });
}

#[test]
fn a_bucket_is_skipped() {
    bucket_is_skipped(Model::bounded("buckets: a bucket is skipped", 3).reaches(&[Event::Rotate]));
}

/// A rotator wakes when the other has gone round the plane.
pub(super) fn sleeper_is_lapped(model: Model) {
    model.run(|| {
        let lot = Lot::new(&TWO_LONG);
        let mut admitted = lot.take(&TWO_LONG, &[4]);
        admitted.join(beside(&lot, &TWO_LONG, &[8, 9], &[5]));
        admitted.audit(&TWO_LONG);
        lot.agrees(KEY, &TWO_LONG, &admitted);
    });
}

#[test]
fn a_sleeper_is_lapped() {
    sleeper_is_lapped(
        Model::bounded("buckets: a sleeper is lapped", 3).reaches(&[Event::Rotate, Event::Lap]),
    );
}

/// Clocks that disagree by a lap: the one ahead takes the cell of a bucket that
/// the one behind still needs.
pub(super) fn clock_is_a_lap_ahead(model: Model) {
    model.run(|| {
        let lot = Lot::new(&TWO_SHORT);
        let mut admitted = lot.take(&TWO_SHORT, &[4, 5]);
        admitted.join(beside(&lot, &TWO_SHORT, &[6], &[9]));
        admitted.audit(&TWO_SHORT);
        assert_eq!(admitted.units(), 4, "{ADMITS_WHAT_FITS}");
        lot.agrees(KEY, &TWO_SHORT, &admitted);
    });
}

#[test]
fn a_clock_is_a_lap_ahead() {
    clock_is_a_lap_ahead(
        Model::bounded("buckets: a clock is a lap ahead", 3).reaches(&[
            Event::Rotate,
            Event::Lap,
            Event::Ahead,
        ]),
    );
}

/// Buckets are left one after the other: what was admitted in one that was left
/// still counts.
pub(super) fn left_buckets_count(model: Model) {
    model.run(|| {
        let lot = Lot::new(&TWO_LONG);
        lot.take(&TWO_LONG, &[3]);
        let mut admitted = lot.take(&TWO_LONG, &[7]);
        admitted.join(beside(&lot, &TWO_LONG, &[8], &[8]));
        admitted.audit(&TWO_LONG);
        assert_eq!(admitted.units(), 2, "{ADMITS_WHAT_FITS}");
    });
}

#[test]
fn units_of_left_buckets_count() {
    left_buckets_count(
        Model::bounded("buckets: units of left buckets count", 3).reaches(&[Event::Rotate]),
    );
}

/// Windows with buckets of two widths are charged together, and the one that a
/// policy leaves out keeps its history.
#[test]
fn two_planes_commit_together() {
    const BOTH: [Window; 2] = [Window::from_ticks(2, SHORT), Window::from_ticks(3, WIDE)];
    Model::bounded("buckets: two planes", 3)
        .reaches(&[Event::Rotate])
        .run(|| {
            let lot = Lot::new(&BOTH);
            let mut admitted = lot.take(&BOTH, &[4, 5]);
            let shorter = |lot: &Lot| lot.take(&BOTH[..1], &[6]);
            let both = |lot: &Lot| lot.take(&BOTH, &[6]);
            admitted.join(Admitted::all(race(&lot, [shorter, both])));
            admitted.audit(&BOTH[..1]);
            assert_eq!(admitted.units(), 3, "{ADMITS_WHAT_FITS}");
            lot.agrees(KEY, &BOTH, &admitted);
        });
}

/// A refund lends exactly what it gave back, and a racing check that rotates sees
/// it or not.
#[test]
fn refund_meets_a_rotation() {
    const ONE: [Window; 1] = [Window::from_ticks(1, LONG)];
    Model::bounded("buckets: refund meets a rotation", 3)
        .reaches(&[Event::Rotate])
        .run(|| {
            let lot = Lot::new(&ONE);
            lot.take(&ONE, &[5]);
            let refund = |lot: &Lot| {
                let charged = Charged::at_first(1, at(5));
                let horizons = Horizons::new(LONG);
                assert!(lot.log().refund(charged, &horizons, at(6)));
                Admitted::default()
            };
            let check = |lot: &Lot| lot.take(&ONE, &[6]);
            let mut admitted = Admitted::all(race(&lot, [refund, check]));
            admitted.join(lot.take(&ONE, &[6]));
            assert_eq!(admitted.units(), 1, "{ADMITS_WHAT_FITS}");
            assert!(!lot.ask(&ONE, 1, at(8)).admitted, "{NEVER_OVER}");
            assert!(lot.ask(&ONE, 1, at(9)).admitted, "{ADMITS_WHAT_FITS}");
        });
}

/// A rotator stops before any of its accesses: it is charged for all of its units
/// or for none, and the other goes on at once.
#[test]
fn a_rotator_dies_after_every_step() {
    const FIVE: [Window; 1] = [Window::from_ticks(5, LONG)];
    dies_after_every_step(12, &[Event::Rotate], |accesses| {
        let name = format!("buckets: a rotator dies after {accesses} accesses");
        Model::bounded(name, 2).run(move || {
            let lot = Lot::new(&FIVE);
            let mut admitted = lot.take(&FIVE, &[3, 4]);
            let victim: Boxed<Lot, Option<Answer>> =
                Box::new(move |lot| dying(accesses, || lot.ask(&FIVE, 2, at(8))));
            let other = Box::new(|lot: &Lot| Some(lot.ask(&FIVE, 1, at(5))));
            let [victim, other] = race_boxed(&lot, [victim, other]);
            let other = other.expect("it lives");
            assert!(other.admitted, "{ADMITS_WHAT_FITS}");
            admitted.note(&other, 1);
            let charged = match &victim {
                Some(answer) => answer.admitted,
                None => lot.charged_in_all() == 5,
            };
            if charged {
                // A thread that died after its commit left its units at its own tick.
                let stamp = victim.map_or(at(8), |answer| answer.at);
                admitted.join(Admitted::at(&[stamp, stamp]));
            }
            let all = Window::from_ticks(1 << 20, LONG);
            lot.agrees(KEY, &[all], &admitted);
            let room = lot.ask(&FIVE, 5, at(11));
            assert!(room.admitted, "{FREE_AGAIN}");
        });
    });
}
