//! Exports: prepared keys.

use std::ffi::c_void;
use std::ptr::null_mut;

use crate::abi::*;
use crate::boundary::{self, Failure, Out};
use crate::check::merchant;

/// Resolves a merchant and an endpoint once, for those who are checked often.
/// `endpoint` is an id from slg_endpoint; SLG_ENDPOINT_NONE is none.
///
/// On success *out is a key that the caller owns and passes to slg_key_free once;
/// else it is NULL. The policy in force at each check decides, so a key is never out
/// of date.
///
/// NULL_POINTER (limiter, merchant, out), INVALID_MERCHANT, INVALID_ENDPOINT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_prepare(
    limiter: *const slg_limiter,
    merchant: *const c_void,
    merchant_len: usize,
    endpoint: u32,
    out: *mut *mut slg_key,
) -> slg_status {
    boundary::call(|| {
        // SAFETY: `out` is NULL or writable, by the header.
        let out = unsafe { Out::cleared(out, null_mut(), "out") }?;
        // SAFETY: `limiter` is NULL or a live handle, by the header.
        let limiter = unsafe { boundary::borrow(limiter, "limiter") }?;
        // SAFETY: `merchant` is NULL or merchant_len bytes, by the header.
        let merchant = unsafe { self::merchant(merchant, merchant_len) }?;
        let endpoint = engine::EndpointId::from_raw(endpoint);
        out.give(slg_key(limiter.0.prepare(merchant, endpoint)?));
        Ok(())
    })
}

/// As slg_check, for a prepared key.
///
/// NULL_POINTER (limiter, key, out), FOREIGN_KEY, INVALID_COST, CORRUPT; the first of
/// them that applies. *out is then all zero, and nothing was charged, as with
/// slg_check.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_check_key(
    limiter: *const slg_limiter,
    key: *const slg_key,
    cost: u32,
    out: *mut slg_decision,
) -> slg_status {
    boundary::call(|| {
        // SAFETY: the pointers are as the header demands.
        let (limiter, key, out) = unsafe { arguments(limiter, key, out) }?;
        out.set((&limiter.check_prepared(key, cost)?).into());
        Ok(())
    })
}

/// Decides as slg_check_key would, and charges nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_peek_key(
    limiter: *const slg_limiter,
    key: *const slg_key,
    cost: u32,
    out: *mut slg_decision,
) -> slg_status {
    boundary::call(|| {
        // SAFETY: the pointers are as the header demands.
        let (limiter, key, out) = unsafe { arguments(limiter, key, out) }?;
        out.set((&limiter.peek_prepared(key, cost)?).into());
        Ok(())
    })
}

/// What the two have in common.
type Arguments<'a> = (&'a engine::Limiter, &'a engine::Prepared, Out<slg_decision>);

/// # Safety
/// Every pointer is NULL or as the header demands, for `'a`.
#[inline]
unsafe fn arguments<'a>(
    limiter: *const slg_limiter,
    key: *const slg_key,
    out: *mut slg_decision,
) -> Result<Arguments<'a>, Failure> {
    // SAFETY: the caller upholds it for each.
    unsafe {
        let out = Out::cleared(out, slg_decision::default(), "out")?;
        let limiter = boundary::borrow(limiter, "limiter")?;
        let key = boundary::borrow(key, "key")?;
        Ok((&limiter.0, &key.0, out))
    }
}

/// Frees a key; NULL is allowed. No other thread may be inside a call with it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_key_free(key: *mut slg_key) {
    // SAFETY: NULL or a handle that the caller gives up, by the header.
    unsafe { boundary::free(key) }
}
