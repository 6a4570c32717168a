//! Whatever is stored, there is a page, and it never says *none* without ground.

use bedside_fact::state::State;
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::fixture::Ward;
use crate::chart::{bundle, json, summary};

/// Any JSON, a few levels deep, with the member names that the chart looks at.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[0-9]{4}(-[0-9]{2}){0,2}(T[0-9]{2}:[0-9]{2})?Z?".prop_map(Value::from),
        Just(Value::from("final")),
        Just(Value::from("active")),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..6).prop_map(|members| Value::Object(
                members.into_iter().collect::<Map<String, Value>>()
            )),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "code",
        "coding",
        "system",
        "display",
        "text",
        "status",
        "category",
        "value",
        "valueQuantity",
        "valueString",
        "effectiveDateTime",
        "period",
        "start",
        "end",
        "identifier",
        "name",
        "family",
        "given",
        "birthDate",
        "link",
        "component",
        "referenceRange",
        "interpretation",
        "clinicalStatus",
        "verificationStatus",
        "reaction",
        "class",
        "location",
        "medicationReference",
        "note",
        "deceasedDateTime",
        "telecom",
        "address",
        "use",
        "type",
        "low",
    ])
    .prop_map(str::to_owned)
}

proptest! {
    #[test]
    fn p06_whatever_is_stored_there_is_a_page_and_no_groundless_none(
        bodies in prop::collection::vec((0_usize..6, anything()), 0..5),
    ) {
        const TYPES: [&str; 6] =
            ["Patient", "Observation", "AllergyIntolerance", "Condition", "MedicationRequest", "Encounter"];
        let mut ward = Ward::new();
        for (of_type, mut body) in bodies {
            if let Some(members) = body.as_object_mut() {
                members.insert(String::from("resourceType"), Value::from(TYPES[of_type]));
            }
            ward.add_text("WARD", TYPES[of_type], &body.to_string());
        }
        let chart = ward.chart();
        prop_assert!(json(&chart).is_object());
        prop_assert!(summary(&chart).lines().all(|line| line.chars().count() <= 80));
        prop_assert!(serde_json::from_str::<Value>(&bundle(&ward.0)).is_ok());
        // Nobody was asked, and none of the words above is a statement of absence.
        let facts = &chart.facts;
        for section in [
            &facts.allergies, &facts.problems, &facts.medications, &facts.labs, &facts.vitals, &facts.encounters,
        ] {
            prop_assert!(section.state != State::None);
        }
    }
}
