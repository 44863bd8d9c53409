//! How large everything is: for figures, for a quick look, and for the smoke test.

use serde::Serialize;

/// Sizes of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Scale {
    /// What it is called.
    pub name: &'static str,
    /// How often each contestant runs in each work.
    pub rounds: usize,
    /// Keys that are present in works with many keys.
    pub keys: usize,
    /// Keys that are inserted in the work with fresh keys.
    pub fresh_keys: usize,
    /// Calls of one timed pass.
    pub calls: usize,
    /// Keys of a contestant whose memory is measured.
    pub memory_keys: usize,
    /// Numbers of keys that are present when memory is measured.
    pub present_keys: &'static [usize],
    /// The numbers of keys that these limiters have room for; the first is the default
    /// of `max_keys`, but for the smoke test.
    pub max_keys: &'static [usize],
    /// Keys of each flood.
    pub flood_keys: usize,
    /// The largest number of keys in the sweep over numbers of keys.
    pub sweep_keys: usize,
    /// Calls that the latency histograms are made of.
    pub histogram_calls: usize,
    /// Windows that an admission pattern runs through in simulated time.
    pub windows: u64,
    /// Windows of a second that it runs through in real time.
    pub real_windows: u64,
}

impl Scale {
    /// For figures that are published: 800,000 keys, seven rounds, in less than half an
    /// hour. The largest works have nine of Slidegate's limiters with settled keys in
    /// memory at once, which with their peers is 13 GB.
    pub const FULL: Self = Self {
        name: "full",
        rounds: 7,
        keys: 800_000,
        fresh_keys: 800_000,
        calls: 1 << 20,
        memory_keys: 200_000,
        present_keys: &[1_000, 10_000, 100_000, 262_144, 800_000],
        max_keys: &[262_144, 800_000, 8_000_000],
        flood_keys: 262_144,
        sweep_keys: 10_000_000,
        histogram_calls: 1 << 22,
        windows: 50,
        real_windows: 6,
    };

    /// For a look while developing: the same works, smaller, in some minutes and 2 GB.
    pub const QUICK: Self = Self {
        name: "quick",
        rounds: 5,
        keys: 100_000,
        fresh_keys: 100_000,
        calls: 1 << 17,
        memory_keys: 20_000,
        present_keys: &[1_000, 10_000, 100_000],
        max_keys: &[262_144, 800_000, 8_000_000],
        flood_keys: 20_000,
        sweep_keys: 1_000_000,
        histogram_calls: 1 << 19,
        windows: 20,
        real_windows: 3,
    };

    /// For the smoke test: everything runs, nothing means anything.
    pub const SMOKE: Self = Self {
        name: "smoke",
        rounds: 2,
        keys: 512,
        fresh_keys: 512,
        calls: 1 << 10,
        memory_keys: 2_000,
        present_keys: &[500, 1_000],
        max_keys: &[600, 2_000, 4_000],
        flood_keys: 2_000,
        sweep_keys: 100,
        histogram_calls: 1 << 12,
        windows: 4,
        real_windows: 1,
    };
}
