//! Which application is calling: by the access token in the header, and by nothing else (RFC 6750 §2.1).

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::{OpCtx, Purpose, Role, Via};
use bedside_fact::id::ActorId;
use bedside_store::Error;

use crate::app::Console;

/// Why nobody is calling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// There is no token.
    Missing,
    /// The token is over, or was never made here.
    Invalid,
}

/// The application that holds the token of this request, with what it is granted today. A refusal is in the audit log.
///
/// # Errors
/// What the store said while it was asked.
pub(crate) async fn caller(
    console: &Console,
    headers: &HeaderMap,
) -> Result<Result<OpCtx, Unknown>, Error> {
    let unknown = match token(headers) {
        None => Unknown::Missing,
        Some(token) => {
            let session = console.store().application_session(token).await?;
            if let Some(ctx) = session.and_then(|ctx| today(console, ctx)) {
                return Ok(Ok(ctx));
            }
            Unknown::Invalid
        }
    };
    let rule = match unknown {
        Unknown::Missing => "token.missing",
        Unknown::Invalid => "token.invalid",
    };
    let ctx = nobody(console);
    let entry = Entry::new(&ctx, "fhir.read", AuditOutcome::Denied).detail(rule);
    if let Err(error) = console.store().audit(&ctx, entry).await {
        tracing::warn!(
            code = error.code(),
            "a refused request could not be written to the audit log"
        );
    }
    Ok(Err(unknown))
}

/// Somebody who has not shown who they are.
pub(crate) fn nobody(console: &Console) -> OpCtx {
    OpCtx {
        tenant: console.store().tenant().clone(),
        actor: ActorId::new("anonymous"),
        role: Role::Anonymous,
        purpose: Purpose::Operations,
        reason: None,
        via: Via::Api,
        grant: None,
        clock: console.store().clock().clone(),
    }
}

/// A token is good for no more than its application is registered for by now.
fn today(console: &Console, mut ctx: OpCtx) -> Option<OpCtx> {
    let application = console.app.api.application(ctx.actor.as_str())?;
    let grant = ctx.grant.as_deref()?.within(&application.scopes);
    ctx.grant = Some(Arc::new(grant));
    Some(ctx)
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && token.len() <= 256)
        .then_some(token)
}
