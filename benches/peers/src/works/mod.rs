//! What is measured: the works, in the order of the report. Each makes its contestants
//! itself and drops them, so that no more than one work's limiters are in memory.

mod capi;
mod flood;
mod fresh;
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
    works.extend([fresh::work(), windows::work()]);
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
}

/// So few that they stay in the nearest cache: one hot key's name does.
const HOT_CALLS: usize = 64;

impl Load {
    fn new(choice: Choice, scale: &Scale) -> Self {
        Self::of(choice, scale.calls, choice.keys(scale.keys), 1)
    }

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
        }
    }

    /// A line with this contestant, all of whose keys are inserted before.
    fn entry(&self, name: &str, contestant: impl Contestant + 'static) -> Entry {
        let contestant: Arc<dyn Contestant> = Arc::new(contestant);
        self.shared(name, &contestant)
    }

    /// As [`entry`](Self::entry), for a contestant that others use, too.
    fn shared(&self, name: &str, contestant: &Arc<dyn Contestant>) -> Entry {
        insert(&**contestant, self.keys);
        let (contestant, calls, times) = (contestant.clone(), self.calls.clone(), self.times);
        Entry::new(name, move || {
            crate::contestants::ns_per_call(&*contestant, &calls, times)
        })
    }
}

/// Calls every key once, in parts, so that their names take no memory to speak of. All
/// calls must be admitted: else the keys are not there, or their units are not.
pub fn insert(contestant: &dyn Contestant, keys: usize) {
    const PART: usize = 1 << 12;
    for first in (0..keys).step_by(PART) {
        let part: Vec<Call> = (first..keys.min(first + PART)).map(Call::of).collect();
        assert_eq!(contestant.pass(&part), part.len(), "every key is inserted");
    }
}
