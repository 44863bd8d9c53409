//! Exports: many checks in one call.

use crate::abi::*;
use crate::boundary::{self, Failure};
use crate::check::merchant;
use crate::limiter::endpoint_by_id;

/// How many requests are handed to the engine at once, by way of the stack: a
/// multiple of the engine's own sixteen.
const CHUNK: usize = 32;

/// Decides `count` requests in their order, as slg_check would one after the other;
/// waiting for memory is shared among them. decisions[i] and statuses[i] are what
/// slg_check answers for requests[i]: one that cannot be judged spoils no other.
///
/// The clock is read, and the policy in force looked up, once for every 32
/// requests; all of these have one stamp, or their key's newest if that is later.
/// The three arrays have `count` elements each and do not overlap. They may be NULL
/// where count is 0.
///
/// The answer is about the call as a whole. If it is not SLG_OK, every decision is
/// zero and every status is the call's, where the arrays are there; nothing was
/// charged. After PANIC, requests whose status is not PANIC were decided.
///
/// NULL_POINTER (limiter, requests, decisions, statuses), INVALID_ARGUMENT (count is
/// more than memory can hold; nothing was written). A status of a request is one that slg_check
/// answers, or INVALID_ARGUMENT (its reserved field is not 0).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn slg_check_many(
    limiter: *const slg_limiter,
    requests: *const slg_request,
    count: usize,
    decisions: *mut slg_decision,
    statuses: *mut slg_status,
) -> slg_status {
    let answers = Answers {
        decisions,
        statuses,
        count,
    };
    let status = boundary::call(|| {
        // SAFETY: the arrays are NULL or `count` elements, by the header.
        unsafe { answers.fill(SLG_STATUS_PANIC) }?;
        // SAFETY: `limiter` is NULL or a live handle, by the header.
        let limiter = unsafe { boundary::borrow(limiter, "limiter") }?;
        // SAFETY: as for the answers.
        let requests = unsafe { boundary::slice(requests, count, "requests") }?;
        // SAFETY: `fill` found both arrays, and they overlap nothing, by the header.
        unsafe { check_chunks(&limiter.0, requests, &answers) };
        Ok(())
    });
    if status != SLG_OK && status != SLG_STATUS_PANIC {
        // SAFETY: as above. What it answers was answered before.
        boundary::value((), || drop(unsafe { answers.fill(status) }));
    }
    status
}

/// The caller's arrays for what is answered.
struct Answers {
    decisions: *mut slg_decision,
    statuses: *mut slg_status,
    count: usize,
}

impl Answers {
    /// Clears all decisions and gives every request one status.
    ///
    /// # Safety
    /// Each array is NULL or valid for writes of `count` elements.
    unsafe fn fill(&self, status: slg_status) -> Result<(), Failure> {
        // Before anything is written: the larger array's bound is the bound of both.
        boundary::check_count::<slg_decision>(self.count, "decisions")?;
        let (none, count) = (slg_decision::default(), self.count);
        // Both are filled before either is judged.
        // SAFETY: the caller upholds it.
        let filled = unsafe {
            (
                boundary::fill(self.decisions, count, none, "decisions"),
                boundary::fill(self.statuses, count, status, "statuses"),
            )
        };
        filled.0.and(filled.1)
    }

    /// # Safety
    /// Both arrays are valid for writes of `count` elements, and `index` is less.
    #[inline]
    unsafe fn set(&self, index: usize, answer: Result<engine::Decision, Failure>) {
        let status = match answer {
            Ok(decision) => {
                // SAFETY: the caller upholds it.
                unsafe { self.decisions.add(index).write((&decision).into()) };
                SLG_OK
            }
            Err(failure) => failure.status(),
        };
        // SAFETY: the caller upholds it.
        unsafe { self.statuses.add(index).write(status) };
    }
}

/// # Safety
/// The merchants are as the header demands; the arrays of `answers` are valid for
/// writes of as many elements as there are requests, and overlap nothing.
unsafe fn check_chunks(limiter: &engine::Limiter, requests: &[slg_request], answers: &Answers) {
    let mut checks = [no_check(); CHUNK];
    for (nth, chunk) in requests.chunks(CHUNK).enumerate() {
        let mut index = nth * CHUNK;
        for (offset, (check, request)) in checks.iter_mut().zip(chunk).enumerate() {
            // SAFETY: the caller upholds it for the merchant.
            *check = unsafe { check_of(request) }.unwrap_or_else(|failure| {
                // SAFETY: a request's own index.
                unsafe { answers.set(index + offset, Err(failure)) };
                no_check()
            });
        }
        let checks = &checks[..chunk.len()];
        let mut asked = checks.iter();
        limiter.check_each(checks, |answer| {
            // What is no check was answered above.
            if asked.next().is_some_and(|check| !check.merchant.is_empty()) {
                // SAFETY: the engine answers each check once, so a request's index.
                unsafe { answers.set(index, answer.map_err(Failure::from)) };
            }
            index += 1;
        });
    }
}

/// Stands in for a request that cannot be judged. The engine refuses it.
fn no_check() -> engine::Check<'static> {
    engine::Check::new(b"", engine::Endpoint::none(), 1)
}

/// # Safety
/// The merchant is NULL or valid for reads of its length for `'a`.
#[inline]
unsafe fn check_of<'a>(request: &slg_request) -> Result<engine::Check<'a>, Failure> {
    if request.reserved != 0 {
        return Err(Failure::Argument("reserved is not 0".to_owned()));
    }
    // SAFETY: the caller upholds it.
    let merchant = unsafe { merchant(request.merchant, request.merchant_len) }?;
    let endpoint = endpoint_by_id(request.endpoint);
    Ok(engine::Check::new(merchant, endpoint, request.cost))
}
