//! Exports: making a limiter, swapping its policy, endpoint ids.

use std::ffi::c_char;
use std::mem::offset_of;

use crate::abi::*;
use crate::boundary::{self, Failure, Out, TextBuffer};

/// The largest struct_size that is looked at: a wild number must not send the
/// search for a nonzero tail through the caller's memory.
const MAX_OPTIONS_BYTES: usize = 4096;

/// The size of the first version, which ended before max_limit.
const FIRST_OPTIONS_BYTES: usize = offset_of!(slg_options, max_limit);

/// Makes a limiter with `policy` in force as version 1. `options` may be NULL for
/// the defaults. Neither is kept: both may be freed right after the call.
///
/// On success *out is a limiter that the caller owns and passes to
/// slg_limiter_free once; else it is NULL and the message says why.
///
/// NULL_POINTER (policy, out), INVALID_ARGUMENT (struct_size, on_full, reserved),
/// LIMIT_TOO_LARGE, OUT_OF_MEMORY (also where the system gives no random secret).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_limiter_new(
    policy: *const slg_policy,
    options: *const slg_options,
    out: *mut *mut slg_limiter,
    message: *mut c_char,
    message_cap: usize,
    message_len: *mut usize,
) -> slg_status {
    let message = TextBuffer {
        buf: message,
        cap: message_cap,
        len: message_len,
    };
    let make = || {
        // SAFETY: `out` is NULL or writable, by the header.
        let out = unsafe { Out::cleared(out, std::ptr::null_mut(), "out") }?;
        // SAFETY: `policy` is NULL or a live handle, by the header.
        let policy = unsafe { boundary::borrow(policy, "policy") }?;
        // SAFETY: `options` is NULL or struct_size bytes, by the header.
        let builder = unsafe { builder(options) }?;
        out.give(slg_limiter(builder.build(&policy.0)?));
        Ok(())
    };
    // SAFETY: `message` is the caller's buffer, by the header.
    unsafe { boundary::explained(message, make) }
}

/// # Safety
/// `options` is NULL or points to as many readable bytes as its struct_size says,
/// and its clock is NULL or a live handle.
unsafe fn builder(options: *const slg_options) -> Result<engine::LimiterBuilder, Failure> {
    let builder = engine::Limiter::builder();
    if options.is_null() {
        return Ok(builder);
    }
    // SAFETY: the struct begins with its size, which is readable in any version.
    let size = unsafe { options.cast::<u32>().read() };
    // SAFETY: `size` bytes are readable: the caller upholds it.
    let options = unsafe { read_options(options, size as usize) }?;
    if options.reserved != 0 {
        return Err(unknown_field());
    }
    let mut builder = builder.on_full(on_full(options.on_full)?);
    if options.max_keys != 0 {
        builder = builder.max_keys(options.max_keys);
    }
    if options.max_limit != 0 {
        builder = builder.max_limit(options.max_limit);
    }
    // SAFETY: the clock is NULL or a live handle: the caller upholds it.
    if let Some(clock) = unsafe { options.clock.as_ref() } {
        builder = builder.clock(clock.0.clone());
    }
    Ok(builder)
}

fn on_full(number: u32) -> Result<engine::OnFull, Failure> {
    match number {
        SLG_ON_FULL_DENY => Ok(engine::OnFull::Deny),
        SLG_ON_FULL_ADMIT => Ok(engine::OnFull::Admit),
        SLG_ON_FULL_OVERFLOW => Ok(engine::OnFull::Overflow),
        other => Err(Failure::Argument(format!(
            "on_full is {other}, not 0, 1 or 2"
        ))),
    }
}

/// The options in this library's version, whatever the caller's: what an earlier
/// one has not is 0, and a later one may not set what is not known here.
///
/// # Safety
/// `size` bytes at `options` are readable.
unsafe fn read_options(options: *const slg_options, size: usize) -> Result<slg_options, Failure> {
    let known = size_of::<slg_options>();
    if size != FIRST_OPTIONS_BYTES && !(known..=MAX_OPTIONS_BYTES).contains(&size) {
        return Err(Failure::Argument(format!(
            "struct_size is {size}; set it to sizeof(slg_options), which is {known} here"
        )));
    }
    let mut read = slg_options {
        struct_size: 0,
        on_full: 0,
        max_keys: 0,
        clock: std::ptr::null(),
        max_limit: 0,
        reserved: 0,
    };
    let (from, to) = (options.cast::<u8>(), (&raw mut read).cast::<u8>());
    // SAFETY: both have so many bytes, and `read` is ours alone. Every pattern of
    // bytes is a value of each field.
    unsafe { from.copy_to_nonoverlapping(to, size.min(known)) };
    if size > known {
        // SAFETY: `size` bytes are readable, and `known` is less.
        let tail = unsafe { std::slice::from_raw_parts(from.add(known), size - known) };
        if tail.iter().any(|byte| *byte != 0) {
            return Err(unknown_field());
        }
    }
    Ok(read)
}

fn unknown_field() -> Failure {
    Failure::Argument(
        "slg_options sets a field that this version of the library does not know".to_owned(),
    )
}

/// Frees a limiter; NULL is allowed. No other thread may be inside a call with it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_limiter_free(limiter: *mut slg_limiter) {
    // SAFETY: NULL or a handle that the caller gives up, by the header.
    unsafe { boundary::free(limiter) }
}

/// Puts another policy into force while checks go on; *version, unless `version`
/// is NULL, becomes its number. Histories carry over by rule name; a window that is
/// longer than all before it knows of older units only those that still counted.
/// The policy is not kept: it may be freed right after the call. On failure the old
/// policy stays in force.
///
/// NULL_POINTER (limiter, policy), TOO_MANY_RULES, PRECISION, LIMIT_TOO_LARGE,
/// OUT_OF_MEMORY (the first policy with a bucketed rule needs a table of its own).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_limiter_swap(
    limiter: *const slg_limiter,
    policy: *const slg_policy,
    version: *mut u64,
    message: *mut c_char,
    message_cap: usize,
    message_len: *mut usize,
) -> slg_status {
    let message = TextBuffer {
        buf: message,
        cap: message_cap,
        len: message_len,
    };
    let swap = || {
        // SAFETY: `version` is NULL or writable, by the header.
        let version = unsafe { Out::cleared(version, 0, "version") }.ok();
        // SAFETY: `limiter` and `policy` are NULL or live handles, by the header.
        let (limiter, policy) = unsafe {
            (
                boundary::borrow(limiter, "limiter")?,
                boundary::borrow(policy, "policy")?,
            )
        };
        let swapped_in = limiter.0.swap(&policy.0)?;
        if let Some(version) = version {
            version.set(swapped_in);
        }
        Ok(())
    };
    // SAFETY: `message` is the caller's buffer, by the header.
    unsafe { boundary::explained(message, swap) }
}

/// Looks up the id of an endpoint for callers who check it often. `route` is a
/// route template of `len` bytes such as "GET /v1/payment/:id", never a concrete
/// path: each new text uses up one of the 4096 ids of a limiter's life. An id stays
/// valid for that long, across swaps; the same text has the same id. 0 is never an
/// id.
///
/// On failure *endpoint is 0 and the message says why.
///
/// NULL_POINTER (limiter, route, endpoint), NOT_UTF8, INVALID_ENDPOINT,
/// TOO_MANY_ENDPOINTS.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_endpoint(
    limiter: *const slg_limiter,
    route: *const c_char,
    len: usize,
    endpoint: *mut u32,
    message: *mut c_char,
    message_cap: usize,
    message_len: *mut usize,
) -> slg_status {
    let message = TextBuffer {
        buf: message,
        cap: message_cap,
        len: message_len,
    };
    let look_up = || {
        // SAFETY: `endpoint` is NULL or writable, by the header.
        let out = unsafe { Out::cleared(endpoint, 0, "endpoint") }?;
        // SAFETY: `limiter` is NULL or a live handle, by the header.
        let limiter = unsafe { boundary::borrow(limiter, "limiter") }?;
        // SAFETY: `route` is NULL or `len` bytes, by the header.
        let route = unsafe { endpoint_text(route, len, "route") }?;
        out.set(limiter.0.endpoint(route)?.get());
        Ok(())
    };
    // SAFETY: `message` is the caller's buffer, by the header.
    unsafe { boundary::explained(message, look_up) }
}

/// The endpoint that a number from C names.
#[inline]
pub(crate) fn endpoint_by_id<'e>(number: u32) -> engine::Endpoint<'e> {
    match number {
        SLG_ENDPOINT_NONE => engine::Endpoint::none(),
        id => engine::Endpoint::Id(engine::EndpointId::from_raw(id)),
    }
}

/// Borrows an endpoint's text. A longer one than the engine accepts is not read.
///
/// # Safety
/// `text` is NULL or valid for reads of `len` bytes for `'a`.
#[inline]
pub(crate) unsafe fn endpoint_text<'a>(
    text: *const c_char,
    len: usize,
    argument: &'static str,
) -> Result<&'a str, Failure> {
    if !text.is_null() && len > engine::MAX_ENDPOINT_BYTES {
        return Err(Failure::Engine(engine::Error::InvalidEndpoint {
            endpoint: "…".to_owned(),
            reason: format!(
                "it has {len} bytes, more than {}",
                engine::MAX_ENDPOINT_BYTES
            ),
        }));
    }
    // SAFETY: the caller upholds it.
    let text = unsafe { boundary::bytes(text.cast(), len, argument) }?;
    boundary::utf8(text, argument)
}
