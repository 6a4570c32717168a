//! Two checks for whoever watches the process. They say nothing about anybody.

use axum::extract::State;
use axum::http::StatusCode;

use crate::app::Console;

/// The process answers.
pub(crate) async fn alive() -> &'static str {
    "alive\n"
}

/// The process can do its work: what it takes in and gives out can be written to the audit log.
pub(crate) async fn ready(State(console): State<Console>) -> (StatusCode, &'static str) {
    if console.store().audit_health().writable {
        (StatusCode::OK, "ready\n")
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "not ready: the audit log can't be written\n",
        )
    }
}
