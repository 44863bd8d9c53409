//! Options of a limiter.

use std::sync::Arc;

use super::active::Active;
use super::tables::Tables;
use super::{EndpointId, Limiter, OnFull};
use crate::error::Error;
use crate::policy::{MAX_RULES, Policy};
use crate::sync::{ArcSwap, CachePadded, Register, Word, unique_number};
use crate::table::{Hashing, Sizes};
use crate::time::{Clock, Timeline};
use crate::window::MAX_LIMIT;

const DEFAULT_MAX_KEYS: u64 = 262_144;

/// How many rules have an overflow pool: as many as a policy can have.
const OVERFLOW_POOLS: usize = MAX_RULES;

/// Options of a [`Limiter`]; see [`Limiter::builder`].
#[derive(Clone)]
#[must_use]
pub struct LimiterBuilder {
    max_keys: u64,
    max_limit: u32,
    on_full: OnFull,
    names: bool,
    key_counters: bool,
    clock: Option<Arc<dyn Clock>>,
}

impl Default for LimiterBuilder {
    fn default() -> Self {
        Self {
            max_keys: DEFAULT_MAX_KEYS,
            max_limit: MAX_LIMIT,
            on_full: OnFull::Deny,
            names: true,
            key_counters: false,
            clock: None,
        }
    }
}

impl LimiterBuilder {
    /// How many keys the table must be able to hold at once; a key is one rule of one
    /// merchant with an admission in the longest window of *any* rule of the same
    /// precision. The default is 262,144; it may hold somewhat more, and 0 is the
    /// smallest table, 16 keys. Bucketed rules have a table of their own, of the same
    /// number.
    ///
    /// Each key reserves 99 KiB of address space (less with a smaller
    /// [`max_limit`](Self::max_limit)), and 117 KiB more from the first policy with
    /// a bucketed rule on. It uses memory only from its first admission on, by the
    /// number of its units that count.
    pub fn max_keys(mut self, max_keys: u64) -> Self {
        self.max_keys = max_keys;
        self
    }

    /// The largest limit of an exact window in any policy of the limiter's life;
    /// at most and by default [`MAX_LIMIT`]. Less reserves less address space for
    /// the keys of exact rules, and lowers the ceiling of
    /// [`refund`](Limiter::refund), to twice this limit or somewhat more. A policy
    /// with a larger exact limit is then an error.
    pub fn max_limit(mut self, max_limit: u32) -> Self {
        self.max_limit = max_limit.min(MAX_LIMIT);
        self
    }

    /// What becomes of a request whose key finds no room.
    pub fn on_full(mut self, on_full: OnFull) -> Self {
        self.on_full = on_full;
        self
    }

    /// Whether merchants' names are kept, for [`Limiter::usage`] and
    /// [`Limiter::top`]; the default. A name of up to 56 bytes takes 64 bytes
    /// of a slot, and there are 1.8 slots a key.
    /// Names are for display: keys are told apart by a keyed hash.
    pub fn names(mut self, names: bool) -> Self {
        self.names = names;
        self
    }

    /// Whether each key's admissions, denials and peak are counted
    /// ([`KeyUsage::counters`](crate::KeyUsage::counters)); not by default. It
    /// takes 32 bytes a slot, of which there are 1.8 a key; denials of one key then
    /// write to memory that its threads share, and [`allow`](Limiter::allow) is no
    /// faster than a check.
    pub fn key_counters(mut self, key_counters: bool) -> Self {
        self.key_counters = key_counters;
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
    /// [`Error::Memory`] where address space for a table is refused, or the system
    /// gives no random secret; [`Error::LimitTooLarge`] where an exact limit of the
    /// policy is above [`max_limit`](Self::max_limit).
    pub fn build(&self, policy: &Policy) -> Result<Limiter, Error> {
        let refused = |cause| Error::Memory {
            max_keys: self.max_keys,
            cause,
        };
        let hashing = Hashing::with_random_secret().map_err(refused)?;
        let pools = match self.on_full {
            OnFull::Overflow => OVERFLOW_POOLS,
            OnFull::Deny | OnFull::Admit => 0,
        };
        let sizes = Sizes {
            max_keys: self.max_keys,
            max_limit: self.max_limit,
            pools,
            names: self.names,
            counters: self.key_counters,
        };
        let tables = Tables::new(sizes).map_err(refused)?;
        let id = unique_number();
        let ids_from = EndpointId::first(id);
        let active = Active::first(policy.clone(), ids_from, &hashing, tables.sizes())?;
        active.provide_tables(&tables)?;
        active.raise_horizons(&tables);
        let announced = Word::new();
        announced.raise(active.version);
        Ok(Limiter {
            id,
            counts_keys: self.key_counters,
            active: ArcSwap::from_pointee(active),
            announced,
            tables,
            hashing,
            clock: Timeline::new(self.clock.clone()),
            on_full: self.on_full,
            untracked: CachePadded::new(Register::default()),
        })
    }
}
