//! The banner on every page while an EHR does not answer or is paused: what is missing, since when, and what may not be concluded from it.
//!
//! It is the opposite of an empty list. A list without items says "there are none" only while everybody answers (promises P6, P12).

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use maud::{Markup, html};

use crate::app::Console;
use crate::connections::ConnectionStatus;
use crate::guard::Caller;
use crate::when;

/// An answer older than this is worth a word where a list is empty.
const LATELY: i64 = 10 * 60;

/// The banner alone, for pages that hear of a change.
pub(crate) async fn banner_part(State(console): State<Console>, _: Caller) -> Response {
    Html(banner(&console).into_string()).into_response()
}

/// The banner: empty while every connection is asked and answers.
pub(crate) fn banner(console: &Console) -> Markup {
    let connections = console.app.connections.status();
    let missing: Vec<&ConnectionStatus> =
        connections.iter().filter(|one| is_missing(one)).collect();
    let answering: Vec<&str> = connections
        .iter()
        .filter(|one| !is_missing(one))
        .map(|one| one.name.as_str())
        .collect();
    html! {
        div #outage hx-get="/sources/banner" hx-trigger="sources from:body" hx-target="this" {
            @if !missing.is_empty() {
                div.outage role="alert" {
                    span.sign aria-hidden="true" { "!" }
                    div {
                        @for one in &missing { p { (words(console, one)) } }
                        p.quiet {
                            "What was read before stays on the pages, each value with its age. "
                            @if answering.is_empty() { "No other EHR answers. " }
                            @else { "Still answering: " (answering.join(", ")) ". " }
                            a href="/sources" { "Sources" }
                        }
                    }
                }
            }
        }
    }
}

/// Whether nothing new can come from there now.
pub(crate) fn is_missing(connection: &ConnectionStatus) -> bool {
    matches!(connection.state.as_str(), "down" | "paused")
}

/// What it means that nothing is on a list: everybody answered lately, or who did not.
pub(crate) fn assurance(console: &Console) -> Markup {
    let connections = console.app.connections.status();
    let now = console.now();
    let is_late = |one: &&ConnectionStatus| {
        is_missing(one)
            || one
                .last_success
                .is_none_or(|at| now.as_second() - at.as_second() > LATELY)
    };
    let late: Vec<&ConnectionStatus> = connections.iter().filter(is_late).collect();
    html! {
        @if connections.is_empty() {
            p { "No EHR is connected by FHIR here; what is known comes from messages and files alone. A result that no feed sent can't be on this list." }
        } @else if late.is_empty() {
            p { "All sources answered in the last 10 minutes." }
        } @else {
            @for one in &late {
                p.unsure {
                    strong { (one.name) }
                    @match (one.state.as_str(), one.last_success) {
                        ("paused", _) => " is paused",
                        (_, Some(at)) => { " last answered " (when::shown(at, now, console.zone())) },
                        (_, None) => " has not answered since the start",
                    }
                    ": there may be results that nobody here has seen."
                }
            }
        }
    }
}

fn words(console: &Console, connection: &ConnectionStatus) -> Markup {
    let now = console.now();
    html! {
        strong { (connection.name) }
        @if connection.state == "paused" { " is paused by a person" } @else { " does not answer" }
        @match connection.last_success {
            Some(at) => {
                @if connection.state == "paused" { "; it last answered at " } @else { " since " }
                (when::plain(at, console.zone()))
                " (" (when::length(now.as_second() - at.as_second())) ")"
            },
            None => ", and has not since the start",
        }
        ": nobody may assume “no results”."
    }
}
