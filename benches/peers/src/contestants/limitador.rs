//! limitador, in memory: fixed windows. Its CEL context is made for each call, as
//! its users make it for each request.

use std::collections::HashMap;

use limitador::RateLimiter;
use limitador::limit::{Limit as Rule, Namespace};

use super::{Contestant, Limit, admitted};
use crate::calls::Call;

/// A limiter with these windows, all charged together.
pub struct Limitador {
    limiter: RateLimiter,
    namespace: Namespace,
}

impl Limitador {
    /// With room for `keys` keys: its cache would forget the others.
    pub fn new(limits: &[Limit], keys: usize) -> Self {
        let limiter = RateLimiter::new((keys * limits.len() * 2) as u64);
        for limit in limits {
            let merchant = "merchant".try_into().expect("a variable");
            let units = limit.units.into();
            limiter.add_limit(Rule::new("payments", units, limit.seconds, [], [merchant]));
        }
        Self {
            limiter,
            namespace: "payments".into(),
        }
    }

    /// Charges `units` at once.
    pub fn charge(&self, merchant: &str, units: u64) -> bool {
        let context = HashMap::from([("merchant".to_owned(), merchant.to_owned())]).into();
        let limiter = &self.limiter;
        let checked = limiter.check_rate_limited_and_update(&self.namespace, &context, units);
        !checked.expect("storage in memory").limited
    }
}

impl Contestant for Limitador {
    fn pass(&self, calls: &[Call]) -> usize {
        admitted(calls, |call| self.charge(&call.merchant, 1))
    }

    /// A counter is what it is, whether it was charged once or often.
    fn charge_each(&self, keys: &[Call], units: u32) -> bool {
        keys.iter()
            .all(|key| self.charge(&key.merchant, units.into()))
    }

    fn thinning(&self) -> usize {
        16
    }
}
