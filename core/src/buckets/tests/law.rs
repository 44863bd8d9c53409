//! The law of counts against the naive one.

use proptest::prelude::*;

use super::super::counts::{Counted, Counts, Since};
use super::naive::{Naive, leaves_at};
use crate::buckets::mark::MOST;
use crate::buckets::span::{SHORTEST_TICKS, Span};
use crate::law::{self, Credit, Judge};
use crate::window::Window;

/// Units as the law sees them: by bucket.
impl Counts for Naive {
    fn since(&self, span: Span, bucket: Option<u64>) -> Since {
        let later = self.admitted.iter().filter_map(|&(stamp, units)| {
            let of = span.bucket(stamp);
            bucket.is_none_or(|b| of > b).then_some((of, units))
        });
        Since {
            units: later.clone().map(|(_, units)| units).sum(),
            next: later.map(|(of, _)| of).min().unwrap_or(0),
        }
    }
}

fn windows() -> impl Strategy<Value = Vec<Window>> {
    let ticks = prop_oneof![
        SHORTEST_TICKS..1 << 19,
        SHORTEST_TICKS..1 << 22,
        (18u32..24).prop_map(|log2| 1 << log2),
        (19u32..24).prop_map(|log2| (1 << log2) - 1),
    ];
    let limit = prop_oneof![1u32..60, MOST - 60..MOST + 1];
    let window = (limit, ticks).prop_map(|(limit, ticks)| Window::from_ticks(limit, ticks));
    proptest::collection::vec(window, 1..4)
}

/// A log of admissions: gaps from none to more than a lap, weights up to
/// `most` units.
fn log() -> impl Strategy<Value = Naive> {
    let gap = prop_oneof![0u64..3_000, 0u64..300_000, 0u64..1 << 21];
    let units = prop_oneof![4 => 1u32..9, 1 => 1u32..1 << 17];
    proptest::collection::vec((gap, units), 0..40).prop_map(|steps| {
        let mut at = 1;
        let stamped = steps.into_iter().map(|(gap, units)| {
            at += gap;
            (at, units)
        });
        Naive {
            admitted: stamped.collect(),
            lent: (0, 0),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    #[test]
    fn agrees_with_counting(
        mut naive in log(),
        windows in windows(),
        share in 0u32..101,
        ahead in prop_oneof![Just(0u64), 0u64..400_000, 0u64..1 << 24],
        lent in prop_oneof![Just(0u32), 1u32..5, 1u32..60],
        refunded in any::<prop::sample::Index>(),
        edge in proptest::option::of(1u64..3_000),
    ) {
        let newest = naive.admitted.last().map_or(1, |last| last.0);
        let cost = (windows.iter().map(|w| w.limit).min().unwrap() * share / 100).max(1);
        if lent > 0 && !naive.admitted.is_empty() {
            naive.lent = (lent, refunded.get(&naive.admitted).0);
        }
        // Where the credit ends is where it is most easily misjudged.
        let at = match edge {
            Some(edge) => leaves_at(windows[0].ticks(), naive.lent.1) - edge,
            None => newest + ahead,
        };
        let at = at.max(newest);
        let credit = Credit { units: naive.lent.0, oldest: naive.lent.1, ends_at: u64::MAX };
        let log = Counted(&naive);

        let until = law::block(&log, &windows, cost, at, credit).map_or(at, |b| b.until);
        prop_assert_eq!(until, naive.earliest(&windows, cost, at));
        if until > at {
            prop_assert!(law::block(&log, &windows, cost, until - 1, credit).is_some());
            prop_assert!(law::block(&log, &windows, cost, until, credit).is_none());
        }
        for window in &windows {
            prop_assert_eq!(log.holding(window, at, credit).live, naive.used(window, at));
        }
        let tightest = law::tightest(&log, &windows, 0, at, credit).unwrap();
        prop_assert_eq!(tightest, naive.tightest(&windows, at));
    }
}
