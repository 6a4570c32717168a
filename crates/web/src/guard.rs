//! Who is asking? Answered from the headers alone, before anything else of a request is read.
//!
//! Without a session nothing behind the guard is reached, and the attempt is in the audit log. What a signed-in account may do is
//! not decided here: the store does that for every operation.

use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::header::{ACCEPT, HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::{OpCtx, Purpose, Role, Via};
use bedside_fact::id::ActorId;

use crate::app::Console;
use crate::console::page;
use crate::cookie;
use crate::failure::Failure;

/// Somebody who is signed in.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) ctx: OpCtx,
    /// All roles of the account; `ctx.role` is the one that is played now.
    pub(crate) roles: Arc<[Role]>,
    /// What a form of this session must carry.
    pub(crate) csrf: Arc<str>,
    /// The session's token.
    pub(crate) token: Arc<str>,
}

impl Caller {
    pub(crate) fn account(&self) -> &str {
        self.ctx.actor.as_str()
    }

    pub(crate) fn role(&self) -> Role {
        self.ctx.role
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts
            .extensions
            .get::<Self>()
            .cloned()
            .ok_or_else(Failure::signed_out)
    }
}

/// Lets a signed-in request through, with its [`Caller`], and turns everybody else away.
pub(crate) async fn guard(
    State(console): State<Console>,
    mut request: Request,
    next: Next,
) -> Response {
    let token = cookie::token(request.headers()).map(Arc::<str>::from);
    let caller = match token {
        Some(token) => match caller(&console, token).await {
            Ok(caller) => caller,
            Err(failure) => return failure.into_response(),
        },
        None => None,
    };
    let what = what(&request);
    let Some(caller) = caller else {
        let answer = turned_away(request.method(), request.headers());
        note_denied(&console, &anonymous(&console), "session.required", what).await;
        return answer;
    };
    if changes(request.method()) && !is_same_origin(request.headers()) {
        note_denied(&console, &caller.ctx, "request.foreign", what).await;
        return page::failure(&console, &caller, "/", &Failure::foreign()).await;
    }
    let path = request.uri().path().to_owned();
    request.extensions_mut().insert(caller.clone());
    let response = next.run(request).await;
    match response.extensions().get::<Failure>().cloned() {
        Some(failure) => page::failure(&console, &caller, &path, &failure).await,
        None => response,
    }
}

/// For the public forms: refuses what another site's page sent.
pub(crate) async fn same_origin(request: Request, next: Next) -> Response {
    if changes(request.method()) && !is_same_origin(request.headers()) {
        return Failure::foreign().into_response();
    }
    next.run(request).await
}

/// The answer to a path that does not exist, for those who are signed in.
pub(crate) async fn nothing_here() -> Failure {
    Failure::not_found()
}

/// Writes down that `ctx` was refused `what`. It is refused whether or not that could be written.
pub(crate) async fn note_denied(console: &Console, ctx: &OpCtx, action: &str, what: String) {
    let entry = Entry::new(ctx, action, AuditOutcome::Denied).detail(what);
    if let Err(error) = console.store().audit(ctx, entry).await {
        tracing::warn!(
            code = error.code(),
            "a refused request could not be written to the audit log"
        );
    }
}

async fn caller(console: &Console, token: Arc<str>) -> Result<Option<Caller>, Failure> {
    let Some(session) = console.store().session(&token).await? else {
        return Ok(None);
    };
    let purpose = match session.role {
        Role::Clinician => Purpose::Treatment,
        Role::Compliance => Purpose::Compliance,
        Role::Engineer | Role::Application | Role::Service | Role::Anonymous => Purpose::Operations,
    };
    Ok(Some(Caller {
        ctx: OpCtx {
            tenant: console.store().tenant().clone(),
            actor: ActorId::new(session.account),
            role: session.role,
            purpose,
            reason: session.reason,
            via: Via::Console,
            grant: None,
            clock: console.store().clock().clone(),
        },
        roles: session.roles.into(),
        csrf: session.csrf.into(),
        token,
    }))
}

fn anonymous(console: &Console) -> OpCtx {
    OpCtx {
        tenant: console.store().tenant().clone(),
        actor: ActorId::new("anonymous"),
        role: Role::Anonymous,
        purpose: Purpose::Operations,
        reason: None,
        via: Via::Console,
        grant: None,
        clock: console.store().clock().clone(),
    }
}

/// The method and the pattern of the route. Never the path itself: a stranger chose that text.
fn what(request: &Request) -> String {
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unknown path", MatchedPath::as_str);
    let method = request.method();
    if [Method::GET, Method::HEAD, Method::POST].contains(method) {
        format!("{method} {route}")
    } else {
        format!("other method, {route}")
    }
}

fn turned_away(method: &Method, headers: &HeaderMap) -> Response {
    if headers.contains_key("hx-request") {
        // A part of a page that refreshes itself: the whole page has to go.
        return (
            StatusCode::UNAUTHORIZED,
            [(HeaderName::from_static("hx-redirect"), "/signin")],
        )
            .into_response();
    }
    let wants_page = headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|text| text.contains("text/html"));
    if method == Method::GET && wants_page {
        Redirect::to("/signin").into_response()
    } else {
        Failure::signed_out().into_response()
    }
}

fn changes(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether our own page sent this. Every browser that can run the console sends one of the two headers; a program that sends
/// neither can't be tricked by another site's page. Forms carry the session's token besides.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if headers.contains_key("sec-fetch-site") {
        return text(&HeaderName::from_static("sec-fetch-site")) == Some("same-origin");
    }
    if !headers.contains_key(ORIGIN) {
        return true;
    }
    let origin = text(&ORIGIN)
        .and_then(|origin| origin.split_once("://"))
        .map(|(_, authority)| authority);
    origin.is_some() && origin == text(&HOST)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn check(pairs: &[(&'static str, &'static str)], expected: bool) {
        let headers: HeaderMap = pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        assert_eq!(is_same_origin(&headers), expected, "{pairs:?}");
    }

    #[test]
    fn a_form_of_another_site_is_told_apart() {
        check(&[("sec-fetch-site", "same-origin")], true);
        check(&[("sec-fetch-site", "cross-site")], false);
        check(&[("sec-fetch-site", "same-site")], false);
        check(&[("sec-fetch-site", "none")], false);
        check(
            &[
                ("host", "127.0.0.1:8080"),
                ("origin", "http://127.0.0.1:8080"),
            ],
            true,
        );
        check(
            &[
                ("host", "127.0.0.1:8080"),
                ("origin", "http://127.0.0.1:9090"),
            ],
            false,
        );
        check(&[("host", "127.0.0.1:8080"), ("origin", "null")], false);
        check(&[("host", "127.0.0.1:8080")], true);
    }
}
