//! The steps of a timeline.

use proptest::prelude::*;

use super::policies::{PLACES, RULES};

/// How a request is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Check,
    Receipt,
    Peek,
    Allow,
    CheckWindows,
    PeekWindows,
    CheckPrepared,
    PeekPrepared,
    AllowPrepared,
}

/// What a request costs, before the rules' own costs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cost {
    /// An error.
    Zero,
    Units(u32),
    /// A share of the most that may ever pass.
    Share(u16),
    Most,
    /// One unit more than may ever pass.
    Over,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Request {
    pub merchant: u8,
    pub place: usize,
    pub cost: Cost,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Wait {
    Ns(u64),
    /// Till a recent unit leaves a window, or a tick before or after.
    Edge {
        stamp: u16,
        window: u16,
        nudge: i8,
    },
    /// Till the last decision's reset, or a tick before or after.
    Reset {
        nudge: i8,
    },
    /// A part of a window's length.
    Share {
        window: u16,
        share: u16,
    },
    /// Till no key counts any more.
    Idle,
    /// As far back as the reference answers for, or less; `near`, two quanta at the
    /// most.
    Back {
        share: u16,
        near: bool,
    },
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    Ask(How, Request),
    /// Many requests of one unit, so much apart.
    Burst {
        request: Request,
        times: u8,
        apart_ns: u64,
    },
    /// Large requests one after the other, each as soon as it is admitted: so many
    /// units that a ring's count wraps or, if each is refunded at once, that all is
    /// lent which ever can be.
    Flood {
        request: Request,
        times: u8,
        refund: bool,
    },
    Batch {
        requests: Vec<Request>,
        allow: bool,
        /// Whether all ask for the endpoint of the first, by its id.
        alike: bool,
    },
    /// Asks the request that was denied last again, at its retry instant or one
    /// tick before.
    Retry {
        early: bool,
        charge: bool,
    },
    Refund {
        pick: u16,
    },
    Reset {
        merchant: u8,
        rule: Option<usize>,
    },
    Swap {
        policy: usize,
    },
    Wait(Wait),
    /// Brings a key in, which makes room, as another key becomes idle, or a tick
    /// before or after; and asks the other.
    Displace {
        pick: u16,
        nudge: i8,
    },
}

pub(super) const MERCHANTS: u8 = 3;

/// A family has at most so many policies.
const POLICIES: u64 = 4;

const DAY_NS: u64 = 86_400_000_000_000;

/// Timelines. A step is drawn as two numbers, which is many times faster than a
/// strategy for each of its fields, and smaller numbers are simpler steps.
pub(super) fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = (0u8..100, any::<u64>()).prop_map(|(kind, rest)| step(kind, &mut Draw(rest)));
    prop::collection::vec(step, 1..=most)
}

/// A number from which smaller ones are taken.
pub(super) struct Draw(pub u64);

impl Draw {
    pub fn below(&mut self, end: u64) -> u64 {
        let drawn = self.0 % end;
        self.0 /= end;
        drawn
    }

    pub fn is_one_in(&mut self, count: u64) -> bool {
        self.below(count) == count - 1
    }

    pub fn share(&mut self) -> u16 {
        self.below(1 << 16) as u16
    }

    fn nudge(&mut self) -> i8 {
        self.below(3) as i8 - 1
    }

    /// Another number, for a step that needs several.
    fn fork(&mut self) -> Self {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        Self((self.0 ^ (self.0 >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9))
    }
}

fn step(kind: u8, draw: &mut Draw) -> Step {
    match kind {
        0..49 => Step::Ask(how(draw), request(draw)),
        49 => Step::Flood {
            request: request(draw),
            times: 4 + draw.below(20) as u8,
            refund: draw.is_one_in(3),
        },
        50..53 => Step::Burst {
            request: request(draw),
            times: 2 + draw.below(38) as u8,
            apart_ns: [0, 0, 1][draw.below(3) as usize] * draw.below(2_000_000),
        },
        53..55 => Step::Batch {
            allow: draw.is_one_in(2),
            alike: draw.is_one_in(2),
            requests: (0..=draw.below(19))
                .map(|_| request(&mut draw.fork()))
                .collect(),
        },
        55..63 => Step::Retry {
            early: draw.is_one_in(2),
            charge: draw.is_one_in(2),
        },
        63..69 => Step::Refund { pick: draw.share() },
        69..71 => Step::Reset {
            rule: (!draw.is_one_in(3)).then(|| draw.below(RULES.len() as u64) as usize),
            merchant: draw.below(MERCHANTS.into()) as u8,
        },
        71..74 => Step::Swap {
            policy: draw.below(POLICIES) as usize,
        },
        74..77 => Step::Displace {
            pick: draw.share(),
            nudge: draw.nudge(),
        },
        _ => Step::Wait(wait(draw)),
    }
}

fn how(draw: &mut Draw) -> How {
    match draw.below(36) {
        0..10 => How::Check,
        10..20 => How::Receipt,
        20..24 => How::Peek,
        24..27 => How::Allow,
        27 => How::CheckWindows,
        28 => How::PeekWindows,
        29..33 => How::CheckPrepared,
        33 => How::PeekPrepared,
        _ => How::AllowPrepared,
    }
}

fn request(draw: &mut Draw) -> Request {
    Request {
        merchant: draw.below(MERCHANTS.into()) as u8,
        place: draw.below(PLACES.len() as u64) as usize,
        cost: cost(draw),
    }
}

fn cost(draw: &mut Draw) -> Cost {
    match draw.below(58) {
        0..30 => Cost::Units(1 + draw.below(4) as u32),
        30..50 => Cost::Share(draw.share()),
        50..55 => Cost::Most,
        55..57 => Cost::Over,
        _ => Cost::Zero,
    }
}

fn wait(draw: &mut Draw) -> Wait {
    match draw.below(38) {
        0..10 => Wait::Ns(wait_ns(draw)),
        10..20 => Wait::Edge {
            nudge: draw.nudge(),
            stamp: draw.share(),
            window: draw.share(),
        },
        20..24 => Wait::Reset {
            nudge: draw.nudge(),
        },
        24..34 => Wait::Share {
            window: draw.share(),
            share: draw.share(),
        },
        34 => Wait::Idle,
        _ => Wait::Back {
            share: draw.share(),
            near: draw.is_one_in(3),
        },
    }
}

/// From parts of a tick to years.
fn wait_ns(draw: &mut Draw) -> u64 {
    match draw.below(130) {
        0..30 => draw.below(2_500),
        30..90 => draw.below(50_000_000),
        90..120 => draw.below(2_000_000_000),
        120..129 => DAY_NS + draw.below(100 * DAY_NS),
        _ => 365 * DAY_NS + draw.below(600 * DAY_NS),
    }
}

/// A part of a whole, in 65,536ths, rounded down.
pub(super) fn part(share: u16, of: u64) -> u64 {
    ((u128::from(of) * u128::from(share)) >> 16) as u64
}
