//! `bedside ingest`.

use bedside_core::ctx::Role;
use bedside_gateway::ingest::Ingest;

use crate::boot::App;
use crate::cli;
use crate::fault::Fault;
use crate::out::{Out, Piece};

pub(super) async fn run(
    app: &App,
    user: &str,
    command: cli::Ingest,
    out: &Out,
) -> Result<u8, Fault> {
    let ctx = app.operator(user, Role::Engineer, None).await?;
    if command.source.trim().is_empty() {
        return Err(Fault::input("--source needs a name"));
    }
    // A path that is mistyped must not leave a source behind.
    if !command
        .paths
        .iter()
        .any(|path| path.symlink_metadata().is_ok())
    {
        let named: Vec<String> = command
            .paths
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        return Err(Fault::input(format!("there is no {}", named.join(", no "))));
    }
    let source = app
        .store
        .ensure_source(&ctx, &command.source, "generic", None, &app.config.zone)
        .await?;
    let ingest = Ingest {
        store: app.store.clone(),
        lanes: app.gateway.lanes().clone(),
        ctx,
        source,
        own: app.own.to_vec(),
    };
    let tally = ingest.run(command.paths, out.progress()).await?;
    out.piece(Piece::Done).await;
    for failure in &tally.failures {
        out.note(format!(
            "bedside: {}: {}",
            failure.path.display(),
            failure.why
        ))
        .await;
    }
    for (reason, count) in &tally.reasons {
        out.note(format!("bedside: {count} quarantined: {reason}"))
            .await;
    }
    if out.json() {
        out.document(&tally).await;
    } else {
        out.line(format!(
            "{} files, {} units received: {} accepted, {} duplicates, {} quarantined; {} resources written in {:.1} s",
            tally.files, tally.received, tally.accepted, tally.duplicates, tally.quarantined, tally.resources, tally.seconds
        ))
        .await;
        if tally.quarantined > 0 {
            out.line("See them with: bedside quarantine list").await;
        }
    }
    Ok(u8::from(
        tally.quarantined > 0 || !tally.failures.is_empty(),
    ))
}
