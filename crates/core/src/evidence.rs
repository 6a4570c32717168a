//! What a connection has been seen to do: the site's own proof of how late events come and whether corrections, withdrawals and merges
//! are visible on it at all.
//!
//! A documentation says what an interface should show; a workflow may only rely on what it was seen to show here. One outcome yields at
//! most a few [`Seen`]; the store counts them in the transaction that makes the outcome true, so that each is counted once.

use bedside_fact::clock::Timestamp;
use bedside_fhir::resource::patient;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::facts::is_deceased;

/// An event as a workflow names it (`clinical events`), as far as a route can show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A laboratory result became final.
    ResultFinal,
    /// A result was corrected.
    ResultCorrected,
    /// A result was withdrawn: deleted, entered in error, another patient's.
    ResultWithdrawn,
    /// Two patient records became one.
    PatientsMerged,
    /// Somebody came in.
    Admitted,
    /// Somebody left.
    Discharged,
    /// Somebody died.
    Died,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::ResultFinal,
        Self::ResultCorrected,
        Self::ResultWithdrawn,
        Self::PatientsMerged,
        Self::Admitted,
        Self::Discharged,
        Self::Died,
    ];

    /// The word in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ResultFinal => "result_final",
            Self::ResultCorrected => "result_corrected",
            Self::ResultWithdrawn => "result_withdrawn",
            Self::PatientsMerged => "patients_merged",
            Self::Admitted => "admitted",
            Self::Discharged => "discharged",
            Self::Died => "died",
        }
    }

    /// The event of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == word)
    }

    /// The words for a person.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::ResultFinal => "result final",
            Self::ResultCorrected => "result corrected",
            Self::ResultWithdrawn => "result withdrawn",
            Self::PatientsMerged => "patients merged",
            Self::Admitted => "admitted",
            Self::Discharged => "discharged",
            Self::Died => "died",
        }
    }
}

/// One event seen on one route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What.
    pub event: Event,
    /// Microseconds between the moment at which the source knew and the one at which we knew; none when the source did not say.
    pub latency: Option<i64>,
}

/// What a version shows of its route, against the status of the version before it ([`status_of`]); nothing when it shows nothing new.
#[must_use]
pub fn of(resource: &Value, previous: Option<&str>, received_at: Timestamp) -> Vec<Seen> {
    let Some(now) = status_of(resource) else {
        return Vec::new();
    };
    if previous == Some(now.as_str()) {
        return Vec::new();
    }
    let kind = resource
        .get("resourceType")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let event = match (kind, now.as_str()) {
        ("Observation", "final") => Some(Event::ResultFinal),
        ("Observation", "corrected" | "amended" | "appended") => Some(Event::ResultCorrected),
        ("Observation", "entered-in-error" | "cancelled") => Some(Event::ResultWithdrawn),
        // A visit that is in progress is an admission when it began, not each time it goes on after leave.
        ("Encounter", "in-progress" | "arrived")
            if !matches!(
                previous,
                Some("in-progress" | "onleave" | "triaged" | "arrived")
            ) =>
        {
            Some(Event::Admitted)
        }
        ("Encounter", "finished") => Some(Event::Discharged),
        ("Patient", "deceased") => Some(Event::Died),
        ("Patient", "merged") => Some(Event::PatientsMerged),
        _ => None,
    };
    let source_knew = ["issued", "recorded"]
        .iter()
        .find_map(|name| resource.get(*name))
        .or_else(|| resource.get("meta")?.get("lastUpdated"))
        .and_then(Value::as_str)
        .and_then(|text| text.parse::<Timestamp>().ok());
    let latency = source_knew
        .map(|at| received_at.as_microsecond() - at.as_microsecond())
        // A clock that runs ahead of ours says nothing about how late a message came.
        .filter(|micros| *micros >= 0);
    event
        .map(|event| Seen { event, latency })
        .into_iter()
        .collect()
}

/// The part of a version that [`of`] compares: the status of a result or a visit, and of a patient whether they live or were merged.
#[must_use]
pub fn status_of(resource: &Value) -> Option<String> {
    match resource.get("resourceType").and_then(Value::as_str)? {
        "Observation" | "Encounter" => resource
            .get("status")
            .and_then(Value::as_str)
            .map(str::to_owned),
        "Patient" => {
            let replaced = patient::links(resource)
                .iter()
                .any(|link| link.kind == Some("replaced-by"));
            Some(String::from(match (replaced, is_deceased(resource)) {
                (true, _) => "merged",
                (false, Some(true)) => "deceased",
                (false, Some(false) | None) => "living",
            }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(resource: &Value, previous: Option<&str>, expected: Option<Event>) {
        let found = of(resource, previous, at("2026-11-22T09:00:00Z"));
        assert_eq!(
            found.first().map(|seen| seen.event),
            expected,
            "{resource} after {previous:?}"
        );
        assert!(found.len() <= 1);
    }

    #[test]
    fn a_change_of_status_is_seen_once() {
        let result = |status: &str| json!({"resourceType": "Observation", "status": status});
        check(&result("final"), None, Some(Event::ResultFinal));
        check(
            &result("final"),
            Some("preliminary"),
            Some(Event::ResultFinal),
        );
        check(&result("final"), Some("final"), None);
        check(&result("preliminary"), None, None);
        check(
            &result("corrected"),
            Some("final"),
            Some(Event::ResultCorrected),
        );
        check(
            &result("cancelled"),
            Some("corrected"),
            Some(Event::ResultWithdrawn),
        );
        let visit = |status: &str| json!({"resourceType": "Encounter", "status": status});
        check(
            &visit("in-progress"),
            Some("planned"),
            Some(Event::Admitted),
        );
        check(&visit("in-progress"), Some("onleave"), None);
        check(
            &visit("finished"),
            Some("in-progress"),
            Some(Event::Discharged),
        );
        let dead = json!({"resourceType": "Patient", "deceasedDateTime": "2026-11-22"});
        check(&dead, Some("living"), Some(Event::Died));
        check(&dead, Some("deceased"), None);
        let gone = json!({"resourceType": "Patient", "link": [{"type": "replaced-by", "other": {"reference": "Patient/2"}}]});
        check(&gone, Some("living"), Some(Event::PatientsMerged));
        check(&json!({"resourceType": "Basic"}), None, None);
    }

    #[test]
    fn latency_is_counted_from_when_the_source_knew_and_never_below_nothing() {
        let result = |issued: &str| json!({"resourceType": "Observation", "status": "final", "issued": issued});
        let latency =
            |issued: &str| of(&result(issued), None, at("2026-11-22T09:00:00Z"))[0].latency;
        assert_eq!(latency("2026-11-22T08:59:00Z"), Some(60_000_000));
        assert_eq!(latency("2026-11-22T10:59:00+02:00"), Some(60_000_000));
        assert_eq!(latency("2026-11-22T09:05:00Z"), None);
        assert_eq!(latency("yesterday"), None);
    }
}
