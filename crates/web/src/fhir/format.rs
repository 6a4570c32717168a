//! In which form is asked and answered: JSON, under any of the names that clients give it (FHIR R4 §3.1.0.1.9).

use axum::body::Body;
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};

use super::failure::Failure;

/// What answers say of themselves.
pub(super) const FHIR_JSON: &str = "application/fhir+json; charset=utf-8";

/// Refuses a client that takes no JSON. `_format` goes before the header.
pub(super) fn acceptable(headers: &HeaderMap, query: &[(String, String)]) -> Result<(), Failure> {
    let wanted = query
        .iter()
        .find(|(name, _)| name == "_format")
        .map(|(_, value)| value.as_str());
    let fits = match wanted {
        // A plus sign that was not encoded arrives as a blank.
        Some(format) => is_json(&format.replace(' ', "+")),
        None => headers.get_all(ACCEPT).iter().all(|value| {
            value.to_str().is_ok_and(|text| {
                text.split(',').any(|one| {
                    let kind = one.split(';').next().unwrap_or_default().trim();
                    kind.is_empty() || matches!(kind, "*/*" | "application/*") || is_json(kind)
                })
            })
        }),
    };
    if fits {
        Ok(())
    } else {
        Err(Failure::new(
            StatusCode::NOT_ACCEPTABLE,
            "not-supported",
            "only JSON is offered: accept application/fhir+json",
        ))
    }
}

/// Whether the client wants unknown parameters refused (FHIR R4 §3.1.1.3).
pub(super) fn strict(headers: &HeaderMap) -> bool {
    prefers(headers, "handling", "strict")
}

/// Whether a client says `Prefer: name=value`. What it says besides, and does not mean FHIR's, counts for nothing.
pub(super) fn prefers(headers: &HeaderMap, name: &str, value: &str) -> bool {
    headers
        .get_all("prefer")
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|text| text.split([',', ';']))
        .filter_map(|one| one.trim().split_once('='))
        .any(|(key, given)| key.trim() == name && given.trim().trim_matches('"') == value)
}

/// The body of a request, when it says that it is JSON and is not too long.
pub(super) async fn json(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<Vec<u8>, Failure> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if !is_json(kind.split(';').next().unwrap_or_default().trim()) || !is_utf8(kind) {
        return Err(Failure::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-supported",
            "send JSON in UTF-8, as application/fhir+json",
        ));
    }
    bytes(headers, body, limit).await
}

/// The fields of a search that was posted.
pub(super) async fn form(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<Vec<(String, String)>, Failure> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let bytes = bytes(headers, body, limit).await?;
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return Err(Failure::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not-supported",
            "post a search as application/x-www-form-urlencoded",
        ));
    }
    let text =
        String::from_utf8(bytes).map_err(|_| Failure::bad("structure", "the form is not UTF-8"))?;
    fields(&text)
}

/// The fields of a query text.
pub(super) fn fields(query: &str) -> Result<Vec<(String, String)>, Failure> {
    let broken = || Failure::bad("structure", "the parameters can't be read");
    query
        .split('&')
        .filter(|field| !field.is_empty())
        .map(|field| {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            Ok((
                decode(name).ok_or_else(broken)?,
                decode(value).ok_or_else(broken)?,
            ))
        })
        .collect()
}

async fn bytes(headers: &HeaderMap, body: Body, limit: usize) -> Result<Vec<u8>, Failure> {
    let too_long = || {
        Failure::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-long",
            format!("at most {} KiB", limit / 1024),
        )
    };
    let told = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<usize>().ok());
    if told.is_some_and(|length| length > limit) {
        return Err(too_long());
    }
    axum::body::to_bytes(body, limit)
        .await
        .map(|bytes| bytes.to_vec())
        .map_err(|_| too_long())
}

fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim();
    [
        "application/fhir+json",
        "application/json",
        "application/json+fhir",
        "text/json",
        "json",
    ]
    .iter()
    .any(|known| kind.eq_ignore_ascii_case(known))
}

fn is_utf8(kind: &str) -> bool {
    kind.split(';')
        .skip(1)
        .filter_map(|parameter| parameter.trim().split_once('='))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .all(|(_, value)| {
            let value = value.trim().trim_matches('"');
            value.eq_ignore_ascii_case("utf-8") || value.eq_ignore_ascii_case("utf8")
        })
}

/// Takes the percent signs out; a plus sign is a blank.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                let digits = std::str::from_utf8(&digits).ok()?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
            }
            b'+' => bytes.push(b' '),
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).ok()
}
