//! The ideal: a log of what was admitted, by the definition of a window and nothing
//! else. It shares no code with any contestant.

/// How many of these arrivals (nanoseconds, ascending) are admitted if each is exactly
/// where fewer than `limit` were admitted in the window that ends with it.
pub fn admitted(arrivals: &[u64], limit: usize, window_ns: u64) -> usize {
    let mut admitted: Vec<u64> = Vec::new();
    for now in arrivals {
        // Of a half-open window, a unit is gone when exactly the window's length passed.
        let live = admitted.iter().rev().take(limit);
        let live = live.take_while(|then| *then + window_ns > *now).count();
        if live < limit {
            admitted.push(*now);
        }
    }
    admitted.len()
}

/// How many of these requests (nanoseconds, ascending, and whether each was admitted)
/// were refused although fewer than `limit` were admitted in the window before.
pub fn refused_with_room(asked: &[(u64, bool)], limit: usize, window_ns: u64) -> usize {
    let mut admitted: Vec<u64> = Vec::new();
    let mut refused = 0;
    for (now, allowed) in asked {
        let live = admitted.partition_point(|then| then + window_ns <= *now);
        let room = admitted.len() - live < limit;
        refused += usize::from(room && !allowed);
        if *allowed {
            admitted.push(*now);
        }
    }
    refused
}

/// The most of these instants (nanoseconds, ascending) in any half-open window.
pub fn worst_window(instants: &[u64], window_ns: u64) -> usize {
    let count = |first: usize| {
        let rest = &instants[first..];
        rest.partition_point(|instant| *instant < rest[0] + window_ns)
    };
    (0..instants.len()).map(count).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_leaves_after_exactly_the_window() {
        assert_eq!(admitted(&[0, 5, 9, 10, 14, 15], 2, 10), 4);
        assert_eq!(admitted(&[0, 9, 10], 1, 10), 2);
    }

    #[test]
    fn a_refusal_counts_only_where_there_was_room() {
        let asked = [(0, true), (5, false), (9, true), (10, false), (19, false)];
        assert_eq!(refused_with_room(&asked, 1, 10), 1);
        assert_eq!(refused_with_room(&asked, 2, 10), 3);
    }

    #[test]
    fn the_worst_window_is_half_open() {
        assert_eq!(worst_window(&[0, 5, 10], 10), 2);
        assert_eq!(worst_window(&[0, 5, 9, 30], 10), 3);
        assert_eq!(worst_window(&[], 10), 0);
    }
}
