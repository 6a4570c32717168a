//! The names in a stored Patient, for the two questions that the sealed index can't answer alone: whether a long name was meant, and
//! whether two similar records are two people.

use bedside_identity::{Demographics, PersonName};
use serde_json::Value;

/// The names of a Patient resource; nothing else is read.
pub(crate) fn names(body: &str) -> Demographics {
    let patient: Value = serde_json::from_str(body).unwrap_or_default();
    let texts = |value: Option<&Value>| -> Vec<String> {
        value
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let names = patient
        .get("name")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|name| PersonName {
            family: name
                .get("family")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            given: texts(name.get("given")),
            suffix: texts(name.get("suffix")).into_iter().next(),
        })
        .collect();
    Demographics {
        names,
        ..Demographics::default()
    }
}
