//! Whether all keys of a request will find room, before any of them is charged.
//!
//! A request of several rules that finds out too late has charged the keys before
//! the one without room, and what it lends back is a trace. So it follows in
//! advance what its charges will do, one after the other: a new key takes a slot of
//! the emptier of its two buckets, after it has evicted what is idle in them; an
//! idle key of the request keeps its slot, unless one before it has evicted it.

use smallvec::SmallVec;

use super::geometry::BUCKET;
use super::kind::Kind;
use super::{Key, KeyWord, Place, Table, settled};
use crate::time::Now;

/// What the keys that a request will bring in, or bring back to life, do to their
/// buckets, in their order: up to three entries a key, so that four keys allocate
/// nothing.
#[derive(Default)]
pub(crate) struct Newcomers(SmallVec<[Foreseen; 12]>);

/// What one of them does to a bucket.
struct Foreseen {
    bucket: u32,
    does: Does,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    /// It evicts what is idle.
    Evict,
    /// It takes an empty slot.
    Take,
    /// It goes on in its own slot, which is idle.
    Stay,
}

/// Slots of a bucket that are no living key's.
struct Free {
    empty: usize,
    idle: usize,
}

impl Newcomers {
    fn count(&self, bucket: u32, does: Does) -> usize {
        let of = self
            .0
            .iter()
            .filter(|n| n.bucket == bucket && n.does == does);
        of.count()
    }

    fn push(&mut self, bucket: u32, does: Does) {
        self.0.push(Foreseen { bucket, does });
    }

    /// What will be free of what is now.
    fn leave(&self, bucket: u32, now: Free) -> Free {
        let idle = now.idle - self.count(bucket, Does::Stay).min(now.idle);
        let (evicted, idle) = match self.count(bucket, Does::Evict) {
            0 => (0, idle),
            _ => (idle, 0),
        };
        let empty = (now.empty + evicted).saturating_sub(self.count(bucket, Does::Take));
        Free { empty, idle }
    }
}

impl<K: Kind> Table<K> {
    /// Whether a key that was peeked at will have a slot once the newcomers before
    /// it have theirs, as far as a look can tell; if it needs one, it joins them.
    /// `place` is where it stands.
    pub fn has_room(
        &self,
        key: Key,
        place: Option<Place>,
        newcomers: &mut Newcomers,
        now: Now<'_>,
    ) -> bool {
        let settled = settled(now.reading().tick());
        if let Some(Place { slot, .. }) = place {
            let bucket = (slot / BUCKET) as u32;
            if !self.is_idle(slot, settled) {
                return true;
            }
            if newcomers.count(bucket, Does::Evict) == 0 {
                newcomers.push(bucket, Does::Stay);
                return true;
            }
        }
        let buckets = key.buckets(self.geometry.buckets);
        buckets.iter().for_each(|b| newcomers.push(*b, Does::Evict));
        let left = buckets.map(|b| newcomers.leave(b, self.free_in(b, settled)));
        let [first, second] = left;
        let has_room = first.empty.max(second.empty) > 0;
        if has_room {
            // As an insertion chooses.
            let chosen = buckets[usize::from(second.empty > first.empty)];
            newcomers.push(chosen, Does::Take);
        }
        has_room
    }

    fn free_in(&self, bucket: u32, settled: u64) -> Free {
        let from = bucket as usize * BUCKET;
        let slots = from..from + BUCKET;
        let committed = |slot: &usize| KeyWord(self.key(*slot).load()).is_committed();
        let is_idle = |slot: &usize| self.is_idle(*slot, settled);
        let taken = slots.clone().filter(committed);
        Free {
            empty: BUCKET - taken.clone().count(),
            idle: taken.filter(is_idle).count(),
        }
    }
}

#[cfg(all(test, not(any(slidegate_loom, slidegate_shuttle))))]
mod tests {
    use super::*;
    use crate::log::{Ask, Horizons, Query};
    use crate::sync::trace::{Event, seen};
    use crate::table::{Exact, Hashing, Reply, SKEW, Sizes};
    use crate::time::Reading;
    use crate::window::Window;

    const WINDOWS: [Window; 1] = [Window::from_ticks(1_000, 10)];

    fn ask(table: &Table<Exact>, key: Key, ask: Ask, tick: u64) -> Option<Option<Place>> {
        let query = Query {
            name: b"",
            windows: &WINDOWS,
            widths: &[],
            horizons: &Horizons::FOREVER,
            cost: 1,
            ask,
            detail: false,
            standings: None,
        };
        match table.ask(key, &query, Now::Fixed(Reading::of_tick(tick))) {
            Reply::Answered(answer, place) => {
                assert!(answer.admitted);
                Some(place)
            }
            Reply::Full => None,
            Reply::Corrupt => panic!("the table contradicts itself"),
        }
    }

    /// Requests of several keys, in tables of two to five buckets: what is foreseen
    /// of each key is what its charge then finds.
    #[test]
    fn what_is_foreseen_is_what_happens() {
        let hashing = Hashing::with_random_secret().unwrap();
        let rule = hashing.rule("r");
        let (mut found, mut full, before) = (0, 0, seen(Event::Evict));
        for round in 0..400u64 {
            let table = Table::<Exact>::new(&Sizes {
                max_keys: 1 + round % 20,
                max_limit: 4,
                pools: 0,
                names: false,
                counters: false,
            });
            let table = table.unwrap();
            table.raise_horizon(0, 10);
            let mut random = round.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
            let mut draw = |below: u64| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                (random >> 33) % below
            };
            let mut tick = 2 * SKEW;
            for _ in 0..100 {
                tick += draw(4) * SKEW / 4;
                let now = Now::Fixed(Reading::of_tick(tick));
                let mut key = || Key::new(0, rule, hashing.merchant(&[draw(60) as u8]));
                let keys: Vec<Key> = (0..6).map(|_| key()).collect();
                let mut newcomers = Newcomers::default();
                let foresee = |key: &Key| {
                    let place = ask(&table, *key, Ask::Peek, tick).flatten();
                    table.has_room(*key, place, &mut newcomers, now)
                };
                let mut distinct = keys;
                distinct.sort_unstable_by_key(|key| key.fingerprint);
                distinct.dedup();
                let foreseen: Vec<bool> = distinct.iter().map(foresee).collect();
                for (key, has_room) in distinct.iter().zip(foreseen) {
                    let happened = ask(&table, *key, Ask::Charge, tick).is_some();
                    assert_eq!(has_room, happened, "round {round}");
                    *(if happened { &mut found } else { &mut full }) += 1;
                }
            }
        }
        let evicted = seen(Event::Evict) - before;
        assert!(
            found > 50_000 && full > 5_000 && evicted > 20_000,
            "{found}, {full}, {evicted}"
        );
    }
}
