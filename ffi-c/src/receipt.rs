//! Exports: receipts of admissions, and what undoes one: a refund, a reset.

use std::ffi::{c_char, c_void};
use std::ptr::null_mut;

use crate::abi::*;
use crate::boundary::{self, Failure, Out};
use crate::check::{Call, Route, merchant};

/// What `slg_receipt.live` holds before the receipt is used.
///
/// It is overwritten then, which finds most double uses: all but those where the
/// memory holds another receipt by then.
const LIVE: u64 = 0x51de_9a7e_4ec3_1b75;

/// As slg_check, and hands out a receipt if anything was charged: the right to give
/// the capacity back with slg_refund.
///
/// On SLG_OK *receipt is a receipt that the caller owns and passes to slg_refund or
/// to slg_receipt_free, to one of them and once; or it is NULL, because nothing was
/// charged: the request was refused, or no rule counted it. On any other status it
/// is NULL.
///
/// As slg_check; NULL_POINTER also for receipt.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_check_receipt(
    limiter: *const slg_limiter,
    merchant: *const c_void,
    merchant_len: usize,
    endpoint: u32,
    cost: u32,
    out: *mut slg_decision,
    receipt: *mut *mut slg_receipt,
) -> slg_status {
    let call = Call::new(limiter, merchant, merchant_len, cost, out);
    // SAFETY: the pointers are as the header demands.
    boundary::call(|| unsafe { check(call, Route::Id(endpoint), receipt) })
}

/// As slg_check_receipt, with the endpoint as text; see slg_check_path.
///
/// As slg_check_path; NULL_POINTER also for receipt.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_check_receipt_path(
    limiter: *const slg_limiter,
    merchant: *const c_void,
    merchant_len: usize,
    method_path: *const c_char,
    len: usize,
    cost: u32,
    out: *mut slg_decision,
    receipt: *mut *mut slg_receipt,
) -> slg_status {
    let call = Call::new(limiter, merchant, merchant_len, cost, out);
    // SAFETY: the pointers are as the header demands.
    boundary::call(|| unsafe { check(call, Route::Text(method_path, len), receipt) })
}

/// # Safety
/// Every pointer is NULL or as the header demands.
unsafe fn check(call: Call, route: Route, receipt: *mut *mut slg_receipt) -> Result<(), Failure> {
    // Both are cleared before either is judged.
    // SAFETY: the caller upholds it for `out` and `receipt`.
    let (out, receipt) = unsafe {
        (
            Out::cleared(call.out, slg_decision::default(), "out"),
            Out::cleared(receipt, null_mut(), "receipt"),
        )
    };
    let (out, receipt) = (out?, receipt?);
    // SAFETY: the caller upholds it for the other pointers.
    let request = unsafe { call.request(route) }?;
    let (decision, charged) =
        request
            .limiter
            .check_with_receipt(request.merchant, request.endpoint, request.cost)?;
    if let Some(charged) = charged {
        receipt.give(slg_receipt {
            receipt: charged,
            live: LIVE,
        });
    }
    out.set(slg_decision::from(&decision));
    Ok(())
}

/// Gives back what an admission charged. *lent, unless `lent` is NULL, becomes 1 if
/// any of it still counted, else 0; it does not say how much is lent.
///
/// The units stay in the log, and as many more are lent until the oldest refunded
/// unit of the key leaves its window: so capacity may return for a shorter time than
/// the admission took it, never for longer, and never to a later window. A key
/// charges at most 4096 units, refunded ones included, in its longest window (2^24
/// under a bucketed rule, fewer with a smaller max_limit); beyond that refunds lend
/// in part.
///
/// The receipt is used up by every call, also by one that fails: do not pass it to
/// anything again. NULL stands for "nothing was charged": there is nothing to give
/// back, and the answer is SLG_OK. Using a receipt twice is a mistake that is
/// noticed only while its memory is not in use for something else; it is undefined
/// behaviour, as with any freed pointer.
///
/// NULL_POINTER (limiter), FOREIGN_RECEIPT, INVALID_ARGUMENT (the receipt was used
/// before, and that was noticed).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_refund(
    limiter: *const slg_limiter,
    receipt: *mut slg_receipt,
    lent: *mut u32,
) -> slg_status {
    boundary::call(|| {
        // First of all, so that whatever fails, the receipt is used up.
        // SAFETY: `receipt` is NULL or the caller's, who gives it up, by the header.
        let receipt = unsafe { take(receipt) };
        // SAFETY: `lent` is NULL or writable, by the header.
        let lent = unsafe { Out::cleared(lent, 0, "lent") }.ok();
        // SAFETY: `limiter` is NULL or a live handle, by the header.
        let limiter = unsafe { boundary::borrow(limiter, "limiter") }?;
        let Some(receipt) = receipt? else {
            return Ok(());
        };
        let any = limiter.0.refund(receipt)?;
        if let Some(lent) = lent {
            lent.set(any.into());
        }
        Ok(())
    })
}

/// Drops a receipt without giving anything back: what was charged stays counted.
/// NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_receipt_free(receipt: *mut slg_receipt) {
    // A double use cannot be reported here; not freeing twice is what can be done.
    // SAFETY: NULL or the caller's, who gives it up, by the header.
    boundary::value((), || drop(unsafe { take(receipt) }));
}

/// Takes a receipt back from C; `None` for NULL.
///
/// # Safety
/// `receipt` is NULL, or [`check`] gave it and nobody uses it any more. One that
/// was used before breaks this; it is refused where it can be told.
unsafe fn take(receipt: *mut slg_receipt) -> Result<Option<engine::Receipt>, Failure> {
    if receipt.is_null() {
        return Ok(None);
    }
    // Volatile: what follows is a deallocation, before which a plain store is dead.
    // SAFETY: not NULL, so a receipt of ours: the caller upholds it.
    let live = unsafe { &raw mut (*receipt).live };
    // SAFETY: as above.
    if unsafe { live.read_volatile() } != LIVE {
        return Err(Failure::Argument("the receipt was used before".to_owned()));
    }
    // SAFETY: as above.
    unsafe { live.write_volatile(0) };
    // SAFETY: it came from `Out::give`, and the caller gives up ownership.
    let taken = unsafe { Box::from_raw(receipt) };
    Ok(Some(taken.receipt))
}

/// Makes a merchant's history under one rule, or under all rules that this limiter
/// ever had, as if it had never been; *keys, unless `keys` is NULL, becomes the
/// number of its keys that had one. Capacity is free at once, and earlier receipts
/// lend nothing.
///
/// `rule` is the rule's name, `rule_len` bytes of it; NULL with rule_len 0 means all
/// rules. Each rule's key is reset by one atomic step: a check that commits before
/// it is forgotten, one that commits after it counts. Several rules are reset one
/// after the other. A rule with per = "all" is reset, for everybody, only if it is
/// named. Units in an overflow pool stay counted.
///
/// The first charge after it is stamped a tick (1 us; under a bucketed rule 1024 us)
/// after the key's last unit at the earliest; resets and charges that repeat faster
/// add up.
///
/// NULL_POINTER (limiter, merchant, rule with a rule_len), INVALID_MERCHANT,
/// NOT_UTF8, UNKNOWN_RULE; nothing was reset.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_reset(
    limiter: *const slg_limiter,
    merchant: *const c_void,
    merchant_len: usize,
    rule: *const c_char,
    rule_len: usize,
    keys: *mut usize,
) -> slg_status {
    boundary::call(|| {
        // SAFETY: `keys` is NULL or writable, by the header.
        let keys = unsafe { Out::cleared(keys, 0, "keys") }.ok();
        // SAFETY: `limiter` is NULL or a live handle, by the header.
        let limiter = unsafe { boundary::borrow(limiter, "limiter") }?;
        // A NULL that has a length is a slip, and must not reset every rule.
        if rule.is_null() && rule_len > 0 {
            return Err(Failure::Null("rule"));
        }
        // SAFETY: `merchant` is NULL or merchant_len bytes, by the header.
        let merchant = unsafe { self::merchant(merchant, merchant_len) }?;
        let rule = match rule.is_null() {
            true => None,
            // SAFETY: not NULL, so rule_len bytes, by the header.
            false => Some(unsafe { rule_name(rule, rule_len) }?),
        };
        let reset = limiter.0.reset(merchant, rule)?;
        if let Some(keys) = keys {
            keys.set(reset);
        }
        Ok(())
    })
}

/// Borrows a rule's name. A longer one than any rule has is not read.
///
/// # Safety
/// `rule` is valid for reads of `len` bytes for `'a`.
unsafe fn rule_name<'a>(rule: *const c_char, len: usize) -> Result<&'a str, Failure> {
    if len > engine::MAX_RULE_NAME_BYTES {
        return Err(Failure::Engine(engine::Error::UnknownRule {
            name: "…".to_owned(),
        }));
    }
    // SAFETY: the caller upholds it.
    let name = unsafe { boundary::bytes(rule.cast(), len, "rule") }?;
    boundary::utf8(name, "rule")
}
