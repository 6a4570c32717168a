//! Whether a client assertion is what it says (RFC 7523 §3; SMART App Launch 2.0, "Authenticating to the Token Endpoint").
//!
//! Times are compared with the store's clock. That an assertion works once is for the store to see to.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bedside_fact::clock::Timestamp;
use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;

use super::application::Application;
use super::keys;
use crate::fhir::Api;

/// An assertion is good for so long at the most, in seconds.
const LONGEST: i64 = 300;

/// Clocks may differ by so much, in seconds.
const LEEWAY: i64 = 10;

/// The longest assertion, in bytes.
const LARGEST: usize = 16 * 1024;

/// An assertion that holds.
pub(super) struct Verified<'a> {
    pub(super) application: &'a Application,
    pub(super) jti: String,
    /// Until when it could be presented again.
    pub(super) until: Timestamp,
}

/// Why one does not hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Untrue {
    /// The claim or part, for the log: a word of ours.
    pub(super) check: &'static str,
    /// For the client: which check failed, without anything secret.
    pub(super) words: String,
    /// Whom the log names.
    pub(super) client: Client,
}

/// Who made an assertion that does not hold.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Client {
    /// No registered client is named.
    Unknown,
    /// Says that it is this registered client; nothing proves it.
    Claimed(String),
    /// This one: the signature is its own.
    Proven(String),
}

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Audience>,
    exp: Option<f64>,
    nbf: Option<f64>,
    jti: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// Checks an assertion that was presented at `token_url`; `None` when the site has not said where clients reach us.
pub(super) async fn verify<'a>(
    api: &'a Api,
    assertion: &str,
    token_url: Option<&str>,
    now: Timestamp,
) -> Result<Verified<'a>, Untrue> {
    check(api, assertion, token_url, now)
        .await
        .map_err(|untrue| match untrue.client {
            Client::Proven(_) | Client::Claimed(_) => untrue,
            Client::Unknown => Untrue {
                client: claimant(api, assertion),
                ..untrue
            },
        })
}

async fn check<'a>(
    api: &'a Api,
    assertion: &str,
    token_url: Option<&str>,
    now: Timestamp,
) -> Result<Verified<'a>, Untrue> {
    if assertion.len() > LARGEST {
        return untrue("size", "client_assertion: at most 16 KiB");
    }
    let Ok(header) = jsonwebtoken::decode_header(assertion) else {
        return untrue("form", "client_assertion: not a signed JWT");
    };
    if header.alg != Algorithm::RS384 && header.alg != Algorithm::ES384 {
        return untrue("alg", "alg: sign with RS384 or ES384");
    }
    // RFC 7515 §4.1.11: what the header calls critical must be understood. The library does not look at it, and nothing of the kind is here.
    if part(assertion, 0).is_none_or(|header| header.get("crit").is_some()) {
        return untrue(
            "crit",
            "crit: no extension of the header is understood here",
        );
    }
    let Some(kid) = header.kid else {
        return untrue("kid", "kid: the header names no key");
    };
    // Whose key to take is read before the signature is checked, and believed only after.
    let Ok(claimed) = jsonwebtoken::dangerous::insecure_decode::<Claims>(assertion) else {
        return untrue("form", "client_assertion: its claims can't be read");
    };
    let claimed = claimed.claims;
    let Some(application) = claimed.iss.as_deref().and_then(|id| api.application(id)) else {
        return untrue("iss", "iss: no client of this id is registered");
    };
    let key = match keys::key(api, application, &kid, now).await {
        Ok(key) => key,
        Err(words) => return untrue("kid", words),
    };
    let mut validation = Validation::new(header.alg);
    validation.required_spec_claims.clear();
    // The library would compare with the machine's clock; all of these are checked below.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    if jsonwebtoken::decode::<serde_json::Value>(assertion, &key, &validation).is_err() {
        return untrue(
            "signature",
            "signature: it was not made with the registered key",
        );
    }
    let (jti, until) = claims(&claimed, token_url, now).map_err(|untrue| Untrue {
        client: Client::Proven(application.id.clone()),
        ..untrue
    })?;
    Ok(Verified {
        application,
        jti,
        until,
    })
}

/// The registered client that an assertion names as its issuer.
fn claimant(api: &Api, assertion: &str) -> Client {
    let claims = part(assertion, 1);
    let id = claims
        .as_ref()
        .and_then(|claims| claims.get("iss")?.as_str());
    id.and_then(|id| api.application(id))
        .map_or(Client::Unknown, |application| {
            Client::Claimed(application.id.clone())
        })
}

/// The header or the claims as JSON.
fn part(assertion: &str, position: usize) -> Option<serde_json::Value> {
    let part = assertion.split('.').nth(position)?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn claims(
    claimed: &Claims,
    token_url: Option<&str>,
    now: Timestamp,
) -> Result<(String, Timestamp), Untrue> {
    if claimed.sub.is_none() || claimed.sub != claimed.iss {
        return untrue("sub", "sub: it must be the client id, as iss");
    }
    let Some(token_url) = token_url else {
        return untrue(
            "aud",
            "aud: this address is not on loopback and the site has not configured http.public_url, so no audience can be right",
        );
    };
    let meant = match &claimed.aud {
        Some(Audience::One(aud)) => aud == token_url,
        Some(Audience::Several(all)) => all.iter().any(|aud| aud == token_url),
        None => false,
    };
    if !meant {
        return untrue("aud", format!("aud: it must be {token_url}"));
    }
    let Some(exp) = claimed.exp.and_then(seconds) else {
        return untrue("exp", "exp: it is missing");
    };
    let now = now.as_second();
    if exp <= now - LEEWAY {
        return untrue("exp", "exp: the assertion has expired; compare the clocks");
    }
    if exp > now + LONGEST + LEEWAY {
        return untrue("exp", "exp: at most five minutes ahead");
    }
    if claimed
        .nbf
        .and_then(seconds)
        .is_some_and(|nbf| nbf > now + LEEWAY)
    {
        return untrue(
            "nbf",
            "nbf: the assertion is not valid yet; compare the clocks",
        );
    }
    let Some(jti) = claimed
        .jti
        .as_ref()
        .filter(|jti| (1..=256).contains(&jti.len()))
    else {
        return untrue("jti", "jti: it is missing or longer than 256 characters");
    };
    let until = Timestamp::from_second(exp + LEEWAY + 1).unwrap_or(Timestamp::MAX);
    Ok((jti.clone(), until))
}

/// A `NumericDate` may have a fraction (RFC 7519 §2).
fn seconds(number: f64) -> Option<i64> {
    let whole = number.floor();
    if !whole.is_finite() {
        return None;
    }
    format!("{whole:.0}").parse().ok()
}

fn untrue<T>(check: &'static str, words: impl Into<String>) -> Result<T, Untrue> {
    Err(Untrue {
        check,
        words: words.into(),
        client: Client::Unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Claims {
        Claims {
            iss: Some("app".into()),
            sub: Some("app".into()),
            aud: Some(Audience::One("https://b.example/auth/token".into())),
            exp: Some(1_000_240.0),
            nbf: None,
            jti: Some("once".into()),
        }
    }

    fn check(change: impl FnOnce(&mut Claims)) -> Option<&'static str> {
        let mut claimed = good();
        change(&mut claimed);
        let now = Timestamp::from_second(1_000_000).unwrap();
        claims(&claimed, Some("https://b.example/auth/token"), now)
            .err()
            .map(|untrue| untrue.check)
    }

    #[test]
    fn each_claim_is_checked_and_named() {
        assert_eq!(check(|_| {}), None);
        assert_eq!(check(|c| c.sub = Some("other".into())), Some("sub"));
        assert_eq!(check(|c| c.sub = None), Some("sub"));
        assert_eq!(check(|c| c.aud = None), Some("aud"));
        assert_eq!(
            check(|c| c.aud = Some(Audience::One("https://b.example/auth/token/".into()))),
            Some("aud")
        );
        assert_eq!(
            check(|c| c.aud = Some(Audience::Several(vec![
                "x".into(),
                "https://b.example/auth/token".into()
            ]))),
            None
        );
        assert_eq!(check(|c| c.exp = None), Some("exp"));
        assert_eq!(check(|c| c.exp = Some(999_980.0)), Some("exp"));
        assert_eq!(check(|c| c.exp = Some(1_000_360.0)), Some("exp"));
        assert_eq!(check(|c| c.exp = Some(f64::INFINITY)), Some("exp"));
        assert_eq!(check(|c| c.nbf = Some(1_000_100.0)), Some("nbf"));
        assert_eq!(check(|c| c.jti = None), Some("jti"));
        assert_eq!(check(|c| c.jti = Some(String::new())), Some("jti"));
        assert_eq!(check(|c| c.jti = Some("x".repeat(257))), Some("jti"));
    }
}
