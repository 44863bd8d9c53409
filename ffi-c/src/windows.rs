//! Exports: check and peek with how every window stands.

use std::ffi::{c_char, c_void};

use crate::abi::*;
use crate::boundary::{self, Failure, Out};
use crate::check::{Act, Call, Route};

/// A caller's array for windows: `cap` elements at `windows`, and `count`, which
/// receives the number of windows there are.
#[derive(Clone, Copy)]
struct Room {
    windows: *mut slg_window,
    cap: usize,
    count: *mut usize,
}

impl Room {
    fn new(windows: *mut slg_window, cap: usize, count: *mut usize) -> Self {
        Self {
            windows,
            cap,
            count,
        }
    }
}

/// As slg_check, with how every governing window stands: those of the "*" rules
/// first, then those of the endpoint's, each in the order of the policy. *count
/// becomes their number, and the first `cap` of them are written to `windows`. A
/// rule whose key finds no room leaves its windows out.
///
/// An array that is too small is no error, because the request was decided, and
/// charged if it was admitted: what fits is written, and *count is more than `cap`.
/// SLG_MAX_WINDOWS are always enough; 136 are for an endpoint id and for a path in
/// its usual spelling (16 rules with "*" and one more, 8 windows each). `windows` may
/// be NULL where cap is 0.
///
/// Where no window was consulted, *count is 0; for SLG_OUTCOME_NEVER the one window
/// is described that the cost exceeds. On any status but SLG_OK *count is 0 and the
/// array is as it was.
///
/// As slg_check; NULL_POINTER also for windows and count. It uses the heap.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_check_windows(
    limiter: *const slg_limiter,
    merchant: *const c_void,
    merchant_len: usize,
    endpoint: u32,
    cost: u32,
    out: *mut slg_decision,
    windows: *mut slg_window,
    cap: usize,
    count: *mut usize,
) -> slg_status {
    let call = Call::new(limiter, merchant, merchant_len, cost, out);
    let room = Room::new(windows, cap, count);
    // SAFETY: the pointers are as the header demands.
    boundary::call(|| unsafe { decide(call, Route::Id(endpoint), room, Act::Check) })
}

/// As slg_check_windows, with the endpoint as text; see slg_check_path.
///
/// As slg_check_path; NULL_POINTER also for windows and count.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_check_windows_path(
    limiter: *const slg_limiter,
    merchant: *const c_void,
    merchant_len: usize,
    method_path: *const c_char,
    len: usize,
    cost: u32,
    out: *mut slg_decision,
    windows: *mut slg_window,
    cap: usize,
    count: *mut usize,
) -> slg_status {
    let call = Call::new(limiter, merchant, merchant_len, cost, out);
    let room = Room::new(windows, cap, count);
    // SAFETY: the pointers are as the header demands.
    boundary::call(|| unsafe { decide(call, Route::Text(method_path, len), room, Act::Check) })
}

/// Decides as slg_check_windows would, and charges nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_peek_windows(
    limiter: *const slg_limiter,
    merchant: *const c_void,
    merchant_len: usize,
    endpoint: u32,
    cost: u32,
    out: *mut slg_decision,
    windows: *mut slg_window,
    cap: usize,
    count: *mut usize,
) -> slg_status {
    let call = Call::new(limiter, merchant, merchant_len, cost, out);
    let room = Room::new(windows, cap, count);
    // SAFETY: the pointers are as the header demands.
    boundary::call(|| unsafe { decide(call, Route::Id(endpoint), room, Act::Peek) })
}

/// Decides as slg_check_windows_path would, and charges nothing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_peek_windows_path(
    limiter: *const slg_limiter,
    merchant: *const c_void,
    merchant_len: usize,
    method_path: *const c_char,
    len: usize,
    cost: u32,
    out: *mut slg_decision,
    windows: *mut slg_window,
    cap: usize,
    count: *mut usize,
) -> slg_status {
    let call = Call::new(limiter, merchant, merchant_len, cost, out);
    let room = Room::new(windows, cap, count);
    // SAFETY: the pointers are as the header demands.
    boundary::call(|| unsafe { decide(call, Route::Text(method_path, len), room, Act::Peek) })
}

/// # Safety
/// Every pointer is NULL or as the header demands.
unsafe fn decide(call: Call, route: Route, room: Room, act: Act) -> Result<(), Failure> {
    // Both are cleared before either is judged.
    // SAFETY: the caller upholds it for `out` and `count`.
    let (out, count) = unsafe {
        (
            Out::cleared(call.out, slg_decision::default(), "out"),
            Out::cleared(room.count, 0, "count"),
        )
    };
    let (out, count) = (out?, count?);
    // Now, because once the request is charged it is too late to refuse the array.
    if room.windows.is_null() && room.cap > 0 {
        return Err(Failure::Null("windows"));
    }
    // SAFETY: the caller upholds it for the other pointers.
    let request = unsafe { call.request(route) }?;
    let (merchant, endpoint, cost) = (request.merchant, request.endpoint, request.cost);
    let (decision, windows) = match act {
        Act::Check => request.limiter.check_windows(merchant, endpoint, cost)?,
        Act::Peek => request.limiter.peek_windows(merchant, endpoint, cost)?,
    };
    debug_assert!(windows.len() <= SLG_MAX_WINDOWS as usize);
    for (place, window) in windows.iter().take(room.cap).enumerate() {
        // SAFETY: `place` is less than `cap`; the caller upholds the rest.
        unsafe { room.windows.add(place).write(window.into()) };
    }
    count.set(windows.len());
    out.set(slg_decision::from(&decision));
    Ok(())
}

impl From<&engine::WindowStatus> for slg_window {
    fn from(status: &engine::WindowStatus) -> Self {
        Self {
            rule: status.rule.get(),
            flags: match status.blocks {
                true => SLG_FLAG_BLOCKS,
                false => 0,
            },
            window_ns: status.window.length().as_nanos() as u64,
            limit: status.window.limit,
            remaining: status.remaining,
            retry_after_ns: status.retry_after_ns,
            reset_at_ns: status.reset_at_ns,
            reserved: [0; 3],
        }
    }
}
