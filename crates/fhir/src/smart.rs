//! SMART Backend Services, the client's half, without a socket: where to ask for a token, with which claims, and what the answer means.
//!
//! Signing and sending are the caller's; so is keeping the token. A token is opaque: nobody looks into it (vendor catalogue EPIC-09).

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::page::word;

/// An assertion lives at most this long: servers refuse five minutes and more, and clocks differ.
pub const LONGEST_ASSERTION: i64 = 240;

/// What a life is taken to be when a server does not say.
const UNSAID_LIFE: i64 = 300;

/// What the discovery document says that a backend client needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// Where a token is asked for.
    pub token: String,
    /// Signature algorithms that the server takes, when it says so.
    pub algorithms: Vec<String>,
}

/// Why no token endpoint is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryError {
    /// The document names no token endpoint, and none is configured.
    #[error("the discovery document names no token endpoint; set token_url for this connection")]
    NoTokenEndpoint,
}

/// Reads a discovery document. What is configured stands before what is discovered: documents are incomplete, name the wrong
/// endpoint, or name an issuer on another host (vendor catalogue X-14), so neither issuer nor host is compared.
///
/// # Errors
/// Neither names a token endpoint.
pub fn endpoints(document: &Value, configured: Option<&str>) -> Result<Endpoints, DiscoveryError> {
    let discovered = document.get("token_endpoint").and_then(Value::as_str);
    let token = configured
        .or(discovered)
        .filter(|text| !text.trim().is_empty())
        .ok_or(DiscoveryError::NoTokenEndpoint)?;
    let algorithms = document
        .get("token_endpoint_auth_signing_alg_values_supported")
        .and_then(Value::as_array);
    Ok(Endpoints {
        token: token.to_owned(),
        algorithms: algorithms
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
    })
}

/// The claims of a client assertion (RFC 7523). There is no `nbf`: a server whose clock is behind would refuse it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// The client.
    pub iss: String,
    /// The client again.
    pub sub: String,
    /// The token endpoint, as the server knows it.
    pub aud: String,
    /// When it ends, seconds since 1970.
    pub exp: i64,
    /// Never used twice.
    pub jti: String,
}

/// The claims for one token request. `jti` has to be random.
pub fn claims(client_id: &str, audience: &str, jti: String, now: Timestamp, life: i64) -> Claims {
    Claims {
        iss: client_id.to_owned(),
        sub: client_id.to_owned(),
        aud: audience.to_owned(),
        exp: now
            .as_second()
            .saturating_add(life.clamp(30, LONGEST_ASSERTION)),
        jti,
    }
}

/// The parameters of a token request, for a form.
pub fn token_request(assertion: &str, scopes: Option<&str>) -> Vec<(&'static str, String)> {
    let mut form = vec![
        ("grant_type", "client_credentials".to_owned()),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned(),
        ),
        ("client_assertion", assertion.to_owned()),
    ];
    if let Some(scopes) = scopes.filter(|scopes| !scopes.is_empty()) {
        form.push(("scope", scopes.to_owned()));
    }
    form
}

/// A token as it was given.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// What is sent with each request. A secret.
    pub access_token: String,
    /// Its life in seconds.
    pub expires_in: i64,
    /// What it is good for, in the server's own spelling; empty when the server does not say.
    pub scopes: Vec<String>,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token({} s)", self.expires_in)
    }
}

/// Why no token was given, by what can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalClass {
    /// The client or its key is not known, or the assertion was not taken: servers do not say which.
    Client,
    /// The client is known and may not: no user is mapped, or the registration has not arrived yet.
    NotAllowed,
    /// The scopes asked for are not its own.
    Scope,
    /// The request itself is wrong.
    Request,
    /// The server failed; it may work later.
    Server,
    /// The answer is no token answer.
    NotOAuth,
}

/// A refusal, in words for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What can be done about it.
    pub class: RefusalClass,
    /// Codes only: the error, and what stands at the end of its `error_uri`.
    pub words: String,
}

/// Reads the answer to a token request.
///
/// # Errors
/// Why there is no token.
pub fn token_answer(status: u16, body: &[u8]) -> Result<Token, Refusal> {
    let value: Option<Value> = serde_json::from_slice(body).ok();
    let refuse = |class, words: String| Err(Refusal { class, words });
    let Some(value) = value.filter(Value::is_object) else {
        return if status >= 500 {
            refuse(RefusalClass::Server, format!("status {status}"))
        } else {
            refuse(
                RefusalClass::NotOAuth,
                format!("status {status}, and no JSON"),
            )
        };
    };
    if !(200..=299).contains(&status) || value.get("error").is_some() {
        return Err(refusal(status, &value));
    }
    let token = value.get("access_token").and_then(Value::as_str);
    let Some(token) = token.filter(|token| !token.is_empty() && token.bytes().all(visible)) else {
        return refuse(
            RefusalClass::NotOAuth,
            format!("status {status}, and no access token"),
        );
    };
    // Some write the number as text (vendor catalogue ATHN-05).
    let life = value.get("expires_in").and_then(|life| match life {
        Value::String(text) => text.trim().parse::<i64>().ok(),
        Value::Number(_) => life.as_i64(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    });
    let scopes = value.get("scope").and_then(Value::as_str).unwrap_or("");
    Ok(Token {
        access_token: token.to_owned(),
        expires_in: life.filter(|life| *life > 0).unwrap_or(UNSAID_LIFE),
        scopes: scopes.split_whitespace().map(str::to_owned).collect(),
    })
}

/// A character that may stand in a header's value.
fn visible(byte: u8) -> bool {
    (0x21..=0x7e).contains(&byte)
}

fn refusal(status: u16, value: &Value) -> Refusal {
    let error = value.get("error").and_then(Value::as_str).unwrap_or("?");
    let class = match error {
        "invalid_client" | "access_denied" => RefusalClass::Client,
        "unauthorized_client" => RefusalClass::NotAllowed,
        "invalid_scope" => RefusalClass::Scope,
        "server_error" | "temporarily_unavailable" => RefusalClass::Server,
        _ if status >= 500 => RefusalClass::Server,
        _ => RefusalClass::Request,
    };
    let mut words = format!("status {status}, {}", word(error));
    if let Some(urn) = value
        .get("error_uri")
        .and_then(Value::as_str)
        .and_then(urn_word)
    {
        words.push_str(", ");
        words.push_str(&urn);
    }
    if value.get("detailedmessage").is_some() {
        words.push_str(", policy evaluation failed");
    }
    Refusal { class, words }
}

/// The last word of the URN in an `error_uri`: the only part that says what was wrong (vendor catalogue CERN-03).
fn urn_word(uri: &str) -> Option<String> {
    let url = url::Url::parse(uri).ok()?;
    let urn = url.path_segments()?.find(|segment| {
        segment.to_ascii_lowercase().starts_with("urn%3a") || segment.starts_with("urn:")
    })?;
    let last = urn.rsplit([':']).next()?;
    let last = last
        .rsplit_once("%3A")
        .or_else(|| last.rsplit_once("%3a"))
        .map_or(last, |(_, last)| last);
    (word(last) != "?").then(|| last.to_owned())
}

#[cfg(test)]
#[path = "smart_tests.rs"]
mod tests;
