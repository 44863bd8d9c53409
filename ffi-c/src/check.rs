//! Exports: check and peek.

use std::ffi::{c_char, c_void};

use crate::abi::*;
use crate::boundary::{self, Failure, Out};
use crate::limiter::{endpoint_by_id, endpoint_text};

/// What the exports that name a merchant have in common.
pub(crate) struct Call {
    pub limiter: *const slg_limiter,
    pub merchant: *const c_void,
    pub merchant_len: usize,
    pub cost: u32,
    pub out: *mut slg_decision,
}

pub(crate) enum Route {
    Id(u32),
    Text(*const c_char, usize),
}

/// A call whose arguments are sound.
pub(crate) struct Request<'a> {
    pub limiter: &'a engine::Limiter,
    pub merchant: &'a [u8],
    pub endpoint: engine::Endpoint<'a>,
    pub cost: u32,
}

#[derive(Clone, Copy)]
pub(crate) enum Act {
    Check,
    Peek,
}

/// Decides a request and, if it is admitted, charges `cost` units to every rule
/// that governs it: all or none.
///
/// `merchant` is 1 to SLG_MAX_MERCHANT_BYTES opaque bytes; they need not be UTF-8.
/// `endpoint` is an id from slg_endpoint, or SLG_ENDPOINT_NONE for the merchant
/// alone. The answer is SLG_OK whether the request is admitted or denied: look at
/// out->allowed. On any other status *out is all zero, which does not read as
/// allowed, and nothing was charged; before CORRUPT, what was charged was lent back.
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
    let call = Call::new(limiter, merchant, merchant_len, cost, out);
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
    let call = Call::new(limiter, merchant, merchant_len, cost, out);
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
    let call = Call::new(limiter, merchant, merchant_len, cost, out);
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
    let call = Call::new(limiter, merchant, merchant_len, cost, out);
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
        // SAFETY: the caller upholds it for the other pointers.
        let request = unsafe { call.request(route) }?;
        let (merchant, endpoint, cost) = (request.merchant, request.endpoint, request.cost);
        let decision = match act {
            Act::Check => request.limiter.check(merchant, endpoint, cost)?,
            Act::Peek => request.limiter.peek(merchant, endpoint, cost)?,
        };
        out.set(slg_decision::from(&decision));
        Ok(())
    })
}

impl Call {
    pub fn new(
        limiter: *const slg_limiter,
        merchant: *const c_void,
        merchant_len: usize,
        cost: u32,
        out: *mut slg_decision,
    ) -> Self {
        Self {
            limiter,
            merchant,
            merchant_len,
            cost,
            out,
        }
    }

    /// Judges all arguments but `out`, in the order that the header promises.
    ///
    /// # Safety
    /// Every pointer is NULL or as the header demands, for `'a`.
    #[inline]
    pub unsafe fn request<'a>(&self, route: Route) -> Result<Request<'a>, Failure> {
        // SAFETY: the caller upholds it for `limiter`.
        let limiter = unsafe { boundary::borrow(self.limiter, "limiter") }?;
        if let Route::Text(text, _) = route
            && text.is_null()
        {
            return Err(Failure::Null("method_path"));
        }
        // SAFETY: the caller upholds it for `merchant`.
        let merchant = unsafe { merchant(self.merchant, self.merchant_len) }?;
        if self.cost == 0 {
            return Err(engine::Error::InvalidCost.into());
        }
        let endpoint = match route {
            Route::Id(number) => endpoint_by_id(number),
            // SAFETY: the caller upholds it for the text.
            Route::Text(text, len) => unsafe { endpoint_text(text, len, "method_path") }?.into(),
        };
        Ok(Request {
            limiter: &limiter.0,
            merchant,
            endpoint,
            cost: self.cost,
        })
    }
}

/// Borrows a merchant. A longer one than the engine accepts is not read.
///
/// # Safety
/// `merchant` is NULL or valid for reads of `len` bytes for `'a`.
#[inline]
pub(crate) unsafe fn merchant<'a>(
    merchant: *const c_void,
    len: usize,
) -> Result<&'a [u8], Failure> {
    if !merchant.is_null() && len > engine::MAX_MERCHANT_BYTES {
        return Err(engine::Error::InvalidMerchant { len }.into());
    }
    // SAFETY: the caller upholds it.
    let merchant = unsafe { boundary::bytes(merchant.cast(), len, "merchant") }?;
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
            flags: flags(decision),
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

#[inline]
fn flags(decision: &engine::Decision) -> u32 {
    let untracked = match decision.untracked {
        true => SLG_FLAG_UNTRACKED,
        false => 0,
    };
    match decision.precision() {
        Some(engine::Precision::Bucketed) => untracked | SLG_FLAG_BUCKETED,
        _ => untracked,
    }
}
