//! The header promises that a check allocates nothing. Here that is counted.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr::{null, null_mut};

use crate::abi::*;
use crate::{batch, check, describe, key, limiter, policy, receipt};

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

/// As many rules as a request of a batch may have.
const TWO_RULES: &str = r#"
    version = 1
    [[rule]]
    name = "total"
    match = "*"
    windows = ["100/s", "400/min"]
    [[rule]]
    name = "deep"
    match = "GET /a/:b/:c/:d"
    windows = ["300/min"]
"#;

fn limiter(policy_text: &str) -> *mut slg_limiter {
    let (mut policy, mut limiter) = (null_mut(), null_mut());
    // SAFETY: the text and the out-parameters outlive the calls.
    unsafe {
        let text = policy_text.as_ptr().cast();
        let made = policy::slg_policy_from_toml(
            text,
            policy_text.len(),
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

fn endpoint(limiter: *const slg_limiter) -> u32 {
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
    id
}

#[test]
fn checks_and_headers_allocate_nothing() {
    let limiter = limiter(POLICY);
    let id = endpoint(limiter);
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
fn checks_of_a_prepared_key_allocate_nothing() {
    let (limiter, mut key) = (limiter(POLICY), null_mut());
    let mut decision = slg_decision::default();
    // SAFETY: the handles are live until they are freed, and all else outlives the
    // calls.
    unsafe {
        let merchant = c"m".as_ptr().cast();
        let prepared = key::slg_prepare(limiter, merchant, 1, endpoint(limiter), &mut key);
        assert_eq!(prepared, SLG_OK);
        key::slg_check_key(limiter, key, 1, &mut decision);
        let before = ALLOCATIONS.get();
        for _ in 0..5 {
            assert_eq!(key::slg_check_key(limiter, key, 1, &mut decision), SLG_OK);
            assert_eq!(key::slg_peek_key(limiter, key, 1, &mut decision), SLG_OK);
        }
        assert_eq!(ALLOCATIONS.get() - before, 0);
        assert_eq!(decision.outcome, SLG_OUTCOME_DENIED);
        key::slg_key_free(key);
        limiter::slg_limiter_free(limiter);
    }
}

#[test]
fn a_batch_of_any_length_allocates_nothing() {
    let limiter = limiter(TWO_RULES);
    let names: Vec<String> = (0..100)
        .map(|merchant| format!("m{}", merchant % 70))
        .collect();
    let request = |name: &String| slg_request {
        merchant: name.as_ptr().cast(),
        merchant_len: name.len(),
        endpoint: endpoint(limiter),
        cost: 1,
        reserved: 0,
    };
    let requests: Vec<slg_request> = names.iter().map(request).collect();
    let mut decisions = [slg_decision::default(); 100];
    let mut statuses = [SLG_STATUS_PANIC; 100];
    let mut check_many = || {
        let (decisions, statuses) = (decisions.as_mut_ptr(), statuses.as_mut_ptr());
        // SAFETY: the handle is live, and the arrays have as many elements.
        let status =
            unsafe { batch::slg_check_many(limiter, requests.as_ptr(), 100, decisions, statuses) };
        assert_eq!(status, SLG_OK);
    };
    check_many();
    let before = ALLOCATIONS.get();
    check_many();
    assert_eq!(ALLOCATIONS.get() - before, 0);
    assert_eq!(statuses, [SLG_OK; 100]);
    assert_eq!((decisions[0].remaining, decisions[99].remaining), (97, 96));
    // SAFETY: nobody uses the handle any more.
    unsafe { limiter::slg_limiter_free(limiter) };
}

#[test]
fn a_receipt_is_one_allocation_and_its_refund_none() {
    let limiter = limiter(TWO_RULES);
    let id = endpoint(limiter);
    let mut decision = slg_decision::default();
    let mut lent = 0;
    let merchant = c"m".as_ptr().cast();
    let (mut warm, mut first, mut none) = (null_mut(), null_mut(), null_mut());
    let mut check = |cost, receipt: &mut *mut slg_receipt| {
        let out = &mut decision;
        let before = ALLOCATIONS.get();
        // SAFETY: the handle is live, and all else outlives the call.
        let status =
            unsafe { receipt::slg_check_receipt(limiter, merchant, 1, id, cost, out, receipt) };
        assert_eq!(status, SLG_OK);
        (out.allowed, ALLOCATIONS.get() - before)
    };
    check(1, &mut warm);
    assert_eq!(check(99, &mut first), (1, 1));
    assert_eq!(check(1, &mut none), (0, 0));
    assert!(none.is_null());
    let before = ALLOCATIONS.get();
    // SAFETY: the handles are live until they are freed.
    unsafe {
        assert_eq!(receipt::slg_refund(limiter, first, &mut lent), SLG_OK);
        assert_eq!((ALLOCATIONS.get() - before, lent), (0, 1));
        receipt::slg_receipt_free(warm);
        limiter::slg_limiter_free(limiter);
    }
}

#[test]
fn the_counter_counts() {
    let before = ALLOCATIONS.get();
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(ALLOCATIONS.get() - before, 1);
}
