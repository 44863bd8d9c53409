//! Exports: the manual clock.

use std::sync::Arc;
use std::time::Duration;

use crate::abi::*;
use crate::boundary::{self, Out};

/// Makes a clock at elapsed time 0 whose wall time is `unix_ns` nanoseconds since
/// the Unix epoch; both move in step.
///
/// On success *out is a clock that the caller owns and passes to
/// slg_manual_clock_free once.
///
/// NULL_POINTER (out).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_manual_clock_new(
    unix_ns: u64,
    out: *mut *mut slg_manual_clock,
) -> slg_status {
    boundary::call(|| {
        // SAFETY: `out` is NULL or writable, by the header.
        let out = unsafe { Out::cleared(out, std::ptr::null_mut(), "out") }?;
        let clock = engine::ManualClock::new(unix_ns);
        out.give(slg_manual_clock(Arc::new(clock)));
        Ok(())
    })
}

/// Moves the clock by `ns` nanoseconds; a negative number steps it back, at most
/// to its origin.
///
/// NULL_POINTER (clock).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_manual_clock_advance_ns(
    clock: *const slg_manual_clock,
    ns: i64,
) -> slg_status {
    boundary::call(|| {
        // SAFETY: `clock` is NULL or a live handle, by the header.
        let clock = unsafe { boundary::borrow(clock, "clock") }?;
        let by = Duration::from_nanos(ns.unsigned_abs());
        match ns < 0 {
            true => clock.0.step_back(by),
            false => clock.0.advance(by),
        }
        Ok(())
    })
}

/// Sets the time elapsed since the clock was made, in nanoseconds.
///
/// NULL_POINTER (clock).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_manual_clock_set_elapsed_ns(
    clock: *const slg_manual_clock,
    elapsed_ns: u64,
) -> slg_status {
    boundary::call(|| {
        // SAFETY: `clock` is NULL or a live handle, by the header.
        let clock = unsafe { boundary::borrow(clock, "clock") }?;
        clock.0.set_elapsed_ns(elapsed_ns);
        Ok(())
    })
}

/// Frees a clock; NULL is allowed. A limiter that uses it keeps it alive, standing
/// still.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_manual_clock_free(clock: *mut slg_manual_clock) {
    // SAFETY: NULL or a handle that the caller gives up, by the header.
    unsafe { boundary::free(clock) }
}
