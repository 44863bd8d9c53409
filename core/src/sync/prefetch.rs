//! Bringing memory near before it is needed.
//!
//! It is `unsafe` code for what it gains: with a plain load in its place, whose value is
//! thrown away, a key in a batch of 16 out of 800,000 took 0.82 of a call of governor,
//! with the instruction 0.56 (medians of five rounds with each build, which spread
//! widely: `slidegate-peers --only uniform --rounds 5`, the program that `make bench`
//! runs). A load that waits for memory holds up those behind it as soon as the processor
//! can keep no more of them in flight; a prefetch is done with before its line is there.

#![allow(unsafe_code)]

/// Asks the processor to fetch the cache line of `place`, which nobody waits for. On
/// other processors than x86-64 nothing happens.
#[inline(always)]
pub(crate) fn prefetch<T>(place: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the instruction, which every x86-64 processor has, is a hint. It changes
    // nothing that a program can see, and does not fault, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(place.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}
