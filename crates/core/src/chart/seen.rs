//! The record parsed for the chart, and the moment that it is looked at from.

use bedside_fact::clock::Timestamp;
use bedside_fact::time::{age_words, span, words};
use bedside_fhir::resource::{Reference, Resource};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::facts::Catalogue;
use crate::record::{PersonRecord, Stored};

/// From when and where the record is looked at.
pub(crate) struct Moment<'a> {
    /// The instant up to which ages are counted.
    pub(crate) at: Timestamp,
    /// The zone of the reader, and of times that carry none.
    pub(crate) zone: &'a TimeZone,
    /// The site's facts: units, and which sources belong to one system.
    pub(crate) catalogue: &'a Catalogue,
}

/// A stored version with its parsed body.
pub(crate) struct Seen<'a> {
    pub(crate) stored: &'a Stored,
    pub(crate) value: Value,
    /// It waits behind a parked input and is not in the record.
    pub(crate) held: bool,
}

/// The types whose members are on the page. A claim is many times as long as a result, so the others are only checked and counted.
const IS_READ: [&str; 9] = [
    "Patient",
    "AllergyIntolerance",
    "Condition",
    "MedicationRequest",
    "MedicationStatement",
    "Medication",
    "Encounter",
    "Observation",
    "DiagnosticReport",
];

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "resourceType")]
    resource_type: String,
}

/// Parses what is stored. What can't be read is told in words, never left out silently.
pub(crate) fn read<'a>(record: &'a PersonRecord, caveats: &mut Vec<String>) -> Vec<Seen<'a>> {
    let mut seen = Vec::with_capacity(record.resources.len());
    for stored in &record.resources {
        let value = if IS_READ.contains(&stored.resource_type.as_str()) {
            serde_json::from_str(&stored.body).unwrap_or_default()
        } else {
            head(&stored.body)
        };
        let right_type = Resource::of(&value)
            .is_some_and(|resource| resource.resource_type() == stored.resource_type);
        if right_type {
            seen.push(Seen {
                stored,
                value,
                held: false,
            });
        } else {
            caveats.push(format!(
                "A resource of type {} from {} (input {}) can't be read and is not shown.",
                stored.resource_type, stored.source, stored.journal_seq
            ));
        }
    }
    seen
}

/// Parses what is held ([`super::held`]).
pub(crate) fn read_held(provisional: &[Stored]) -> Vec<Seen<'_>> {
    provisional
        .iter()
        .map(|stored| Seen {
            stored,
            value: serde_json::from_str(&stored.body).unwrap_or_default(),
            held: true,
        })
        .collect()
}

/// The type alone, read without building the rest.
fn head(text: &str) -> Value {
    serde_json::from_str::<Head>(text).map_or(
        Value::Null,
        |head| json!({"resourceType": head.resource_type}),
    )
}

impl Seen<'_> {
    /// When we knew.
    pub(crate) fn known(&self) -> Timestamp {
        Timestamp::from_microsecond(self.stored.known_at).unwrap_or_default()
    }

    /// When the source knew.
    pub(crate) fn recorded(&self) -> Option<Timestamp> {
        self.stored
            .source_time
            .and_then(|micros| Timestamp::from_microsecond(micros).ok())
    }

    /// Why it is not relied on, when it is held.
    pub(crate) fn waits(&self) -> Option<String> {
        self.held.then(|| {
            format!(
                "behind a parked message (input {}), not yet in the record",
                self.stored.journal_seq
            )
        })
    }

    /// Whether the resource carries a modifier. FHIR R4 §2.5.2: whoever does not understand one must not take the rest at its word.
    pub(crate) fn has_modifier(&self) -> bool {
        let some = |name: &str| match self.value.get(name) {
            Some(Value::Array(list)) => !list.is_empty(),
            Some(Value::Null) | None => false,
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => true,
        };
        some("modifierExtension") || some("implicitRules")
    }
}

impl Moment<'_> {
    /// The first instant that a text of the source may mean.
    pub(crate) fn instant(&self, text: &str) -> Option<Timestamp> {
        Timestamp::from_microsecond(span(text, self.zone)?.lo).ok()
    }

    /// An instant in words.
    pub(crate) fn words(&self, at: Timestamp) -> String {
        words(at, self.zone)
    }

    /// A time of the source in words, no more exact than the source was.
    pub(crate) fn said(&self, text: &str) -> String {
        let Some(at) = self.instant(text) else {
            return text.to_owned();
        };
        let format = match text.len() {
            4 => "%Y",
            7 => "%b-%Y",
            10 => "%d-%b-%Y",
            _ => "%d-%b-%Y %H:%M",
        };
        at.to_zoned(self.zone.clone()).strftime(format).to_string()
    }

    /// Whether an instant lies ahead. A minute is left for clocks that differ.
    pub(crate) fn is_ahead(&self, at: Timestamp) -> bool {
        at.as_second() - self.at.as_second() > 60
    }

    /// How long ago, no more exact than the source was.
    pub(crate) fn age(&self, taken: Option<&str>) -> String {
        let Some((text, at)) = taken.and_then(|text| Some((text, self.instant(text)?))) else {
            return String::from("time not stated");
        };
        if self.is_ahead(at) {
            return String::from("in the future");
        }
        if text.len() > 10 {
            return age_words(at, self.at);
        }
        let day = |at: Timestamp| at.to_zoned(self.zone.clone()).date();
        let days = day(self.at)
            .since(day(at))
            .map_or(0, |gone| gone.get_days());
        match (text.len(), days) {
            (10, ..=0) => String::from("today"),
            (10, 1) => String::from("yesterday"),
            (10, 2..=729) => format!("{days} days ago"),
            (10, _) => age_words(at, self.at),
            // A month or a year: it began then, and may be younger.
            (_, ..=0) => String::from("today or before"),
            (_, _) => format!("up to {}", age_words(at, self.at)),
        }
    }
}

/// What a reference names, in the words that came with it.
pub(crate) fn named(reference: &Reference) -> Option<String> {
    reference
        .display
        .clone()
        .filter(|words| !words.trim().is_empty())
}
