//! One line of waiters for each merchant and endpoint.
//!
//! The line is tokio's mutex: first in, first out without barging, a waiter that
//! is dropped leaves it as if it had never come, and it needs no runtime.
//! (async-lock's lets newcomers overtake for half a millisecond.) Lines are
//! found by their key in a map, where a line stands as long as somebody holds a
//! [`Line`]; handles are taken and dropped under the map's lock alone, so the
//! last one to go sees that it is the last.

// Waiting is what this module is for; the engine knows nothing of it.
#![allow(clippy::disallowed_types)]

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::limiter::{Endpoint, EndpointId};

/// Below this many the map keeps its memory.
const KEPT_LINES: usize = 64;

/// Who stands in one line.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    merchant: Box<[u8]>,
    endpoint: Named,
}

/// An endpoint as its caller names it, in so far as the limiter tells such names
/// apart without its policy.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Named {
    Id(EndpointId),
    Text(String),
}

impl Named {
    fn new(endpoint: Endpoint<'_>) -> Self {
        let (method, path) = match endpoint {
            Endpoint::Id(id) => return Self::Id(id),
            Endpoint::Http { method, path } => (method, path),
            Endpoint::Text(text) => text.split_once(' ').unwrap_or((text, "")),
        };
        let path = path.split('?').next().unwrap_or(path);
        let mut text = String::with_capacity(method.len() + 1 + path.len());
        text.extend(method.chars().map(|c| c.to_ascii_uppercase()));
        text.push(' ');
        text.push_str(path);
        Self::Text(text)
    }
}

/// Being first in line; dropping it lets the next one come.
pub(super) type Turn<'a> = tokio::sync::MutexGuard<'a, ()>;

/// A line in the map.
#[derive(Debug, Default)]
struct Entry {
    turns: Arc<tokio::sync::Mutex<()>>,
    /// How many hold a [`Line`]; never 0 while the map is not locked.
    handles: usize,
}

/// All lines of a pacer.
#[derive(Debug, Default)]
pub(super) struct Queues {
    lines: Mutex<HashMap<Arc<Key>, Entry>>,
}

impl Queues {
    /// A handle on the line of a merchant and endpoint, which need not have been
    /// there before.
    pub fn line(&self, merchant: &[u8], endpoint: Endpoint<'_>) -> Line<'_> {
        let key = Arc::new(Key {
            merchant: merchant.into(),
            endpoint: Named::new(endpoint),
        });
        let mut lines = self.lock();
        let entry = lines.entry(key.clone()).or_default();
        entry.handles += 1;
        Line {
            queues: self,
            key,
            turns: entry.turns.clone(),
        }
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    fn leave(&self, key: &Key) {
        let mut lines = self.lock();
        let Some(entry) = lines.get_mut(key) else {
            return;
        };
        entry.handles -= 1;
        if entry.handles > 0 {
            return;
        }
        lines.remove(key);
        if lines.capacity() > KEPT_LINES.max(4 * lines.len()) {
            let room = KEPT_LINES / 2 + 2 * lines.len();
            lines.shrink_to(room);
        }
    }

    /// No panic can leave the map half changed, so a poisoned one is whole.
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<Key>, Entry>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A handle on a line. It keeps the line, and is no place in it yet.
pub(super) struct Line<'q> {
    queues: &'q Queues,
    key: Arc<Key>,
    turns: Arc<tokio::sync::Mutex<()>>,
}

impl Line<'_> {
    pub fn merchant(&self) -> &[u8] {
        &self.key.merchant
    }

    /// Lines up when first polled, and ends when everybody before has left.
    pub fn turn(&self) -> impl Future<Output = Turn<'_>> + Send {
        self.turns.lock()
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        self.queues.leave(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_one_name_however_its_endpoint_is_spelt() {
        let same = [
            Endpoint::Text("GET /v1/payment"),
            Endpoint::Text("get /v1/payment?page=2"),
            Endpoint::http("Get", "/v1/payment?page=3"),
        ];
        let queues = Queues::default();
        let lines = same.map(|endpoint| queues.line(b"m", endpoint));
        assert_eq!(queues.len(), 1);
        let other = queues.line(b"m", Endpoint::none());
        let ids = [1, 2, 2].map(|id| queues.line(b"m", Endpoint::Id(EndpointId(id))));
        assert_eq!(queues.len(), 4);
        drop((lines, other, ids));
        assert_eq!(queues.len(), 0);
    }

    #[test]
    fn a_line_stands_until_its_last_handle_goes() {
        let queues = Queues::default();
        let first = queues.line(b"m", Endpoint::none());
        let second = queues.line(b"m", Endpoint::none());
        let turns = first.turns.clone();
        drop(first);
        assert_eq!(queues.len(), 1);
        let third = queues.line(b"m", Endpoint::none());
        assert!(Arc::ptr_eq(&turns, &third.turns));
        drop((second, third));
        assert_eq!(queues.len(), 0);
    }

    #[test]
    fn memory_goes_back_when_a_crowd_has_gone() {
        let queues = Queues::default();
        let names: Vec<[u8; 4]> = (0..100_000u32).map(u32::to_le_bytes).collect();
        let lines = names.iter().map(|m| queues.line(m, Endpoint::none()));
        drop(lines.collect::<Vec<_>>());
        assert_eq!(queues.len(), 0);
        let capacity = queues.lock().capacity();
        assert!(capacity <= 2 * KEPT_LINES, "room for {capacity} lines");
    }
}
