//! Checks a client's signed assertion (RFC 7523, SMART Backend Services) with the limits of the vendor catalogue,
//! EPIC-02 to EPIC-04: whose it is, for whom, how long, and that it was not seen before.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bedside_fact::clock::Timestamp;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde_json::Value;

use super::keychain::Keychain;

/// How far ahead an assertion may end, and how old it may be at its end.
const LONGEST: i64 = 300;

/// The longest `jti`.
const LONGEST_JTI: usize = 151;

/// An assertion that holds; whether it is a replay is for the caller to say.
#[derive(Debug)]
pub(crate) struct Assertion {
    pub(crate) client: String,
    pub(crate) jti: String,
    pub(crate) expires: i64,
}

/// Why an assertion does not hold. Servers keep this to themselves; the log has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    NotAToken,
    Algorithm,
    Client,
    Audience,
    Expiry,
    Times,
    Jti,
    Signature,
}

/// Checks everything but replay.
pub(crate) async fn check(
    text: &str,
    keychain: &Keychain,
    audience: &str,
    now: Timestamp,
) -> Result<Assertion, Flaw> {
    let (message, signature) = text.rsplit_once('.').ok_or(Flaw::NotAToken)?;
    let (header, claims) = message.split_once('.').ok_or(Flaw::NotAToken)?;
    let (header, claims) = (part(header)?, part(claims)?);
    let algorithm = match header.get("alg").and_then(Value::as_str) {
        Some("RS384") => Algorithm::RS384,
        Some("ES384") => Algorithm::ES384,
        Some(_) | None => return Err(Flaw::Algorithm),
    };
    let claim = |name: &str| claims.get(name).and_then(Value::as_str);
    let client = claim("iss").ok_or(Flaw::Client)?;
    if claim("sub") != Some(client) || !keychain.knows(client) {
        return Err(Flaw::Client);
    }
    if claim("aud") != Some(audience) {
        return Err(Flaw::Audience);
    }
    let expires = times(&claims, now)?;
    let jti = claim("jti")
        .filter(|jti| !jti.is_empty() && jti.chars().count() <= LONGEST_JTI)
        .ok_or(Flaw::Jti)?;
    let kid = header.get("kid").and_then(Value::as_str);
    let signed = |keys: &[Jwk]| verifies(keys, kid, algorithm, message, signature);
    let (keys, kept) = keychain.keys(client, now).await;
    let holds = signed(&keys) || (kept && signed(&keychain.fresh(client, now).await));
    if !holds {
        return Err(Flaw::Signature);
    }
    Ok(Assertion {
        client: client.to_owned(),
        jti: jti.to_owned(),
        expires,
    })
}

fn part(text: &str) -> Result<Value, Flaw> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Flaw::NotAToken)?;
    serde_json::from_slice(&bytes).map_err(|_| Flaw::NotAToken)
}

/// The end of the assertion, when its times are in order.
fn times(claims: &Value, now: Timestamp) -> Result<i64, Flaw> {
    let now = now.as_second();
    let expires = claims
        .get("exp")
        .and_then(Value::as_i64)
        .ok_or(Flaw::Expiry)?;
    if expires <= now || expires > now.saturating_add(LONGEST) {
        return Err(Flaw::Expiry);
    }
    for name in ["nbf", "iat"] {
        if let Some(value) = claims.get(name) {
            let at = value.as_i64().ok_or(Flaw::Times)?;
            if at > now || at < expires.saturating_sub(LONGEST) {
                return Err(Flaw::Times);
            }
        }
    }
    Ok(expires)
}

/// Whether one of the keys has signed it: those of that name when keys have names, else all.
fn verifies(
    keys: &[Jwk],
    kid: Option<&str>,
    algorithm: Algorithm,
    message: &str,
    signature: &str,
) -> bool {
    keys.iter()
        .filter(|key| key.common.key_id.is_none() || key.common.key_id.as_deref() == kid)
        .filter_map(|key| DecodingKey::from_jwk(key).ok())
        .any(|key| {
            key.family() == algorithm.family()
                && crypto::verify(signature, message.as_bytes(), &key, algorithm).unwrap_or(false)
        })
}
