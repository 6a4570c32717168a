//! Lists and flags: statements, contradictions, age.

use bedside_fact::known::{Gap, Need};
use bedside_fact::state::State;
use serde_json::{Value, json};

use super::{all, bound};
use crate::chart::tests::fixture::{Ward, lay};
use crate::completeness::Coverage;

const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";
const SNOMED: &str = "http://snomed.info/sct";

fn order(id: &str, name: &str, change: Value) -> Value {
    let mut body = json!({
        "resourceType": "MedicationRequest", "id": id, "status": "active", "intent": "order",
        "medicationCodeableConcept": {"text": name}, "authoredOn": "2026-11-01",
        "dosageInstruction": [{"text": "once daily"}],
    });
    lay(&mut body, change);
    body
}

fn entry(of: &str, id: &str, code: &str, change: Value) -> Value {
    let mut body = json!({
        "resourceType": of, "id": id,
        "code": {"coding": [{"system": SNOMED, "code": code, "display": code}]},
        "recordedDate": "2026-11-20T10:00:00Z",
    });
    lay(&mut body, change);
    body
}

fn status(code: &str) -> Value {
    json!({"coding": [{"code": code}]})
}

#[test]
fn a_medicine_that_one_source_lists_and_another_stopped_is_a_conflict_with_both_sides() {
    let mut ward = Ward::new();
    ward.add(
        "EPIC",
        order("m1", "lisinopril 10 MG Oral Tablet", json!({})),
    );
    ward.add(
        "EPIC",
        order("m2", "spironolactone 25 MG Oral Tablet", json!({})),
    );
    ward.add(
        "ORACLE",
        order(
            "m3",
            "Lisinopril 10 mg tablet",
            json!({"status": "stopped"}),
        ),
    );
    ward.add(
        "ORACLE",
        order("m4", "potassium chloride 20 MEQ", json!({})),
    );
    let fact = bound(&ward, &all("active medications"));
    assert_eq!(fact.state, State::Conflict, "{}", fact.why);
    assert_eq!(fact.data.len(), 3);
    assert_eq!(fact.against.len(), 1);
    assert_eq!(fact.against[0].resources, ["MedicationRequest/m3"]);
    let marked: Vec<&str> = fact
        .data
        .iter()
        .filter(|datum| datum.doubt.is_some())
        .map(|datum| datum.label.as_str())
        .collect();
    assert_eq!(marked, ["lisinopril 10 MG Oral Tablet"]);
    let section = ward.chart().facts.medications;
    assert_eq!(section.state, State::Conflict, "the page says so too");
    let item = section
        .items
        .iter()
        .find(|item| item.state == State::Conflict)
        .unwrap();
    assert_eq!(item.why.as_deref(), Some("ORACLE says stopped"));
}

#[test]
fn an_old_stop_a_finished_course_and_a_changed_order_are_no_conflict() {
    let stopped = |change: Value| order("m9", "lisinopril 20 MG", change);
    // Stopped before the other source began it.
    let mut ward = Ward::new();
    ward.add("EPIC", order("m1", "lisinopril 10 MG", json!({})));
    ward.add("ORACLE", stopped(json!({"status": "stopped"})));
    ward.last().source_time = Some(super::at("2026-10-01T00:00:00Z").as_microsecond());
    assert_eq!(
        bound(&ward, &all("active medications")).state,
        State::Present
    );
    assert_eq!(ward.chart().facts.medications.state, State::Present);
    // The course ran out.
    let mut ward = Ward::new();
    ward.add("EPIC", order("m1", "lisinopril 10 MG", json!({})));
    ward.add("ORACLE", stopped(json!({"status": "completed"})));
    assert_eq!(
        bound(&ward, &all("active medications")).state,
        State::Present
    );
    // The same source changed the dose.
    let mut ward = Ward::new();
    ward.add("EPIC", order("m1", "lisinopril 10 MG", json!({})));
    ward.add("ORACLE", stopped(json!({"status": "stopped"})));
    ward.add("ORACLE", order("m2", "lisinopril 40 MG", json!({})));
    assert_eq!(
        bound(&ward, &all("active medications")).state,
        State::Present
    );
    assert_eq!(ward.chart().facts.medications.state, State::Present);
    // One source stops its own.
    let mut ward = Ward::new();
    ward.add(
        "EPIC",
        order("m1", "lisinopril 10 MG", json!({"status": "stopped"})),
    );
    let fact = bound(&ward, &all("active medications"));
    assert_eq!(fact.state, State::Unknown);
}

#[test]
fn one_medicine_by_two_sources_is_one_entry_and_two_strengths_are_two() {
    let code =
        json!({"coding": [{"system": RXNORM, "code": "314076"}], "text": "lisinopril 10 MG"});
    let mut ward = Ward::new();
    ward.add(
        "EPIC",
        order("m1", "", json!({"medicationCodeableConcept": code.clone()})),
    );
    ward.add(
        "ORACLE",
        order("m2", "", json!({"medicationCodeableConcept": code})),
    );
    ward.add("ORACLE", order("m3", "lisinopril 20 MG", json!({})));
    let fact = bound(&ward, &all("active medications"));
    assert_eq!((fact.state, fact.data.len()), (State::Present, 2));
    assert_eq!(fact.data[0].sources, ["EPIC", "ORACLE"]);
    assert_eq!(fact.data[0].codes[0].code, "314076");
    assert_eq!(fact.data[0].detail.as_deref(), Some("once daily"));
}

#[test]
fn p06_a_list_is_as_old_as_the_source_that_was_silent_longest() {
    let mut ward = Ward::new();
    ward.add("EPIC", order("m1", "lisinopril", json!({})));
    ward.asked("EPIC", "MedicationRequest", Coverage::Complete);
    ward.add("ORACLE", order("m2", "aspirin", json!({})));
    ward.last().known_at = super::at("2026-11-21T09:00:00Z").as_microsecond();
    ward.asked("ORACLE", "MedicationRequest", Coverage::Denied);
    let fact = bound(&ward, &all("active medications"));
    assert_eq!(fact.state, State::Stale, "{}", fact.why);
    assert_eq!(fact.as_of, Some(super::at("2026-11-21T09:00:00Z")));
    assert!(
        fact.why.contains("ORACLE refused to answer"),
        "{}",
        fact.why
    );
    let longer = Need {
        max_age: Some(90 * 86_400),
        ..all("active medications")
    };
    assert_eq!(bound(&ward, &longer).state, State::Present);
    // A complete answer refreshes the list, though no entry changed.
    ward.asked("ORACLE", "MedicationRequest", Coverage::Complete);
    ward.last_asked().asked_at += 1;
    assert_eq!(
        bound(&ward, &all("active medications")).state,
        State::Present
    );
}

#[test]
fn p06_a_statement_is_none_and_against_an_entry_a_conflict() {
    let year = |name: &str| Need {
        max_age: Some(365 * 86_400),
        ..all(name)
    };
    let cases = [
        ("allergies", "AllergyIntolerance", "716186003", "91936005"),
        ("active diagnoses", "Condition", "160245001", "38341003"),
    ];
    for (name, of, none, something) in cases {
        let mut ward = Ward::new();
        ward.add("EPIC", entry(of, "s", none, json!({})));
        let fact = bound(&ward, &year(name));
        assert_eq!(
            (fact.state, fact.gap),
            (State::None, Some(Gap::StatedNone)),
            "{}",
            fact.why
        );
        assert!(fact.why.contains("stated by EPIC"), "{}", fact.why);
        assert_eq!(fact.as_of, Some(super::at("2026-11-20T10:00:00Z")));
        let section = ward.chart().facts;
        assert_eq!(
            if name == "allergies" {
                section.allergies.says
            } else {
                section.problems.says
            },
            "none"
        );
        // Another source's refusal is told beside it.
        ward.asked("ORACLE", of, Coverage::Denied);
        let fact = bound(&ward, &year(name));
        assert!(fact.why.contains("ORACLE refused"), "{}", fact.why);
        ward.add("ORACLE", entry(of, "a", something, json!({})));
        let fact = bound(&ward, &year(name));
        assert_eq!(fact.state, State::Conflict, "{}", fact.why);
        assert_eq!((fact.data.len(), fact.against.len()), (1, 1));
        // An old statement says nothing for this use.
        let mut ward = Ward::new();
        ward.add(
            "EPIC",
            entry(of, "s", none, json!({"recordedDate": "2024-01-01"})),
        );
        let fact = bound(&ward, &year(name));
        assert_eq!(
            (fact.state, fact.gap),
            (State::Unknown, Some(Gap::AskedTooLongAgo)),
            "{}",
            fact.why
        );
        // One that was taken back says nothing either.
        let mut ward = Ward::new();
        ward.add(
            "EPIC",
            entry(
                of,
                "s",
                none,
                json!({"verificationStatus": status("entered-in-error")}),
            ),
        );
        assert_eq!(bound(&ward, &year(name)).state, State::Unknown);
    }
}

#[test]
fn p06_a_statement_about_drugs_speaks_of_drugs_only() {
    let drugs = || entry("AllergyIntolerance", "s", "409137002", json!({}));
    let food = entry(
        "AllergyIntolerance",
        "f",
        "91935009",
        json!({"category": ["food"]}),
    );
    let mut ward = Ward::new();
    ward.add("EPIC", drugs());
    let year = Need {
        max_age: Some(365 * 86_400),
        ..all("allergies")
    };
    let fact = bound(&ward, &year);
    assert_eq!(fact.state, State::None);
    assert!(
        fact.why.contains("others were not spoken of"),
        "{}",
        fact.why
    );
    ward.add("EPIC", food);
    assert_eq!(bound(&ward, &year).state, State::Present);
    ward.add(
        "EPIC",
        entry(
            "AllergyIntolerance",
            "p",
            "91936005",
            json!({"category": ["medication"]}),
        ),
    );
    assert_eq!(bound(&ward, &year).state, State::Conflict);
}

#[test]
fn an_allergy_that_another_source_refuted_is_a_conflict() {
    let mut ward = Ward::new();
    ward.add(
        "EPIC",
        entry(
            "AllergyIntolerance",
            "a",
            "91936005",
            json!({"criticality": "high", "reaction": [{"manifestation": [{"text": "hives"}]}]}),
        ),
    );
    let fact = bound(&ward, &all("allergies"));
    assert_eq!(
        (fact.state, fact.data[0].detail.as_deref()),
        (State::Present, Some("high criticality; hives"))
    );
    ward.add(
        "ORACLE",
        entry(
            "AllergyIntolerance",
            "b",
            "91936005",
            json!({"verificationStatus": status("refuted")}),
        ),
    );
    let fact = bound(&ward, &all("allergies"));
    assert_eq!(fact.state, State::Conflict, "{}", fact.why);
    assert_eq!(fact.data[0].doubt.as_deref(), Some("ORACLE says refuted"));
    assert_eq!(fact.withdrawn.len(), 1);
}

#[test]
fn p06_entries_that_nobody_confirmed_make_a_list_unverified() {
    let mut ward = Ward::new();
    ward.add(
        "EPIC",
        entry(
            "Condition",
            "c",
            "38341003",
            json!({"verificationStatus": status("provisional")}),
        ),
    );
    let fact = bound(&ward, &all("active diagnoses"));
    assert_eq!(fact.state, State::Unverified);
    assert_eq!(fact.data[0].doubt.as_deref(), Some("provisional diagnosis"));
    ward.add(
        "EPIC",
        entry(
            "Condition",
            "d",
            "44054006",
            json!({"clinicalStatus": status("active")}),
        ),
    );
    ward.add(
        "EPIC",
        entry(
            "Condition",
            "e",
            "195967001",
            json!({"clinicalStatus": status("resolved")}),
        ),
    );
    let fact = bound(&ward, &all("active diagnoses"));
    assert_eq!((fact.state, fact.data.len()), (State::Present, 2));
}

#[test]
fn p06_dialysis_is_known_where_somebody_says_so_and_nowhere_else() {
    let year = Need {
        max_age: Some(365 * 86_400),
        ..all("on dialysis")
    };
    let mut ward = Ward::new();
    ward.add("EPIC", entry("Condition", "c", "38341003", json!({})));
    assert_eq!(
        bound(&ward, &year).state,
        State::Unknown,
        "another problem says nothing"
    );
    let mut on = Ward(ward.0.clone());
    on.add(
        "EPIC",
        entry(
            "Condition",
            "d",
            "714152005",
            json!({"clinicalStatus": status("active")}),
        ),
    );
    let fact = bound(&on, &year);
    assert_eq!((fact.state, fact.data.len()), (State::Present, 1));
    let mut not = Ward(ward.0.clone());
    not.add(
        "ORACLE",
        entry(
            "Condition",
            "d",
            "714152005",
            json!({"verificationStatus": status("refuted")}),
        ),
    );
    let fact = bound(&not, &year);
    assert_eq!((fact.state, fact.gap), (State::None, Some(Gap::StatedNone)));
    not.add(
        "EPIC",
        entry(
            "Procedure",
            "p",
            "302497006",
            json!({"status": "completed", "performedDateTime": "2026-11-19"}),
        ),
    );
    assert_eq!(bound(&not, &year).state, State::Conflict);
    let mut planned = Ward(ward.0.clone());
    planned.add(
        "EPIC",
        entry("Procedure", "p", "302497006", json!({"status": "not-done"})),
    );
    assert_eq!(bound(&planned, &year).state, State::Unknown);
    let mut over = Ward(ward.0);
    over.add(
        "EPIC",
        entry(
            "Condition",
            "d",
            "714152005",
            json!({"abatementDateTime": "2020-01-01"}),
        ),
    );
    assert_eq!(
        bound(&over, &year).state,
        State::Unknown,
        "what is over says nothing about now"
    );
}

#[test]
fn an_order_not_to_give_something_is_shown_and_is_no_medicine() {
    let mut ward = Ward::new();
    ward.add("EPIC", order("m1", "metoprolol", json!({})));
    ward.add(
        "EPIC",
        order("m2", "digoxin", json!({"doNotPerform": true})),
    );
    ward.add(
        "EPIC",
        order("m3", "lisinopril", json!({"status": "on-hold"})),
    );
    let fact = bound(&ward, &all("active medications"));
    assert!(fact.why.starts_with("2 from EPIC"), "{}", fact.why);
    let found: Vec<(&str, bool, Option<&str>)> = fact
        .data
        .iter()
        .map(|datum| {
            (
                datum.label.as_str(),
                datum.forbidden,
                datum.doubt.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("lisinopril", false, Some("status on-hold")),
            ("metoprolol", false, None),
            ("DO NOT GIVE: digoxin", true, None),
        ]
    );
    // Alone it says nothing of what the patient takes.
    let mut ward = Ward::new();
    ward.add(
        "EPIC",
        order("m2", "digoxin", json!({"doNotPerform": true})),
    );
    let fact = bound(&ward, &all("active medications"));
    assert_eq!(fact.state, State::Unknown);
    assert_eq!(fact.data.len(), 1);
}
