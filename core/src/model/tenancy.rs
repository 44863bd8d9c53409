//! Models of slots that change hands under a thread that sleeps.

use super::harness::*;
use super::keys::*;
use crate::sync::trace::Event;

/// A finisher of an insertion sleeps before it revives the ring; meanwhile another
/// finishes, is charged, and its slot is evicted for a third. Had the sleeper
/// opened the ring that the eviction closed, a check would be charged in a slot
/// that is just being freed.
pub(super) fn stale_finisher(model: Model) {
    model.run(|| {
        let table = table(1);
        claim_and_die(&table, key(7), 1);
        let sleeper: Body = |table| take(table, key(7), 20);
        let others: Body = |table| {
            take(table, key(7), 1);
            take(table, key(8), 20)
        };
        let [sleeper, newcomer] = race(&table, [sleeper, others]);
        for (name, answer) in [(7, sleeper), (8, newcomer)] {
            assert_ne!(answer, Some(false), "{ADMITS_WHAT_FITS}: key {name}");
            let charged = live(&table, key(name), 20);
            let answered = u32::from(answer == Some(true));
            assert_eq!(charged, answered, "{CHARGED_AS_ANSWERED}: key {name}");
        }
    });
}

#[test]
fn a_finisher_sleeps() {
    stale_finisher(Model::bounded("a finisher sleeps", 1).reaches(&[
        Event::Takeover,
        Event::Evict,
        Event::Rebirth,
        Event::NotItsOwn,
    ]));
}

/// A copier of a former tenant sleeps, while its key is evicted and another,
/// born in the slot, grows its own ring: what the copier writes late counts for
/// nobody.
pub(super) fn copier_of_a_former_tenant(model: Model) {
    model.run(|| {
        let table = table(2);
        let four = window(4, RETENTION);
        take_in(&table, key(1), four, 2, 1);
        let copier: Body = |table| take_in(table, key(1), window(4, RETENTION), 1, 5);
        let newcomer: Body = |table| {
            let first = take_in(table, key(7), window(4, RETENTION), 2, 20);
            assert_eq!(first, Some(true), "{ADMITS_WHAT_FITS}");
            take_in(table, key(7), window(4, RETENTION), 1, 20)
        };
        let [_, grown] = race(&table, [copier, newcomer]);
        assert_eq!(grown, Some(true), "{ADMITS_WHAT_FITS}");
        for window in [four, window(8, 100)] {
            let charged = live_in(&table, key(7), window, 20);
            assert_eq!(charged, 3, "{CHARGED_AS_ANSWERED}");
        }
    });
}

#[test]
fn a_copier_of_a_former_tenant_sleeps() {
    copier_of_a_former_tenant(
        Model::bounded("a copier of a former tenant sleeps", 2).reaches(&[
            Event::Grow,
            Event::CopyLost,
            Event::Evict,
            Event::Rebirth,
        ]),
    );
}
