//! The bucketed ring against a naive count of units, one thread at a time
//! (`law`, `sequence`) and under real threads (`threads`). `core/src/model` has
//! every interleaving of small cases.

mod law;
mod naive;
mod sequence;
mod threads;

use super::mark::Mark;
use super::*;
use crate::log::{Ask, Charged, Horizons, Places, Query};
use crate::sync::{Density, Words};
use crate::time::{Reading, TICK_NS};
use crate::window::Window;

const KEY: u64 = 7;
/// The words before are the key's and the retention.
const PLACES: Places = Places {
    head: 2,
    line: 3,
    block: 0,
};

/// One slot with a key word and a retention of its own.
struct Slot {
    words: Words,
    planes: Planes,
}

impl Slot {
    /// A slot that already counted `units` for its tenant's predecessors.
    fn new(units: u32) -> Self {
        let layout = Planes::layout(PLACES.line + LINE_WORDS, 1, 3);
        let (planes, count) = layout.expect("a small slot");
        let words = Words::zeroed(count, Density::default()).expect("memory");
        words[0].raise(KEY);
        let slot = Self { words, planes };
        let born = Mark::new(0, units);
        slot.log().head_word().raise(born.0);
        slot.log().birth_word().raise(born.0);
        slot
    }

    fn log(&self) -> Buckets<'_> {
        Buckets::new(&self.words, PLACES, &self.planes)
    }

    fn tenant(&self) -> Tenant<'_> {
        Tenant {
            key: &self.words[0],
            word: KEY,
        }
    }

    /// Raised to the longest window of any rule.
    fn retention(&self) -> &Word {
        &self.words[1]
    }

    fn ask(&self, query: &Query<'_>, shifts: &Shifts, tick: u64) -> Answer {
        let env = Env {
            now: Now::Fixed(Reading((tick - 1) * TICK_NS)),
            shifts,
        };
        match self.log().ask(self.tenant(), query, env) {
            Attempt::Answered(answer) => answer,
            other => panic!("a lone slot answers, not {other:?}"),
        }
    }
}

fn query(windows: &[Window], cost: u32, ask: Ask) -> Query<'_> {
    Query {
        name: b"",
        windows,
        widths: &[],
        horizons: &Horizons::FOREVER,
        cost,
        ask,
        detail: true,
        standings: None,
    }
}
