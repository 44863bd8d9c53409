//! The operations that are stopped. A case is one constant: rules, what is
//! charged before, and the victim's call.

use crate::ledger::{Request, Rule};
use crate::op::Op;
use crate::prepare::{
    crowded_out, empty_handed, five_left, full, given_out, given_out_two, idle_table, key_ready,
    key_ready_two, lent, nearly_round, nothing, race, trickle, warm, warm_two,
};
use crate::world::{Broken, NEIGHBOUR, VICTIM, World};

/// One operation and where it starts from.
pub struct Case {
    pub name: &'static str,
    /// Rules with `"*"` first, as the limiter charges them.
    pub rules: &'static [Rule],
    /// What is charged before the victim begins.
    pub prepare: fn(&mut World) -> Result<(), Broken>,
    pub op: Op,
    /// Where the stops begin, if not where the call begins.
    pub catch: Option<Catch>,
    /// Whether the call is the first that its thread makes.
    pub first_call: bool,
    /// Whether the call allocates memory or registers the thread's clean-up. The
    /// C library's allocator and loader have locks, so a thread stopped inside
    /// them holds up whoever needs these; such stops are left out.
    pub allocates: bool,
}

/// The victim is caught before the instruction of its call that locks the bus for
/// this time, counted from 1, and then others do something.
#[derive(Clone, Copy)]
pub struct Catch {
    pub lock: usize,
    pub then: fn(&mut World) -> Result<(), Broken>,
}

impl Case {
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

const HUNDRED: &[Rule] = &[Rule {
    route: "*",
    limit: 100,
}];

pub const PAY: &str = "POST /v1/payment";

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

pub const fn request(merchant: u8, endpoint: &'static str, cost: u32) -> Request {
    Request {
        merchant,
        endpoint,
        cost,
    }
}

/// The locked instruction with which a request of two rules moves the head of the
/// second: with the first charge it has moved a head, raised two cells and counted
/// them as filled.
const SECOND_HEAD: usize = 5;

const ADMIT: Case = Case {
    name: "admit, key in use",
    rules: TEN,
    prepare: warm,
    op: Op::Check(request(VICTIM, "", 1)),
    catch: None,
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
        name: "two rules (allow)",
        rules: TWO,
        prepare: warm_two,
        op: Op::Allow(request(VICTIM, PAY, 2)),
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
        name: "grow, fifth unit",
        rules: HUNDRED,
        prepare: |world| trickle(world, 4),
        ..ADMIT
    },
    Case {
        name: "grow, seventeenth unit",
        rules: HUNDRED,
        prepare: |world| trickle(world, 16),
        ..ADMIT
    },
    Case {
        name: "grow twice in one call",
        rules: HUNDRED,
        prepare: |world| trickle(world, 4),
        op: Op::Check(request(VICTIM, "", 40)),
        ..ADMIT
    },
    Case {
        name: "give back",
        rules: TWO,
        prepare: warm_two,
        op: Op::Check(request(VICTIM, PAY, 2)),
        catch: Some(Catch {
            lock: SECOND_HEAD,
            then: race,
        }),
        ..ADMIT
    },
    Case {
        name: "check with receipt",
        op: Op::CheckWithReceipt(request(VICTIM, "", 2)),
        ..ADMIT
    },
    Case {
        name: "refund",
        prepare: given_out,
        op: Op::Refund(request(VICTIM, "", 3)),
        ..ADMIT
    },
    Case {
        name: "refund, lent before",
        prepare: lent,
        op: Op::Refund(request(VICTIM, "", 3)),
        ..ADMIT
    },
    Case {
        name: "refund, too late",
        prepare: empty_handed,
        op: Op::Refund(request(VICTIM, "", 3)),
        ..ADMIT
    },
    Case {
        name: "refund, two rules",
        rules: TWO,
        prepare: given_out_two,
        op: Op::Refund(request(VICTIM, PAY, 3)),
        ..ADMIT
    },
    Case {
        name: "reset",
        prepare: given_out,
        op: Op::Reset(None),
        allocates: true,
        ..ADMIT
    },
    Case {
        name: "reset, one rule of two",
        rules: TWO,
        prepare: given_out_two,
        op: Op::Reset(Some(1)),
        allocates: true,
        ..ADMIT
    },
    Case {
        name: "reset, two rules",
        rules: TWO,
        prepare: given_out_two,
        op: Op::Reset(None),
        allocates: true,
        ..ADMIT
    },
    Case {
        name: "prepared key",
        prepare: key_ready,
        op: Op::CheckPrepared(request(VICTIM, PAY, 2)),
        ..ADMIT
    },
    Case {
        name: "prepared key (allow)",
        prepare: key_ready,
        op: Op::AllowPrepared(request(VICTIM, PAY, 2)),
        ..ADMIT
    },
    Case {
        name: "prepared key, evicted",
        prepare: crowded_out,
        op: Op::CheckPrepared(request(VICTIM, PAY, 2)),
        ..ADMIT
    },
    Case {
        name: "prepared key, two rules",
        rules: TWO,
        prepare: key_ready_two,
        op: Op::CheckPrepared(request(VICTIM, PAY, 2)),
        ..ADMIT
    },
    Case {
        name: "prepared key, two rules (allow)",
        rules: TWO,
        prepare: key_ready_two,
        op: Op::AllowPrepared(request(VICTIM, PAY, 2)),
        ..ADMIT
    },
    Case {
        name: "batch",
        prepare: five_left,
        op: Op::CheckMany([
            request(VICTIM, "", 2),
            request(NEIGHBOUR, "", 4),
            request(VICTIM, "", 4),
        ]),
        allocates: true,
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
