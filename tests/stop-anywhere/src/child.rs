//! The process that is audited: it prepares a world, starts the victim, and
//! audits when it is told that the victim stands still or has returned.
//!
//! Lines in: `run CASE MEANWHILE`, `go`, `stopped`, `woken`. Lines out: `thread
//! TID`, `ok ANSWERS`, `broken WHY`.

use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use nix::sys::signal::{Signal, raise};
use nix::unistd::{Pid, gettid};
use slidegate::{Error, Limiter, Policy};

use crate::audit::{self, Meanwhile};
use crate::cases::{CASES, Case};
use crate::history::{Op, Returned, raised};
use crate::world::{BYSTANDER, Broken, World, answer, policy};

/// The victim raises it right before its call; whoever traces it swallows it.
pub const BEGINS: Signal = Signal::SIGUSR1;
/// The victim raises it right after its call.
pub const ENDED: Signal = Signal::SIGUSR2;

/// Serves runs until its input ends.
pub fn serve() -> io::Result<()> {
    let mut line = String::new();
    while read(&mut line)? {
        let mut words = line.split_whitespace().skip(1).map(str::parse::<usize>);
        let (Some(Ok(case)), Some(Ok(meanwhile))) = (words.next(), words.next()) else {
            return Err(io::Error::other(format!("cannot run {line:?}")));
        };
        match run(&CASES[case], Meanwhile::nth(meanwhile), &mut line) {
            Ok(()) => {}
            Err(Stop::Broken(why)) => say(&format!("broken {why}"))?,
            Err(Stop::Io(error)) => return Err(error),
        }
    }
    Ok(())
}

/// Why a run ends early.
enum Stop {
    Broken(Broken),
    Io(io::Error),
}

impl From<Broken> for Stop {
    fn from(why: Broken) -> Self {
        Self::Broken(why)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn read(line: &mut String) -> io::Result<bool> {
    line.clear();
    Ok(io::stdin().lock().read_line(line)? > 0)
}

fn expect(line: &mut String, word: &str) -> io::Result<()> {
    match read(line)? && line.trim_end() == word {
        true => Ok(()),
        false => Err(io::Error::other(format!("{line:?} instead of {word}"))),
    }
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

fn run(case: &'static Case, meanwhile: Meanwhile, line: &mut String) -> Result<(), Stop> {
    let mut world = World::new(case)?;
    let (tell, told) = sync_channel(1);
    let (let_go, go) = sync_channel(1);
    let call = Call {
        limiter: world.limiter.clone(),
        op: case.op,
        next: policy(&raised(case.rules, 3)),
    };
    let first_call = case.first_call;
    let victim = thread::spawn(move || victim(&call, first_call, &tell, &go));
    let thread: Pid = told.recv().map_err(io::Error::other)?;
    say(&format!("thread {thread}"))?;
    expect(line, "go")?;
    let_go.send(()).map_err(io::Error::other)?;

    expect(line, "stopped")?;
    world.stopped();
    let while_stopped = meanwhile.pass(&mut world);
    say(&verdict(&while_stopped, &world))?;

    expect(line, "woken")?;
    let returned = victim
        .join()
        .map_err(|_| "the victim panicked".to_owned())?
        .map_err(|e| format!("the victim's call failed: {e}"))?;
    let after = match while_stopped {
        Ok(()) => world
            .woken(returned)
            .and_then(|()| audit::after(&mut world)),
        broken => broken,
    };
    Ok(say(&verdict(&after, &world))?)
}

fn verdict(audit: &Result<(), Broken>, world: &World) -> String {
    match audit {
        Ok(()) => format!("ok {}", world.answers()),
        Err(why) => format!("broken {why}"),
    }
}

/// What the victim calls, and on what.
struct Call {
    limiter: Arc<Limiter>,
    op: Op,
    /// What a swap puts into force.
    next: Policy,
}

fn victim(
    call: &Call,
    first_call: bool,
    tell: &SyncSender<Pid>,
    go: &Receiver<()>,
) -> Result<Returned, Error> {
    if !first_call {
        // Whatever a thread's first call sets up is not what is stopped.
        let _ = call.limiter.peek([BYSTANDER], "", 1)?;
    }
    let told = tell.send(gettid());
    if told.is_err() || go.recv().is_err() {
        unreachable!("the auditor waits for its victim");
    }
    raise(BEGINS).expect("a thread may signal itself");
    let returned = call.perform();
    raise(ENDED).expect("a thread may signal itself");
    returned
}

impl Call {
    #[inline(never)]
    fn perform(&self) -> Result<Returned, Error> {
        let limiter = &self.limiter;
        match self.op {
            Op::Check(r) => {
                let decision = limiter.check([r.merchant], r.endpoint, r.cost)?;
                Ok(Returned::Decision(answer(&decision)))
            }
            Op::Peek(r) => {
                let decision = limiter.peek([r.merchant], r.endpoint, r.cost)?;
                Ok(Returned::Decision(answer(&decision)))
            }
            Op::Allow(r) => {
                let allowed = limiter.allow([r.merchant], r.endpoint, r.cost)?;
                Ok(Returned::Allowed(allowed))
            }
            Op::Swap => limiter.swap(&self.next).map(Returned::Swapped),
        }
    }
}
