//! `bedside account list|add|link`. Whoever can open the data directory administers the accounts.

use bedside_core::ctx::{OpCtx, Role};
use serde_json::json;

use crate::boot::App;
use crate::cli::AccountCommand;
use crate::fault::Fault;
use crate::out::Out;

/// How long a sign-in link is good for, in seconds.
const LINK_SECONDS: i64 = 3_600;

pub(super) async fn run(
    app: &App,
    user: &str,
    command: AccountCommand,
    out: &Out,
) -> Result<u8, Fault> {
    // Who runs the command is written down; that it may is the operating system's decision.
    let by = app.operator(user, Role::Engineer, None).await?;
    let ctx = OpCtx {
        role: Role::Service,
        ..by
    };
    match command {
        AccountCommand::List => {
            for account in app.store.accounts(&ctx).await? {
                let roles: Vec<&str> = account.roles.iter().map(|role| role.as_str()).collect();
                if out.json() {
                    out.document(&json!({ "name": account.name, "roles": roles, "disabled": account.disabled })).await;
                } else {
                    let disabled = if account.disabled { "  disabled" } else { "" };
                    out.line(format!(
                        "{:<20} {}{disabled}",
                        account.name,
                        roles.join(", ")
                    ))
                    .await;
                }
            }
        }
        AccountCommand::Add { name, roles } => {
            let mut parsed = Vec::new();
            for role in &roles {
                parsed.push(
                    Role::parse(role)
                        .ok_or_else(|| Fault::input(format!("`{role}` is no role")))?,
                );
            }
            app.store.put_account(&ctx, &name, &parsed, None).await?;
            out.line(format!(
                "{name}: {}. Let them in with: bedside account link {name}",
                roles.join(", ")
            ))
            .await;
        }
        AccountCommand::Link { name } => {
            let account = app
                .store
                .accounts(&ctx)
                .await?
                .into_iter()
                .find(|account| account.name == name)
                .ok_or_else(|| {
                    Fault::input(format!(
                        "there is no account `{name}`; see `bedside account list`"
                    ))
                })?;
            let role = account
                .roles
                .first()
                .copied()
                .ok_or_else(|| Fault::input(format!("`{name}` has no role")))?;
            let token = app
                .store
                .signin_link(&ctx, &name, role, LINK_SECONDS)
                .await?;
            out.line(format!("{}/signin/link/{token}", app.url)).await;
        }
    }
    Ok(0)
}
