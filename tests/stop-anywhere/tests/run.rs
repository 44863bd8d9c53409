//! Runs the program and shows its table.

use std::process::Command;

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "it is about the machine code that ships: cargo test --release"
)]
fn a_thread_stopped_anywhere_harms_nobody() {
    let status = Command::new(env!("CARGO_BIN_EXE_stop-anywhere"))
        .status()
        .expect("the program starts");
    assert!(status.success(), "see the table above");
}
