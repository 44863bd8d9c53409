//! Operations and how they are read from an input's bytes.
//!
//! An operation begins with a byte that names it. Numbers that name none are
//! free for operations to come, so that a new one leaves the meaning of every
//! input in the corpus as it is.

use arbitrary::{Result, Unstructured};

use super::policies::{ENDPOINTS, POLICIES};

/// How the limiter is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Check,
    Allow,
    Peek,
}

/// How the endpoint is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    Http,
    /// By id, where the endpoint has a template.
    Id,
}

/// One request.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    pub merchant: u8,
    /// A place in [`ENDPOINTS`].
    pub endpoint: usize,
    pub form: Form,
    pub cost: u32,
}

/// One operation.
#[derive(Debug, Clone, Copy)]
pub enum Op {
    Ask(Call, Request),
    /// The same request by `count` merchants, one after the other: fills tables.
    Crowd {
        request: Request,
        count: u8,
    },
    Advance {
        ns: u64,
    },
    StepBack {
        ns: u64,
    },
    /// Peeks for the last denied request again, at its retry instant or a tick
    /// before.
    Retry {
        early: bool,
    },
    Swap {
        policy: usize,
    },
    /// Counts the table's keys.
    Count,
}

impl Op {
    /// Reads one operation; `None` for a byte that names none.
    pub fn read(input: &mut Unstructured<'_>) -> Result<Option<Self>> {
        Ok(Some(match input.arbitrary::<u8>()? {
            0..96 => Self::Ask(Call::Check, Request::read(input)?),
            96..112 => Self::Ask(Call::Allow, Request::read(input)?),
            112..128 => Self::Ask(Call::Peek, Request::read(input)?),
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
            204.. => return Ok(None),
        }))
    }
}

impl Request {
    fn read(input: &mut Unstructured<'_>) -> Result<Self> {
        let [merchant, endpoint, cost] = input.arbitrary::<[u8; 3]>()?;
        Ok(Self {
            merchant,
            endpoint: usize::from(endpoint) % ENDPOINTS.len(),
            form: match endpoint >> 6 {
                0 | 1 => Form::Text,
                2 => Form::Http,
                _ => Form::Id,
            },
            cost: match cost {
                0..200 => 1 + u32::from(cost % 4),
                // Up to 2,050, past the largest limit.
                200..250 => u32::from(cost - 199) * 41,
                250..254 => 0,
                254.. => u32::MAX,
            },
        })
    }
}
