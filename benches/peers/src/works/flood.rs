//! Resident memory through floods: as many keys as a limiter has room for come once
//! each and fall idle, then as many others, and as many others again. What a flood left
//! behind is to serve the next one.
//!
//! Time is simulated, for the peers as well, so nothing waits. They are told to forget
//! what is idle before each flood; see [`flooded`](crate::contestants::flooded).
//! limitador and trypema are left out: their clocks cannot be set, and an hour would
//! have to pass; a shorter window would end while a flood is still coming.

use std::cell::RefCell;
use std::rc::Rc;

use super::memory::NAMELESS;
use super::present::WARMING;
use super::{GOVERNOR, LOG, OURS, Unit, Work, resident};
use crate::calls::Call;
use crate::claims::Claim;
use crate::contestants::flooded::{Flooded, GovernorFlooded, LogFlooded, OursFlooded};
use crate::contestants::ours::builder;
use crate::rounds::Entry;
use crate::scale::Scale;

/// The work's name.
pub const NAME: &str = "flood";

const FLOODS: usize = 3;

/// What has happened when memory is read.
const STEPS: [&str; 2 * FLOODS - 1] = ["flood 1", "idle 1", "flood 2", "idle 2", "flood 3"];

// The lines that are compared: a contestant and a step, as `line` puts them together.
const FIRST: &str = "slidegate, flood 1";
const THIRD: &str = "slidegate, flood 3";
const NAMELESS_FIRST: &str = "slidegate, names not kept, flood 1";
const NAMELESS_THIRD: &str = "slidegate, names not kept, flood 3";

/// Rounds vary by less than a hundredth.
const ENOUGH: usize = 3;

/// The work. Its ratios are to Slidegate's first flood, so that growth is seen at once.
pub fn work(scale: &Scale) -> Work {
    let keys = scale.flood_keys;
    Work {
        name: NAME.into(),
        title: format!("memory, floods of {keys} other keys each, and each flood idle"),
        unit: Unit::Resident { keys },
        baseline: FIRST,
        claims: vec![
            Claim::at_most("memory, third flood to first", THIRD, FIRST, 1.05),
            Claim::at_most(
                "memory, third flood to first, names not kept",
                NAMELESS_THIRD,
                NAMELESS_FIRST,
                1.05,
            ),
        ],
        most_rounds: ENOUGH,
        entries: Box::new(move |_| Ok(entries(keys))),
    }
}

fn entries(keys: usize) -> Vec<Entry> {
    let of_one = |name| {
        let runs = Rc::new(RefCell::new(Runs::new(name, keys)));
        (0..STEPS.len()).map(move |step| entry(&runs, step))
    };
    let names = [OURS, NAMELESS, GOVERNOR, LOG];
    names.into_iter().flat_map(of_one).collect()
}

fn line(name: &str, step: &str) -> String {
    format!("{name}, {step}")
}

fn entry(runs: &Rc<RefCell<Runs>>, step: usize) -> Entry {
    let (runs, mut round) = (runs.clone(), 0);
    let name = line(runs.borrow().name, STEPS[step]);
    Entry::new(name, move || {
        round += 1;
        runs.borrow_mut().figure(round, step)
    })
}

/// A contestant's children, one a round: all steps of a round are read in one process,
/// which is started for the first of them that is asked for.
struct Runs {
    name: &'static str,
    keys: usize,
    done: Vec<Vec<f64>>,
}

impl Runs {
    fn new(name: &'static str, keys: usize) -> Self {
        let done = Vec::new();
        Self { name, keys, done }
    }

    /// Rounds count from 1.
    fn figure(&mut self, round: usize, step: usize) -> f64 {
        if self.done.len() < round {
            let figures = resident::in_child(NAME, self.name, &[self.keys]);
            self.done.push(figures);
        }
        self.done[round - 1][step]
    }
}

/// What the child does: bytes a key of one flood, after each step; none if there is no
/// such contestant.
pub fn measure(name: &str, keys: usize) -> Option<Vec<f64>> {
    let mut call = Call::of(0);
    flood(&*contestant(name, keys)?, 0, WARMING, &mut call);
    let before = resident::bytes_before();
    let contestant = contestant(name, keys)?;
    let read = || resident::bytes().saturating_sub(before) as f64 / keys as f64;
    let mut figures = Vec::with_capacity(STEPS.len());
    for number in 0..FLOODS {
        if number > 0 {
            contestant.fall_idle();
            figures.push(read());
        }
        flood(&*contestant, number * keys, keys, &mut call);
        figures.push(read());
    }
    Some(figures)
}

fn contestant(name: &str, keys: usize) -> Option<Box<dyn Flooded>> {
    Some(match name {
        OURS => Box::new(OursFlooded::new(builder(keys))),
        NAMELESS => Box::new(OursFlooded::new(builder(keys).names(false))),
        GOVERNOR => Box::new(GovernorFlooded::new()),
        LOG => Box::new(LogFlooded::new(keys)),
        _ => return None,
    })
}

fn flood(contestant: &dyn Flooded, first: usize, keys: usize, call: &mut Call) {
    for index in first..first + keys {
        call.renumber(index);
        assert!(contestant.admits(call), "every key of a flood finds room");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_that_are_compared_are_there() {
        let names: Vec<String> = entries(1).into_iter().map(|entry| entry.name).collect();
        for compared in [FIRST, THIRD, NAMELESS_FIRST, NAMELESS_THIRD] {
            assert!(names.iter().any(|name| name == compared), "{compared}");
        }
    }
}
