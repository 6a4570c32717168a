//! What of a resource can be searched for: its codes, dates, texts and references, picked out once when it is filed.

use bedside_fact::clock::Timestamp;
use serde_json::Value;

use super::params::{Params, bare};
use super::span::{Prefix, Span};

/// One searchable value of a resource under the name of its parameter.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    name: &'static str,
    key: Key,
}

#[derive(Debug, Clone)]
enum Key {
    /// A code or an identifier: its system, the text of its type (Epic's identifiers have no coded one, vendor
    /// catalogue EPIC-37), its value.
    Token {
        system: String,
        kind: String,
        value: String,
    },
    Date(Span),
    Text(String),
    Reference(String),
}

#[derive(Clone, Copy)]
enum Kind {
    Token,
    Date,
    Text,
    Reference,
}

/// Parameter, how it is compared, and where its values stand.
type Path = (&'static str, Kind, &'static [&'static str]);

const COMMON: &[Path] = &[
    ("identifier", Kind::Token, &["identifier"]),
    ("status", Kind::Token, &["status"]),
    ("code", Kind::Token, &["code"]),
    ("category", Kind::Token, &["category"]),
    ("encounter", Kind::Reference, &["encounter"]),
];

const PATIENT: &[Path] = &[
    ("family", Kind::Text, &["name", "family"]),
    ("given", Kind::Text, &["name", "given"]),
    ("name", Kind::Text, &["name", "family"]),
    ("name", Kind::Text, &["name", "given"]),
    ("name", Kind::Text, &["name", "text"]),
    ("birthdate", Kind::Date, &["birthDate"]),
    ("gender", Kind::Token, &["gender"]),
    ("telecom", Kind::Text, &["telecom", "value"]),
    ("phone", Kind::Text, &["telecom", "value"]),
    ("email", Kind::Text, &["telecom", "value"]),
    ("address-postalcode", Kind::Text, &["address", "postalCode"]),
];

const EFFECTIVE: &[Path] = &[
    ("date", Kind::Date, &["effectiveDateTime"]),
    ("date", Kind::Date, &["effectivePeriod"]),
    ("date", Kind::Date, &["effectiveInstant"]),
];

const ENCOUNTER: &[Path] = &[
    ("date", Kind::Date, &["period"]),
    ("class", Kind::Token, &["class"]),
];

const CONDITION: &[Path] = &[
    ("clinical-status", Kind::Token, &["clinicalStatus"]),
    ("onset-date", Kind::Date, &["onsetDateTime"]),
    ("recorded-date", Kind::Date, &["recordedDate"]),
];

const MEDICATION_REQUEST: &[Path] = &[
    ("intent", Kind::Token, &["intent"]),
    // The date is the period of the dosage, not the order's own: an order without one is in no range (vendor catalogue
    // EPIC-33).
    (
        "date",
        Kind::Date,
        &["dosageInstruction", "timing", "repeat", "boundsPeriod"],
    ),
];

/// Where the time stands by which results are listed, newest first.
const ORDER: &[&[&str]] = &[
    &["effectiveDateTime"],
    &["effectiveInstant"],
    &["effectivePeriod"],
    &["period"],
    &["authoredOn"],
    &["sent"],
    &["recordedDate"],
    &["issued"],
];

/// Everything that can be searched for in a resource.
pub(crate) fn entries(resource_type: &str, resource: &Value) -> Vec<Entry> {
    let own = match resource_type {
        "Patient" => PATIENT,
        "Observation" | "DiagnosticReport" => EFFECTIVE,
        "Encounter" => ENCOUNTER,
        "Condition" | "AllergyIntolerance" => CONDITION,
        "MedicationRequest" => MEDICATION_REQUEST,
        _ => &[],
    };
    let mut entries = Vec::new();
    for (name, kind, path) in COMMON.iter().chain(own) {
        for value in at(resource, path) {
            keys(*kind, value, &mut |key| entries.push(Entry { name, key }));
        }
    }
    entries
}

/// The patient whose chart a resource is in.
pub(crate) fn patient(resource: &Value) -> Option<String> {
    ["subject", "patient"]
        .into_iter()
        .filter_map(|name| resource.get(name)?.get("reference")?.as_str())
        .find_map(|reference| reference.strip_prefix("Patient/"))
        .map(str::to_owned)
}

/// The time by which a resource is listed.
pub(crate) fn order(resource: &Value) -> Option<Timestamp> {
    ORDER
        .iter()
        .flat_map(|path| at(resource, path))
        .find_map(span)
        .map(|span| span.start)
}

/// Whether the values satisfy one parameter. Values with commas are alternatives. A value that can't be understood
/// satisfies nothing; whether it should have been refused is the vendor's rule, applied before.
pub(crate) fn satisfies(entries: &[Entry], name: &str, asked: &str) -> bool {
    asked.split(',').any(|one| {
        entries
            .iter()
            .any(|entry| entry.name == name && entry.key.is(one))
    })
}

/// Whether the values satisfy every parameter of those named.
pub(crate) fn satisfies_all(entries: &[Entry], params: &Params, names: &[&str]) -> bool {
    params
        .iter()
        .filter(|(name, _)| names.contains(name))
        .all(|(name, value)| satisfies(entries, name, value))
}

impl Key {
    fn is(&self, asked: &str) -> bool {
        match self {
            Self::Token {
                system,
                kind,
                value,
            } => match asked.split_once('|') {
                None => value == asked,
                Some((wanted, "")) => system == wanted,
                Some((wanted, code)) => {
                    value.trim() == code.trim()
                        && (system == wanted
                            || (!kind.is_empty() && kind == wanted)
                            || system.strip_prefix("urn:oid:") == Some(wanted))
                }
            },
            Self::Date(span) => {
                Prefix::split(asked).is_some_and(|(prefix, asked)| span.meets(prefix, &asked))
            }
            Self::Text(text) => text.starts_with(&asked.to_lowercase()),
            Self::Reference(id) => id == asked.rsplit_once('/').map_or(asked, |(_, last)| last),
        }
    }
}

/// The values at a path, through lists.
fn at<'a>(value: &'a Value, path: &[&str]) -> Vec<&'a Value> {
    let mut found = vec![value];
    for name in path {
        found = found
            .into_iter()
            .flat_map(items)
            .filter_map(|value| value.get(name))
            .collect();
    }
    found.into_iter().flat_map(items).collect()
}

fn items(value: &Value) -> std::slice::Iter<'_, Value> {
    value
        .as_array()
        .map_or_else(|| std::slice::from_ref(value).iter(), |list| list.iter())
}

fn keys(kind: Kind, value: &Value, add: &mut dyn FnMut(Key)) {
    match kind {
        Kind::Token => tokens(value, add),
        Kind::Date => {
            if let Some(span) = span(value) {
                add(Key::Date(span));
            }
        }
        Kind::Text => {
            if let Some(text) = value.as_str() {
                add(Key::Text(text.to_lowercase()));
            }
        }
        Kind::Reference => {
            if let Some(reference) = value.get("reference").and_then(Value::as_str) {
                let id = reference
                    .rsplit_once('/')
                    .map_or(reference, |(_, last)| last);
                add(Key::Reference(bare(id).to_owned()));
            }
        }
    }
}

/// A code, a coding, a concept with several codings, or an identifier.
fn tokens(value: &Value, add: &mut dyn FnMut(Key)) {
    if let Some(codings) = value.get("coding").and_then(Value::as_array) {
        for coding in codings {
            tokens(coding, add);
        }
        return;
    }
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    let kind = value
        .pointer("/type/text")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let code = match value.as_str() {
        Some(code) => code,
        None if value.get("code").is_some() => text("code"),
        None => text("value"),
    };
    if !code.is_empty() {
        add(Key::Token {
            system: text("system").to_owned(),
            kind: kind.to_owned(),
            value: code.to_owned(),
        });
    }
}

fn span(value: &Value) -> Option<Span> {
    if let Some(text) = value.as_str() {
        return Span::parse(text);
    }
    let edge = |name: &str| {
        value
            .get(name)
            .and_then(Value::as_str)
            .and_then(Span::parse)
    };
    let (start, end) = (edge("start"), edge("end"));
    (start.is_some() || end.is_some()).then(|| Span {
        start: start.map_or(Timestamp::MIN, |span| span.start),
        end: end.map_or(Timestamp::MAX, |span| span.end),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_identifiers_dates_names_and_references_are_found() {
        let resource = serde_json::json!({
            "resourceType": "Observation", "status": "final",
            "category": [{"coding": [{"system": "c", "code": "laboratory"}]}],
            "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}, {"system": "urn:oid:1.2", "code": "K"}]},
            "subject": {"reference": "Patient/p1"}, "encounter": {"reference": "Encounter/e1"},
            "identifier": [{"type": {"text": "EXTERNAL"}, "system": "urn:oid:1.9", "value": "  7"}],
            "effectiveDateTime": "2026-11-22T08:30:00Z"
        });
        let entries = entries("Observation", &resource);
        let is = |name: &str, asked: &str| satisfies(&entries, name, asked);
        assert!(is("category", "c|laboratory") && is("category", "vital-signs,laboratory"));
        assert!(is("code", "http://loinc.org|2823-3") && is("code", "2823-3") && is("code", "K"));
        assert!(!is("code", "http://loinc.org|K") && is("code", "http://loinc.org|"));
        assert!(is("identifier", "1.9|7") && is("identifier", "EXTERNAL|7"));
        assert!(!is("identifier", "INTERNAL|7"));
        assert!(is("date", "ge2026-11-22") && !is("date", "lt2026-11-22"));
        assert!(is("encounter", "Encounter/e1") && is("encounter", "e1"));
        assert!(is("status", "final") && !is("status", "preliminary"));
        assert_eq!(patient(&resource).as_deref(), Some("p1"));
        assert_eq!(
            order(&resource).unwrap().to_string(),
            "2026-11-22T08:30:00Z"
        );
    }

    #[test]
    fn an_open_period_reaches_into_the_future() {
        let resource = serde_json::json!({"resourceType": "Encounter", "class": {"system": "v3", "code": "IMP"}, "period": {"start": "2026-11-20T00:00:00Z"}});
        let entries = entries("Encounter", &resource);
        assert!(satisfies(&entries, "date", "ge2027-01-01"));
        assert!(!satisfies(&entries, "date", "lt2026-11-01"));
        assert!(satisfies(&entries, "class", "IMP"));
    }
}
