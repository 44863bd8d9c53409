//! Exports: policies.

use std::ffi::{CStr, c_char};
use std::path::Path;

use crate::abi::*;
use crate::boundary::{self, Failure, Out, TextBuffer};

/// Reads a policy from `len` bytes of TOML text at `text`.
///
/// On success *out is a policy that the caller owns and passes to slg_policy_free
/// once; else it is NULL and the message lists every mistake, a line each.
///
/// NULL_POINTER (text, out), INVALID_ARGUMENT (len above 8 MiB), NOT_UTF8,
/// INVALID_POLICY.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_policy_from_toml(
    text: *const c_char,
    len: usize,
    out: *mut *mut slg_policy,
    message: *mut c_char,
    message_cap: usize,
    message_len: *mut usize,
) -> slg_status {
    let message = TextBuffer {
        buf: message,
        cap: message_cap,
        len: message_len,
    };
    let read = || {
        // SAFETY: `out` is NULL or writable, by the header.
        let out = unsafe { Out::cleared(out, std::ptr::null_mut(), "out") }?;
        // SAFETY: `text` is NULL or `len` bytes, by the header.
        let text = unsafe { policy_bytes(text, len) }?;
        let text = boundary::utf8(text, "text")?;
        out.give(slg_policy(engine::Policy::from_toml(text)?));
        Ok(())
    };
    // SAFETY: `message` is the caller's buffer, by the header.
    unsafe { boundary::explained(message, read) }
}

/// # Safety
/// `text` is NULL or valid for reads of `len` bytes for `'a`.
unsafe fn policy_bytes<'a>(text: *const c_char, len: usize) -> Result<&'a [u8], Failure> {
    if !text.is_null() && len > engine::MAX_POLICY_BYTES {
        let most = engine::MAX_POLICY_BYTES;
        return Err(Failure::Argument(format!(
            "text has {len} bytes; a policy has at most {most}"
        )));
    }
    // SAFETY: the caller upholds it.
    unsafe { boundary::bytes(text.cast(), len, "text") }
}

/// Reads a policy from the TOML file at `path`, a NUL-terminated string.
///
/// As slg_policy_from_toml, and IO. The only function that reads a file.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_policy_from_file(
    path: *const c_char,
    out: *mut *mut slg_policy,
    message: *mut c_char,
    message_cap: usize,
    message_len: *mut usize,
) -> slg_status {
    let message = TextBuffer {
        buf: message,
        cap: message_cap,
        len: message_len,
    };
    let read = || {
        // SAFETY: `out` is NULL or writable, by the header.
        let out = unsafe { Out::cleared(out, std::ptr::null_mut(), "out") }?;
        // SAFETY: `path` is NULL or NUL-terminated, by the header.
        let path = unsafe { boundary::c_str(path, "path") }?;
        out.give(slg_policy(engine::Policy::from_file(to_path(path)?)?));
        Ok(())
    };
    // SAFETY: `message` is the caller's buffer, by the header.
    unsafe { boundary::explained(message, read) }
}

#[cfg(unix)]
fn to_path(path: &CStr) -> Result<&Path, Failure> {
    use std::os::unix::ffi::OsStrExt;
    Ok(Path::new(std::ffi::OsStr::from_bytes(path.to_bytes())))
}

#[cfg(not(unix))]
fn to_path(path: &CStr) -> Result<&Path, Failure> {
    boundary::utf8(path.to_bytes(), "path").map(Path::new)
}

/// Frees a policy; NULL is allowed. Limiters that use it are not affected.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_policy_free(policy: *mut slg_policy) {
    // SAFETY: NULL or a handle that the caller gives up, by the header.
    unsafe { boundary::free(policy) }
}
