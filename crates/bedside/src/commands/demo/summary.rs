//! What the played day came to.

use std::sync::Arc;
use std::time::Instant;

use bedside_core::ctx::{OpCtx, Role};
use bedside_store::SourceStatus;
use serde_json::json;

use super::stage::Stage;
use crate::boot::App;
use crate::fault::Fault;
use crate::out::Out;
use crate::user;

/// One EHR: its API and its feed together.
struct Ehr<'a> {
    name: &'a str,
    vendor: &'a str,
    routes: Vec<&'a SourceStatus>,
}

impl Ehr<'_> {
    fn sum(&self, of: impl Fn(&SourceStatus) -> u64) -> u64 {
        self.routes.iter().map(|route| of(route)).sum()
    }
}

/// Prints it.
pub(super) async fn print(
    app: &App,
    stage: &Stage,
    out: &Out,
    started: Instant,
    played: u64,
) -> Result<(), Fault> {
    let ctx = OpCtx::service(
        app.store.tenant().clone(),
        "demo",
        Arc::clone(app.store.clock()),
    );
    let sources = app.store.sources(&ctx).await?;
    let counts = app.store.counts(&ctx).await?;
    let cases = app.store.case_counts(&ctx).await?;
    let outbox = app.store.outbox_counts(&ctx).await?;
    let name = user::name(user::uid());
    app.store.operator_account(&name).await?;
    let compliance = app.operator(&name, Role::Compliance, None).await?;
    let audit = app.store.audit_verify(&compliance).await?;
    let ehrs: Vec<Ehr<'_>> = stage
        .stands
        .iter()
        .map(|stand| {
            let name = stand.vendor.as_str();
            Ehr {
                name,
                vendor: name,
                routes: sources
                    .iter()
                    .filter(|status| status.source.system.as_str() == name)
                    .collect(),
            }
        })
        .collect();
    let state = |word: &str| cases.by_state.get(word).copied().unwrap_or(0);
    let seconds = started.elapsed().as_secs_f64();
    if out.json() {
        let list: Vec<serde_json::Value> = ehrs
            .iter()
            .map(|ehr| {
                json!({
                    "name": ehr.name, "vendor": ehr.vendor, "patients": ehr.sum(|s| s.patients), "resources": ehr.sum(|s| s.resources),
                    "messages": ehr.sum(|s| s.messages), "quarantined": ehr.sum(|s| s.parked + s.held),
                })
            })
            .collect();
        out.document(&json!({
            "sources": list, "persons": counts.persons, "links": counts.links,
            "items": { "opened": cases.opened_ever, "acknowledged": cases.acknowledged_ever, "done": state("done"), "withdrawn": state("withdrawn") },
            "writes": { "confirmed": outbox.confirmed, "unknown": outbox.unknown, "refused": outbox.refused },
            "audit": { "entries": audit.entries, "root": audit.root }, "seconds": seconds,
        }))
        .await;
        return Ok(());
    }
    out.line(format!(
        "One simulated day, {played} messages and three FHIR APIs, in {seconds:.1} s."
    ))
    .await;
    for ehr in &ehrs {
        out.line(format!(
            "  {:<10} {} patients, {} resources from {} inputs, {} quarantined",
            ehr.name,
            ehr.sum(|s| s.patients),
            ehr.sum(|s| s.resources),
            ehr.sum(|s| s.messages),
            ehr.sum(|s| s.parked + s.held)
        ))
        .await;
    }
    out.line(format!(
        "  {} persons, {} links, {} possibly the same",
        counts.persons, counts.links, counts.possible
    ))
    .await;
    out.line(format!(
        "  {} items opened, {} acknowledged, {} done, {} withdrawn; {} notes confirmed by the EHRs, {} unknown, {} refused",
        cases.opened_ever,
        cases.acknowledged_ever,
        state("done"),
        state("withdrawn"),
        outbox.confirmed,
        outbox.unknown,
        outbox.refused
    ))
    .await;
    out.line(format!(
        "  audit log of {} entries, {}",
        audit.entries,
        if audit.ok { "intact" } else { "NOT INTACT" }
    ))
    .await;
    Ok(())
}
