//! The law of the window, over one key's complete history.
//!
//! A unit is live in a window at tick `t` until it expires there. `n` units are
//! admitted at `t` iff in every window the live ones and they are at most the
//! limit, which is more than the window's own while refunds have lent some.

use crate::history::History;
use crate::window::Window;

/// The number of live units.
pub fn live(history: &History, window: Window, t: i128) -> i128 {
    let admissions = history.log.iter();
    let live = admissions.filter(|a| window.expires(a.stamp) > t);
    live.map(|a| a.units).sum()
}

/// What the window admits at `t`, live units included.
pub fn limit(history: &History, window: Window, t: i128) -> i128 {
    match history.credit {
        Some(credit) if credit.is_alive_in(window, t) => window.lent(credit.units),
        _ => window.limit,
    }
}

/// Units that the window still has, none if a lowered limit is exceeded.
pub fn remaining(history: &History, window: Window, t: i128) -> i128 {
    (limit(history, window, t) - live(history, window, t)).max(0)
}

/// The tick at which the oldest live unit dies; `t` itself if none lives.
pub fn resets_at(history: &History, window: Window, t: i128) -> i128 {
    expiries(history, window)
        .filter(|x| *x > t)
        .min()
        .unwrap_or(t)
}

/// What holds `n` units back at `t`, and the earliest tick at which all windows
/// admit them if nothing else comes; `None` if they do at `t`. `n` is at most
/// every window's own limit.
///
/// Each window promises a tick by the credit that it has; a credit may die
/// before that tick, so the promise is judged again there.
pub fn block(history: &History, windows: &[Window], n: i128, t: i128) -> Option<(Window, i128)> {
    let mut block = None;
    let mut x = t;
    while let Some((window, tick)) = longest_block(history, windows, n, x) {
        block = Some((window, tick));
        x = tick;
    }
    block
}

/// The window that opens last as judged at `t`, of equal ones the longest, of
/// those the first, which is the one that `min_by_key` keeps.
fn longest_block(
    history: &History,
    windows: &[Window],
    n: i128,
    t: i128,
) -> Option<(Window, i128)> {
    let blocking = windows
        .iter()
        .filter_map(|window| Some((*window, unblocks_at(history, *window, n, t)?)));
    blocking.min_by_key(|(window, tick)| (-tick, -window.length_ticks))
}

/// The tick at which the window would admit `n` units if its limit stayed what
/// it is at `t`, or `None` if it admits them at `t`. Room comes only when units
/// die, and by then all are gone there is room for `n`.
fn unblocks_at(history: &History, window: Window, n: i128, t: i128) -> Option<i128> {
    let limit = limit(history, window, t);
    let has_room = |x: i128| live(history, window, x) + n <= limit;
    if has_room(t) {
        return None;
    }
    let later = expiries(history, window).filter(|x| *x > t);
    let mut later: Vec<i128> = later.collect();
    later.sort_unstable();
    let opens = later.into_iter().find(|x| has_room(*x));
    Some(opens.expect("n is at most the limit"))
}

fn expiries(history: &History, window: Window) -> impl Iterator<Item = i128> {
    let admissions = history.log.iter();
    admissions.map(move |a| window.expires(a.stamp))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Credit;
    use crate::window::Precision;

    const THREE_PER_TEN: Window = exact(3, 10);

    const fn exact(limit: i128, length_ticks: i128) -> Window {
        Window {
            limit,
            length_ticks,
            precision: Precision::Exact,
        }
    }

    fn log(stamps: &[i128]) -> History {
        let mut history = History::default();
        for stamp in stamps {
            history.charge(1, *stamp);
        }
        history
    }

    /// A log of which units are lent that were admitted when the longest window
    /// was `horizon_ticks` long.
    fn lent_within(horizon_ticks: i128, stamps: &[i128], units: i128, oldest: i128) -> History {
        let credit = Credit {
            units,
            oldest,
            horizon: exact(1, horizon_ticks),
        };
        History {
            credit: Some(credit),
            ..log(stamps)
        }
    }

    /// A horizon that no window here is longer than.
    fn lent(stamps: &[i128], units: i128, oldest: i128) -> History {
        lent_within(1_000, stamps, units, oldest)
    }

    /// The tick that the law names, over one window.
    fn opens(history: &History, window: Window, n: i128, t: i128) -> Option<i128> {
        block(history, &[window], n, t).map(|(_, tick)| tick)
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
            assert_eq!(opens(&full, THREE_PER_TEN, n, 7), Some(tick));
            assert_eq!(opens(&full, THREE_PER_TEN, n, tick - 1), Some(tick));
            assert_eq!(opens(&full, THREE_PER_TEN, n, tick), None);
        }
    }

    #[test]
    fn a_lowered_limit_waits_for_more_than_one_unit() {
        let overfull = log(&[1, 2, 3, 4, 5]);
        assert_eq!(remaining(&overfull, THREE_PER_TEN, 5), 0);
        assert_eq!(opens(&overfull, THREE_PER_TEN, 1, 5), Some(13));
        assert_eq!(opens(&overfull, THREE_PER_TEN, 1, 12), Some(13));
        assert_eq!(opens(&overfull, THREE_PER_TEN, 1, 13), None);
    }

    #[test]
    fn a_window_resets_when_its_oldest_live_unit_dies() {
        assert_eq!(resets_at(&log(&[]), THREE_PER_TEN, 5), 5);
        assert_eq!(resets_at(&log(&[1, 4]), THREE_PER_TEN, 5), 11);
        assert_eq!(resets_at(&log(&[1, 4]), THREE_PER_TEN, 11), 14);
        assert_eq!(resets_at(&log(&[1, 4]), THREE_PER_TEN, 14), 14);
    }

    #[test]
    fn a_credit_adds_to_the_limit_while_its_oldest_unit_lives() {
        let history = lent(&[1, 4, 6], 2, 4);
        assert_eq!(remaining(&history, THREE_PER_TEN, 7), 2);
        assert_eq!(remaining(&history, THREE_PER_TEN, 13), 3);
        assert_eq!(remaining(&history, THREE_PER_TEN, 14), 2);
        assert_eq!(opens(&history, THREE_PER_TEN, 2, 7), None);
    }

    /// Unit 1 is refunded. By the credit two fit at 11, but there the credit is
    /// dead, and units 4 and 6 leave room for one.
    #[test]
    fn a_promise_is_judged_again_where_its_credit_has_died() {
        let history = lent(&[1, 4, 6], 1, 1);
        assert_eq!(opens(&history, THREE_PER_TEN, 1, 7), None);
        assert_eq!(opens(&history, THREE_PER_TEN, 2, 7), Some(14));
        assert_eq!(opens(&history, THREE_PER_TEN, 3, 7), Some(16));
    }

    /// Units 1 and 6 are refunded: both credits die with unit 1, and what was
    /// admitted at 10 is denied at 11.
    #[test]
    fn a_credit_may_die_before_its_younger_units() {
        let history = lent(&[1, 6, 6, 6], 2, 1);
        assert_eq!(opens(&history, THREE_PER_TEN, 1, 10), None);
        assert_eq!(opens(&history, THREE_PER_TEN, 1, 11), Some(16));
    }

    /// The short window has lost its credit at 11, the long one has not.
    #[test]
    fn each_window_has_a_credit_of_its_own_length() {
        let history = lent(&[1, 8, 8, 8], 2, 1);
        let windows = [THREE_PER_TEN, exact(5, 30)];
        assert_eq!(limit(&history, windows[0], 11), 3);
        assert_eq!(limit(&history, windows[1], 11), 7);
        assert_eq!(block(&history, &windows, 1, 10), None);
        let short = Some((windows[0], 18));
        assert_eq!(block(&history, &windows, 1, 11), short);
    }

    /// Four units of 1 are lent and four more came at 5, when four ticks were the
    /// longest window. Under eight ticks the credit would be alive until 9.
    #[test]
    fn a_longer_window_does_not_revive_a_credit() {
        let history = lent_within(4, &[1, 1, 1, 1, 5, 5, 5, 5], 4, 1);
        let eight = exact(4, 8);
        for (t, expected) in [(4, 8), (5, 4), (6, 4), (8, 4), (9, 4)] {
            assert_eq!(limit(&history, eight, t), expected, "tick {t}");
        }
        for n in 1..=4 {
            assert_eq!(opens(&history, eight, n, 6), Some(13), "{n} units");
        }
    }

    /// The units lent were admitted under eight ticks, which is how long they
    /// are remembered and lent, however long the window.
    #[test]
    fn a_credit_lives_for_the_horizon_of_its_units() {
        let history = lent_within(8, &[2, 2, 2], 3, 2);
        for (window_ticks, dies) in [(4, 6), (8, 10), (12, 10)] {
            let window = exact(4, window_ticks);
            assert_eq!(limit(&history, window, dies - 1), 7);
            assert_eq!(limit(&history, window, dies), 4);
        }
    }

    /// Units 1, 4 and 6, the last two lent, are remembered for five ticks. Until
    /// 9 two fit; then they wait for the units of 1 and 4 to leave.
    #[test]
    fn a_promise_is_judged_again_where_the_horizon_has_ended() {
        let history = lent_within(5, &[1, 4, 6], 2, 4);
        assert_eq!(opens(&history, THREE_PER_TEN, 2, 8), None);
        assert_eq!(opens(&history, THREE_PER_TEN, 3, 8), Some(16));
        assert_eq!(opens(&history, THREE_PER_TEN, 2, 9), Some(14));
        assert_eq!(opens(&history, THREE_PER_TEN, 1, 9), Some(11));
    }

    /// The first window opens at 21, when the units of 5 go. There the second
    /// has lost its credit, and unit 19 holds it until 29.
    #[test]
    fn the_window_that_names_the_final_tick_binds() {
        let history = lent(&[5, 5, 11, 19], 2, 11);
        let windows = [exact(2, 16), exact(1, 10)];
        assert_eq!(opens(&history, windows[0], 1, 20), Some(21));
        assert_eq!(opens(&history, windows[1], 1, 20), None);
        assert_eq!(block(&history, &windows, 1, 20), Some((windows[1], 29)));
    }

    #[test]
    fn of_equal_promises_the_longer_window_then_the_first_is_named() {
        let history = log(&[1, 11, 11]);
        let windows = [exact(2, 10), exact(3, 20), exact(3, 20)];
        assert_eq!(block(&history, &windows, 1, 12), Some((windows[1], 21)));
    }

    /// A small generator: the test needs variety and the same every time.
    struct Lehmer(u64);

    impl Lehmer {
        fn below(&mut self, end: u64) -> i128 {
            self.0 = self.0 * 48_271 % 0x7fff_ffff;
            i128::from(self.0 % end)
        }
    }

    fn random_case(random: &mut Lehmer) -> (History, Vec<Window>, i128, i128) {
        let mut stamps: Vec<i128> = (0..random.below(12))
            .map(|_| 1 + random.below(60))
            .collect();
        stamps.sort_unstable();
        let n = 1 + random.below(3);
        let windows =
            (0..=random.below(3)).map(|_| exact(n + random.below(4), 1 + random.below(40)));
        let windows = windows.collect();
        let t = stamps.last().map_or(1, |newest| newest + random.below(30));
        let oldest = stamps.get(usize::try_from(random.below(12)).unwrap());
        let history = match oldest {
            Some(oldest) => {
                let horizon_ticks = 1 + random.below(60);
                lent_within(horizon_ticks, &stamps, 1 + random.below(4), *oldest)
            }
            None => log(&stamps),
        };
        (history, windows, n, t)
    }

    /// Tick by tick, from the definition alone.
    #[test]
    fn the_named_tick_is_the_first_at_which_every_window_admits() {
        let mut random = Lehmer(20_260_101);
        let mut blocked = 0;
        for _ in 0..5_000 {
            let (history, windows, n, t) = random_case(&mut random);
            let admits = |x: i128| {
                let mut all = windows.iter();
                all.all(|w| live(&history, *w, x) + n <= limit(&history, *w, x))
            };
            let first = (t..).find(|x| admits(*x)).unwrap();
            let block = block(&history, &windows, n, t);
            assert_eq!(block.map_or(t, |(_, tick)| tick), first, "{history:?}");
            blocked += usize::from(block.is_some());
        }
        assert!(blocked > 1_000, "{blocked}");
    }
}
