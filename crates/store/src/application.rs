//! Access tokens of the customer's programs: short-lived, stored as hashes, each got with an assertion that works once.
//!
//! Whether an assertion is genuine is for `web` to find out; here its `jti` is remembered durably, so that a copy of it is refused on
//! every node and after every crash.

use std::sync::Arc;

use bedside_core::access::Grant;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::{OpCtx, Purpose, Role, Via};
use bedside_fact::clock::Timestamp;
use bedside_fact::id::ActorId;

use crate::account::token;
use crate::audit::append_in;
use crate::backend::Val;
use crate::error::Error;
use crate::lease::after as later;
use crate::row;
use crate::store::Store;

/// A token to be made.
#[derive(Clone, Debug)]
pub struct TokenWanted {
    /// The application.
    pub client: String,
    /// The `jti` of its assertion.
    pub jti: String,
    /// When that assertion runs out: until then its `jti` is remembered.
    pub jti_until: Timestamp,
    /// What the token is good for.
    pub scopes: Grant,
    /// For how long, in seconds.
    pub seconds: i64,
}

impl Store {
    /// The operation context of an application.
    #[must_use]
    pub fn application_ctx(&self, client: &str, scopes: Grant) -> OpCtx {
        OpCtx {
            tenant: self.tenant().clone(),
            actor: ActorId::new(client),
            role: Role::Application,
            purpose: Purpose::Treatment,
            reason: None,
            via: Via::Api,
            grant: Some(Arc::new(scopes)),
            clock: self.clock().clone(),
        }
    }

    /// Makes an access token; `None` when this assertion was used before. Either is in the log, durably, before this returns.
    ///
    /// # Errors
    /// What the database said: then there is no token.
    pub async fn application_token(&self, wanted: TokenWanted) -> Result<Option<String>, Error> {
        let made = token::make()?;
        let hash = token::hash(&made);
        let ctx = self.application_ctx(&wanted.client, wanted.scopes.clone());
        let scopes = wanted.scopes.scopes();
        let granted = Entry::new(&ctx, "token.issue", AuditOutcome::Success).detail(scopes.clone());
        let refused =
            Entry::new(&ctx, "token.issue", AuditOutcome::Denied).detail("assertion.replayed");
        let (tenant, sealer) = (self.tenant().clone(), self.sealer().clone());
        let jti = sealer.token_of(&[
            b"assertion",
            wanted.client.as_bytes(),
            wanted.jti.as_bytes(),
        ]);
        let now = self.clock().now();
        let at = now.as_microsecond();
        let expires = later(at, wanted.seconds);
        let fresh = self
            .write(move |tx| {
                let key = Val::Text(tenant.as_str());
                tx.execute(
                    "DELETE FROM application_assertion WHERE tenant = $1 AND until < $2",
                    &[key, Val::Int(at)],
                )?;
                tx.execute(
                    "DELETE FROM application_token WHERE tenant = $1 AND expires_at < $2",
                    &[key, Val::Int(at)],
                )?;
                let new = tx.execute(
                    "INSERT INTO application_assertion (tenant, token, until) VALUES ($1, $2, $3) ON CONFLICT (tenant, token) DO NOTHING",
                    &[key, Val::Blob(&jti.0), Val::Int(wanted.jti_until.as_microsecond())],
                )? == 1;
                if new {
                    tx.execute(
                        "INSERT INTO application_token (tenant, token_hash, client, scopes, expires_at) VALUES ($1, $2, $3, $4, $5)",
                        &[
                            key,
                            Val::Blob(&hash),
                            Val::Text(&wanted.client),
                            Val::Text(&scopes),
                            Val::Int(expires),
                        ],
                    )?;
                }
                let entry = if new { &granted } else { &refused };
                append_in(tx, &sealer, &tenant, std::slice::from_ref(entry), now)?;
                Ok(new)
            })
            .await?;
        Ok(fresh.then_some(made))
    }

    /// Who holds this token and what it is good for; `None` when it is over or was never made.
    ///
    /// # Errors
    /// What the database said.
    pub async fn application_session(&self, presented: &str) -> Result<Option<OpCtx>, Error> {
        let (tenant, hash) = (self.tenant().clone(), token::hash(presented));
        let now = self.clock().now().as_microsecond();
        let found = self
            .read(move |tx| {
                let rows = tx.query(
                    "SELECT client, scopes FROM application_token WHERE tenant = $1 AND token_hash = $2 AND expires_at > $3",
                    &[Val::Text(tenant.as_str()), Val::Blob(&hash), Val::Int(now)],
                )?;
                rows.first()
                    .map(|found| Ok((row::text(found, 0)?.to_owned(), row::text(found, 1)?.to_owned())))
                    .transpose()
            })
            .await?;
        Ok(found.map(|(client, scopes)| self.application_ctx(&client, Grant::parse(&scopes))))
    }
}
