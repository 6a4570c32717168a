//! How a write is found again at the other side: the query of the profile, and our key in what it yields.

use serde_json::Value;

use crate::workflow::KEY_SYSTEM;

/// The parameters by which `body` is looked for; none where the profile names no parameter, or one that nobody knows how to fill.
pub(super) fn query(find_by: &[String], body: &Value) -> Option<Vec<(String, String)>> {
    let subject = body.pointer("/subject/reference").and_then(Value::as_str);
    let key = body.pointer("/identifier/0/value").and_then(Value::as_str);
    let filled: Option<Vec<(String, String)>> = find_by
        .iter()
        .map(|name| {
            let value = match name.as_str() {
                "patient" => subject?.strip_prefix("Patient/")?.to_owned(),
                "subject" => subject?.to_owned(),
                "identifier" => format!("{KEY_SYSTEM}|{}", key?),
                _ => return None,
            };
            Some((name.clone(), value))
        })
        .collect();
    filled.filter(|filled| !filled.is_empty())
}

/// Those that bear our key.
pub(super) fn ours<'e>(entries: &'e [Value], key: &str) -> Vec<&'e Value> {
    let bears = |resource: &&Value| {
        let identifiers = resource.get("identifier").and_then(Value::as_array);
        identifiers.into_iter().flatten().any(|identifier| {
            identifier.get("system").and_then(Value::as_str) == Some(KEY_SYSTEM)
                && identifier.get("value").and_then(Value::as_str) == Some(key)
        })
    };
    entries.iter().filter(bears).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn p08_what_the_profile_can_t_be_asked_for_is_not_searched_at_all() {
        let body = json!({ "subject": { "reference": "Patient/9" }, "identifier": [{ "system": KEY_SYSTEM, "value": "k" }] });
        let by = |names: &[&str]| {
            query(
                &names
                    .iter()
                    .map(|&name| name.to_owned())
                    .collect::<Vec<_>>(),
                &body,
            )
        };
        assert_eq!(by(&[]), None);
        assert_eq!(
            by(&["patient", "sent"]),
            None,
            "half a query would find too much or too little"
        );
        assert_eq!(by(&["patient"]), Some(vec![("patient".into(), "9".into())]));
        assert_eq!(
            by(&["subject"]),
            Some(vec![("subject".into(), "Patient/9".into())])
        );
        assert_eq!(
            by(&["identifier"]),
            Some(vec![("identifier".into(), "urn:bedside:write|k".into())])
        );
    }

    #[test]
    fn p08_a_write_that_was_taken_twice_is_seen_twice() {
        let one = json!({ "identifier": [{ "system": "other", "value": "k" }, { "system": KEY_SYSTEM, "value": "k" }] });
        let other = json!({ "identifier": [{ "system": KEY_SYSTEM, "value": "k2" }] });
        assert_eq!(ours(&[one.clone(), other, one], "k").len(), 2);
    }
}
