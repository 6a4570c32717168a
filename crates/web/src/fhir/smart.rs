//! `.well-known/smart-configuration`: where tokens are had and what is understood (SMART App Launch 2.0). Open to everybody, JSON whatever
//! the client says it accepts, and readable from any origin: it holds nothing secret.

use axum::extract::State;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use bedside_fhir::search::TYPES;
use serde_json::json;

use super::base;
use crate::app::Console;

/// At the root of the server.
pub(super) async fn configuration(State(console): State<Console>, headers: HeaderMap) -> Response {
    document(&console, &headers)
}

/// The document.
pub(super) fn document(console: &Console, headers: &HeaderMap) -> Response {
    let root = base::root(console, headers);
    let mut scopes: Vec<String> = TYPES
        .iter()
        .map(|name| format!("system/{name}.rs"))
        .collect();
    scopes.push(String::from("system/Observation.c"));
    let document = json!({
        "issuer": root,
        "token_endpoint": format!("{root}/auth/token"),
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
        "grant_types_supported": ["client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": scopes,
        "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
    });
    (
        [
            (CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
            (
                CACHE_CONTROL,
                HeaderValue::from_static("public, max-age=300"),
            ),
        ],
        document.to_string(),
    )
        .into_response()
}
