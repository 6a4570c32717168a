//! Read and vread.

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, ETAG, IF_NONE_MATCH, LAST_MODIFIED};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bedside_fact::clock::Timestamp;
use bedside_store::{FhirRead, FhirResource};

use super::door::Call;
use super::elements;
use super::failure::Failure;
use super::format::FHIR_JSON;

/// Answers with the stored text, byte for byte, unless the client wants a part of it.
pub(super) async fn read(
    call: &Call<'_>,
    kind: &'static str,
    id: &str,
    version: Option<i64>,
) -> Result<Response, Failure> {
    let found = call
        .console
        .store()
        .fhir_read(call.ctx, kind, id, version)
        .await?;
    let resource = match found {
        FhirRead::Here(resource) => resource,
        FhirRead::Gone => {
            return Err(
                Failure::new(StatusCode::GONE, "deleted", "this resource was taken back").logged(),
            );
        }
        FhirRead::Missing => {
            return Err(Failure::new(
                StatusCode::NOT_FOUND,
                "not-found",
                "there is no such resource",
            )
            .logged());
        }
    };
    if is_known(&call.parts.headers, resource.version) {
        return Ok(stamped(StatusCode::NOT_MODIFIED, &resource, Body::empty()));
    }
    let wanted: Vec<&str> = call
        .query
        .iter()
        .filter(|(name, _)| name == "_elements")
        .flat_map(|(_, value)| value.split(','))
        .collect();
    let body = if wanted.is_empty() {
        resource.body.clone()
    } else {
        elements::only(&resource.body, &wanted)
    };
    Ok(stamped(StatusCode::OK, &resource, Body::from(body)))
}

/// An answer about one version of a resource.
pub(super) fn stamped(status: StatusCode, resource: &FhirResource, body: Body) -> Response {
    let mut response = (
        status,
        [(CONTENT_TYPE, HeaderValue::from_static(FHIR_JSON))],
        body,
    )
        .into_response();
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&etag(resource.version)) {
        headers.insert(ETAG, tag);
    }
    if let Ok(modified) = HeaderValue::from_str(&http_date(resource.known_at)) {
        headers.insert(LAST_MODIFIED, modified);
    }
    response
}

/// A weak entity tag, since the same version may be written in several ways (FHIR R4 §3.1.0.1.3).
pub(super) fn etag(version: i64) -> String {
    format!("W/\"{version}\"")
}

/// An instant as HTTP writes it (RFC 9110 §5.6.7).
pub(super) fn http_date(at: i64) -> String {
    let at = Timestamp::from_microsecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn is_known(headers: &HeaderMap, version: i64) -> bool {
    let number = format!("\"{version}\"");
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|text| text.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == "*" || tag == number)
}
