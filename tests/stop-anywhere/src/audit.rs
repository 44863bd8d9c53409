//! What others see: the audits, and what happens while the victim sleeps.
//!
//! Every request asked here is compared with the histories that the promise
//! allows, so "charged 0 or n units" is one of them and everything else none.

use std::ffi::CStr;
use std::time::Duration;

use crate::ledger::{Answer, IDLE, Request, TICK, WINDOW};
use crate::world::{Broken, NEIGHBOUR, VICTIM, World};

/// A span in which nothing leaves a window.
const MOMENT: Duration = Duration::from_secs(1);

/// What others do while the victim is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meanwhile {
    /// They only look.
    Looked,
    /// They take everything that is left in the window.
    Filled,
    /// They do, and a window later leave no more than the victim wants.
    Later,
    /// The victim's key is evicted, and its slot given to another.
    Evicted,
    /// The same, and then the victim's key is born again.
    Reborn,
    /// The policy is swapped for one with twice the limits.
    Swapped,
    /// The victim's merchant is reset, and charged anew.
    Reset,
}

impl Meanwhile {
    pub const ALL: [Self; 7] = [
        Self::Looked,
        Self::Filled,
        Self::Later,
        Self::Evicted,
        Self::Reborn,
        Self::Swapped,
        Self::Reset,
    ];

    /// The one of this number, counted round.
    pub fn nth(number: usize) -> Self {
        Self::ALL[number % Self::ALL.len()]
    }

    /// Audits while the victim is stopped, and moves everyone else on.
    pub fn pass(self, world: &mut World) -> Result<(), Broken> {
        look(world, VICTIM, c"victim's key")?;
        match self {
            Self::Looked => Ok(()),
            Self::Filled => fill(world),
            Self::Later => later(world),
            Self::Evicted => evict(world),
            Self::Reborn => {
                evict(world)?;
                world.disperse(c"crowd")?;
                ask(world, VICTIM, 2, c"victim reborn")
            }
            Self::Swapped => swap(world),
            Self::Reset => reset(world),
        }
    }
}

fn endpoints(world: &World) -> impl Iterator<Item = &'static str> + use<> {
    let route = |rule: &crate::ledger::Rule| if rule.route == "*" { "" } else { rule.route };
    // The most specific first: it is the tightest.
    world.case.rules.iter().rev().map(route)
}

fn look(world: &mut World, merchant: u8, name: &CStr) -> Result<(), Broken> {
    for endpoint in endpoints(world) {
        let request = Request {
            merchant,
            endpoint,
            cost: 1,
        };
        world.peek(name, request)?;
    }
    Ok(())
}

fn ask(world: &mut World, merchant: u8, cost: u32, name: &CStr) -> Result<(), Broken> {
    for endpoint in endpoints(world) {
        let request = Request {
            merchant,
            endpoint,
            cost,
        };
        world.check(name, request)?;
    }
    Ok(())
}

/// Everybody else is served, whether they stand in the table or are new to it.
fn others(world: &mut World) -> Result<(), Broken> {
    ask(world, NEIGHBOUR, 1, c"other key")?;
    world.newcomer(c"new key")?;
    world.newcomer(c"new key")?;
    Ok(())
}

/// Takes what is left of the victim's limits but `spare` units: most at once,
/// the rest one by one, until it is denied.
fn drain(world: &mut World, spare: u32) -> Result<(), Broken> {
    for endpoint in endpoints(world) {
        let request = |cost| Request {
            merchant: VICTIM,
            endpoint,
            cost,
        };
        let mut left = remaining(world.peek(c"victim's rest", request(1))?)?;
        if left > spare + 3 {
            let cost = left - spare - 2;
            left = remaining(world.check(c"victim's rest", request(cost))?)?;
        }
        let mut admitted = true;
        while left > spare && admitted {
            let answer = world.check(c"victim's rest", request(1))?;
            (left, admitted) = (remaining(answer)?, answer.allowed);
        }
        if spare == 0 {
            world.check(c"denial", request(1))?;
        }
    }
    Ok(())
}

fn remaining(answer: Answer) -> Result<u32, Broken> {
    let none = || "a key without room where there is room".to_owned();
    answer.remaining.ok_or_else(none)
}

fn fill(world: &mut World) -> Result<(), Broken> {
    ask(world, VICTIM, 1, c"victim's key")?;
    others(world)?;
    let request = Request {
        merchant: NEIGHBOUR,
        endpoint: "",
        cost: 1,
    };
    world.peek_on_fresh_thread(c"fresh thread", request)?;
    world.refund(c"others' refund")?;
    drain(world, 0)?;
    look_at_stamps(world)
}

/// In a full window each cost is denied until another unit leaves, so the answers
/// tell the stamps of the oldest.
fn look_at_stamps(world: &mut World) -> Result<(), Broken> {
    const MOST: u32 = 17;
    let limit = world.case.least_limit("");
    for cost in 2..=limit.min(MOST) {
        let request = Request {
            merchant: VICTIM,
            endpoint: "",
            cost,
        };
        world.peek(c"stamps", request)?;
    }
    Ok(())
}

fn later(world: &mut World) -> Result<(), Broken> {
    fill(world)?;
    world.advance(WINDOW - TICK);
    look(world, VICTIM, c"a tick early")?;
    world.advance(TICK);
    free_again(world)?;
    drain(world, world.case.op.cost())
}

/// A window after the last charge the whole limit is free; nothing is charged.
fn free_again(world: &mut World) -> Result<(), Broken> {
    for endpoint in endpoints(world) {
        let request = |cost| Request {
            merchant: VICTIM,
            endpoint,
            cost,
        };
        let whole = remaining(world.peek(c"a window later", request(1))?)?;
        let answer = world.peek(c"a window later", request(whole))?;
        if !answer.allowed || whole < world.case.least_limit(endpoint) {
            return Err(format!("a window later only {whole} units are free"));
        }
    }
    Ok(())
}

fn evict(world: &mut World) -> Result<(), Broken> {
    world.advance(IDLE);
    world.crowd(c"crowd")
}

/// Takes what the policy before left, so that the victim is decided by the one
/// it has read.
fn swap(world: &mut World) -> Result<(), Broken> {
    world.swap()?;
    look(world, VICTIM, c"after the swap")?;
    others(world)?;
    let limit = world.case.least_limit("");
    let request = |cost| Request {
        merchant: VICTIM,
        endpoint: "",
        cost,
    };
    let left = remaining(world.peek(c"after the swap", request(1))?)?;
    match left.saturating_sub(limit) {
        0 => Ok(()),
        cost => world.check(c"after the swap", request(cost)).map(drop),
    }
}

/// A moment later: of its last tick a key is not born again.
fn reset(world: &mut World) -> Result<(), Broken> {
    world.advance(MOMENT);
    world.reset(c"reset")?;
    look(world, VICTIM, c"after the reset")?;
    ask(world, VICTIM, 1, c"after the reset")?;
    others(world)
}

/// Audits after the victim has returned: everything is exact, nothing is left
/// behind, and a window later everything is free.
pub fn after(world: &mut World) -> Result<(), Broken> {
    if world.is_crowded() {
        world.disperse(c"crowd")?;
    }
    // A key that was reset is not born again within its last tick.
    world.advance(MOMENT);
    look(world, VICTIM, c"victim's key")?;
    world.refund(c"refund")?;
    look(world, VICTIM, c"after the refund")?;
    others(world)?;
    drain(world, 0)?;
    look_at_stamps(world)?;
    world.advance(WINDOW);
    free_again(world)?;
    drain(world, 0)?;
    look(world, NEIGHBOUR, c"other key")
}
