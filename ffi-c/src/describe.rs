//! Exports: versions, names, and the HTTP dress of a decision.

use std::ffi::{CStr, c_char};
use std::fmt::{self, Write};

use crate::abi::*;
use crate::boundary::{self, Failure, TextBuffer};

const NS_PER_SECOND: u64 = 1_000_000_000;

/// The version of this binary interface: SLG_ABI_VERSION of the header that the
/// library was built with. It changes with every incompatible change.
#[unsafe(no_mangle)]
pub extern "C" fn slg_abi_version() -> u32 {
    boundary::value(0, || SLG_ABI_VERSION)
}

/// The version of the library, such as "0.1.0". Static: do not free it.
#[unsafe(no_mangle)]
pub extern "C" fn slg_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    boundary::value(std::ptr::null(), || VERSION.as_ptr().cast())
}

/// What a status means, in English. Static: do not free it. Never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn slg_status_text(status: slg_status) -> *const c_char {
    boundary::value(c"a defect".as_ptr(), || status_text(status).as_ptr())
}

fn status_text(status: slg_status) -> &'static CStr {
    match status {
        SLG_OK => c"ok",
        SLG_STATUS_NULL_POINTER => c"a pointer is NULL",
        SLG_STATUS_INVALID_MERCHANT => c"the merchant is empty or longer than 1024 bytes",
        SLG_STATUS_INVALID_COST => c"the cost is 0",
        SLG_STATUS_INVALID_ENDPOINT => c"the endpoint is not valid for this limiter",
        SLG_STATUS_INVALID_POLICY => c"the policy has mistakes",
        SLG_STATUS_IO => c"the file cannot be read",
        SLG_STATUS_NOT_UTF8 => c"a text is not UTF-8",
        SLG_STATUS_INVALID_ARGUMENT => c"an argument is out of range",
        SLG_STATUS_OUT_OF_MEMORY => c"the system refused memory for the keys",
        SLG_STATUS_TOO_MANY_ENDPOINTS => c"the limiter has no endpoint ids left",
        SLG_STATUS_TOO_MANY_RULES => c"the limiter has no rule ids left",
        SLG_STATUS_BUFFER_TOO_SMALL => c"the buffer is too small",
        SLG_STATUS_CORRUPT => c"the limiter's memory was overwritten",
        SLG_STATUS_PANIC => c"a defect in Slidegate",
        SLG_STATUS_UNKNOWN_RULE => c"the limiter has no such rule",
        SLG_STATUS_FOREIGN_RECEIPT => c"the receipt is another limiter's",
        SLG_STATUS_FOREIGN_KEY => c"the key was prepared by another limiter",
        SLG_STATUS_PRECISION => {
            c"a rule cannot change its precision, nor a bucketed one get new lengths of windows"
        }
        SLG_STATUS_LIMIT_TOO_LARGE => c"a limit is above what the limiter was built for",
        _ => c"an unknown status",
    }
}

/// The name of an outcome, the same in every language: "allowed", "denied",
/// "exempt", "unmatched", "untracked", "never"; "none" for SLG_OUTCOME_NONE,
/// "unknown" for any other number. Static: do not free it. Never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn slg_outcome_text(outcome: u32) -> *const c_char {
    boundary::value(c"unknown".as_ptr(), || outcome_text(outcome).as_ptr())
}

fn outcome_text(outcome: u32) -> &'static CStr {
    match outcome {
        SLG_OUTCOME_NONE => c"none",
        SLG_OUTCOME_ALLOWED => c"allowed",
        SLG_OUTCOME_DENIED => c"denied",
        SLG_OUTCOME_EXEMPT => c"exempt",
        SLG_OUTCOME_UNMATCHED => c"unmatched",
        SLG_OUTCOME_UNTRACKED => c"untracked",
        SLG_OUTCOME_NEVER => c"never",
        _ => c"unknown",
    }
}

/// Writes the name of a rule of this limiter, NUL-terminated, into `cap` bytes at
/// `buf`. *len, unless `len` is NULL, becomes its length without the NUL; a name
/// has at most 64 bytes.
///
/// NULL_POINTER (limiter), INVALID_ARGUMENT (no such rule, or SLG_RULE_NONE),
/// BUFFER_TOO_SMALL (also for buf NULL, to ask for the length).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_rule_name(
    limiter: *const slg_limiter,
    rule: u32,
    buf: *mut c_char,
    cap: usize,
    len: *mut usize,
) -> slg_status {
    boundary::call(|| {
        let text = TextBuffer { buf, cap, len };
        // SAFETY: `buf` and `len` are the caller's, by the header.
        unsafe { text.clear() };
        // SAFETY: `limiter` is NULL or a live handle, by the header.
        let limiter = unsafe { boundary::borrow(limiter, "limiter") }?;
        let name = limiter.0.rule_name(engine::RuleId::from_raw(rule));
        let name = name.ok_or_else(|| Failure::Argument(format!("{rule} is not a rule")))?;
        // SAFETY: as for `clear`.
        unsafe { text.write_whole(&name) }
    })
}

/// Writes the rate limit headers of a decision, "Name: value\r\n" each and a NUL,
/// into `cap` bytes at `buf`: X-RateLimit-Limit, X-RateLimit-Remaining,
/// X-RateLimit-Reset (Unix seconds, rounded up), and Retry-After (seconds, rounded
/// up, at least 1) when denied. Nothing but the NUL where no window was consulted.
/// *len, unless `len` is NULL, becomes the length without the NUL; 256 bytes are
/// always enough.
///
/// NULL_POINTER (decision), BUFFER_TOO_SMALL (also for buf NULL, to ask for the
/// length).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_headers(
    decision: *const slg_decision,
    buf: *mut c_char,
    cap: usize,
    len: *mut usize,
) -> slg_status {
    boundary::call(|| {
        let text = TextBuffer { buf, cap, len };
        // SAFETY: `buf` and `len` are the caller's, by the header.
        unsafe { text.clear() };
        // SAFETY: `decision` is NULL or readable, by the header.
        let decision = unsafe { boundary::borrow(decision, "decision") }?;
        let mut lines = Lines::default();
        // Cannot fail: four lines with the largest numbers fit.
        let _ = write_headers(decision, &mut lines);
        // SAFETY: as for `clear`.
        unsafe { text.write_whole(lines.as_str()) }
    })
}

fn write_headers(decision: &slg_decision, lines: &mut Lines) -> fmt::Result {
    if decision.rule == SLG_RULE_NONE || decision.outcome == SLG_OUTCOME_NONE {
        return Ok(());
    }
    let reset = decision.reset_at_ns.div_ceil(NS_PER_SECOND);
    write!(lines, "X-RateLimit-Limit: {}\r\n", decision.limit)?;
    write!(lines, "X-RateLimit-Remaining: {}\r\n", decision.remaining)?;
    write!(lines, "X-RateLimit-Reset: {reset}\r\n")?;
    if decision.outcome == SLG_OUTCOME_DENIED {
        let seconds = decision.retry_after_ns.div_ceil(NS_PER_SECOND).max(1);
        write!(lines, "Retry-After: {seconds}\r\n")?;
    }
    Ok(())
}

/// Text on the stack, so that dressing a decision allocates nothing.
struct Lines {
    bytes: [u8; 192],
    len: usize,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            bytes: [0; 192],
            len: 0,
        }
    }
}

impl Lines {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or("")
    }
}

impl Write for Lines {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        let room = self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// The HTTP status that suits a decision: 200 when allowed; 429 when denied or
/// never to be admitted; 503 when the table is full; 403 where the policy admits
/// only endpoints that it names; 500 for NULL and for a decision full of zeros.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_http_status(decision: *const slg_decision) -> u32 {
    boundary::value(500, || {
        // SAFETY: `decision` is NULL or readable, by the header.
        match unsafe { decision.as_ref() } {
            Some(decision) => http_status(decision),
            None => 500,
        }
    })
}

fn http_status(decision: &slg_decision) -> u32 {
    match decision.outcome {
        SLG_OUTCOME_NONE => 500,
        _ if decision.allowed == 1 => 200,
        SLG_OUTCOME_UNTRACKED => 503,
        SLG_OUTCOME_UNMATCHED | SLG_OUTCOME_EXEMPT => 403,
        SLG_OUTCOME_DENIED | SLG_OUTCOME_NEVER => 429,
        _ => 500,
    }
}

#[cfg(test)]
mod tests;
