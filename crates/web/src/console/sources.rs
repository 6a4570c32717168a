//! The connections: which answer, which do not and since when, what went wrong, and what each has been seen to show. Who may read operations
//! sees all of it; a clinician sees whether the sources answer, since that decides what an empty list is worth.

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use bedside_core::completeness::Coverage;
use bedside_core::ctx::Role;
use bedside_core::evidence::Event;
use bedside_store::{CompletenessRow, EvidenceRow, IncidentRow, RouteRow};
use maud::{Markup, html};

use crate::app::Console;
use crate::connections::ConnectionStatus;
use crate::console::page::{self, Place};
use crate::console::{live, part, source};
use crate::failure::Failure;
use crate::guard::Caller;
use crate::when;

/// The page.
pub(crate) async fn page(
    State(console): State<Console>,
    caller: Caller,
) -> Result<Response, Failure> {
    let panel = content(&console, &caller).await?;
    let main = html! {
        h1 { "Sources" }
        (panel)
    };
    Ok(page::page(&console, &caller, Place::Sources, "Sources", main).await)
}

/// The part that reads itself again when a connection changes its state.
pub(crate) async fn panel(
    State(console): State<Console>,
    caller: Caller,
) -> Result<Response, Failure> {
    Ok(Html(content(&console, &caller).await?.into_string()).into_response())
}

/// Whether the role may see more than who answers.
pub(crate) fn reads_operations(role: Role) -> bool {
    match role {
        Role::Engineer | Role::Compliance | Role::Service => true,
        Role::Clinician | Role::Application | Role::Anonymous => false,
    }
}

async fn content(console: &Console, caller: &Caller) -> Result<Markup, Failure> {
    let connections = console.app.connections.status();
    let feeds = console.app.feeds.status();
    let operations = if reads_operations(caller.role()) {
        Some(operations(console, caller).await?)
    } else {
        None
    };
    Ok(html! {
        div #sources-panel hx-get="/sources/panel" hx-trigger="sources from:body" hx-target="this" {
            p.lead { (verdict(&connections)) }
            p.quiet { "As of " (when::plain(console.now(), console.zone())) "." }
            @if connections.is_empty() {
                div.empty { h2 { "No EHR is connected" } p { "A connection is named in the configuration, under " code { "[[connection]]" } "." } }
            } @else {
                div.connections { @for one in &connections { (card(console, caller, one, true)) } }
            }
            @if !feeds.is_empty() {
                section.fact aria-labelledby="feeds-title" {
                    header { h2 #feeds-title { "Message feeds" } }
                    (live::feed_table(console, &feeds))
                }
            }
            @if let Some(operations) = operations { (operations) }
        }
    })
}

/// The plain verdict first.
fn verdict(connections: &[ConnectionStatus]) -> Markup {
    let of = |state: &str| {
        connections
            .iter()
            .filter(|one| one.state == state)
            .map(|one| one.name.as_str())
            .collect::<Vec<_>>()
    };
    let (down, paused, degraded) = (of("down"), of("paused"), of("degraded"));
    html! {
        @if !down.is_empty() { strong { (down.join(", ")) } @if down.len() == 1 { " does" } @else { " do" } " not answer. " }
        @if !paused.is_empty() { strong { (paused.join(", ")) } @if paused.len() == 1 { " is" } @else { " are" } " paused. " }
        @if !degraded.is_empty() { strong { (degraded.join(", ")) } @if degraded.len() == 1 { " answers" } @else { " answer" } " in part. " }
        @if down.is_empty() && paused.is_empty() && degraded.is_empty() && !connections.is_empty() {
            (part::count(u64::try_from(connections.len()).unwrap_or(u64::MAX), "connection, and it answers.", "connections, and all of them answer."))
        }
    }
}

/// One connection.
pub(crate) fn card(
    console: &Console,
    caller: &Caller,
    one: &ConnectionStatus,
    linked: bool,
) -> Markup {
    let (now, zone) = (console.now(), console.zone());
    let path = source::path(&one.name);
    let (side, class, shape, words) = match one.state.as_str() {
        "up" => ("is-up", "present", "●", "answers"),
        "degraded" => ("is-degraded", "stale", "◐", "answers in part"),
        "down" => ("is-down", "conflict", "✕", "does not answer"),
        "paused" => ("is-paused", "unknown", "◌", "paused"),
        other => ("is-paused", "unknown", "◌", other),
    };
    html! {
        section.connection.(side) aria-label={ "Connection " (one.name) } {
            header {
                h2 { @if linked { a href=(path) { (one.name) } } @else { (one.name) } }
                (part::chip_of(class, shape, words))
            }
            p.quiet { (one.vendor) " · " code { (one.origin) } }
            dl {
                div { dt { "Last answer" } dd { @match one.last_success { Some(at) => (when::shown(at, now, zone)), None => "none since the start" } } }
                div { dt { "Last failure" } dd {
                    @match &one.last_failure { Some((at, kind)) => { (when::shown(*at, now, zone)) ": " (failure_words(kind)) }, None => "none since the start" }
                } }
                div { dt { "Next question" } dd {
                    @match one.next_due { Some(at) if at > now => { (when::remaining(at, now)) }, Some(_) => "due now", None => "none planned" }
                } }
                div { dt { "Circuit breaker" } dd { (one.breaker) } }
                div { dt { "Requests" } dd { (one.requests) " since the start, " (one.rate_per_minute) " in the last minute" } }
                div { dt { "Patients" } dd { (one.patients) } }
            }
            @if caller.role() == Role::Engineer {
                div.buttons {
                    @if one.state == "paused" { (button(caller, &path, "resume", "Resume", &one.name)) }
                    @else { (button(caller, &path, "pause", "Pause", &one.name)) }
                    (button(caller, &path, "resync", "Ask everything anew", &one.name))
                }
            }
        }
    }
}

fn button(caller: &Caller, path: &str, verb: &str, words: &str, name: &str) -> Markup {
    html! {
        form method="post" action={ (path) "/" (verb) } {
            (part::token(caller))
            button.small type="submit" { (words) span.unseen { " " (name) } }
        }
    }
}

/// A kind of incident in words; anything else as it was given.
fn failure_words(kind: &str) -> &str {
    bedside_core::incident::Kind::parse(kind).map_or(kind, |kind| kind.words())
}

/// What only those see who may read operations.
async fn operations(console: &Console, caller: &Caller) -> Result<Markup, Failure> {
    let store = console.store();
    let incidents = store.incidents(&caller.ctx, false).await?;
    let evidence = store.evidence(&caller.ctx).await?;
    let routes = store.routes(&caller.ctx).await?;
    let asked = store.completeness_overview(&caller.ctx, None).await?;
    Ok(html! {
        section.fact aria-labelledby="incidents-title" {
            header { h2 #incidents-title { "Incidents" } }
            (incident_table(console, caller, &incidents))
        }
        section.fact aria-labelledby="evidence-title" {
            header { h2 #evidence-title { "What each source has been seen to show" } }
            p.asof-line { "A workflow may rely on what was seen here, not on what a manual promises. The time is the longest between the moment at which the source knew and the one at which Bedside knew." }
            (evidence_table(&evidence))
        }
        section.fact aria-labelledby="routes-title" {
            header { h2 #routes-title { "Ways to write" } }
            p.asof-line { "A way to write is off until it was proven at this site." }
            (route_table(console, caller, &routes))
        }
        section.fact aria-labelledby="asked-title" {
            header { h2 #asked-title { "Completeness" } }
            (coverage_table(&asked))
        }
    })
}

/// Incidents, open ones first.
pub(crate) fn incident_table(
    console: &Console,
    caller: &Caller,
    incidents: &[IncidentRow],
) -> Markup {
    if incidents.is_empty() {
        return html! { p { "Nothing has gone wrong." } };
    }
    let (now, zone) = (console.now(), console.zone());
    let mut incidents: Vec<&IncidentRow> = incidents.iter().collect();
    incidents.sort_by_key(|one| (!one.open, std::cmp::Reverse(one.last_at)));
    let rows = html! {
        @for one in incidents {
            tr role="row" {
                (part::row_head("Source", &html! { (one.source) }))
                (part::cell("What", &html! { (one.kind.words()) @if !one.detail.is_empty() { " " span.quiet { (one.detail) } } }))
                (part::cell("State", &html! {
                    @if one.open { (part::chip_of("conflict", "■", "open")) } @else { (part::chip_of("none", "∅", "over")) }
                }))
                (part::cell("How often", &html! { (one.count) "×" }))
                (part::cell("First", &when::plain(one.first_at, zone)))
                (part::cell("Last", &when::shown(one.last_at, now, zone)))
                (part::cell("Seen", &html! {
                    @if one.open && caller.role() == Role::Engineer {
                        form method="post" action={ (source::path(one.source.as_str())) "/incidents/" (one.kind.as_str()) "/seen" } {
                            (part::token(caller))
                            button.small type="submit" { "Seen" span.unseen { ": " (one.source) " " (one.kind.words()) } }
                        }
                    } @else if one.open && one.kind.ends_by_itself() { span.quiet { "ends with the next good answer" } }
                    @else { span.quiet { "–" } }
                }))
            }
        }
    };
    part::table(
        "Incidents",
        &[
            "Source",
            "What",
            "State",
            "How often",
            "First",
            "Last",
            "Seen",
        ],
        &rows,
    )
}

fn evidence_table(evidence: &[EvidenceRow]) -> Markup {
    let mut sources: Vec<&str> = evidence.iter().map(|row| row.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    if sources.is_empty() {
        return html! { p { "Nothing has been seen yet." } };
    }
    let heads: Vec<&str> = std::iter::once("Event")
        .chain(sources.iter().copied())
        .collect();
    let rows = html! {
        @for event in Event::ALL {
            tr role="row" {
                (part::row_head("Event", &html! { (event.words()) }))
                @for name in &sources {
                    @let seen = evidence.iter().find(|row| row.source.as_str() == *name && row.event == event);
                    (part::cell(name, &html! {
                        @match seen {
                            Some(seen) if seen.count > 0 => {
                                (part::chip_of("present", "●", &format!("seen {}×", seen.count)))
                                span.age { @match seen.worst_latency { Some(worst) => { "at most " (latency(worst)) }, None => "time not stated" } }
                            },
                            Some(_) | None => (part::chip_of("unknown", "◌", "not yet seen")),
                        }
                    }))
                }
            }
        }
    };
    part::table("Events seen by source", &heads, &rows)
}

/// Microseconds in the unit that says most.
fn latency(micros: i64) -> String {
    let millis = micros / 1_000;
    match millis {
        ..1_000 => format!("{} ms", millis.max(0)),
        1_000..60_000 => format!("{} s", millis / 1_000),
        60_000.. => when::length(millis / 1_000),
    }
}

fn route_table(console: &Console, caller: &Caller, routes: &[RouteRow]) -> Markup {
    if routes.is_empty() {
        return html! { p { "Nothing is written to any EHR." } };
    }
    let rows = html! {
        @for (n, route) in routes.iter().enumerate() {
            tr role="row" {
                (part::row_head("Way", &html! { (route.route) }))
                (part::cell("Source", &html! { (route.source) }))
                (part::cell("State", &html! {
                    @match (route.switched_off, route.proven_at) {
                        (true, _) => (part::chip_of("unknown", "◌", "switched off")),
                        (false, Some(_)) => (part::chip_of("present", "●", "proven, on")),
                        (false, None) => (part::chip_of("unknown", "◌", "not proven, off")),
                    }
                }))
                (part::cell("Proof", &html! {
                    @match route.proven_at {
                        Some(at) => { (when::shown(at, console.now(), console.zone())) " by " (route.by) span.age { (route.basis) } },
                        None => span.quiet { "none" },
                    }
                    @if caller.role() == Role::Engineer { (switch(caller, n, route)) }
                }))
            }
        }
    };
    part::table("Ways to write", &["Way", "Source", "State", "Proof"], &rows)
}

fn switch(caller: &Caller, n: usize, route: &RouteRow) -> Markup {
    let (to, words) = if route.switched_off {
        ("on", "Switch on")
    } else {
        ("off", "Switch off")
    };
    html! {
        details {
            summary { (words) span.unseen { ": " (route.route) } }
            form.switch method="post" action="/routes/switch" {
                (part::token(caller))
                input type="hidden" name="route" value=(route.route);
                input type="hidden" name="to" value=(to);
                div {
                    label for={ "why-" (n) } { "Why" }
                    input #{ "why-" (n) } type="text" name="why" maxlength="200" required;
                }
                button.small type="submit" { (words) }
            }
        }
    }
}

/// How the last questions of each source ended, counted over patients and kinds.
fn coverage_table(asked: &[CompletenessRow]) -> Markup {
    let mut sources: Vec<&str> = asked.iter().map(|row| row.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    if sources.is_empty() {
        return html! { p { "No source has been asked for anything yet." } };
    }
    let kinds = [
        Coverage::Complete,
        Coverage::Truncated,
        Coverage::Denied,
        Coverage::Unlicensed,
        Coverage::Failed,
    ];
    let rows = html! {
        @for name in sources {
            tr role="row" {
                (part::row_head("Source", &html! { a href={ (source::path(name)) "#asked" } { (name) } }))
                @for coverage in kinds {
                    @let count = asked.iter().filter(|row| row.source.as_str() == name && row.coverage == coverage).count();
                    (part::cell(source::coverage_words(coverage), &html! {
                        @if count > 0 && coverage != Coverage::Complete { strong { (count) } } @else { (count) }
                    }))
                }
            }
        }
    };
    part::table(
        "How the newest questions ended, by source",
        &[
            "Source",
            "complete",
            "incomplete",
            "refused",
            "not licensed",
            "failed",
        ],
        &rows,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latency_is_said_in_the_unit_that_says_most() {
        let check = |micros: i64, expected: &str| assert_eq!(latency(micros), expected);
        check(-5, "0 ms");
        check(250_000, "250 ms");
        check(4_900_000, "4 s");
        check(600_000_000, "10 min");
        check(5_400_000_000, "1 h 30 min");
    }
}
