//! How the chart leaves: JSON, a terminal page, a Bundle.

use serde_json::{Value, json};

use super::fixture::{NOW, Ward, at, potassium};
use crate::chart::{build, bundle, json, summary};

#[test]
fn the_json_keeps_its_contract() {
    let mut ward = Ward::new();
    ward.add("LAB", potassium("o1", json!({})));
    let out = json(&ward.chart());
    for name in ["id", "demographics", "sources", "as_of", "facts", "caveats"] {
        assert!(out.get(name).is_some(), "{name}");
    }
    for name in [
        "allergies",
        "problems",
        "medications",
        "labs",
        "vitals",
        "encounters",
    ] {
        let section = &out["facts"][name];
        assert!(
            section["state"].is_string()
                && section["why"].is_string()
                && section["items"].is_array(),
            "{name}"
        );
    }
    assert_eq!(out["facts"]["labs"]["items"][0]["value"], "5.1");
    assert_eq!(out["facts"]["allergies"]["state"], "unknown");
    assert_eq!(out["facts"]["labs"]["items"][0]["source"], "LAB");
}

#[test]
fn the_terminal_page_fits_eighty_columns_and_tells_states_in_words() {
    let mut ward = Ward::new();
    ward.add("LAB", potassium("o1", json!({"status": "preliminary", "note": [{"text": "specimen slightly haemolysed, repeat if the clinical picture does not fit"}]})));
    let page = summary(&ward.chart());
    assert!(
        page.lines().all(|line| line.chars().count() <= 80),
        "{page}"
    );
    assert!(page.contains("LINDQVIST, Tove Maria"));
    let flat = page.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.contains(
            "ALLERGIES — unknown (not asked): nothing was received and no source was asked"
        ),
        "{page}"
    );
    assert!(
        flat.contains(
            "Potassium 5.1 mmol/L · preliminary · 60 min ago · LAB · UNCONFIRMED: preliminary"
        ),
        "{page}"
    );
}

#[test]
fn p07_a_page_of_the_past_says_so() {
    let ward = Ward::new();
    let chart = build(
        &ward.0,
        Some(at("2026-11-21T09:00:00Z")),
        at(NOW),
        &jiff::tz::TimeZone::UTC,
    );
    assert!(summary(&chart).contains("AS OF 21-Nov-2026 09:00 — NOT THE PRESENT (24 h ago)"));
}

#[test]
fn a_hostile_name_can_not_move_the_cursor() {
    let mut ward = Ward::new();
    ward.add("LAB", potassium("o1", json!({"code": {"text": format!("Potassium\u{1b}[2J\r\nSODIUM\u{202e}{}", "x".repeat(500))}})));
    let page = summary(&ward.chart());
    assert!(
        page.chars()
            .all(|c| c == '\n' || !c.is_control() && c != '\u{202e}')
    );
    assert!(
        page.lines().all(|line| line.chars().count() <= 80),
        "{page}"
    );
}

#[test]
fn the_bundle_has_each_stored_text_byte_for_byte_and_a_provenance() {
    let mut ward = Ward::new();
    let text = r#"{"resourceType":"Observation","id":"o1","valueQuantity":{"value":1.100e1,"x\u00e9":"\/"}}"#;
    ward.add_text("LAB", "Observation", text);
    ward.add_text("LAB", "Observation", "{broken");
    let out = bundle(&ward.0);
    assert!(out.contains(text));
    let parsed: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(parsed["type"], "collection");
    let kinds: Vec<&str> = parsed["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["resource"]["resourceType"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "Patient",
            "Observation",
            "OperationOutcome",
            "Provenance",
            "Provenance",
            "Provenance"
        ]
    );
}

#[test]
fn an_empty_record_still_makes_a_page_and_a_bundle() {
    let mut ward = Ward::new();
    ward.0.resources.clear();
    assert!(summary(&ward.chart()).contains("Name not known"));
    assert!(serde_json::from_str::<Value>(&bundle(&ward.0)).is_ok());
}
