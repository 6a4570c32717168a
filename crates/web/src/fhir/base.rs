//! Our own address, as clients reach us.
//!
//! Links and the audience of assertions begin with it. A site behind a proxy configures it; without that the `Host` that a client used
//! is believed for links, and for an audience only when it is this machine: a name that somebody made up must not become ours.

use axum::http::HeaderMap;
use axum::http::header::HOST;

use crate::app::Console;

/// The address before `/fhir` and `/auth`, without a slash at the end.
pub(crate) fn root(console: &Console, headers: &HeaderMap) -> String {
    match &console.app.api.public_url {
        Some(url) => url.clone(),
        None => format!("http://{}", host(headers).unwrap_or("127.0.0.1")),
    }
}

/// The address that an assertion may be meant for.
pub(crate) fn trusted(console: &Console, headers: &HeaderMap) -> Option<String> {
    match &console.app.api.public_url {
        Some(url) => Some(url.clone()),
        None => {
            let host = host(headers)?;
            let name = match host.strip_prefix('[') {
                Some(rest) => rest.split(']').next().unwrap_or_default(),
                None => host.split(':').next().unwrap_or_default(),
            };
            matches!(name, "127.0.0.1" | "::1" | "localhost").then(|| format!("http://{host}"))
        }
    }
}

/// The address of the FHIR API.
pub(crate) fn fhir(console: &Console, headers: &HeaderMap) -> String {
    format!("{}/fhir", root(console, headers))
}

/// A text as it stands in the query of an address.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn host(headers: &HeaderMap) -> Option<&str> {
    let host = headers.get(HOST)?.to_str().ok()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    (!host.is_empty() && host.len() <= 255 && host.bytes().all(plain)).then_some(host)
}
