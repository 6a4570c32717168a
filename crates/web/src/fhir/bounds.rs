//! What an application may not write, however good the reading is: numbers that break the programs of those who read them, and what
//! `meta` says of where a resource comes from, which only the server knows.

use bedside_fhir::outcome::Issue;
use serde_json::Value;

use super::failure::issue;

/// The most digits of a number. No instrument has more, and a reader that calculates must not be made to.
const DIGITS: usize = 30;

/// The largest exponent either way; beyond 308 it is infinity or zero to whoever reads it as a double.
const EXPONENT: i64 = 64;

/// What `meta` may hold. The first three are kept; the others are the server's and are written anew, as FHIR R4 §3.1.0.8 has it.
const META: [&str; 5] = ["profile", "tag", "security", "versionId", "lastUpdated"];

/// What goes too far, each with its place.
pub(super) fn problems(resource: &Value) -> Vec<Issue> {
    let mut problems = meta(resource.get("meta"));
    let mut path = vec![String::from("Observation")];
    numbers(resource, &mut path, &mut problems);
    problems
}

fn meta(meta: Option<&Value>) -> Vec<Issue> {
    let Some(meta) = meta else {
        return Vec::new();
    };
    let Some(members) = meta.as_object() else {
        return vec![issue(
            "structure",
            "meta is not an object",
            Some("Observation.meta"),
        )];
    };
    let mut problems = Vec::new();
    let others = |name: &&String| !META.contains(&name.trim_start_matches('_'));
    for name in members.keys().filter(others) {
        let place = if name == "source" {
            "Observation.meta.source"
        } else {
            "Observation.meta"
        };
        problems.push(issue(
            "business-rule",
            "where a resource comes from is for this server to say: meta takes profile, tag and security",
            Some(place),
        ));
    }
    problems
}

fn numbers(value: &Value, path: &mut Vec<String>, problems: &mut Vec<Issue>) {
    match value {
        Value::Number(number) => {
            if problems.len() < 20 && !is_sensible(&number.to_string()) {
                problems.push(issue(
                    "value",
                    format!(
                        "a number has at most {DIGITS} digits and an exponent within {EXPONENT}"
                    ),
                    Some(&path.join(".")),
                ));
            }
        }
        Value::Object(members) => {
            for (name, value) in members {
                path.push(step(name));
                numbers(value, path, problems);
                path.pop();
            }
        }
        Value::Array(list) => {
            for value in list {
                numbers(value, path, problems);
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// A member's name in a message; what can't be an element's is not repeated.
fn step(name: &str) -> String {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphabetic());
    if plain && (1..=64).contains(&name.len()) {
        name.to_owned()
    } else {
        String::from("(unreadable name)")
    }
}

fn is_sensible(number: &str) -> bool {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let exponent = exponent.strip_prefix('+').unwrap_or(exponent);
    digits <= DIGITS
        && exponent
            .parse::<i64>()
            .is_ok_and(|exponent| exponent.abs() <= EXPONENT)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn places(text: &str) -> Vec<String> {
        let resource: Value = serde_json::from_str(text).unwrap();
        problems(&resource)
            .into_iter()
            .flat_map(|issue| issue.expressions)
            .collect()
    }

    #[test]
    fn a_number_that_no_instrument_gives_is_named_by_its_place() {
        for good in [
            "0",
            "-72.50",
            "6.02e23",
            "1E-64",
            "1e+64",
            "0.00000000000000000000000000001",
        ] {
            assert!(places(&format!("{{\"v\":{good}}}")).is_empty(), "{good}");
        }
        let long = "9".repeat(100_000);
        for bad in [
            "1e99999",
            "1e-65",
            "1e99999999999999999999",
            "0.000000000000000000000000000001",
            &long,
        ] {
            let text = format!("{{\"component\":[{{\"valueQuantity\":{{\"value\":{bad}}}}}]}}");
            assert_eq!(places(&text), ["Observation.component.valueQuantity.value"]);
        }
    }

    #[test]
    fn meta_says_nothing_of_where_it_comes_from() {
        let with = |meta: Value| places(&json!({ "meta": meta }).to_string());
        assert!(
            with(json!({"profile":["x"],"tag":[],"security":[],"versionId":"7","lastUpdated":"x"}))
                .is_empty()
        );
        assert_eq!(with(json!({"source":"epic"})), ["Observation.meta.source"]);
        for meta in [
            json!({"extension":[]}),
            json!({"_source":{"id":"a"}}),
            json!([]),
            Value::Null,
        ] {
            assert_eq!(with(meta), ["Observation.meta"]);
        }
    }
}
