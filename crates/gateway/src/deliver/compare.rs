//! Is what the EHR holds what we wrote? An EHR adds and rearranges; what we said must still be there.

use serde_json::Value;

/// The elements of `written` that `held` lacks or has otherwise: paths, no values. Empty when all that was written is there.
///
/// Members that the EHR adds don't count. A list must hold each element that was written, each by an element of its own, in any order, since
/// servers sort and merge them. `own` yields what a reference of that server is relative to its base; none for a reference to elsewhere.
#[must_use]
pub(super) fn differences(
    written: &Value,
    held: &Value,
    own: &dyn Fn(&str) -> Option<String>,
) -> Vec<String> {
    let mut found = Vec::new();
    compare(written, held, own, "", &mut found);
    found
}

fn compare(
    written: &Value,
    held: &Value,
    own: &dyn Fn(&str) -> Option<String>,
    path: &str,
    found: &mut Vec<String>,
) {
    match (written, held) {
        (Value::Object(written), Value::Object(held)) => {
            for (name, value) in written {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                match held.get(name) {
                    Some(other) => compare(value, other, own, &path, found),
                    None => found.push(path),
                }
            }
        }
        (Value::Array(written), Value::Array(held)) => {
            let fits: Vec<Vec<bool>> = written
                .iter()
                .map(|value| {
                    let fits = |other| differences(value, other, own).is_empty();
                    held.iter().map(fits).collect()
                })
                .collect();
            let mut taken = vec![None; held.len()];
            for element in 0..written.len() {
                if !place(element, &fits, &mut taken, &mut vec![false; held.len()]) {
                    found.push(path.to_owned());
                }
            }
        }
        (Value::String(written), Value::String(held)) => {
            if !same_text(written, held, own) {
                found.push(path.to_owned());
            }
        }
        (
            Value::Object(_)
            | Value::Array(_)
            | Value::String(_)
            | Value::Number(_)
            | Value::Bool(_)
            | Value::Null,
            _,
        ) => {
            if written != held {
                found.push(path.to_owned());
            }
        }
    }
}

/// Gives a written element a held one of its own; one that is taken already moves to another that fits it too, when there is one.
fn place(
    element: usize,
    fits: &[Vec<bool>],
    taken: &mut [Option<usize>],
    seen: &mut [bool],
) -> bool {
    for at in 0..taken.len() {
        if !fits[element][at] || seen[at] {
            continue;
        }
        seen[at] = true;
        let free = taken[at].is_none_or(|other| place(other, fits, taken, seen));
        if free {
            taken[at] = Some(element);
            return true;
        }
    }
    false
}

/// Equal texts, equal instants, and a reference that the server made absolute, say the same.
fn same_text(written: &str, held: &str, own: &dyn Fn(&str) -> Option<String>) -> bool {
    if written == held {
        return true;
    }
    let instant = |text: &str| text.parse::<jiff::Timestamp>().ok();
    if let (Some(written), Some(held)) = (instant(written), instant(held)) {
        return written == held;
    }
    let relative = written.split('/').count() == 2
        && written.starts_with(|letter: char| letter.is_ascii_uppercase());
    relative && own(held).is_some_and(|held| held == written)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn own(reference: &str) -> Option<String> {
        reference
            .strip_prefix("http://ehr.example/r4/")
            .map(str::to_owned)
    }

    fn found(written: &Value, held: &Value) -> Vec<String> {
        differences(written, held, &own)
    }

    #[test]
    fn p08_what_was_written_must_be_there_and_what_was_added_may_be() {
        let written = json!({ "status": "completed", "subject": { "reference": "Patient/9" }, "sent": "2026-11-22T10:00:00Z",
            "identifier": [{ "system": "s", "value": "k" }], "payload": [{ "contentString": "told" }] });
        let held = json!({ "id": "1", "status": "completed", "subject": { "reference": "http://ehr.example/r4/Patient/9", "display": "x" },
            "sent": "2026-11-22T10:00:00.000+00:00", "identifier": [{ "system": "other", "value": "1" }, { "system": "s", "value": "k" }],
            "payload": [{ "contentString": "told" }] });
        assert_eq!(found(&written, &held), Vec::<String>::new());
    }

    #[test]
    fn p08_a_dropped_or_changed_element_is_named_by_its_path_alone() {
        let written = json!({ "status": "completed", "subject": { "reference": "Patient/9" }, "payload": [{ "contentString": "told Dr. Ames" }] });
        let held = json!({ "status": "in-progress", "subject": { "reference": "Patient/19" }, "payload": [] });
        assert_eq!(
            found(&written, &held),
            ["status", "subject.reference", "payload"]
        );
    }

    #[test]
    fn p08_a_patient_of_another_server_is_another_patient() {
        let written = json!({ "reference": "Patient/9" });
        let held = json!({ "reference": "http://other.example/r4/Patient/9" });
        assert_eq!(found(&written, &held), ["reference"]);
    }

    #[test]
    fn p08_two_equal_elements_are_two_and_an_order_that_suits_neither_is_still_found() {
        let two = json!({ "payload": [{ "t": "a" }, { "t": "a" }] });
        assert_eq!(
            found(&two, &json!({ "payload": [{ "t": "a" }] })),
            ["payload"]
        );
        assert!(found(&two, &two).is_empty());
        let written = json!({ "list": [{ "a": 1 }, { "a": 1, "b": 2 }] });
        let held = json!({ "list": [{ "a": 1, "b": 2 }, { "a": 1 }] });
        assert!(found(&written, &held).is_empty());
    }
}
