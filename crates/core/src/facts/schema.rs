//! For tests: whether a file of ours fits its JSON schema, as far as our schemas go.

use std::collections::BTreeSet;

use bedside_fact::yaml::{self, Kind, Node};
use serde_json::Value;

/// Reads a schema.
pub(crate) fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Asserts that the schema names these keys at this place, and no others.
#[track_caller]
pub(crate) fn keys(schema: &Value, place: &str, expected: &[&str]) {
    let properties = schema.pointer(&format!("{place}/properties")).unwrap();
    let named: BTreeSet<&str> = properties
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(named, expected.iter().copied().collect(), "{place}");
}

/// What of a file does not fit.
pub(crate) fn check(schema: &Value, text: &str) -> Vec<String> {
    let mut told = Vec::new();
    match yaml::parse(text) {
        Ok(root) => node(schema, &root, "", &mut told),
        Err(problem) => told.push(problem.message),
    }
    told
}

fn node(schema: &Value, node_: &Node, place: &str, told: &mut Vec<String>) {
    if let Some(words) = schema.get("enum").and_then(Value::as_array) {
        if !words.iter().any(|word| word.as_str() == node_.text()) {
            told.push(format!("{place}: not one of the words"));
        }
        return;
    }
    match (schema.get("type").and_then(Value::as_str), &node_.kind) {
        (Some("string"), Kind::Text { .. }) => {}
        (Some("array"), Kind::List(items)) => {
            let bound = |name: &str| schema.get(name).and_then(Value::as_u64);
            let count = u64::try_from(items.len()).unwrap();
            if bound("minItems").is_some_and(|least| count < least)
                || bound("maxItems").is_some_and(|most| count > most)
            {
                told.push(format!("{place}: {count} elements"));
            }
            for (n, item) in items.iter().enumerate() {
                node(&schema["items"], item, &format!("{place}/{n}"), told);
            }
        }
        (Some("object"), Kind::Map(members)) => {
            for name in schema
                .get("required")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                if !members
                    .iter()
                    .any(|(key, _)| Some(key.text.as_str()) == name.as_str())
                {
                    told.push(format!("{place}: without {name}"));
                }
            }
            for (key, value) in members {
                match schema["properties"].get(&key.text) {
                    Some(schema) => node(schema, value, &format!("{place}/{}", key.text), told),
                    None => told.push(format!("{place}: has {}", key.text)),
                }
            }
        }
        (expected, _) => told.push(format!("{place}: not {expected:?}")),
    }
}
