//! "Random" bytes that are the same in every run.
//!
//! A limiter hashes its keys under a secret, and the secret decides which keys
//! share a bucket. Were it random, an input that fills a bucket today would not
//! do so tomorrow. `getrandom` has a hook for that, enabled in
//! `.cargo/config.toml`.

#[cfg(getrandom_backend = "custom")]
#[unsafe(no_mangle)]
unsafe extern "Rust" fn __getrandom_v03_custom(
    dest: *mut u8,
    len: usize,
) -> Result<(), getrandom::Error> {
    // SAFETY: getrandom's contract: `dest` is valid for writes of `len` bytes.
    unsafe { dest.write_bytes(0x5A, len) };
    Ok(())
}
