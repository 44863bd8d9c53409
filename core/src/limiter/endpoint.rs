//! Ways to name an endpoint.

use crate::error::MAX_ENDPOINTS;

/// An endpoint whose rules were looked up once; see
/// [`Limiter::endpoint`](crate::Limiter::endpoint), which gives out
/// [`MAX_ENDPOINTS`](crate::MAX_ENDPOINTS) of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EndpointId(pub(crate) u32);

const IDS_LOG2: u32 = MAX_ENDPOINTS.ilog2();
const _: () = assert!(MAX_ENDPOINTS.is_power_of_two());

/// How many limiters in a row have ids of their own. The first range of numbers is left
/// out, and so is the last: 0 and `u32::MAX` are no ids.
const RANGES: u64 = (1 << (u32::BITS - IDS_LOG2)) - 2;

impl EndpointId {
    /// The first id of a limiter with this number.
    pub(super) const fn first(limiter: u64) -> Self {
        Self(((limiter % RANGES) as u32 + 1) << IDS_LOG2)
    }

    /// The number that the C interface shows; 0 and `u32::MAX` are no ids.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The id with this number. Ids belong to one limiter: another one answers
    /// [`Error::UnknownEndpoint`](crate::Error::UnknownEndpoint), unless 1,048,574
    /// limiters, or a multiple, were built in between.
    pub const fn from_raw(number: u32) -> Self {
        Self(number)
    }
}

/// The endpoint of a request.
///
/// A concrete path is looked up in every spelling that a router could make of
/// it, so that no spelling escapes its limit; see `docs/policy.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint<'a> {
    /// `METHOD /path`; empty for the merchant alone.
    Text(&'a str),
    /// Method and path apart, as an HTTP request has them; a query is ignored.
    Http {
        /// The method, such as `POST`.
        method: &'a str,
        /// The path, beginning with `/`.
        path: &'a str,
    },
    /// An endpoint looked up before.
    Id(EndpointId),
}

impl<'a> Endpoint<'a> {
    /// The endpoint of an HTTP request.
    pub const fn http(method: &'a str, path: &'a str) -> Self {
        Self::Http { method, path }
    }

    /// The merchant alone: only `*` rules govern.
    pub const fn none() -> Self {
        Self::Text("")
    }
}

impl<'a> From<&'a str> for Endpoint<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a String> for Endpoint<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl From<EndpointId> for Endpoint<'_> {
    fn from(id: EndpointId) -> Self {
        Self::Id(id)
    }
}
