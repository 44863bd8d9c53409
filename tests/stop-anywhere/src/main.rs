//! Stops a thread after every single machine instruction of an operation of the
//! limiter, and audits what all others then see: nobody is blocked, nothing is
//! corrupt, and the stopped call counts as nothing, as everything, or, where it has
//! several parts (the rules of a request, a refund or a reset, the requests of a
//! batch), as its first parts alone. Then others move on, the sleeper is woken, its
//! late steps must do no harm, and what it returns must be true.
//!
//! The code is what ships: nothing in it knows of this program, which traces a
//! process of its own (`child`) from outside (`tracer`).
//!
//! `stop-anywhere [PART OF A CASE'S NAME]` prints a table. Each stop is combined
//! with one or two of the things that others may do meanwhile, in turn, and with
//! all of them right before and after each locked instruction; with
//! `SLIDEGATE_STOP_DEEP=1` always with all. Build it with optimisation: it is
//! about the machine code.

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod audit;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod cases;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod child;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod history;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod ledger;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod op;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod prepare;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod run;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod sandbox;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod tracer;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod world;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn main() -> std::process::ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("serve") => match child::serve() {
            Ok(()) => std::process::ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("stop-anywhere, audited process: {error}");
                std::process::ExitCode::FAILURE
            }
        },
        part => run::all(part.unwrap_or("")),
    }
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn main() {
    println!("skipped: stop-anywhere traces x86-64 code on Linux");
}
