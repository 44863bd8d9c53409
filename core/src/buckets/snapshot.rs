//! A bucketed log as one head value describes it.

use std::cell::Cell;

use super::counts::{Counts, Since};
use super::mark::{Mark, first_tick};
use super::planes::Shifts;
use super::span::Span;
use super::{Buckets, Setback};
use crate::sync::fault::{Fault, planted};

pub(super) struct Snapshot<'r, 't> {
    log: &'r Buckets<'t>,
    shifts: &'r Shifts,
    head: Mark,
    birth: Mark,
    /// The quantum that is decided at.
    now: u64,
    /// Why what was read is not to be believed.
    setback: Cell<Option<Setback>>,
}

impl<'r, 't> Snapshot<'r, 't> {
    pub fn new(
        log: &'r Buckets<'t>,
        shifts: &'r Shifts,
        head: Mark,
        birth: Mark,
        now: u64,
    ) -> Self {
        Self {
            log,
            shifts,
            head,
            birth,
            now,
            setback: Cell::new(None),
        }
    }

    /// Whether all that was read of the log so far was found.
    pub fn outcome(&self) -> Result<(), Setback> {
        self.setback.get().map_or(Ok(()), Err)
    }

    /// Looks for the first bucket after `bucket` that the head entered, up to its
    /// present one.
    fn entered_after(&self, span: Span, bucket: u64) -> Result<Since, Setback> {
        let shift = span.shift();
        let plane = self.shifts.plane(shift).ok_or(Setback::Contradiction)?;
        let newest = self.head.quantum() >> shift;
        for next in bucket + 1..=newest {
            let entry = Mark(self.log.cell(plane, next).load());
            let counts = entry.is_flagged() || next == newest || planted(Fault::EntryTrusted);
            if entry.quantum() == next << shift && counts {
                let units = self.head.since(entry);
                return Ok(Since { units, next });
            }
            if entry.quantum() >> shift > self.now >> shift && !planted(Fault::LapIgnored) {
                return Err(Setback::Ahead(entry.quantum()));
            }
        }
        Err(Setback::Contradiction)
    }
}

impl Counts for Snapshot<'_, '_> {
    fn since(&self, span: Span, bucket: Option<u64>) -> Since {
        let newest = span.bucket(first_tick(self.head.quantum()));
        let first = span.bucket(first_tick(self.birth.quantum()));
        let nothing = Since {
            units: 0,
            next: newest,
        };
        match bucket {
            Some(bucket) if bucket >= newest => nothing,
            Some(bucket) if bucket >= first => {
                let found = self.entered_after(span, bucket);
                found.unwrap_or_else(|setback| {
                    self.setback.set(Some(setback));
                    nothing
                })
            }
            _ => Since {
                units: self.head.since(self.birth),
                next: first,
            },
        }
    }
}
