//! Receipts of admissions, and what undoes one: a refund, a reset.

use std::cell::RefCell;

use smallvec::SmallVec;

use super::request::{Call, Extras, check_merchant};
use super::{Endpoint, Limiter};
use crate::decision::Decision;
use crate::error::Error;
use crate::log::Charged;
use crate::table::Place;
use crate::time::Now;
use crate::window::Precision;

/// What one admission charged: the right to give it back, once.
///
/// It cannot be copied, and [`Limiter::refund`] consumes it. Dropping it gives
/// nothing back: a request that was admitted and then fails stays counted unless
/// the caller refunds it.
#[derive(Debug)]
#[must_use = "dropping a receipt gives nothing back"]
pub struct Receipt {
    limiter: u64,
    charges: SmallVec<[Charge; 2]>,
}

/// Units charged to one key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Charge {
    pub place: Place,
    pub charged: Charged,
    /// Which table holds the key.
    pub precision: Precision,
}

impl Limiter {
    /// As [`check`](Self::check), with a receipt if anything was charged: the
    /// right to give the capacity back with [`refund`](Self::refund).
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn check_with_receipt<'e>(
        &self,
        merchant: impl AsRef<[u8]>,
        endpoint: impl Into<Endpoint<'e>>,
        cost: u32,
    ) -> Result<(Decision, Option<Receipt>), Error> {
        let charges = RefCell::new(SmallVec::new());
        let extras = Extras {
            charges: Some(&charges),
            ..Extras::NONE
        };
        let call = Call {
            extras,
            ..Call::CHARGE
        };
        let decision = self.decide(merchant.as_ref(), endpoint.into(), cost, call)?;
        let charges = charges.into_inner();
        let receipt = (!charges.is_empty()).then_some(Receipt {
            limiter: self.id,
            charges,
        });
        Ok((decision, receipt))
    }

    /// Gives back what an admission charged; whether any of it still counted, which
    /// does not say how much is lent.
    ///
    /// The units stay in the log, and as many more are lent until the oldest
    /// refunded unit of the key leaves its window: so capacity may return for a
    /// shorter time than the admission took it, never for longer, and never to a
    /// later window. A key charges at most 4,096 units, refunded ones included, in
    /// its longest window (2^24 under a bucketed rule, fewer with a smaller
    /// [`max_limit`](crate::LimiterBuilder::max_limit)); beyond that refunds lend in
    /// part.
    ///
    /// # Errors
    /// [`Error::ForeignReceipt`] if another limiter gave the receipt, which is used up.
    pub fn refund(&self, receipt: Receipt) -> Result<bool, Error> {
        if receipt.limiter != self.id {
            return Err(Error::ForeignReceipt);
        }
        let now = Now::Fixed(self.clock.now());
        let active = self.active.load();
        let refund = |charge: &Charge| {
            let horizons = active.horizons(charge.place.rule);
            self.tables.refund(*charge, horizons, now)
        };
        let lent = receipt.charges.iter().filter(|charge| refund(charge));
        Ok(lent.count() > 0)
    }

    /// Makes a merchant's history under one rule, or under all rules that this
    /// limiter ever had, as if it had never been; returns how many of its keys
    /// had one. Capacity is free at once, and earlier receipts lend nothing.
    ///
    /// Each rule's key is reset by one atomic step: a check that commits before
    /// it is forgotten, one that commits after it counts. Several rules are reset
    /// one after the other. A rule with `per = "all"` is reset, for everybody,
    /// only if it is named. Units in an overflow pool stay counted.
    ///
    /// The first charge after it is stamped a tick (1 µs; under a bucketed rule
    /// 1,024 µs) after the key's last unit at the earliest; resets and charges that
    /// repeat faster add up.
    ///
    /// # Errors
    /// [`Error::InvalidMerchant`]; [`Error::UnknownRule`] for a name that no
    /// policy of this limiter had.
    pub fn reset(&self, merchant: impl AsRef<[u8]>, rule: Option<&str>) -> Result<usize, Error> {
        let merchant = merchant.as_ref();
        check_merchant(merchant)?;
        let active = self.active.load();
        let keys = active.keys_of(&self.hashing, self.hashing.merchant(merchant), rule)?;
        Ok(keys.iter().filter(|key| self.tables.reset(**key)).count())
    }
}
