//! One item: what it says, why, on what it stands, who has it and what can be done. Opening it is noted, so that whoever saw it is told when
//! a result is corrected or taken back. The forms are `act`'s, the facts `context`'s, the past `story`'s.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use bedside_core::chart::{self, Chart};
use bedside_core::ctx::Role;
use bedside_store::case::CaseEvent;
use bedside_workflow::case::{Case, CaseState};
use maud::{Markup, html};
use serde::Deserialize;

use crate::app::Console;
use crate::console::case::{self, Entry};
use crate::console::page::{self, Place};
use crate::console::patient::{self, Rank};
use crate::console::{act, context, news, story};
use crate::desk::Act;
use crate::failure::Failure;
use crate::guard::Caller;
use crate::when;

#[derive(Deserialize)]
pub(crate) struct Did {
    /// What was just done here, for the words above the page.
    #[serde(default)]
    did: String,
}

#[derive(Deserialize)]
pub(crate) struct Known {
    /// What the page showed, as [`stamp`] puts it.
    #[serde(default)]
    stamp: String,
}

/// The page.
pub(crate) async fn show(
    State(console): State<Console>,
    caller: Caller,
    Path(id): Path<String>,
    Query(did): Query<Did>,
) -> Result<Response, Failure> {
    let item = Item::read(&console, &caller, &id).await?;
    if caller.role() == Role::Clinician {
        // What is shown below is what was read above, so nothing that comes in between counts as seen.
        if let Err(refused) = console.app.desk.act(&caller.ctx, &id, Act::Viewed).await {
            tracing::debug!(?refused, "a look at an item was not noted");
        }
    }
    let done = act::done_words(&did.did);
    Ok(item.page(&console, &caller, done, StatusCode::OK).await)
}

/// The part that says that the item is not any more what this page shows. It replaces nothing, since somebody may be in the middle of an
/// answer.
pub(crate) async fn changed(
    State(console): State<Console>,
    caller: Caller,
    Path(id): Path<String>,
    Query(known): Query<Known>,
) -> Result<Response, Failure> {
    let row = console.store().case(&caller.ctx, &id).await?;
    let entry = Entry::of(row);
    Ok(Html(watcher(&console, &entry, &known.stamp).into_string()).into_response())
}

/// An item and all that its page shows.
pub(crate) struct Item {
    entry: Entry,
    events: Vec<CaseEvent>,
    chart: Chart,
}

impl Item {
    pub(crate) async fn read(
        console: &Console,
        caller: &Caller,
        id: &str,
    ) -> Result<Self, Failure> {
        let row = console.store().case(&caller.ctx, id).await?;
        let events = console.store().case_history(&caller.ctx, id).await?;
        let record = console
            .store()
            .person(&caller.ctx, row.patient.as_str(), None)
            .await?;
        let chart = chart::build_with(
            &record,
            &console.app.catalogue,
            None,
            console.now(),
            console.zone(),
        );
        Ok(Self {
            entry: Entry::of(row),
            events,
            chart,
        })
    }

    /// The page, under the words about what was just done or refused.
    pub(crate) async fn page(
        &self,
        console: &Console,
        caller: &Caller,
        words: Markup,
        status: StatusCode,
    ) -> Response {
        let row = &self.entry.row;
        let main = html! {
            p.back { a href="/worklist" { "Worklist" } }
            div.who-is { (patient::banner(&self.chart, Rank::Second)) }
            (words)
            (watcher(console, &self.entry, &stamp(&self.entry)))
            @match &self.entry.case {
                Some(case) => {
                    (notices(console, caller, case))
                    div.item-page.(case::level_class(&row.level)) {
                        (headline(console, case, row.open))
                        aside.desk aria-label="Who has it, and what can be done" { (act::desk(console, caller, &self.entry, case)) }
                        div.basis {
                            (context::sections(console, case))
                            (story::why(case))
                            (story::line(console, &self.events))
                        }
                    }
                },
                None => {
                    h1 { "This item can't be read" }
                    p.lead { "Its stored text is damaged. It stays on the worklist; tell whoever runs Bedside." }
                    (story::line(console, &self.events))
                },
            }
            p { a href={ "/patient/" (row.person) } { "Open the whole chart" } }
        };
        let mut response = page::page(console, caller, Place::Worklist, "Item", main).await;
        *response.status_mut() = status;
        response
    }
}

/// What of an item a reader has to know about at once, as one word without anything of the patient's in it.
fn stamp(entry: &Entry) -> String {
    let mut hasher = DefaultHasher::new();
    entry.row.state.hash(&mut hasher);
    entry.row.level.hash(&mut hasher);
    entry.row.holder.hash(&mut hasher);
    if let Some(case) = &entry.case {
        case.generation.hash(&mut hasher);
        case.finding.seq.0.hash(&mut hasher);
        case.earlier.len().hash(&mut hasher);
        case.writes.len().hash(&mut hasher);
        for write in &case.writes {
            case::write(write).into_string().hash(&mut hasher);
        }
    }
    format!("{:016x}", hasher.finish())
}

fn watcher(console: &Console, entry: &Entry, known: &str) -> Markup {
    let is_stamp = known.len() == 16 && known.bytes().all(|byte| byte.is_ascii_hexdigit());
    let known = if is_stamp { known } else { "unknown" };
    let is_other = stamp(entry) != known;
    let path = format!("/item/{}", entry.row.id);
    let part = format!("{path}/changed?stamp={known}");
    html! {
        div #changed hx-get=(part) hx-trigger="items from:body" hx-target="this" {
            @if is_other {
                div.notice role="alert" {
                    p {
                        strong { "This item has changed" }
                        ", " (when::plain(entry.row.changed_at, console.zone())) ". What stands below is what it said before. "
                        a href=(path) { "Show what it says now" }
                    }
                }
            }
        }
    }
}

/// What the reader has to be told before anything else: taken back, corrected, changed since they last looked.
fn notices(console: &Console, caller: &Caller, case: &Case) -> Markup {
    let account = caller.account();
    let mine = news::unread(case, account);
    let has_changed = case.changed_since_seen.iter().any(|who| who == account);
    html! {
        @if case.state == CaseState::Withdrawn {
            div.notice.bad role="alert" {
                p { strong { "Withdrawn." } " The source has taken back the result on which this item stood. Nothing is to be done on its account; what was done because of it has to be looked at again." }
            }
        }
        @if let Some(fact) = &case.asking {
            div.notice role="alert" {
                p { strong { "Waiting for data." } " Without " (fact) " nothing can be decided here, and nobody may take that for a good sign. Find it out, or close the item with a reason." }
            }
        }
        @if case.finding.corrected.is_some() || has_changed || !mine.is_empty() {
            div.notice role="alert" {
                @if has_changed || !mine.is_empty() { p { strong { "Changed since you last saw it." } } }
                @if let Some(words) = &case.finding.corrected {
                    p { strong { "Corrected." } " The result now says " (case.finding.said) "; it " (words) "." }
                }
                @if !mine.is_empty() {
                    ul { @for notice in mine { li { (notice.text) " " span.quiet { (when::near(notice.at, console.now(), console.zone())) } } } }
                }
            }
        }
    }
}

fn headline(console: &Console, case: &Case, open: bool) -> Markup {
    let finding = &case.finding;
    let caveats = case::caveats(case);
    html! {
        header.headline {
            p.marks { (case::level(&case.level)) " " (case::state(case.state)) " " (case::verification(finding.verification)) }
            h1 { (case.say) }
            p.quiet {
                (case.title) " · "
                @match finding.taken_at {
                    Some(at) => { "taken " (when::shown(at, console.now(), console.zone())) },
                    None => "when it was taken is not known",
                }
                " · received " (when::zoned(finding.received_at, console.zone()))
                " · from " (sources(&finding.sources))
                @if let Some(place) = &case.place { " · " (place) }
            }
            @if !caveats.is_empty() {
                ul.caveat-list { @for words in caveats { li { (words) } } }
            }
            @if open && !case.offer.is_empty() {
                div.offer {
                    h2 { "To consider" }
                    ul { @for words in &case.offer { li { (words) } } }
                    p.quiet { "Orders are placed in the EHR; Bedside places none." }
                }
            }
            @if !case.earlier.is_empty() {
                details {
                    summary { "What it stood on before (" (case.earlier.len()) ")" }
                    ul {
                        @for earlier in case.earlier.iter().rev() {
                            li {
                                (earlier.said) " "
                                (case::verification(earlier.verification)) " "
                                span.quiet {
                                    "received " (when::shown(earlier.received_at, console.now(), console.zone())) ", " (sources(&earlier.sources))
                                    @if let Some(words) = &earlier.corrected { "; " (words) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Every source by name: one result by two routes has two.
fn sources(names: &[String]) -> String {
    if names.is_empty() {
        String::from("a source that is not named")
    } else {
        names.join(" and ")
    }
}
