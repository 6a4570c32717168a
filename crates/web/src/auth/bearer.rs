//! Which application is calling: by the access token in the header, and by nothing else (RFC 6750 §2.1).

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
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

impl Unknown {
    /// The rule of the refusal, for the log.
    pub(crate) const fn rule(self) -> &'static str {
        match self {
            Self::Missing => "token.missing",
            Self::Invalid => "token.invalid",
        }
    }
}

/// The application that holds the token of this request, with what it is granted today. Whoever asks sees to it that a refusal is in the
/// audit log, with what was wanted.
///
/// # Errors
/// What the store said while it was asked.
pub(crate) async fn caller(
    console: &Console,
    headers: &HeaderMap,
) -> Result<Result<OpCtx, Unknown>, Error> {
    let Some(token) = token(headers) else {
        return Ok(Err(Unknown::Missing));
    };
    let session = console.store().application_session(token).await?;
    Ok(session
        .and_then(|ctx| today(console, ctx))
        .ok_or(Unknown::Invalid))
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
