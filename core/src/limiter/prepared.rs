//! Prepared keys: a merchant and an endpoint resolved once.

use super::request::{Call, Extras, Merchant, Verdict, check_cost, check_merchant};
use super::{Endpoint, EndpointId, Limiter};
use crate::decision::Decision;
use crate::error::Error;
use crate::log::Query;
use crate::sync::Register;
use crate::table::{Key, Kind, Missed, NameHash, Reply, Table};
use crate::time::Now;

/// A merchant and an endpoint resolved once, for callers who check them often:
/// no hashing, no route, and no look-up while the key stays where it was (but for
/// [`allow_prepared`](Limiter::allow_prepared) under several rules, which looks).
///
/// It stays valid for the limiter's life, across policy swaps, evictions and
/// resets; the policy in force at the call decides. Any number of threads may
/// share it.
#[derive(Debug)]
pub struct Prepared {
    limiter: u64,
    name: Box<[u8]>,
    hash: NameHash,
    endpoint: EndpointId,
    hints: Hints,
}

impl Prepared {
    #[inline]
    fn merchant(&self) -> Merchant<'_> {
        Merchant {
            name: &self.name,
            hash: self.hash,
        }
    }
}

const HINTS: usize = 4;

/// Where the keys of a request's first rules were found last.
pub(super) type Hints = [Hint; HINTS];

/// The slot in which a key was found last and one more, or 0. A wrong hint costs a
/// look and nothing else.
#[derive(Debug, Default)]
pub(super) struct Hint(Register);

impl Hint {
    #[inline]
    pub fn slot(&self) -> Option<usize> {
        (self.0.get() as usize).checked_sub(1)
    }

    /// Asks a key where it was found last, or looks for it.
    #[inline]
    pub fn ask<K: Kind>(
        &self,
        table: &Table<K>,
        key: Key,
        query: &Query<'_>,
        now: Now<'_>,
    ) -> Reply {
        let known = self.0.get();
        let reply = match known {
            0 => table.ask(key, query, now),
            known => table.ask_at(known as usize - 1, key, query, now),
        };
        if let Reply::Answered(_, Some(found)) = reply
            && found.slot as u64 + 1 != known
        {
            self.0.update(|_| found.slot as u64 + 1);
        }
        reply
    }
}

impl Limiter {
    /// Resolves a merchant and an endpoint for [`check_prepared`]; `endpoint` is
    /// an id from [`endpoint`](Self::endpoint).
    ///
    /// # Errors
    /// [`Error::InvalidMerchant`], [`Error::UnknownEndpoint`].
    ///
    /// [`check_prepared`]: Self::check_prepared
    pub fn prepare(
        &self,
        merchant: impl AsRef<[u8]>,
        endpoint: EndpointId,
    ) -> Result<Prepared, Error> {
        let merchant = merchant.as_ref();
        check_merchant(merchant)?;
        self.active.load().governs(Endpoint::Id(endpoint))?;
        Ok(Prepared {
            limiter: self.id,
            name: merchant.into(),
            hash: self.hashing.merchant(merchant),
            endpoint,
            hints: Hints::default(),
        })
    }

    /// As [`check`](Self::check), for a prepared key.
    ///
    /// # Errors
    /// [`Error::InvalidCost`]; [`Error::ForeignKey`] if another limiter prepared
    /// the key; [`Error::Corrupt`].
    pub fn check_prepared(&self, key: &Prepared, cost: u32) -> Result<Decision, Error> {
        self.decide_prepared(key, cost, Call::CHARGE)
    }

    /// As [`allow`](Self::allow), for a prepared key.
    ///
    /// # Errors
    /// As [`check_prepared`](Self::check_prepared).
    pub fn allow_prepared(&self, key: &Prepared, cost: u32) -> Result<bool, Error> {
        if key.limiter != self.id {
            return Err(Error::ForeignKey);
        }
        check_cost(cost)?;
        let now = Now::Live(&self.clock);
        let at_once = self.with_kept(|active| {
            let Some(charge) = self.only_charge(active, key.endpoint, key.hash, cost) else {
                let allowed = self.allow_several(active, key.endpoint, key.merchant(), cost);
                return allowed.map(Ok);
            };
            match self.charge_at_once(charge, Some(key.hints[0].slot()?), now) {
                Ok(allowed) => Some(Ok(allowed)),
                // As before its first check: the long way notes where the key stands.
                Err(Missed::Absent) => None,
                Err(missed) => Some(self.charge_by_itself(active, &charge, missed, &key.name, now)),
            }
        });
        match at_once {
            Some(answer) => answer.map_err(Error::from),
            None => self.decide_prepared(key, cost, Call::CHARGE),
        }
    }

    /// As [`peek`](Self::peek), for a prepared key.
    ///
    /// # Errors
    /// As [`check_prepared`](Self::check_prepared).
    pub fn peek_prepared(&self, key: &Prepared, cost: u32) -> Result<Decision, Error> {
        self.decide_prepared(key, cost, Call::PEEK)
    }

    #[inline]
    fn decide_prepared<'k, V: Verdict>(
        &self,
        key: &'k Prepared,
        cost: u32,
        call: Call<'k>,
    ) -> Result<V, Error> {
        if key.limiter != self.id {
            return Err(Error::ForeignKey);
        }
        check_cost(cost)?;
        let extras = Extras {
            hints: Some(&key.hints),
            ..call.extras
        };
        let endpoint = Endpoint::Id(key.endpoint);
        self.decide_live(key.merchant(), endpoint, cost, Call { extras, ..call })
    }
}
