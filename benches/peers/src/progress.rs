//! What is going on, on stderr.

use std::time::{Duration, Instant};

/// Counts the steps of a run and guesses when it ends.
pub struct Progress {
    begun: Instant,
    done: f64,
    steps: f64,
}

impl Progress {
    /// A run of so many steps.
    pub fn new(steps: usize) -> Self {
        Self {
            begun: Instant::now(),
            done: 0.0,
            steps: steps as f64,
        }
    }

    /// Says what begins now; it is worth one step, all its rounds together.
    pub fn round(&mut self, what: &str, round: usize, rounds: usize) {
        let part = self.done + round as f64 / rounds as f64;
        let (round, left) = (round + 1, self.left(part));
        eprintln!("{what}: round {round} of {rounds}{left}");
    }

    /// Says what is being made ready.
    pub fn preparing(&self, what: &str) {
        eprintln!("{what}: making it ready{}", self.left(self.done));
    }

    /// A step has ended.
    pub fn step(&mut self) {
        self.done += 1.0;
    }

    fn left(&self, done: f64) -> String {
        let passed = self.begun.elapsed();
        if done < 0.5 {
            return format!(" ({} so far)", minutes(passed));
        }
        let left = passed.mul_f64((self.steps - done).max(0.0) / done);
        format!(
            " ({} so far, about {} left)",
            minutes(passed),
            minutes(left)
        )
    }
}

fn minutes(time: Duration) -> String {
    format!("{}:{:02}", time.as_secs() / 60, time.as_secs() % 60)
}
