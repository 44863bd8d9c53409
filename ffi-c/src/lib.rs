//! The C interface of Slidegate: `libslidegate.so` and `libslidegate.a`.
//!
//! `abi` has the types and numbers that C sees, `boundary` the one way in and
//! out: panics, NULL, text, ownership. The other modules are exports; each is a
//! call into `boundary` around a call into the engine, and its doc comment is
//! the comment in `include/slidegate.h`. After a change here, run
//! `cargo run -p slidegate-headers`.

#[cfg(panic = "abort")]
compile_error!("build with panic = \"unwind\": a library must not end the process that embeds it");

mod abi;
mod batch;
mod boundary;
mod check;
mod clock;
mod describe;
mod key;
mod limiter;
mod policy;
mod receipt;
mod windows;

#[cfg(test)]
mod allocations;
