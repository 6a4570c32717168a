//! The list of persons, and finding one. The search is a posted form, so that what was looked for is in no address and no log
//! but the audit log.

use axum::extract::{Query, State};
use axum::response::Response;
use bedside_store::PatientHit;
use maud::{Markup, html};
use serde::Deserialize;

use crate::app::Console;
use crate::console::page::{self, Place};
use crate::console::part;
use crate::console::person_line::PersonLine;
use crate::failure::Failure;
use crate::guard::Caller;
use crate::posted::Posted;

/// Persons on a page: a screenful or two, and each is an entry in the audit log.
const PAGE: u32 = 25;

/// Hits of a search. Who finds more has to say more.
const HITS: u32 = 50;

#[derive(Deserialize)]
pub(crate) struct Paging {
    #[serde(default)]
    page: u64,
}

/// All persons, a page at a time.
pub(crate) async fn list(
    State(console): State<Console>,
    caller: Caller,
    Query(paging): Query<Paging>,
) -> Result<Response, Failure> {
    let number = paging.page.clamp(1, 1_000_000);
    let offset = (number - 1) * u64::from(PAGE);
    let (hits, total) = console
        .store()
        .list_patients(&caller.ctx, offset, PAGE)
        .await?;
    let shown = u64::try_from(hits.len()).unwrap_or(u64::MAX);
    let main = html! {
        h1 { "Patients" }
        (search_form(&caller, ""))
        @if total == 0 {
            (empty("No patients yet", "Nothing has been taken in. As soon as a feed sends a patient, it appears here."))
        } @else if hits.is_empty() {
            (empty("Nothing on this page", "The list is shorter than that."))
            p { a href="/patients" { "Back to the first page" } }
        } @else {
            p.quiet { (offset + 1) " to " (offset + shown) " of " (part::count(total, "person", "persons")) }
            (rows(&console, "Patients", &hits))
            nav.paging aria-label="Pages" {
                @if number > 1 { a rel="prev" href={ "/patients?page=" (number - 1) } { "Previous page" } }
                @if offset + shown < total { a rel="next" href={ "/patients?page=" (number + 1) } { "Next page" } }
            }
        }
    };
    Ok(page::page(&console, &caller, Place::Patients, "Patients", main).await)
}

/// Persons by name, number or birth date.
pub(crate) async fn search(
    State(console): State<Console>,
    posted: Posted,
) -> Result<Response, Failure> {
    let query = posted.text("query");
    if query.is_empty() {
        return Err(Failure::invalid(
            "Type a name, a number or a birth date to look for.",
        ));
    }
    let hits = console
        .store()
        .find_patients(&posted.caller.ctx, query, HITS)
        .await?;
    let found = u64::try_from(hits.len()).unwrap_or(u64::MAX);
    let main = html! {
        h1 { "Patients found" }
        (search_form(&posted.caller, query))
        @if hits.is_empty() {
            (empty("Nobody found", "No patient matches that. Check the spelling, or try the number alone. A patient who was never sent to Bedside can't be found here."))
        } @else {
            p.quiet role="status" {
                (part::count(found, "person", "persons")) " found"
                @if found >= u64::from(HITS) { "; there may be more: say more to see them" }
            }
            (rows(&console, "Patients found", &hits))
        }
        p { a href="/patients" { "All patients" } }
    };
    Ok(page::page(
        &console,
        &posted.caller,
        Place::Patients,
        "Patients found",
        main,
    )
    .await)
}

fn search_form(caller: &Caller, query: &str) -> Markup {
    html! {
        search {
            form.find method="post" action="/patients" {
                (part::token(caller))
                label for="query" { "Find a patient" }
                input #query name="query" type="search" value=(query) maxlength="200" autocomplete="off" spellcheck="false"
                    aria-describedby="query-help";
                button type="submit" { "Find" }
                p #query-help.quiet { "Name, number or birth date (1955-03-09)" }
            }
        }
    }
}

fn rows(console: &Console, caption: &str, hits: &[PatientHit]) -> Markup {
    let rows = html! {
        @for hit in hits {
            @let line = PersonLine::read(&hit.body, console.now(), console.zone());
            tr role="row" {
                (part::row_head("Name", &html! { a.name href={ "/patient/" (hit.person) } { (line.name) } }))
                (part::cell("Born", &html! { (line.born) }))
                (part::cell("Sex", &html! { (line.sex) }))
                (part::cell("Numbers", &html! {
                    @if line.identifiers.is_empty() { "not known" }
                    @for (label, value) in &line.identifiers { span.number { span.quiet { (label) } " " (value) } " " }
                }))
                (part::cell("Records", &html! {
                    (part::count(u64::try_from(hit.patients.len()).unwrap_or(u64::MAX), "record", "records"))
                    @if hit.doubts > 0 {
                        " " (part::chip_of("conflict", "≠", "possibly the same person as another"))
                    }
                }))
            }
        }
    };
    part::table(
        caption,
        &["Name", "Born", "Sex", "Numbers", "Records"],
        &rows,
    )
}

fn empty(headline: &str, words: &str) -> Markup {
    html! { div.empty role="status" { h2 { (headline) } p { (words) } } }
}
