//! The header promises that a check allocates nothing. Here that is counted.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr::{null, null_mut};

use crate::abi::*;
use crate::{check, describe, limiter, policy};

thread_local! {
    // Const-initialised and without a destructor, so counting allocates nothing.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to `System` unchanged; counting touches a thread-local
// that needs no allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller upholds the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller upholds the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const POLICY: &str = r#"
    version = 1
    exempt = ["GET /healthz"]
    [[rule]]
    name = "second"
    match = "*"
    windows = ["3/s", "400/min"]
    [[rule]]
    name = "minute"
    match = "*"
    windows = ["400/min"]
    [[rule]]
    name = "hour"
    match = "*"
    windows = ["400/h"]
    [[rule]]
    name = "deep"
    match = "GET /a/:b/:c/:d"
    windows = ["100/min"]
"#;

fn limiter() -> *mut slg_limiter {
    let (mut policy, mut limiter) = (null_mut(), null_mut());
    // SAFETY: the text and the out-parameters outlive the calls.
    unsafe {
        let text = POLICY.as_ptr().cast();
        let made = policy::slg_policy_from_toml(
            text,
            POLICY.len(),
            &mut policy,
            null_mut(),
            0,
            null_mut(),
        );
        assert_eq!(made, SLG_OK);
        let made =
            limiter::slg_limiter_new(policy, null(), &mut limiter, null_mut(), 0, null_mut());
        assert_eq!(made, SLG_OK);
        policy::slg_policy_free(policy);
    }
    limiter
}

/// Checks and peeks by text and by id, admitted and denied, known merchants and
/// new ones, and dresses each decision.
fn round(limiter: *const slg_limiter, id: u32, merchant: &[u8]) -> u32 {
    let mut denied = 0;
    let mut decision = slg_decision::default();
    let (at, len) = (merchant.as_ptr().cast(), merchant.len());
    for text in [
        "GET /a/1/2/3",
        "GET /a/1/2/3?x=%20",
        "GET /healthz",
        "GET /else",
        "",
    ] {
        let mut headers = [0; 256];
        let path = text.as_ptr().cast();
        // SAFETY: the handle is live, and all else outlives the calls.
        unsafe {
            let out = &mut decision;
            assert_eq!(
                check::slg_check_path(limiter, at, len, path, text.len(), 1, out),
                SLG_OK
            );
            denied += u32::from(out.outcome == SLG_OUTCOME_DENIED);
            assert_eq!(
                check::slg_peek_path(limiter, at, len, path, text.len(), 1, out),
                SLG_OK
            );
            assert_eq!(check::slg_check(limiter, at, len, id, 1, out), SLG_OK);
            assert_eq!(
                check::slg_peek(limiter, at, len, SLG_ENDPOINT_NONE, 1, out),
                SLG_OK
            );
            let (buf, cap) = (headers.as_mut_ptr(), headers.len());
            assert_eq!(describe::slg_headers(out, buf, cap, null_mut()), SLG_OK);
        }
    }
    denied
}

#[test]
fn checks_and_headers_allocate_nothing() {
    let limiter = limiter();
    let mut id = 0;
    let route = "GET /a/:b/:c/:d";
    // SAFETY: the handle is live, and all else outlives the call.
    let status = unsafe {
        let text = route.as_ptr().cast();
        limiter::slg_endpoint(
            limiter,
            text,
            route.len(),
            &mut id,
            null_mut(),
            0,
            null_mut(),
        )
    };
    assert_eq!(status, SLG_OK);
    // A thread's first call may allocate; the header says so.
    round(limiter, id, b"warm");
    let before = ALLOCATIONS.get();
    let denied = round(limiter, id, b"warm") + round(limiter, id, b"new");
    assert_eq!(ALLOCATIONS.get() - before, 0);
    assert!(denied > 0);
    // SAFETY: nobody uses the handle any more.
    unsafe { limiter::slg_limiter_free(limiter) };
}

#[test]
fn the_counter_counts() {
    let before = ALLOCATIONS.get();
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(ALLOCATIONS.get() - before, 1);
}
