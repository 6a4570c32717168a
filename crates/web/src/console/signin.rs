//! Signing in by password or by a one-time link, and signing out.
//!
//! The link opens a page with a button. Only the button uses the link up, so that a mail scanner or a browser that looks
//! ahead can't.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderName, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use bedside_core::ctx::Via;
use bedside_core::error::Kind;
use maud::{Markup, html};
use serde::Deserialize;

use crate::app::Console;
use crate::console::page;
use crate::cookie;
use crate::failure::Failure;
use crate::posted::Posted;

#[derive(Deserialize)]
pub(crate) struct SignIn {
    name: String,
    password: String,
}

/// The sign-in page.
pub(crate) async fn form(State(console): State<Console>) -> Response {
    Html(page::bare("Sign in", &sign_in_form(&console, None)).into_string()).into_response()
}

/// Name and password. This form is the credential itself, so it is the one body that is read before anybody is signed in.
pub(crate) async fn sign_in(State(console): State<Console>, Form(form): Form<SignIn>) -> Response {
    match console
        .store()
        .sign_in(&form.name, &form.password, Via::Console)
        .await
    {
        Ok(session) => welcome(&console, &session.token),
        Err(error) => {
            let (status, words) = match error.kind() {
                Kind::Invalid | Kind::Denied | Kind::Conflict => (
                    StatusCode::UNAUTHORIZED,
                    String::from("This name and password do not match an account."),
                ),
                Kind::Busy => (StatusCode::TOO_MANY_REQUESTS, format!("Not now: {error}.")),
                Kind::Broken => (
                    StatusCode::INTERNAL_SERVER_ERROR,
                    format!("Signing in is broken: {error}."),
                ),
            };
            let body = page::bare("Sign in", &sign_in_form(&console, Some(&words)));
            (status, Html(body.into_string())).into_response()
        }
    }
}

/// The page behind a one-time link.
pub(crate) async fn link(State(console): State<Console>, Path(token): Path<String>) -> Response {
    let main = html! {
        h1 { "Sign in to Bedside" }
        p.lead { (console.app.site) }
        p { "This link signs you in once, in this browser." }
        form.panel method="post" action={ "/signin/link/" (token) } {
            button type="submit" { "Sign in" }
        }
    };
    Html(page::bare("Sign in", &main).into_string()).into_response()
}

/// Uses the link up.
pub(crate) async fn redeem(State(console): State<Console>, Path(token): Path<String>) -> Response {
    match console.store().redeem(&token).await {
        Ok(session) => welcome(&console, &session.token),
        Err(error) if matches!(error.kind(), Kind::Busy | Kind::Broken) => {
            Failure::from(error).into_response()
        }
        Err(_) => {
            let main = html! {
                h1 { "This link can't be used" }
                p.lead { "It was used before, it is too old, or it was copied incompletely. Ask whoever runs Bedside for a new one." }
                p { a href="/signin" { "Sign in with a password" } }
            };
            (
                StatusCode::UNAUTHORIZED,
                Html(page::bare("Sign in", &main).into_string()),
            )
                .into_response()
        }
    }
}

/// Ends the session, here and in the store, and asks the browser to forget what it kept.
pub(crate) async fn sign_out(
    State(console): State<Console>,
    posted: Posted,
) -> Result<Response, Failure> {
    console.store().end_session(&posted.caller.token).await?;
    let headers = [
        (SET_COOKIE, cookie::taken(console.app.tls)),
        (
            HeaderName::from_static("clear-site-data"),
            String::from("\"cache\", \"storage\""),
        ),
    ];
    Ok((headers, Redirect::to("/signin")).into_response())
}

fn welcome(console: &Console, token: &str) -> Response {
    (
        [(SET_COOKIE, cookie::given(token, console.app.tls))],
        Redirect::to("/"),
    )
        .into_response()
}

fn sign_in_form(console: &Console, wrong: Option<&str>) -> Markup {
    html! {
        h1 { "Sign in to Bedside" }
        p.lead { (console.app.site) }
        @if let Some(words) = wrong { p #wrong.alarm role="alert" { (words) } }
        form.panel method="post" action="/signin" {
            label for="name" { "Account" }
            input #name name="name" type="text" autocomplete="username" autocapitalize="none" spellcheck="false" required
                maxlength="200" aria-describedby=[wrong.map(|_| "wrong")];
            label for="password" { "Password" }
            input #password name="password" type="password" autocomplete="current-password" required maxlength="1000";
            button type="submit" { "Sign in" }
        }
        p.quiet { "A one-time link is printed where Bedside was started." }
    }
}
