//! The links of a person: merges and possible duplicates, side by side, and how to undo a merge. For integration engineers.

use axum::extract::{Path, State};
use axum::response::{Redirect, Response};
use bedside_core::record::{Link, PersonRecord};
use bedside_fact::id::Seq;
use maud::{Markup, html};

use crate::app::Console;
use crate::console::page::{self, Place};
use crate::console::part;
use crate::console::patient::basis_words;
use crate::console::person_line::PersonLine;
use crate::failure::Failure;
use crate::guard::Caller;
use crate::posted::Posted;

/// One side: who it is and how much hangs on it.
#[derive(Default)]
struct Side {
    id: String,
    line: PersonLine,
    encounters: usize,
    observations: usize,
}

/// All links of a person.
pub(crate) async fn show(
    State(console): State<Console>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let record = console.store().person(&caller.ctx, &id, None).await?;
    let links = console.store().links(&caller.ctx, &id).await?;
    let mut pairs = Vec::with_capacity(links.len());
    for link in links {
        let a = side(&console, &caller, &record, &link.a).await?;
        let b = side(&console, &caller, &record, &link.b).await?;
        pairs.push((link, a, b));
    }
    let main = html! {
        h1 { "Links of this person" }
        p { a href={ "/patient/" (id) } { "Back to the chart" } }
        @if pairs.is_empty() {
            div.empty { h2 { "No links" } p { "This person is one record of one source, and no other record looks like it." } }
        }
        @for (n, (link, a, b)) in pairs.iter().enumerate() { (pair(&caller, &id, (n + 1, pairs.len()), link, a, b)) }
    };
    Ok(page::page(&console, &caller, Place::Patients, "Links", main).await)
}

/// Takes a merge back. What the prior number stood for comes back as it was.
pub(crate) async fn undo(
    State(console): State<Console>,
    Path((id, seq)): Path<(String, i64)>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    let why = posted
        .given("why")
        .ok_or_else(|| Failure::invalid("Say why this is undone. Nothing was changed."))?;
    console
        .store()
        .undo_merge(&posted.caller.ctx, Seq(seq), &why)
        .await?;
    console.app.feeds.nudge();
    Ok(Redirect::to(&format!("/patient/{id}/links")))
}

async fn side(
    console: &Console,
    caller: &Caller,
    record: &PersonRecord,
    id: &str,
) -> Result<Side, Failure> {
    if record.patients.iter().any(|patient| patient.as_str() == id) {
        return Ok(read(console, record, id));
    }
    // The other one of a proposal is a person of its own, and looking at it is an entry in the log of its own.
    let other = console.store().person(&caller.ctx, id, None).await?;
    Ok(read(console, &other, id))
}

fn read(console: &Console, record: &PersonRecord, id: &str) -> Side {
    let count = |wanted: &str| {
        let inside = record.resources.iter().filter(|stored| {
            stored
                .patient
                .as_ref()
                .is_some_and(|patient| patient.as_str() == id)
        });
        inside
            .filter(|stored| stored.resource_type == wanted)
            .count()
    };
    let patient = record
        .resources
        .iter()
        .find(|stored| stored.resource_type == "Patient" && stored.id.as_str() == id);
    Side {
        id: id.to_owned(),
        line: patient.map_or_else(PersonLine::default, |stored| {
            PersonLine::read(&stored.body, console.now(), console.zone())
        }),
        encounters: count("Encounter"),
        observations: count("Observation"),
    }
}

fn pair(
    caller: &Caller,
    id: &str,
    (n, of): (usize, usize),
    link: &Link,
    a: &Side,
    b: &Side,
) -> Markup {
    let kind = match link.kind.as_str() {
        "merge" => "Merged by the source",
        "identifier" => "Linked by a shared number",
        "possible" => "Possibly the same person",
        _ => "Linked",
    };
    // One message can make several links of one kind: each has its own name and its own place on the page.
    let title = if of > 1 {
        format!("{kind} ({n} of {of})")
    } else {
        kind.to_owned()
    };
    let heading = format!("link-{n}");
    let (left, right) = if link.kind == "merge" {
        ("Stays", "Went into it")
    } else {
        ("One record", "The other record")
    };
    html! {
        section.fact aria-labelledby=(heading) {
            header { h2 id=(heading) { (title) } @if !link.basis.is_empty() { span.quiet { "by " (basis_words(&link.basis)) } } }
            table.compare {
                caption { (title) ", side by side" }
                thead { tr { th scope="col" { "Field" } th scope="col" { (left) } th scope="col" { (right) } th scope="col" { "Agree" } } }
                tbody {
                    (compared("Name", &a.line.name, &b.line.name))
                    (compared("Born", &a.line.born, &b.line.born))
                    (compared("Sex", &a.line.sex, &b.line.sex))
                    (compared("Numbers", &numbers(&a.line), &numbers(&b.line)))
                    (compared("Telephone", &a.line.phones.join(", "), &b.line.phones.join(", ")))
                    (compared("Address", &a.line.addresses.join("; "), &b.line.addresses.join("; ")))
                    tr { th scope="row" { "Encounters" } td { (a.encounters) } td { (b.encounters) } td {} }
                    tr { th scope="row" { "Results" } td { (a.observations) } td { (b.observations) } td {} }
                    tr {
                        th scope="row" { "Chart" }
                        td { a href={ "/patient/" (a.id) } { "Open the first" } }
                        td { a href={ "/patient/" (b.id) } { "Open the second" } }
                        td {}
                    }
                }
            }
            @if ["merge", "identifier"].contains(&link.kind.as_str()) {
                form.panel method="post" action={ "/patient/" (id) "/links/" (link.seq) "/undo" } {
                    (part::token(caller))
                    label for={ "why-" (n) } { "Why is this wrong" }
                    p.quiet { "The two become separate persons again, with what each had before. What the source sent stays in the journal." }
                    input id={ "why-" (n) } name="why" type="text" required maxlength="500";
                    button.danger type="submit" { @if link.kind == "merge" { "Undo the merge" } @else { "Undo the link" } }
                }
            }
        }
    }
}

fn compared(field: &str, a: &str, b: &str) -> Markup {
    let words = |text: &str| {
        if text.is_empty() {
            String::from("not known")
        } else {
            text.to_owned()
        }
    };
    html! {
        tr class=[(a != b).then_some("differs")] {
            th scope="row" { (field) }
            td { (words(a)) }
            td { (words(b)) }
            td { @if a.is_empty() || b.is_empty() { "can't be said" } @else if a == b { "same" } @else { strong { "differ" } } }
        }
    }
}

fn numbers(line: &PersonLine) -> String {
    line.identifiers
        .iter()
        .map(|(label, value)| format!("{label} {value}"))
        .collect::<Vec<_>>()
        .join(", ")
}
