//! Resident memory by the number of keys that are present, with one live request each,
//! and by the number that a limiter has room for. Memory is committed by pages, so few
//! keys in a large table take more each than many.

use std::hint::black_box;

use super::memory::NAMELESS;
use super::{GOVERNOR, LOG, OURS, Unit, Work, resident};
use crate::calls::Call;
use crate::contestants::governor::Governor;
use crate::contestants::log::ExactLog;
use crate::contestants::ours::Ours;
use crate::contestants::{Contestant, HOUR};
use crate::rounds::Entry;
use crate::scale::Scale;

/// The name of these works.
pub const NAME: &str = "present";

/// Rounds vary by less than a hundredth.
const ENOUGH: usize = 3;

/// Keys that come and go before the first reading, so that the contestant's code is in
/// memory by then. So few, because what they leave in the heap is used again.
pub const WARMING: usize = 64;

/// The name of Slidegate's line, or that of its line without names, with this
/// `max_keys`.
pub fn line(name: &str, max_keys: usize) -> String {
    format!("{name}, max_keys {max_keys}")
}

/// One work for each number of keys.
pub fn works(scale: &Scale) -> Vec<Work> {
    let max_keys = scale.max_keys;
    let works = scale.present_keys.iter();
    works.map(|keys| work(*keys, max_keys)).collect()
}

fn work(keys: usize, max_keys: &'static [usize]) -> Work {
    Work {
        name: format!("{NAME}-{keys}"),
        title: format!("memory, {keys} keys present, 1 live request each"),
        unit: Unit::Resident { keys },
        baseline: LOG,
        claims: Vec::new(),
        most_rounds: ENOUGH,
        entries: Box::new(move |_| Ok(entries(keys, max_keys))),
    }
}

/// The log has room for as many keys as come, which is the least that it can do with,
/// and governor's map grows.
fn entries(keys: usize, max_keys: &[usize]) -> Vec<Entry> {
    let entry = |line: String, name: &'static str, max_keys: usize| {
        let sizes = [keys, max_keys];
        Entry::new(line, move || resident::in_child(NAME, name, &sizes)[0])
    };
    let fitting = max_keys.iter().filter(|max_keys| **max_keys >= keys);
    let ours = |max_keys| [OURS, NAMELESS].map(|name| entry(line(name, max_keys), name, max_keys));
    let mut entries: Vec<Entry> = fitting.copied().flat_map(ours).collect();
    entries.extend([GOVERNOR, LOG].map(|name| entry(name.into(), name, keys)));
    entries
}

/// What the child does: bytes a key of this contestant with room for `max_keys` keys,
/// `keys` of which are present; none if there is no such contestant.
pub fn measure(name: &str, keys: usize, max_keys: usize) -> Option<f64> {
    let mut call = Call::of(0);
    fill(&*contestant(name, max_keys)?, WARMING, &mut call);
    let before = resident::bytes_before();
    let contestant = contestant(name, max_keys)?;
    fill(&*contestant, keys, &mut call);
    let bytes = resident::bytes().saturating_sub(before);
    black_box(&contestant);
    Some(bytes as f64 / keys as f64)
}

fn contestant(name: &str, max_keys: usize) -> Option<Box<dyn Contestant>> {
    Some(match name {
        OURS => Box::new(Ours::allow(HOUR, max_keys)),
        NAMELESS => Box::new(Ours::nameless(HOUR, max_keys)),
        GOVERNOR => Box::new(Governor::growing(&HOUR[0])),
        LOG => Box::new(ExactLog::new(HOUR, max_keys)),
        _ => return None,
    })
}

fn fill(contestant: &dyn Contestant, keys: usize, call: &mut Call) {
    for index in 0..keys {
        call.renumber(index);
        let admitted = contestant.pass(std::slice::from_ref(call));
        assert_eq!(admitted, 1, "every key is inserted");
    }
}
