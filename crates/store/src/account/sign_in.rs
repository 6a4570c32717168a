//! From a password or a one-time link to a session.

use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::{OpCtx, Purpose, Role, Via};
use bedside_fact::clock::Timestamp;
use bedside_fact::id::ActorId;

use super::manage::{find, split};
use super::{password, session, token};
use crate::Store;
use crate::audit::append_in;
use crate::backend::{Tx, Val};
use crate::error::Error;
use crate::lease::after as later;
use crate::row;

/// Wrong passwords in a row before the account is locked.
const ATTEMPTS: i64 = 5;

/// How long the first lock lasts, in seconds; each further wrong password doubles it.
const FIRST_LOCK: i64 = 30;

/// The longest lock, in seconds.
const LONGEST_LOCK: i64 = 15 * 60;

/// A session that has just begun.
#[derive(Clone, PartialEq, Eq)]
pub struct NewSession {
    /// What the browser keeps; the store has only its hash.
    pub token: String,
    /// What each form must send back.
    pub csrf: String,
    /// Who.
    pub account: String,
    /// In which role it begins.
    pub role: Role,
}

impl std::fmt::Debug for NewSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewSession")
            .field("account", &self.account)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// What an attempt met.
enum Attempt {
    Check(String),
    Locked(i64),
    Nobody,
}

impl Store {
    /// Begins a session for the right name and password. The attempt counts before the password is looked at, so that many at once
    /// gain nothing.
    ///
    /// # Errors
    /// [`Error::SignIn`], [`Error::LockedOut`], or what the database said.
    pub async fn sign_in(&self, name: &str, password: &str, via: Via) -> Result<NewSession, Error> {
        let now = self.clock().now();
        let (tenant, account) = (self.tenant().clone(), name.to_owned());
        let attempt = self
            .write(move |tx| attempt(tx, tenant.as_str(), &account, now))
            .await?;
        let (stored, refused) = match attempt {
            Attempt::Check(stored) => (Some(stored), None),
            Attempt::Locked(seconds) => (
                None,
                Some((name, Error::LockedOut { seconds }, "locked out")),
            ),
            // What was typed as a name may be a password: it is not written down.
            Attempt::Nobody => (None, Some(("unknown", Error::SignIn, "no such account"))),
        };
        let right = password::verify(password, stored).await?;
        if right && refused.is_none() {
            return self.begin(name, None, via, "session.start").await;
        }
        let (actor, error, why) = refused.unwrap_or((name, Error::SignIn, "wrong password"));
        let ctx = self.ctx_of(actor, Role::Anonymous, via);
        self.audit(
            &ctx,
            Entry::new(&ctx, "session.start", AuditOutcome::Denied).detail(why),
        )
        .await?;
        Err(error)
    }

    /// Begins a session for a one-time link, which is used up by that.
    ///
    /// # Errors
    /// [`Error::SignIn`] when the link is unknown, used or too old.
    pub async fn redeem(&self, link: &str) -> Result<NewSession, Error> {
        let now = self.clock().now().as_microsecond();
        let (tenant, hash) = (self.tenant().clone(), token::hash(link));
        let used = self
            .write(move |tx| {
                let rows = tx.query(
                    "UPDATE signin_link SET used_at = $3 WHERE tenant = $1 AND token_hash = $2 AND used_at IS NULL AND expires_at > $3 \
                     RETURNING account, role",
                    &[Val::Text(tenant.as_str()), Val::Blob(&hash), Val::Int(now)],
                )?;
                rows.first()
                    .map(|found| Ok((row::text(found, 0)?.to_owned(), Role::parse(row::text(found, 1)?))))
                    .transpose()
            })
            .await?;
        if let Some((account, Some(role))) = used {
            return self
                .begin(&account, Some(role), Via::Console, "session.start")
                .await;
        }
        let ctx = self.ctx_of("unknown", Role::Anonymous, Via::Console);
        let entry = Entry::new(&ctx, "session.start", AuditOutcome::Denied)
            .detail("sign-in link unknown, used or too old");
        self.audit(&ctx, entry).await?;
        Err(Error::SignIn)
    }

    async fn begin(
        &self,
        name: &str,
        role: Option<Role>,
        via: Via,
        action: &'static str,
    ) -> Result<NewSession, Error> {
        let made = token::make()?;
        let hash = token::hash(&made);
        let (sealer, tenant, account) = (
            self.sealer().clone(),
            self.tenant().clone(),
            name.to_owned(),
        );
        let now = self.clock().now();
        let began = now.as_microsecond();
        let expires = crate::lease::after(began, self.inner.sessions.longest);
        let as_role = |role| self.ctx_of(name, role, via);
        let contexts: Vec<OpCtx> = [
            Role::Clinician,
            Role::Engineer,
            Role::Compliance,
            Role::Application,
        ]
        .into_iter()
        .map(as_role)
        .collect();
        let role = self
            .write(move |tx| {
                let found = find(tx, tenant.as_str(), &account)?.filter(|found| !found.disabled).ok_or(Error::SignIn)?;
                let role = match role {
                    Some(role) if found.roles.contains(&role) => role,
                    Some(_) => return Err(Error::SignIn),
                    None => found.roles.first().copied().ok_or(Error::SignIn)?,
                };
                tx.execute(
                    "UPDATE account SET failures = 0, locked_until = 0 WHERE tenant = $1 AND name = $2",
                    &[Val::Text(tenant.as_str()), Val::Text(&account)],
                )?;
                session::insert(tx, tenant.as_str(), &hash, &account, role, via, (began, expires))?;
                let entries: Vec<Entry> = contexts
                    .iter()
                    .filter(|ctx| ctx.role == role)
                    .map(|ctx| Entry::new(ctx, action, AuditOutcome::Success))
                    .collect();
                append_in(tx, &sealer, &tenant, &entries, now)?;
                Ok(role)
            })
            .await?;
        Ok(NewSession {
            csrf: token::csrf(&made),
            token: made,
            account: name.to_owned(),
            role,
        })
    }

    /// The context of somebody at the door.
    pub(super) fn ctx_of(&self, actor: &str, role: Role, via: Via) -> OpCtx {
        OpCtx {
            tenant: self.tenant().clone(),
            actor: ActorId::new(actor),
            role,
            purpose: Purpose::Operations,
            reason: None,
            via,
            grant: None,
            clock: self.clock().clone(),
        }
    }
}

/// Counts the attempt and says what it met. The right password sets the count back.
fn attempt(tx: &mut dyn Tx, tenant: &str, name: &str, now: Timestamp) -> Result<Attempt, Error> {
    let now = now.as_microsecond();
    let counted = tx.query(
        "UPDATE account SET failures = failures + 1 WHERE tenant = $1 AND name = $2 AND locked_until <= $3 \
         AND disabled_at IS NULL AND password_hash IS NOT NULL RETURNING failures, password_hash, roles",
        &[Val::Text(tenant), Val::Text(name), Val::Int(now)],
    )?;
    if let Some(found) = counted.first() {
        let failures = row::int(found, 0)?;
        if failures >= ATTEMPTS {
            tx.execute(
                "UPDATE account SET locked_until = $3 WHERE tenant = $1 AND name = $2",
                &[
                    Val::Text(tenant),
                    Val::Text(name),
                    Val::Int(later(now, lock_seconds(failures))),
                ],
            )?;
        }
        return if split(row::text(found, 2)?).is_empty() {
            Ok(Attempt::Nobody)
        } else {
            Ok(Attempt::Check(row::text(found, 1)?.to_owned()))
        };
    }
    let locked = tx.query(
        "SELECT locked_until FROM account WHERE tenant = $1 AND name = $2 AND locked_until > $3 AND disabled_at IS NULL",
        &[Val::Text(tenant), Val::Text(name), Val::Int(now)],
    )?;
    match locked.first() {
        Some(found) => Ok(Attempt::Locked(
            (row::int(found, 0)? - now).div_euclid(1_000_000) + 1,
        )),
        None => Ok(Attempt::Nobody),
    }
}

fn lock_seconds(failures: i64) -> i64 {
    let doublings = u32::try_from(failures - ATTEMPTS).unwrap_or(0).min(20);
    (FIRST_LOCK << doublings).min(LONGEST_LOCK)
}
