//! What is measured: the works, in the order of the report. Each makes its contestants
//! itself and drops them, so that no more than one work's limiters are in memory.

mod capi;
mod flood;
mod fresh;
mod growing;
pub mod memory;
pub mod present;
pub mod resident;
mod routes;
mod single;
mod swaps;
pub mod threads;
mod windows;

use std::path::PathBuf;
use std::sync::Arc;

use crate::calls::{Call, Choice};
use crate::claims::Claim;
use crate::contestants::Contestant;
use crate::rounds::Entry;
use crate::scale::Scale;

pub use capi::FAMILY as CAPI;
pub use single::SWEEP;

/// Slidegate's own line in every work: `allow`, the endpoint resolved before.
pub const OURS: &str = "slidegate";
/// The line that others are compared with.
pub const GOVERNOR: &str = "governor";
/// limitador.
pub const LIMITADOR: &str = "limitador";
/// trypema.
pub const TRYPEMA: &str = "trypema";
/// The sharded exact log.
pub const LOG: &str = "exact log";

/// Live units of a settled key. A log of Slidegate's moves to a larger plane with its
/// key's 5th and 17th unit, so what a call takes would depend on how many rounds went
/// before: keys of works whose title says nothing else have these units, for every
/// contestant alike, before anything is timed. With 400 a window there is one more step,
/// at the 129th unit, which only a few thousand of the most popular keys come to.
pub const SETTLED: u32 = 17;

/// What a run was told.
pub struct Setup {
    /// Sizes.
    pub scale: Scale,
    /// Where libslidegate.so is, if anywhere.
    pub capi: Option<PathBuf>,
}

/// What a work's figures are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds a call.
    Latency,
    /// Millions of calls a second, all threads together.
    Throughput,
    /// Resident bytes a key.
    Memory,
    /// The same, where what all keys take together is of interest, too.
    Resident {
        /// How many they are.
        keys: usize,
    },
}

impl Unit {
    /// As tables have it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Latency => "ns a call",
            Self::Throughput => "million calls a second",
            Self::Memory | Self::Resident { .. } => "bytes a key",
        }
    }

    /// How many keys together are of interest, if any.
    pub fn keys(self) -> Option<usize> {
        match self {
            Self::Resident { keys } => Some(keys),
            _ => None,
        }
    }
}

/// Makes a work's contestants and fills them; or says why they cannot be made.
type Entries = Box<dyn Fn(&Setup) -> Result<Vec<Entry>, String>>;

/// One comparison.
pub struct Work {
    /// Its name on the command line.
    pub name: String,
    /// What it does, in a sentence.
    pub title: String,
    /// What its figures are.
    pub unit: Unit,
    /// The entry that the others are divided by.
    pub baseline: &'static str,
    /// What the project promises of it.
    pub claims: Vec<Claim>,
    /// No more rounds than these, because its figures hardly vary.
    pub most_rounds: usize,
    /// Its contestants.
    pub entries: Entries,
}

/// All works.
pub fn all(scale: &Scale) -> Vec<Work> {
    let mut works = vec![single::hot(), single::uniform(), single::zipf()];
    works.extend([fresh::work(), growing::work(), windows::work()]);
    works.extend([Choice::Hot, Choice::Uniform, Choice::Zipf].map(threads::work));
    works.push(threads::distinct());
    works.extend(memory::works());
    works.extend(present::works(scale));
    works.push(flood::work(scale));
    works.extend([routes::work(), swaps::work()]);
    works.extend([Choice::Hot, Choice::Zipf].map(capi::work));
    works.extend(single::sweep(scale));
    works
}

/// The timed calls of a work.
struct Load {
    calls: Arc<[Call]>,
    times: usize,
    keys: usize,
    /// Units that each key has before.
    units: u32,
}

/// So few that they stay in the nearest cache: one hot key's name does.
const HOT_CALLS: usize = 64;

impl Load {
    fn new(choice: Choice, scale: &Scale) -> Self {
        Self::of(choice, scale.calls, choice.keys(scale.keys), 1)
    }

    /// Over settled keys.
    fn of(choice: Choice, calls: usize, keys: usize, seed: u64) -> Self {
        let times = if choice == Choice::Hot {
            calls / HOT_CALLS
        } else {
            1
        };
        Self {
            calls: choice.calls(calls / times, keys, seed).into(),
            times,
            keys,
            units: SETTLED,
        }
    }

    /// A line with this contestant, all of whose keys have their units before.
    fn entry(&self, name: &str, contestant: impl Contestant + 'static) -> Entry {
        charge_all(&contestant, self.keys, self.units);
        let (thinning, calls, times) = (contestant.thinning(), self.calls.clone(), self.times);
        let run = move || crate::contestants::ns_per_call(&contestant, &calls, times);
        Entry {
            thinning,
            ..Entry::new(name, run)
        }
    }
}

/// Charges every key so many units, in parts: so the names take no memory to speak of,
/// and what the units of a key share stays in the caches until they are all there. All
/// calls must be admitted: else the keys are not there, or their units are not.
pub fn charge_all(contestant: &dyn Contestant, keys: usize, units: u32) {
    // A multiple of what the engine resolves together.
    const PART: usize = 64;
    for first in (0..keys).step_by(PART) {
        let part: Vec<Call> = (first..keys.min(first + PART)).map(Call::of).collect();
        let admitted = contestant.charge_each(&part, units);
        assert!(admitted, "every key is inserted");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::MINUTE;
    use crate::contestants::governor::Governor;
    use crate::contestants::limitador::Limitador;
    use crate::contestants::log::ExactLog;
    use crate::contestants::ours::Ours;
    use crate::contestants::trypema::Trypema;

    /// A hundred a minute, less what is there.
    #[test]
    fn every_settled_key_has_its_units_with_every_contestant() {
        let all: [Box<dyn Contestant>; 7] = [
            Box::new(Ours::allow(MINUTE, 128)),
            Box::new(Ours::allow_each(MINUTE, 128)),
            Box::new(Ours::check_many(MINUTE, 128)),
            Box::new(Governor::growing(&MINUTE[0])),
            Box::new(Limitador::new(MINUTE, 128)),
            Box::new(Trypema::new(&MINUTE[0])),
            Box::new(ExactLog::new(MINUTE, 128)),
        ];
        for contestant in all {
            charge_all(&*contestant, 128, SETTLED);
            for key in [0, 63, 64, 127] {
                let calls = vec![Call::of(key); 160];
                assert_eq!(contestant.pass(&calls), 100 - SETTLED as usize);
            }
        }
    }
}
