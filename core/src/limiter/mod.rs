//! The limiter: policies in front, the table behind.

mod active;
mod batch;
mod builder;
#[cfg(all(test, not(any(slidegate_loom, slidegate_shuttle))))]
mod differential;
mod endpoint;
mod in_force;
mod known;
mod prepared;
#[cfg(all(test, not(any(slidegate_loom, slidegate_shuttle))))]
mod races;
mod receipt;
mod request;
mod tables;
mod usage;

pub use batch::Check;
pub use builder::LimiterBuilder;
pub use endpoint::{Endpoint, EndpointId};
pub use prepared::Prepared;
pub use receipt::Receipt;
pub use usage::{KeyCounters, KeyUsage, RuleUsage};

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use crate::decision::{Decision, RuleId, WindowStatus};
use crate::error::Error;
use crate::policy::Policy;
use crate::sync::fault::{Fault, planted};
use crate::sync::{ArcSwap, CachePadded, Register, Word};
use crate::table::Hashing;
use crate::time::Timeline;
use active::Active;
use request::{Call, Extras};
use tables::Tables;

/// What becomes of a request whose key finds no room in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnFull {
    /// It is refused: no request goes uncounted.
    #[default]
    Deny,
    /// It is let through uncounted.
    Admit,
    /// It is counted in a pool that all keys without room of its rule share, and
    /// admitted as far as one key would be: the outcome is then
    /// [`Allowed`](crate::Outcome::Allowed) or [`Denied`](crate::Outcome::Denied), with
    /// [`Decision::untracked`] set. A merchant's units in the pool are not moved to a
    /// key that it gets later, and no reset touches them. Only the limiter's first
    /// 4,096 rule names have a pool; others deny.
    Overflow,
}

/// An exact sliding-window rate limiter.
///
/// It is safe to share between threads without a lock: every method takes `&self`, no
/// check blocks but where it loads the policy anew, as a thread's first call and its
/// first after a swap do, and there is no background thread. A process that forks gets
/// a limiter of its own in each child.
///
/// ```
/// use slidegate::{Limiter, Policy};
///
/// let policy = Policy::from_toml(r#"
///     version = 1
///     [[rule]]
///     name = "create-payment"
///     match = "POST /v1/payment"
///     windows = ["100/min"]
/// "#)?;
/// let limiter = Limiter::new(&policy)?;
///
/// let decision = limiter.check("m_42", "POST /v1/payment", 1)?;
/// assert!(decision.allowed);
/// assert_eq!(decision.remaining(), Some(99));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Limiter {
    /// Tells receipts, prepared keys and what threads remember whose they are.
    id: u64,
    counts_keys: bool,
    active: ArcSwap<Active>,
    /// The version of the policy in force, or of one that is about to be.
    announced: Word,
    tables: Tables,
    hashing: Hashing,
    clock: Timeline,
    on_full: OnFull,
    untracked: CachePadded<Register>,
}

impl Limiter {
    /// A limiter with the default options.
    ///
    /// # Errors
    /// [`Error::Memory`] where address space for a table is refused, or the system
    /// gives no random secret.
    pub fn new(policy: &Policy) -> Result<Self, Error> {
        Self::builder().build(policy)
    }

    /// Options for a limiter: table size, clock, what a full table does.
    pub fn builder() -> LimiterBuilder {
        LimiterBuilder::default()
    }

    /// Decides a request and, if it is admitted, charges `cost` units to every
    /// rule that governs it: all or none.
    ///
    /// `merchant` is 1 to [`MAX_MERCHANT_BYTES`](crate::MAX_MERCHANT_BYTES) opaque
    /// bytes; they need not be UTF-8. `endpoint` is a text such as
    /// `"POST /v1/payment"`, an [`EndpointId`], or [`Endpoint::http`]; an empty text is
    /// the merchant alone, governed by the `*` rules.
    ///
    /// # Errors
    /// [`Error::InvalidMerchant`], [`Error::InvalidCost`],
    /// [`Error::InvalidEndpoint`], [`Error::UnknownEndpoint`]; nothing was charged.
    /// [`Error::Corrupt`]; what was charged before it was lent back.
    pub fn check<'e>(
        &self,
        merchant: impl AsRef<[u8]>,
        endpoint: impl Into<Endpoint<'e>>,
        cost: u32,
    ) -> Result<Decision, Error> {
        self.decide(merchant.as_ref(), endpoint.into(), cost, Call::CHARGE)
    }

    /// As [`check`](Self::check), but answers only whether the request may
    /// proceed, which is faster; most so for an [`EndpointId`] that one to four exact
    /// rules govern.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn allow<'e>(
        &self,
        merchant: impl AsRef<[u8]>,
        endpoint: impl Into<Endpoint<'e>>,
        cost: u32,
    ) -> Result<bool, Error> {
        self.allow_at_once(merchant.as_ref(), endpoint.into(), cost)
    }

    /// Decides as [`check`](Self::check) would, and charges nothing.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn peek<'e>(
        &self,
        merchant: impl AsRef<[u8]>,
        endpoint: impl Into<Endpoint<'e>>,
        cost: u32,
    ) -> Result<Decision, Error> {
        self.decide(merchant.as_ref(), endpoint.into(), cost, Call::PEEK)
    }

    /// As [`check`](Self::check), with how every governing window stands and which
    /// of them block: those of the `*` rules first, then those of the endpoint's,
    /// each in the order of the policy.
    ///
    /// A rule whose key finds no room leaves its windows out; a request that can
    /// [never](crate::Outcome::Never) pass has only the one window that its cost
    /// exceeds.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn check_windows<'e>(
        &self,
        merchant: impl AsRef<[u8]>,
        endpoint: impl Into<Endpoint<'e>>,
        cost: u32,
    ) -> Result<(Decision, Vec<WindowStatus>), Error> {
        self.decide_windows(merchant.as_ref(), endpoint.into(), cost, Call::CHARGE)
    }

    /// As [`check_windows`](Self::check_windows), and charges nothing.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn peek_windows<'e>(
        &self,
        merchant: impl AsRef<[u8]>,
        endpoint: impl Into<Endpoint<'e>>,
        cost: u32,
    ) -> Result<(Decision, Vec<WindowStatus>), Error> {
        self.decide_windows(merchant.as_ref(), endpoint.into(), cost, Call::PEEK)
    }

    fn decide_windows(
        &self,
        merchant: &[u8],
        endpoint: Endpoint<'_>,
        cost: u32,
        call: Call<'_>,
    ) -> Result<(Decision, Vec<WindowStatus>), Error> {
        let windows = RefCell::new(Vec::new());
        let extras = Extras {
            windows: Some(&windows),
            ..call.extras
        };
        let call = Call { extras, ..call };
        let decision = self.decide(merchant, endpoint, cost, call)?;
        Ok((decision, windows.into_inner()))
    }

    /// Puts another policy into force and returns its version. Histories carry
    /// over by rule name: a raised limit admits the difference at once, a
    /// lowered one counts what was admitted before. A window that is longer than
    /// all before it knows of older units only those that still counted.
    ///
    /// A check that began before the swap may still decide under the old policy;
    /// every decision says which version it used.
    ///
    /// # Errors
    /// [`Error::TooManyRules`], [`Error::LimitTooLarge`], [`Error::Precision`];
    /// [`Error::Memory`], because the first policy with a bucketed rule needs a
    /// table of its own. The old policy stays in force.
    pub fn swap(&self, policy: &Policy) -> Result<u64, Error> {
        let next = self.update(|active| {
            let sizes = self.tables.sizes();
            let next = active.with_policy(policy.clone(), &self.hashing, sizes)?;
            next.provide_tables(&self.tables)?;
            // Before the policy is in force: whoever admits under it must find
            // that nothing is let go of by a shorter window any more.
            if !planted(Fault::RaisedAfterSwap) {
                next.raise_horizons(&self.tables);
            }
            Ok(next)
        })?;
        if planted(Fault::RaisedAfterSwap) {
            next.raise_horizons(&self.tables);
        }
        Ok(next.version)
    }

    /// The id of an endpoint, for callers who check it often. `template` is a
    /// route such as `"GET /v1/payment/:id"`, never a concrete path, because each
    /// new text uses up one of [`MAX_ENDPOINTS`](crate::MAX_ENDPOINTS) ids. They
    /// stay valid for the limiter's life, matched anew on every swap, and are never
    /// given back.
    ///
    /// # Errors
    /// [`Error::InvalidEndpoint`], [`Error::TooManyEndpoints`].
    pub fn endpoint(&self, template: &str) -> Result<EndpointId, Error> {
        if let Some(id) = self.active.load().endpoint_id(template) {
            return Ok(id);
        }
        let active = self.update(|active| active.with_endpoint(template))?;
        active.endpoint_id(template).ok_or(Error::TooManyEndpoints)
    }

    /// The id of a rule that a policy of this limiter had. It never changes.
    pub fn rule_id(&self, name: &str) -> Option<RuleId> {
        self.active.load().rule_id(name)
    }

    /// The name of a rule.
    pub fn rule_name(&self, rule: RuleId) -> Option<Arc<str>> {
        self.active.load().rule_name(rule)
    }

    /// The version of the policy in force; the first is 1.
    pub fn policy_version(&self) -> u64 {
        self.active.load().version
    }

    /// The policy in force.
    pub fn policy(&self) -> Policy {
        self.active.load().policy.clone()
    }

    /// How many requests found no room for their key so far.
    pub fn untracked(&self) -> u64 {
        self.untracked.get()
    }

    /// How many keys (a rule and a merchant each) the table holds, idle ones
    /// included. It walks the whole table: for monitoring, not for every request.
    pub fn keys(&self) -> usize {
        self.tables.count_keys()
    }

    /// Replaces the active state by what `change` makes of it, again and again
    /// until nobody else was faster.
    fn update(
        &self,
        change: impl Fn(&Active) -> Result<Active, Error>,
    ) -> Result<Arc<Active>, Error> {
        loop {
            let current = self.active.load();
            let next = Arc::new(change(&current)?);
            // First, so that no thread goes on with the former one once the next is
            // in force. Whoever stops in between costs the others a load each.
            if !planted(Fault::AnnouncedAfterSwap) {
                self.announced.raise(next.version);
            }
            let found = self.active.compare_and_swap(&*current, next.clone());
            if Arc::ptr_eq(&found, &current) {
                if planted(Fault::AnnouncedAfterSwap) {
                    self.announced.raise(next.version);
                }
                return Ok(next);
            }
        }
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter")
            .field("policy_version", &self.policy_version())
            .field("slots", &self.tables.exact.slots())
            .field("on_full", &self.on_full)
            .field("untracked", &self.untracked())
            .finish_non_exhaustive()
    }
}
