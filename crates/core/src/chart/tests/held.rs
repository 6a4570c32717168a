//! What waits behind a parked message: seen, and believed by nobody.

use bedside_fact::state::State;
use serde_json::json;

use super::fixture::{Ward, only, potassium};
use crate::completeness::Coverage;
use crate::journal::InputKind;

fn result(pid3: &str, filler: &str, value: &str, status: &str) -> String {
    format!(
        "MSH|^~\\&|LAB|NORTH|B|B|20261122085800||ORU^R01|{filler}|P|2.5\r{}",
        part(pid3, filler, value, status)
    )
}

fn part(pid3: &str, filler: &str, value: &str, status: &str) -> String {
    format!(
        "PID|1||{pid3}||OTHER^NAME||19010203|M\r\
         OBR|1||{filler}|24323-8^Panel^LN|||20261122084000+0000\r\
         OBX|1|NM|2823-3^Potassium^LN||{value}|mmol/L|3.5-5.1|HH|||{status}|||20261122084000+0000\r"
    )
}

const WHY: &str = "behind a parked message (input 41), not yet in the record";

#[test]
fn p04_a_dangerous_result_behind_a_parked_merge_is_shown_as_unconfirmed() {
    let mut ward = Ward::new();
    ward.held(
        41,
        InputKind::Hl7v2,
        &result("N1^^^NORTH^MR", "F1", "6.9", "F"),
    );
    let chart = ward.chart();
    let item = only(&chart.facts.labs);
    assert_eq!(
        (item.value.as_deref(), item.abnormal.as_deref()),
        (Some("6.9"), Some("HH"))
    );
    assert_eq!(
        (item.state, item.why.as_deref()),
        (State::Unverified, Some(WHY))
    );
    assert_eq!((item.seq.0, item.source.as_str()), (41, "LAB"));
    assert_eq!(chart.facts.labs.state, State::Unverified);
    assert_eq!(
        (chart.demographics.name.as_str(), chart.sources.len()),
        ("LINDQVIST, Tove Maria", 1),
        "it does not say who the patient is"
    );
    assert!(
        chart.caveats[0].contains("shown here as unconfirmed"),
        "{:?}",
        chart.caveats
    );
}

#[test]
fn p04_a_held_result_neither_hides_nor_joins_what_is_on_record() {
    let mut ward = Ward::new();
    ward.add("LAB", potassium("o1", json!({})));
    ward.held(
        41,
        InputKind::Hl7v2,
        &result("N1^^^NORTH^MR", "L-1001", "6.9", "C"),
    );
    let labs = ward.chart().facts.labs;
    let shown: Vec<(Option<&str>, State)> = labs
        .items
        .iter()
        .map(|item| (item.value.as_deref(), item.state))
        .collect();
    assert_eq!(
        shown,
        [
            (Some("6.9"), State::Unverified),
            (Some("5.1"), State::Present)
        ]
    );
    assert!(labs.items.iter().all(|item| item.trend.len() == 1));
}

#[test]
fn p12_a_held_result_that_was_taken_back_is_no_value() {
    let mut ward = Ward::new();
    ward.held(
        41,
        InputKind::Hl7v2,
        &result("N1^^^NORTH^MR", "F1", "6.9", "F"),
    );
    ward.held(
        42,
        InputKind::Hl7v2,
        &result("N1^^^NORTH^MR", "F1", "6.9", "W"),
    );
    let labs = ward.chart().facts.labs;
    assert!(labs.items.is_empty());
    assert_eq!(labs.withdrawn.len(), 1);
    assert!(
        labs.withdrawn[0].words.contains("input 42"),
        "{}",
        labs.withdrawn[0].words
    );
    assert!(!labs.withdrawn[0].words.contains("6.9"));
}

#[test]
fn p05_of_a_held_message_about_two_patients_only_this_ones_results_are_shown() {
    let mut ward = Ward::new();
    ward.last().body = json!({
        "resourceType": "Patient", "id": "pat1",
        "identifier": [{"system": "urn:bedside:authority:north:NORTH", "value": "N1"}],
    })
    .to_string();
    let both = format!(
        "{}{}",
        result("N2^^^NORTH^MR", "F2", "7.4", "F"),
        part("N1^^^NORTH^MR", "F1", "6.9", "F")
    );
    ward.held(41, InputKind::Hl7v2, &both);
    assert_eq!(only(&ward.chart().facts.labs).value.as_deref(), Some("6.9"));
}

#[test]
fn a_held_fhir_observation_is_shown_and_a_held_merge_or_patient_changes_nothing() {
    let mut ward = Ward::new();
    ward.held(
        41,
        InputKind::Fhir,
        &potassium("o9", json!({"subject": {"reference": "Patient/p1"}})).to_string(),
    );
    ward.held(
        42,
        InputKind::Hl7v2,
        "MSH|^~\\&|A|NORTH|B|B|20261122||ADT^A40|9|P|2.5\rPID|1||N1^^^NORTH^MR||X^Y\rMRG|N2^^^NORTH^MR\r",
    );
    ward.held(
        43,
        InputKind::Fhir,
        r#"{"resourceType":"Patient","id":"p1","deceasedBoolean":true}"#,
    );
    ward.held(44, InputKind::Unrecognised, "nothing");
    let chart = ward.chart();
    assert_eq!(only(&chart.facts.labs).why.as_deref(), Some(WHY));
    assert_eq!(chart.demographics.deceased, None);
    assert!(chart.merged.is_empty());
}

#[test]
fn p06_while_anything_waits_no_section_says_none_or_that_nothing_was_received() {
    let mut ward = Ward::new();
    ward.0.waiting = 2;
    let section = ward.chart().facts.labs;
    assert_eq!(
        (section.state, section.why.as_str()),
        (
            State::Unknown,
            "not known: 2 messages about this patient are held back, and no source was asked"
        )
    );
    ward.asked("WARD", "Observation", Coverage::Complete);
    let section = ward.chart().facts.labs;
    assert_eq!(section.state, State::Unknown);
    assert!(section.why.contains("held back"), "{}", section.why);
}
