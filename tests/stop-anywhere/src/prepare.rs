//! What is done before the victim begins.

use std::time::Duration;

use crate::cases::{PAY, request};
use crate::ledger::{IDLE, OTHERS, PREPARED, Request, WINDOW};
use crate::world::{Broken, NEIGHBOUR, VICTIM, World};

const SECOND: Duration = Duration::from_secs(1);

pub fn nothing(_: &mut World) -> Result<(), Broken> {
    Ok(())
}

fn charge(world: &mut World, request: Request) -> Result<(), Broken> {
    world.check(c"preparation", request).map(drop)
}

pub fn warm(world: &mut World) -> Result<(), Broken> {
    charge(world, request(VICTIM, "", 2))?;
    charge(world, request(NEIGHBOUR, "", 3))
}

pub fn warm_two(world: &mut World) -> Result<(), Broken> {
    charge(world, request(VICTIM, PAY, 1))?;
    charge(world, request(NEIGHBOUR, PAY, 1))
}

pub fn full(world: &mut World) -> Result<(), Broken> {
    charge(world, request(VICTIM, "", 10))
}

/// Every slot has a tenant that counts no more.
pub fn idle_table(world: &mut World) -> Result<(), Broken> {
    world.crowd(c"preparation")?;
    world.disperse(c"preparation")
}

/// Windows full of units, until the ring ends two units further on.
pub fn nearly_round(world: &mut World) -> Result<(), Broken> {
    for units in [2_048, 2_046] {
        charge(world, request(VICTIM, "", units))?;
        world.advance(WINDOW);
    }
    Ok(())
}

/// So many units, each of a second of its own: each has a stamp to be lost.
pub fn trickle(world: &mut World, units: u32) -> Result<(), Broken> {
    for _ in 0..units {
        charge(world, request(VICTIM, "", 1))?;
        world.advance(SECOND);
    }
    charge(world, request(NEIGHBOUR, "", 3))
}

/// The victim and others have a receipt each; what others gave back first would
/// leave the window last.
pub fn given_out(world: &mut World) -> Result<(), Broken> {
    receipts(world, request(VICTIM, "", 3), request(VICTIM, "", 2))?;
    charge(world, request(NEIGHBOUR, "", 3))
}

pub fn given_out_two(world: &mut World) -> Result<(), Broken> {
    receipts(world, request(VICTIM, PAY, 3), request(VICTIM, PAY, 2))?;
    charge(world, request(NEIGHBOUR, PAY, 3))
}

fn receipts(world: &mut World, victims: Request, others: Request) -> Result<(), Broken> {
    world.check_with_receipt(c"preparation", PREPARED, victims)?;
    world.advance(SECOND);
    world.check_with_receipt(c"preparation", OTHERS, others)
}

/// Others have given theirs back already.
pub fn lent(world: &mut World) -> Result<(), Broken> {
    world.check_with_receipt(c"preparation", OTHERS, request(VICTIM, "", 4))?;
    world.refund(c"preparation")?;
    world.advance(SECOND);
    given_out(world)
}

/// What the receipt is for has left its window; the key is alive.
pub fn empty_handed(world: &mut World) -> Result<(), Broken> {
    world.check_with_receipt(c"preparation", PREPARED, request(VICTIM, "", 3))?;
    world.advance(WINDOW - SECOND);
    warm(world)
}

pub fn key_ready(world: &mut World) -> Result<(), Broken> {
    world.prepare(c"preparation", request(VICTIM, PAY, 1))?;
    charge(world, request(NEIGHBOUR, "", 3))
}

pub fn key_ready_two(world: &mut World) -> Result<(), Broken> {
    world.prepare(c"preparation", request(VICTIM, PAY, 1))?;
    charge(world, request(NEIGHBOUR, PAY, 1))
}

/// The prepared key remembers a slot that has been another's since.
pub fn crowded_out(world: &mut World) -> Result<(), Broken> {
    key_ready(world)?;
    world.advance(IDLE);
    idle_table(world)
}

/// Of the victim's limit so much is left that the last of a batch is denied.
pub fn five_left(world: &mut World) -> Result<(), Broken> {
    charge(world, request(VICTIM, "", 5))?;
    charge(world, request(NEIGHBOUR, "", 3))
}

/// Others take what the victim has seen left of its second rule and has not yet
/// charged: it must give the first back.
pub fn race(world: &mut World) -> Result<(), Broken> {
    let pay = |cost| request(VICTIM, PAY, cost);
    world.peek(c"between the charges", request(VICTIM, "", 1))?;
    world.peek(c"between the charges", pay(1))?;
    if !world.is_between_charges() {
        return Err("the victim does not stand between its charges".to_owned());
    }
    charge(world, pay(4))
}
