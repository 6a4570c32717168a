//! `bedside outbox list|show|resolve`.

use bedside_core::ctx::Role;
use bedside_store::{OutboxFilter, Resolution};
use serde_json::json;

use crate::boot::App;
use crate::cli::OutboxCommand;
use crate::fault::Fault;
use crate::out::Out;

/// As many as are listed.
const LONGEST: usize = 1_000;

pub(super) async fn run(
    app: &App,
    user: &str,
    command: OutboxCommand,
    out: &Out,
) -> Result<u8, Fault> {
    match command {
        OutboxCommand::List { all } => list(app, user, all, out).await,
        OutboxCommand::Show { id, reason } => {
            let ctx = app.operator(user, Role::Engineer, reason).await?;
            let (row, payload) = app.store.outbox_show(&ctx, id).await?;
            let text = String::from_utf8_lossy(&payload).into_owned();
            if out.json() {
                let body: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
                out.document(&json!({ "id": row.id, "route": row.route, "state": row.state, "key": row.key, "reason": row.reason, "body": body }))
                    .await;
            } else {
                out.line(format!("{} on {}: {}", row.id, row.route, row.state))
                    .await;
                out.line(text).await;
            }
            Ok(0)
        }
        OutboxCommand::Resolve { id, found, reason } => {
            if reason.trim().is_empty() {
                return Err(Fault::input("say how you know with --reason"));
            }
            let ctx = app.operator(user, Role::Engineer, None).await?;
            let (resolution, words) = match found.as_str() {
                "there" => (Resolution::Done, "noted as there"),
                "not-there" => (Resolution::Again, "it is sent again"),
                _ => (Resolution::Refused, "noted as given up"),
            };
            app.store
                .outbox_resolve(&ctx, id, resolution, &reason)
                .await?;
            // It is settled by now; that its item hears of it later is news, and no failure of what was asked for.
            let told = match app.gateway.engine() {
                Some(engine) => engine.reconcile().await.is_ok(),
                None => false,
            };
            if out.json() {
                out.document(&json!({ "id": id, "found": found, "told": told }))
                    .await;
            } else {
                out.line(format!("{id}: {words}")).await;
            }
            if !told {
                out.note("its item says so once `bedside serve` looks at it again, or starts")
                    .await;
            }
            Ok(0)
        }
    }
}

async fn list(app: &App, user: &str, all: bool, out: &Out) -> Result<u8, Fault> {
    let ctx = app.operator(user, Role::Engineer, None).await?;
    let filter = OutboxFilter {
        open_only: !all,
        limit: LONGEST,
        ..OutboxFilter::default()
    };
    let rows = app.store.outbox(&ctx, &filter).await?;
    for row in &rows {
        if out.json() {
            out.document(&json!({
                "id": row.id, "route": row.route, "state": row.state, "key": row.key, "due": row.due.to_string(),
                "attempts": row.attempts, "reason": row.reason, "case": row.case, "created_at": row.created_at.to_string(),
            }))
            .await;
        } else {
            out.line(format!(
                "{:>6}  {:<24} {:<10} {} attempt(s), since {}  {}",
                row.id,
                row.route,
                row.state,
                row.attempts,
                row.created_at
                    .to_zoned(app.config.zone())
                    .strftime("%Y-%m-%d %H:%M %Z"),
                row.reason.as_deref().unwrap_or_default()
            ))
            .await;
        }
    }
    if rows.is_empty() {
        out.note("nothing is owed").await;
    }
    Ok(u8::from(rows.iter().any(|row| row.state == "unknown")))
}
