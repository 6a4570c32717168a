//! `bedside connect check|keys|prove|pause|resume|resync`.

use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::{OpCtx, Role};
use bedside_gateway::connection::{Connections, Finding};
use serde_json::json;

use crate::boot::App;
use crate::cli::ConnectCommand;
use crate::fault::Fault;
use crate::out::Out;

pub(super) async fn run(
    app: &App,
    user: &str,
    command: ConnectCommand,
    out: &Out,
) -> Result<u8, Fault> {
    let ctx = app.operator(user, Role::Engineer, None).await?;
    match command {
        ConnectCommand::Check { name, all } => {
            let names = match name {
                Some(name) if !all => vec![known(app, &name)?],
                Some(_) | None => names(app),
            };
            check(app, &names, out).await
        }
        ConnectCommand::Keys => {
            out.data(format!("{:#}\n", app.key.jwks())).await;
            Ok(0)
        }
        ConnectCommand::Prove { name, patient } => {
            let name = known(app, &name)?;
            let configured = app
                .config
                .source
                .iter()
                .find(|source| source.name == name)
                .and_then(|source| source.fhir.as_ref()?.test_patient.clone());
            let patient = test_patient(configured, patient, &name)?;
            let outlet = app
                .gateway
                .outlets()
                .iter()
                .find(|outlet| outlet.source.as_str() == name)
                .ok_or_else(|| {
                    Fault::found(format!(
                        "{name} takes no notes by FHIR: there is no route to prove"
                    ))
                })?;
            let id = bedside_gateway::deliver::prove(
                &app.store,
                &ctx,
                outlet,
                &patient,
                app.store.clock().now(),
            )
            .await
            .map_err(|error| Fault::found(format!("{}: {error}", outlet.route)))?;
            if out.json() {
                out.document(&json!({ "route": outlet.route, "proven": true, "id": id }))
                    .await;
            } else {
                out.line(format!(
                    "{} is proven: the test note was written as {id}, read back and compared{}. Notes are written on it from now on.",
                    outlet.route,
                    if outlet.find_by.is_empty() {
                        "; an unanswered note can't be searched for here and is left to a person"
                    } else {
                        ", and found by search"
                    }
                ))
                .await;
            }
            Ok(0)
        }
        ConnectCommand::Pause { name } => {
            control(
                app,
                &ctx,
                &name,
                ("connection.pause", "paused"),
                Connections::pause,
                out,
            )
            .await
        }
        ConnectCommand::Resume { name } => {
            control(
                app,
                &ctx,
                &name,
                ("connection.resume", "asked again"),
                Connections::resume,
                out,
            )
            .await
        }
        ConnectCommand::Resync { name } => {
            control(
                app,
                &ctx,
                &name,
                ("connection.resync", "asked for everything anew"),
                Connections::resync,
                out,
            )
            .await
        }
    }
}

/// The patient whom a test note is written to. Typed at the prompt alone a number may be anybody's, so it is the one of the configuration,
/// which somebody wrote down with care; typed as well, it must be the same.
fn test_patient(
    configured: Option<String>,
    typed: Option<String>,
    source: &str,
) -> Result<String, Fault> {
    let configured = configured.ok_or_else(|| {
        Fault::input(format!(
            "write the EHR's id of a patient whom nobody treats into the configuration: `test_patient` under `[source.fhir]` of {source}"
        ))
    })?;
    match typed {
        Some(typed) if typed != configured => Err(Fault::input(format!(
            "the configuration names another test patient for {source}; a test note goes to that one only"
        ))),
        Some(_) | None => Ok(configured),
    }
}

async fn control(
    app: &App,
    ctx: &OpCtx,
    name: &str,
    (action, done): (&str, &str),
    act: fn(&Connections, &str) -> bool,
    out: &Out,
) -> Result<u8, Fault> {
    let name = known(app, name)?;
    if !app.serving {
        return Err(Fault::input(
            "nothing is asked now: this works beside a running `bedside serve` or `bedside demo`",
        ));
    }
    // In the log before anything happens, as from the console.
    app.store
        .audit(
            ctx,
            Entry::new(ctx, action, AuditOutcome::Success).detail(name.clone()),
        )
        .await?;
    if let Some(connections) = app.gateway.connections() {
        act(connections, &name);
    }
    if out.json() {
        out.document(&json!({ "connection": name, "done": done }))
            .await;
    } else {
        out.line(format!("{name} is {done}")).await;
    }
    Ok(0)
}

async fn check(app: &App, names: &[String], out: &Out) -> Result<u8, Fault> {
    // Nothing to check is nothing that is well.
    let mut all = !names.is_empty();
    let mut list = Vec::new();
    for name in names {
        let check = match app.gateway.connections() {
            Some(connections) => connections.check(name).await,
            None => None,
        };
        let Some(check) = check else {
            all = false;
            let words = "could not be checked: it does not run here";
            if out.json() {
                list.push(json!({ "name": name, "ok": false, "words": words }));
            } else {
                out.line(format!("{name} {words}")).await;
            }
            continue;
        };
        let parts = [
            ("reach", &check.reach),
            ("token", &check.token),
            ("capability", &check.capability),
        ];
        all &= parts.iter().all(|(_, finding)| finding.ok);
        if out.json() {
            let one = |finding: &Finding| json!({ "ok": finding.ok, "words": finding.words, "millis": finding.millis });
            list.push(json!({
                "name": name, "ok": parts.iter().all(|(_, finding)| finding.ok), "reach": one(&check.reach),
                "token": one(&check.token), "capability": one(&check.capability),
            }));
            continue;
        }
        out.line(name.clone()).await;
        for (what, finding) in parts {
            out.line(format!(
                "  {what:<10} {:<3} {} ({} ms)",
                if finding.ok { "ok" } else { "NO" },
                finding.words,
                finding.millis
            ))
            .await;
        }
    }
    if out.json() {
        out.document(&json!({ "ok": all, "connections": list }))
            .await;
    } else if names.is_empty() {
        out.note("the configuration names no FHIR connection; `bedside init` writes an example")
            .await;
    }
    Ok(u8::from(!all))
}

/// The connections: of the configuration, or of the demo.
fn names(app: &App) -> Vec<String> {
    app.gateway
        .connections()
        .map(|connections| {
            connections
                .status()
                .into_iter()
                .map(|status| status.name)
                .collect()
        })
        .unwrap_or_default()
}

fn known(app: &App, name: &str) -> Result<String, Fault> {
    let names = names(app);
    if names.iter().any(|known| known == name) {
        return Ok(name.to_owned());
    }
    Err(Fault::input(format!(
        "there is no connection `{name}`; there are: {}",
        if names.is_empty() {
            String::from("none")
        } else {
            names.join(", ")
        }
    )))
}
