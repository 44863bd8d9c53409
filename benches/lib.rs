//! What the benchmarks share: policies, and key sequences made beforehand so
//! that making them is not measured.

use slidegate::{Limiter, Policy};

/// A policy of one rule for each merchant, with these windows.
///
/// # Panics
/// Where the windows are not windows.
pub fn policy(windows: &str) -> Policy {
    let text = format!(
        "version = 1\n[[rule]]\nname = \"r\"\nmatch = \"POST /v1/payment\"\nwindows = [{windows}]\n"
    );
    Policy::from_toml(&text).expect("a policy")
}

/// A limiter with such a policy.
///
/// # Panics
/// Where the windows are not windows.
pub fn limiter(windows: &str, max_keys: u64) -> Limiter {
    let limiter = Limiter::builder()
        .max_keys(max_keys)
        .build(&policy(windows));
    limiter.expect("a limiter")
}

/// `count` merchant names of 16 bytes.
pub fn merchants(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("merchant{n:08}")).collect()
}

/// A uniform sequence of `len` indices below `range`: xorshift64*, Vigna 2016.
pub fn uniform(len: usize, range: usize) -> Vec<usize> {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    };
    (0..len)
        .map(|_| ((u128::from(next()) * range as u128) >> 64) as usize)
        .collect()
}
