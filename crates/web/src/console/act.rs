//! What can be done with an item, and who has it: the side of its page, and the forms behind the buttons.
//!
//! Whether it may be done is the desk's to say. When somebody else was first, the answer is the item as it stands now, and not an error.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use bedside_core::ctx::Role;
use bedside_workflow::case::Case;
use maud::{Markup, html};

use crate::app::Console;
use crate::console::case::{self, Entry};
use crate::console::item::Item;
use crate::console::{news, part};
use crate::desk::{Act, Answers, Refused};
use crate::failure::Failure;
use crate::guard::Caller;
use crate::posted::Posted;
use crate::when;

/// What putting an item to somebody means here: it must not be taken for a call that somebody has heard.
const NO_CHANNEL: &str =
    "On the worklist only; nobody is paged: this site has no channel for that.";

/// Takes note and takes it on.
pub(crate) async fn acknowledge(
    State(console): State<Console>,
    Path(id): Path<String>,
    posted: Posted,
) -> Result<Response, Failure> {
    act(
        &console,
        &posted.caller,
        &id,
        Act::Acknowledge,
        "acknowledged",
    )
    .await
}

/// Says what was done.
pub(crate) async fn done(
    State(console): State<Console>,
    Path(id): Path<String>,
    posted: Posted,
) -> Result<Response, Failure> {
    let Some(how) = posted.given("how") else {
        let words = "Choose what was done. Nothing was changed.";
        return refused(
            &console,
            &posted.caller,
            &id,
            words,
            StatusCode::UNPROCESSABLE_ENTITY,
        )
        .await;
    };
    act(&console, &posted.caller, &id, Act::Done { how }, "done").await
}

/// Closes it without anything done.
pub(crate) async fn close(
    State(console): State<Console>,
    Path(id): Path<String>,
    posted: Posted,
) -> Result<Response, Failure> {
    let Some(reason) = posted.given("reason") else {
        let words = "Choose a reason. Nothing was changed.";
        return refused(
            &console,
            &posted.caller,
            &id,
            words,
            StatusCode::UNPROCESSABLE_ENTITY,
        )
        .await;
    };
    act(
        &console,
        &posted.caller,
        &id,
        Act::Decline { reason },
        "closed",
    )
    .await
}

/// Takes it over from whoever holds it.
pub(crate) async fn take_over(
    State(console): State<Console>,
    Path(id): Path<String>,
    posted: Posted,
) -> Result<Response, Failure> {
    act(&console, &posted.caller, &id, Act::TakeOver, "taken").await
}

async fn act(
    console: &Console,
    caller: &Caller,
    id: &str,
    act: Act,
    did: &'static str,
) -> Result<Response, Failure> {
    match console.app.desk.act(&caller.ctx, id, act).await {
        Ok(acted) => {
            // The words may name somebody, so they are in no address; the page has its own for each of them.
            let did = if acted.changed { did } else { "nothing" };
            Ok(Redirect::to(&format!("/item/{id}?did={did}")).into_response())
        }
        Err(Refused::NotFound) => Err(Failure::not_found()),
        Err(Refused::Denied) => Err(Failure::not_granted()),
        Err(Refused::Conflict(words)) => {
            refused(console, caller, id, &words, StatusCode::CONFLICT).await
        }
        Err(Refused::Invalid(words)) => {
            refused(
                console,
                caller,
                id,
                &words,
                StatusCode::UNPROCESSABLE_ENTITY,
            )
            .await
        }
        Err(Refused::Unavailable) => {
            let words = "It could not be written down, so nothing was changed. Try again; until then tell the person directly.";
            refused(console, caller, id, words, StatusCode::SERVICE_UNAVAILABLE).await
        }
    }
}

/// The item as it stands, under the words of the refusal.
async fn refused(
    console: &Console,
    caller: &Caller,
    id: &str,
    words: &str,
    status: StatusCode,
) -> Result<Response, Failure> {
    let item = Item::read(console, caller, id).await?;
    let words = html! {
        div.notice.bad role="alert" {
            p { strong { "Not done. " } (sentence(words)) }
            @if status == StatusCode::CONFLICT { p.quiet { "This is the item as it stands now." } }
        }
    };
    Ok(item.page(console, caller, words, status).await)
}

/// Messages are lower-case fragments; here one stands as a sentence.
fn sentence(words: &str) -> String {
    let mut text = words.trim().to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

/// What is said after a button did what it says.
pub(crate) fn done_words(did: &str) -> Markup {
    let words = match did {
        "acknowledged" => {
            "You have acknowledged this item, and it is yours now. Your acknowledgement goes into the EHR where a way to write it is proven; below stands how far it is."
        }
        "done" => "Recorded as done.",
        "closed" => "Closed, with your reason in its history.",
        "taken" => "You hold this item now.",
        "nothing" => "Nothing changed: it was so already.",
        _ => return html! {},
    };
    html! { p.done role="status" { (words) } }
}

/// Who has it, who is next, what can be done, and what was written to the EHR.
pub(crate) fn desk(console: &Console, caller: &Caller, entry: &Entry, case: &Case) -> Markup {
    let now = console.now();
    html! {
        section.has aria-labelledby="has-title" {
            h2 #has-title { "Who has it" }
            p { (case::held(case, caller.account(), console)) }
            @if entry.row.open {
                @match &case.next {
                    Some(rung) => {
                        p.left.late[rung.at < now] { (when::remaining(rung.at, now)) }
                        p { "Then " (case::next(rung, console)) "." }
                    },
                    None => p.left.late { "The ladder is at its end; nobody is next." },
                }
            }
            @if let Some(closed) = &case.closed {
                p { "Closed by " strong { (closed.who) } " " (when::shown(closed.at, now, console.zone())) ": " (closed.how) "." }
            }
        }
        @if entry.row.open && caller.role() == Role::Clinician { (forms(console, caller, entry, case)) }
        @if !case.writes.is_empty() {
            section.writes aria-labelledby="writes-title" {
                h2 #writes-title { "In the EHR" }
                @for write in &case.writes {
                    p { (case::write(write)) }
                    p.quiet { (write.action) ", " (when::near(write.at, now, console.zone())) @if !write.words.is_empty() { ": " (write.words) } }
                }
            }
        }
        section.told aria-labelledby="told-title" {
            h2 #told-title { "Who it was put to" }
            p.quiet { (NO_CHANNEL) }
            @let to_roles = news::to_roles(case);
            @if case.told.is_empty() { p { "Nobody yet." } } @else {
                ol {
                    @for told in &case.told {
                        li {
                            (case::holder(&told.who)) ", " (when::near(told.at, now, console.zone()))
                            @if told.late { " " (part::chip_of("stale", "◔", "late")) }
                            @if !told.why.is_empty() { span.quiet { ": " (told.why) } }
                        }
                    }
                }
            }
            @if !to_roles.is_empty() {
                h3 { "Notices to them" }
                ul {
                    @for notice in to_roles { li { (notice.to) ", " (when::near(notice.at, now, console.zone())) ": " (notice.text) } }
                }
            }
            @if !case.seen_by.is_empty() { p.quiet { "Seen by " (case.seen_by.join(", ")) "." } }
        }
    }
}

fn forms(console: &Console, caller: &Caller, entry: &Entry, case: &Case) -> Markup {
    let path = format!("/item/{}", entry.row.id);
    let answers = console.app.desk.answers(&case.workflow);
    let is_mine = case.holder.as_deref() == Some(caller.account());
    html! {
        section.do aria-labelledby="do-title" {
            h2 #do-title { "What you can do" }
            @match (&case.holder, is_mine) {
                (None, _) => {
                    form method="post" action={ (path) "/acknowledge" } {
                        (part::token(caller))
                        button.wide type="submit" { "Acknowledge" }
                        p.quiet { "You have seen it and it is yours now." }
                    }
                },
                (Some(_), true) => (done_form(caller, &path, &answers)),
                (Some(who), false) => {
                    form method="post" action={ (path) "/takeover" } {
                        (part::token(caller))
                        button.wide type="submit" { "Take over" }
                        p.quiet { (who) " holds it now, and will find a notice about it on the worklist." }
                    }
                },
            }
            @if !answers.close_reasons.is_empty() {
                details {
                    summary { "Close without action" }
                    form.choose method="post" action={ (path) "/close" } {
                        (part::token(caller))
                        label for="reason" { "Reason" }
                        select #reason name="reason" required {
                            option value="" { "Choose a reason" }
                            @for reason in &answers.close_reasons { option value=(reason) { (reason) } }
                        }
                        button.danger type="submit" { "Close" }
                    }
                }
            }
        }
    }
}

fn done_form(caller: &Caller, path: &str, answers: &Answers) -> Markup {
    html! {
        @if !answers.done.is_empty() {
            form.choose method="post" action={ (path) "/done" } {
                (part::token(caller))
                fieldset {
                    legend { "What was done" }
                    @for (n, how) in answers.done.iter().enumerate() {
                        div.choice {
                            input #{ "how-" (n) } type="radio" name="how" value=(how) required;
                            label for={ "how-" (n) } { (how) }
                        }
                    }
                }
                button.wide type="submit" { "Record as done" }
            }
        } @else {
            p { "This workflow is not loaded now, so no answer can be recorded." }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fragment_becomes_a_sentence_and_a_sentence_stays_one() {
        assert_eq!(
            sentence("already acknowledged by ana"),
            "Already acknowledged by ana."
        );
        assert_eq!(sentence("Closed."), "Closed.");
        assert_eq!(sentence(""), ".");
    }
}
