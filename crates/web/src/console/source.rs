//! One source: its connection, its incidents, and for each of its patients what was asked and how that ended. Public ids only: who a patient
//! is stands in the chart, behind the guard and in the log. Pausing and asking anew are here too.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::{Path, Query, State};
use axum::response::{Redirect, Response};
use bedside_core::access::{Action, authorise};
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::completeness::Coverage;
use bedside_core::incident::Kind;
use bedside_fact::id::SourceId;
use bedside_store::CompletenessRow;
use maud::{Markup, html};
use serde::Deserialize;

use crate::app::Console;
use crate::console::page::{self, Place};
use crate::console::{part, sources};
use crate::failure::Failure;
use crate::guard::Caller;
use crate::posted::Posted;

/// Patients on a page.
const PAGE: usize = 50;

#[derive(Deserialize)]
pub(crate) struct Paging {
    #[serde(default)]
    page: usize,
}

/// Where a source's page is. The name comes from a configuration and may hold anything.
pub(crate) fn path(name: &str) -> String {
    let mut path = String::from("/sources/");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

/// The page.
pub(crate) async fn page(
    State(console): State<Console>,
    caller: Caller,
    Path(name): Path<String>,
    Query(paging): Query<Paging>,
) -> Result<Response, Failure> {
    let connection = console
        .app
        .connections
        .status()
        .into_iter()
        .find(|one| one.name == name);
    let source = SourceId::new(name.as_str());
    let operations = if sources::reads_operations(caller.role()) {
        let mut incidents = console.store().incidents(&caller.ctx, false).await?;
        incidents.retain(|one| one.source == source);
        let asked = console
            .store()
            .completeness_overview(&caller.ctx, Some(&source))
            .await?;
        Some((incidents, asked))
    } else {
        None
    };
    let is_known = connection.is_some()
        || operations
            .as_ref()
            .is_some_and(|(incidents, asked)| !incidents.is_empty() || !asked.is_empty());
    if !is_known {
        return Err(Failure::not_found());
    }
    let main = html! {
        p.back { a href="/sources" { "Sources" } }
        h1 { (name) }
        @if let Some(one) = &connection { (sources::card(&console, &caller, one, false)) }
        @if let Some((incidents, asked)) = &operations {
            section.fact aria-labelledby="incidents-title" {
                header { h2 #incidents-title { "Incidents" } }
                (sources::incident_table(&console, &caller, incidents))
            }
            section.fact #asked aria-labelledby="asked-title" {
                header { h2 #asked-title { "What was asked for each patient, and how it ended" } }
                (matrix(&console, &name, asked, paging.page.clamp(1, 1_000_000)))
            }
        }
    };
    Ok(page::page(&console, &caller, Place::Sources, "Source", main).await)
}

/// Stops asking.
pub(crate) async fn pause(
    State(console): State<Console>,
    Path(name): Path<String>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    control(&console, &posted.caller, &name, "connection.pause").await?;
    console.app.connections.pause(&name, true);
    Ok(Redirect::to("/sources"))
}

/// Goes on asking.
pub(crate) async fn resume(
    State(console): State<Console>,
    Path(name): Path<String>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    control(&console, &posted.caller, &name, "connection.resume").await?;
    console.app.connections.pause(&name, false);
    Ok(Redirect::to("/sources"))
}

/// Asks everything anew.
pub(crate) async fn resync(
    State(console): State<Console>,
    Path(name): Path<String>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    control(&console, &posted.caller, &name, "connection.resync").await?;
    console.app.connections.resync(&name);
    Ok(Redirect::to("/sources"))
}

/// Somebody has seen an incident that does not end by itself.
pub(crate) async fn seen(
    State(console): State<Console>,
    Path((name, kind)): Path<(String, String)>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    let kind = Kind::parse(&kind).ok_or_else(Failure::not_found)?;
    let source = SourceId::new(name.as_str());
    console
        .store()
        .incident_seen(&posted.caller.ctx, &source, kind)
        .await?;
    Ok(Redirect::to("/sources#incidents-title"))
}

/// Switches a way to write off or on again. Whether it was proven is another matter, and stays as it is.
pub(crate) async fn switch(
    State(console): State<Console>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    let route = posted.given("route").ok_or_else(Failure::not_found)?;
    let why = posted
        .given("why")
        .ok_or_else(|| Failure::invalid("Say why. Nothing was changed."))?;
    let off = posted.text("to") == "off";
    console
        .store()
        .switch_route(&posted.caller.ctx, &route, off, &why)
        .await?;
    Ok(Redirect::to("/sources#routes-title"))
}

/// May this caller, and is there such a connection? Either way it is in the log before anything happens.
async fn control(
    console: &Console,
    caller: &Caller,
    name: &str,
    action: &str,
) -> Result<(), Failure> {
    let is_known = console
        .app
        .connections
        .status()
        .iter()
        .any(|one| one.name == name);
    let denial = authorise(&caller.ctx, Action::Operate).err();
    let outcome = if denial.is_some() {
        AuditOutcome::Denied
    } else {
        AuditOutcome::Success
    };
    // A name that is none of ours was chosen by a stranger, so it is not repeated.
    let detail = if is_known { name } else { "no such connection" };
    console
        .store()
        .audit(
            &caller.ctx,
            Entry::new(&caller.ctx, action, outcome).detail(detail),
        )
        .await?;
    match denial {
        Some(denial) => Err(bedside_store::Error::Denied(denial).into()),
        None if is_known => Ok(()),
        None => Err(Failure::not_found()),
    }
}

type Asked<'a> = BTreeMap<(&'a str, &'a str), &'a CompletenessRow>;

/// Patients by kinds. What was never asked has no row, and says so.
fn matrix(console: &Console, name: &str, asked: &[CompletenessRow], number: usize) -> Markup {
    if asked.is_empty() {
        return html! { p { "Nothing has been asked of this source yet, so nothing it holds may be taken for absent." } };
    }
    let kinds: BTreeSet<(&str, &str)> = asked
        .iter()
        .map(|row| (row.resource_type.as_str(), row.category.as_str()))
        .collect();
    let mut patients: BTreeMap<&str, Asked<'_>> = BTreeMap::new();
    for row in asked {
        patients
            .entry(row.patient.as_str())
            .or_default()
            .insert((row.resource_type.as_str(), row.category.as_str()), row);
    }
    let heads: Vec<String> = kinds
        .iter()
        .map(|kind| kind_words(kind.0, kind.1))
        .collect();
    let columns: Vec<&str> = std::iter::once("Patient")
        .chain(heads.iter().map(String::as_str))
        .collect();
    let total = patients.len();
    let rows = html! {
        @for (patient, row) in patients.iter().skip((number - 1) * PAGE).take(PAGE) {
            tr role="row" {
                (part::row_head("Patient", &html! { a.id href={ "/patient/" (patient) } { (patient) } }))
                @for (kind, head) in kinds.iter().zip(&heads) {
                    (part::cell(head, &html! {
                        @match row.get(kind) {
                            Some(asked) => { (coverage(asked.coverage)) span.age { (bedside_fact::time::age_words(asked.asked_at, console.now())) } },
                            None => (coverage(Coverage::NeverAsked)),
                        }
                    }))
                }
            }
        }
    };
    html! {
        p.asof-line { (part::count(u64::try_from(total).unwrap_or(u64::MAX), "patient", "patients")) ". Only where the last answer was complete may an empty list be read as none." }
        div.wide-table { (part::table("What was asked for each patient, and how it ended", &columns, &rows)) }
        nav.paging aria-label="Pages" {
            @if number > 1 { a rel="prev" href={ (path(name)) "?page=" (number - 1) "#asked" } { "Previous page" } }
            @if number * PAGE < total { a rel="next" href={ (path(name)) "?page=" (number + 1) "#asked" } { "Next page" } }
        }
    }
}

/// How a question ended, in a word.
pub(crate) const fn coverage_words(coverage: Coverage) -> &'static str {
    match coverage {
        Coverage::Complete => "complete",
        Coverage::Truncated => "incomplete",
        Coverage::Denied => "refused",
        Coverage::Unlicensed => "not licensed",
        Coverage::Failed => "failed",
        Coverage::NeverAsked => "not asked",
    }
}

fn coverage(coverage: Coverage) -> Markup {
    let (class, shape) = match coverage {
        Coverage::Complete => ("present", "●"),
        Coverage::Truncated => ("stale", "◔"),
        Coverage::Denied => ("conflict", "✕"),
        Coverage::Unlicensed | Coverage::NeverAsked => ("unknown", "◌"),
        Coverage::Failed => ("conflict", "■"),
    };
    part::chip_of(class, shape, coverage_words(coverage))
}

/// `Observation`, `laboratory` as `Laboratory`; `AllergyIntolerance` as `Allergy intolerance`.
fn kind_words(resource_type: &str, category: &str) -> String {
    let from = if category.is_empty() {
        resource_type
    } else {
        category
    };
    let mut words = String::new();
    for letter in from.chars() {
        if words.is_empty() {
            words.extend(letter.to_uppercase());
        } else if letter.is_ascii_uppercase() {
            words.push(' ');
            words.push(letter.to_ascii_lowercase());
        } else if letter == '-' || letter == '_' {
            words.push(' ');
        } else {
            words.push(letter);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_read_as_words() {
        assert_eq!(kind_words("AllergyIntolerance", ""), "Allergy intolerance");
        assert_eq!(kind_words("Observation", "vital-signs"), "Vital signs");
        assert_eq!(kind_words("", ""), "");
    }

    #[test]
    fn a_name_with_anything_in_it_stays_one_segment_of_the_path() {
        assert_eq!(path("oracle"), "/sources/oracle");
        assert_eq!(path("a/b ?é"), "/sources/a%2Fb%20%3F%C3%A9");
    }
}
