//! An application's public keys: from the configuration, or fetched from its address and kept for some minutes, or until a key is asked for
//! that is not among them.

use bedside_fact::clock::Timestamp;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use serde_json::Value;

use super::application::{Application, Jwks};
use crate::fhir::Api;

/// A key set is not fetched more often, in seconds: whoever makes up key ids must not make us a nuisance to others.
const PAUSE: i64 = 10;

/// A key set is believed for so long without being fetched anew, in seconds: a key that was taken out of it opens nothing after that.
const KEPT: i64 = 300;

/// The key of that id, or a sentence that says why there is none.
pub(super) async fn key(
    api: &Api,
    application: &Application,
    kid: &str,
    now: Timestamp,
) -> Result<DecodingKey, String> {
    let missing = || {
        String::from(
            "kid: no key of this id, of type EC P-384 or RSA, is in the registered key set",
        )
    };
    match &application.jwks {
        Jwks::Set(set) => find(set, kid).ok_or_else(missing),
        Jwks::Url(url) => {
            let kept = api.fetched().get(url).cloned();
            let age = kept
                .as_ref()
                .map(|(at, _)| now.as_second().saturating_sub(at.as_second()).abs());
            let fresh = |limit: i64| age.is_some_and(|age| age < limit);
            if fresh(KEPT)
                && let Some(key) = kept.as_ref().and_then(|(_, set)| find(set, kid))
            {
                return Ok(key);
            }
            if fresh(PAUSE) {
                return Err(missing());
            }
            let set = fetch(api, url).await?;
            let key = find(&set, kid);
            api.fetched().insert(url.clone(), (now, set));
            key.ok_or_else(missing)
        }
    }
}

async fn fetch(api: &Api, url: &str) -> Result<Value, String> {
    if !may_fetch(url) {
        return Err(String::from(
            "jwks_url: the registered address is neither https nor http on loopback",
        ));
    }
    let body =
        api.fetch.get(url).await.map_err(|why| {
            format!("jwks_url: the registered key set could not be fetched: {why}")
        })?;
    let limits = bedside_fhir::json::ScanLimits {
        max_bytes: 256 * 1024,
        max_depth: 8,
    };
    bedside_fhir::json::parse(&body, &limits)
        .map_err(|_| String::from("jwks_url: what is at the registered address is no key set"))
}

/// Whether keys from there can be believed: they came over TLS, or never left this machine.
fn may_fetch(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority
            .rsplit_once(':')
            .map_or(authority, |(host, _)| host),
    };
    let local = matches!(host, "127.0.0.1" | "::1" | "localhost");
    !authority.contains('@') && (scheme == "https" || scheme == "http" && local)
}

/// The public key of that id. Each key is read on its own, so that one of an odd kind does not hide the others.
fn find(set: &Value, kid: &str) -> Option<DecodingKey> {
    let keys = set.get("keys").and_then(Value::as_array)?;
    let found = keys
        .iter()
        .find(|key| key.get("kid").and_then(Value::as_str) == Some(kid))?;
    let key: Jwk = serde_json::from_value(found.clone()).ok()?;
    let asymmetric = matches!(
        key.algorithm,
        AlgorithmParameters::EllipticCurve(_) | AlgorithmParameters::RSA(_)
    );
    // A shared secret in a key set would let whoever can read the set sign.
    asymmetric
        .then(|| DecodingKey::from_jwk(&key).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_fetched_over_tls_or_from_this_machine() {
        for (url, expected) in [
            ("https://app.example.org/jwks.json", true),
            ("http://127.0.0.1:9000/jwks", true),
            ("http://[::1]:9000/jwks", true),
            ("http://app.example.org/jwks", false),
            ("http://127.0.0.1@evil.example/jwks", false),
            ("http://127.0.0.1.evil.example/jwks", false),
            ("file:///etc/passwd", false),
            ("jwks", false),
        ] {
            assert_eq!(may_fetch(url), expected, "{url}");
        }
    }

    #[test]
    fn a_shared_secret_is_no_key() {
        let set = serde_json::json!({"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"a"},{"kid":"b"}]});
        assert!(find(&set, "a").is_none());
        assert!(find(&set, "b").is_none());
        assert!(find(&serde_json::json!([]), "a").is_none());
    }
}
