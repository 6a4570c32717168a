//! Sources, lanes and queues as they stand. The panel refreshes itself every two seconds where there is a script; without one the
//! page is read again by hand.

use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use bedside_core::ctx::Role;
use bedside_store::audit::AuditHealth;
use bedside_store::{Counts, SourceStatus};
use maud::{Markup, html};
use serde::Deserialize;

use crate::app::Console;
use crate::console::page::{self, Place};
use crate::console::part;
use crate::failure::Failure;
use crate::feeds::FeedStatus;
use crate::guard::Caller;
use crate::when;

/// A panel that nobody looks at must not keep a session open (45 CFR 164.312(a)(2)(iii)): after this many refreshes, ten minutes of
/// them, it stops and offers to go on.
const REFRESHES: u32 = 300;

#[derive(Deserialize)]
pub(crate) struct Watch {
    /// Refreshes so far.
    #[serde(default)]
    n: u32,
    /// Refreshing is switched off.
    #[serde(default)]
    paused: bool,
}

/// The page.
pub(crate) async fn page(
    State(console): State<Console>,
    caller: Caller,
    Query(watch): Query<Watch>,
) -> Result<Response, Failure> {
    let panel = content(&console, &caller, &watch).await?;
    let main = html! {
        h1 { "Live" }
        (panel)
    };
    Ok(page::page(&console, &caller, Place::Live, "Live", main).await)
}

/// The part that refreshes itself.
pub(crate) async fn panel(
    State(console): State<Console>,
    caller: Caller,
    Query(watch): Query<Watch>,
) -> Result<Response, Failure> {
    Ok(Html(content(&console, &caller, &watch).await?.into_string()).into_response())
}

async fn content(console: &Console, caller: &Caller, watch: &Watch) -> Result<Markup, Failure> {
    let sources = console.store().sources(&caller.ctx).await?;
    let counts = console.store().counts(&caller.ctx).await?;
    let audit = console.store().audit_health();
    let feeds = console.app.feeds.status();
    let depth = console.app.feeds.queue_depth();
    let refreshing = !watch.paused && watch.n < REFRESHES;
    let next = refreshing.then(|| format!("/live/panel?n={}", watch.n + 1));
    Ok(html! {
        div #panel hx-get=[next.as_deref()] hx-trigger=[next.as_ref().map(|_| "every 2s")] hx-target="this" {
            p.lead { (verdict(caller, &counts, &audit)) }
            p.quiet {
                "As of " (when::plain(console.now(), console.zone())) ". "
                @if refreshing { "Refreshes itself every 2 seconds. " a #pause href="/live?paused=true" { "Pause" } }
                @else { "Not refreshing. " a href="/live" { "Refresh now and go on" } }
            }
            (figures(&counts, &audit, depth))
            section.fact aria-labelledby="feeds-title" {
                header { h2 #feeds-title { "Listeners" } }
                @if feeds.is_empty() { p { "Nothing listens here." } } @else { (feed_table(console, &feeds)) }
            }
            section.fact aria-labelledby="sources-title" {
                header { h2 #sources-title { "Sources" } }
                @if sources.is_empty() { p { "No source yet. One appears with its first message." } } @else { (source_table(console, &sources)) }
            }
        }
    })
}

/// The plain verdict first.
fn verdict(caller: &Caller, counts: &Counts, audit: &AuditHealth) -> Markup {
    html! {
        @if !audit.writable {
            "The audit log can't be written; new messages are not acknowledged."
        } @else if counts.parked > 0 {
            (part::count(counts.parked, "parked input needs", "parked inputs need")) " a person"
            @if counts.held > 0 { ", with " (part::count(counts.held, "input", "inputs")) " held behind" }
            ". " @if caller.role() == Role::Engineer { a href="/quarantine" { "Open the quarantine" } }
        } @else if counts.pending > 0 {
            "Working: " (part::count(counts.pending, "input is", "inputs are")) " being applied."
        } @else {
            "Everything that arrived has been applied."
        }
    }
}

fn figures(counts: &Counts, audit: &AuditHealth, depth: u64) -> Markup {
    html! {
        dl.figures {
            (figure("Persons", counts.persons))
            (figure("Patient records", counts.patients))
            (figure("Resources", counts.resources))
            (figure("Inputs", counts.inputs))
            (figure("Pending", counts.pending))
            (figure("In the lanes", depth))
            (figure("Held", counts.held))
            (figure("Parked", counts.parked))
            (figure("Possible duplicates", counts.possible))
            div {
                dt { "Audit log" }
                dd { @if audit.writable { "written" } @else { "not written, " (audit.spooled) " kept aside" } }
            }
        }
    }
}

fn figure(label: &str, value: u64) -> Markup {
    html! { div { dt { (label) } dd { (value) } } }
}

/// The listeners, one a row.
pub(crate) fn feed_table(console: &Console, feeds: &[FeedStatus]) -> Markup {
    let rows = html! {
        @for feed in feeds {
            tr role="row" {
                (part::row_head("Listener", &html! { (feed.name) }))
                (part::cell("Address", &html! { code { (feed.address) } }))
                (part::cell("Connections", &html! {
                    @if feed.connections == 0 { (part::chip_of("unknown", "◌", "nobody connected")) } @else { (feed.connections) }
                }))
                (part::cell("Messages", &html! { (feed.messages) }))
                (part::cell("Errors", &html! { (feed.errors) }))
                (part::cell("Last message", &html! {
                    @match feed.last { Some(at) => (when::shown(at, console.now(), console.zone())), None => "none since the start" }
                }))
            }
        }
    };
    part::table(
        "Listeners",
        &[
            "Listener",
            "Address",
            "Connections",
            "Messages",
            "Errors",
            "Last message",
        ],
        &rows,
    )
}

fn source_table(console: &Console, sources: &[SourceStatus]) -> Markup {
    let rows = html! {
        @for status in sources {
            tr role="row" {
                (part::row_head("Source", &html! { (status.source.id) " " span.quiet { (status.source.vendor) } }))
                (part::cell("Patients", &html! { (status.patients) }))
                (part::cell("Resources", &html! { (status.resources) }))
                (part::cell("Inputs", &html! { (status.messages) }))
                (part::cell("Waiting", &html! {
                    (status.pending) " pending"
                    @if status.held > 0 { ", " (status.held) " held" }
                    @if status.parked > 0 { " " (part::chip_of("conflict", "■", &format!("{} parked", status.parked))) }
                }))
                (part::cell("Last received", &html! {
                    @match status.last_received { Some(at) => (when::shown(at, console.now(), console.zone())), None => "never" }
                }))
            }
        }
    };
    part::table(
        "Sources",
        &[
            "Source",
            "Patients",
            "Resources",
            "Inputs",
            "Waiting",
            "Last received",
        ],
        &rows,
    )
}
