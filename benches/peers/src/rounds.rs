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
}

impl Entry {
    /// An entry of this name.
    pub fn new(name: impl Into<String>, run: impl FnMut() -> f64 + 'static) -> Self {
        Self {
            name: name.into(),
            run: Box::new(run),
        }
    }
}

/// The figures of an entry, round by round.
#[derive(Debug, Clone)]
pub struct Figures {
    /// The entry.
    pub name: String,
    /// One for each round.
    pub rounds: Vec<f64>,
}

/// Runs all entries once a round, beginning with another one each time.
pub fn interleaved(
    work: &str,
    entries: &mut [Entry],
    rounds: usize,
    progress: &mut Progress,
) -> Vec<Figures> {
    let mut figures: Vec<Figures> = entries
        .iter()
        .map(|entry| Figures {
            name: entry.name.clone(),
            rounds: Vec::with_capacity(rounds),
        })
        .collect();
    for round in 0..rounds {
        progress.round(work, round, rounds);
        for turn in 0..entries.len() {
            let turn = (turn + round) % entries.len();
            figures[turn].rounds.push((entries[turn].run)());
        }
    }
    figures
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
        let figures = interleaved("test", &mut entries, 3, &mut Progress::new(1));
        assert_eq!(*order.borrow(), "abcbcacab");
        assert_eq!(figures[0].rounds, [1.0, 6.0, 8.0]);
    }
}
