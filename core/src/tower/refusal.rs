//! Responses of the layer's own: why, status and body.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;

use crate::decision::{Decision, Headers, PROBLEM_MEDIA_TYPE, problem_json};

/// Why there is no decision.
#[derive(Debug, Clone, Copy)]
pub(super) enum Problem {
    NoMerchant,
    InvalidMerchant,
    InvalidRequestLine,
    InvalidEndpoint,
    ZeroCost,
    Internal,
}

impl Problem {
    const fn status(self) -> StatusCode {
        match self {
            Self::NoMerchant | Self::InvalidMerchant => StatusCode::FORBIDDEN,
            Self::InvalidRequestLine => StatusCode::BAD_REQUEST,
            Self::InvalidEndpoint | Self::ZeroCost | Self::Internal => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    const fn detail(self) -> &'static str {
        match self {
            Self::NoMerchant => "The request belongs to no known merchant.",
            Self::InvalidMerchant => "The merchant of this request is empty or too long.",
            Self::InvalidRequestLine => {
                "The method or the path of this request is too long or malformed."
            }
            Self::InvalidEndpoint => "The rate limiter was given a malformed endpoint.",
            Self::ZeroCost => "The rate limiter was given a cost of 0.",
            Self::Internal => "The rate limiter could not decide.",
        }
    }

    fn json(self) -> String {
        let (status, detail) = (self.status(), self.detail());
        let title = status.canonical_reason().unwrap_or_default();
        let status = status.as_u16();
        format!(
            r#"{{"type":"about:blank","title":"{title}","status":{status},"detail":"{detail}"}}"#
        )
    }
}

/// Why a request is not let through.
pub(super) enum Refusal {
    /// The decision says no; with the name of its rule.
    Decided(Decision, Option<Arc<str>>),
    /// There is no decision.
    Undecided(Problem),
}

impl Refusal {
    pub fn into_response(self, with_body: bool) -> Response<Full<Bytes>> {
        let json = self.json();
        let length = HeaderValue::from(json.len());
        let body = match with_body {
            true => Bytes::from(json),
            false => Bytes::new(),
        };
        let mut response = Response::new(Full::new(body));
        *response.status_mut() = self.status();
        let fields = response.headers_mut();
        fields.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_MEDIA_TYPE));
        // Set here because HEAD announces the length of the body it goes without.
        fields.insert(CONTENT_LENGTH, length);
        if let Self::Decided(decision, _) = self {
            write_headers(fields, &decision.headers());
        }
        response
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Decided(decision, _) => decision
                .http_status()
                .and_then(|code| StatusCode::from_u16(code).ok())
                .unwrap_or(StatusCode::FORBIDDEN),
            Self::Undecided(problem) => problem.status(),
        }
    }

    fn json(&self) -> String {
        match self {
            Self::Decided(decision, rule) => problem_json(decision, rule.as_deref()),
            Self::Undecided(problem) => problem.json(),
        }
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Undecided(problem)
    }
}

/// Puts the rate limit headers into a response, in place of same-named ones.
pub(super) fn write_headers(fields: &mut HeaderMap, headers: &Headers) {
    for (name, value) in headers.iter() {
        if let Some(name) = header_name(name) {
            fields.insert(name, HeaderValue::from(value));
        }
    }
}

fn header_name(name: &'static str) -> Option<HeaderName> {
    // Static names cost no allocation on the way of every response.
    Some(match name {
        "X-RateLimit-Limit" => HeaderName::from_static("x-ratelimit-limit"),
        "X-RateLimit-Remaining" => HeaderName::from_static("x-ratelimit-remaining"),
        "X-RateLimit-Reset" => HeaderName::from_static("x-ratelimit-reset"),
        "Retry-After" => RETRY_AFTER,
        other => return HeaderName::from_bytes(other.as_bytes()).ok(),
    })
}
