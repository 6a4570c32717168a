//! A part of a resource (`_elements`), marked as one so that nobody writes it back (FHIR R4 §3.1.1.5.9).

use serde_json::{Map, Value, json};

/// The named members of a stored text, with type, id and meta.
pub(super) fn only(body: &str, wanted: &[&str]) -> String {
    let Ok(Value::Object(whole)) = serde_json::from_str::<Value>(body) else {
        return body.to_owned();
    };
    let mut part = Map::new();
    for (name, value) in whole {
        let plain = name.trim_start_matches('_');
        let kept = matches!(plain, "resourceType" | "id" | "meta")
            || wanted.iter().any(|wanted| wanted.trim() == plain);
        if kept {
            part.insert(name, value);
        }
    }
    let meta = part
        .entry("meta")
        .or_insert_with(|| Value::Object(Map::new()));
    if let Some(meta) = meta.as_object_mut() {
        let tags = meta.entry("tag").or_insert_with(|| json!([]));
        let is_marked = |tag: &Value| tag.get("code").and_then(Value::as_str) == Some("SUBSETTED");
        if let Some(tags) = tags.as_array_mut()
            && !tags.iter().any(is_marked)
        {
            tags.push(json!({
                "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
                "code": "SUBSETTED",
            }));
        }
    }
    Value::Object(part).to_string()
}
