//! The audit log: searching it and proving it. For compliance officers. Whom they look for is in no address.

use axum::extract::State;
use axum::response::Response;
use bedside_core::audit::AuditOutcome;
use bedside_store::audit::{AuditFilter, AuditRow, Verification};
use maud::{Markup, html};

use crate::app::Console;
use crate::console::page::{self, Place};
use crate::console::part;
use crate::failure::Failure;
use crate::guard::Caller;
use crate::posted::Posted;
use crate::when;

/// Entries on a page.
const PAGE: usize = 50;

/// What was typed into the search, to be shown again.
#[derive(Default)]
struct Asked {
    actor: String,
    action: String,
    patient: String,
    outcome: String,
    since: String,
    until: String,
}

/// The newest entries and the search.
pub(crate) async fn page(
    State(console): State<Console>,
    caller: Caller,
) -> Result<Response, Failure> {
    let filter = AuditFilter {
        limit: PAGE,
        ..AuditFilter::default()
    };
    let rows = console.store().audit_search(&caller.ctx, filter).await?;
    Ok(answer(&console, &caller, &Asked::default(), &rows).await)
}

/// Entries by who, what, whom and when.
pub(crate) async fn search(
    State(console): State<Console>,
    posted: Posted,
) -> Result<Response, Failure> {
    let asked = Asked {
        actor: posted.text("actor").to_owned(),
        action: posted.text("action").to_owned(),
        patient: posted.text("patient").to_owned(),
        outcome: posted.text("outcome").to_owned(),
        since: posted.text("since").to_owned(),
        until: posted.text("until").to_owned(),
    };
    let moment = |name: &str| match posted.given(name) {
        None => Ok(None),
        Some(text) => when::typed(&text, console.zone()).map(Some).ok_or_else(|| {
            Failure::invalid(
                "A time could not be read. Write it like 2026-11-22T09:00, or leave it empty.",
            )
        }),
    };
    let filter = AuditFilter {
        since: moment("since")?,
        until: moment("until")?,
        actor: posted.given("actor"),
        action: posted.given("action"),
        patient: posted.given("patient"),
        outcome: outcome(&asked.outcome),
        before: posted.given("before").and_then(|text| text.parse().ok()),
        limit: PAGE,
    };
    let rows = console
        .store()
        .audit_search(&posted.caller.ctx, filter)
        .await?;
    Ok(answer(&console, &posted.caller, &asked, &rows).await)
}

/// Recomputes the whole log.
pub(crate) async fn verify(
    State(console): State<Console>,
    posted: Posted,
) -> Result<Response, Failure> {
    let proof = console.store().audit_verify(&posted.caller.ctx).await?;
    let main = html! {
        h1 { "Audit" }
        (proved(&proof))
        p { a href="/audit" { "Back to the log" } }
    };
    Ok(page::page(
        &console,
        &posted.caller,
        Place::Audit,
        "Verification of the audit log",
        main,
    )
    .await)
}

async fn answer(console: &Console, caller: &Caller, asked: &Asked, rows: &[AuditRow]) -> Response {
    let main = html! {
        h1 { "Audit" }
        form.panel method="post" action="/audit/verify" {
            (part::token(caller))
            p { "Recompute every entry, the tree above them and every signed checkpoint." }
            button type="submit" { "Verify the log" }
        }
        (search_form(caller, asked))
        @if rows.is_empty() {
            div.empty role="status" { h2 { "No entries" } p { "Nothing in the log matches that." } }
        } @else {
            (entries(console, rows))
        }
        @if let Some(last) = rows.last().filter(|_| rows.len() >= PAGE) { (older(caller, asked, last)) }
    };
    page::page(console, caller, Place::Audit, "Audit", main).await
}

fn search_form(caller: &Caller, asked: &Asked) -> Markup {
    html! {
        search {
            form.panel.grid method="post" action="/audit" {
                (part::token(caller))
                (field("actor", "Who", "text", &asked.actor))
                (field("action", "Action, for example patient.read", "text", &asked.action))
                (field("patient", "Public id of a patient", "text", &asked.patient))
                div {
                    label for="outcome" { "Outcome" }
                    select #outcome name="outcome" {
                        @for (value, words) in [("", "any"), ("success", "done"), ("denied", "refused"), ("failure", "failed")] {
                            option value=(value) selected[asked.outcome == value] { (words) }
                        }
                    }
                }
                (field("since", "From", "datetime-local", &asked.since))
                (field("until", "To", "datetime-local", &asked.until))
                div { button type="submit" { "Search" } }
            }
        }
    }
}

fn field(name: &str, label: &str, kind: &str, value: &str) -> Markup {
    html! {
        div {
            label for=(name) { (label) }
            input id=(name) name=(name) type=(kind) value=(value) maxlength="200" autocomplete="off";
        }
    }
}

/// The same search again, further back.
fn older(caller: &Caller, asked: &Asked, last: &AuditRow) -> Markup {
    let fields = [
        ("actor", asked.actor.as_str()),
        ("action", &asked.action),
        ("patient", &asked.patient),
        ("outcome", &asked.outcome),
        ("since", &asked.since),
        ("until", &asked.until),
    ];
    html! {
        form method="post" action="/audit" {
            (part::token(caller))
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            input type="hidden" name="before" value=(last.index);
            button type="submit" { "Older entries" }
        }
    }
}

fn entries(console: &Console, rows: &[AuditRow]) -> Markup {
    let body = html! {
        @for row in rows {
            tr role="row" {
                (part::row_head("Entry", &html! { (row.index) }))
                (part::cell("When", &html! {
                    (when::plain(row.at, console.zone()))
                    @if let Some(happened) = &row.entry.happened_at { span.quiet { "entered late, happened " (happened) } }
                }))
                (part::cell("Who", &html! { (row.entry.actor) " " span.quiet { (row.entry.role) ", " (row.entry.purpose) ", " (row.entry.via) } }))
                (part::cell("Action", &html! { code { (row.entry.action) } }))
                (part::cell("Outcome", &outcome_chip(row.entry.outcome)))
                (part::cell("Patient", &html! {
                    @match &row.entry.patient { Some(id) => code.id { (id) }, None => span.quiet { "none" } }
                }))
                (part::cell("Reason and details", &html! {
                    @if let Some(reason) = &row.entry.reason { "“" (reason) "” " }
                    @if let Some(detail) = &row.entry.detail { (detail) }
                }))
            }
        }
    };
    part::table(
        "Entries, newest first",
        &[
            "Entry",
            "When",
            "Who",
            "Action",
            "Outcome",
            "Patient",
            "Reason and details",
        ],
        &body,
    )
}

fn outcome(word: &str) -> Option<AuditOutcome> {
    match word {
        "success" => Some(AuditOutcome::Success),
        "denied" => Some(AuditOutcome::Denied),
        "failure" => Some(AuditOutcome::Failure),
        _ => None,
    }
}

fn outcome_chip(outcome: AuditOutcome) -> Markup {
    match outcome {
        AuditOutcome::Success => part::chip_of("present", "●", "done"),
        AuditOutcome::Denied => part::chip_of("conflict", "■", "refused"),
        AuditOutcome::Failure => part::chip_of("unverified", "△", "failed"),
    }
}

fn proved(proof: &Verification) -> Markup {
    html! {
        @if proof.ok {
            div.done role="status" {
                h2 { "The log is intact" }
                p { (part::count(proof.entries, "entry", "entries")) " recomputed, with every node and every checkpoint." }
                p.quiet { "Root " code.id { (proof.root) } }
            }
        } @else {
            div.alarm role="alert" {
                h2 { "The log is not intact" }
                p { "First bad: " strong { (proof.first_bad.as_deref().unwrap_or("not known")) } }
                @if let Some(reason) = &proof.reason { p { (reason) } }
                p { "Keep the data directory as it is, keep a copy of the checkpoints, and tell whoever answers for security." }
            }
        }
    }
}
