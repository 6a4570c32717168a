//! `POST /auth/token`: an access token for an assertion (RFC 6749 §4.4, RFC 7521 §4.2).

use axum::extract::{Form, FromRequest, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bedside_core::access::Grant;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::OpCtx;
use bedside_fact::id::ActorId;
use bedside_store::TokenWanted;
use serde_json::json;

use super::assertion::{self, Client, Untrue};
use super::bearer::nobody;
use crate::app::Console;
use crate::fhir::base;

/// RFC 7523 §2.2.
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The largest request: an assertion and a few words.
const LARGEST: usize = 32 * 1024;

/// A refusal as RFC 6749 §5.2 has it.
struct Refusal {
    status: StatusCode,
    error: &'static str,
    words: String,
    check: &'static str,
}

/// Issues a token, or says which check failed.
pub(crate) async fn issue(State(console): State<Console>, request: Request) -> Response {
    let token_url =
        base::trusted(&console, request.headers()).map(|root| format!("{root}/auth/token"));
    let asked = match read(request).await {
        Ok(asked) => asked,
        Err(refusal) => return refuse(&console, &nobody(&console), &refusal).await,
    };
    let api = &console.app.api;
    let verified =
        assertion::verify(api, &asked.assertion, token_url.as_deref(), console.now()).await;
    let verified = match verified {
        Ok(verified) => verified,
        Err(untrue) => return disbelieve(&console, untrue).await,
    };
    let application = verified.application;
    let ctx = console
        .store()
        .application_ctx(&application.id, Grant::default());
    // RFC 6749 §3.3: without a scope the registered ones are meant; the answer says which those are.
    let scopes = match &asked.scope {
        Some(scope) => application.scopes.narrowed(scope),
        None => application.scopes.clone(),
    };
    if scopes.is_empty() {
        let words = "scope: none of these is registered for this client";
        return refuse(&console, &ctx, &refusal("invalid_scope", words, "scope")).await;
    }
    let wanted = TokenWanted {
        client: application.id.clone(),
        jti: verified.jti,
        jti_until: verified.until,
        scopes: scopes.clone(),
        seconds: api.token_seconds,
    };
    match console.store().application_token(wanted).await {
        Ok(Some(token)) => answer(
            StatusCode::OK,
            &json!({
                "access_token": token,
                "token_type": "bearer",
                "expires_in": api.token_seconds,
                "scope": scopes.scopes(),
            }),
        ),
        // The store has written it down already.
        Ok(None) => answer(
            StatusCode::UNAUTHORIZED,
            &json!({
                "error": "invalid_client",
                "error_description": "jti: this assertion was used before; make a new one for each request",
            }),
        ),
        Err(error) => {
            tracing::warn!(code = error.code(), "a token could not be issued: {error}");
            answer(
                StatusCode::SERVICE_UNAVAILABLE,
                &json!({
                    "error": "temporarily_unavailable",
                    "error_description": "the store can't write at the moment; try again later",
                }),
            )
        }
    }
}

struct Asked {
    assertion: String,
    scope: Option<String>,
}

async fn read(request: Request) -> Result<Asked, Refusal> {
    let is_form = request
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if !is_form {
        return Err(invalid("send a form: application/x-www-form-urlencoded"));
    }
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, LARGEST)
        .await
        .map_err(|_| invalid("the request is larger than 32 KiB"))?;
    let request = Request::from_parts(parts, axum::body::Body::from(bytes));
    let Ok(Form(fields)) = Form::<Vec<(String, String)>>::from_request(request, &()).await else {
        return Err(invalid("the form can't be read"));
    };
    let field = |name: &str| -> Result<Option<String>, Refusal> {
        let mut values = fields.iter().filter(|(key, _)| key == name);
        let first = values.next().map(|(_, value)| value.clone());
        if values.next().is_some() {
            // RFC 6749 §3.2.
            return Err(invalid("a parameter stands more than once"));
        }
        Ok(first.filter(|value| !value.is_empty()))
    };
    match field("grant_type")?.as_deref() {
        Some("client_credentials") => {}
        Some(_) => {
            let words = "grant_type: only client_credentials is offered";
            return Err(refusal("unsupported_grant_type", words, "grant_type"));
        }
        None => return Err(invalid("grant_type: it is missing")),
    }
    if field("client_assertion_type")?.as_deref() != Some(ASSERTION) {
        return Err(Refusal {
            status: StatusCode::UNAUTHORIZED,
            ..refusal(
                "invalid_client",
                "client_assertion_type: authenticate with a signed assertion (private_key_jwt); secrets are not taken",
                "client_assertion_type",
            )
        });
    }
    Ok(Asked {
        assertion: field("client_assertion")?
            .ok_or_else(|| invalid("client_assertion: it is missing"))?,
        scope: field("scope")?,
    })
}

/// Refuses an assertion. The log names the client whose it is, and says when that is no more than a claim: a name of nobody who is
/// registered is not repeated.
async fn disbelieve(console: &Console, untrue: Untrue) -> Response {
    let refusal = Refusal {
        status: StatusCode::UNAUTHORIZED,
        error: "invalid_client",
        words: untrue.words,
        check: untrue.check,
    };
    let (ctx, mark) = match untrue.client {
        Client::Unknown => (nobody(console), ""),
        Client::Proven(id) => (console.store().application_ctx(&id, Grant::default()), ""),
        // The role stays that of nobody.
        Client::Claimed(id) => (
            OpCtx {
                actor: ActorId::new(id),
                ..nobody(console)
            },
            ": the client id is claimed and not proven",
        ),
    };
    note(console, &ctx, format!("assertion.{}{mark}", refusal.check)).await;
    refused(&refusal)
}

async fn refuse(console: &Console, ctx: &OpCtx, refusal: &Refusal) -> Response {
    note(console, ctx, format!("assertion.{}", refusal.check)).await;
    refused(refusal)
}

async fn note(console: &Console, ctx: &OpCtx, detail: String) {
    let entry = Entry::new(ctx, "token.issue", AuditOutcome::Denied).detail(detail);
    if let Err(error) = console.store().audit(ctx, entry).await {
        tracing::warn!(
            code = error.code(),
            "a refused token request could not be written to the audit log"
        );
    }
}

fn refused(refusal: &Refusal) -> Response {
    answer(
        refusal.status,
        &json!({ "error": refusal.error, "error_description": refusal.words }),
    )
}

fn invalid(words: &str) -> Refusal {
    refusal("invalid_request", words, "request")
}

fn refusal(error: &'static str, words: &str, check: &'static str) -> Refusal {
    Refusal {
        status: StatusCode::BAD_REQUEST,
        error,
        words: words.to_owned(),
        check,
    }
}

fn answer(status: StatusCode, body: &serde_json::Value) -> Response {
    let mut response = (status, body.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
