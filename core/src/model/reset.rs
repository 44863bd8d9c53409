//! Models of resets: against checks, evictions and insertions.

use super::harness::*;
use super::keys::*;
use crate::sync::trace::Event;

/// A reset and a check of one key: what was admitted before the reset is
/// forgotten, what was admitted after it counts, under longer windows too.
pub(super) fn reset_meets_check(model: Model) {
    model.run(|| {
        let table = table(1);
        take(&table, key(1), 5);
        let check: Body = |table| take(table, key(1), 6);
        let reset: Body = |table| Some(table.reset(key(1)));
        let [checked, reset] = race(&table, [check, reset]);
        assert_eq!(reset, Some(true), "the key had a slot");
        let after = u32::from(checked == Some(true));
        assert_eq!(live(&table, key(1), 6), after, "{CHARGED_AS_ANSWERED}");
        let ever = live_in(&table, key(1), window(3, 100), 6);
        assert_eq!(ever, after, "{CHARGED_AS_ANSWERED}");
        // No other key may find what stands there.
        assert_eq!(take(&table, key(7), 6), Some(true), "{ADMITS_WHAT_FITS}");
        assert_eq!(live(&table, key(1), 6), after, "{NOT_LOST}");
    });
}

#[test]
fn a_reset_meets_a_check() {
    reset_meets_check(Model::bounded("a reset meets a check", 3).reaches(&[
        Event::Reset,
        Event::Gone,
        Event::Rebirth,
    ]));
}

/// A reset of an idle key, while another key takes its slot: the newcomer's ring
/// is not closed.
pub(super) fn reset_meets_eviction(model: Model) {
    model.run(|| {
        let table = table(1);
        take(&table, key(1), 8);
        take(&table, key(2), 12);
        let reset: Body = |table| Some(table.reset(key(1)));
        let newcomer: Body = |table| take(table, key(7), 20);
        let [_, answer] = race(&table, [reset, newcomer]);
        assert_eq!(answer, Some(true), "{ADMITS_WHAT_FITS}");
        assert_eq!(live(&table, key(7), 20), 1, "{NOT_LOST}");
        assert_eq!(live(&table, key(2), 20), 1, "{NOT_LOST}");
    });
}

#[test]
fn a_reset_meets_an_eviction() {
    reset_meets_eviction(Model::bounded("a reset meets an eviction", 3).reaches(&[
        Event::Reset,
        Event::Evict,
        Event::Rebirth,
        Event::NotItsOwn,
    ]));
}

/// After a reset two requests bring the key in together: neither sees what was
/// forgotten, at no moment of the rebirth, and neither's unit is lost. (They finish
/// the claim of one who died, which is as far as both would have come.)
pub(super) fn reset_then_two(model: Model) {
    model.run(|| {
        let table = table(1);
        let two = window(2, RETENTION);
        take_in(&table, key(7), two, 2, 5);
        table.reset(key(7));
        claim_and_die(&table, key(7), 6);
        let low: Body = |table| take_in(table, key(7), window(2, RETENTION), 1, 6);
        let high: Body = |table| take_in(table, key_from_above(7), window(2, RETENTION), 1, 6);
        let answers = race(&table, [low, high]);
        assert_eq!(admitted(&answers), 2, "{ADMITS_WHAT_FITS}");
        assert_eq!(live_in(&table, key(7), two, 6), 2, "{CHARGED_AS_ANSWERED}");
    });
}

#[test]
fn two_bring_a_reset_key_back() {
    reset_then_two(
        Model::bounded("two bring a reset key back", 2).reaches(&[Event::Rebirth, Event::Takeover]),
    );
}

/// A look at a key that is being brought back: it must not free the slot under a
/// check that is charged there.
pub(super) fn peek_meets_rebirth(model: Model) {
    model.run(|| {
        let table = table(1);
        take(&table, key(7), 5);
        table.reset(key(7));
        claim_and_die(&table, key(7), 6);
        let check: Body = |table| take(table, key(7), 6);
        let look: Body = |table| Some(live(table, key(7), 6) <= 1);
        let [checked, _] = race(&table, [check, look]);
        assert_eq!(checked, Some(true), "{ADMITS_WHAT_FITS}");
        assert_eq!(live(&table, key(7), 6), 1, "{NOT_LOST}");
    });
}

#[test]
fn a_look_meets_a_rebirth() {
    peek_meets_rebirth(Model::bounded("a look meets a rebirth", 3).reaches(&[Event::Rebirth]));
}

/// A reset, while a check that must grow the ring sleeps: the units that it
/// copies late are not the next tenant's.
pub(super) fn reset_meets_growth(model: Model) {
    model.run(|| {
        let table = table(2);
        let four = window(4, RETENTION);
        take_in(&table, key(1), four, 2, 5);
        let grower: Body = |table| take_in(table, key(1), window(4, RETENTION), 1, 6);
        let resetter: Body = |table| Some(table.reset(key(1)));
        let [grown, reset] = race(&table, [grower, resetter]);
        assert_eq!(
            (grown, reset),
            (Some(true), Some(true)),
            "{ADMITS_WHAT_FITS}"
        );
        let live = live_in(&table, key(1), four, 6);
        assert!(live <= 1, "{CHARGED_AS_ANSWERED}: {live}");
        let fits = 4 - live;
        let answer = take_in(&table, key(1), four, fits, 6);
        assert_eq!(answer, Some(true), "{ADMITS_WHAT_FITS}");
        let charged = live_in(&table, key(1), window(8, 100), 6);
        assert_eq!(charged, 4, "{CHARGED_AS_ANSWERED}");
    });
}

#[test]
fn a_reset_meets_growth() {
    reset_meets_growth(Model::bounded("a reset meets growth", 3).reaches(&[
        Event::Grow,
        Event::Reset,
        Event::CopyLost,
    ]));
}

/// Two resets at once, and a check behind one of them.
#[test]
fn two_resets_at_once() {
    let model = Model::bounded("two resets at once", 3);
    model.reaches(&[Event::Reset, Event::Rebirth]).run(|| {
        let table = table(1);
        take(&table, key(1), 5);
        let reset: Body = |table| Some(table.reset(key(1)));
        let reset_and_take: Body = |table| {
            table.reset(key(1));
            take(table, key(1), 6)
        };
        let [_, checked] = race(&table, [reset, reset_and_take]);
        assert_eq!(checked, Some(true), "{ADMITS_WHAT_FITS}");
        // The other reset came before the check or after it.
        let live = live(&table, key(1), 6);
        let again = take(&table, key(1), 6);
        assert_eq!(again, Some(live == 0), "{CHARGED_AS_ANSWERED}");
    });
}
