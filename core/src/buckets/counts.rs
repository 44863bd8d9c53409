//! The law of counts: may a request pass, and if not, when, judged by how many
//! units each bucket holds.
//!
//! Like [`crate::law`] it sees no atomics and no clock. It is exact for units that
//! live as [`Span`] says: the instant of a denial is the first tick of a bucket,
//! from which on the request would be admitted and before which it would not.

use super::mark::MOST;
use super::span::Span;
use crate::law::{Credit, Holding, Judge};
use crate::window::Window;

/// The units of a key, bucket by bucket.
pub(crate) trait Counts {
    /// What was admitted after the end of `bucket`, in buckets of `span`'s width;
    /// of `None`, what was ever admitted.
    fn since(&self, span: Span, bucket: Option<u64>) -> Since;
}

/// Units admitted after some bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Since {
    pub units: u32,
    /// No bucket between that one and this holds any of them. It is a later one,
    /// and not later than that of the newest unit.
    pub next: u64,
}

/// A log that judges a window by counts.
pub(crate) struct Counted<'c, C>(pub &'c C);

impl<C: Counts> Counted<'_, C> {
    /// The first tick at which the window holds at most `most` units, if it holds
    /// more now that the units of `gone` and before have left.
    fn holds_at_most(&self, span: Span, gone: Option<u64>, most: u32) -> u64 {
        let mut since = self.0.since(span, gone);
        loop {
            // The units of `next` are the next to leave.
            let left = since.next;
            since = self.0.since(span, Some(left));
            if since.units <= most {
                return span.expiry(left);
            }
        }
    }

    fn limit(&self, span: Span, window: &Window, at: u64, credit: Credit) -> u32 {
        debug_assert!(window.limit <= MOST, "units are counted modulo 2^25");
        credit.limit(window.limit, span.leaves_at(credit.oldest), at, MOST)
    }
}

impl<C: Counts> Judge for Counted<'_, C> {
    fn unblocks_at(&self, window: &Window, cost: u32, at: u64, credit: Credit) -> u64 {
        let span = Span::of(window.ticks());
        let limit = self.limit(span, window, at, credit);
        debug_assert!(cost <= limit, "such a request never passes");
        let gone = span.gone(at);
        let room = limit.saturating_sub(cost);
        match self.0.since(span, gone).units <= room {
            true => 0,
            false => self.holds_at_most(span, gone, room),
        }
    }

    fn holding(&self, window: &Window, at: u64, credit: Credit) -> Holding {
        let span = Span::of(window.ticks());
        let gone = span.gone(at);
        let units = self.0.since(span, gone).units;
        let frees_at = match units {
            0 => 0,
            _ => self.holds_at_most(span, gone, units - 1),
        };
        Holding::new(
            window,
            units,
            self.limit(span, window, at, credit),
            frees_at,
        )
    }

    fn leaves_at(&self, window: &Window, at: u64) -> u64 {
        Span::of(window.ticks()).leaves_at(at)
    }
}
