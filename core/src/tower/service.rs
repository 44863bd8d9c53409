//! The service: one check before each call.

use std::fmt;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{Either, Full};
use tower_service::Service;

use super::extract::{CostOf, EndpointOf};
use super::refusal::{Problem, Refusal};
use super::{OnMissing, Options, ResponseFuture};
use crate::decision::{Decision, Headers};
use crate::error::Error;
use crate::limiter::Endpoint;

/// A service under a limiter; made by
/// [`RateLimitLayer`](super::RateLimitLayer), whose functions it has. It is
/// `Clone`, `Send` and `Sync` where the inner service and the functions are.
///
/// A response body is the inner one, or a whole one where the limiter refused.
#[derive(Clone)]
pub struct RateLimit<S, F, E, C> {
    inner: S,
    options: Options<F, E, C>,
}

impl<S, F, E, C> RateLimit<S, F, E, C> {
    pub(super) fn new(inner: S, options: Options<F, E, C>) -> Self {
        Self { inner, options }
    }

    /// The service underneath.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service underneath.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The service underneath, without the limiter.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, F, E, C, M, ReqBody, ResBody> Service<Request<ReqBody>> for RateLimit<S, F, E, C>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    F: Fn(&Request<ReqBody>) -> Option<M>,
    M: AsRef<[u8]>,
    E: EndpointOf<ReqBody>,
    C: CostOf<ReqBody>,
{
    type Response = Response<Either<ResBody, Full<Bytes>>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        match self.options.admit(&request) {
            Ok(headers) => ResponseFuture::running(self.inner.call(request), headers),
            Err(refusal) => {
                let with_body = request.method() != Method::HEAD;
                ResponseFuture::refused(refusal.into_response(with_body))
            }
        }
    }
}

impl<F, E, C> Options<F, E, C> {
    /// Charges the request; answers the headers of its response, if any.
    fn admit<B, M>(&self, request: &Request<B>) -> Result<Option<Headers>, Refusal>
    where
        F: Fn(&Request<B>) -> Option<M>,
        M: AsRef<[u8]>,
        E: EndpointOf<B>,
        C: CostOf<B>,
    {
        let Some(merchant) = (self.merchant)(request) else {
            return match self.on_missing {
                OnMissing::Allow => Ok(None),
                OnMissing::Deny => Err(Problem::NoMerchant.into()),
            };
        };
        let cost = self.cost.cost_of(request);
        let decision = match self.endpoint.endpoint_of(request) {
            Some(text) => self.decide(merchant, text.as_ref().into(), cost)?,
            None => self.decide(merchant, endpoint_of_uri(request), cost)?,
        };
        match decision.allowed {
            true => Ok(Some(decision.headers())),
            false => {
                let rule = decision.rule().and_then(|id| self.limiter.rule_name(id));
                Err(Refusal::Decided(decision, rule))
            }
        }
    }

    /// Every error is a refusal: a request that cannot be looked up must not
    /// get past its limit.
    fn decide(
        &self,
        merchant: impl AsRef<[u8]>,
        endpoint: Endpoint<'_>,
        cost: u32,
    ) -> Result<Decision, Problem> {
        let decided = self.limiter.check(merchant, endpoint, cost);
        decided.map_err(|error| match error {
            Error::InvalidMerchant { .. } => Problem::InvalidMerchant,
            Error::InvalidCost => Problem::ZeroCost,
            Error::InvalidEndpoint { .. } if matches!(endpoint, Endpoint::Http { .. }) => {
                Problem::InvalidRequestLine
            }
            Error::InvalidEndpoint { .. } => Problem::InvalidEndpoint,
            _ => Problem::Internal,
        })
    }
}

fn endpoint_of_uri<B>(request: &Request<B>) -> Endpoint<'_> {
    let path = match request.uri().path() {
        // The authority form, which CONNECT has.
        "" => "/",
        path => path,
    };
    Endpoint::http(request.method().as_str(), path)
}

impl<S: fmt::Debug, F, E, C> fmt::Debug for RateLimit<S, F, E, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("inner", &self.inner)
            .field("limiter", &self.options.limiter)
            .finish_non_exhaustive()
    }
}
