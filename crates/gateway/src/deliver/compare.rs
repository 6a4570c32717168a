//! Is what the EHR holds what we wrote? An EHR adds and rearranges; what we said must still be there.

use serde_json::Value;

/// The elements of `written` that `held` lacks or has otherwise: paths, no values. Empty when all that was written is there.
///
/// Members that the EHR adds don't count. A list must hold each element that was written, in any order, since servers sort and merge them.
#[must_use]
pub(super) fn differences(written: &Value, held: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(written, held, "", &mut found);
    found
}

fn compare(written: &Value, held: &Value, path: &str, found: &mut Vec<String>) {
    match (written, held) {
        (Value::Object(written), Value::Object(held)) => {
            for (name, value) in written {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                match held.get(name) {
                    Some(other) => compare(value, other, &path, found),
                    None => found.push(path),
                }
            }
        }
        (Value::Array(written), Value::Array(held)) => {
            for value in written {
                let there = held.iter().any(|other| {
                    let mut differences = Vec::new();
                    compare(value, other, path, &mut differences);
                    differences.is_empty()
                });
                if !there {
                    found.push(path.to_owned());
                }
            }
        }
        (Value::String(written), Value::String(held)) => {
            if !same_text(written, held) {
                found.push(path.to_owned());
            }
        }
        (Value::Object(_) | Value::Array(_) | Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null, _) => {
            if written != held {
                found.push(path.to_owned());
            }
        }
    }
}

/// Equal texts, equal instants, and a reference that was made absolute, say the same.
fn same_text(written: &str, held: &str) -> bool {
    if written == held {
        return true;
    }
    let instant = |text: &str| text.parse::<jiff::Timestamp>().ok();
    if let (Some(written), Some(held)) = (instant(written), instant(held)) {
        return written == held;
    }
    let relative = written.split('/').count() == 2 && written.starts_with(|letter: char| letter.is_ascii_uppercase());
    relative && held.strip_suffix(written).is_some_and(|base| base.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn p08_what_was_written_must_be_there_and_what_was_added_may_be() {
        let written = json!({ "status": "completed", "subject": { "reference": "Patient/9" }, "sent": "2026-11-22T10:00:00Z",
            "identifier": [{ "system": "s", "value": "k" }], "payload": [{ "contentString": "told" }] });
        let held = json!({ "id": "1", "status": "completed", "subject": { "reference": "http://ehr.example/r4/Patient/9", "display": "x" },
            "sent": "2026-11-22T10:00:00.000+00:00", "identifier": [{ "system": "other", "value": "1" }, { "system": "s", "value": "k" }],
            "payload": [{ "contentString": "told" }] });
        assert_eq!(differences(&written, &held), Vec::<String>::new());
    }

    #[test]
    fn p08_a_dropped_or_changed_element_is_named_by_its_path_alone() {
        let written = json!({ "status": "completed", "subject": { "reference": "Patient/9" }, "payload": [{ "contentString": "told Dr. Ames" }] });
        let held = json!({ "status": "in-progress", "subject": { "reference": "Patient/19" }, "payload": [] });
        assert_eq!(differences(&written, &held), ["status", "subject.reference", "payload"]);
    }
}
