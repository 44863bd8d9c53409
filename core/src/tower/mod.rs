//! A tower [`Layer`] that puts a service under a limiter:
//! axum, hyper, and everything else that speaks `tower::Service`.
//!
//! ```
//! use std::sync::Arc;
//!
//! use axum::extract::Request;
//! use axum::{Extension, Router, middleware, routing::post};
//! use slidegate::{Limiter, Policy, tower::RateLimitLayer};
//!
//! /// What authentication found out: the merchant, not the key it came with.
//! #[derive(Clone)]
//! struct Merchant(&'static str);
//!
//! async fn authenticate(mut request: Request, next: middleware::Next) -> axum::response::Response {
//!     request.extensions_mut().insert(Merchant("m_42")); // from the API key, say
//!     next.run(request).await
//! }
//!
//! let policy = Policy::from_toml(r#"
//!     version = 1
//!     [[rule]]
//!     name = "create-payment"
//!     match = "POST /v1/payment"
//!     windows = ["100/min"]
//! "#)?;
//! let limiter = Arc::new(Limiter::new(&policy)?);
//! let rate_limit = RateLimitLayer::new(limiter, |request: &Request| {
//!     request.extensions().get::<Merchant>().map(|merchant| merchant.0)
//! });
//!
//! let app: Router = Router::new()
//!     .route("/v1/payment", post(|Extension(merchant): Extension<Merchant>| async move {
//!         format!("paid by {}", merchant.0)
//!     }))
//!     .layer(rate_limit)
//!     .layer(middleware::from_fn(authenticate)); // added last, so it runs first
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where it stands
//! Inside authentication, because limits are per merchant and all API keys of a
//! merchant share one pool. Outside everything that rewrites the path, because
//! the limiter looks up the path as it reads it: in axum, on the outermost
//! `Router`. **axum strips the prefix of a nested router**, so a layer inside one
//! sees `/payment` where the policy says `/v1/payment`, and matches nothing; give
//! such a layer an [`endpoint`](RateLimitLayer::endpoint) function that restores
//! the path (axum's `OriginalUri`).
//!
//! # What counts
//! A request is charged before the handler runs and never given back: 4xx, 5xx,
//! panics and clients that hang up all count. A refused request is not counted
//! and its handler does not run.
//!
//! # What is looked up
//! Method and path as the client wrote them, with nothing decoded: the engine
//! considers every reading that a router could make of an odd spelling and
//! charges each rule so found. `OPTIONS *` has the path `*`, which only `"*"`
//! rules govern; `CONNECT host:port` has no path and is looked up as
//! `CONNECT /`. A method or path that the engine cannot read (over 32 and 8,192
//! bytes, or a method with letters beyond `A-Z a-z 0-9 - _`) is refused.
//!
//! # What is answered
//! Where a window was consulted, every response has the headers of
//! [`Decision::headers`](crate::Decision::headers): errors and streams too, in
//! place of headers with the same name. Exempt and unmatched requests get none.
//! Refusals are problem+json; to `HEAD`, without the body.
//!
//! | why | status |
//! |---|---|
//! | a limit, or a cost above it | 429 |
//! | the table is full and `on_full` denies | 503 |
//! | no rule and `unmatched = "deny"` | 403 |
//! | no merchant and [`OnMissing::Deny`]; a merchant of 0 or more than [`MAX_MERCHANT_BYTES`](crate::MAX_MERCHANT_BYTES) bytes | 403 |
//! | a method or path that the engine cannot read | 400 |
//! | the [`cost`](RateLimitLayer::cost) function answered 0, the [`endpoint`](RateLimitLayer::endpoint) function answered what is no endpoint, or the limiter's memory is corrupt | 500 |

mod extract;
mod future;
mod refusal;
mod service;

pub use extract::{CostOf, EndpointOf, FromFn, MethodAndPath, OneUnit};
pub use future::ResponseFuture;
pub use service::RateLimit;

use std::fmt;
use std::sync::Arc;

use http::Request;
use tower_layer::Layer;

use crate::limiter::Limiter;

/// What becomes of a request whose merchant is unknown, exempt routes included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnMissing {
    /// It is refused with 403; its handler does not run.
    #[default]
    Deny,
    /// It passes uncounted and without rate limit headers. A merchant that is
    /// there but empty is refused all the same.
    Allow,
}

/// Puts services under a limiter; see the [module](self) for what it does.
///
/// It is `Clone`, `Send` and `Sync` where its functions are (closures nearly
/// always are); clones share the limiter. A layer takes no lock, spawns nothing
/// and boxes nothing. Its functions run once a request, in the task of the call
/// and before the handler; a panic in one of them unwinds to the caller, and
/// neither is the request charged nor does the handler run.
#[derive(Clone)]
#[must_use = "a layer does nothing until a service is put under it"]
pub struct RateLimitLayer<F, E = MethodAndPath, C = OneUnit> {
    options: Options<F, E, C>,
}

/// What a layer hands to each of its services.
#[derive(Clone)]
struct Options<F, E, C> {
    limiter: Arc<Limiter>,
    merchant: F,
    endpoint: E,
    cost: C,
    on_missing: OnMissing,
}

impl<F> RateLimitLayer<F> {
    /// A layer over `limiter`. `merchant` names the merchant of an authenticated
    /// request, as 1 to [`MAX_MERCHANT_BYTES`](crate::MAX_MERCHANT_BYTES) bytes;
    /// `None` where there is none. It must not be something that clients choose
    /// freely, such as a header nobody verified.
    pub fn new<B, M>(limiter: Arc<Limiter>, merchant: F) -> Self
    where
        F: Fn(&Request<B>) -> Option<M>,
        M: AsRef<[u8]>,
    {
        Self {
            options: Options {
                limiter,
                merchant,
                endpoint: MethodAndPath,
                cost: OneUnit,
                on_missing: OnMissing::default(),
            },
        }
    }
}

impl<F, E, C> RateLimitLayer<F, E, C> {
    /// Looks requests up by the text that `endpoint` answers, such as
    /// `POST /v1/payment`, instead of their own method and path; where it
    /// answers `None`, by method and path. An empty text is the merchant alone:
    /// only `"*"` rules govern.
    pub fn endpoint<N, B, T>(self, endpoint: N) -> RateLimitLayer<F, FromFn<N>, C>
    where
        N: Fn(&Request<B>) -> Option<T>,
        T: AsRef<str>,
    {
        let Options {
            limiter,
            merchant,
            cost,
            on_missing,
            ..
        } = self.options;
        RateLimitLayer {
            options: Options {
                limiter,
                merchant,
                endpoint: FromFn(endpoint),
                cost,
                on_missing,
            },
        }
    }

    /// Charges each request the units that `cost` answers, instead of one; they
    /// are multiplied by the rule's own cost. 0 is a mistake: such a request is
    /// refused with 500.
    pub fn cost<N, B>(self, cost: N) -> RateLimitLayer<F, E, FromFn<N>>
    where
        N: Fn(&Request<B>) -> u32,
    {
        let Options {
            limiter,
            merchant,
            endpoint,
            on_missing,
            ..
        } = self.options;
        RateLimitLayer {
            options: Options {
                limiter,
                merchant,
                endpoint,
                cost: FromFn(cost),
                on_missing,
            },
        }
    }

    /// What becomes of a request without a merchant.
    pub fn on_missing(mut self, on_missing: OnMissing) -> Self {
        self.options.on_missing = on_missing;
        self
    }
}

impl<S, F: Clone, E: Clone, C: Clone> Layer<S> for RateLimitLayer<F, E, C> {
    type Service = RateLimit<S, F, E, C>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimit::new(inner, self.options.clone())
    }
}

impl<F, E, C> fmt::Debug for RateLimitLayer<F, E, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitLayer")
            .field("limiter", &self.options.limiter)
            .field("on_missing", &self.options.on_missing)
            .finish_non_exhaustive()
    }
}
