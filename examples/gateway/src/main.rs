//! A payment API under a Slidegate policy, with axum.
//!
//! ```text
//! slidegate-gateway --policy policies/endpoint-limits.toml --listen 127.0.0.1:8080 --admin 127.0.0.1:8081
//! curl -i -X POST -H 'Authorization: Bearer key_a1' http://127.0.0.1:8080/v1/payment
//! curl -X PUT --data-binary @policies/merchant-limits.toml http://127.0.0.1:8081/admin/policy
//! ```
//!
//! The order of things is in [`api`], who is who in [`auth`], changing the policy
//! while running in [`admin`], and what never passes the limiter in [`webhook`].

mod admin;
mod api;
mod args;
mod auth;
mod webhook;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use slidegate::{Limiter, Policy};
use tokio::net::TcpListener;
use tokio::signal;

use args::Args;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("slidegate-gateway: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let args = Args::parse(std::env::args().skip(1))?;
    let policy = Policy::from_file(&args.policy)?;
    let limiter = Arc::new(Limiter::new(&policy)?);

    let api = TcpListener::bind(args.listen).await?;
    let admin = TcpListener::bind(args.admin).await?;
    let (api_at, admin_at) = (api.local_addr()?, admin.local_addr()?);
    println!("listening http://{api_at} admin http://{admin_at}");

    let serving = axum::serve(api, api::router(limiter.clone()));
    let administering = axum::serve(admin, admin::router(limiter));
    tokio::try_join!(
        serving.with_graceful_shutdown(told_to_stop()),
        administering.with_graceful_shutdown(told_to_stop()),
    )?;
    Ok(())
}

/// Ends on ctrl-c and, on Unix, on SIGTERM.
async fn told_to_stop() {
    #[cfg(unix)]
    if let Ok(mut terminate) = signal::unix::signal(signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = signal::ctrl_c() => {}
        }
        return;
    }
    let _ = signal::ctrl_c().await;
}
