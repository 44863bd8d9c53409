//! What an admitted request may be given back for.

use crate::policy::{Per, Rule};
use crate::window::Window;

/// Whose log of which rule name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub pool: Pool,
    pub rule: String,
}

/// Who shares a log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Pool {
    Merchant(Vec<u8>),
    All,
}

impl Key {
    pub fn new(rule: &Rule, merchant: &[u8]) -> Key {
        Key {
            pool: match rule.per {
                Per::Merchant => Pool::Merchant(merchant.to_vec()),
                Per::All => Pool::All,
            },
            rule: rule.name.clone(),
        }
    }
}

/// What one admitted request was charged, rule by rule.
///
/// [`Reference::refund`](crate::Reference::refund) takes it, so that it is used
/// once:
///
/// ```compile_fail
/// # let policy = "version = 1\nunmatched = \"allow\"\n[[rule]]\nname = \"x\"\nmatch = \"*\"\nwindows = [\"1/s\"]";
/// # let limiter = slidegate_reference::Reference::new(policy, 0);
/// let (_, receipt) = limiter.check_with_receipt(0, b"m_1", "", 1).unwrap();
/// let receipt = receipt.unwrap();
/// limiter.refund(0, receipt);
/// limiter.refund(0, receipt);
/// ```
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a receipt that is dropped refunds nothing"]
pub struct Receipt {
    pub(crate) charges: Vec<Charge>,
}

/// What one rule was charged.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    pub key: Key,
    pub units: i128,
    /// The tick that the units are stamped with.
    pub stamp: i128,
    /// How long the rule name's units were remembered by then.
    pub horizon: Window,
    /// How often the key had been reset by then.
    pub resets: u64,
}
