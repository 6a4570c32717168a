//! One token for a whole connection: asked for once however many need it, renewed before it dies, replaced when it was refused.

use std::sync::Arc;

use aws_lc_rs::rand;
use bedside_core::incident::Kind;
use bedside_fact::clock::Timestamp;
use bedside_fhir::page::Base;
use bedside_fhir::smart;
use jiff::SignedDuration;
use serde_json::Value;
use tokio::sync::Mutex;
use url::form_urlencoded;

use super::breaker::later;
use super::key::SigningKey;
use super::options::ConnectionOptions;
use super::pulse::Busy;
use super::wire::{Lost, Wire};

/// After a refusal no token is asked for during this time: some servers count token requests (vendor catalogue ATHN-05).
const PAUSE: SignedDuration = SignedDuration::from_secs(10);

/// The token of a connection.
pub(super) struct Tokens {
    key: Arc<SigningKey>,
    client_id: String,
    scopes: Option<String>,
    configured: Option<String>,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    token: Option<Live>,
    count: u64,
    endpoint: Option<String>,
    refused: Option<(Timestamp, String)>,
}

struct Live {
    text: String,
    renew_at: Timestamp,
    ends_at: Timestamp,
}

/// A token, and which one of the connection's it is.
pub(super) struct Given {
    pub(super) text: String,
    pub(super) number: u64,
}

impl Tokens {
    pub(super) fn new(
        options: &ConnectionOptions,
        configured: Option<String>,
        key: Arc<SigningKey>,
    ) -> Self {
        let auth = &options.profile.auth;
        let scopes = options
            .scopes
            .clone()
            .or_else(|| Some(auth.scopes.join(" ")));
        Self {
            key,
            client_id: options.client_id.clone(),
            scopes: scopes.filter(|scopes| auth.send_scopes && !scopes.is_empty()),
            configured,
            held: Mutex::default(),
        }
    }

    /// The scopes that are asked for.
    pub(super) fn scopes(&self) -> &str {
        self.scopes.as_deref().unwrap_or_default()
    }

    /// A token that should be good. `refused` is the number of one that was not.
    pub(super) async fn get(
        &self,
        wire: &Wire,
        _busy: &Busy,
        refused: Option<u64>,
    ) -> Result<Given, Lost> {
        // Held while one is asked for, so that all others wait for that one.
        let mut held = self.held.lock().await;
        let now = wire.clock.now();
        if refused == Some(held.count) {
            held.token = None;
        }
        let number = held.count;
        let given = |live: &Live| Given {
            text: live.text.clone(),
            number,
        };
        if let Some(live) = held.token.as_ref().filter(|live| now < live.renew_at) {
            return Ok(given(live));
        }
        let alive = held
            .token
            .as_ref()
            .filter(|live| now < live.ends_at)
            .map(given);
        if let Some((until, why)) = held.refused.as_ref().filter(|(until, _)| now < *until) {
            let lost = Lost::NoToken(format!("{why}; asked again after {until}"));
            return alive.ok_or(lost);
        }
        match self.ask(wire, &mut held.endpoint).await {
            Ok(token) => {
                let now = wire.clock.now();
                let share = token
                    .expires_in
                    .saturating_mul(wire.profile.auth.renew_percent)
                    / 100;
                held.count += 1;
                held.refused = None;
                let given = Given {
                    text: token.access_token.clone(),
                    number: held.count,
                };
                held.token = Some(Live {
                    text: token.access_token,
                    renew_at: later(now, SignedDuration::from_secs(share)),
                    ends_at: later(now, SignedDuration::from_secs(token.expires_in)),
                });
                Ok(given)
            }
            Err(lost) => {
                let why = match &lost {
                    Lost::NoToken(why) => why.clone(),
                    Lost::Unreachable
                    | Lost::Silent
                    | Lost::HalfBody
                    | Lost::Resting(_)
                    | Lost::Foreign => lost.words(),
                };
                held.refused = Some((later(now, PAUSE), why));
                wire.figures().last_failure = Some((now, Kind::NoToken));
                // One that could not be renewed yet is still good.
                alive.ok_or(lost)
            }
        }
    }

    async fn ask(&self, wire: &Wire, known: &mut Option<String>) -> Result<smart::Token, Lost> {
        let endpoint = match known {
            Some(endpoint) => endpoint.clone(),
            None => {
                let endpoint = self.endpoint(wire).await?;
                *known = Some(endpoint.clone());
                endpoint
            }
        };
        let auth = &wire.profile.auth;
        let audience = auth.audience.as_deref().unwrap_or(&endpoint);
        let claims = smart::claims(
            &self.client_id,
            audience,
            random()?,
            wire.clock.now(),
            auth.assertion_seconds,
        );
        let assertion = self
            .key
            .sign(auth.algorithm, &claims)
            .map_err(|error| Lost::NoToken(error.to_string()))?;
        let form: String = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(smart::token_request(&assertion, self.scopes.as_deref()))
            .finish();
        let request = wire
            .http()
            .post(&endpoint)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json")
            .body(form);
        let raw = wire.exchange(request).await?;
        smart::token_answer(raw.status, &raw.body).map_err(|refusal| {
            // The next attempt looks the endpoint up anew, should it have moved.
            *known = None;
            Lost::NoToken(refusal.words)
        })
    }

    /// Where tokens are given. A discovered endpoint counts only at the registered origin, because the assertion is a credential.
    async fn endpoint(&self, wire: &Wire) -> Result<String, Lost> {
        if let Some(configured) = &self.configured {
            return Ok(configured.clone());
        }
        let why = |words: &str| Lost::NoToken(words.to_owned());
        if !wire.profile.endpoints.discovery {
            return Err(why("no token_url is set and the profile has no discovery"));
        }
        let url = wire.base.url(&[".well-known", "smart-configuration"], &[]);
        let request = wire.http().get(url).header("accept", "application/json");
        let raw = wire.exchange(request).await?;
        let document: Value = (raw.status == 200)
            .then(|| serde_json::from_slice(&raw.body).ok())
            .flatten()
            .ok_or_else(|| {
                Lost::NoToken(format!("discovery answered {} and no document", raw.status))
            })?;
        let endpoint = smart::endpoints(&document, None)
            .map_err(|error| Lost::NoToken(error.to_string()))?
            .token;
        let parsed = Base::parse(&endpoint)
            .ok()
            .and_then(|_| wire.base.resolve(&endpoint))
            .filter(|url| wire.base.same_origin(url));
        parsed.map(|_| endpoint).ok_or_else(|| {
            why("the discovered token endpoint is at another origin; set token_url if that is right")
        })
    }
}

fn random() -> Result<String, Lost> {
    let mut bytes = [0_u8; 16];
    rand::fill(&mut bytes).map_err(|_| Lost::NoToken(String::from("no randomness")))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
