//! A form of a signed-in session: read only after the session is known, 64 KiB at most, and only with the session's own token.

use std::collections::HashMap;

use axum::Form;
use axum::extract::{FromRequest, FromRequestParts, Request};

use crate::app::Console;
use crate::failure::Failure;
use crate::guard::{Caller, note_denied};

/// The name of the hidden field with the token.
pub(crate) const FIELD: &str = "csrf";

/// A form and who sent it.
pub(crate) struct Posted {
    pub(crate) caller: Caller,
    fields: HashMap<String, String>,
}

impl Posted {
    /// The field, trimmed; empty when it is not there.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", |value| value.trim())
    }

    /// The field, unless it is empty.
    pub(crate) fn given(&self, name: &str) -> Option<String> {
        Some(self.text(name))
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    }
}

impl FromRequest<Console> for Posted {
    type Rejection = Failure;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::from_request_parts(&mut parts, console).await?;
        let request = Request::from_parts(parts, body);
        let Form(fields) = Form::<HashMap<String, String>>::from_request(request, console)
            .await
            .map_err(|rejection| Failure::bad_form(rejection.status()))?;
        let token = fields.get(FIELD).map_or("", String::as_str);
        if !same(token.as_bytes(), caller.csrf.as_bytes()) {
            note_denied(
                console,
                &caller.ctx,
                "request.forged",
                String::from("the form's token is not the session's"),
            )
            .await;
            return Err(Failure::foreign());
        }
        Ok(Self { caller, fields })
    }
}

/// Compares in a time that depends on the lengths alone.
fn same(left: &[u8], right: &[u8]) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .fold(0, |difference, (a, b)| difference | (a ^ b))
            == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_the_same_only_when_it_is_whole() {
        assert!(same(b"abc", b"abc"));
        assert!(!same(b"abc", b"abd"));
        assert!(!same(b"", b"abc"));
        assert!(!same(b"ab", b"abc"));
    }
}
