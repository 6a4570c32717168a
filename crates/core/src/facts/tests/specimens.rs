//! Two specimens of one minute, one of them taken back; and values that are disputed without being the newest.

use bedside_fact::known::Need;
use bedside_fact::state::State;
use serde_json::{Value, json};

use super::{bound, need};
use crate::chart::tests::fixture::{Ward, amount, potassium};

/// Venous 4.0 and arterial 6.9 in one minute.
fn two(change: Value) -> Ward {
    let mut ward = Ward::new();
    let mut arterial = potassium(
        "art",
        json!({
            "code": {"coding": [{"system": "http://loinc.org", "code": "32713-0"}]},
            "valueQuantity": amount("6.9"), "identifier": [],
        }),
    );
    crate::chart::tests::fixture::lay(&mut arterial, change);
    ward.add("LAB", arterial);
    ward.add(
        "LAB",
        potassium(
            "ven",
            json!({"valueQuantity": amount("4.0"), "identifier": []}),
        ),
    );
    ward
}

fn every() -> Need {
    Need {
        latest: 0,
        ..need("potassium")
    }
}

#[test]
fn p05_of_two_specimens_of_one_minute_the_withdrawn_one_is_told_from_the_other() {
    let before = bound(&two(json!({})), &every());
    let name = |said: &str| {
        let datum = before
            .data
            .iter()
            .find(|datum| datum.said.starts_with(said));
        datum.unwrap().identity.clone()
    };
    let (arterial, venous) = (name("6.9"), name("4.0"));
    assert_ne!(arterial, venous);
    for known_at in [0, 1] {
        let mut ward = two(json!({"status": "entered-in-error"}));
        // The withdrawal is a new version: it is known later than what it left standing, or looks as if it were earlier.
        let first = ward
            .0
            .resources
            .iter_mut()
            .find(|stored| stored.id.as_str() == "art");
        first.unwrap().known_at += 120_000_000 * (known_at * 2 - 1);
        let after = bound(&ward, &every());
        assert_eq!(after.data.len(), 1);
        assert_eq!(after.data[0].identity, venous, "who is left keeps its name");
        assert_eq!(after.withdrawn.len(), 1);
        assert_eq!(after.withdrawn[0].identity, arterial);
        assert_eq!(after.withdrawn[0].resources, ["Observation/art"]);
    }
}

#[test]
fn a_withdrawn_result_that_was_sent_again_with_the_same_value_is_the_one_that_stands() {
    let mut ward = Ward::new();
    ward.add(
        "LAB",
        potassium("o1", json!({"status": "entered-in-error"})),
    );
    ward.add("LAB", potassium("o2", json!({})));
    let fact = bound(&ward, &every());
    assert_eq!(fact.withdrawn[0].identity, fact.data[0].identity);
}

#[test]
fn p06_an_older_value_that_a_source_disputes_is_in_doubt() {
    let mut ward = Ward::new();
    ward.add(
        "LAB",
        potassium("o1", json!({"valueQuantity": amount("6.9")})),
    );
    ward.add(
        "EPIC",
        potassium("o2", json!({"valueQuantity": amount("4.1")})),
    );
    ward.add(
        "LAB",
        potassium(
            "o3",
            json!({"effectiveDateTime": "2026-11-22T08:30:00Z", "identifier": [], "valueQuantity": amount("4.4")}),
        ),
    );
    let fact = bound(&ward, &every());
    assert_eq!(fact.state, State::Present);
    assert_eq!(fact.data[0].doubt, None);
    let doubt = fact.data[1].doubt.as_deref().unwrap_or_default();
    assert!(doubt.contains("says"), "{doubt}");
}
