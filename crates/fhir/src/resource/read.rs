//! The few ways in which the accessors read a value.
//!
//! Everything here answers "absent" to what is there in the wrong type.

use super::types::{CodeableConcept, codeable_concept};
use crate::json::Value;

pub(crate) fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

pub(crate) fn owned(value: &Value, name: &str) -> Option<String> {
    text(value, name).map(str::to_owned)
}

/// The elements of a list. A single object where a list belongs is read as a list of one: servers send that.
pub(crate) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    match value.get(name) {
        Some(Value::Array(elements)) => elements,
        Some(single @ Value::Object(_)) => std::slice::from_ref(single),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => &[],
    }
}

pub(crate) fn texts(value: &Value, name: &str) -> Vec<String> {
    let elements = match value.get(name) {
        Some(Value::Array(elements)) => elements.as_slice(),
        Some(single @ Value::String(_)) => std::slice::from_ref(single),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => &[],
    };
    elements
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

pub(crate) fn flag(value: &Value, name: &str) -> Option<bool> {
    value.get(name).and_then(Value::as_bool)
}

pub(crate) fn concept(value: &Value, name: &str) -> Option<CodeableConcept> {
    value
        .get(name)
        .filter(|found| found.is_object())
        .map(codeable_concept)
}

pub(crate) fn concepts(value: &Value, name: &str) -> Vec<CodeableConcept> {
    list(value, name).iter().map(codeable_concept).collect()
}

/// `Reference.reference` of a member.
pub(crate) fn reference_text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(|found| text(found, "reference"))
}

/// `Reference.reference` of each element of a member.
pub(crate) fn reference_texts<'a>(value: &'a Value, name: &str) -> Vec<&'a str> {
    list(value, name)
        .iter()
        .filter_map(|found| text(found, "reference"))
        .collect()
}

/// The earliest thing that a choice of dateTime, instant or Period says: `prefix` + `DateTime`, `Instant` or `Period`.
pub(crate) fn time<'a>(value: &'a Value, prefix: &str) -> Option<&'a str> {
    text(value, &format!("{prefix}DateTime"))
        .or_else(|| text(value, &format!("{prefix}Instant")))
        .or_else(|| {
            value
                .get(format!("{prefix}Period"))
                .and_then(|period| text(period, "start"))
        })
}
