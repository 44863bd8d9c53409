//! Resident memory follows traffic. One test, so that nothing else runs in the
//! process while it measures.
#![cfg(target_os = "linux")]

use std::sync::Arc;
use std::time::Duration;

use slidegate::{Limiter, LimiterBuilder, ManualClock, Policy};

const KEYS: u32 = 200_000;

/// Bytes in memory, from the kernel's account of the mappings.
fn resident() -> usize {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = rollup.lines().find(|line| line.starts_with("Rss:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.unwrap().parse::<usize>().unwrap() * 1_024
}

struct Fleet {
    limiter: Limiter,
    clock: Arc<ManualClock>,
    before: usize,
}

impl Fleet {
    fn new(window: &str) -> Self {
        Self::built(window, Limiter::builder().names(false))
    }

    fn built(window: &str, builder: LimiterBuilder) -> Self {
        Self::of(window, builder.max_keys(KEYS.into()))
    }

    fn of(window: &str, builder: LimiterBuilder) -> Self {
        let text = format!(
            "version = 1\n[[rule]]\nname = \"r\"\nmatch = \"*\"\nwindows = [\"{window}\"]\n"
        );
        let policy = Policy::from_toml(&text).unwrap();
        let clock = Arc::new(ManualClock::new(0));
        let before = resident();
        let limiter = builder.clock(clock.clone()).build(&policy).unwrap();
        Self {
            limiter,
            clock,
            before,
        }
    }

    /// Admits `units` of every `each`th merchant, one by one.
    fn admit(&self, units: u32, each: u32) {
        for _ in 0..units {
            self.clock.advance(Duration::from_millis(1));
            for merchant in (0..KEYS).step_by(each as usize) {
                let name = format!("merchant_{merchant:07}");
                assert!(self.limiter.allow(name, "", 1).unwrap());
            }
        }
    }

    /// Admits one unit of so many merchants; bytes a key.
    fn admit_some(&self, merchants: usize) -> usize {
        for merchant in 0..merchants {
            let name = format!("merchant_{merchant:07}");
            assert!(self.limiter.allow(name, "", 1).unwrap());
        }
        (resident() - self.before) / merchants
    }

    fn bytes_a_key(&self, what: &str) -> usize {
        let bytes = (resident() - self.before) / KEYS as usize;
        println!("{what}: {bytes} B a key");
        bytes
    }
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "takes long without optimisation: make memory"
)]
fn resident_memory_follows_traffic() {
    let fleet = Fleet::new("100/min");
    fleet.admit(1, 1);
    assert!(fleet.bytes_a_key("one live request") <= 192);
    fleet.admit(19, 1);
    fleet.bytes_a_key("20 live requests");
    fleet.admit(80, 1);
    assert!(fleet.bytes_a_key("a full window of 100") <= 1_500);
    fleet.clock.advance(Duration::from_secs(61));
    fleet.admit(1, 1);
    fleet.bytes_a_key("one live request, after a full window");
    drop(fleet);

    let fleet = Fleet::new("100/min");
    fleet.admit(1, 1);
    fleet.admit(99, 100);
    fleet.bytes_a_key("one key in 100 full, the others at one request");
    drop(fleet);

    let fleet = Fleet::new("2000/day");
    fleet.admit(1, 1);
    assert!(fleet.bytes_a_key("one live request of 2,000 a day") <= 192);
    drop(fleet);

    let fleet = Fleet::built("100/min", Limiter::builder());
    fleet.admit(1, 1);
    fleet.bytes_a_key("one live request, with names");
    drop(fleet);

    let fleet = Fleet::built("100/min", Limiter::builder().key_counters(true));
    fleet.admit(1, 1);
    fleet.bytes_a_key("one live request, with names and counters");
    drop(fleet);

    for (keys, most) in [
        (1_000, 9_000),
        (10_000, 1_700),
        (100_000, 420),
        (262_144, 210),
    ] {
        let fleet = Fleet::of("100/min", Limiter::builder());
        let bytes = fleet.admit_some(keys);
        println!("{keys} keys in a default limiter, one live request: {bytes} B a key");
        assert!(bytes <= most);
    }

    // Few keys in a table for many touch a few small pages each.
    let fleet = Fleet::of("100/min", Limiter::builder().max_keys(10_000_000));
    let bytes = fleet.admit_some(100);
    println!("100 keys in a table for ten millions, one live request: {bytes} B a key");
    assert!(bytes <= 4 * 4_096);
}
