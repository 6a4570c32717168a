//! Results: what is read, what is doubted, what is one result.

use bedside_fact::known::{Gap, Need, Verification};
use bedside_fact::state::State;
use serde_json::{Value, json};

use super::{bound, need};
use crate::chart::tests::fixture::{NOW, Ward, amount, at, potassium};
use crate::facts::{Catalogue, LabEvent, doubts, is_value_of};
use crate::incident;
use crate::journal::InputKind;

fn quantity(value: f64, unit: &str) -> Value {
    json!({"value": value, "unit": unit})
}

#[test]
fn p06_what_cannot_be_read_is_unknown_and_an_older_value_does_not_hide_it() {
    let cases = [
        (
            json!({"valueQuantity": quantity(6.7, "wat")}),
            "its unit can't be read",
        ),
        (json!({"valueQuantity": {"value": 6.7}}), "no unit was sent"),
        (
            json!({"valueQuantity": {"unit": "mmol/L"}}),
            "no number was sent",
        ),
        (
            json!({"valueQuantity": {"value": 6.7, "unit": "mg/dL", "code": "mmol/L"}}),
            "given in two ways that differ",
        ),
        (
            json!({"valueQuantity": quantity(6.7, "kg")}),
            "does not fit this test",
        ),
        (
            json!({"valueQuantity": {"value": 6.7, "unit": "mmol/L", "comparator": "~"}}),
            "its comparator can't be read",
        ),
        (
            json!({"valueQuantity": Value::Null, "valueString": "see comment"}),
            "words, not a number",
        ),
        (
            json!({"valueQuantity": Value::Null, "valueCodeableConcept": {"text": "high"}}),
            "a code, not a number",
        ),
        (
            json!({"valueQuantity": Value::Null, "valueRange": {"low": {"value": 1}}}),
            "not a single number",
        ),
        (
            json!({"valueQuantity": Value::Null, "dataAbsentReason": {"text": "error"}}),
            "no value was sent",
        ),
    ];
    for (change, why) in cases {
        let mut ward = Ward::new();
        ward.add(
            "LAB",
            potassium("old", json!({"effectiveDateTime": "2026-11-22T06:00:00Z"})),
        );
        ward.add("LAB", potassium("new", change.clone()));
        let two = Need {
            latest: 2,
            ..need("potassium")
        };
        let fact = bound(&ward, &two);
        assert_eq!(
            (fact.state, fact.gap),
            (State::Unknown, Some(Gap::Unreadable)),
            "{change}"
        );
        assert!(fact.why.contains(why), "{change}: {}", fact.why);
        assert_eq!(fact.data.len(), 2, "nothing is dropped");
        assert_eq!(fact.data[0].quantity, None);
        assert_eq!(fact.data[0].resources, ["Observation/new"]);
        let mut found = doubts(&potassium("new", change), Catalogue::shipped(), at(NOW));
        assert_eq!(found.pop(), Some(incident::Kind::UnreadableValue));
    }
}

#[test]
fn p06_a_result_from_the_future_is_unknown_until_a_later_one_came() {
    let mut ward = Ward::new();
    ward.add("LAB", potassium("o1", json!({})));
    let ahead = potassium("o2", json!({"effectiveDateTime": "2027-01-01T00:00:00Z"}));
    ward.add("LAB", ahead.clone());
    let fact = bound(&ward, &need("potassium"));
    assert_eq!((fact.state, fact.gap), (State::Unknown, Some(Gap::Future)));
    assert_eq!(fact.data[0].resources, ["Observation/o2"]);
    assert_eq!(
        doubts(&ahead, Catalogue::shipped(), at(NOW)),
        [incident::Kind::FutureTime]
    );
    // It was received at 08:55; what was taken after that is newer.
    ward.add(
        "LAB",
        potassium(
            "o3",
            json!({"effectiveDateTime": "2026-11-22T08:58:00Z", "identifier": []}),
        ),
    );
    let fact = bound(&ward, &need("potassium"));
    assert_eq!(fact.state, State::Present);
    assert_eq!(fact.data[0].resources, ["Observation/o3"]);
}

#[test]
fn p06_each_reason_for_doubt_makes_a_value_unverified_and_stays_with_it() {
    let cases = [
        (
            json!({"status": "preliminary"}),
            "preliminary",
            Verification::Preliminary,
        ),
        (
            json!({"status": "preliminary", "device": {"reference": "Device/1"}}),
            "from a device",
            Verification::Device,
        ),
        (
            json!({"status": "unknown"}),
            "its status is not known",
            Verification::Preliminary,
        ),
        (
            json!({"performer": [{"reference": "Patient/pat1"}]}),
            "reported by the patient",
            Verification::PatientReported,
        ),
        (
            json!({"note": [{"text": "Slightly hemolyzed"}]}),
            "specimen haemolysed",
            Verification::Final,
        ),
        (
            json!({"note": [{"text": "tube was clotted"}]}),
            "specimen clotted",
            Verification::Final,
        ),
        (
            json!({"modifierExtension": [{"url": "x"}]}),
            "a modifier",
            Verification::Final,
        ),
        (
            json!({"valueQuantity": quantity(51.0, "mmol/L")}),
            "beyond what is plausible",
            Verification::Final,
        ),
        (
            json!({"effectiveDateTime": Value::Null}),
            "the source gave no time",
            Verification::Final,
        ),
        (
            json!({"effectiveDateTime": "soon"}),
            "its time can't be read",
            Verification::Final,
        ),
    ];
    for (change, doubt, verification) in cases {
        let mut ward = Ward::new();
        ward.add("LAB", potassium("o1", change.clone()));
        let fact = bound(&ward, &need("potassium"));
        assert_eq!(fact.state, State::Unverified, "{change}");
        let datum = fact.newest().unwrap();
        assert!(
            datum
                .doubt
                .as_deref()
                .is_some_and(|words| words.contains(doubt)),
            "{change}: {:?}",
            datum.doubt
        );
        assert_eq!(datum.verification, verification, "{change}");
        assert!(fact.why.contains(doubt), "{}", fact.why);
    }
    let mut ward = Ward::new();
    ward.add(
        "LAB",
        potassium("o1", json!({"note": [{"text": "No hemolysis"}]})),
    );
    assert_eq!(bound(&ward, &need("potassium")).state, State::Present);
}

#[test]
fn p06_a_value_is_stale_by_when_it_was_taken_and_not_by_when_it_came() {
    let mut ward = Ward::new();
    ward.add(
        "LAB",
        potassium("o1", json!({"effectiveDateTime": "2026-11-22T02:59:00Z"})),
    );
    let fact = bound(&ward, &need("potassium"));
    assert_eq!(fact.state, State::Stale);
    assert_eq!(fact.why, "older than this use allows (LAB, 6 h ago)");
    let longer = Need {
        max_age: Some(7 * 3_600),
        ..need("potassium")
    };
    assert_eq!(bound(&ward, &longer).state, State::Present);
    let ever = Need {
        max_age: None,
        ..need("potassium")
    };
    assert_eq!(bound(&ward, &ever).state, State::Present);
}

#[test]
fn p07_a_value_carries_its_number_in_the_canonical_unit_and_every_time() {
    let mut ward = Ward::new();
    ward.add(
        "LAB",
        potassium(
            "o1",
            json!({"valueQuantity": quantity(6.7, "mEq/L"), "status": "corrected"}),
        ),
    );
    let fact = bound(&ward, &need("potassium"));
    let datum = fact.newest().unwrap();
    let quantity = datum.quantity.as_ref().unwrap();
    assert_eq!(
        (quantity.value.as_str(), quantity.unit.as_str()),
        ("6.7", "mmol/L")
    );
    assert_eq!(datum.said, "6.7 mEq/L");
    assert_eq!(datum.taken_at, Some(at("2026-11-22T08:00:00Z")));
    assert_eq!(datum.recorded_at, Some(at("2026-11-22T08:10:00Z")));
    assert_eq!(datum.received_at, at("2026-11-22T08:55:00Z"));
    assert_eq!(datum.patient.as_str(), "pat1");
    assert_eq!(datum.verification, Verification::Corrected);
    assert_eq!(
        datum.corrected.as_deref(),
        Some("replaces an earlier value")
    );
    assert_eq!(fact.as_of, Some(at("2026-11-22T08:55:00Z")));
}

#[test]
fn one_result_by_two_routes_is_one_value_with_both_sources() {
    let mut ward = Ward::new();
    ward.add("LAB", potassium("o1", json!({})));
    // Another authority's name for the number, seconds in the time, the same amount in another unit.
    ward.add(
        "EPIC",
        potassium(
            "o2",
            json!({
                "effectiveDateTime": "2026-11-22T09:00:42+01:00",
                "identifier": [{"system": "urn:oid:1.2.3", "value": "L-1001"}],
                "valueQuantity": quantity(5.1, "meq/L"),
            }),
        ),
    );
    let every = Need {
        latest: 0,
        ..need("potassium")
    };
    let fact = bound(&ward, &every);
    assert_eq!(fact.state, State::Present, "{}", fact.why);
    assert_eq!(fact.data.len(), 1);
    assert_eq!(fact.data[0].sources, ["EPIC", "LAB"]);
    assert_eq!(fact.data[0].resources.len(), 2);
    assert_eq!(fact.data[0].identity, "potassium|29922240");
}

#[test]
fn a_correction_on_one_route_wins_over_the_final_value_of_the_other() {
    for corrected_first in [true, false] {
        let mut ward = Ward::new();
        let corrected = potassium(
            "o1",
            json!({"status": "corrected", "valueQuantity": amount("4.9")}),
        );
        let last = potassium("o2", json!({"valueQuantity": amount("6.9")}));
        if corrected_first {
            ward.add("LAB", corrected).add("EPIC", last);
        } else {
            ward.add("EPIC", last).add("LAB", corrected);
        }
        let fact = bound(&ward, &need("potassium"));
        assert_eq!(fact.state, State::Present);
        assert_eq!(fact.data[0].said, "4.9 mmol/L");
        assert_eq!(
            fact.data[0].corrected.as_deref(),
            Some("was 6.9 mmol/L (final, EPIC)")
        );
    }
}

#[test]
fn two_final_values_of_one_result_are_a_conflict_with_both_sides() {
    let mut ward = Ward::new();
    ward.add("LAB", potassium("o1", json!({})));
    ward.add(
        "EPIC",
        potassium("o2", json!({"valueQuantity": amount("6.9")})),
    );
    let fact = bound(&ward, &need("potassium"));
    assert_eq!((fact.state, fact.gap), (State::Conflict, None));
    assert_eq!((fact.data.len(), fact.against.len()), (1, 1));
    assert!(fact.why.contains("say different values"), "{}", fact.why);
}

#[test]
fn two_specimens_of_one_minute_are_two_values_with_names_of_their_own() {
    let mut ward = Ward::new();
    ward.add("LAB", potassium("o1", json!({})));
    ward.add(
        "LAB",
        potassium(
            "o2",
            json!({"valueQuantity": amount("6.9"), "identifier": [{"value": "L-2002"}]}),
        ),
    );
    // Another code of the same fact: an arterial sample.
    let arterial = json!({"coding": [{"system": "http://loinc.org", "code": "32713-0"}]});
    ward.add(
        "EPIC",
        potassium(
            "o3",
            json!({"code": arterial, "valueQuantity": amount("7.1")}),
        ),
    );
    let every = Need {
        latest: 0,
        ..need("potassium")
    };
    let fact = bound(&ward, &every);
    let mut names: Vec<&str> = fact
        .data
        .iter()
        .map(|datum| datum.identity.as_str())
        .collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(names.contains(&"potassium|29922240|Observation/o3"));
}

#[test]
fn a_withdrawal_on_either_route_takes_the_result_back_and_the_one_before_stands() {
    let mut ward = Ward::new();
    ward.add(
        "LAB",
        potassium(
            "before",
            json!({"effectiveDateTime": "2026-11-22T06:00:00Z", "identifier": []}),
        ),
    );
    ward.add("EPIC", potassium("o1", json!({})));
    ward.add(
        "LAB",
        potassium("o2", json!({"status": "entered-in-error"})),
    );
    let fact = bound(&ward, &need("potassium"));
    assert_eq!(fact.state, State::Present);
    assert_eq!(fact.data[0].resources, ["Observation/before"]);
    assert_eq!(fact.withdrawn.len(), 1);
    assert_eq!(fact.withdrawn[0].sources, ["EPIC", "LAB"]);
    assert_eq!(fact.withdrawn[0].verification, Verification::Withdrawn);
}

#[test]
fn what_was_ordered_and_has_no_result_yet_is_no_value() {
    let mut ward = Ward::new();
    ward.add("LAB", potassium("o1", json!({})));
    let ordered = potassium(
        "o2",
        json!({"status": "registered", "valueQuantity": Value::Null, "effectiveDateTime": "2026-11-22T08:50:00Z"}),
    );
    ward.add("LAB", ordered.clone());
    assert_eq!(
        bound(&ward, &need("potassium")).data[0].resources,
        ["Observation/o1"]
    );
    assert_eq!(
        is_value_of(Catalogue::shipped(), "potassium", &ordered),
        None
    );
}

#[test]
fn the_one_before_the_newest_and_those_of_a_window_can_be_asked_for() {
    let mut ward = Ward::new();
    for hour in 1..6 {
        ward.add("LAB", potassium(&format!("o{hour}"), json!({"effectiveDateTime": format!("2026-11-22T0{hour}:00:00Z"), "identifier": []})));
    }
    let names = |need: &Need| -> Vec<String> {
        bound(&ward, need)
            .data
            .into_iter()
            .map(|datum| datum.resources[0].clone())
            .collect()
    };
    let before = Need {
        skip: 1,
        ..need("potassium")
    };
    assert_eq!(names(&before), ["Observation/o4"]);
    let window = Need {
        window: Some(6 * 3_600),
        ..need("potassium")
    };
    assert_eq!(
        names(&window),
        ["Observation/o5", "Observation/o4", "Observation/o3"]
    );
    let more = Need {
        latest: 4,
        ..need("potassium")
    };
    assert_eq!(names(&more).len(), 4);
    let every = Need {
        latest: 0,
        ..need("potassium")
    };
    assert_eq!(names(&every).len(), 5);
    let none = Need {
        skip: 5,
        ..need("potassium")
    };
    let fact = bound(&ward, &none);
    assert_eq!((fact.state, fact.data.len()), (State::Unknown, 0));
}

#[test]
fn blood_pressure_is_read_from_its_parts_and_a_ratio_needs_no_unit() {
    let part = |code: &str, value: i64| json!({"code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "valueQuantity": {"value": value, "unit": "mmHg"}});
    let mut ward = Ward::new();
    ward.add("WARD", json!({
        "resourceType": "Observation", "id": "bp", "status": "final",
        "category": [{"coding": [{"code": "vital-signs"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9", "display": "Blood pressure"}]},
        "effectiveDateTime": "2026-11-22T08:30:00Z",
        "component": [part("8462-4", 62), part("8480-6", 98)],
    }));
    ward.add("WARD", potassium("inr", json!({
        "code": {"coding": [{"system": "http://loinc.org", "code": "6301-6"}]}, "valueQuantity": {"value": 2.4},
    })));
    let pressure = bound(&ward, &need("blood pressure"));
    assert_eq!(pressure.data[0].said, "98/62 mmHg");
    assert_eq!(
        pressure.data[0].quantity.as_ref().unwrap().value.as_str(),
        "98"
    );
    let inr = bound(&ward, &need("INR"));
    assert_eq!(
        (inr.state, inr.data[0].said.as_str()),
        (State::Present, "2.4")
    );
    let signs = bound(&ward, &super::all("vital signs"));
    assert_eq!((signs.state, signs.data.len()), (State::Present, 1));
    assert!(
        signs.why.contains("without heart rate, oxygen saturation"),
        "{}",
        signs.why
    );
}

/// A message of the laboratory about the patient of the ward.
fn oru(lines: &str) -> String {
    format!(
        "MSH|^~\\&|LAB|NORTH|||20261122085800||ORU^R01|M1|P|2.5.1\rPID|1||pat1^^^NORTH^MR||Lindqvist^Tove\rOBR|1||L-9|K^Potassium|||20261122085000\r{lines}\r"
    )
}

#[test]
fn p04_a_result_behind_a_parked_message_is_evaluated_as_unverified() {
    let mut ward = Ward::new();
    ward.add("LAB", potassium("o1", json!({})));
    ward.held(
        9,
        InputKind::Hl7v2,
        &oru("OBX|1|NM|2823-3^Potassium^LN||6.9|mmol/L|||||F|||20261122085000"),
    );
    let fact = bound(&ward, &need("potassium"));
    assert_eq!(fact.state, State::Unverified, "{}", fact.why);
    assert_eq!(fact.data[0].said, "6.9 mmol/L");
    assert!(
        fact.data[0]
            .doubt
            .as_deref()
            .is_some_and(|doubt| doubt.contains("behind a parked message"))
    );
}

#[test]
fn p04_what_is_held_back_neither_replaces_nor_withdraws_what_is_on_record() {
    let same = |value: &str, status: &str| {
        oru(&format!(
            "OBX|1|NM|2823-3^Potassium^LN||{value}|mmol/L|||||{status}|||20261122080000"
        ))
    };
    let mut ward = Ward::new();
    ward.add(
        "LAB",
        potassium("o1", json!({"valueQuantity": amount("6.9")})),
    );
    let at_rest = ward.0.clone();
    ward.held(9, InputKind::Hl7v2, &same("4.1", "C"));
    let fact = bound(&ward, &need("potassium"));
    assert_eq!(fact.state, State::Conflict, "neither hides the other");
    assert_eq!(
        (fact.data[0].said.as_str(), fact.against[0].said.as_str()),
        ("6.9 mmol/L", "4.1 mmol/L")
    );

    let mut ward = Ward(at_rest.clone());
    ward.held(9, InputKind::Hl7v2, &same("6.9", "D"));
    let fact = bound(&ward, &need("potassium"));
    assert_eq!(fact.state, State::Unverified);
    assert!(fact.withdrawn.is_empty());
    assert!(
        fact.data[0]
            .doubt
            .as_deref()
            .is_some_and(|doubt| doubt.contains("withdraws it"))
    );

    let mut ward = Ward(at_rest);
    ward.held(9, InputKind::Hl7v2, &same("6.9", "F"));
    assert_eq!(
        bound(&ward, &need("potassium")).state,
        State::Present,
        "a repeat changes nothing"
    );
}

#[test]
fn a_trigger_sees_what_has_happened_to_a_result() {
    let cases = [
        ("final", Some(LabEvent::Finalised)),
        ("corrected", Some(LabEvent::Corrected)),
        ("amended", Some(LabEvent::Corrected)),
        ("entered-in-error", Some(LabEvent::Withdrawn)),
        ("cancelled", Some(LabEvent::Withdrawn)),
        ("preliminary", Some(LabEvent::Preliminary)),
        ("strange", Some(LabEvent::Preliminary)),
    ];
    let catalogue = Catalogue::shipped();
    for (status, expected) in cases {
        let resource = potassium("o1", json!({"status": status}));
        assert_eq!(
            is_value_of(catalogue, "potassium", &resource),
            expected,
            "{status}"
        );
        assert_eq!(is_value_of(catalogue, "sodium", &resource), None);
        assert_eq!(is_value_of(catalogue, "no such fact", &resource), None);
    }
    assert_eq!(
        is_value_of(catalogue, "potassium", &json!({"resourceType": "Patient"})),
        None
    );
    assert_eq!(
        doubts(&json!({"resourceType": "Patient"}), catalogue, at(NOW)),
        []
    );
    assert_eq!(doubts(&potassium("o1", json!({})), catalogue, at(NOW)), []);
    // What was withdrawn need not be readable.
    let gone = potassium(
        "o1",
        json!({"status": "entered-in-error", "valueQuantity": Value::Null}),
    );
    assert_eq!(doubts(&gone, catalogue, at(NOW)), []);
    // A time without an offset may be written in any zone: only a day ahead is surely ahead.
    let bare = potassium("o1", json!({"effectiveDateTime": "2026-11-22"}));
    assert_eq!(doubts(&bare, catalogue, at(NOW)), []);
}
