//! The same record gives the same facts, in whatever order it came in (promise P4, design D12).

use bedside_fact::known::{Fact, Need};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{all, bound};
use crate::chart::tests::fixture::{Ward, amount, at, potassium};
use crate::completeness::Coverage;

/// What sources said, each at a time of its own.
fn said() -> Vec<(&'static str, Value)> {
    let result = |id: &str, time: &str, value: &str, change: Value| {
        let mut body = potassium(
            id,
            json!({"effectiveDateTime": format!("2026-11-22T{time}Z"), "valueQuantity": amount(value), "identifier": [{"system": "x", "value": format!("N-{time}")}]}),
        );
        crate::chart::tests::fixture::lay(&mut body, change);
        body
    };
    let order = |id: &str, name: &str, status: &str| {
        json!({
            "resourceType": "MedicationRequest", "id": id, "status": status, "intent": "order",
            "medicationCodeableConcept": {"text": name}, "authoredOn": "2026-11-01",
        })
    };
    vec![
        ("LAB", result("l1", "08:00:00", "6.7", json!({}))),
        ("EPIC", result("e1", "08:00:30", "6.7", json!({}))),
        (
            "LAB",
            result("l2", "07:00:00", "6.1", json!({"status": "corrected"})),
        ),
        ("EPIC", result("e2", "07:00:00", "5.1", json!({}))),
        (
            "LAB",
            result(
                "l3",
                "06:00:00",
                "4.4",
                json!({"status": "entered-in-error"}),
            ),
        ),
        ("EPIC", result("e3", "06:00:00", "4.4", json!({}))),
        (
            "LAB",
            result("l4", "05:00:00", "4.0", json!({"status": "preliminary"})),
        ),
        (
            "ORACLE",
            result("r4", "05:00:00", "4.2", json!({"identifier": []})),
        ),
        ("EPIC", order("m1", "lisinopril 10 MG", "active")),
        ("ORACLE", order("m2", "lisinopril 10 MG", "stopped")),
        ("EPIC", order("m3", "aspirin", "active")),
        ("ORACLE", order("m4", "aspirin", "active")),
    ]
}

/// The facts without what arrival itself decides: positions.
fn facts(order: &[usize]) -> Vec<Fact> {
    let said = said();
    let mut ward = Ward::new();
    for place in order {
        let (source, body) = &said[*place];
        ward.add(source, body.clone());
        let minute = i64::try_from(*place).unwrap() * 60_000_000;
        ward.last().source_time = Some(at("2026-11-22T08:10:00Z").as_microsecond() + minute);
    }
    ward.asked("ORACLE", "Observation", Coverage::Failed);
    ["potassium", "active medications"]
        .into_iter()
        .map(|name| {
            let need = Need {
                latest: 0,
                ..all(name)
            };
            let mut fact = bound(&ward, &need);
            for datum in fact
                .data
                .iter_mut()
                .chain(&mut fact.against)
                .chain(&mut fact.withdrawn)
            {
                datum.seq = bedside_fact::id::Seq(0);
                datum.resources.sort();
            }
            fact
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn p04_the_order_of_arrival_does_not_change_a_fact(order in Just((0..12).collect::<Vec<usize>>()).prop_shuffle()) {
        let straight: Vec<usize> = (0..12).collect();
        prop_assert_eq!(facts(&order), facts(&straight));
    }
}

#[test]
fn p04_the_facts_of_that_record_are_these() {
    let found = facts(&(0..12).collect::<Vec<usize>>());
    let values: Vec<&str> = found[0]
        .data
        .iter()
        .map(|datum| datum.said.as_str())
        .collect();
    assert_eq!(values, ["6.7 mmol/L", "6.1 mmol/L", "4.2 mmol/L"]);
    assert_eq!(found[0].data[0].sources, ["EPIC", "LAB"]);
    assert_eq!(
        found[0].data[1].corrected.as_deref(),
        Some("was 5.1 mmol/L (final, EPIC)")
    );
    assert_eq!(found[0].withdrawn.len(), 1);
    assert_eq!(found[1].state, bedside_fact::state::State::Conflict);
    assert_eq!(
        found[1].data.len(),
        2,
        "aspirin is one entry with two sources"
    );
}
