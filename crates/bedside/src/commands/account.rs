//! `bedside account list|add|password|disable|link`. Whoever can open the data directory administers the accounts.

use bedside_core::ctx::{OpCtx, Role};
use bedside_store::Account;
use serde_json::{Value, json};

use crate::boot::App;
use crate::cli::AccountCommand;
use crate::fault::Fault;
use crate::out::Out;
use crate::password;

/// How long a sign-in link is good for, in seconds.
const LINK_SECONDS: i64 = 3_600;

/// Asks here for what the command needs, because a running `serve` has another terminal or none.
pub(super) fn complete(command: AccountCommand) -> Result<AccountCommand, Fault> {
    Ok(match command {
        AccountCommand::Password { name, password: _ } => AccountCommand::Password {
            name,
            password: password::read()?,
        },
        AccountCommand::List
        | AccountCommand::Add { .. }
        | AccountCommand::Disable { .. }
        | AccountCommand::Link { .. } => command,
    })
}

pub(super) async fn run(
    app: &App,
    user: &str,
    command: AccountCommand,
    out: &Out,
) -> Result<u8, Fault> {
    // That somebody may administer the accounts here is the operating system's decision: they can open the data directory.
    let ctx = app.operator(user, Role::Engineer, None).await?;
    match command {
        AccountCommand::List => list(app, &ctx, out).await,
        AccountCommand::Add { name, roles } => {
            let mut parsed = Vec::new();
            for role in &roles {
                parsed.push(
                    Role::parse(role)
                        .ok_or_else(|| Fault::input(format!("`{role}` is no role")))?,
                );
            }
            app.store.put_account(&ctx, &name, &parsed, None).await?;
            say(
                out,
                &json!({ "name": name, "roles": roles }),
                format!(
                    "{name}: {}. Let them in with: bedside account link {name}",
                    roles.join(", ")
                ),
            )
            .await;
            Ok(0)
        }
        AccountCommand::Password { name, password } => {
            let account = find(app, &ctx, &name).await?;
            if account.disabled {
                return Err(Fault::input(format!(
                    "the account `{name}` is disabled; `bedside account add {name} --role ROLE` lets it in again"
                )));
            }
            app.store
                .put_account(&ctx, &name, &account.roles, Some(&password))
                .await?;
            say(
                out,
                &json!({ "name": name, "password": "set" }),
                format!("{name}: the password is set; sessions of before have ended"),
            )
            .await;
            Ok(0)
        }
        AccountCommand::Disable { name } => {
            find(app, &ctx, &name).await?;
            app.store.disable_account(&ctx, &name).await?;
            say(
                out,
                &json!({ "name": name, "disabled": true }),
                format!("{name}: can't sign in any more; sessions have ended"),
            )
            .await;
            Ok(0)
        }
        AccountCommand::Link { name } => {
            let account = find(app, &ctx, &name).await?;
            let role = account
                .roles
                .first()
                .copied()
                .ok_or_else(|| Fault::input(format!("`{name}` has no role")))?;
            let token = app
                .store
                .signin_link(&ctx, &name, role, LINK_SECONDS)
                .await?;
            let url = format!("{}/signin/link/{token}", app.url);
            say(
                out,
                &json!({ "name": name, "role": role.as_str(), "url": url, "seconds": LINK_SECONDS }),
                url.clone(),
            )
            .await;
            Ok(0)
        }
    }
}

async fn find(app: &App, ctx: &OpCtx, name: &str) -> Result<Account, Fault> {
    app.store
        .accounts(ctx)
        .await?
        .into_iter()
        .find(|account| account.name == name)
        .ok_or_else(|| {
            Fault::input(format!(
                "there is no account `{name}`; see `bedside account list`"
            ))
        })
}

async fn list(app: &App, ctx: &OpCtx, out: &Out) -> Result<u8, Fault> {
    for account in app.store.accounts(ctx).await? {
        let roles: Vec<&str> = account.roles.iter().map(|role| role.as_str()).collect();
        let disabled = if account.disabled { "  disabled" } else { "" };
        say(
            out,
            &json!({ "name": account.name, "roles": roles, "disabled": account.disabled }),
            format!("{:<20} {}{disabled}", account.name, roles.join(", ")),
        )
        .await;
    }
    Ok(0)
}

async fn say(out: &Out, document: &Value, line: String) {
    if out.json() {
        out.document(document).await;
    } else {
        out.line(line).await;
    }
}
