//! Which stops are made, and the table of them.

use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sched::{CpuSet, sched_getcpu, sched_setaffinity};
use nix::unistd::Pid;

use crate::audit::Meanwhile;
use crate::cases::CASES;
use crate::sandbox::Sandbox;
use crate::tracer::{Came, Path, Spot, Victim};

/// Calls recorded for a case. Where they differ, the commonest length is taken.
const RECORDINGS: usize = 7;

/// How often a stop is tried until the victim comes by; it takes another way
/// where its key's place, which is random, makes it. If it never comes by, its
/// usual way has changed and is recorded anew.
const TRIES: usize = 30;

/// Of so many stops one may be missed: allocator and loader have ways of their
/// own, which a first call or a swap goes.
const STOPS_PER_MISS: usize = 50;

/// A case is given up after so many broken promises.
const ENOUGH: usize = 3;

/// Why something could not be done or did not hold.
enum Trouble {
    /// A promise is broken.
    Broken(String),
    /// The audited process or the tracing failed.
    Failed(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Errno> for Trouble {
    fn from(error: Errno) -> Self {
        Self::Failed(error.into())
    }
}

/// What a case came to.
#[derive(Default)]
struct Row {
    shortest: usize,
    longest: usize,
    stops: usize,
    /// Instructions of the C library in a call that allocates.
    left_out: usize,
    /// Stops that the victim never came by.
    missed: usize,
    answers: u64,
    broken: usize,
    took: Duration,
}

/// Runs every case whose name contains `part`.
pub fn all(part: &str) -> ExitCode {
    share_one_core();
    println!(
        "{:<24} {:>13} {:>8} {:>8} {:>7} {:>9} {:>7}  result",
        "case", "instructions", "left out", "stops", "missed", "answers", "seconds"
    );
    let mut whole = true;
    for (number, case) in CASES.iter().enumerate() {
        if !case.name.contains(part) {
            continue;
        }
        let started = Instant::now();
        let row = match run(number) {
            Ok(row) => row,
            Err(Trouble::Failed(error)) if error.kind() == io::ErrorKind::PermissionDenied => {
                return not_permitted();
            }
            Err(Trouble::Failed(error)) => {
                eprintln!("{}: {error}", case.name);
                return ExitCode::FAILURE;
            }
            Err(Trouble::Broken(why)) => {
                eprintln!("{}: without a stop: {why}", case.name);
                return ExitCode::FAILURE;
            }
        };
        whole &= row.broken == 0 && !row.missed_many();
        Row {
            took: started.elapsed(),
            ..row
        }
        .print(case.name);
    }
    match whole {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

impl Row {
    fn missed_many(&self) -> bool {
        self.missed * STOPS_PER_MISS > self.stops
    }

    fn print(&self, name: &str) {
        let Self {
            shortest,
            longest,
            left_out,
            stops,
            missed,
            answers,
            broken,
            took,
        } = self;
        let result = match (broken, self.missed_many()) {
            (0, false) => "held".to_owned(),
            (0, true) => "TOO MANY MISSED".to_owned(),
            _ => format!("BROKEN {broken} times"),
        };
        println!(
            "{name:<24} {:>13} {left_out:>8} {stops:>8} {missed:>7} {answers:>9} {:>7.1}  {result}",
            format!("{shortest}-{longest}"),
            took.as_secs_f32(),
        );
    }
}

/// Tracer and victim take turns, and a turn is several times faster within one
/// core. A hint: where it is refused, everything is slower and nothing else.
fn share_one_core() {
    let mut core = CpuSet::new();
    let set = sched_getcpu().and_then(|number| core.set(number));
    let _ = set.and_then(|()| sched_setaffinity(Pid::from_raw(0), &core));
}

fn not_permitted() -> ExitCode {
    println!("skipped: ptrace is not permitted");
    match std::env::var_os("CI") {
        Some(_) => ExitCode::FAILURE,
        None => ExitCode::SUCCESS,
    }
}

/// Runs all stops of a case.
fn run(case: usize) -> Result<Row, Trouble> {
    let deep = std::env::var_os("SLIDEGATE_STOP_DEEP").is_some_and(|deep| deep == "1");
    let mut bench = Bench::start(case)?;
    let mut row = Row {
        shortest: bench.shortest,
        longest: bench.longest,
        ..Row::default()
    };
    let mut steps = 0;
    // Whenever the path is recorded anew, it may be of another length.
    while steps < bench.path.len() && row.broken < ENOUGH {
        if CASES[case].allocates && !bench.sandbox.is_program(bench.path.address(steps)) {
            row.left_out += 1;
            steps += 1;
            continue;
        }
        for meanwhile in meanwhiles(&bench.path, steps, deep) {
            if steps < bench.path.len() {
                bench.stop(Stop { meanwhile, steps }, &mut row)?;
            }
        }
        steps += 1;
    }
    Ok(row)
}

/// A path that is longer has each stop combined with one thing only.
const LONG: usize = 1_000;

/// What others do meanwhile, by number: every combination within four stops, or
/// seven on a long path, and all of them where a step is seen by others.
fn meanwhiles(path: &Path, steps: usize, deep: bool) -> Vec<usize> {
    let all = Meanwhile::ALL.len();
    match deep || path.is_beside_lock(steps) {
        true => (0..all).collect(),
        false if path.len() > LONG => vec![steps % all],
        false => vec![steps % all, (steps + all.div_ceil(2)) % all],
    }
}

/// One stop.
#[derive(Clone, Copy)]
struct Stop {
    meanwhile: usize,
    /// Instructions executed before it.
    steps: usize,
}

/// An audited process and the way that a case's call takes in it.
struct Bench {
    case: usize,
    sandbox: Sandbox,
    /// Where the victim is caught, once that was found.
    caught_at: Option<Spot>,
    path: Path,
    shortest: usize,
    longest: usize,
}

impl Bench {
    fn start(case: usize) -> Result<Self, Trouble> {
        let mut bench = Self {
            case,
            sandbox: Sandbox::start()?,
            caught_at: None,
            path: Path::default(),
            shortest: usize::MAX,
            longest: 0,
        };
        let mut paths = Vec::new();
        for _ in 0..RECORDINGS {
            paths.push(bench.record()?);
        }
        let lengths: Vec<usize> = paths.iter().map(Path::len).collect();
        bench.shortest = lengths.iter().copied().min().unwrap_or(0);
        bench.longest = lengths.iter().copied().max().unwrap_or(0);
        let like = |path: &Path| lengths.iter().filter(|len| **len == path.len()).count();
        // Among equals the last: by then the process has loaded what it needs.
        bench.path = paths.into_iter().max_by_key(like).unwrap_or_default();
        Ok(bench)
    }

    /// The way that the call takes now.
    fn record(&mut self) -> Result<Path, Trouble> {
        let mut victim = self.begin(0)?;
        let path = victim.record()?;
        self.audit(&mut victim, Came::Ended)?;
        Ok(path)
    }

    /// Starts a victim and takes it to where its call begins.
    fn begin(&mut self, meanwhile: usize) -> Result<Victim, Trouble> {
        let thread = self.sandbox.run(self.case, meanwhile)?;
        let victim = Victim::seize(thread)?;
        self.sandbox.say("go")?;
        victim.begins()?;
        if let Some(catch) = CASES[self.case].catch {
            match self.caught_at {
                Some(spot) => victim.go_to(spot)?,
                None => self.caught_at = Some(victim.find_lock(catch.lock)?),
            }
            self.sandbox.say("caught")?;
            self.verdict()?;
        }
        Ok(victim)
    }

    /// Audits a victim that is stopped, then one that has returned; how many
    /// answers were compared.
    fn audit(&mut self, victim: &mut Victim, came: Came) -> Result<u64, Trouble> {
        self.sandbox.say("stopped")?;
        self.verdict()?;
        victim.release(came)?;
        self.sandbox.say("woken")?;
        self.verdict()
    }

    fn verdict(&mut self) -> Result<u64, Trouble> {
        let line = self.sandbox.hear()?;
        match line.split_once(' ') {
            Some(("ok", answers)) => answers
                .parse()
                .map_err(|_| Trouble::Failed(io::Error::other(line))),
            _ => Err(Trouble::Broken(line)),
        }
    }

    /// Stops there, in as many tries as it takes, and enters the outcome.
    fn stop(&mut self, stop: Stop, row: &mut Row) -> Result<(), Trouble> {
        for _ in 0..TRIES {
            let mut victim = self.begin(stop.meanwhile)?;
            match self.try_stop(stop, &mut victim) {
                Ok((there, answers)) => {
                    row.answers += answers;
                    if there {
                        row.stops += 1;
                        return Ok(());
                    }
                }
                Err(trouble) => {
                    row.broken += 1;
                    self.report(stop, trouble);
                    self.sandbox.kill();
                    drop(victim);
                    *self = Self::start(self.case)?;
                    return Ok(());
                }
            }
        }
        row.missed += 1;
        self.path = self.record()?;
        Ok(())
    }

    /// Whether the victim was stopped at this very instruction, and how many
    /// answers were compared; wherever it was, the audits are made.
    fn try_stop(&mut self, stop: Stop, victim: &mut Victim) -> Result<(bool, u64), Trouble> {
        let came = victim.follow(&self.path, stop.steps)?;
        let there = came == Came::Stopped && victim.address()? == self.path.address(stop.steps);
        Ok((there, self.audit(victim, came)?))
    }

    fn report(&self, stop: Stop, trouble: Trouble) {
        let sandbox = &self.sandbox;
        let why = match trouble {
            Trouble::Broken(why) => why,
            Trouble::Failed(_) if sandbox.was_blocked() => {
                format!("BLOCKED during \"{}\"", sandbox.last_step())
            }
            Trouble::Failed(error) => format!("{error} during \"{}\"", sandbox.last_step()),
        };
        println!(
            "  {}, {:?}: stopped before instruction {} of {}, {}:\n    {why}",
            CASES[self.case].name,
            Meanwhile::nth(stop.meanwhile),
            stop.steps,
            self.path.len(),
            sandbox.place(self.path.address(stop.steps)),
        );
    }
}
