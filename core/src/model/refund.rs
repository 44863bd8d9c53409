//! Models of refunds: against checks, growth, each other, and later tenants.

use super::harness::*;
use super::keys::*;
use crate::sync::trace::Event;
use crate::table::{Place, Table};
use crate::window::Window;

const ONE: [Window; 1] = [window(1, 10)];

/// A refund lends exactly what it gave back, and a racing check sees it or not.
#[test]
fn refund_meets_a_check() {
    let model = Model::unbounded("refund meets a check");
    model.reaches(&[Event::Refund]).run(|| {
        let ring = Lone::new(1);
        ring.ask(&ONE, 1, 5);
        let refund = |ring: &Lone| {
            assert!(ring.refund(1, 5, 5), "a unit that counts");
            0
        };
        let check = |ring: &Lone| ring.note(&ONE, 1, 6).units();
        let admitted: usize = race(&ring, [refund, check]).iter().sum();
        let after = ring.note(&ONE, 1, 6).units();
        assert_eq!(admitted + after, 1, "{ADMITS_WHAT_FITS}");
        assert!(!ring.ask(&ONE, 1, 14).admitted, "{NEVER_OVER}");
    });
}

/// Two refunds at once both lend, and no more than they gave back.
pub(super) fn refund_meets_refund(model: Model) {
    model.run(|| {
        let two = [window(2, 10)];
        let ring = Lone::new(2);
        ring.ask(&two, 1, 4);
        ring.ask(&two, 1, 5);
        let first = |ring: &Lone| ring.refund(1, 4, 5);
        let second = |ring: &Lone| ring.refund(1, 5, 5);
        assert_eq!(race(&ring, [first, second]), [true, true]);
        assert!(ring.ask(&two, 2, 6).admitted, "{ADMITS_WHAT_FITS}");
        assert!(!ring.ask(&two, 1, 6).admitted, "{NEVER_OVER}");
    });
}

#[test]
fn two_refunds_at_once() {
    refund_meets_refund(Model::unbounded("two refunds at once").reaches(&[Event::Refund]));
}

/// A refund lends while another grows the ring: the credit is neither lost nor
/// doubled.
#[test]
fn refund_meets_growth() {
    Model::unbounded("refund meets growth")
        .reaches(&[Event::Grow, Event::Refund])
        .run(|| {
            let three = [window(3, 10)];
            let ring = Lone::new(3);
            ring.ask(&three, 2, 1);
            let refund = |ring: &Lone| ring.refund(2, 1, 5);
            let check = |ring: &Lone| ring.ask(&[window(3, 10)], 1, 5).admitted;
            let [refunded, checked] = race(&ring, [refund, check]);
            assert!(refunded, "a unit that counts is refunded");
            assert!(checked, "{ADMITS_WHAT_FITS}");
            assert!(ring.ask(&three, 2, 6).admitted, "{ADMITS_WHAT_FITS}");
            assert!(!ring.ask(&three, 1, 6).admitted, "{NEVER_OVER}");
            assert_eq!(ring.live(window(8, 10), 11), 3, "{NOT_LOST}");
        });
}

/// Charges key 1 and says where.
fn place_of(table: &Table, tick: u64) -> Place {
    let (_, place) = ask_with(table, key(1), &charge(&ONE, 1), tick).expect("room");
    place.expect("a key that was charged stands somewhere")
}

/// A refund of a former tenant's unit, while the key is reset, charged anew and
/// refunded for the new unit: the old credit lends the new tenant nothing, and
/// neither destroys nor inflates the credit that is its own.
pub(super) fn refund_meets_reset(model: Model) {
    model.run(|| {
        let table = table(1);
        let old = place_of(&table, 5);
        let stale = Box::new(move |table: &Table| refund(table, old, 5, 5));
        let anew: Boxed<Table, bool> = Box::new(|table| {
            assert!(table.reset(key(1)), "the key was there");
            let place = place_of(table, 6);
            assert_eq!(take(table, key(1), 6), Some(false), "{NEVER_OVER}");
            refund(table, place, 6, 6)
        });
        let [_, refunded] = race_boxed(&table, [stale, anew]);
        assert!(refunded, "a unit that counts is refunded");
        assert_eq!(take(&table, key(1), 7), Some(true), "{ADMITS_WHAT_FITS}");
        assert_eq!(take(&table, key(1), 8), Some(false), "{NEVER_OVER}");
    });
}

#[test]
fn a_refund_meets_a_reset() {
    refund_meets_reset(Model::bounded("a refund meets a reset", 3).reaches(&[
        Event::Refund,
        Event::RefundLate,
        Event::Reset,
        Event::Rebirth,
    ]));
}

/// The same where the former tenant was evicted and another key has the slot;
/// the refunder's clock is behind, so that to it the unit still counts.
pub(super) fn refund_meets_rebirth(model: Model) {
    model.run(|| {
        let table = table(1);
        let old = place_of(&table, 5);
        let stale = Box::new(move |table: &Table| refund(table, old, 5, 6));
        let newcomer: Boxed<Table, bool> = Box::new(|table| {
            let query = charge(&ONE, 1);
            let (_, place) = ask_with(table, key(7), &query, 20).expect("room");
            refund(table, place.expect("a place"), 20, 20)
        });
        let [_, refunded] = race_boxed(&table, [stale, newcomer]);
        assert!(refunded, "a unit that counts is refunded");
        assert_eq!(take(&table, key(7), 21), Some(true), "{ADMITS_WHAT_FITS}");
        assert_eq!(take(&table, key(7), 22), Some(false), "{NEVER_OVER}");
    });
}

#[test]
fn a_refund_meets_a_rebirth() {
    refund_meets_rebirth(Model::bounded("a refund meets a rebirth", 3).reaches(&[
        Event::Refund,
        Event::RefundLate,
        Event::Evict,
        Event::Rebirth,
    ]));
}
