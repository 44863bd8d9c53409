//! What a layer asks of a request beside its merchant: its endpoint and its cost.
//!
//! Each has a default that is a type of its own, so that a layer without such a
//! function stays free of the request's body type.

use http::Request;

/// Where the endpoint of a request comes from.
pub trait EndpointOf<B> {
    /// An endpoint's text.
    type Text: AsRef<str>;

    /// The endpoint, such as `POST /v1/payment`; `None` for the request's own
    /// method and path.
    fn endpoint_of(&self, request: &Request<B>) -> Option<Self::Text>;
}

/// Where the cost of a request comes from.
pub trait CostOf<B> {
    /// The units that the request is charged, at least 1.
    fn cost_of(&self, request: &Request<B>) -> u32;
}

/// The default of [`RateLimitLayer::endpoint`](super::RateLimitLayer::endpoint):
/// the request's own method and path.
#[derive(Debug, Clone, Copy, Default)]
pub struct MethodAndPath;

/// The default of [`RateLimitLayer::cost`](super::RateLimitLayer::cost): one
/// unit a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct OneUnit;

/// A function given to [`RateLimitLayer`](super::RateLimitLayer).
#[derive(Debug, Clone, Copy)]
pub struct FromFn<N>(pub(super) N);

impl<B> EndpointOf<B> for MethodAndPath {
    type Text = &'static str;

    fn endpoint_of(&self, _: &Request<B>) -> Option<&'static str> {
        None
    }
}

impl<B, N, T> EndpointOf<B> for FromFn<N>
where
    N: Fn(&Request<B>) -> Option<T>,
    T: AsRef<str>,
{
    type Text = T;

    fn endpoint_of(&self, request: &Request<B>) -> Option<T> {
        (self.0)(request)
    }
}

impl<B> CostOf<B> for OneUnit {
    fn cost_of(&self, _: &Request<B>) -> u32 {
        1
    }
}

impl<B, N: Fn(&Request<B>) -> u32> CostOf<B> for FromFn<N> {
    fn cost_of(&self, request: &Request<B>) -> u32 {
        (self.0)(request)
    }
}
