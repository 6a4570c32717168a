//! Makes, changes and lists accounts.

use bedside_core::access::{Action, Denial};
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::{OpCtx, Role};

use super::{password, token};
use crate::Store;
use crate::audit::append_in;
use crate::backend::{Cell, Tx, Val};
use crate::error::Error;
use crate::lease::after as later;
use crate::row;

/// Somebody who can sign in, or the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name, in clear in the audit log.
    pub name: String,
    /// What they may act as; the first is what they begin with.
    pub roles: Vec<Role>,
    /// Can't sign in any more.
    pub disabled: bool,
}

impl Store {
    /// Every account, by name.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn accounts(&self, ctx: &OpCtx) -> Result<Vec<Account>, Error> {
        self.guard(ctx, Action::ManageAccounts).await?;
        self.looked(ctx, "accounts").await?;
        let tenant = self.tenant().clone();
        self.read(move |tx| {
            tx.query(
                "SELECT name, roles, disabled_at FROM account WHERE tenant = $1 ORDER BY name",
                &[Val::Text(tenant.as_str())],
            )?
            .iter()
            .map(|found| account(found))
            .collect()
        })
        .await
    }

    /// Makes an account or changes it; a disabled one can sign in again. Without a password it keeps the one it has, or has none and
    /// signs in by link. A new password ends its sessions.
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::Invalid`] when name, roles or password can't be taken.
    pub async fn put_account(
        &self,
        ctx: &OpCtx,
        name: &str,
        roles: &[Role],
        password: Option<&str>,
    ) -> Result<(), Error> {
        self.guard(ctx, Action::ManageAccounts).await?;
        check_name(name)?;
        let roles = join(roles)?;
        let hash = match password {
            Some(password) => Some(password::hash(password).await?),
            None => None,
        };
        let entry = Entry::new(ctx, "account.put", AuditOutcome::Success)
            .detail(format!("{name}: {roles}"));
        let (sealer, tenant, name) = (
            self.sealer().clone(),
            self.tenant().clone(),
            name.to_owned(),
        );
        let now = self.clock().now();
        self.write(move |tx| {
            insert(
                tx,
                tenant.as_str(),
                &name,
                &roles,
                hash.as_deref(),
                now.as_microsecond(),
            )?;
            if hash.is_some() {
                end_sessions(tx, tenant.as_str(), &name)?;
            }
            append_in(tx, &sealer, &tenant, std::slice::from_ref(&entry), now)
        })
        .await
    }

    /// Ends an account's sessions and lets it sign in no more. Its name stays in the log.
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::NotFound`] when there is none of this name.
    pub async fn disable_account(&self, ctx: &OpCtx, name: &str) -> Result<(), Error> {
        self.guard(ctx, Action::ManageAccounts).await?;
        let entry = Entry::new(ctx, "account.disable", AuditOutcome::Success).detail(name);
        let (sealer, tenant, name) = (
            self.sealer().clone(),
            self.tenant().clone(),
            name.to_owned(),
        );
        let now = self.clock().now();
        self.write(move |tx| {
            let changed = tx.execute(
                "UPDATE account SET disabled_at = $3 WHERE tenant = $1 AND name = $2",
                &[
                    Val::Text(tenant.as_str()),
                    Val::Text(&name),
                    Val::Int(now.as_microsecond()),
                ],
            )?;
            if changed == 0 {
                return Err(Error::NotFound("account"));
            }
            end_sessions(tx, tenant.as_str(), &name)?;
            append_in(tx, &sealer, &tenant, std::slice::from_ref(&entry), now)
        })
        .await
    }

    /// A token that signs `account` in once, in `role`, within `ttl_seconds`.
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::NotFound`] when there is no such account; [`Error::Invalid`] when it does not have the role.
    pub async fn signin_link(
        &self,
        ctx: &OpCtx,
        account: &str,
        role: Role,
        ttl_seconds: i64,
    ) -> Result<String, Error> {
        self.guard(ctx, Action::ManageAccounts).await?;
        let made = token::make()?;
        let hash = token::hash(&made);
        let entry = Entry::new(ctx, "account.link", AuditOutcome::Success)
            .detail(format!("{account}: {}", role.as_str()));
        let (sealer, tenant, name) = (
            self.sealer().clone(),
            self.tenant().clone(),
            account.to_owned(),
        );
        let now = self.clock().now();
        self.write(move |tx| {
            let account = find(tx, tenant.as_str(), &name)?.ok_or(Error::NotFound("account"))?;
            if account.disabled || !account.roles.contains(&role) {
                return Err(Error::Invalid(format!("the account does not have the role {}", role.as_str())));
            }
            tx.execute(
                "DELETE FROM signin_link WHERE tenant = $1 AND expires_at < $2",
                &[Val::Text(tenant.as_str()), Val::Int(now.as_microsecond())],
            )?;
            tx.execute(
                "INSERT INTO signin_link (tenant, token_hash, account, role, expires_at) VALUES ($1, $2, $3, $4, $5)",
                &[
                    Val::Text(tenant.as_str()),
                    Val::Blob(&hash),
                    Val::Text(&name),
                    Val::Text(role.as_str()),
                    Val::Int(later(now.as_microsecond(), ttl_seconds)),
                ],
            )?;
            append_in(tx, &sealer, &tenant, std::slice::from_ref(&entry), now)
        })
        .await?;
        Ok(made)
    }

    /// The account of the operating system's user who runs a command (design D17). On a store without accounts that user becomes the
    /// first one, with the roles clinician, engineer and compliance.
    ///
    /// # Errors
    /// [`Error::Denied`] when there are accounts and none of this name, or when it is disabled.
    pub async fn operator_account(&self, os_user: &str) -> Result<Account, Error> {
        check_name(os_user)?;
        let (sealer, tenant, name) = (
            self.sealer().clone(),
            self.tenant().clone(),
            os_user.to_owned(),
        );
        let known = {
            let (tenant, name) = (tenant.clone(), name.clone());
            self.read(move |tx| find(tx, tenant.as_str(), &name))
                .await?
        };
        if let Some(account) = known {
            return if account.disabled {
                Err(Error::Denied(Denial::NotGranted))
            } else {
                Ok(account)
            };
        }
        let ctx = OpCtx::service(tenant.clone(), "setup", self.clock().clone());
        let now = self.clock().now();
        self.write(move |tx| {
            let rows = tx.query(
                "SELECT COUNT(*) FROM account WHERE tenant = $1",
                &[Val::Text(tenant.as_str())],
            )?;
            if row::int(row::only(&rows)?, 0)? > 0 {
                return Err(Error::Denied(Denial::NotGranted));
            }
            let roles = [Role::Clinician, Role::Engineer, Role::Compliance];
            insert(
                tx,
                tenant.as_str(),
                &name,
                &join(&roles)?,
                None,
                now.as_microsecond(),
            )?;
            let entry =
                Entry::new(&ctx, "account.first", AuditOutcome::Success).detail(name.as_str());
            append_in(tx, &sealer, &tenant, &[entry], now)?;
            Ok(Account {
                name: name.clone(),
                roles: roles.to_vec(),
                disabled: false,
            })
        })
        .await
    }
}

/// The account of that name.
pub(super) fn find(tx: &mut dyn Tx, tenant: &str, name: &str) -> Result<Option<Account>, Error> {
    let rows = tx.query(
        "SELECT name, roles, disabled_at FROM account WHERE tenant = $1 AND name = $2",
        &[Val::Text(tenant), Val::Text(name)],
    )?;
    rows.first().map(|found| account(found)).transpose()
}

/// The roles in a stored list.
pub(super) fn split(roles: &str) -> Vec<Role> {
    roles.split(',').filter_map(Role::parse).collect()
}

fn account(found: &[Cell]) -> Result<Account, Error> {
    Ok(Account {
        name: row::text(found, 0)?.to_owned(),
        roles: split(row::text(found, 1)?),
        disabled: row::int_or_null(found, 2)?.is_some(),
    })
}

fn insert(
    tx: &mut dyn Tx,
    tenant: &str,
    name: &str,
    roles: &str,
    hash: Option<&str>,
    now: i64,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO account (tenant, name, roles, password_hash, failures, locked_until, created_at) \
         VALUES ($1, $2, $3, $4, 0, 0, $5) \
         ON CONFLICT (tenant, name) DO UPDATE SET roles = excluded.roles, disabled_at = NULL, failures = 0, locked_until = 0, \
         password_hash = COALESCE(excluded.password_hash, account.password_hash)",
        &[Val::Text(tenant), Val::Text(name), Val::Text(roles), hash.map_or(Val::Null, Val::Text), Val::Int(now)],
    )?;
    Ok(())
}

fn end_sessions(tx: &mut dyn Tx, tenant: &str, name: &str) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM session WHERE tenant = $1 AND account = $2",
        &[Val::Text(tenant), Val::Text(name)],
    )?;
    Ok(())
}

fn check_name(name: &str) -> Result<(), Error> {
    let fits = |character: char| character.is_ascii_alphanumeric() || "._@-".contains(character);
    // Roles that nobody can have are the names of Bedside's own parts in the log.
    let reserved = ["service", "anonymous", "bedside"];
    if reserved.contains(&name.to_ascii_lowercase().as_str()) {
        return Err(Error::Invalid(format!(
            "the name {name} is kept for Bedside's own parts; choose another"
        )));
    }
    if (1..=64).contains(&name.len()) && name.chars().all(fits) {
        Ok(())
    } else {
        Err(Error::Invalid(
            "an account's name has 1 to 64 letters, digits, dots, underscores, hyphens or at signs"
                .into(),
        ))
    }
}

fn join(roles: &[Role]) -> Result<String, Error> {
    let mut words: Vec<&str> = Vec::new();
    for role in roles {
        let word = role.as_str();
        if Role::parse(word).is_none() {
            return Err(Error::Invalid(format!(
                "an account can't have the role {word}"
            )));
        }
        if !words.contains(&word) {
            words.push(word);
        }
    }
    if words.is_empty() {
        return Err(Error::Invalid("an account has at least one role".into()));
    }
    Ok(words.join(","))
}
