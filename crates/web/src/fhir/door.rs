//! The one door of `/fhir`: who, in which form, and what, in this order, so that each refusal can be written down with its name. Trailing
//! slashes are ignored.
//!
//! One handler takes all paths and methods, because each refusal has to be an `OperationOutcome`, those of the router's too.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CONTENT_LENGTH};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use bedside_core::ctx::OpCtx;
use bedside_fhir::search::type_of;
use bedside_store::Attempt;

use super::attempt::{Tried, note};
use super::failure::Failure;
use super::format::{acceptable, fields, form};
use super::{base, batch, capability, create, read, search, smart};
use crate::app::Console;
use crate::auth;

/// The longest form of a search.
const FORM: usize = 64 * 1024;

/// A request whose form was found acceptable, by an application that is known.
pub(super) struct Call<'a> {
    pub(super) console: &'a Console,
    pub(super) ctx: &'a OpCtx,
    pub(super) parts: &'a Parts,
    /// The parameters of the address.
    pub(super) query: Vec<(String, String)>,
    /// Our own address, to `/fhir`.
    pub(super) base: String,
}

/// The routes of the API and of the tokens for it.
pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .route(
            "/.well-known/smart-configuration",
            get(smart::configuration),
        )
        .route("/auth/token", post(auth::issue))
        .route("/fhir", any(door))
        .route("/fhir/", any(door))
        .route("/fhir/{*path}", any(door))
}

async fn door(State(console): State<Console>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let is_head = parts.method == Method::HEAD;
    let response = match enter(&console, &parts, body).await {
        Ok(response) => response,
        Err(failure) => failure.into_response(),
    };
    if !is_head {
        return response;
    }
    // The same headers, and nothing behind them (RFC 9110 §9.3.2).
    let (mut head, body) = response.into_parts();
    if let Some(length) = axum::body::HttpBody::size_hint(&body).exact() {
        head.headers
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(head, Body::empty())
}

async fn enter(console: &Console, parts: &Parts, body: Body) -> Result<Response, Failure> {
    let path = parts.uri.path().strip_prefix("/fhir").unwrap_or_default();
    let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let is_get = parts.method == Method::GET || parts.method == Method::HEAD;
    if segments == [".well-known", "smart-configuration"] && is_get {
        return Ok(smart::document(console, &parts.headers));
    }
    if parts.method == Method::OPTIONS {
        let allowed = [(ALLOW, "GET, HEAD, POST, OPTIONS")];
        return Ok((StatusCode::NO_CONTENT, allowed).into_response());
    }
    if segments == ["metadata"] && is_get {
        acceptable(
            &parts.headers,
            &fields(parts.uri.query().unwrap_or_default())?,
        )?;
        return Ok(capability::document(console, &parts.headers));
    }
    let base = base::fhir(console, &parts.headers);
    let ctx = match auth::caller(console, &parts.headers).await? {
        Ok(ctx) => ctx,
        Err(unknown) => return Err(stranger(console, parts, path, unknown).await?),
    };
    let mut call = Call {
        console,
        ctx: &ctx,
        parts,
        query: Vec::new(),
        base,
    };
    let answer = answer(&mut call, &segments, body).await;
    if let Err(failure) = &answer {
        let tried = Tried {
            method: parts.method.as_str(),
            path,
            parameters: &call.query,
            base: &call.base,
        };
        note(console, &ctx, &tried, failure).await?;
    }
    answer
}

/// The refusal of whoever shows no good token. Patients that they named are not looked for.
async fn stranger(
    console: &Console,
    parts: &Parts,
    path: &str,
    unknown: auth::Unknown,
) -> Result<Failure, Failure> {
    let parameters = fields(parts.uri.query().unwrap_or_default()).unwrap_or_default();
    let tried = Tried {
        method: parts.method.as_str(),
        path,
        parameters: &parameters,
        base: "",
    };
    let failure = Failure::unauthorised(unknown == auth::Unknown::Invalid);
    let attempt = Attempt {
        patients: Vec::new(),
        ..tried.attempt(unknown.rule(), failure.status)
    };
    let ctx = auth::nobody(console);
    console.store().fhir_attempts(&ctx, vec![attempt]).await?;
    Ok(failure)
}

async fn answer(call: &mut Call<'_>, segments: &[&str], body: Body) -> Result<Response, Failure> {
    let method = &call.parts.method;
    call.query = fields(call.parts.uri.query().unwrap_or_default())?;
    acceptable(&call.parts.headers, &call.query)?;
    if method == Method::GET || method == Method::HEAD {
        return got(call, segments).await;
    }
    if method == Method::POST {
        return posted(call, segments, body).await;
    }
    Err(Failure::method(
        "GET, HEAD, POST",
        "resources are read and searched here, and Observations created; nothing is changed or deleted",
    ))
}

async fn got(call: &Call<'_>, segments: &[&str]) -> Result<Response, Failure> {
    match segments {
        [] => Err(Failure::bad(
            "not-supported",
            "a search over all types is not offered: name one",
        )),
        [kind] => {
            let kind = offered(kind)?;
            let query = call.query.clone();
            search::search(call, kind, query).await
        }
        [kind, id] if !id.starts_with(['_', '$']) => {
            read::read(call, offered(kind)?, id, None).await
        }
        [kind, id, "_history", version] => {
            let kind = offered(kind)?;
            // A number that we never gave is a version that there is not.
            let number = version.parse().unwrap_or(0);
            read::read(call, kind, id, Some(number)).await
        }
        ["Patient", id, kind] if !kind.starts_with(['_', '$']) && *kind != "Patient" => {
            let kind = offered(kind)?;
            let mut query = call.query.clone();
            query.push((String::from("patient"), (*id).to_owned()));
            search::search(call, kind, query).await
        }
        _ => Err(Failure::not_offered(
            "this interaction is not offered: see /fhir/metadata",
        )),
    }
}

async fn posted(call: &mut Call<'_>, segments: &[&str], body: Body) -> Result<Response, Failure> {
    match segments {
        [] => batch::batch(call, body).await,
        [kind, "_search"] => {
            let kind = offered(kind)?;
            let form = form(&call.parts.headers, body, FORM).await?;
            call.query.extend(form);
            let query = call.query.clone();
            search::search(call, kind, query).await
        }
        [kind] => {
            let kind = offered(kind)?;
            if call.query.iter().any(|(name, _)| !name.starts_with('_')) {
                // Ignoring it would create a duplicate of what the client hoped to find.
                return Err(Failure::bad(
                    "not-supported",
                    "a create takes no search parameters in its address: for a conditional create send them in If-None-Exist",
                ));
            }
            if kind != "Observation" {
                return Err(Failure::method(
                    "GET, HEAD",
                    "only Observations can be created here",
                ));
            }
            create::create(call, body).await
        }
        _ => Err(Failure::not_offered(
            "this interaction is not offered: see /fhir/metadata",
        )),
    }
}

/// The type, when it is one of those that are offered.
fn offered(kind: &str) -> Result<&'static str, Failure> {
    type_of(kind).ok_or_else(|| {
        Failure::not_offered("this resource type is not offered: see /fhir/metadata")
    })
}
