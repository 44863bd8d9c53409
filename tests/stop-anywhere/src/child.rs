//! The process that is audited: it prepares a world, starts the victim, and
//! audits when it is told that the victim stands still or has returned.
//!
//! Lines in: `run CASE MEANWHILE`, `go`, `caught` where the case has it, `stopped`,
//! `woken`. Lines out: `thread
//! TID`, `ok ANSWERS`, `broken WHY`.

use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use nix::sys::signal::{Signal, raise};
use nix::unistd::{Pid, gettid};
use slidegate::{Check, Error, Limiter, Policy, Prepared, Receipt};

use crate::audit::{self, Meanwhile};
use crate::cases::{CASES, Case};
use crate::history::raised;
use crate::ledger::{Merchant, PREPARED, VICTIMS};
use crate::op::{BATCH, Op, Returned};
use crate::world::{BYSTANDER, Broken, VICTIM, World, answer, policy, rule_name};

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
    let call = Call::new(&mut world);
    let victim = thread::spawn(move || victim(call, &tell, &go));
    let thread: Pid = told.recv().map_err(io::Error::other)?;
    say(&format!("thread {thread}"))?;
    expect(line, "go")?;
    let_go.send(()).map_err(io::Error::other)?;

    if let Some(catch) = case.catch {
        expect(line, "caught")?;
        world.stopped();
        let caught = (catch.then)(&mut world);
        say(&verdict(&caught, &world))?;
    }
    expect(line, "stopped")?;
    world.stopped();
    let while_stopped = meanwhile.pass(&mut world);
    say(&verdict(&while_stopped, &world))?;

    expect(line, "woken")?;
    let (returned, receipt) = victim
        .join()
        .map_err(|_| "the victim panicked".to_owned())?
        .map_err(|e| format!("the victim's call failed: {e}"))?;
    let after = while_stopped.and_then(|()| {
        world.woken(returned)?;
        if let Some(receipt) = receipt {
            world.keep_receipt(VICTIMS, receipt);
        }
        audit::after(&mut world)
    });
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
    case: &'static Case,
    /// What a swap puts into force.
    next: Policy,
    /// What a refund gives back.
    receipt: Option<Receipt>,
    prepared: Option<Prepared>,
    /// The names of a batch's merchants.
    merchants: [[Merchant; 1]; BATCH],
    /// The name of the rule that is reset, if it is one.
    rule: Option<String>,
}

/// What a call returns, and the receipt that came with it.
type Outcome = Result<(Returned, Option<Receipt>), Error>;

fn victim(mut call: Call, tell: &SyncSender<Pid>, go: &Receiver<()>) -> Outcome {
    let case = call.case;
    if !case.first_call {
        // Whatever a thread's first call sets up is not what is stopped.
        let _ = call.limiter.peek([BYSTANDER], "", 1)?;
    }
    let told = tell.send(gettid());
    if told.is_err() || go.recv().is_err() {
        unreachable!("the auditor waits for its victim");
    }
    raise(BEGINS).expect("a thread may signal itself");
    let outcome = call.perform();
    raise(ENDED).expect("a thread may signal itself");
    outcome
}

impl Call {
    fn new(world: &mut World) -> Self {
        let case = world.case;
        let merchants = match case.op {
            Op::CheckMany(requests) => requests.map(|request| [request.merchant]),
            _ => Default::default(),
        };
        let rule = match case.op {
            Op::Reset(rule) => rule.map(rule_name),
            _ => None,
        };
        Self {
            limiter: world.limiter.clone(),
            case,
            next: policy(&raised(case.rules, 3)),
            receipt: world.take_receipt(PREPARED),
            prepared: world.prepared.take(),
            merchants,
            rule,
        }
    }

    #[inline(never)]
    fn perform(&mut self) -> Outcome {
        let limiter = &self.limiter;
        let returned = match self.case.op {
            Op::Check(r) => {
                let decision = limiter.check([r.merchant], r.endpoint, r.cost)?;
                Returned::Decision(answer(&decision))
            }
            Op::Peek(r) => {
                let decision = limiter.peek([r.merchant], r.endpoint, r.cost)?;
                Returned::Decision(answer(&decision))
            }
            Op::Allow(r) => Returned::Allowed(limiter.allow([r.merchant], r.endpoint, r.cost)?),
            Op::CheckWithReceipt(r) => {
                let (decision, receipt) =
                    limiter.check_with_receipt([r.merchant], r.endpoint, r.cost)?;
                let returned = Returned::WithReceipt(answer(&decision), receipt.is_some());
                return Ok((returned, receipt));
            }
            Op::CheckPrepared(r) => {
                let key = self.prepared.as_ref().expect("the case prepares a key");
                Returned::Decision(answer(&limiter.check_prepared(key, r.cost)?))
            }
            Op::AllowPrepared(r) => {
                let key = self.prepared.as_ref().expect("the case prepares a key");
                Returned::Allowed(limiter.allow_prepared(key, r.cost)?)
            }
            Op::CheckMany(_) => self.check_many()?,
            Op::Refund(_) => {
                let receipt = self.receipt.take().expect("the case prepares a receipt");
                Returned::Refunded(limiter.refund(receipt)?)
            }
            Op::Reset(_) => Returned::Reset(limiter.reset([VICTIM], self.rule.as_deref())?),
            Op::Swap => Returned::Swapped(limiter.swap(&self.next)?),
        };
        Ok((returned, None))
    }

    fn check_many(&self) -> Result<Returned, Error> {
        let Op::CheckMany(requests) = self.case.op else {
            unreachable!("the case is a batch");
        };
        let check = |n: usize| {
            let request = requests[n];
            Check::new(&self.merchants[n], request.endpoint, request.cost)
        };
        let checks: [Check<'_>; BATCH] = std::array::from_fn(check);
        let mut answers = [None; BATCH];
        let decisions = self.limiter.check_many(&checks);
        for (place, decision) in answers.iter_mut().zip(decisions) {
            *place = Some(answer(&decision?));
        }
        Ok(Returned::Many(answers))
    }
}
