//! Operations and how they are read from an input's bytes.
//!
//! An operation begins with a byte that names it. Numbers that name none are
//! free for operations to come, so that a new one leaves the meaning of every
//! input in the corpus as it is.

use arbitrary::{Result, Unstructured};

use super::policies::{NAMES, POLICIES};
use super::request::{Call, Request};

/// How many are asked at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Batch {
    Many,
    Each,
    AllowEach,
}

/// One operation.
#[derive(Debug, Clone)]
pub enum Op {
    Ask(Call, Request),
    /// The same request by `count` merchants, one after the other: fills tables.
    Crowd {
        request: Request,
        count: u8,
    },
    /// Many requests in one call.
    Batch(Batch, Vec<Request>),
    Advance {
        ns: u64,
    },
    StepBack {
        ns: u64,
    },
    /// Advances to the last answer's reset, or a tick before or after.
    Edge {
        nudge: i64,
    },
    /// Peeks for the last denied request again, at its retry instant or a tick
    /// before.
    Retry {
        early: bool,
    },
    Swap {
        policy: usize,
    },
    /// Refunds one of the receipts at hand.
    Refund {
        pick: u8,
    },
    /// Resets a merchant, or the one that asked last, under one of [`NAMES`], or
    /// under all rules.
    Reset {
        merchant: Option<u8>,
        name: Option<usize>,
    },
    /// Counts the table's keys.
    Count,
}

/// The most requests of one batch: more than are resolved at a time.
const MAX_BATCH: u8 = 24;

impl Op {
    /// Reads one operation; `None` for a byte that names none.
    pub fn read(input: &mut Unstructured<'_>) -> Result<Option<Self>> {
        let byte = input.arbitrary::<u8>()?;
        if let Some(call) = call(byte) {
            return Ok(Some(Self::Ask(call, Request::read(input)?)));
        }
        Ok(Some(match byte {
            128..136 => Self::Crowd {
                request: Request::read(input)?,
                count: input.arbitrary()?,
            },
            136..160 => Self::Advance {
                ns: u64::from(input.arbitrary::<u16>()?) * 10_001,
            },
            160..168 => Self::Advance {
                ns: u64::from(input.arbitrary::<u8>()?) * 100_000_000,
            },
            168..180 => Self::StepBack {
                ns: u64::from(input.arbitrary::<u16>()?) * 100_003,
            },
            180..192 => Self::Retry {
                early: input.arbitrary()?,
            },
            192..200 => Self::Swap {
                policy: usize::from(input.arbitrary::<u8>()?) % POLICIES.len(),
            },
            200..204 => Self::Count,
            231..240 => Self::Refund {
                pick: input.arbitrary()?,
            },
            240..245 => Self::reset(input)?,
            245..250 => Self::batch(input)?,
            250..254 => Self::Edge {
                nudge: i64::from(byte) - 251,
            },
            _ => return Ok(None),
        }))
    }

    fn reset(input: &mut Unstructured<'_>) -> Result<Self> {
        let [merchant, name] = input.arbitrary::<[u8; 2]>()?;
        let name = usize::from(name) % (NAMES.len() + 1);
        Ok(Self::Reset {
            merchant: (merchant < 64).then_some(merchant),
            name: name.checked_sub(1),
        })
    }

    fn batch(input: &mut Unstructured<'_>) -> Result<Self> {
        let head = input.arbitrary::<u8>()?;
        let kind = match head >> 6 {
            0 => Batch::Each,
            1 => Batch::AllowEach,
            _ => Batch::Many,
        };
        let count = 1 + (head & 63) % MAX_BATCH;
        let requests: Result<Vec<Request>> = (0..count).map(|_| Request::read(input)).collect();
        Ok(Self::Batch(kind, requests?))
    }
}

fn call(byte: u8) -> Option<Call> {
    Some(match byte {
        0..96 => Call::Check,
        96..112 => Call::Allow,
        112..128 => Call::Peek,
        204..218 => Call::Receipt,
        218..222 => Call::CheckPrepared,
        222..224 => Call::AllowPrepared,
        224..226 => Call::PeekPrepared,
        226..229 => Call::CheckWindows,
        229..231 => Call::PeekWindows,
        _ => return None,
    })
}
