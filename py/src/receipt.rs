//! The receipt that a decision holds until it is refunded.

use std::sync::{Arc, Mutex, Weak};

use pyo3::prelude::*;

use crate::errors::{self, ReceiptError};

/// What a check with a receipt charged, if anything: to be given back once.
pub(crate) struct Held {
    /// Weak, so that a decision that somebody keeps does not keep the table.
    limiter: Weak<engine::Limiter>,
    state: Mutex<State>,
}

enum State {
    /// `None` where nothing was charged.
    Unspent(Option<engine::Receipt>),
    Spent,
}

impl Held {
    pub fn new(limiter: &Arc<engine::Limiter>, receipt: Option<engine::Receipt>) -> Self {
        Self {
            limiter: Arc::downgrade(limiter),
            state: Mutex::new(State::Unspent(receipt)),
        }
    }

    /// Gives back what was charged; whether any of it still counted. Another
    /// limiter is refused before the receipt is spent.
    pub fn refund(&self, limiter: &Arc<engine::Limiter>) -> PyResult<bool> {
        if self.limiter.as_ptr() != Arc::as_ptr(limiter) {
            let message = "the decision was made by another limiter";
            return Err(ReceiptError::new_err((message, "foreign_receipt")));
        }
        match self.spend() {
            State::Unspent(None) => Ok(false),
            State::Unspent(Some(receipt)) => limiter.refund(receipt).map_err(errors::call),
            State::Spent => {
                let message = "the decision was refunded already";
                Err(ReceiptError::new_err((message, "refunded")))
            }
        }
    }

    /// Nobody waits: whoever holds the lock is spending the receipt. So a child
    /// that was forked meanwhile does not hang either.
    fn spend(&self) -> State {
        match self.state.try_lock() {
            Ok(mut state) => std::mem::replace(&mut state, State::Spent),
            Err(_) => State::Spent,
        }
    }
}

/// The refusal of a decision that was not asked for with a receipt.
pub(crate) fn without_receipt() -> PyErr {
    let message = "the decision has no receipt; check with receipt=True";
    ReceiptError::new_err((message, "no_receipt"))
}
