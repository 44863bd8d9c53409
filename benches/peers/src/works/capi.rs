//! The C interface against the Rust call that answers the same: a full decision. A C
//! program holds prepared keys by pointers to them, so the Rust side does, too.

use super::{Load, Setup, Unit, Work};
use crate::calls::Choice;
use crate::claims::Claim;
use crate::contestants::MINUTE;
use crate::contestants::capi::{Api, ThroughC};
use crate::contestants::ours::Ours;
use crate::rounds::Entry;

/// The family of both works.
pub const FAMILY: &str = "capi";

const RUST: &str = "slidegate, check";
const C: &str = "slidegate through C, slg_check";
const RUST_PREPARED: &str = "slidegate, check_prepared";
const C_PREPARED: &str = "slidegate through C, slg_check_key";

/// The work over these keys.
pub fn work(choice: Choice) -> Work {
    let (what, prepared) = match choice {
        Choice::Hot => ("C interface, hot key", "C interface, hot key, prepared"),
        _ => ("C interface, many keys", "C interface, many keys, prepared"),
    };
    Work {
        name: format!("{FAMILY}-{}", choice.name()),
        title: format!(
            "the C interface beside the Rust call, {} keys, settled; prepared keys behind \
             pointers on both sides",
            choice.name()
        ),
        unit: Unit::Latency,
        baseline: RUST,
        claims: vec![
            Claim::at_most(what, C, RUST, 1.10),
            Claim::at_most(prepared, C_PREPARED, RUST_PREPARED, 1.10),
        ],
        most_rounds: usize::MAX,
        entries: Box::new(move |setup| entries(choice, setup)),
    }
}

fn entries(choice: Choice, setup: &Setup) -> Result<Vec<Entry>, String> {
    let path = setup.capi.as_ref();
    let path = path.ok_or("--capi was not given: build libslidegate.so by `make release`")?;
    let api = Api::open(path)?;
    let load = Load::new(choice, &setup.scale);
    let keys = load.keys;
    Ok(vec![
        load.entry(RUST, Ours::check(MINUTE, keys)),
        load.entry(C, ThroughC::check(&api, MINUTE, keys)),
        load.entry(RUST_PREPARED, Ours::check_prepared(MINUTE, keys)),
        load.entry(C_PREPARED, ThroughC::prepared(&api, MINUTE, keys)),
    ])
}
