//! Many keys: every one of `max_keys` finds room, up to ten million. One test, so
//! that a release run of all ten million has the memory for itself.

use slidegate::{Limiter, Policy};

/// All of the first figure and some of the second in the debug build that tests
/// run in; all of both in release.
const SIZES: [(u64, u64); 2] = [(200_000, 200_000), (10_000_000, 50_000)];

#[test]
fn every_key_finds_room() {
    let text = "version = 1\n[[rule]]\nname = \"r\"\nmatch = \"*\"\nwindows = [\"5/day\"]\n";
    let policy = Policy::from_toml(text).unwrap();
    for (max_keys, some) in SIZES {
        let inserted = if cfg!(debug_assertions) {
            some
        } else {
            max_keys
        };
        let limiter = Limiter::builder()
            .max_keys(max_keys)
            .build(&policy)
            .unwrap();
        for name in 0..inserted {
            let merchant = format!("merchant_{name:07}");
            assert!(limiter.allow(merchant, "", 1).unwrap(), "key {name}");
        }
        assert_eq!(limiter.untracked(), 0);
        if !cfg!(debug_assertions) || max_keys == inserted {
            assert_eq!(limiter.keys() as u64, inserted);
        }
    }
}
