//! One, two and four threads on one limiter, each with calls of its own. Each line has a
//! limiter for itself, whose keys are settled, so that none finds logs as others left
//! them.

use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Instant;

use super::{
    GOVERNOR, LIMITADOR, LOG, Load, OURS, SETTLED, Setup, TRYPEMA, Unit, Work, charge_all,
};
use crate::calls::{Call, Choice};
use crate::claims::{Claim, Formula, Target};
use crate::contestants::governor::Governor;
use crate::contestants::limitador::Limitador;
use crate::contestants::log::ExactLog;
use crate::contestants::ours::Ours;
use crate::contestants::trypema::Trypema;
use crate::contestants::{Contestant, MINUTE, thinned};
use crate::rounds::Entry;

/// How many threads the plotted contestants run with.
pub const THREADS: [usize; 3] = [1, 2, 4];

/// The name of a contestant's line with so many threads; two are the plain name.
pub fn line(name: &str, threads: usize) -> String {
    match threads {
        1 => format!("{name}, 1 thread"),
        2 => name.into(),
        _ => format!("{name}, {threads} threads"),
    }
}

/// Threads that are measured together at most: as many loads are made.
const MOST: usize = THREADS[THREADS.len() - 1];

/// The work over keys that all threads share.
pub fn work(choice: Choice) -> Work {
    let (what, least) = match choice {
        Choice::Hot => ("2 threads, denials of one hot key", 0.95),
        Choice::Uniform => ("2 threads, uniform keys", 0.90),
        Choice::Zipf => ("2 threads, Zipf keys", 0.90),
    };
    let (name, title) = (
        choice.name(),
        format!("two threads, {} keys, settled", choice.name()),
    );
    compared(name, title, scaling(what, least), move |setup| {
        let keys = choice.keys(setup.scale.keys);
        let load = |seed| Load::of(choice, setup.scale.calls, keys, seed);
        entries((1..=MOST as u64).map(load).collect())
    })
}

/// The work over keys no two threads share: each calls a part of its own, as large and
/// as often however many others run.
pub fn distinct() -> Work {
    let title = "two threads, uniform keys, settled, each thread's its own".into();
    let claim = scaling("2 threads, distinct keys", 0.90);
    compared("distinct", title, claim, |setup| {
        let keys = setup.scale.keys.next_multiple_of(MOST);
        let load = |thread| Load {
            calls: own_calls(thread, setup.scale.calls, keys).into(),
            times: 1,
            keys,
            units: SETTLED,
        };
        entries((0..MOST).map(load).collect())
    })
}

/// Uniform calls over every `MOST`th of these keys, beginning with the thread's number.
fn own_calls(thread: usize, calls: usize, keys: usize) -> Vec<Call> {
    let mut calls = Choice::Uniform.calls(calls, keys / MOST, thread as u64 + 1);
    for call in &mut calls {
        call.renumber(call.index as usize * MOST + thread);
    }
    calls
}

fn scaling(what: &'static str, least: f64) -> Claim {
    let formula = Formula::Scaling {
        one: "slidegate, 1 thread",
        two: OURS,
        machine_one: "arithmetic, 1 thread",
        machine_two: "arithmetic",
    };
    let target = Target::AtLeast(least);
    Claim {
        what,
        formula,
        target,
    }
}

fn compared(
    name: &str,
    title: String,
    claim: Claim,
    entries: impl Fn(&Setup) -> Vec<Entry> + 'static,
) -> Work {
    Work {
        name: format!("threads-{name}"),
        title,
        unit: Unit::Throughput,
        baseline: GOVERNOR,
        claims: vec![claim],
        most_rounds: usize::MAX,
        entries: Box::new(move |setup| Ok(entries(setup))),
    }
}

/// The same load for each thread, with calls of its own.
type Loads = Arc<[Load]>;

fn entries(loads: Loads) -> Vec<Entry> {
    let (keys, limit) = (loads[0].keys, &MINUTE[0]);
    let mut entries = vec![arithmetic(1), arithmetic(2)];
    let ours = |threads| entry(OURS, threads, &loads, Ours::allow(MINUTE, keys));
    entries.extend(THREADS.map(ours));
    let governor = |threads| entry(GOVERNOR, threads, &loads, Governor::growing(limit));
    entries.extend(THREADS.map(governor));
    let log = |threads| entry(LOG, threads, &loads, ExactLog::new(MINUTE, keys));
    entries.extend(THREADS.map(log));
    entries.push(entry(LIMITADOR, 2, &loads, Limitador::new(MINUTE, keys)));
    entries.push(entry(TRYPEMA, 2, &loads, Trypema::new(limit)));
    entries
}

fn entry(
    name: &str,
    threads: usize,
    loads: &Loads,
    contestant: impl Contestant + 'static,
) -> Entry {
    charge_all(&contestant, loads[0].keys, loads[0].units);
    let (loads, thinning) = (loads.clone(), contestant.thinning());
    let run = move || {
        let pass = |load: &Load| {
            let (calls, times) = thinned(&contestant, &load.calls, load.times);
            for _ in 0..times {
                black_box(contestant.pass(black_box::<&[Call]>(calls)));
            }
            calls.len() * times
        };
        throughput(&loads[..threads], pass)
    };
    Entry {
        thinning,
        ..Entry::new(line(name, threads), run)
    }
}

/// Millions a second: each thread runs `pass` on its load, all begin together, and the
/// time ends with the last.
fn throughput<L: Sync>(loads: &[L], pass: impl Fn(&L) -> usize + Sync) -> f64 {
    let barrier = Barrier::new(loads.len());
    let run = |load| {
        barrier.wait();
        let begun = Instant::now();
        let calls = pass(load);
        (begun, calls, Instant::now())
    };
    let runs: Vec<(Instant, usize, Instant)> = thread::scope(|scope| {
        let threads: Vec<_> = loads.iter().map(|load| scope.spawn(|| run(load))).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined.map(|run| run.expect("a thread")).collect()
    });
    let calls: usize = runs.iter().map(|run| run.1).sum();
    let begun = runs.iter().map(|run| run.0).min().expect("a thread");
    let ended = runs.iter().map(|run| run.2).max().expect("a thread");
    calls as f64 / (ended - begun).as_nanos() as f64 * 1_000.0
}

/// Arithmetic that touches no memory: what twice the threads are worth on this machine
/// at this moment.
fn arithmetic(threads: usize) -> Entry {
    const STEPS: usize = 1 << 25;
    let seeds = [1u64, 3];
    Entry::new(line("arithmetic", threads), move || {
        throughput(&seeds[..threads], |seed| {
            let mut state = black_box(*seed);
            for _ in 0..STEPS {
                // xorshift64*, Vigna 2016; each step needs the one before.
                state ^= state >> 12;
                state ^= state << 25;
                state = (state ^ (state >> 27)).wrapping_mul(0x2545_F491_4F6C_DD1D);
            }
            black_box(state);
            STEPS
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_threads_call_the_same_of_their_own_keys() {
        let keys = |thread| {
            let calls = own_calls(thread, 10_000, 400);
            calls.into_iter().map(|call| call.index).collect()
        };
        let of_threads: Vec<BTreeSet<u32>> = (0..MOST).map(keys).collect();
        assert!(of_threads.iter().all(|keys| keys.len() == 100));
        let all: BTreeSet<u32> = of_threads.into_iter().flatten().collect();
        assert_eq!(all, (0..400).collect());
    }
}
