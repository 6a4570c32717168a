//! `bedside audit verify|search`.

use bedside_core::ctx::Role;
use bedside_store::AuditFilter;
use serde_json::json;

use super::time;
use crate::boot::App;
use crate::cli::AuditCommand;
use crate::fault::Fault;
use crate::out::Out;

pub(super) async fn run(
    app: &App,
    user: &str,
    command: AuditCommand,
    out: &Out,
) -> Result<u8, Fault> {
    let ctx = app.operator(user, Role::Compliance, None).await?;
    match command {
        AuditCommand::Verify => {
            let found = app.store.audit_verify(&ctx).await?;
            if out.json() {
                out.document(&json!({
                    "ok": found.ok, "entries": found.entries, "root": found.root, "first_bad": found.first_bad,
                }))
                .await;
            } else if found.ok {
                out.line(format!(
                    "intact: {} entries, root {}",
                    found.entries, found.root
                ))
                .await;
            }
            if !found.ok {
                let reason = found.reason.unwrap_or_default();
                out.note(format!(
                    "bedside: the audit log is not intact: {} ({reason}); keep a copy of everything and call the compliance officer",
                    found.first_bad.unwrap_or_default()
                ))
                .await;
            }
            Ok(u8::from(!found.ok))
        }
        AuditCommand::Search {
            since,
            until,
            actor,
            action,
            patient,
            limit,
        } => {
            let zone = app.config.zone();
            let filter = AuditFilter {
                since: since.map(|text| time::since(&text, &zone)).transpose()?,
                until: until.map(|text| time::until(&text, &zone)).transpose()?,
                actor,
                action,
                patient,
                limit,
                ..AuditFilter::default()
            };
            let rows = app.store.audit_search(&ctx, filter).await?;
            for row in &rows {
                if out.json() {
                    out.document(&json!({ "index": row.index, "at": row.at.to_string(), "entry": row.entry })).await;
                } else {
                    out.line(format!(
                        "{:>8}  {}  {:<20} {:<11} {:<18} {:<8} {} {} {}",
                        row.index,
                        row.at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S"),
                        row.entry.actor,
                        row.entry.role,
                        row.entry.action,
                        format!("{:?}", row.entry.outcome).to_lowercase(),
                        row.entry.patient.as_deref().unwrap_or(""),
                        row.entry.detail.as_deref().unwrap_or(""),
                        row.entry.reason.as_deref().unwrap_or("")
                    ))
                    .await;
                }
            }
            if rows.is_empty() {
                out.note("no entry fits").await;
            }
            Ok(0)
        }
    }
}
