//! Lays the members of a draft over those of the current version.
//!
//! What a message leaves empty stays; what it removes goes; most members are replaced whole. A few lists are filled by several
//! fields or several messages, and are joined by what their elements mean.

use std::collections::HashMap;

use serde_json::map::Entry;
use serde_json::{Map, Value};

const SSN: &str = "http://hl7.org/fhir/sid/us-ssn";

/// Choices of one element: when the draft has the first, the second goes.
const CHOICES: [(&str, &str); 8] = [
    ("effectiveDateTime", "effectivePeriod"),
    ("effectivePeriod", "effectiveDateTime"),
    ("deceasedDateTime", "deceasedBoolean"),
    ("deceasedBoolean", "deceasedDateTime"),
    ("multipleBirthInteger", "multipleBirthBoolean"),
    ("multipleBirthBoolean", "multipleBirthInteger"),
    ("onsetDateTime", "onsetPeriod"),
    ("onsetPeriod", "onsetDateTime"),
];

/// The current members with the draft's laid on.
pub(super) fn lay(
    current: &Map<String, Value>,
    draft: &Map<String, Value>,
    remove: &[String],
    initial: &[String],
) -> Map<String, Value> {
    let mut out = current.clone();
    for path in remove {
        take_away(&mut out, path);
    }
    for (name, value) in draft {
        let said = current.contains_key(name)
            || CHOICES
                .iter()
                .any(|(one, other)| one == name && current.contains_key(*other));
        if initial.contains(name) && said {
            continue;
        }
        // A bare "dead" says less than the time of death that is known.
        if name == "deceasedBoolean"
            && *value == Value::Bool(true)
            && out.contains_key("deceasedDateTime")
        {
            continue;
        }
        put(&mut out, name, value);
        for (_, other) in CHOICES.iter().filter(|(one, _)| one == name) {
            out.shift_remove(*other);
        }
    }
    // The same elements in another order are no change.
    for (name, value) in &mut out {
        if let (Value::Array(now), Some(Value::Array(before))) = (&*value, current.get(name))
            && now.len() == before.len()
            && sorted(now) == sorted(before)
        {
            *value = Value::Array(before.clone());
        }
    }
    out
}

fn sorted(elements: &[Value]) -> Vec<String> {
    let mut texts: Vec<String> = elements.iter().map(Value::to_string).collect();
    texts.sort_unstable();
    texts
}

fn put(out: &mut Map<String, Value>, name: &str, value: &Value) {
    let Entry::Occupied(mut there) = out.entry(name) else {
        out.insert(name.to_owned(), value.clone());
        return;
    };
    match (name, there.get_mut(), value) {
        ("identifier" | "telecom" | "link" | "result", Value::Array(old), Value::Array(new)) => {
            union(old, new)
        }
        ("participant", Value::Array(old), Value::Array(new)) => participants(old, new),
        ("location", Value::Array(old), Value::Array(new)) => move_to(old, new),
        ("period" | "hospitalization", Value::Object(old), Value::Object(new)) => {
            for (name, value) in new {
                old.insert(name.clone(), value.clone());
            }
        }
        (_, there, value) => *there = value.clone(),
    }
}

fn union(old: &mut Vec<Value>, new: &[Value]) {
    let mut places: HashMap<String, usize> = old
        .iter()
        .enumerate()
        .map(|(n, one)| (name_of(one, true), n))
        .collect();
    for element in new {
        // A better description of an identifier takes the place of the one without a type.
        let place = places
            .get(&name_of(element, true))
            .or_else(|| places.get(&name_of(element, false)))
            .copied();
        match place.and_then(|place| old.get_mut(place)) {
            Some(there) => *there = element.clone(),
            None => {
                places.insert(name_of(element, true), old.len());
                old.push(element.clone());
            }
        }
    }
}

/// What makes an element the same: of an identifier system, value and type (a placer's and a filler's number may read the same),
/// of anything else all of it.
fn name_of(element: &Value, typed: bool) -> String {
    let part = |pointer: &str| element.pointer(pointer).and_then(Value::as_str);
    match (part("/system"), part("/value"), part("/use")) {
        (Some(system), Some(value), None) => {
            let kind = part("/type/coding/0/code")
                .filter(|_| typed)
                .unwrap_or_default();
            format!("{system}\u{1f}{value}\u{1f}{kind}")
        }
        _ => element.to_string(),
    }
}

/// The attending physician of a message takes the place of the attending physician, and of nobody else.
fn participants(old: &mut Vec<Value>, new: &[Value]) {
    let kinds: Vec<Option<&str>> = new.iter().map(participation).collect();
    old.retain(|there| !kinds.contains(&participation(there)));
    old.extend(new.iter().cloned());
}

fn participation(participant: &Value) -> Option<&str> {
    participant
        .pointer("/type/0/coding/0/code")
        .and_then(Value::as_str)
}

/// Joins the stays of a message, of which the last is where the patient is, to the history of places.
///
/// The same place is the same stay. Another place ends the stay before it; the place that the message says the patient came from
/// is added when the history does not know it.
fn move_to(history: &mut Vec<Value>, stays: &[Value]) {
    let Some((stay, earlier)) = stays.split_last() else {
        return;
    };
    if let Some(Value::Object(last)) = history.last_mut().filter(|last| place(last) == place(stay))
    {
        go_on(last, stay);
        return;
    }
    let left = stay
        .pointer("/period/start")
        .or_else(|| stay.pointer("/period/end"))
        .cloned();
    for before in history.iter_mut().filter_map(Value::as_object_mut) {
        if before.get("status").and_then(Value::as_str) != Some("active") {
            continue;
        }
        before.insert(String::from("status"), Value::from("completed"));
        if let Some(left) = &left {
            let period = before
                .entry("period")
                .or_insert_with(|| Value::Object(Map::new()));
            if let Some(period) = period.as_object_mut() {
                period.insert(String::from("end"), left.clone());
            }
        }
    }
    for stay in earlier {
        if !history.iter().any(|known| place(known) == place(stay)) {
            history.push(stay.clone());
        }
    }
    history.push(stay.clone());
}

/// More of the stay that goes on, or goes on again.
fn go_on(last: &mut Map<String, Value>, stay: &Value) {
    for (name, value) in stay.as_object().into_iter().flatten() {
        match (name.as_str(), last.get_mut(name), value) {
            ("period", Some(Value::Object(period)), Value::Object(new)) => {
                for (name, value) in new {
                    // A stay began when it was first said to begin.
                    if name != "start" || !period.contains_key("start") {
                        period.insert(name.clone(), value.clone());
                    }
                }
            }
            _ => {
                last.insert(name.clone(), value.clone());
            }
        }
    }
    if stay.get("status").and_then(Value::as_str) == Some("active")
        && let Some(Value::Object(period)) = last.get_mut("period")
    {
        period.shift_remove("end");
        if period.is_empty() {
            last.shift_remove("period");
        }
    }
}

fn place(stay: &Value) -> Option<&str> {
    stay.pointer("/location/display").and_then(Value::as_str)
}

/// `name`, `period.end`, `telecom[home]`.
fn take_away(out: &mut Map<String, Value>, path: &str) {
    if let Some((member, part)) = path.strip_suffix(']').and_then(|path| path.split_once('[')) {
        if let Some(Value::Array(elements)) = out.get_mut(member) {
            elements.retain(|element| !selected(member, part, element));
        }
        if out
            .get(member)
            .and_then(Value::as_array)
            .is_some_and(Vec::is_empty)
        {
            out.shift_remove(member);
        }
    } else if let Some((member, inner)) = path.split_once('.') {
        if let Some(Value::Object(object)) = out.get_mut(member) {
            object.shift_remove(inner);
        }
        if out
            .get(member)
            .and_then(Value::as_object)
            .is_some_and(Map::is_empty)
        {
            out.shift_remove(member);
        }
    } else {
        out.shift_remove(path);
    }
}

fn selected(member: &str, part: &str, element: &Value) -> bool {
    let text = |name: &str| element.get(name).and_then(Value::as_str);
    match (member, part) {
        ("identifier", "us-ssn") => text("system") == Some(SSN),
        ("identifier", "listed") => text("system") != Some(SSN),
        ("telecom", "work") => text("use") == Some("work"),
        ("telecom", "home") => text("use") != Some("work"),
        ("participant", kind) => participation(element) == Some(kind),
        ("link", other) => {
            element.pointer("/other/reference").and_then(Value::as_str) == Some(other)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(current: Value, draft: Value, remove: &[&str], initial: &[&str], expected: &Value) {
        let object = |value: Value| value.as_object().cloned().unwrap();
        let owned = |words: &[&str]| {
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        let laid = lay(
            &object(current),
            &object(draft),
            &owned(remove),
            &owned(initial),
        );
        assert_eq!(&Value::Object(laid), expected);
    }

    #[test]
    fn p06_what_is_not_spoken_of_stays() {
        check(
            json!({"a": 1, "b": 2}),
            json!({"b": 3}),
            &[],
            &[],
            &json!({"a": 1, "b": 3}),
        );
        check(
            json!({"status": "finished"}),
            json!({"status": "unknown"}),
            &[],
            &["status"],
            &json!({"status": "finished"}),
        );
        check(
            json!({}),
            json!({"status": "unknown"}),
            &[],
            &["status"],
            &json!({"status": "unknown"}),
        );
    }

    #[test]
    fn p06_what_is_removed_goes_and_leaves_no_empty_shell() {
        check(
            json!({"period": {"end": "x"}}),
            json!({}),
            &["period.end"],
            &[],
            &json!({}),
        );
        check(
            json!({"period": {"start": "s", "end": "x"}}),
            json!({}),
            &["period.end"],
            &[],
            &json!({"period": {"start": "s"}}),
        );
        check(
            json!({"telecom": [{"use": "home"}]}),
            json!({}),
            &["telecom[home]", "name"],
            &[],
            &json!({}),
        );
        check(
            json!({"telecom": "not a list"}),
            json!({}),
            &["telecom[home]", "telecom.x"],
            &[],
            &json!({"telecom": "not a list"}),
        );
    }

    #[test]
    fn the_same_elements_in_another_order_are_no_change() {
        let one = json!({"system": "a", "value": "1"});
        let two = json!({"system": "http://hl7.org/fhir/sid/us-ssn", "value": "2"});
        let before = json!({"identifier": [one, two]});
        check(
            before.clone(),
            json!({"identifier": [one]}),
            &["identifier[listed]"],
            &[],
            &before,
        );
    }

    #[test]
    fn a_new_attending_replaces_the_attending_alone() {
        let of = |kind: &str, who: &str| json!({"type": [{"coding": [{"code": kind}]}], "individual": {"display": who}});
        check(
            json!({"participant": [of("ATND", "x"), of("REF", "y")]}),
            json!({"participant": [of("ATND", "z")]}),
            &[],
            &[],
            &json!({"participant": [of("REF", "y"), of("ATND", "z")]}),
        );
    }

    #[test]
    fn coming_back_to_an_earlier_room_is_a_stay_of_its_own() {
        let at =
            |place: &str, status: &str| json!({"location": {"display": place}, "status": status});
        let mut history = vec![at("A", "active")];
        for place in ["B", "A", "A"] {
            move_to(&mut history, &[at(place, "active")]);
        }
        assert_eq!(
            history,
            [
                at("A", "completed"),
                at("B", "completed"),
                at("A", "active")
            ]
        );
    }
}
