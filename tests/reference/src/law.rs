//! The law of the window, over one complete log of stamps.
//!
//! A log holds the tick of every unit ever admitted, oldest first. A unit with
//! stamp `v` is live in a window of length `W` at tick `t` iff `v + W > t`.

use std::collections::VecDeque;

use crate::policy::Window;

/// The admission stamps of one key, in ticks, one per unit, never pruned.
pub type Log = VecDeque<i128>;

/// The tick at which a log is judged: the clock's, but never before its newest
/// unit, so that a clock that stepped back cannot take an admission back.
pub fn judged_at(log: &Log, clock_tick: i128) -> i128 {
    log.back()
        .map_or(clock_tick, |newest| clock_tick.max(*newest))
}

/// The number of live units.
pub fn live(log: &Log, window: Window, t: i128) -> i128 {
    log.iter().filter(|v| is_live(**v, window, t)).count() as i128
}

/// Units that the window still has, none if a lowered limit is exceeded.
pub fn remaining(log: &Log, window: Window, t: i128) -> i128 {
    (window.limit - live(log, window, t)).max(0)
}

/// The tick at which `n` more units fit if nothing else comes, or `None` if
/// they fit at `t`. `n` is at most the limit.
///
/// They fit once at most `limit - n` units are live: once the unit that stands
/// `limit + 1 - n` back from the newest has died.
pub fn unblocks_at(log: &Log, window: Window, n: i128, t: i128) -> Option<i128> {
    if live(log, window, t) + n <= window.limit {
        return None;
    }
    let back = usize::try_from(window.limit + 1 - n).expect("n is at most the limit");
    Some(log[log.len() - back] + window.length_ticks)
}

/// The tick at which the oldest live unit dies; `t` itself if none lives.
pub fn resets_at(log: &Log, window: Window, t: i128) -> i128 {
    let oldest = log.iter().find(|v| is_live(**v, window, t));
    oldest.map_or(t, |v| v + window.length_ticks)
}

fn is_live(v: i128, window: Window, t: i128) -> bool {
    v + window.length_ticks > t
}

#[cfg(test)]
mod tests {
    use super::*;

    const THREE_PER_TEN: Window = Window {
        limit: 3,
        length_ticks: 10,
    };

    fn log(stamps: &[i128]) -> Log {
        stamps.iter().copied().collect()
    }

    #[test]
    fn a_unit_lives_for_exactly_one_length() {
        let expected = [(1, 1), (9, 1), (10, 1), (11, 0), (12, 0)];
        for (t, units) in expected {
            assert_eq!(live(&log(&[1]), THREE_PER_TEN, t), units, "tick {t}");
        }
    }

    #[test]
    fn a_blocked_request_waits_for_the_unit_that_makes_room() {
        let full = log(&[1, 4, 6]);
        let expected = [(1, 11), (2, 14), (3, 16)];
        for (n, tick) in expected {
            assert_eq!(unblocks_at(&full, THREE_PER_TEN, n, 7), Some(tick));
            assert_eq!(unblocks_at(&full, THREE_PER_TEN, n, tick - 1), Some(tick));
            assert_eq!(unblocks_at(&full, THREE_PER_TEN, n, tick), None);
        }
    }

    #[test]
    fn a_lowered_limit_waits_for_more_than_one_unit() {
        let overfull = log(&[1, 2, 3, 4, 5]);
        assert_eq!(remaining(&overfull, THREE_PER_TEN, 5), 0);
        assert_eq!(unblocks_at(&overfull, THREE_PER_TEN, 1, 5), Some(13));
        assert_eq!(unblocks_at(&overfull, THREE_PER_TEN, 1, 12), Some(13));
        assert_eq!(unblocks_at(&overfull, THREE_PER_TEN, 1, 13), None);
    }

    #[test]
    fn a_log_is_never_judged_before_its_newest_unit() {
        assert_eq!(judged_at(&log(&[]), 5), 5);
        assert_eq!(judged_at(&log(&[3, 8]), 5), 8);
        assert_eq!(judged_at(&log(&[3, 8]), 9), 9);
    }

    #[test]
    fn a_window_resets_when_its_oldest_live_unit_dies() {
        assert_eq!(resets_at(&log(&[]), THREE_PER_TEN, 5), 5);
        assert_eq!(resets_at(&log(&[1, 4]), THREE_PER_TEN, 5), 11);
        assert_eq!(resets_at(&log(&[1, 4]), THREE_PER_TEN, 11), 14);
        assert_eq!(resets_at(&log(&[1, 4]), THREE_PER_TEN, 14), 14);
    }
}
