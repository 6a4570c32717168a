//! Problems, medications and encounters.

use bedside_fact::state::State;
use serde_json::{Value, json};

use super::fixture::{Ward, lay, only};

fn aspirin(change: Value) -> Value {
    let mut body = json!({
        "resourceType": "MedicationRequest", "id": "m1", "status": "active", "intent": "order",
        "medicationCodeableConcept": {"text": "Aspirin 81 mg"}, "authoredOn": "2026-11-20T08:00:00Z",
        "dosageInstruction": [{"text": "once a day"}],
    });
    lay(&mut body, change);
    body
}

fn condition(change: Value) -> Value {
    let mut body = json!({
        "resourceType": "Condition", "id": "c1", "code": {"text": "Heart failure"},
        "clinicalStatus": {"coding": [{"code": "active"}]}, "onsetDateTime": "2024",
    });
    lay(&mut body, change);
    body
}

#[test]
fn an_active_order_shows_its_dose_and_does_not_age_while_its_source_is_heard() {
    let mut ward = Ward::new();
    ward.add("WARD", aspirin(json!({})));
    let section = ward.chart().facts.medications;
    assert_eq!(
        (section.state, only(&section).state),
        (State::Present, State::Present)
    );
    assert_eq!(only(&section).detail.as_deref(), Some("once a day"));
}

#[test]
fn p06_an_order_of_a_source_that_fell_silent_is_old() {
    let mut ward = Ward::new();
    ward.add("CLINIC", aspirin(json!({}))).last().known_at -= 3 * 86_400_000_000;
    let section = ward.chart().facts.medications;
    assert_eq!(only(&section).state, State::Stale);
    assert_eq!(
        only(&section).why.as_deref(),
        Some("CLINIC was last heard 19-Nov-2026 08:55")
    );
}

#[test]
fn p06_stopped_medications_alone_are_not_none() {
    let mut ward = Ward::new();
    ward.add("WARD", aspirin(json!({"status": "stopped"})));
    let section = ward.chart().facts.medications;
    assert_eq!(section.state, State::Unknown);
    assert!(
        section.why.contains("not the same as none"),
        "{}",
        section.why
    );
}

#[test]
fn a_prohibition_never_reads_as_an_order() {
    let mut ward = Ward::new();
    ward.add("WARD", aspirin(json!({"doNotPerform": true})));
    assert_eq!(
        only(&ward.chart().facts.medications).label,
        "DO NOT GIVE: Aspirin 81 mg"
    );
}

#[test]
fn p06_a_proposal_a_report_and_a_nameless_medication_are_unconfirmed() {
    let changes = [
        json!({"intent": "proposal"}),
        json!({"reportedBoolean": true}),
        json!({"medicationCodeableConcept": null, "medicationReference": {"reference": "Medication/nowhere"}}),
    ];
    for change in changes {
        let mut ward = Ward::new();
        ward.add("WARD", aspirin(change));
        assert_eq!(
            only(&ward.chart().facts.medications).state,
            State::Unverified
        );
    }
}

#[test]
fn a_medication_kept_as_a_resource_of_its_own_is_named() {
    let mut ward = Ward::new();
    ward.add("WARD", aspirin(json!({"medicationCodeableConcept": null, "medicationReference": {"reference": "Medication/d1"}})));
    ward.add(
        "WARD",
        json!({"resourceType": "Medication", "id": "d1", "code": {"text": "Warfarin 5 mg"}}),
    );
    let section = ward.chart().facts.medications;
    assert_eq!(
        (only(&section).label.as_str(), only(&section).state),
        ("Warfarin 5 mg", State::Present)
    );
}

#[test]
fn an_order_entered_in_error_is_withdrawn() {
    let mut ward = Ward::new();
    ward.add("WARD", aspirin(json!({"status": "entered-in-error"})));
    let section = ward.chart().facts.medications;
    assert!(section.items.is_empty());
    assert_eq!(section.withdrawn[0].label, "Aspirin 81 mg");
}

#[test]
fn active_problems_come_first_and_a_provisional_one_is_unconfirmed() {
    let mut ward = Ward::new();
    ward.add("WARD", condition(json!({"id": "c1", "clinicalStatus": {"coding": [{"code": "resolved"}]}, "code": {"text": "Pneumonia"}})));
    ward.add(
        "WARD",
        condition(json!({"id": "c2", "verificationStatus": {"coding": [{"code": "provisional"}]}})),
    );
    let section = ward.chart().facts.problems;
    assert_eq!(section.state, State::Unverified);
    assert_eq!(section.items[0].label, "Heart failure");
    assert_eq!(
        section.items[0].why.as_deref(),
        Some("provisional diagnosis")
    );
    assert_eq!(section.items[1].status, "resolved");
}

#[test]
fn an_open_encounter_comes_first_with_where_the_patient_is_now() {
    let mut ward = Ward::new();
    ward.add("WARD", json!({
        "resourceType": "Encounter", "id": "e1", "status": "in-progress", "class": {"code": "IMP"},
        "period": {"start": "2026-11-20T07:00:00Z"},
        "location": [
            {"location": {"display": "Emergency"}, "status": "completed"},
            {"location": {"display": "4 West, room 12"}, "status": "active"},
        ],
    }));
    ward.add(
        "WARD",
        json!({
            "resourceType": "Encounter", "id": "e2", "status": "finished", "class": {"code": "AMB"},
            "period": {"start": "2026-11-21T07:00:00Z", "end": "2026-11-21T08:00:00Z"},
        }),
    );
    let section = ward.chart().facts.encounters;
    assert_eq!(section.state, State::Present);
    let open = &section.items[0];
    assert_eq!(
        (open.label.as_str(), open.value.as_deref()),
        ("Inpatient", Some("since 20-Nov-2026 07:00"))
    );
    assert_eq!(open.detail.as_deref(), Some("4 West, room 12"));
    assert_eq!(
        section.items[1].value.as_deref(),
        Some("21-Nov-2026 07:00 to 21-Nov-2026 08:00")
    );
}

#[test]
fn a_class_of_unknown_is_told_in_words() {
    let mut ward = Ward::new();
    ward.add("WARD", json!({"resourceType": "Encounter", "id": "e1", "status": "in-progress", "class": {"code": "U"}, "period": {"start": "2026-11-22T07:00:00Z"}}));
    assert_eq!(
        only(&ward.chart().facts.encounters).label,
        "class not known"
    );
}
