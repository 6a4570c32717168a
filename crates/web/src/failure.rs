//! An error as a page: what happened and what to do next, with a stable code and never with patient data.
//!
//! A handler returns a [`Failure`]; the guard, which knows who is asking, wraps it in the console's frame.

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use bedside_core::access::Denial;
use bedside_core::error::Kind;

use crate::console::page;

/// What went wrong within one request.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    /// A short headline.
    pub(crate) headline: &'static str,
    /// What happened and what to do.
    pub(crate) words: String,
    /// The stable code of the error, when there is one.
    pub(crate) code: Option<&'static str>,
    /// The role may, once a reason is given: the page asks for it.
    pub(crate) reason_needed: bool,
}

impl Failure {
    fn new(status: StatusCode, headline: &'static str, words: impl Into<String>) -> Self {
        Self {
            status,
            headline,
            words: words.into(),
            code: None,
            reason_needed: false,
        }
    }

    pub(crate) fn signed_out() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "Not signed in",
            "Sign in first; nothing can be read without it.",
        )
    }

    pub(crate) fn foreign() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "This form was not sent from here",
            "The request does not belong to this session, so nothing was changed. Go back, reload the page and send the form again.",
        )
    }

    pub(crate) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "Not found",
            "There is nothing under this address. Start again from the list.",
        )
    }

    pub(crate) fn not_granted() -> Self {
        Self::from(bedside_store::Error::Denied(Denial::NotGranted))
    }

    pub(crate) fn bad_form(status: StatusCode) -> Self {
        let words = if status == StatusCode::PAYLOAD_TOO_LARGE {
            "The form is too long: 64 KiB at most. Nothing was changed."
        } else {
            "The form could not be read. Nothing was changed."
        };
        Self::new(status, "The form could not be read", words)
    }

    pub(crate) fn invalid(words: &'static str) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "Something is missing",
            words,
        )
    }
}

impl From<bedside_store::Error> for Failure {
    fn from(error: bedside_store::Error) -> Self {
        let code = Some(error.code());
        if matches!(error.kind(), Kind::Broken) {
            tracing::error!(code = error.code(), "a request failed: {error}");
        }
        let (status, headline) = match error.kind() {
            Kind::Invalid => (StatusCode::UNPROCESSABLE_ENTITY, "This can't be done"),
            Kind::Denied => (StatusCode::FORBIDDEN, "Not allowed"),
            Kind::Conflict => (StatusCode::CONFLICT, "Somebody else was first"),
            Kind::Busy => (StatusCode::SERVICE_UNAVAILABLE, "Not available now"),
            Kind::Broken => (StatusCode::INTERNAL_SERVER_ERROR, "Something is broken"),
        };
        if let bedside_store::Error::NotFound { .. } = &error {
            return Self {
                code,
                ..Self::not_found()
            };
        }
        if let bedside_store::Error::Denied(denial) = &error {
            let reason_needed = *denial == Denial::ReasonNeeded;
            let words = match denial {
                Denial::NotGranted => {
                    "Your role does not include this. The attempt is in the audit log. If you have another role, switch to it above."
                }
                Denial::ReasonNeeded => {
                    "An integration engineer sees clinical content only with a reason. The attempt is in the audit log."
                }
            };
            return Self {
                status,
                headline,
                words: words.to_owned(),
                code,
                reason_needed,
            };
        }
        let mut words = error.to_string();
        // Messages are lower-case fragments; here one stands as a sentence.
        if let Some(first) = words.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        Self {
            status,
            headline,
            words,
            code,
            reason_needed: false,
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = page::bare(self.headline, &page::failure_words(&self));
        let mut response = (self.status, Html(body.into_string())).into_response();
        response.extensions_mut().insert(self);
        response
    }
}
