//! `bedside patient find|show`.

use bedside_core::chart;
use bedside_core::ctx::Role;
use serde_json::json;

use super::time;
use crate::boot::App;
use crate::cli::{Format, PatientCommand};
use crate::fault::Fault;
use crate::out::Out;

/// People listed at most.
const LIMIT: u32 = 50;

pub(super) async fn run(
    app: &App,
    user: &str,
    command: PatientCommand,
    out: &Out,
) -> Result<u8, Fault> {
    match command {
        PatientCommand::Find {
            query,
            role,
            reason,
        } => {
            let ctx = app.operator(user, parse(&role)?, reason).await?;
            let hits = app.store.find_patients(&ctx, &query, LIMIT).await?;
            for hit in &hits {
                let who = chart::who(&hit.body, ctx.now(), &app.config.zone());
                let numbers: Vec<String> = who
                    .identifiers
                    .iter()
                    .map(|id| format!("{} {}", id.label, id.value))
                    .collect();
                let name = if who.name.is_empty() {
                    "name not known"
                } else {
                    who.name.as_str()
                };
                if out.json() {
                    out.document(&json!({
                        "id": hit.person, "name": name, "birth_date": who.birth_date, "gender": who.gender,
                        "identifiers": who.identifiers, "patients": hit.patients, "possibly_same": hit.doubts,
                    }))
                    .await;
                } else {
                    let doubt = if hit.doubts > 0 {
                        "  possibly the same person as another"
                    } else {
                        ""
                    };
                    out.line(format!(
                        "{}  {}  born {}  {}{doubt}",
                        hit.person,
                        name,
                        who.birth_date.as_deref().unwrap_or("not known"),
                        numbers.join(", ")
                    ))
                    .await;
                }
            }
            if hits.is_empty() {
                out.note("nobody fits; try the beginning of a name, a number or a birth date")
                    .await;
            }
            if u32::try_from(hits.len()) == Ok(LIMIT) {
                out.note(format!("the first {LIMIT} are listed and there may be more; say more of the name, or a number or a birth date"))
                    .await;
            }
            Ok(0)
        }
        PatientCommand::Show {
            id,
            as_of,
            role,
            reason,
            format,
        } => {
            let zone = app.config.zone();
            let as_of = as_of.map(|text| time::until(&text, &zone)).transpose()?;
            let ctx = app.operator(user, parse(&role)?, reason).await?;
            let record = match app.store.person(&ctx, &id, as_of).await {
                Err(bedside_store::Error::NotFound(_)) if as_of.is_some() => {
                    return Err(Fault {
                        status: 1,
                        message: String::from("nothing was known under this id at that time"),
                    });
                }
                result => result?,
            };
            let chart = chart::build_with(&record, &app.catalogue, as_of, ctx.now(), &zone);
            match format {
                Format::Fhir => out.data(chart::bundle(&record)).await,
                Format::Summary if out.json() => out.document(&chart::json(&chart)).await,
                Format::Summary => out.line(chart::summary(&chart)).await,
            }
            Ok(0)
        }
    }
}

fn parse(role: &str) -> Result<Role, Fault> {
    Role::parse(role).ok_or_else(|| {
        Fault::input(format!(
            "`{role}` is no role; it is one of clinician, engineer, compliance, application"
        ))
    })
}
