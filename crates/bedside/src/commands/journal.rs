//! `bedside journal list`.

use bedside_core::ctx::Role;
use bedside_core::journal::InputState;
use bedside_store::JournalFilter;
use serde_json::json;

use super::time;
use crate::boot::App;
use crate::cli::JournalCommand;
use crate::fault::Fault;
use crate::out::Out;

/// Lines read in one go.
const PAGE: u32 = 2_000;

pub(super) async fn run(
    app: &App,
    user: &str,
    command: JournalCommand,
    out: &Out,
) -> Result<u8, Fault> {
    let JournalCommand::List {
        source,
        since,
        state,
    } = command;
    let ctx = app.operator(user, Role::Engineer, None).await?;
    let zone = app.config.zone();
    let since = since.map(|text| time::since(&text, &zone)).transpose()?;
    let state = match state {
        Some(word) => Some(InputState::parse(&word).ok_or_else(|| {
            Fault::input(format!(
                "`{word}` is no state; it is one of pending, applied, noop, parked, held"
            ))
        })?),
        None => None,
    };
    let mut after = None;
    let mut any = false;
    loop {
        let filter = JournalFilter {
            source: source.clone(),
            since,
            state,
            after: Some(after.unwrap_or_default()),
            limit: PAGE,
            ..JournalFilter::default()
        };
        let page = app.store.journal(&ctx, filter).await?;
        for row in &page {
            any = true;
            if out.json() {
                out.document(&json!({
                    "seq": row.seq,
                    "source": row.source,
                    "kind": row.kind,
                    "control_id": row.control_id,
                    "received_at": row.received_at.to_string(),
                    "state": row.state,
                    "reason": row.reason,
                }))
                .await;
            } else {
                out.line(format!(
                    "{:>8}  {}  {:<12} {:<22} {:<24} {:<8} {}",
                    row.seq.0,
                    row.received_at
                        .to_zoned(zone.clone())
                        .strftime("%Y-%m-%d %H:%M:%S"),
                    row.source,
                    row.message_type,
                    row.control_id,
                    row.state.as_str(),
                    row.reason
                ))
                .await;
            }
        }
        match page.last() {
            Some(last) if page.len() == usize::try_from(PAGE).unwrap_or(usize::MAX) => {
                after = Some(last.seq)
            }
            _ => break,
        }
    }
    if !any {
        out.note("nothing has been received that fits").await;
    }
    Ok(0)
}
