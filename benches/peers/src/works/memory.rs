//! Resident bytes a key, by its live requests.

use std::hint::black_box;

use super::{GOVERNOR, LIMITADOR, LOG, OURS, Setup, TRYPEMA, Unit, Work, charge_all, resident};
use crate::calls::Call;
use crate::claims::Claim;
use crate::contestants::governor::Governor;
use crate::contestants::limitador::Limitador;
use crate::contestants::log::ExactLog;
use crate::contestants::ours::Ours;
use crate::contestants::trypema::Trypema;
use crate::contestants::{Contestant, HOUR};
use crate::rounds::Entry;

/// The name of these works.
pub const NAME: &str = "memory";

/// Slidegate without merchants' names, which are for display.
pub const NAMELESS: &str = "slidegate, names not kept";

/// The numbers of live requests a key. At the first and the last all contestants are
/// measured, in several rounds; the others are points of a plot.
pub const HITS: [u32; 8] = [1, 2, 5, 10, 20, 40, 70, 100];

/// Rounds vary by less than a hundredth, and a hundred live requests of each key take
/// the longest of all works.
const ENOUGH: usize = 5;

/// One work for each number of live requests.
pub fn works() -> Vec<Work> {
    HITS.map(work).into()
}

fn work(hits: u32) -> Work {
    let compared = hits == HITS[0] || hits == HITS[HITS.len() - 1];
    let claims = match hits {
        1 => [
            "memory, 1 live request",
            "memory, 1 live request, names not kept",
        ],
        _ => [
            "memory, 100 live requests",
            "memory, 100 live requests, names not kept",
        ],
    };
    let claims = [(claims[0], OURS), (claims[1], NAMELESS)];
    let claims = claims.map(|(what, of)| Claim::at_most(what, of, LOG, 1.2));
    Work {
        name: format!("{NAME}-{hits}"),
        title: format!("memory, {hits} live requests a key"),
        unit: Unit::Memory,
        baseline: LOG,
        claims: if compared { claims.into() } else { Vec::new() },
        most_rounds: if compared { ENOUGH } else { 1 },
        entries: Box::new(move |setup| Ok(entries(hits, compared, setup))),
    }
}

fn entries(hits: u32, compared: bool, setup: &Setup) -> Vec<Entry> {
    let mut names = vec![OURS, NAMELESS, GOVERNOR, LOG];
    if compared {
        names.extend([LIMITADOR, TRYPEMA]);
    }
    let keys = setup.scale.memory_keys;
    let sizes = [hits as usize, keys];
    let entry = |name| Entry::new(name, move || resident::in_child(NAME, name, &sizes)[0]);
    names.into_iter().map(entry).collect()
}

/// What the child does: bytes a key of this contestant, `keys` keys with `hits` live
/// requests each; none if there is no such contestant.
pub fn measure(name: &str, hits: u32, keys: usize) -> Option<f64> {
    let before = resident::bytes();
    let contestant: Box<dyn Contestant> = match name {
        OURS => Box::new(Ours::allow(HOUR, keys)),
        NAMELESS => Box::new(Ours::nameless(HOUR, keys)),
        GOVERNOR => Box::new(Governor::growing(&HOUR[0])),
        TRYPEMA => Box::new(Trypema::new(&HOUR[0])),
        LOG => Box::new(ExactLog::new(HOUR, keys)),
        LIMITADOR => {
            // A counter takes what it takes, whether it counts 1 or 100.
            let limitador = Limitador::new(HOUR, keys);
            for index in 0..keys {
                limitador.charge(&Call::of(index).merchant, hits.into());
            }
            return Some(bytes_a_key(limitador, before, keys));
        }
        _ => return None,
    };
    for _ in 0..hits {
        charge_all(&*contestant, keys, 1);
    }
    Some(bytes_a_key(contestant, before, keys))
}

fn bytes_a_key<C>(contestant: C, before: u64, keys: usize) -> f64 {
    let bytes = resident::bytes().saturating_sub(before);
    black_box(&contestant);
    bytes as f64 / keys as f64
}
