//! Options of a limiter.

use std::sync::Arc;

use super::active::Active;
use super::{Limiter, OnFull};
use crate::error::Error;
use crate::policy::Policy;
use crate::sync::{ArcSwap, CachePadded, Register};
use crate::table::{Hashing, Table};
use crate::time::{Clock, Timeline};
use crate::window::MAX_LIMIT;

const DEFAULT_MAX_KEYS: u64 = 262_144;

/// Options of a [`Limiter`]; see [`Limiter::builder`].
#[derive(Clone)]
#[must_use]
pub struct LimiterBuilder {
    max_keys: u64,
    on_full: OnFull,
    clock: Option<Arc<dyn Clock>>,
}

impl Default for LimiterBuilder {
    fn default() -> Self {
        Self {
            max_keys: DEFAULT_MAX_KEYS,
            on_full: OnFull::Deny,
            clock: None,
        }
    }
}

impl LimiterBuilder {
    /// How many keys the table must be able to hold at once; a key is one rule
    /// of one merchant with an admission in its longest window. The default is
    /// 262,144; it may hold somewhat more.
    ///
    /// Each key reserves 33 KiB of address space and uses memory only from its
    /// first admission on.
    pub fn max_keys(mut self, max_keys: u64) -> Self {
        self.max_keys = max_keys;
        self
    }

    /// What becomes of a request whose key finds no room.
    pub fn on_full(mut self, on_full: OnFull) -> Self {
        self.on_full = on_full;
        self
    }

    /// The clock, instead of [`SystemClock`](crate::SystemClock).
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Builds the limiter, with `policy` in force as version 1.
    ///
    /// # Errors
    /// [`Error::Memory`] where address space for the table is refused.
    pub fn build(&self, policy: &Policy) -> Result<Limiter, Error> {
        let refused = |source| Error::Memory {
            max_keys: self.max_keys,
            source,
        };
        let hashing = Hashing::with_random_secret().map_err(refused)?;
        let table = Table::new(self.max_keys, MAX_LIMIT).map_err(refused)?;
        let active = Active::first(policy.clone(), &hashing)?;
        active.raise_horizons(&table);
        Ok(Limiter {
            active: ArcSwap::from_pointee(active),
            table,
            hashing,
            clock: Timeline::new(self.clock.clone()),
            on_full: self.on_full,
            untracked: CachePadded::new(Register::default()),
        })
    }
}
