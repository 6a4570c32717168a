//! `/.well-known/jwks.json`: the public keys that EHRs fetch to check what we sign (SMART App Launch 2.0, "Backend Services").

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use crate::app::Console;

/// The key set. It is public: an EHR fetches it before anybody has signed in.
pub(crate) async fn serve(State(console): State<Console>) -> Response {
    (
        [
            (CONTENT_TYPE, "application/json"),
            // Short, so that a new key is known before it is used (vendor catalogue EPIC-06).
            (CACHE_CONTROL, "public, max-age=300"),
        ],
        console.app.connections.keys(),
    )
        .into_response()
}
