//! Whether an Observation that a device sends says enough to be used: what it is, whose, when, and a value or why there is none.

use bedside_fact::time::span;
use bedside_fhir::outcome::Issue;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::failure::issue;

/// FHIR R4's observation-status codes.
const STATUS: [&str; 8] = [
    "registered",
    "preliminary",
    "final",
    "amended",
    "corrected",
    "cancelled",
    "entered-in-error",
    "unknown",
];

/// What is wrong with it, each with the element; empty when it can be taken in.
pub(super) fn problems(resource: &Value, zone: &TimeZone) -> Vec<Issue> {
    let mut problems = Vec::new();
    let mut wrong = |code: &str, words: &str, element: &str| {
        problems.push(issue(code, words, Some(&format!("Observation{element}"))));
    };
    match resource.get("status").and_then(Value::as_str) {
        None => wrong("required", "a status is needed", ".status"),
        Some(status) if !STATUS.contains(&status) => {
            wrong("code-invalid", "FHIR has no such status", ".status");
        }
        Some(_) => {}
    }
    let is_coded = resource.get("code").is_some_and(|code| {
        let codings = code.get("coding").and_then(Value::as_array);
        let coded = codings
            .into_iter()
            .flatten()
            .any(|coding| is_text(coding.get("code")));
        coded || is_text(code.get("text"))
    });
    if !is_coded {
        wrong("required", "a code is needed: what was observed", ".code");
    }
    if subject(resource).is_none() {
        wrong("required", "a subject is needed, as Patient/id", ".subject");
    }
    let times: Vec<&str> = ["effectiveDateTime", "effectiveInstant"]
        .iter()
        .filter_map(|name| resource.get(*name).and_then(Value::as_str))
        .chain(["start", "end"].iter().filter_map(|name| {
            resource
                .pointer(&format!("/effectivePeriod/{name}"))?
                .as_str()
        }))
        .collect();
    let timed = resource.get("effectiveTiming").is_some();
    if times.is_empty() && !timed {
        wrong(
            "required",
            "a time is needed: when it was true of the patient",
            ".effective",
        );
    }
    if times.iter().any(|text| span(text, zone).is_none()) {
        wrong("value", "the time can't be read", ".effective");
    }
    let values = resource
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, value)| is_value(name) && !value.is_null())
        .count();
    let parts = ["component", "hasMember"].iter().any(|name| {
        resource
            .get(*name)
            .and_then(Value::as_array)
            .is_some_and(|list| !list.is_empty())
    });
    if values > 1 {
        wrong("structure", "it has more than one value", ".value");
    }
    if values == 0 && !parts && resource.get("dataAbsentReason").is_none() {
        wrong(
            "required",
            "a value is needed, or dataAbsentReason",
            ".value",
        );
    }
    if let Some(quantity) = resource.get("valueQuantity")
        && !quantity.get("value").is_some_and(Value::is_number)
    {
        wrong(
            "value",
            "a quantity has a number",
            ".value.ofType(Quantity).value",
        );
    }
    problems
}

/// The reference to the patient.
pub(super) fn subject(resource: &Value) -> Option<&str> {
    resource
        .pointer("/subject/reference")
        .and_then(Value::as_str)
        .filter(|reference| !reference.is_empty())
}

fn is_value(name: &str) -> bool {
    name.strip_prefix("value")
        .is_some_and(|kind| kind.starts_with(|letter: char| letter.is_ascii_uppercase()))
}

fn is_text(value: Option<&Value>) -> bool {
    value
        .and_then(Value::as_str)
        .is_some_and(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({"resourceType":"Observation","status":"final","code":{"coding":[{"code":"8867-4"}]},
            "subject":{"reference":"Patient/p"},"effectiveDateTime":"2026-11-22T10:00:00Z",
            "valueQuantity":{"value":72,"unit":"/min"}})
    }

    fn wrong(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let mut resource = good();
        change(&mut resource);
        problems(&resource, &TimeZone::UTC)
            .into_iter()
            .flat_map(|issue| issue.expressions)
            .collect()
    }

    #[test]
    fn each_missing_element_is_named_by_its_place() {
        assert!(wrong(|_| {}).is_empty());
        let without = |name: &'static str| {
            wrong(move |resource| {
                resource.as_object_mut().unwrap().remove(name);
            })
        };
        assert_eq!(without("status"), ["Observation.status"]);
        assert_eq!(without("code"), ["Observation.code"]);
        assert_eq!(without("subject"), ["Observation.subject"]);
        assert_eq!(without("effectiveDateTime"), ["Observation.effective"]);
        assert_eq!(without("valueQuantity"), ["Observation.value"]);
        assert_eq!(
            wrong(|r| r["status"] = json!("done")),
            ["Observation.status"]
        );
        assert_eq!(
            wrong(|r| r["code"] = json!({"coding":[{}]})),
            ["Observation.code"]
        );
        assert_eq!(
            wrong(|r| r["valueString"] = json!("x")),
            ["Observation.value"]
        );
        assert_eq!(
            wrong(|r| r["valueQuantity"] = json!({"value":"72"})),
            ["Observation.value.ofType(Quantity).value"]
        );
        assert_eq!(
            wrong(|r| r["effectiveDateTime"] = json!("yesterday")),
            ["Observation.effective"]
        );
        assert_eq!(wrong(|r| *r = json!({})).len(), 5);
    }

    #[test]
    fn a_reason_stands_for_a_value() {
        let resource = json!({"status":"final","code":{"text":"Heart rate"},"subject":{"reference":"Patient/p"},
            "effectivePeriod":{"start":"2026-11-22"},"dataAbsentReason":{"text":"sensor off"}});
        assert!(problems(&resource, &TimeZone::UTC).is_empty());
    }
}
