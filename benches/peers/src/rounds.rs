//! The heart of the comparison: every contestant runs once in every round, and every
//! round begins with another one. What the machine does meanwhile then falls on all of
//! them, and a ratio of two figures of one round says more than one of two medians.

use crate::progress::Progress;

/// One line of a work: a contestant in one way of being called.
pub struct Entry {
    /// Its name in tables; claims refer to it.
    pub name: String,
    /// Runs one round and answers its figure, in the unit of the work.
    pub run: Box<dyn FnMut() -> f64>,
    /// Of so many calls it makes one, because it is slow.
    pub thinning: usize,
    /// Says after all rounds whether everything that the line promises was done; if
    /// not, its work has no figures.
    pub kept: Box<dyn Fn() -> Result<(), String>>,
}

impl Entry {
    /// An entry of this name, which makes every call and promises nothing more.
    pub fn new(name: impl Into<String>, run: impl FnMut() -> f64 + 'static) -> Self {
        Self {
            name: name.into(),
            run: Box::new(run),
            thinning: 1,
            kept: Box::new(|| Ok(())),
        }
    }
}

/// The figures of an entry, round by round.
#[derive(Debug, Clone)]
pub struct Figures {
    /// The entry.
    pub name: String,
    /// Of so many calls one was made.
    pub thinning: usize,
    /// One for each round.
    pub rounds: Vec<f64>,
}

/// Who runs in this round, one after the other: all, beginning with another one in
/// every round.
pub fn order(round: usize, entries: usize) -> impl Iterator<Item = usize> {
    (0..entries).map(move |turn| (turn + round) % entries)
}

/// Runs all entries once a round, beginning with another one each time.
///
/// # Errors
/// What an entry has promised and not done.
pub fn interleaved(
    work: &str,
    entries: &mut [Entry],
    rounds: usize,
    progress: &mut Progress,
) -> Result<Vec<Figures>, String> {
    let mut figures: Vec<Figures> = entries
        .iter()
        .map(|entry| Figures {
            name: entry.name.clone(),
            thinning: entry.thinning,
            rounds: Vec::with_capacity(rounds),
        })
        .collect();
    for round in 0..rounds {
        progress.round(work, round, rounds);
        for turn in order(round, entries.len()) {
            figures[turn].rounds.push((entries[turn].run)());
        }
    }
    entries.iter().try_for_each(|entry| (entry.kept)())?;
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    #[test]
    fn every_round_runs_all_and_begins_with_another() {
        let order = Rc::new(RefCell::new(String::new()));
        let entry = |name: &'static str| {
            let order = order.clone();
            Entry::new(name, move || {
                order.borrow_mut().push_str(name);
                order.borrow().len() as f64
            })
        };
        let mut entries = [entry("a"), entry("b"), entry("c")];
        let figures = interleaved("test", &mut entries, 3, &mut Progress::new(1)).unwrap();
        assert_eq!(*order.borrow(), "abcbcacab");
        assert_eq!(figures[0].rounds, [1.0, 6.0, 8.0]);
    }

    #[test]
    fn a_promise_that_was_not_kept_leaves_no_figures() {
        let mut entries = [Entry::new("a", || 1.0), Entry::new("b", || 1.0)];
        entries[1].kept = Box::new(|| Err("too few".into()));
        let figures = interleaved("test", &mut entries, 2, &mut Progress::new(1));
        assert_eq!(figures.unwrap_err(), "too few");
    }
}
