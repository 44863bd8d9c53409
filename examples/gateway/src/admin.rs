//! The operator's listener: swap the policy, send a webhook.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::{post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use slidegate::{Limiter, MAX_POLICY_BYTES, Mistake, Policy};

use crate::webhook::Webhooks;

type Answer = (StatusCode, Json<Value>);

/// `PUT /admin/policy` and `POST /admin/webhook`.
pub fn router(limiter: Arc<Limiter>) -> Router {
    let swap = put(swap_policy)
        .with_state(limiter)
        .layer(DefaultBodyLimit::max(MAX_POLICY_BYTES));
    let webhook = post(send_webhook).with_state(Webhooks::new());
    Router::new()
        .route("/admin/policy", swap)
        .route("/admin/webhook", webhook)
}

/// Puts the TOML in the body into force. What merchants have used is kept; a
/// policy with mistakes changes nothing.
async fn swap_policy(State(limiter): State<Arc<Limiter>>, toml: String) -> Answer {
    let policy = match Policy::from_toml(&toml) {
        Ok(policy) => policy,
        Err(error) => {
            let mistakes: Vec<Value> = error.mistakes().iter().map(describe).collect();
            let body = json!({"error": error.to_string(), "mistakes": mistakes});
            return (StatusCode::UNPROCESSABLE_ENTITY, Json(body));
        }
    };
    match limiter.swap(&policy) {
        Ok(version) => (StatusCode::OK, Json(json!({"policy_version": version}))),
        Err(error) => {
            let body = json!({"error": error.to_string(), "mistakes": []});
            (StatusCode::UNPROCESSABLE_ENTITY, Json(body))
        }
    }
}

fn describe(mistake: &Mistake) -> Value {
    json!({
        "line": mistake.line,
        "column": mistake.column,
        "field": mistake.field,
        "message": mistake.message,
    })
}

/// Where a merchant wants to hear of its payments.
#[derive(Deserialize)]
struct Subscription {
    merchant: String,
    url: String,
}

async fn send_webhook(
    State(webhooks): State<Webhooks>,
    Json(subscription): Json<Subscription>,
) -> Answer {
    let Subscription { merchant, url } = subscription;
    match webhooks.deliver(&merchant, &url).await {
        Ok(status) => (
            StatusCode::OK,
            Json(json!({"delivered": true, "status": status})),
        ),
        Err(error) => {
            let body = json!({"delivered": false, "error": error.to_string()});
            (StatusCode::BAD_GATEWAY, Json(body))
        }
    }
}
