//! Small helpers for building FHIR JSON without empty members.

use serde_json::{Map, Value};

/// A JSON object of the members that have a value; none when there is none.
pub(super) fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Option<Value> {
    let mut map = Map::new();
    for (name, value) in members {
        if let Some(value) = value {
            map.insert(name.to_owned(), value);
        }
    }
    (!map.is_empty()).then_some(Value::Object(map))
}

/// A string fit for FHIR (R4 §2.24.0.1: no control characters but tab and line ends, never empty).
pub(super) fn text(value: Option<String>) -> Option<Value> {
    value.and_then(clean).map(Value::String)
}

/// As [`text`], the string itself.
pub(super) fn clean(value: String) -> Option<String> {
    let kept: String = if value.chars().any(forbidden) {
        value.chars().filter(|&letter| !forbidden(letter)).collect()
    } else {
        value
    };
    let trimmed = kept.trim();
    if trimmed.is_empty() {
        None
    } else if trimmed.len() == kept.len() {
        Some(kept)
    } else {
        Some(trimmed.to_owned())
    }
}

/// A fixed word.
pub(super) fn word(value: &str) -> Option<Value> {
    Some(Value::String(value.to_owned()))
}

/// A list that is not empty.
pub(super) fn list(values: Vec<Value>) -> Option<Value> {
    (!values.is_empty()).then_some(Value::Array(values))
}

/// A list of one, when there is one.
pub(super) fn one(value: Option<Value>) -> Option<Value> {
    value.map(|value| Value::Array(vec![value]))
}

/// A Coding.
pub(super) fn coding(system: &str, code: &str, display: Option<&str>) -> Option<Value> {
    object([
        ("system", word(system)),
        ("code", word(code)),
        ("display", display.and_then(word)),
    ])
}

/// A `CodeableConcept` of one coding.
pub(super) fn coded(system: &str, code: &str, display: Option<&str>) -> Option<Value> {
    object([("coding", one(coding(system, code, display)))])
}

/// A Reference to one of ours.
pub(super) fn reference(resource_type: &str, id: &bedside_fact::id::ResourceId) -> Option<Value> {
    object([("reference", word(&format!("{resource_type}/{id}")))])
}

/// The members of an object, empty for anything else.
pub(super) fn members(value: Option<Value>) -> Map<String, Value> {
    match value {
        Some(Value::Object(map)) => map,
        Some(
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_),
        )
        | None => Map::new(),
    }
}

fn forbidden(letter: char) -> bool {
    letter.is_control() && !matches!(letter, '\t' | '\n' | '\r')
}
