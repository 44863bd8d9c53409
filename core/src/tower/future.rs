//! The future of a call.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Response;
use http_body_util::{Either, Full};
use pin_project_lite::pin_project;

use super::refusal::write_headers;
use crate::decision::Headers;

pin_project! {
    /// The response of a [`RateLimit`](super::RateLimit): the inner service's
    /// with the rate limit headers, or a refusal. Dropping it drops the inner
    /// call; what was charged stays charged.
    #[must_use = "futures do nothing unless they are polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Running { #[pin] call: F, headers: Option<Headers> },
        // Taken by the poll that answers.
        Refused { response: Option<Response<Full<Bytes>>> },
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn running(call: F, headers: Option<Headers>) -> Self {
        Self {
            state: State::Running { call, headers },
        }
    }

    pub(super) fn refused(response: Response<Full<Bytes>>) -> Self {
        Self {
            state: State::Refused {
                response: Some(response),
            },
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<Either<B, Full<Bytes>>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Running { call, headers } => {
                let mut response = ready!(call.poll(cx))?;
                if let Some(headers) = headers {
                    write_headers(response.headers_mut(), headers);
                }
                Poll::Ready(Ok(response.map(Either::Left)))
            }
            StateProjection::Refused { response } => {
                let response = response.take().expect("polled after it answered");
                Poll::Ready(Ok(response.map(Either::Right)))
            }
        }
    }
}
