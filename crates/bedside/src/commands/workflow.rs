//! `bedside workflow check|print`: definitions, read without a store.

use std::path::{Path, PathBuf};

use bedside_workflow::Groups;
use serde_json::json;

use crate::cli::WorkflowCommand;
use crate::fault::Fault;
use crate::out::Out;
use crate::site;

pub(super) async fn run(command: WorkflowCommand, out: &Out) -> Result<u8, Fault> {
    match command {
        WorkflowCommand::Check { files, facts } => check(&files, facts.as_deref(), out).await,
        WorkflowCommand::Print { name } => {
            let text = match name.as_str() {
                "groups" => bedside_workflow::GROUPS,
                _ => bedside_workflow::CRITICAL_POTASSIUM,
            };
            out.data(text.to_owned()).await;
            Ok(0)
        }
    }
}

async fn check(files: &[PathBuf], facts: Option<&Path>, out: &Out) -> Result<u8, Fault> {
    let mut problems = Vec::new();
    let catalogue = match facts {
        None => site::shipped_facts()?,
        Some(path) => match site::facts(path)? {
            Ok(catalogue) => catalogue,
            Err(found) => {
                problems.extend(found);
                site::shipped_facts()?
            }
        },
    };
    let is_groups = |path: &&PathBuf| path.file_name().is_some_and(|name| name == "groups.yaml");
    let mut groups: Option<Groups> = None;
    for path in files.iter().filter(is_groups) {
        let text = match site::decoded(path)? {
            Ok(text) => text,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        match bedside_workflow::groups(&path.display().to_string(), &text) {
            Ok(read) => groups = Some(read),
            Err(found) => problems.extend(found),
        }
    }
    let groups = match groups {
        Some(groups) => groups,
        None => beside(files)?,
    };
    // No configuration is named here: the zone is that of the machine on which somebody checks.
    let today = site::today(jiff::tz::TimeZone::system());
    let vocabulary = site::vocabulary(&catalogue);
    let mut checked = 0_usize;
    let mut warnings: Vec<String> = Vec::new();
    for path in files.iter().filter(|path| !is_groups(path)) {
        checked += 1;
        let name = path.display().to_string();
        let text = match site::decoded(path)? {
            Ok(text) => text,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        let read = bedside_workflow::review(&name, &text, &vocabulary, &groups, today);
        match read {
            Ok(definition) => warnings.extend(site::warnings(&definition, today)),
            Err(found) => problems.extend(found),
        }
    }
    let ok = problems.is_empty();
    if out.json() {
        for warning in &warnings {
            out.note(warning.clone()).await;
        }
        out.document(&json!({ "ok": ok, "problems": problems }))
            .await;
        return Ok(u8::from(!ok));
    }
    for problem in &problems {
        out.line(site::line(problem)).await;
    }
    for warning in &warnings {
        out.note(format!("warning: {warning}")).await;
    }
    if ok {
        out.line(format!("{checked} definition(s) in order.")).await;
    } else {
        out.note(format!(
            "{} problem(s); nothing that has one is loaded",
            problems.len()
        ))
        .await;
    }
    Ok(u8::from(!ok))
}

/// The code lists beside the first definition, else the shipped ones.
fn beside(files: &[PathBuf]) -> Result<Groups, Fault> {
    let path = files
        .first()
        .and_then(|file| file.parent())
        .map(|folder| folder.join("groups.yaml"))
        .filter(|path| path.exists());
    match path {
        Some(path) => site::groups(&path),
        None => site::shipped_groups(),
    }
}
