//! `bedside quarantine list|show|replay|discard`.

use bedside_core::ctx::Role;
use bedside_fact::id::Seq;
use serde_json::json;

use crate::boot::App;
use crate::cli::QuarantineCommand;
use crate::fault::Fault;
use crate::out::Out;

pub(super) async fn run(
    app: &App,
    user: &str,
    command: QuarantineCommand,
    out: &Out,
) -> Result<u8, Fault> {
    match command {
        QuarantineCommand::List => list(app, user, out).await,
        QuarantineCommand::Show { seq, reason } => {
            let ctx = app.operator(user, Role::Engineer, reason).await?;
            let input = app.store.input(&ctx, Seq(seq)).await?;
            let text = String::from_utf8_lossy(input.raw.expose()).replace('\r', "\n");
            if out.json() {
                out.document(&json!({ "seq": seq, "state": input.row.state, "reason": input.row.reason, "text": text }))
                    .await;
            } else {
                out.line(format!(
                    "{} ({}): {}",
                    seq, input.row.message_type, input.row.reason
                ))
                .await;
                out.line(text).await;
            }
            Ok(0)
        }
        QuarantineCommand::Replay { seq } => {
            let ctx = app.operator(user, Role::Engineer, None).await?;
            let again = app.store.replay(&ctx, Seq(seq)).await?;
            finish(app, out, "replayed", &again).await
        }
        QuarantineCommand::Discard { seq, reason } => {
            if reason.trim().is_empty() {
                return Err(Fault::input("say why with --reason"));
            }
            let ctx = app.operator(user, Role::Engineer, None).await?;
            let again = app.store.discard(&ctx, Seq(seq), &reason).await?;
            finish(app, out, "discarded", &again).await
        }
    }
}

async fn list(app: &App, user: &str, out: &Out) -> Result<u8, Fault> {
    let ctx = app.operator(user, Role::Engineer, None).await?;
    let parked = app.store.quarantine(&ctx, false).await?;
    for one in &parked {
        if out.json() {
            out.document(&json!({
                "seq": one.row.seq, "source": one.row.source, "kind": one.row.kind, "control_id": one.row.control_id,
                "reason": one.row.reason, "owner": one.owner, "since": one.since.to_string(), "held_behind": one.held_behind,
            }))
            .await;
        } else {
            out.line(format!(
                "{:>8}  {}  {:<12} {:<12} {}; owner: {}; {} held behind it",
                one.row.seq.0,
                one.since
                    .to_zoned(app.config.zone())
                    .strftime("%Y-%m-%d %H:%M"),
                one.row.source,
                one.row.message_type,
                one.row.reason,
                one.owner,
                one.held_behind
            ))
            .await;
        }
    }
    if parked.is_empty() {
        out.note("nothing is parked").await;
    }
    Ok(0)
}

/// Lets the lanes run again and says how the replayed inputs ended.
async fn finish(app: &App, out: &Out, done: &str, again: &[Seq]) -> Result<u8, Fault> {
    app.gateway.lanes().reload();
    app.gateway.lanes().settled_for(again).await?;
    let ctx = bedside_core::ctx::OpCtx::service(
        app.store.tenant().clone(),
        "quarantine",
        std::sync::Arc::clone(app.store.clock()),
    );
    let parked = app.store.quarantine(&ctx, false).await?;
    let still = again
        .iter()
        .filter(|seq| parked.iter().any(|one| one.row.seq == **seq))
        .count();
    if out.json() {
        out.document(&json!({ "done": done, "inputs": again.len(), "parked_again": still }))
            .await;
    } else {
        out.line(format!(
            "{done}; {} input(s) went on, {still} of them parked again",
            again.len()
        ))
        .await;
    }
    Ok(u8::from(still > 0))
}
