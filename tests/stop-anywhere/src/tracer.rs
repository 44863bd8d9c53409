//! One thread of another process, instruction by instruction.
//!
//! A stop far from the beginning is not stepped to from there. The victim's path
//! is recorded once, by single steps; then hardware breakpoints, which are the
//! thread's own and change no code, take it most of the way.

use std::collections::HashMap;
use std::mem::offset_of;

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::child::{BEGINS, ENDED};

/// What a move costs, in single steps: the debug registers are written first
/// where the breakpoint is another one than before.
const SAME_BREAKPOINT: u32 = 1;
const OTHER_BREAKPOINT: u32 = 3;

/// Where the victim came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// Between two instructions.
    Stopped,
    /// Past the end of its call.
    Ended,
}

/// An instruction, and how often the victim passes it before it is meant.
#[derive(Clone, Copy)]
pub struct Spot {
    address: u64,
    passes: usize,
}

/// A traced thread.
pub struct Victim {
    thread: Pid,
    attached: bool,
}

impl Victim {
    /// Traces a running thread, which need not notice.
    pub fn seize(thread: Pid) -> nix::Result<Self> {
        ptrace::seize(thread, Options::empty())?;
        Ok(Self {
            thread,
            attached: true,
        })
    }

    fn wait(&self) -> nix::Result<Came> {
        match waitpid(self.thread, Some(WaitPidFlag::__WALL))? {
            WaitStatus::Stopped(_, signal) if signal == ENDED => Ok(Came::Ended),
            WaitStatus::Stopped(_, signal) if signal == BEGINS || signal == Signal::SIGTRAP => {
                Ok(Came::Stopped)
            }
            _ => Err(Errno::ESRCH),
        }
    }

    /// Waits until the victim's call is about to begin.
    pub fn begins(&self) -> nix::Result<Came> {
        self.wait()
    }

    /// Executes one instruction.
    pub fn step(&self) -> nix::Result<Came> {
        ptrace::step(self.thread, None)?;
        self.wait()
    }

    /// The address of the next instruction.
    pub fn address(&self) -> nix::Result<u64> {
        let offset = offset_of!(libc::user, regs) + offset_of!(libc::user_regs_struct, rip);
        Ok(ptrace::read_user(self.thread, offset as ptrace::AddressType)? as u64)
    }

    /// Whether the instruction at `address` locks the bus.
    fn locks(&self, address: u64) -> nix::Result<bool> {
        const LOCK_PREFIX: u8 = 0xf0;
        let word = ptrace::read(self.thread, address as ptrace::AddressType)?;
        Ok(word.to_le_bytes()[0] == LOCK_PREFIX)
    }

    /// Follows the victim from its beginning to its end. The very last instruction
    /// counts no more: the signal that marks the end has been sent by then.
    pub fn record(&self) -> nix::Result<Path> {
        let mut path = Path::default();
        loop {
            let address = self.address()?;
            let locks = self.locks(address)?;
            if self.step()? == Came::Ended {
                return Ok(path);
            }
            path.add(address, locks);
        }
    }

    /// Takes the victim to the instruction that is the `nth` to lock the bus, and
    /// says which that is.
    pub fn find_lock(&self, nth: usize) -> nix::Result<Spot> {
        let mut before = Vec::new();
        loop {
            let address = self.address()?;
            if self.locks(address)? {
                if before.len() + 1 == nth {
                    let passes = before.iter().filter(|at| **at == address).count();
                    return Ok(Spot { address, passes });
                }
                before.push(address);
            }
            if self.step()? == Came::Ended {
                return Err(Errno::ERANGE);
            }
        }
    }

    /// Takes the victim to a spot.
    pub fn go_to(&self, spot: Spot) -> nix::Result<()> {
        for pass in 0..=spot.passes {
            self.set_breakpoint(Some(spot.address))?;
            if self.resume()? == Came::Ended {
                return Err(Errno::ERANGE);
            }
            self.set_breakpoint(None)?;
            if pass < spot.passes && self.step()? == Came::Ended {
                return Err(Errno::ERANGE);
            }
        }
        Ok(())
    }

    /// Takes the victim `steps` instructions from its beginning along `path`. It
    /// may come out elsewhere, because keys are placed by a random secret.
    pub fn follow(&self, path: &Path, steps: usize) -> nix::Result<Came> {
        let mut armed = None;
        for (to, by_breakpoint) in path.moves(steps) {
            let address = path.address(to);
            if by_breakpoint && armed != Some(address) {
                self.set_breakpoint(Some(address))?;
            } else if !by_breakpoint && armed.is_some() {
                self.set_breakpoint(None)?;
            }
            armed = by_breakpoint.then_some(address);
            let came = if by_breakpoint {
                self.resume()
            } else {
                self.step()
            };
            if came? == Came::Ended {
                return Ok(Came::Ended);
            }
        }
        Ok(Came::Stopped)
    }

    fn set_breakpoint(&self, address: Option<u64>) -> nix::Result<()> {
        const ON_EXECUTION: libc::c_long = 1;
        let register = |number| {
            let registers = offset_of!(libc::user, u_debugreg);
            (registers + number * size_of::<libc::c_long>()) as ptrace::AddressType
        };
        if let Some(address) = address {
            ptrace::write_user(self.thread, register(0), address as libc::c_long)?;
        }
        let control = if address.is_some() { ON_EXECUTION } else { 0 };
        ptrace::write_user(self.thread, register(7), control)
    }

    fn resume(&self) -> nix::Result<Came> {
        ptrace::cont(self.thread, None)?;
        self.wait()
    }

    /// Lets the victim run to the end of its call, if it is not there, and lets
    /// go of it.
    pub fn release(&mut self, came: Came) -> nix::Result<()> {
        let mut came = came;
        self.set_breakpoint(None)?;
        while came != Came::Ended {
            came = self.resume()?;
        }
        self.attached = false;
        ptrace::detach(self.thread, None)
    }
}

/// After its process was killed, a thread that is still traced must be waited
/// for, or the process never quite ends.
impl Drop for Victim {
    fn drop(&mut self) {
        let ended = |status| !matches!(status, Ok(WaitStatus::Stopped(..)));
        while self.attached {
            self.attached = !ended(waitpid(self.thread, Some(WaitPidFlag::__WALL)));
        }
    }
}

/// The instructions of one call, in the order of their execution.
#[derive(Debug, Default)]
pub struct Path {
    addresses: Vec<u64>,
    locks: Vec<bool>,
    ways: Vec<Way>,
    /// Where each address was last executed.
    last: HashMap<u64, usize>,
}

/// The last move of the cheapest way to an instruction.
#[derive(Debug, Clone, Copy)]
struct Way {
    cost: u32,
    from: usize,
    by_breakpoint: bool,
}

impl Path {
    fn add(&mut self, address: u64, locks: bool) {
        let place = self.addresses.len();
        let last = self.last.insert(address, place);
        self.ways.push(self.way(place, last));
        self.addresses.push(address);
        self.locks.push(locks);
    }

    /// A breakpoint leads here from anywhere after the `last` time that this
    /// instruction was executed. It leads on from that time itself only if a
    /// breakpoint led there: a thread that was stepped to an address is stopped
    /// by a breakpoint there before it moves at all.
    fn way(&self, place: usize, last: Option<usize>) -> Way {
        let way = |from: usize, cost, by_breakpoint| Way {
            cost: self.ways[from].cost + cost,
            from,
            by_breakpoint,
        };
        let Some(before) = place.checked_sub(1) else {
            return Way {
                cost: 0,
                from: 0,
                by_breakpoint: false,
            };
        };
        let again = last.filter(|&last| self.ways[last].by_breakpoint);
        let again = again.map(|last| way(last, SAME_BREAKPOINT, true));
        let first = last.map_or(0, |last| last + 1);
        let other = (first..place).map(|from| way(from, OTHER_BREAKPOINT, true));
        let moves = other.chain(again).chain([way(before, 1, false)]);
        moves
            .min_by_key(|way| way.cost)
            .unwrap_or(way(before, 1, false))
    }

    /// The instructions to go to one after the other, and whether by breakpoint
    /// or step.
    fn moves(&self, steps: usize) -> impl Iterator<Item = (usize, bool)> {
        let mut moves = Vec::new();
        let mut place = steps;
        while place > 0 {
            moves.push((place, self.ways[place].by_breakpoint));
            place = self.ways[place].from;
        }
        moves.into_iter().rev()
    }

    /// How many stops the path has: before each instruction.
    pub fn len(&self) -> usize {
        self.addresses.len()
    }

    /// Where the victim is when it has executed `steps` instructions.
    pub fn address(&self, steps: usize) -> u64 {
        self.addresses[steps]
    }

    /// Whether a stop stands right before or right after a locked instruction.
    pub fn is_beside_lock(&self, steps: usize) -> bool {
        self.locks[steps] || steps > 0 && self.locks[steps - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::Path;

    #[test]
    fn a_loop_is_passed_by_its_breakpoint() {
        let mut path = Path::default();
        // A loop of five instructions, ten times, entered after one other.
        for address in [100].into_iter().chain((0..50).map(|n| n % 5)) {
            path.add(address, false);
        }
        let moves: Vec<_> = path.moves(48).collect();
        assert_eq!(moves.last().map(|(to, _)| *to), Some(48));
        assert!(moves.len() <= 12, "{moves:?}");
        // Every move by breakpoint leads to the next time of its address.
        let mut from = 0;
        for (to, by_breakpoint) in moves {
            let between = &path.addresses[from + 1..to];
            assert!(!by_breakpoint || !between.contains(&path.addresses[to]));
            from = to;
        }
    }
}
