//! Authentication: which merchant an API key belongs to.

use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The merchant of an authenticated request.
#[derive(Debug, Clone, Copy)]
pub struct Merchant(pub &'static str);

/// A real gateway asks its database here.
fn owner_of(api_key: &str) -> Option<Merchant> {
    match api_key {
        "key_a1" | "key_a2" => Some(Merchant("m_a")),
        "key_b1" => Some(Merchant("m_b")),
        _ => None,
    }
}

/// Middleware that lets only known keys through and notes whose they are.
pub async fn authenticate(mut request: Request, next: Next) -> Response {
    let Some(merchant) = bearer(request.headers()).and_then(owner_of) else {
        return unauthorized();
    };
    request.extensions_mut().insert(merchant);
    next.run(request).await
}

/// The merchant that [`authenticate`] noted: limits are per merchant, so all keys
/// of a merchant share one pool.
pub fn merchant_of(request: &Request) -> Option<&'static str> {
    request.extensions().get::<Merchant>().map(|m| m.0)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let credentials = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, api_key) = credentials.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(api_key)
}

fn unauthorized() -> Response {
    let fields = [
        (CONTENT_TYPE, slidegate::PROBLEM_MEDIA_TYPE),
        (WWW_AUTHENTICATE, "Bearer"),
    ];
    let problem = r#"{"type":"about:blank","title":"Unauthorized","status":401,"detail":"The API key is missing or unknown."}"#;
    (StatusCode::UNAUTHORIZED, fields, problem).into_response()
}
