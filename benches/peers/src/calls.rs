//! What is called: merchants and sequences of them, all made before anything is
//! measured.

use std::fmt::Write;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_distr::{Distribution, Zipf};

/// One request. It owns its text, as a request that has just been read does, and the
/// calls of a sequence lie one behind the other: so what is measured is the limiter's
/// own work and not a cache miss for the name, which would be the same for all.
#[derive(Debug, Clone)]
pub struct Call {
    /// The merchant, 16 bytes. A `String`, because a keyed governor wants one.
    pub merchant: String,
    /// Its number, for keys that were prepared before.
    pub index: u32,
}

impl Call {
    /// A call of the merchant with this number.
    pub fn of(index: usize) -> Self {
        Self {
            merchant: format!("merchant{index:08}"),
            index: index as u32,
        }
    }

    /// Makes it a call of another merchant, in the memory that it has: so millions of
    /// calls leave no trace in the heap while a contestant's memory is measured.
    pub fn renumber(&mut self, index: usize) {
        self.merchant.clear();
        let _ = write!(self.merchant, "merchant{index:08}");
        self.index = index as u32;
    }
}

/// How the calls of a work choose their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// One key alone.
    Hot,
    /// Each key as often as any other.
    Uniform,
    /// Key n with a weight of 1/n, the classic law of popularity.
    Zipf,
}

impl Choice {
    /// Its name in tables and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::Uniform => "uniform",
            Self::Zipf => "zipf",
        }
    }

    /// How many keys are present.
    pub fn keys(self, keys: usize) -> usize {
        if self == Self::Hot { 1 } else { keys }
    }

    /// `count` calls over `keys` keys. The same seed makes the same calls.
    pub fn calls(self, count: usize, keys: usize, seed: u64) -> Vec<Call> {
        let mut random = StdRng::seed_from_u64(seed);
        // Numbers are scattered, so that popular merchants have no neighbouring names.
        let scattered = scattered(keys);
        let zipf = Zipf::new(keys as f64, 1.0).expect("at least one key");
        let mut next = || match self {
            Self::Hot => 0,
            Self::Uniform => random.random_range(0..keys),
            Self::Zipf => zipf.sample(&mut random) as usize - 1,
        };
        (0..count).map(|_| Call::of(scattered(next()))).collect()
    }
}

/// A permutation of `0..keys`: multiplication by a number that shares no factor with
/// `keys`.
fn scattered(keys: usize) -> impl Fn(usize) -> usize {
    let step = (keys * 5 / 8..).find(|step| gcd(*step, keys) == 1);
    let step = step.expect("a larger number without common factors");
    move |rank| rank * step % keys
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Every key once, in the order of numbers.
pub fn all(keys: usize) -> Vec<Call> {
    (0..keys).map(Call::of).collect()
}

/// Every key once, in a random order. The same seed makes the same order.
pub fn shuffled(keys: usize, seed: u64) -> Vec<Call> {
    let mut order: Vec<usize> = (0..keys).collect();
    order.shuffle(&mut StdRng::seed_from_u64(seed));
    order.into_iter().map(Call::of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffling_keeps_every_key_and_not_their_order() {
        let index = |call: &Call| call.index;
        let shuffled: Vec<u32> = shuffled(100, 1).iter().map(index).collect();
        let ordered: Vec<u32> = all(100).iter().map(index).collect();
        assert_ne!(shuffled, ordered);
        let mut sorted = shuffled;
        sorted.sort_unstable();
        assert_eq!(sorted, ordered);
    }

    #[test]
    fn a_renumbered_call_is_as_a_new_one() {
        let mut call = Call::of(7);
        call.renumber(12_345_678);
        let new = Call::of(12_345_678);
        assert_eq!((call.merchant, call.index), (new.merchant, new.index));
    }

    #[test]
    fn scattering_reaches_every_key_once() {
        for keys in [1, 2, 10, 500, 1_000] {
            let scattered = scattered(keys);
            let mut seen: Vec<usize> = (0..keys).map(scattered).collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..keys).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_most_popular_key_of_zipf_has_its_share() {
        let calls = Choice::Zipf.calls(20_000, 1_000, 1);
        let most = calls.iter().filter(|call| call.index == 0).count();
        // 1 / H(1000) = 0.1336
        assert!((2_400..=2_950).contains(&most), "{most}");
    }
}
