//! What a session may do and how it ends.

use std::time::Duration;

use bedside_core::access::Denial;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::{OpCtx, Role, Via};
use bedside_fact::id::{TenantId, Token};

use super::manage::split;
use super::token;
use crate::Store;
use crate::audit::append_in;
use crate::backend::{Tx, Val};
use crate::error::Error;
use crate::lease::after as later;
use crate::row;
use crate::seal::Sealer;

/// A request within so many seconds of the last one is not written down.
const SEEN_EVERY: i64 = 60;

/// How long a request waits for its being seen to be written down.
const PATIENCE: Duration = Duration::from_millis(200);

/// The longest reason that is taken, in characters.
const LONGEST_REASON: usize = 500;

/// Who a request is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Who.
    pub account: String,
    /// In which role at present.
    pub role: Role,
    /// What they may switch to.
    pub roles: Vec<Role>,
    /// What each form must send back.
    pub csrf: String,
    /// The reason they gave, where the role needs one.
    pub reason: Option<String>,
}

struct Stored {
    session: Session,
    via: Via,
    last_seen: i64,
}

impl Store {
    /// The session of this token, unless it is over: idle for too long, too old ([`crate::SessionLimits`]), ended, or its account changed.
    ///
    /// # Errors
    /// What the database said.
    pub async fn session(&self, token: &str) -> Result<Option<Session>, Error> {
        let now = self.clock().now().as_microsecond();
        let Some(stored) = self.stored_session(token).await? else {
            return Ok(None);
        };
        // While nothing can be written, nobody's being here can be either, and clinicians' reads must go on.
        if later(stored.last_seen, self.inner.sessions.idle) <= now && self.audit_health().writable
        {
            return Ok(None);
        }
        if later(stored.last_seen, SEEN_EVERY) <= now {
            let (tenant, hash) = (self.tenant().clone(), token::hash(token));
            let seen = self.write(move |tx| {
                tx.execute(
                    "UPDATE session SET last_seen = $3 WHERE tenant = $1 AND token_hash = $2 AND last_seen < $3",
                    &[Val::Text(tenant.as_str()), Val::Blob(&hash), Val::Int(now)],
                )
            });
            // A request is not refused because this can't be written; the next one tries again.
            let _ = tokio::time::timeout(PATIENCE, seen).await;
        }
        Ok(Some(stored.session))
    }

    /// Writes down why the person of this session needs to see clinical content.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the session is over; [`Error::Invalid`] when the reason is empty or too long.
    pub async fn set_reason(&self, token: &str, reason: &str) -> Result<(), Error> {
        let reason = reason.trim().to_owned();
        if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
            return Err(Error::Invalid(format!(
                "a reason has 1 to {LONGEST_REASON} characters"
            )));
        }
        self.change(token, None, Some(reason), "session.reason")
            .await
    }

    /// Goes on in another of the account's roles. A reason given for the old one does not count for the new one.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the session is over; [`Error::Denied`] when the account does not have the role.
    pub async fn switch_role(&self, token: &str, role: Role) -> Result<(), Error> {
        self.change(token, Some(role), None, "session.role").await
    }

    /// Ends a session; one that is over already stays so.
    ///
    /// # Errors
    /// What the database said.
    pub async fn end_session(&self, token: &str) -> Result<(), Error> {
        let Some(stored) = self.stored_session(token).await? else {
            return Ok(());
        };
        let entry = Entry::new(
            &self.ctx_in(&stored, stored.session.role),
            "session.end",
            AuditOutcome::Success,
        );
        let (sealer, tenant, hash) = (
            self.sealer().clone(),
            self.tenant().clone(),
            token::hash(token),
        );
        let now = self.clock().now();
        self.write(move |tx| {
            tx.execute(
                "DELETE FROM session WHERE tenant = $1 AND token_hash = $2",
                &[Val::Text(tenant.as_str()), Val::Blob(&hash)],
            )?;
            append_in(tx, &sealer, &tenant, std::slice::from_ref(&entry), now)
        })
        .await
    }

    async fn change(
        &self,
        token: &str,
        role: Option<Role>,
        reason: Option<String>,
        action: &str,
    ) -> Result<(), Error> {
        let Some(stored) = self.stored_session(token).await? else {
            return Err(Error::NotFound("session"));
        };
        let role = role.unwrap_or(stored.session.role);
        let mut ctx = self.ctx_in(&stored, role);
        if !stored.session.roles.contains(&role) {
            self.audit(
                &ctx,
                Entry::new(&ctx, action, AuditOutcome::Denied).detail(role.as_str()),
            )
            .await?;
            return Err(Error::Denied(Denial::NotGranted));
        }
        ctx.reason.clone_from(&reason);
        let entry = Entry::new(&ctx, action, AuditOutcome::Success);
        let (sealer, tenant, hash) = (
            self.sealer().clone(),
            self.tenant().clone(),
            token::hash(token),
        );
        let sealed = match &reason {
            Some(reason) => Some(sealer.seal(
                "data",
                "session",
                &row_name(&hash),
                "reason",
                reason.as_bytes(),
            )?),
            None => None,
        };
        let now = self.clock().now();
        self.write(move |tx| {
            let changed = tx.execute(
                "UPDATE session SET role = $3, reason = $4 WHERE tenant = $1 AND token_hash = $2",
                &[
                    Val::Text(tenant.as_str()),
                    Val::Blob(&hash),
                    Val::Text(role.as_str()),
                    sealed.as_deref().map_or(Val::Null, Val::Blob),
                ],
            )?;
            if changed == 0 {
                return Err(Error::NotFound("session"));
            }
            append_in(tx, &sealer, &tenant, std::slice::from_ref(&entry), now)
        })
        .await
    }

    async fn stored_session(&self, token: &str) -> Result<Option<Stored>, Error> {
        let (sealer, tenant, token) = (
            self.sealer().clone(),
            self.tenant().clone(),
            token.to_owned(),
        );
        let now = self.clock().now().as_microsecond();
        self.read(move |tx| read(tx, &sealer, &tenant, &token, now))
            .await
    }

    fn ctx_in(&self, stored: &Stored, role: Role) -> OpCtx {
        self.ctx_of(&stored.session.account, role, stored.via)
    }
}

/// Writes a new session, and removes those of the account that are over.
pub(super) fn insert(
    tx: &mut dyn Tx,
    tenant: &str,
    hash: &[u8],
    account: &str,
    role: Role,
    via: Via,
    (now, expires): (i64, i64),
) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM session WHERE tenant = $1 AND account = $2 AND expires_at <= $3",
        &[Val::Text(tenant), Val::Text(account), Val::Int(now)],
    )?;
    tx.execute(
        "INSERT INTO session (tenant, token_hash, account, role, via, created_at, last_seen, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $6, $7)",
        &[
            Val::Text(tenant),
            Val::Blob(hash),
            Val::Text(account),
            Val::Text(role.as_str()),
            Val::Text(via_word(via)),
            Val::Int(now),
            Val::Int(expires),
        ],
    )?;
    Ok(())
}

fn read(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    token: &str,
    now: i64,
) -> Result<Option<Stored>, Error> {
    let hash = token::hash(token);
    let rows = tx.query(
        "SELECT s.account, s.role, s.reason, s.via, s.last_seen, a.roles FROM session s \
         JOIN account a ON a.tenant = s.tenant AND a.name = s.account \
         WHERE s.tenant = $1 AND s.token_hash = $2 AND s.expires_at > $3 AND a.disabled_at IS NULL",
        &[Val::Text(tenant.as_str()), Val::Blob(&hash), Val::Int(now)],
    )?;
    let Some(found) = rows.first() else {
        return Ok(None);
    };
    let roles = split(row::text(found, 5)?);
    let Some(role) = Role::parse(row::text(found, 1)?).filter(|role| roles.contains(role)) else {
        return Ok(None);
    };
    let reason = match row::blob_or_null(found, 2)? {
        Some(sealed) => {
            let plain = sealer.open("data", "session", &row_name(&hash), "reason", sealed)?;
            Some(
                String::from_utf8(plain)
                    .map_err(|_| Error::Corrupt("a session's reason is not text".into()))?,
            )
        }
        None => None,
    };
    Ok(Some(Stored {
        via: via_of(row::text(found, 3)?),
        last_seen: row::int(found, 4)?,
        session: Session {
            account: row::text(found, 0)?.to_owned(),
            role,
            roles,
            csrf: token::csrf(token),
            reason,
        },
    }))
}

fn row_name(hash: &[u8]) -> String {
    let mut short = [0_u8; 16];
    for (to, from) in short.iter_mut().zip(hash) {
        *to = *from;
    }
    Token(short).to_hex()
}

const fn via_word(via: Via) -> &'static str {
    match via {
        Via::Console => "console",
        Via::Command => "command",
        Via::Api => "api",
        Via::Mllp => "mllp",
        Via::Internal => "internal",
    }
}

fn via_of(word: &str) -> Via {
    [Via::Console, Via::Command, Via::Api, Via::Mllp]
        .into_iter()
        .find(|via| via_word(*via) == word)
        .unwrap_or(Via::Internal)
}
