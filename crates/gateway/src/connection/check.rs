//! The preflight of one connection: can it be reached, does it give a token, does it say what it can.

use bedside_fact::clock::{SharedClock, Timestamp};
use serde_json::Value;

use super::pulse::Busy;
use super::wire::{Ask, Wire};

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether it went well.
    pub ok: bool,
    /// How it went, in words.
    pub words: String,
    /// How long it took.
    pub millis: i64,
}

/// What was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Does anything answer there?
    pub reach: Finding,
    /// Is a token given?
    pub token: Finding,
    /// Does it say what it can?
    pub capability: Finding,
}

impl Check {
    /// Whether all went well.
    #[must_use]
    pub const fn ok(&self) -> bool {
        self.reach.ok && self.token.ok && self.capability.ok
    }
}

pub(super) async fn check(wire: &Wire, busy: &Busy) -> Check {
    let clock = &wire.clock;
    let began = clock.now();
    let url = wire.base.url(&[".well-known", "smart-configuration"], &[]);
    let reach = match wire.send(busy, unsigned(url)).await {
        Ok(raw) => finding(clock, began, Ok(format!("answers ({})", raw.status))),
        Err(lost) => finding(clock, began, Err(lost.words())),
    };

    let began = clock.now();
    let token = match wire.tokens.get(wire, busy, None).await {
        Ok(_) => finding(clock, began, Ok(String::from("gives a token"))),
        Err(lost) => finding(clock, began, Err(lost.words())),
    };

    let began = clock.now();
    let url = wire.base.url(&["metadata"], &[]);
    let said = match wire.send(busy, unsigned(url)).await {
        Ok(raw) if raw.status == 200 => serde_json::from_slice::<Value>(&raw.body)
            .ok()
            .filter(|value| {
                value.get("resourceType").and_then(Value::as_str) == Some("CapabilityStatement")
            })
            .map(|value| described(&value))
            .ok_or_else(|| String::from("answers with something that is no CapabilityStatement")),
        Ok(raw) => Err(format!("answers {} to /metadata", raw.status)),
        Err(lost) => Err(lost.words()),
    };
    Check {
        reach,
        token,
        capability: finding(clock, began, said),
    }
}

const fn unsigned(url: url::Url) -> Ask<'static> {
    Ask {
        url,
        body: None,
        if_none_exist: None,
        signed: false,
    }
}

fn finding(clock: &SharedClock, began: Timestamp, how: Result<String, String>) -> Finding {
    let millis = clock.now().duration_since(began).as_millis();
    Finding {
        ok: how.is_ok(),
        words: how.unwrap_or_else(|words| words),
        millis: i64::try_from(millis).unwrap_or(i64::MAX),
    }
}

/// FHIR version and software, shortened: a server may write what it likes there.
fn described(value: &Value) -> String {
    let text = |pointer: &str| {
        let text = value
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or("?");
        text.chars()
            .filter(|letter| !letter.is_control())
            .take(60)
            .collect::<String>()
    };
    format!(
        "FHIR {}, {} {}",
        text("/fhirVersion"),
        text("/software/name"),
        text("/software/version")
    )
}
