//! An integration engineer says why clinical content is needed. The reason holds for the session and stands in every audit entry.

use axum::extract::{Query, State};
use axum::response::{Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;

use crate::app::Console;
use crate::console::page::{self, Place};
use crate::console::part;
use crate::failure::Failure;
use crate::guard::Caller;
use crate::posted::Posted;

/// A reason of fewer characters explains nothing to whoever reviews it.
const SHORTEST: usize = 6;
const LONGEST: usize = 500;

#[derive(Deserialize)]
pub(crate) struct Wanted {
    #[serde(default)]
    next: String,
}

/// The page that asks.
pub(crate) async fn page(
    State(console): State<Console>,
    caller: Caller,
    Query(wanted): Query<Wanted>,
) -> Response {
    let main = html! {
        h1 { "Your reason" }
        @match &caller.ctx.reason {
            Some(reason) => p { "For this session you gave the reason “" (reason) "”. It is written to the audit log with each look." },
            None => p { "You gave no reason in this session." },
        }
        (form(&caller, local(&wanted.next)))
    };
    page::page(&console, &caller, Place::Elsewhere, "Your reason", main).await
}

/// Takes it.
pub(crate) async fn set(
    State(console): State<Console>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    let reason = posted.text("reason");
    let length = reason.chars().count();
    if length < SHORTEST {
        return Err(Failure::invalid(
            "The reason is too short to explain anything. Say what you need to see and why, a ticket number for instance.",
        ));
    }
    if length > LONGEST {
        return Err(Failure::invalid(
            "The reason is too long: 500 characters at most.",
        ));
    }
    console
        .store()
        .set_reason(&posted.caller.token, reason)
        .await?;
    Ok(Redirect::to(local(posted.text("next"))))
}

/// The form, wherever it is needed.
pub(crate) fn form(caller: &Caller, next: &str) -> Markup {
    html! {
        form.panel method="post" action="/reason" {
            (part::token(caller))
            input type="hidden" name="next" value=(next);
            label for="reason" { "Why do you need to see patient data" }
            p #reason-help.quiet { "For example a ticket number and what is wrong. Compliance reads it." }
            textarea #reason name="reason" rows="2" maxlength="500" required aria-describedby="reason-help" {}
            button type="submit" { "Go on with this reason" }
        }
    }
}

/// A path of our own, or the start: `//host` and `/\host` would lead elsewhere.
fn local(next: &str) -> &str {
    // A browser drops tabs and line ends before it reads an address: `/<tab>/host` is `//host` to it.
    let odd = |c: char| c == '\\' || c.is_control();
    let ours = next.starts_with('/') && !next.starts_with("//") && !next.contains(odd);
    if ours { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_never_leads_to_another_site() {
        assert_eq!(local("/patient/abc"), "/patient/abc");
        for foreign in [
            "",
            "//evil.example",
            "/\t/evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/a\r\nb",
        ] {
            assert_eq!(local(foreign), "/", "{foreign}");
        }
    }
}
