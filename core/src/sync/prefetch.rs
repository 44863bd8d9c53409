//! Bringing memory near before it is needed.
//!
//! It is `unsafe` code for what it gains: with plain loads in its place, whose values
//! are thrown away, a batch of sixteen keys out of 800,000 took 450 ns a key, and with
//! the instruction 240. A load that waits for memory holds up those behind it as soon as
//! the processor can keep no more of them in flight, and this holds up nothing.

#![allow(unsafe_code)]

/// Asks the processor to fetch the cache line of `place`, which nobody waits for. Where
/// there is no such instruction, nothing happens.
#[inline(always)]
pub(crate) fn prefetch<T>(place: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the instruction is a hint. It changes nothing that a program can see, and
    // does not fault, whatever the address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(place.cast());
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above.
    unsafe {
        std::arch::asm!(
            "prfm pldl1keep, [{place}]",
            place = in(reg) place,
            options(nostack, readonly, preserves_flags),
        );
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let _ = place;
}
