//! The one way into and out of Rust. Every export is a call of [`call`],
//! [`explained`] or [`value`]; `tests/exports.rs` holds them to it.
//!
//! - **Panics** stop here: unwinding into a C frame is undefined behaviour.
//! - **Out-parameters** are cleared before anything can fail, so a caller who
//!   forgets to look at the status reads zeros and not an old answer.
//! - **Pointers** are checked for NULL and lengths for plausibility. That a
//!   pointer points where the header says is the caller's side of the contract;
//!   every `SAFETY` note that says "the header" means this.

use std::any::Any;
use std::ffi::{CStr, c_char};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use crate::abi::*;

/// Why a call failed. It is only turned into text where the caller wants one, so
/// that a failing check formats nothing.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The argument that is NULL.
    Null(&'static str),
    NotUtf8 {
        argument: &'static str,
        valid_up_to: usize,
    },
    Argument(String),
    BufferTooSmall,
    Engine(engine::Error),
    Policy(engine::PolicyError),
    Panic,
}

impl Failure {
    pub fn status(&self) -> slg_status {
        match self {
            Self::Null(_) => SLG_STATUS_NULL_POINTER,
            Self::NotUtf8 { .. } => SLG_STATUS_NOT_UTF8,
            Self::Argument(_) => SLG_STATUS_INVALID_ARGUMENT,
            Self::BufferTooSmall => SLG_STATUS_BUFFER_TOO_SMALL,
            Self::Engine(error) => engine_status(error),
            Self::Policy(error) => policy_status(error),
            Self::Panic => SLG_STATUS_PANIC,
        }
    }
}

fn engine_status(error: &engine::Error) -> slg_status {
    use engine::Error;
    match error {
        Error::InvalidMerchant { .. } => SLG_STATUS_INVALID_MERCHANT,
        Error::InvalidCost => SLG_STATUS_INVALID_COST,
        Error::InvalidEndpoint { .. } | Error::UnknownEndpoint { .. } => {
            SLG_STATUS_INVALID_ENDPOINT
        }
        Error::TooManyEndpoints => SLG_STATUS_TOO_MANY_ENDPOINTS,
        Error::TooManyRules => SLG_STATUS_TOO_MANY_RULES,
        Error::UnknownRule { .. } => SLG_STATUS_UNKNOWN_RULE,
        Error::ForeignReceipt => SLG_STATUS_FOREIGN_RECEIPT,
        Error::ForeignKey => SLG_STATUS_FOREIGN_KEY,
        Error::Precision { .. } => SLG_STATUS_PRECISION,
        Error::LimitTooLarge { .. } => SLG_STATUS_LIMIT_TOO_LARGE,
        Error::Memory { .. } => SLG_STATUS_OUT_OF_MEMORY,
        Error::Corrupt => SLG_STATUS_CORRUPT,
        // A new kind of error needs a number of its own in `abi` first.
        _ => SLG_STATUS_INVALID_ARGUMENT,
    }
}

fn policy_status(error: &engine::PolicyError) -> slg_status {
    match error {
        engine::PolicyError::Read { source, .. } => match source.kind() {
            std::io::ErrorKind::InvalidData => SLG_STATUS_NOT_UTF8,
            _ => SLG_STATUS_IO,
        },
        _ => SLG_STATUS_INVALID_POLICY,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null(argument) => write!(f, "{argument} is NULL"),
            Self::NotUtf8 {
                argument,
                valid_up_to,
            } => write!(f, "{argument} is not UTF-8 from byte {valid_up_to} on"),
            Self::Argument(text) => f.write_str(text),
            Self::BufferTooSmall => f.write_str("the buffer is too small"),
            Self::Engine(error) => error.fmt(f),
            Self::Policy(error) => error.fmt(f),
            Self::Panic => f.write_str("a defect in Slidegate; its text went to stderr"),
        }
    }
}

impl From<engine::Error> for Failure {
    fn from(error: engine::Error) -> Self {
        Self::Engine(error)
    }
}

impl From<engine::PolicyError> for Failure {
    fn from(error: engine::PolicyError) -> Self {
        Self::Policy(error)
    }
}

/// Runs an export that answers a status.
#[inline]
pub(crate) fn call(body: impl FnOnce() -> Result<(), Failure>) -> slg_status {
    match caught(body) {
        Ok(()) => SLG_OK,
        Err(failure) => failure.status(),
    }
}

/// Runs an export that answers a status and says why in the caller's buffer.
///
/// # Safety
/// `message` upholds the contract of [`TextBuffer`].
pub(crate) unsafe fn explained(
    message: TextBuffer,
    body: impl FnOnce() -> Result<(), Failure>,
) -> slg_status {
    call(|| {
        // SAFETY: the caller upholds the contract of `message`.
        unsafe { message.clear() };
        caught(body).inspect_err(|failure| {
            // A NUL, which a policy may quote, would end the text early for C.
            let text = failure.to_string().replace('\0', "\u{fffd}");
            // SAFETY: as above.
            unsafe { message.write_cut(&text) };
        })
    })
}

/// Runs an export that answers a plain value, or nothing.
#[inline]
pub(crate) fn value<T>(on_panic: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        dispose(payload);
        on_panic
    })
}

/// What a body leaves half done stays behind the engine's own promise that a
/// thread may stop at any instruction, hence `AssertUnwindSafe`.
#[inline]
fn caught(body: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        dispose(payload);
        Err(Failure::Panic)
    })
}

/// A payload's own drop could panic, outside of any `catch_unwind`.
#[cold]
fn dispose(payload: Box<dyn Any + Send>) {
    std::mem::forget(payload);
}

/// An out-parameter, cleared.
pub(crate) struct Out<T>(NonNull<T>);

impl<T> Out<T> {
    /// Clears `*out` to `cleared`.
    ///
    /// # Safety
    /// `out` is NULL or valid for writes of a `T` until the export returns.
    #[inline]
    pub unsafe fn cleared(
        out: *mut T,
        cleared: T,
        argument: &'static str,
    ) -> Result<Self, Failure> {
        let out = NonNull::new(out).ok_or(Failure::Null(argument))?;
        // SAFETY: not NULL, and the caller upholds the rest.
        unsafe { out.write(cleared) };
        Ok(Self(out))
    }

    #[inline]
    pub fn set(self, value: T) {
        // SAFETY: `cleared` was promised that the pointer stays valid for writes.
        unsafe { self.0.write(value) };
    }
}

impl<T> Out<*mut T> {
    /// Hands ownership of `value` to the caller.
    pub fn give(self, value: T) {
        self.set(Box::into_raw(Box::new(value)));
    }
}

/// Takes back what [`Out::give`] handed out.
///
/// # Safety
/// `handle` is NULL or came from [`Out::give`], and nobody uses it any more.
pub(crate) unsafe fn free<T>(handle: *mut T) {
    value((), || {
        if !handle.is_null() {
            // SAFETY: it came from `Box::into_raw`, and the caller gives up ownership.
            drop(unsafe { Box::from_raw(handle) });
        }
    });
}

/// Borrows what a pointer names.
///
/// # Safety
/// `pointer` is NULL or valid for reads of a `T` for `'a`.
#[inline]
pub(crate) unsafe fn borrow<'a, T>(
    pointer: *const T,
    argument: &'static str,
) -> Result<&'a T, Failure> {
    // SAFETY: the caller upholds it; `as_ref` checks for NULL.
    unsafe { pointer.as_ref() }.ok_or(Failure::Null(argument))
}

/// Borrows `len` bytes. A length that no object can have is refused here, before
/// a slice is made of it.
///
/// # Safety
/// `pointer` is NULL or valid for reads of `len` bytes for `'a`.
#[inline]
pub(crate) unsafe fn bytes<'a>(
    pointer: *const u8,
    len: usize,
    argument: &'static str,
) -> Result<&'a [u8], Failure> {
    if pointer.is_null() {
        return Err(Failure::Null(argument));
    }
    if isize::try_from(len).is_err() {
        return Err(Failure::Argument(format!(
            "{argument} cannot have {len} bytes"
        )));
    }
    // SAFETY: not NULL, at most isize::MAX bytes; the caller upholds the rest.
    Ok(unsafe { std::slice::from_raw_parts(pointer, len) })
}

/// Borrows an array of `count` elements, which may be NULL where there are none. A
/// count that no array can have is refused.
///
/// # Safety
/// `pointer` is NULL or valid for reads of `count` elements for `'a`.
pub(crate) unsafe fn slice<'a, T>(
    pointer: *const T,
    count: usize,
    argument: &'static str,
) -> Result<&'a [T], Failure> {
    if count == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(Failure::Null(argument));
    }
    check_count::<T>(count, argument)?;
    // SAFETY: not NULL, at most isize::MAX bytes; the caller upholds the rest.
    Ok(unsafe { std::slice::from_raw_parts(pointer, count) })
}

/// Writes `value` to each of `count` elements; see [`slice`].
///
/// # Safety
/// `pointer` is NULL or valid for writes of `count` elements.
pub(crate) unsafe fn fill<T: Copy>(
    pointer: *mut T,
    count: usize,
    value: T,
    argument: &'static str,
) -> Result<(), Failure> {
    if pointer.is_null() && count > 0 {
        return Err(Failure::Null(argument));
    }
    check_count::<T>(count, argument)?;
    for index in 0..count {
        // SAFETY: not NULL, within the array; the caller upholds the rest.
        unsafe { pointer.add(index).write(value) };
    }
    Ok(())
}

/// Refuses a count of elements that no array can have.
pub(crate) fn check_count<T>(count: usize, argument: &'static str) -> Result<(), Failure> {
    let bytes = count.checked_mul(size_of::<T>());
    match bytes.is_some_and(|bytes| isize::try_from(bytes).is_ok()) {
        true => Ok(()),
        false => Err(Failure::Argument(format!(
            "{argument} cannot have {count} elements"
        ))),
    }
}

/// Borrows a NUL-terminated string.
///
/// # Safety
/// `pointer` is NULL or points to a NUL-terminated string valid for `'a`.
pub(crate) unsafe fn c_str<'a>(
    pointer: *const c_char,
    argument: &'static str,
) -> Result<&'a CStr, Failure> {
    match pointer.is_null() {
        true => Err(Failure::Null(argument)),
        // SAFETY: not NULL, and the caller upholds the rest.
        false => Ok(unsafe { CStr::from_ptr(pointer) }),
    }
}

#[inline]
pub(crate) fn utf8<'a>(bytes: &'a [u8], argument: &'static str) -> Result<&'a str, Failure> {
    std::str::from_utf8(bytes).map_err(|error| Failure::NotUtf8 {
        argument,
        valid_up_to: error.valid_up_to(),
    })
}

/// A caller's buffer for text: `cap` bytes at `buf`, or none where either is 0;
/// `len`, unless NULL, receives the text's full length without the NUL.
///
/// Contract of whoever makes one: `buf` is NULL or valid for writes of `cap`
/// bytes, `len` is NULL or valid for a write, until the export returns.
#[derive(Clone, Copy)]
pub(crate) struct TextBuffer {
    pub buf: *mut c_char,
    pub cap: usize,
    pub len: *mut usize,
}

impl TextBuffer {
    /// # Safety
    /// The contract of the type.
    pub unsafe fn clear(self) {
        // SAFETY: the caller upholds the contract.
        unsafe { self.put("", 0) };
    }

    /// Writes as much of `text` as fits, in whole characters.
    ///
    /// # Safety
    /// The contract of the type.
    pub unsafe fn write_cut(self, text: &str) {
        let room = self.cap.saturating_sub(1);
        let fits = text.floor_char_boundary(room);
        // SAFETY: the caller upholds the contract.
        unsafe { self.put(&text[..fits], text.len()) };
    }

    /// Writes all of `text`, or nothing.
    ///
    /// # Safety
    /// The contract of the type.
    pub unsafe fn write_whole(self, text: &str) -> Result<(), Failure> {
        let fits = !self.buf.is_null() && text.len() < self.cap;
        let shown = if fits { text } else { "" };
        // SAFETY: the caller upholds the contract.
        unsafe { self.put(shown, text.len()) };
        match fits {
            true => Ok(()),
            false => Err(Failure::BufferTooSmall),
        }
    }

    /// Writes `text`, which must be shorter than `cap` or empty, and `full_len`.
    ///
    /// # Safety
    /// The contract of the type.
    unsafe fn put(self, text: &str, full_len: usize) {
        if !self.len.is_null() {
            // SAFETY: not NULL, so valid for a write by the contract.
            unsafe { self.len.write(full_len) };
        }
        if self.buf.is_null() || self.cap == 0 {
            return;
        }
        debug_assert!(text.len() < self.cap);
        let buf = self.buf.cast::<u8>();
        // SAFETY: `cap` bytes are writable by the contract and `text` with its
        // NUL is no longer; a `&str` of ours does not overlap the caller's buffer.
        unsafe {
            buf.copy_from_nonoverlapping(text.as_ptr(), text.len());
            buf.add(text.len()).write(0);
        }
    }
}

#[cfg(test)]
mod tests;
