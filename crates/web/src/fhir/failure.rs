//! What went wrong, as an `OperationOutcome` (FHIR R4 §3.1.0.1.4). Codes and places, no values.

use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bedside_core::access::Denial;
use bedside_core::error::Kind;
use bedside_fhir::outcome::{Issue, Severity, outcome_of};
use bedside_store::Error;
use serde_json::Value;

use super::format::FHIR_JSON;

/// A refusal.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    /// The store has written it down where it refused.
    pub(super) is_logged: bool,
    issues: Vec<Issue>,
    allow: Option<&'static str>,
    challenge: Option<&'static str>,
}

impl Failure {
    /// With one issue. `code` is one of FHIR's issue types.
    pub(super) fn new(status: StatusCode, code: &str, words: impl Into<String>) -> Self {
        Self::with(status, vec![issue(code, words, None)])
    }

    pub(super) fn with(status: StatusCode, issues: Vec<Issue>) -> Self {
        Self {
            status,
            is_logged: false,
            issues,
            allow: None,
            challenge: None,
        }
    }

    pub(super) fn bad(code: &str, words: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, words)
    }

    pub(super) fn not_offered(words: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-supported", words)
    }

    pub(super) fn method(allow: &'static str, words: impl Into<String>) -> Self {
        Self {
            allow: Some(allow),
            ..Self::new(StatusCode::METHOD_NOT_ALLOWED, "not-supported", words)
        }
    }

    /// RFC 6750 §3: who can't be told gets no more than that.
    pub(super) fn unauthorised(known: bool) -> Self {
        let (challenge, words) = if known {
            (
                "Bearer realm=\"bedside\", error=\"invalid_token\"",
                "the access token is over or unknown: get a new one at /auth/token",
            )
        } else {
            (
                "Bearer realm=\"bedside\"",
                "an access token is needed: see /.well-known/smart-configuration",
            )
        };
        Self {
            challenge: Some(challenge),
            ..Self::new(StatusCode::UNAUTHORIZED, "login", words)
        }
    }

    /// For what the store has entered in the log already.
    pub(super) fn logged(self) -> Self {
        Self {
            is_logged: true,
            ..self
        }
    }

    /// Refused for want of a scope; nothing is in the log yet.
    pub(super) fn forbidden() -> Self {
        Self {
            is_logged: false,
            ..Self::from(Error::Denied(Denial::NotGranted))
        }
    }

    /// Why, in the log.
    pub(super) fn rule(&self) -> String {
        let code = self.issues.first().map_or("", |issue| issue.code.as_str());
        format!("{} {code}", self.status.as_u16())
    }

    /// The outcome.
    pub(super) fn outcome(&self) -> Value {
        outcome_of(&self.issues)
    }
}

/// One error.
pub(super) fn issue(code: &str, words: impl Into<String>, expression: Option<&str>) -> Issue {
    Issue {
        severity: Severity::Error,
        code: code.to_owned(),
        details: None,
        diagnostics: Some(words.into()),
        expressions: expression.map(str::to_owned).into_iter().collect(),
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if let Error::Denied(_) = &error {
            return Self {
                is_logged: true,
                challenge: Some("Bearer realm=\"bedside\", error=\"insufficient_scope\""),
                ..Self::new(
                    StatusCode::FORBIDDEN,
                    "forbidden",
                    "the scopes of this access token do not include this; the attempt is in the audit log",
                )
            };
        }
        if let Error::NotFound(_) = &error {
            return Self::new(
                StatusCode::NOT_FOUND,
                "not-found",
                "there is no such resource",
            );
        }
        let code = error.code();
        let (status, issue_code) = match error.kind() {
            Kind::Invalid => (StatusCode::BAD_REQUEST, "invalid"),
            Kind::Denied => (StatusCode::FORBIDDEN, "forbidden"),
            Kind::Conflict => (StatusCode::CONFLICT, "conflict"),
            Kind::Busy => (StatusCode::SERVICE_UNAVAILABLE, "transient"),
            Kind::Broken => {
                tracing::error!(code, "a request of an application failed: {error}");
                // What is broken, and where it lies, is for the operator.
                return Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "exception",
                    format!(
                        "{code}: something is broken here; whoever runs this server finds the reason in its log"
                    ),
                );
            }
        };
        Self::new(status, issue_code, format!("{code}: {error}"))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = (
            self.status,
            [(CONTENT_TYPE, HeaderValue::from_static(FHIR_JSON))],
            self.outcome().to_string(),
        )
            .into_response();
        let headers = response.headers_mut();
        if let Some(allow) = self.allow {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        if let Some(challenge) = self.challenge {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}
