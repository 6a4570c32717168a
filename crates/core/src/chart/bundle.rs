//! The record as a FHIR Bundle: each resource's text as it is stored, byte for byte, and where it came from.

use serde_json::{Value, json};

use crate::record::{PersonRecord, Stored, provenance};

/// FHIR R4 §2.36.4.1: relative references in a Bundle resolve against an absolute `fullUrl`. A file has no server, so the name is one
/// that never resolves (RFC 2606 §2).
const BASE: &str = "https://bedside.invalid/fhir";

/// The record as the text of a Bundle of type `collection`, with a Provenance for each version.
///
/// A text, not a value: printing a parsed resource would not give back its bytes.
#[must_use]
pub fn bundle(record: &PersonRecord) -> String {
    let mut out = String::from(r#"{"resourceType":"Bundle","type":"collection","entry":["#);
    let mut first = true;
    let mut entry = |resource_type: &str, id: &str, text: &str| {
        if !first {
            out.push(',');
        }
        first = false;
        let url = Value::from(format!("{BASE}/{resource_type}/{id}"));
        out.push_str(&format!(r#"{{"fullUrl":{url},"resource":{text}}}"#));
    };
    for stored in &record.resources {
        // One broken text would make the whole Bundle unreadable; then its place is taken by a word about it.
        if serde_json::from_str::<serde::de::IgnoredAny>(&stored.body).is_ok() {
            entry(&stored.resource_type, stored.id.as_str(), &stored.body);
        } else {
            let id = format!("{}-unreadable", stored.id);
            entry(
                "OperationOutcome",
                &id,
                &unreadable(stored, &id).to_string(),
            );
        }
    }
    for stored in &record.resources {
        let made = provenance(stored);
        let id = made
            .get("id")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        entry("Provenance", &id, &made.to_string());
    }
    out.push_str("]}");
    out
}

fn unreadable(stored: &Stored, id: &str) -> Value {
    json!({
        "resourceType": "OperationOutcome",
        "id": id,
        "issue": [{
            "severity": "error",
            "code": "structure",
            "diagnostics": format!(
                "{} of input {} can't be read",
                stored.resource_type, stored.journal_seq
            ),
        }],
    })
}
