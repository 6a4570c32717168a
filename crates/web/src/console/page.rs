//! The frame of every page: landmarks, navigation by role, the alarm, and no patient data in the title.

use axum::response::{Html, IntoResponse, Response};
use bedside_core::ctx::Role;
use bedside_store::audit::AuditHealth;
use maud::{DOCTYPE, Markup, html};

use crate::app::Console;
use crate::console::{outage, part, reason};
use crate::failure::Failure;
use crate::guard::Caller;
use crate::when;

/// htmx without what a strict policy forbids or what would leave patient data in the browser's storage.
const HTMX: &str = r#"{"includeIndicatorStyles":false,"allowEval":false,"allowScriptTags":false,"historyEnabled":false,"selfRequestsOnly":true,"defaultSwapStyle":"outerHTML","timeout":15000}"#;

/// Where a page belongs in the navigation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// What somebody has to act on.
    Worklist,
    /// The connections and what they do.
    Sources,
    /// Patients and their charts.
    Patients,
    /// Sources, lanes and queues.
    Live,
    /// Parked inputs.
    Quarantine,
    /// The audit log.
    Audit,
    /// None of these.
    Elsewhere,
}

impl Place {
    const fn path(self) -> &'static str {
        match self {
            Self::Worklist => "/worklist",
            Self::Sources => "/sources",
            Self::Patients => "/patients",
            Self::Live => "/live",
            Self::Quarantine => "/quarantine",
            Self::Audit => "/audit",
            Self::Elsewhere => "/",
        }
    }

    const fn label(self) -> &'static str {
        match self {
            Self::Worklist => "Worklist",
            Self::Sources => "Sources",
            Self::Patients => "Patients",
            Self::Live => "Live",
            Self::Quarantine => "Quarantine",
            Self::Audit => "Audit",
            Self::Elsewhere => "Start",
        }
    }

    /// Where a role starts and what it finds in the navigation. The store decides what it may.
    pub(crate) const fn of(role: Role) -> &'static [Self] {
        match role {
            Role::Clinician => &[Self::Worklist, Self::Patients, Self::Sources],
            Role::Engineer => &[Self::Live, Self::Sources, Self::Quarantine, Self::Patients],
            Role::Compliance => &[Self::Audit, Self::Live, Self::Sources],
            Role::Application | Role::Service | Role::Anonymous => &[],
        }
    }

    /// The first page of a role.
    pub(crate) fn first(role: Role) -> &'static str {
        Self::of(role)
            .first()
            .map_or("/reason", |place| place.path())
    }
}

/// A whole page for somebody who is signed in.
pub(crate) async fn page(
    console: &Console,
    caller: &Caller,
    place: Place,
    title: &str,
    main: Markup,
) -> Response {
    let health = console.store().audit_health();
    let banner = html! {
        // Where there is a script, the page hears of changes and its parts ask for what they show.
        span data-events="/events" hidden {}
        (alarm(console, &health))
        (header(console, caller, place))
        (outage::banner(console))
    };
    let zone = console.zone();
    let foot = html! {
        "Times are those of " (zone.iana_name().unwrap_or("the site")) " (" (when::abbreviation(console.now(), zone)) "). "
    };
    Html(frame(title, &banner, &main, &foot).into_string()).into_response()
}

/// A failure within the frame. An engineer who needs a reason is asked for it on the spot.
pub(crate) async fn failure(
    console: &Console,
    caller: &Caller,
    path: &str,
    failure: &Failure,
) -> Response {
    let main = html! {
        (failure_words(failure))
        @if failure.reason_needed { (reason::form(caller, path)) }
    };
    let mut response = page(console, caller, Place::Elsewhere, failure.headline, main).await;
    *response.status_mut() = failure.status;
    response
}

/// The words of a failure.
pub(crate) fn failure_words(failure: &Failure) -> Markup {
    html! {
        h1 { (failure.headline) }
        p.lead { (failure.words) }
        @if let Some(code) = failure.code { p.quiet { "Code " code { (code) } } }
        p { a href="/" { "Back to the start" } }
    }
}

/// A page for somebody who is not signed in.
pub(crate) fn bare(title: &str, main: &Markup) -> Markup {
    let banner = html! {
        header.top { div.brand { (mark()) span { "Bedside" } } }
    };
    frame(title, &banner, &html! { div.narrow { (main) } }, &html! {})
}

fn frame(title: &str, banner: &Markup, main: &Markup, foot: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="htmx-config" content=(HTMX);
                title { (title) " · Bedside" }
                link rel="icon" type="image/svg+xml" href="/assets/icon.svg";
                link rel="stylesheet" href="/assets/console.css";
                script src="/assets/htmx.js" defer {}
                script src="/assets/console.js" defer {}
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                (banner)
                p #stalled.alarm role="alert" hidden { "This page could not refresh itself. What it shows may be old: reload it." }
                main #main tabindex="-1" { (main) }
                footer.bottom { (foot) "Every look at a patient is written to the audit log." }
            }
        }
    }
}

fn header(console: &Console, caller: &Caller, place: Place) -> Markup {
    html! {
        header.top {
            a.brand href="/" { (mark()) span { "Bedside" } span.site { (console.app.site) } }
            nav aria-label="Main" {
                ul {
                    @for item in Place::of(caller.role()) {
                        li { a href=(item.path()) aria-current=[(*item == place).then_some("page")] { (item.label()) } }
                    }
                }
            }
            div.who {
                span.account {
                    (caller.account())
                    @if caller.roles.len() < 2 { " · " (part::role_words(caller.role())) }
                }
                @if let (Role::Engineer, Some(reason)) = (caller.role(), &caller.ctx.reason) {
                    a.reason href="/reason" { "Reason: " (reason) }
                }
                @if caller.roles.len() > 1 {
                    form method="post" action="/role" {
                        (part::token(caller))
                        label for="role" { "Role" }
                        select #role name="role" {
                            @for role in caller.roles.iter() {
                                option value=(role.as_str()) selected[*role == caller.role()] { (part::role_words(*role)) }
                            }
                        }
                        button.small type="submit" { "Switch" }
                    }
                }
                form method="post" action="/signout" {
                    (part::token(caller))
                    button.small type="submit" { "Sign out" }
                }
            }
        }
    }
}

/// The alarm of promise P9: on every page while the audit log can't be written.
fn alarm(console: &Console, health: &AuditHealth) -> Markup {
    html! {
        @if !health.writable {
            div.alarm role="alert" {
                strong { "The audit log can't be written" }
                @if let Some(since) = health.since { ", since " (when::shown(since, console.now(), console.zone())) }
                ". Charts can still be read: each look is kept in the second log ("
                (health.spooled) " so far) and entered later. Exports and changes are refused. Tell whoever runs Bedside."
            }
        } @else if health.spooled > 0 {
            div.alarm role="status" { (health.spooled) " audit entries of an interruption are still being entered into the log." }
        }
    }
}

fn mark() -> Markup {
    html! {
        svg.mark viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false" {
            rect width="32" height="32" rx="7" {}
            path d="M5 18h6l3-9 5 15 3-9 1.5 3H27" {}
        }
    }
}
