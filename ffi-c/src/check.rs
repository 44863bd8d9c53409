//! Exports: check and peek.

use std::ffi::{c_char, c_void};

use crate::abi::*;
use crate::boundary::{self, Failure, Out};
use crate::limiter::{endpoint_by_id, endpoint_text};

/// What the four exports have in common.
struct Call {
    limiter: *const slg_limiter,
    merchant: *const c_void,
    merchant_len: usize,
    cost: u32,
    out: *mut slg_decision,
}

enum Route {
    Id(u32),
    Text(*const c_char, usize),
}

#[derive(Clone, Copy)]
enum Act {
    Check,
    Peek,
}

/// Decides a request and, if it is admitted, charges `cost` units to every rule
/// that governs it: all or none.
///
/// `merchant` is 1 to SLG_MAX_MERCHANT_BYTES opaque bytes; they need not be UTF-8.
/// `endpoint` is an id from slg_endpoint, or SLG_ENDPOINT_NONE for the merchant
/// alone. The answer is SLG_OK whether the request is admitted or denied: look at
/// out->allowed. On any other status nothing was charged and *out is all zero,
/// which does not read as allowed.
///
/// NULL_POINTER (limiter, merchant, out), INVALID_MERCHANT, INVALID_COST,
/// INVALID_ENDPOINT, CORRUPT; the first of them that applies.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_check(
    limiter: *const slg_limiter,
    merchant: *const c_void,
    merchant_len: usize,
    endpoint: u32,
    cost: u32,
    out: *mut slg_decision,
) -> slg_status {
    let call = Call {
        limiter,
        merchant,
        merchant_len,
        cost,
        out,
    };
    // SAFETY: the pointers are as the header demands.
    unsafe { decide(call, Route::Id(endpoint), Act::Check) }
}

/// As slg_check, with the endpoint as `len` bytes of text: "METHOD /path" as the
/// request has it, such as "GET /v1/payment/17"; a query is ignored. len 0 is the
/// merchant alone.
///
/// As slg_check; NULL_POINTER also for method_path, and NOT_UTF8.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_check_path(
    limiter: *const slg_limiter,
    merchant: *const c_void,
    merchant_len: usize,
    method_path: *const c_char,
    len: usize,
    cost: u32,
    out: *mut slg_decision,
) -> slg_status {
    let call = Call {
        limiter,
        merchant,
        merchant_len,
        cost,
        out,
    };
    // SAFETY: the pointers are as the header demands.
    unsafe { decide(call, Route::Text(method_path, len), Act::Check) }
}

/// Decides as slg_check would, and charges nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_peek(
    limiter: *const slg_limiter,
    merchant: *const c_void,
    merchant_len: usize,
    endpoint: u32,
    cost: u32,
    out: *mut slg_decision,
) -> slg_status {
    let call = Call {
        limiter,
        merchant,
        merchant_len,
        cost,
        out,
    };
    // SAFETY: the pointers are as the header demands.
    unsafe { decide(call, Route::Id(endpoint), Act::Peek) }
}

/// Decides as slg_check_path would, and charges nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_peek_path(
    limiter: *const slg_limiter,
    merchant: *const c_void,
    merchant_len: usize,
    method_path: *const c_char,
    len: usize,
    cost: u32,
    out: *mut slg_decision,
) -> slg_status {
    let call = Call {
        limiter,
        merchant,
        merchant_len,
        cost,
        out,
    };
    // SAFETY: the pointers are as the header demands.
    unsafe { decide(call, Route::Text(method_path, len), Act::Peek) }
}

/// # Safety
/// Every pointer is NULL or as the header demands.
#[inline]
unsafe fn decide(call: Call, route: Route, act: Act) -> slg_status {
    boundary::call(|| {
        // SAFETY: the caller upholds it for `out`.
        let out = unsafe { Out::cleared(call.out, slg_decision::default(), "out") }?;
        // SAFETY: the caller upholds it for `limiter`.
        let limiter = unsafe { boundary::borrow(call.limiter, "limiter") }?;
        if let Route::Text(text, _) = route
            && text.is_null()
        {
            return Err(Failure::Null("method_path"));
        }
        // SAFETY: the caller upholds it for `merchant`.
        let merchant = unsafe { merchant(&call) }?;
        if call.cost == 0 {
            return Err(engine::Error::InvalidCost.into());
        }
        let endpoint = match route {
            Route::Id(number) => endpoint_by_id(number),
            // SAFETY: the caller upholds it for the text.
            Route::Text(text, len) => unsafe { endpoint_text(text, len, "method_path") }?.into(),
        };
        let decision = match act {
            Act::Check => limiter.0.check(merchant, endpoint, call.cost)?,
            Act::Peek => limiter.0.peek(merchant, endpoint, call.cost)?,
        };
        out.set(slg_decision::from(&decision));
        Ok(())
    })
}

/// # Safety
/// The merchant is NULL or valid for reads of its length for `'a`.
#[inline]
unsafe fn merchant<'a>(call: &Call) -> Result<&'a [u8], Failure> {
    let len = call.merchant_len;
    if !call.merchant.is_null() && len > engine::MAX_MERCHANT_BYTES {
        return Err(engine::Error::InvalidMerchant { len }.into());
    }
    // SAFETY: the caller upholds it.
    let merchant = unsafe { boundary::bytes(call.merchant.cast(), len, "merchant") }?;
    match merchant.is_empty() {
        true => Err(engine::Error::InvalidMerchant { len }.into()),
        false => Ok(merchant),
    }
}

impl From<&engine::Decision> for slg_decision {
    #[inline]
    fn from(decision: &engine::Decision) -> Self {
        let mut flat = Self {
            outcome: decision.outcome as u32,
            allowed: decision.allowed.into(),
            rule: SLG_RULE_NONE,
            policy_version: decision.policy_version,
            ..Self::default()
        };
        if let Some(binding) = decision.binding {
            flat.rule = binding.rule.get();
            flat.window_ns = binding.window.length().as_nanos() as u64;
            flat.limit = binding.window.limit;
            flat.remaining = binding.remaining;
            flat.retry_after_ns = decision.retry_after_ns().unwrap_or(0);
            flat.reset_at_ns = binding.reset_at_ns;
        }
        flat
    }
}
