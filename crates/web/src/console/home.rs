//! The start page of a role, and switching between the roles of an account.

use axum::extract::State;
use axum::response::Redirect;
use bedside_core::ctx::Role;

use crate::app::Console;
use crate::console::page::Place;
use crate::failure::Failure;
use crate::guard::Caller;
use crate::posted::Posted;

/// Sends each role to where its work is.
pub(crate) async fn home(caller: Caller) -> Redirect {
    Redirect::to(Place::first(caller.role()))
}

/// Another role of the same account. The store refuses a role that the account does not have.
pub(crate) async fn switch_role(
    State(console): State<Console>,
    posted: Posted,
) -> Result<Redirect, Failure> {
    let role = Role::parse(posted.text("role"))
        .filter(|role| posted.caller.roles.contains(role))
        .ok_or_else(|| Failure::invalid("Choose one of your roles."))?;
    console
        .store()
        .switch_role(&posted.caller.token, role)
        .await?;
    Ok(Redirect::to(Place::first(role)))
}
