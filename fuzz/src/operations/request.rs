//! Requests: what is asked, and in which way.

use arbitrary::{Result, Unstructured};

use super::policies::{ENDPOINTS, Policy};

/// How the limiter is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    Check,
    Allow,
    Peek,
    /// A check that can be refunded.
    Receipt,
    CheckWindows,
    PeekWindows,
    /// By a key that was prepared once and is kept for the whole sequence.
    CheckPrepared,
    AllowPrepared,
    PeekPrepared,
}

impl Call {
    /// Whether an admission is charged.
    pub fn charges(self) -> bool {
        !matches!(self, Self::Peek | Self::PeekWindows | Self::PeekPrepared)
    }

    pub fn is_prepared(self) -> bool {
        matches!(
            self,
            Self::CheckPrepared | Self::AllowPrepared | Self::PeekPrepared
        )
    }

    /// The same without a prepared key.
    pub fn unprepared(self) -> Self {
        match self {
            Self::CheckPrepared => Self::Check,
            Self::AllowPrepared => Self::Allow,
            Self::PeekPrepared => Self::Peek,
            call => call,
        }
    }
}

/// How the endpoint is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Text,
    Http,
    /// By id, where the endpoint has a template.
    Id,
}

/// What a request costs, before the rules' own costs.
#[derive(Debug, Clone, Copy)]
pub enum Cost {
    Units(u32),
    /// Twentieths of the most that the policy in force lets pass at once.
    Share(u32),
    Most,
    /// One unit more than may ever pass.
    Over,
}

/// One request as an input has it.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    pub merchant: u8,
    /// A place in [`ENDPOINTS`].
    pub endpoint: usize,
    pub form: Form,
    pub cost: Cost,
}

/// One request under the policy in force.
#[derive(Debug, Clone, Copy)]
pub struct Asked {
    pub merchant: u8,
    pub endpoint: usize,
    pub form: Form,
    pub cost: u32,
}

impl Request {
    pub fn read(input: &mut Unstructured<'_>) -> Result<Self> {
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
                0..160 => Cost::Units(1 + u32::from(cost % 4)),
                160..180 => Cost::Share(u32::from(cost - 160)),
                180..192 => Cost::Most,
                192..200 => Cost::Over,
                // Up to 2,050, past the largest exact limit.
                200..250 => Cost::Units(u32::from(cost - 199) * 41),
                250..254 => Cost::Units(0),
                254.. => Cost::Units(u32::MAX),
            },
        })
    }

    /// The request of one of `merchants` merchants under a policy.
    pub fn under(self, policy: &Policy, merchants: u8) -> Asked {
        let most = policy.largest_cost(self.endpoint);
        Asked {
            merchant: self.merchant % merchants,
            endpoint: self.endpoint,
            form: self.form,
            cost: match self.cost {
                Cost::Units(units) => units,
                Cost::Share(twentieths) => 1 + most / 20 * twentieths,
                Cost::Most => most,
                Cost::Over => most + 1,
            },
        }
    }
}

impl Asked {
    pub fn name(self) -> [u8; 2] {
        name_of(self.merchant)
    }

    pub fn text(self) -> &'static str {
        ENDPOINTS[self.endpoint].0
    }

    /// The template whose id means the endpoint.
    pub fn template(self) -> Option<&'static str> {
        ENDPOINTS[self.endpoint].1
    }
}

pub fn name_of(merchant: u8) -> [u8; 2] {
    [b'm', merchant]
}
