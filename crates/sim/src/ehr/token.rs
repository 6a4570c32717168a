//! The token endpoint, and the tokens that it gave out.
//!
//! How long a token lives and how a refusal sounds is the vendor's (vendor catalogue EPIC-03 and 10, CERN-03 and 04,
//! ATHN-05). Tokens are opaque; they guard invented people on loopback and are made from the seed.

use std::collections::HashMap;

use bedside_fact::clock::Timestamp;
use jiff::SignedDuration;
use serde_json::json;

use super::answer::Answer;
use super::assertion::{self, Assertion};
use super::instance::Inner;
use super::opaque;
use super::params::{self, Params};
use super::scope::Scopes;
use crate::vendor::Vendor;

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A token that is valid.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) client: String,
    pub(crate) scopes: Scopes,
    expires: Timestamp,
}

/// Tokens and the assertions they were given for.
#[derive(Default)]
pub(crate) struct Tokens {
    live: HashMap<String, Grant>,
    /// When the assertion of that client and `jti` ends: until then it is known.
    seen: HashMap<(String, String), i64>,
}

impl Tokens {
    pub(crate) fn grant(&self, now: Timestamp, token: &str) -> Option<Grant> {
        self.live
            .get(token)
            .filter(|grant| grant.expires > now)
            .cloned()
    }

    pub(crate) fn revoke(&mut self, token: &str) {
        self.live.remove(token);
    }

    /// Notes an assertion; false when it was used before.
    fn is_new(&mut self, now: Timestamp, assertion: &Assertion) -> bool {
        let second = now.as_second();
        self.seen.retain(|_, expires| *expires > second);
        self.seen
            .insert(
                (assertion.client.clone(), assertion.jti.clone()),
                assertion.expires,
            )
            .is_none()
    }

    fn give(&mut self, now: Timestamp, token: String, grant: Grant) {
        self.live.retain(|_, grant| grant.expires > now);
        self.live.insert(token, grant);
    }
}

/// Why no token is given.
#[derive(Clone, Copy, Debug)]
enum No {
    GrantType,
    Client,
    Scope,
}

/// Answers a request for a token. `url` is the endpoint as the client reached it, which is what it has to sign for.
pub(crate) async fn token(inner: &Inner, url: &str, form: &str, now: Timestamp) -> Answer {
    let form = Params::read(form, false);
    match given(inner, url, &form, now).await {
        Ok(answer) => answer
            .with("cache-control", "no-store")
            .with("pragma", "no-cache"),
        Err(no) => refused(inner, no, url, form.first("client_id").unwrap_or_default()),
    }
}

async fn given(inner: &Inner, url: &str, form: &Params, now: Timestamp) -> Result<Answer, No> {
    if form.first("grant_type") != Some("client_credentials") {
        return Err(No::GrantType);
    }
    if form.first("client_assertion_type") != Some(JWT_BEARER) {
        return Err(No::Client);
    }
    let text = form.first("client_assertion").ok_or(No::Client)?;
    let assertion = assertion::check(text, &inner.keychain, url, now)
        .await
        .map_err(|flaw| {
            tracing::debug!(?flaw, "an assertion was refused");
            No::Client
        })?;
    if !inner.tokens().is_new(now, &assertion) {
        tracing::debug!("an assertion was refused: it was used before");
        return Err(No::Client);
    }
    let requested = form.first("scope").unwrap_or_default();
    let scopes = Scopes::grant(inner.vendor, requested);
    // Without a scope that it knows, athena gives no token; Oracle gives one that opens nothing (vendor catalogue
    // CERN-06).
    if inner.vendor == Vendor::Athena && scopes.text().is_empty() {
        return Err(No::Scope);
    }
    let life = match inner.vendor {
        Vendor::Epic | Vendor::Athena => 3600,
        Vendor::Oracle => 570,
    };
    let token = opaque::word(
        inner.seed,
        &format!("token {} {}", assertion.client, assertion.jti),
        64,
    );
    let expires_in = match inner.vendor {
        Vendor::Epic | Vendor::Oracle => json!(life),
        // A number in quotes (vendor catalogue ATHN-05).
        Vendor::Athena => json!(life.to_string()),
    };
    let body = json!({
        "access_token": token,
        "token_type": match inner.vendor { Vendor::Epic => "bearer", Vendor::Oracle | Vendor::Athena => "Bearer" },
        "expires_in": expires_in,
        "scope": scopes.text(),
    });
    let grant = Grant {
        client: assertion.client,
        scopes,
        expires: now
            .checked_add(SignedDuration::from_secs(life))
            .unwrap_or(Timestamp::MAX),
    };
    inner.tokens().give(now, token, grant);
    Ok(Answer::json(200, &body))
}

fn refused(inner: &Inner, no: No, url: &str, client: &str) -> Answer {
    let word = match no {
        No::GrantType => "unsupported_grant_type",
        No::Client => "invalid_client",
        No::Scope => "invalid_scope",
    };
    match inner.vendor {
        // The cause is never told (vendor catalogue EPIC-03).
        Vendor::Epic => Answer::json(400, &json!({"error": word, "error_description": null})),
        Vendor::Oracle => {
            let urn = match no {
                No::GrantType => "unsupported-grant-type",
                No::Client => "client-authentication-failed",
                No::Scope => "no-scope",
            };
            let origin = url.split("/tenants/").next().unwrap_or_default();
            let tenant = super::site::tenant(Vendor::Oracle).unwrap_or_default();
            let instance = opaque::guid(inner.seed, &format!("refusal {urn} {client}"));
            let mut named = String::new();
            params::encode(&mut named, client);
            let uri = format!(
                "{origin}/errors/urn%3Acerner%3Aerror%3Aauthorization-server%3Aoauth2%3Atoken%3A{urn}/instances/{instance}?client={named}&tenant={tenant}"
            );
            Answer::json(400, &json!({"error": word, "error_uri": uri}))
        }
        Vendor::Athena => Answer::json(
            401,
            &json!({"error": "access_denied", "detailedmessage": "Policy evaluation failed for this request, please check the policy configurations."}),
        ),
    }
}
