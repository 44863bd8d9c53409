//! The two tables: exact keys and bucketed ones. Which of them a rule's keys stand
//! in, nobody else needs to ask.

use std::io;

use super::prepared::Hint;
use super::receipt::Charge;
use crate::log::{Horizons, Query};
use crate::sync::SetOnce;
use crate::table::{Bucketed, Exact, Key, Kind, Newcomers, Place, Reply, Sizes, Table};
use crate::time::Now;
use crate::window::Precision;

pub(crate) struct Tables {
    pub exact: Table<Exact>,
    /// Made for the first policy with a bucketed rule: others reserve nothing for
    /// it. It stays for good.
    bucketed: SetOnce<Table<Bucketed>>,
    sizes: Sizes,
}

impl Tables {
    pub fn new(sizes: Sizes) -> io::Result<Self> {
        Ok(Self {
            exact: Table::new(&sizes)?,
            bucketed: SetOnce::new(),
            sizes,
        })
    }

    pub fn sizes(&self) -> &Sizes {
        &self.sizes
    }

    #[inline]
    pub fn bucketed(&self) -> Option<&Table<Bucketed>> {
        self.bucketed.get()
    }

    /// Makes the table for keys of this precision, unless there is one.
    pub fn provide(&self, precision: Precision) -> io::Result<()> {
        if precision == Precision::Exact || self.bucketed().is_some() {
            return Ok(());
        }
        // Where another swap was faster, its table is as good; and it may be what left
        // no address space for this one.
        match Table::new(&self.sizes) {
            Ok(table) => drop(self.bucketed.set(Box::new(table))),
            Err(error) if self.bucketed().is_none() => return Err(error),
            Err(_) => {}
        }
        Ok(())
    }

    /// As [`Table::raise_horizon`].
    pub fn raise_horizon(&self, precision: Precision, rule: u32, ticks: u64) {
        match (precision, self.bucketed()) {
            (Precision::Exact, _) => self.exact.raise_horizon(rule, ticks),
            (Precision::Bucketed, Some(table)) => table.raise_horizon(rule, ticks),
            (Precision::Bucketed, None) => {}
        }
    }

    /// Asks a key, where it was found before if there is a hint.
    #[inline]
    pub fn ask(
        &self,
        precision: Precision,
        key: Key,
        hint: Option<&Hint>,
        query: &Query<'_>,
        now: Now<'_>,
    ) -> Reply {
        match precision {
            Precision::Exact => ask(&self.exact, key, hint, query, now),
            Precision::Bucketed => self.ask_bucketed(key, hint, query, now),
        }
    }

    #[inline(never)]
    fn ask_bucketed(
        &self,
        key: Key,
        hint: Option<&Hint>,
        query: &Query<'_>,
        now: Now<'_>,
    ) -> Reply {
        match self.bucketed() {
            Some(table) => ask(table, key, hint, query, now),
            None => Reply::Corrupt,
        }
    }

    /// As [`Table::has_room`].
    pub fn has_room(
        &self,
        precision: Precision,
        key: Key,
        place: Option<Place>,
        newcomers: &mut Newcomers,
        now: Now<'_>,
    ) -> bool {
        match (precision, self.bucketed()) {
            (Precision::Exact, _) => self.exact.has_room(key, place, newcomers, now),
            (Precision::Bucketed, Some(table)) => table.has_room(key, place, newcomers, now),
            (Precision::Bucketed, None) => false,
        }
    }

    /// As [`Table::ask_pool`].
    pub fn ask_pool(
        &self,
        precision: Precision,
        rule: u32,
        query: &Query<'_>,
        now: Now<'_>,
    ) -> Reply {
        match (precision, self.bucketed()) {
            (Precision::Exact, _) => self.exact.ask_pool(rule, query, now),
            (Precision::Bucketed, Some(table)) => table.ask_pool(rule, query, now),
            (Precision::Bucketed, None) => Reply::Corrupt,
        }
    }

    /// Lends back what was charged; whether any of it still counted.
    pub fn refund(&self, charge: Charge, horizons: &Horizons, now: Now<'_>) -> bool {
        let Charge {
            place,
            charged,
            precision,
        } = charge;
        match (precision, self.bucketed()) {
            (Precision::Exact, _) => self.exact.refund(place, charged, horizons, now),
            (Precision::Bucketed, Some(table)) => table.refund(place, charged, horizons, now),
            (Precision::Bucketed, None) => false,
        }
    }

    /// Resets a key, whatever its rule's precision.
    pub fn reset(&self, key: Key) -> bool {
        let exact = self.exact.reset(key);
        self.bucketed().is_some_and(|table| table.reset(key)) || exact
    }

    /// Counts a decision on a key, where keys are counted.
    pub fn tally(&self, precision: Precision, place: Place, admitted: bool, live: u32) {
        match (precision, self.bucketed()) {
            (Precision::Exact, _) => self.exact.tally(place, admitted, live),
            (Precision::Bucketed, Some(table)) => table.tally(place, admitted, live),
            (Precision::Bucketed, None) => {}
        }
    }

    pub fn count_keys(&self) -> usize {
        self.exact.count_keys() + self.bucketed().map_or(0, Table::count_keys)
    }
}

#[inline]
fn ask<K: Kind>(
    table: &Table<K>,
    key: Key,
    hint: Option<&Hint>,
    query: &Query<'_>,
    now: Now<'_>,
) -> Reply {
    match hint {
        Some(hint) => hint.ask(table, key, query, now),
        None => table.ask(key, query, now),
    }
}
