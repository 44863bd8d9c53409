//! Outgoing webhooks. They leave through a client of their own, where there is no
//! limiter: limits are for what merchants ask of us, not for what we tell them.

use std::error::Error;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(5);

/// Delivers events to merchants. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Webhooks {
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Webhooks {
    pub fn new() -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Tells `merchant` at `url` of a payment; answers the receiver's status.
    pub async fn deliver(&self, merchant: &str, url: &str) -> Result<u16, Box<dyn Error>> {
        let event = json!({"event": "payment.created", "merchant": merchant});
        let request = Request::post(url)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(event.to_string()))?;
        let sending = self.client.request(request);
        let response = tokio::time::timeout(PATIENCE, sending).await??;
        Ok(response.status().as_u16())
    }
}
