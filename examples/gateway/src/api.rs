//! The public API: eight endpoints, the limiter around them, authentication
//! around that.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::Path;
use axum::http::StatusCode;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use serde_json::{Value, json};
use slidegate::Limiter;
use slidegate::tower::RateLimitLayer;

use crate::auth::{Merchant, authenticate, merchant_of};

/// The whole API under `limiter`. A layer added later runs earlier, so a request
/// is authenticated, then limited, then handled.
pub fn router(limiter: Arc<Limiter>) -> Router {
    Router::new()
        .merge(payments())
        .merge(payment_links())
        .fallback(async || {
            (
                StatusCode::NOT_FOUND,
                Json(json!({"error": "no such endpoint"})),
            )
        })
        .layer(RateLimitLayer::new(limiter, merchant_of))
        .layer(from_fn(authenticate))
}

fn payments() -> Router {
    Router::new()
        .route("/v1/payment", post(create_payment))
        .route("/v1/payment/list", get(list_payments))
        .route("/v1/payment/{id}", get(show_payment))
}

fn payment_links() -> Router {
    let one = get(show_link).patch(update_link).delete(delete_link);
    Router::new()
        .route("/v1/payment-link", post(create_link))
        .route("/v1/payment-link/list", get(list_links))
        .route("/v1/payment-link/{id}", one)
}

fn next_id(kind: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    format!("{kind}_{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

async fn create_payment(Extension(Merchant(merchant)): Extension<Merchant>) -> Json<Value> {
    Json(json!({"id": next_id("pay"), "merchant": merchant, "status": "created"}))
}

async fn show_payment(Path(id): Path<String>) -> Json<Value> {
    Json(json!({"id": id, "status": "paid"}))
}

async fn list_payments(Extension(Merchant(merchant)): Extension<Merchant>) -> Json<Value> {
    Json(json!({"merchant": merchant, "payments": []}))
}

async fn create_link(Extension(Merchant(merchant)): Extension<Merchant>) -> Json<Value> {
    Json(json!({"id": next_id("link"), "merchant": merchant, "status": "active"}))
}

async fn show_link(Path(id): Path<String>) -> Json<Value> {
    Json(json!({"id": id, "status": "active"}))
}

async fn list_links(Extension(Merchant(merchant)): Extension<Merchant>) -> Json<Value> {
    Json(json!({"merchant": merchant, "links": []}))
}

async fn update_link(Path(id): Path<String>) -> Json<Value> {
    Json(json!({"id": id, "status": "updated"}))
}

async fn delete_link(Path(id): Path<String>) -> Json<Value> {
    Json(json!({"id": id, "status": "deleted"}))
}
