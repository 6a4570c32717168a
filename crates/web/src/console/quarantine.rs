//! The parked inputs: why each was set aside, whose it is, and what to do with it.

use axum::extract::{Path, Query, State};
use axum::response::{Redirect, Response};
use bedside_core::ctx::Role;
use bedside_core::journal::InputState;
use bedside_fact::id::Seq;
use bedside_store::Parked;
use maud::{Markup, html};
use serde::Deserialize;

use crate::app::Console;
use crate::console::page::{self, Place};
use crate::console::{part, reason};
use crate::failure::Failure;
use crate::guard::Caller;
use crate::posted::Posted;
use crate::when;

/// Characters of a raw input that are shown. The whole of it is in the journal and with `bedside quarantine show`.
const SHOWN: usize = 64 * 1024;

#[derive(Deserialize)]
pub(crate) struct Shown {
    /// Ended ones too.
    #[serde(default)]
    all: bool,
    /// What was just done, one of a few words.
    #[serde(default)]
    done: String,
}

/// The list.
pub(crate) async fn list(
    State(console): State<Console>,
    caller: Caller,
    Query(shown): Query<Shown>,
) -> Result<Response, Failure> {
    let parked = console.store().quarantine(&caller.ctx, shown.all).await?;
    let main = html! {
        h1 { "Quarantine" }
        @match shown.done.as_str() {
            "replayed" => p.done role="status" { "Sent through again, with what was held behind it. Whatever can't be read is parked again." },
            "discarded" => p.done role="status" { "Discarded. What was held behind it goes on; the input itself stays in the journal." },
            _ => {}
        }
        @if parked.is_empty() {
            div.empty role="status" { h2 { "Nothing is parked" } p { "Every input was applied or changed nothing." } }
        } @else {
            (rows(&console, &parked))
        }
        p {
            @if shown.all { a href="/quarantine" { "Only what is parked now" } } @else { a href="/quarantine?all=true" { "Show what was settled, too" } }
        }
    };
    Ok(page::page(&console, &caller, Place::Quarantine, "Quarantine", main).await)
}

/// One parked input. Its text is patient data: without a reason the page asks for one instead of showing it.
pub(crate) async fn show(
    State(console): State<Console>,
    caller: Caller,
    Path(seq): Path<i64>,
) -> Result<Response, Failure> {
    let all = console.store().quarantine(&caller.ctx, true).await?;
    let parked = all
        .into_iter()
        .find(|parked| parked.row.seq == Seq(seq))
        .ok_or_else(Failure::not_found)?;
    let raw = match console.store().input(&caller.ctx, Seq(seq)).await {
        Ok(input) => Some(readable(input.raw.expose())),
        Err(bedside_store::Error::Denied(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let main = html! {
        h1 { "Input " (seq) }
        p { a href="/quarantine" { "All parked inputs" } }
        (about(&console, &parked))
        @if parked.row.state == InputState::Parked && caller.role() == Role::Engineer { (actions(&caller, seq)) }
        section.fact aria-labelledby="raw-title" {
            header { h2 #raw-title { "As it was received" } }
            @match &raw {
                Some(text) => pre.raw tabindex="0" aria-label="Text of the input" { (text) },
                None => {
                    p { "The text is patient data. It is shown to an integration engineer who gives a reason; this look without one is in the audit log." }
                    @if caller.role() == Role::Engineer { (reason::form(&caller, &format!("/quarantine/{seq}"))) }
                }
            }
        }
    };
    Ok(page::page(&console, &caller, Place::Quarantine, "Parked input", main).await)
}

/// Sends it through again.
pub(crate) async fn replay(
    State(console): State<Console>,
    Path(seq): Path<i64>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    console.store().replay(&posted.caller.ctx, Seq(seq)).await?;
    console.app.feeds.nudge();
    Ok(Redirect::to("/quarantine?done=replayed"))
}

/// Gives it up, with a reason, and lets go what was held behind it.
pub(crate) async fn discard(
    State(console): State<Console>,
    Path(seq): Path<i64>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    let why = posted
        .given("why")
        .ok_or_else(|| Failure::invalid("Say why this input is given up. Nothing was changed."))?;
    console
        .store()
        .discard(&posted.caller.ctx, Seq(seq), &why)
        .await?;
    console.app.feeds.nudge();
    Ok(Redirect::to("/quarantine?done=discarded"))
}

fn rows(console: &Console, parked: &[Parked]) -> Markup {
    let rows = html! {
        @for item in parked {
            tr role="row" {
                (part::row_head("Input", &html! { a href={ "/quarantine/" (item.row.seq) } { (item.row.seq) } " " span.quiet { (item.row.message_type) } }))
                (part::cell("Reason", &html! { (item.row.reason) }))
                (part::cell("State", &part::input_chip(item.row.state)))
                (part::cell("Source", &html! { (item.row.source) }))
                (part::cell("Owner", &html! { (item.owner) }))
                (part::cell("Since", &when::shown(item.since, console.now(), console.zone())))
                (part::cell("Held behind it", &html! { (item.held_behind) }))
            }
        }
    };
    part::table(
        "Parked inputs",
        &[
            "Input",
            "Reason",
            "State",
            "Source",
            "Owner",
            "Since",
            "Held behind it",
        ],
        &rows,
    )
}

fn about(console: &Console, parked: &Parked) -> Markup {
    let row = &parked.row;
    html! {
        dl.about {
            div { dt { "State" } dd { (part::input_chip(row.state)) } }
            div { dt { "Reason" } dd { (row.reason) } }
            div { dt { "Owner" } dd { (parked.owner) } }
            div { dt { "Since" } dd { (when::shown(parked.since, console.now(), console.zone())) } }
            div { dt { "Held behind it" } dd { (parked.held_behind) } }
            div { dt { "Source" } dd { (row.source) } }
            div { dt { "Type" } dd { @if row.message_type.is_empty() { "not known" } @else { (row.message_type) } } }
            div { dt { "Control id" } dd { @if row.control_id.is_empty() { "none" } @else { (row.control_id) } } }
            div { dt { "Received" } dd { (when::plain(row.received_at, console.zone())) } }
            div { dt { "Size" } dd { (part::count(row.bytes, "byte", "bytes")) } }
        }
    }
}

fn actions(caller: &Caller, seq: i64) -> Markup {
    html! {
        section.actions aria-labelledby="actions-title" {
            h2 #actions-title { "Settle it" }
            form.panel method="post" action={ "/quarantine/" (seq) "/replay" } {
                (part::token(caller))
                p { "Send it through again, with what is held behind it. Use this after the cause was mended." }
                button type="submit" { "Replay" }
            }
            form.panel method="post" action={ "/quarantine/" (seq) "/discard" } {
                (part::token(caller))
                p { "Give it up: it changes nothing, and what is held behind it goes on." }
                label for="why" { "Why" }
                input #why name="why" type="text" required maxlength="500";
                button.danger type="submit" { "Discard" }
            }
        }
    }
}

/// The bytes as text: one segment a line, control characters as their pictures, what is no UTF-8 as a replacement character.
fn readable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut shown = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    for (n, character) in std::iter::from_fn(|| {
        characters
            .next()
            .map(|now| (now, characters.peek().copied()))
    })
    .enumerate()
    {
        if n == SHOWN {
            shown.push_str("\n(cut here)");
            break;
        }
        match character {
            ('\r', Some('\n')) => {}
            ('\r' | '\n', _) => shown.push('\n'),
            ('\t', _) => shown.push('\t'),
            (control, _) if control.is_ascii_control() => {
                // U+2400 and up are the pictures of U+0000 to U+001F; DEL has its own.
                let picture = if control == '\u{7f}' {
                    0x2421
                } else {
                    0x2400 + u32::from(control)
                };
                shown.push(char::from_u32(picture).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            (other, _) => shown.push(other),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_bytes_are_shown_a_segment_a_line_and_nothing_invisible() {
        assert_eq!(
            readable(b"MSH|^~\\&|A\rPID|1\r\nOBX|1\n"),
            "MSH|^~\\&|A\nPID|1\nOBX|1\n"
        );
        assert_eq!(
            readable(b"a\x00b\x1cc\x7f\xff"),
            "a\u{2400}b\u{241c}c\u{2421}\u{fffd}"
        );
    }

    #[test]
    fn a_long_input_is_cut_and_says_so() {
        let text = readable(&vec![b'x'; SHOWN + 10]);
        assert!(text.ends_with("(cut here)"));
    }
}
