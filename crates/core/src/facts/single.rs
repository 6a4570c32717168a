//! One resource at a time: whether it is a value of a fact, for triggers, and what is wrong with it, for the sources page.

use bedside_fact::clock::Timestamp;
use bedside_fhir::resource::observation;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::catalogue::{Catalogue, Kind};
use super::datum::measure;
use crate::chart::join::{is_correction, is_withdrawn};
use crate::chart::seen::Moment;
use crate::incident;

/// What an observation says has happened to a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LabEvent {
    /// It is final.
    Finalised,
    /// It replaces an earlier one.
    Corrected,
    /// It was taken back.
    Withdrawn,
    /// It may still change, or its status is not known.
    Preliminary,
}

/// Whether a resource is a value of this fact, and what it says has happened; `None` when it is another thing or no result yet.
#[must_use]
pub fn is_value_of(catalogue: &Catalogue, fact: &str, resource: &Value) -> Option<LabEvent> {
    if resource.get("resourceType").and_then(Value::as_str) != Some("Observation") {
        return None;
    }
    let fact = catalogue.get(fact)?;
    let coded = fact.is_coded(&observation::code(resource))
        || observation::components(resource)
            .iter()
            .any(|part| fact.is_coded(&part.code));
    if !coded {
        return None;
    }
    match observation::status(resource).unwrap_or("unknown") {
        status if is_withdrawn(status) => Some(LabEvent::Withdrawn),
        status if is_correction(status) => Some(LabEvent::Corrected),
        "final" => Some(LabEvent::Finalised),
        _ => measure(fact, resource).map(|_| LabEvent::Preliminary),
    }
}

/// What somebody must look at on the sources page: an amount that can't be read, a time in the future.
#[must_use]
pub fn doubts(resource: &Value, catalogue: &Catalogue, now: Timestamp) -> Vec<incident::Kind> {
    let is_result = resource.get("resourceType").and_then(Value::as_str) == Some("Observation");
    let status = observation::status(resource).unwrap_or_default();
    if !is_result || is_withdrawn(status) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let code = observation::code(resource);
    let unreadable = catalogue
        .coded(&code)
        .filter(|fact| fact.kind == Kind::Quantity)
        .any(|fact| matches!(measure(fact, resource), Some(Err(_))));
    if unreadable {
        found.push(incident::Kind::UnreadableValue);
    }
    let moment = Moment {
        at: now,
        zone: &TimeZone::UTC,
        catalogue,
    };
    // A time without an offset is read as UTC here and in the source's zone elsewhere: up to a day of difference is no future.
    let ahead = observation::effective(resource)
        .and_then(|text| Some((text, moment.instant(text)?)))
        .is_some_and(|(text, at)| {
            let stated = text
                .split_once('T')
                .is_some_and(|(_, time)| time.contains(['Z', '+', '-']));
            let slack = if stated { 60 } else { 86_400 };
            at.as_second() - now.as_second() > slack
        });
    if ahead {
        found.push(incident::Kind::FutureTime);
    }
    found
}
