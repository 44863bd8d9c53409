//! A stand-in for arc-swap under a checker, which cannot look into arc-swap's own
//! atomics: the same interface as far as the crate uses it, over one [`Word`].
//!
//! Every value that was ever published is kept in a list, and the word holds the
//! place of the one in force; so a place never returns, and a value lives as long
//! as the stand-in. The list's mutex is taken between two modelled accesses and
//! never across one, so it orders nothing that the checker does not see. Of
//! arc-swap it assumes what arc-swap documents: a load acquires what the swap that
//! it sees released.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use super::Word;
use super::fault::{Fault, planted};

pub(crate) struct ArcSwap<T> {
    in_force: Word,
    published: Mutex<Vec<Arc<T>>>,
}

/// A value as it was read.
pub(crate) struct Guard<T>(Arc<T>);

impl<T> Deref for Guard<T> {
    type Target = Arc<T>;

    fn deref(&self) -> &Arc<T> {
        &self.0
    }
}

impl<T> ArcSwap<T> {
    pub fn from_pointee(value: T) -> Self {
        Self {
            in_force: Word::new(),
            published: Mutex::new(vec![Arc::new(value)]),
        }
    }

    pub fn load(&self) -> Guard<T> {
        let place = match planted(Fault::PolicyReadUnordered) {
            true => self.in_force.load_unordered(),
            false => self.in_force.load(),
        };
        self.with_list(|list| Guard(list[place as usize].clone()))
    }

    pub fn load_full(&self) -> Arc<T> {
        self.load().0
    }

    /// Puts `new` into force if `current` is; returns what was.
    pub fn compare_and_swap(&self, current: &Arc<T>, new: Arc<T>) -> Guard<T> {
        let (old, next) = self.with_list(|list| {
            list.push(new);
            let place = list.iter().position(|value| Arc::ptr_eq(value, current));
            (place.expect("a value that was read"), list.len() - 1)
        });
        match self.in_force.cas(old as u64, next as u64) {
            true => Guard(current.clone()),
            // Places never return, so this is not `current`.
            false => self.load(),
        }
    }

    fn with_list<R>(&self, body: impl FnOnce(&mut Vec<Arc<T>>) -> R) -> R {
        body(
            &mut self
                .published
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}
