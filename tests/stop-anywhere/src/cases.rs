//! The operations that are stopped. A case is one constant: rules, what is
//! charged before, and the victim's call.

use crate::history::Op;
use crate::ledger::{Request, Rule, WINDOW};
use crate::world::{Broken, NEIGHBOUR, VICTIM, World};

/// One operation and where it starts from.
pub struct Case {
    pub name: &'static str,
    /// Rules with `"*"` first, as the limiter charges them.
    pub rules: &'static [Rule],
    /// What is charged before the victim begins.
    pub prepare: fn(&mut World) -> Result<(), Broken>,
    pub op: Op,
    /// Whether the call is the first that its thread makes.
    pub first_call: bool,
    /// Whether the call allocates memory or registers the thread's clean-up. The
    /// C library's allocator and loader have locks, so a thread stopped inside
    /// them holds up whoever needs these; such stops are left out.
    pub allocates: bool,
}

impl Case {
    /// Units that the victim asks for; 1 where it asks for none.
    pub fn op_cost(&self) -> u32 {
        match self.op {
            Op::Check(request) | Op::Allow(request) | Op::Peek(request) => request.cost,
            Op::Swap => 1,
        }
    }

    /// The smallest limit that governs an endpoint.
    pub fn least_limit(&self, endpoint: &str) -> u32 {
        let governs = |rule: &&Rule| rule.route == "*" || rule.route == endpoint;
        let limits = self.rules.iter().filter(governs).map(|rule| rule.limit);
        limits.min().unwrap_or(0)
    }
}

const TEN: &[Rule] = &[Rule {
    route: "*",
    limit: 10,
}];

/// As many units as a ring remembers.
const MOST: &[Rule] = &[Rule {
    route: "*",
    limit: 2_048,
}];

const PAY: &str = "POST /v1/payment";

const TWO: &[Rule] = &[
    Rule {
        route: "*",
        limit: 20,
    },
    Rule {
        route: PAY,
        limit: 6,
    },
];

const fn request(merchant: u8, endpoint: &'static str, cost: u32) -> Request {
    Request {
        merchant,
        endpoint,
        cost,
    }
}

const ADMIT: Case = Case {
    name: "admit, key in use",
    rules: TEN,
    prepare: warm,
    op: Op::Check(request(VICTIM, "", 1)),
    first_call: false,
    allocates: false,
};

/// All cases.
pub const CASES: &[Case] = &[
    ADMIT,
    Case {
        name: "admit (allow)",
        op: Op::Allow(request(VICTIM, "", 1)),
        ..ADMIT
    },
    Case {
        name: "admit 5 units",
        op: Op::Check(request(VICTIM, "", 5)),
        ..ADMIT
    },
    Case {
        name: "insert, empty table",
        prepare: nothing,
        op: Op::Check(request(VICTIM, "", 2)),
        ..ADMIT
    },
    Case {
        name: "insert, all idle",
        prepare: idle_table,
        op: Op::Check(request(VICTIM, "", 2)),
        ..ADMIT
    },
    Case {
        name: "denial",
        prepare: full,
        ..ADMIT
    },
    Case {
        name: "peek",
        op: Op::Peek(request(VICTIM, "", 1)),
        ..ADMIT
    },
    Case {
        name: "two rules",
        rules: TWO,
        prepare: warm_two,
        op: Op::Check(request(VICTIM, PAY, 2)),
        ..ADMIT
    },
    Case {
        name: "two rules, insert",
        rules: TWO,
        prepare: nothing,
        op: Op::Check(request(VICTIM, PAY, 2)),
        ..ADMIT
    },
    Case {
        name: "lap",
        rules: MOST,
        prepare: nearly_round,
        op: Op::Check(request(VICTIM, "", 5)),
        ..ADMIT
    },
    Case {
        name: "first call of a thread",
        first_call: true,
        allocates: true,
        ..ADMIT
    },
    Case {
        name: "swap",
        op: Op::Swap,
        allocates: true,
        ..ADMIT
    },
];

fn nothing(_: &mut World) -> Result<(), Broken> {
    Ok(())
}

fn charge(world: &mut World, request: Request) -> Result<(), Broken> {
    world.check(c"preparation", request).map(drop)
}

fn warm(world: &mut World) -> Result<(), Broken> {
    charge(world, request(VICTIM, "", 2))?;
    charge(world, request(NEIGHBOUR, "", 3))
}

fn warm_two(world: &mut World) -> Result<(), Broken> {
    charge(world, request(VICTIM, PAY, 1))?;
    charge(world, request(NEIGHBOUR, PAY, 1))
}

fn full(world: &mut World) -> Result<(), Broken> {
    charge(world, request(VICTIM, "", 10))
}

/// Every slot has a tenant that counts no more.
fn idle_table(world: &mut World) -> Result<(), Broken> {
    world.crowd(c"preparation")?;
    world.disperse(c"preparation")
}

/// Windows full of units, until the ring ends two units further on.
fn nearly_round(world: &mut World) -> Result<(), Broken> {
    for units in [2_048, 2_046] {
        charge(world, request(VICTIM, "", units))?;
        world.advance(WINDOW);
    }
    Ok(())
}
