//! Unknown is never none.

use bedside_fact::state::State;
use serde_json::{Value, json};

use super::fixture::{Ward, lay, only};
use crate::completeness::Coverage;

#[expect(
    clippy::needless_pass_by_value,
    reason = "a literal is written at each call"
)]
fn allergy(id: &str, code: Value, change: Value) -> Value {
    let mut body = json!({"resourceType": "AllergyIntolerance", "id": id, "code": code});
    lay(&mut body, change);
    body
}

fn penicillin(change: Value) -> Value {
    allergy(
        "a1",
        json!({"coding": [{"system": "http://snomed.info/sct", "code": "91936005", "display": "Penicillin"}]}),
        change,
    )
}

fn snomed(code: &str) -> Value {
    json!({"coding": [{"system": "http://snomed.info/sct", "code": code}]})
}

fn status(code: &str) -> Value {
    json!({"coding": [{"code": code}]})
}

#[test]
fn p06_a_person_nobody_was_asked_about_has_no_none_anywhere() {
    let facts = Ward::new().chart().facts;
    for section in [
        facts.allergies,
        facts.problems,
        facts.medications,
        facts.labs,
        facts.vitals,
        facts.encounters,
    ] {
        assert_eq!(section.state, State::Unknown);
        assert!(
            section.why.contains("no source was asked"),
            "{}",
            section.why
        );
    }
}

#[test]
fn p06_a_complete_empty_answer_about_allergies_is_none_recorded_not_none() {
    let mut ward = Ward::new();
    for name in [
        "AllergyIntolerance",
        "Condition",
        "MedicationRequest",
        "MedicationStatement",
    ] {
        ward.asked("WARD", name, Coverage::Complete);
    }
    let facts = ward.chart().facts;
    for section in [facts.allergies, facts.problems, facts.medications] {
        assert_eq!(section.state, State::Unknown);
        assert!(
            section.why.starts_with("none recorded: WARD was asked"),
            "{}",
            section.why
        );
        assert!(
            section.why.ends_with("which is not the same as none"),
            "{}",
            section.why
        );
    }
}

#[test]
fn p06_a_coded_no_known_allergy_alone_is_none_with_its_source_and_time() {
    let mut ward = Ward::new();
    ward.add(
        "WARD",
        allergy(
            "a1",
            snomed("716186003"),
            json!({"recordedDate": "2026-11-21T18:30:00Z"}),
        ),
    );
    let section = ward.chart().facts.allergies;
    assert_eq!(section.state, State::None);
    assert_eq!(
        section.why,
        "no known allergies, stated by WARD 21-Nov-2026 18:30"
    );
    assert!(section.items.is_empty());
}

#[test]
fn p06_no_known_drug_allergies_says_that_food_was_not_spoken_of() {
    let mut ward = Ward::new();
    ward.add("WARD", allergy("a1", json!({"text": "NKDA"}), json!({})));
    let section = ward.chart().facts.allergies;
    assert_eq!(section.state, State::None);
    assert!(
        section.why.starts_with("no known drug allergies"),
        "{}",
        section.why
    );
    assert!(
        section.why.contains("other allergies were not spoken of"),
        "{}",
        section.why
    );
}

#[test]
fn p06_no_known_food_allergies_leaves_the_rest_unknown() {
    let mut ward = Ward::new();
    ward.add("WARD", allergy("a1", snomed("429625007"), json!({})));
    let section = ward.chart().facts.allergies;
    assert_eq!(section.state, State::Unknown);
    assert!(
        section.why.contains("no known food allergies"),
        "{}",
        section.why
    );
}

#[test]
fn an_allergy_beside_no_known_allergy_is_a_conflict_and_stays_listed() {
    let mut ward = Ward::new();
    ward.add("WARD", penicillin(json!({})))
        .add("CLINIC", allergy("a2", snomed("716186003"), json!({})));
    let section = ward.chart().facts.allergies;
    assert_eq!(section.state, State::Conflict);
    assert_eq!(only(&section).label, "Penicillin");
    assert!(
        section.why.contains("no known allergies, stated by CLINIC"),
        "{}",
        section.why
    );
}

#[test]
fn a_food_allergy_does_not_contradict_no_known_drug_allergies() {
    let mut ward = Ward::new();
    ward.add(
        "WARD",
        allergy(
            "a1",
            json!({"text": "Peanut"}),
            json!({"category": ["food"]}),
        ),
    );
    ward.add("WARD", allergy("a2", snomed("409137002"), json!({})));
    assert_eq!(ward.chart().facts.allergies.state, State::Present);
}

#[test]
fn p06_a_withdrawn_no_known_allergy_is_no_ground_for_none() {
    for verdict in ["entered-in-error", "refuted"] {
        let mut ward = Ward::new();
        ward.add(
            "WARD",
            allergy(
                "a1",
                snomed("716186003"),
                json!({"verificationStatus": status(verdict)}),
            ),
        );
        let section = ward.chart().facts.allergies;
        assert_eq!(section.state, State::Unknown);
        assert_eq!(section.withdrawn.len(), 1);
    }
}

#[test]
fn p06_a_resolved_allergy_alone_is_not_none() {
    let mut ward = Ward::new();
    ward.add(
        "WARD",
        penicillin(json!({"clinicalStatus": status("resolved")})),
    );
    let section = ward.chart().facts.allergies;
    assert_eq!(section.state, State::Unknown);
    assert!(
        section.why.contains("not the same as none"),
        "{}",
        section.why
    );
    assert_eq!(only(&section).status, "resolved");
}

#[test]
fn an_allergy_tells_reaction_and_criticality_and_an_unconfirmed_one_is_unconfirmed() {
    let mut ward = Ward::new();
    ward.add(
        "WARD",
        penicillin(json!({
            "criticality": "high", "verificationStatus": status("unconfirmed"),
            "reaction": [{"manifestation": [{"text": "Anaphylaxis"}], "severity": "severe"}],
        })),
    );
    let section = ward.chart().facts.allergies;
    let item = only(&section);
    assert_eq!(item.state, State::Unverified);
    assert_eq!(
        item.detail.as_deref(),
        Some("high criticality; Anaphylaxis (severe)")
    );
}

#[test]
fn p06_results_are_none_only_when_every_source_answered_completely() {
    let mut ward = Ward::new();
    ward.asked("WARD", "Observation", Coverage::Complete);
    let section = ward.chart().facts.labs;
    assert_eq!(section.state, State::None);
    assert!(
        section.why.starts_with("none: WARD was asked and had none"),
        "{}",
        section.why
    );

    // A second source is known to have spoken of the patient and was not asked.
    ward.add("CLINIC", penicillin(json!({})));
    let section = ward.chart().facts.labs;
    assert_eq!(section.state, State::Unknown);
    assert!(
        section.why.contains("CLINIC was not asked"),
        "{}",
        section.why
    );
}

#[test]
fn p06_a_refused_cut_short_or_failed_question_is_never_none() {
    let cases = [
        Coverage::Truncated,
        Coverage::Denied,
        Coverage::Unlicensed,
        Coverage::Failed,
        Coverage::NeverAsked,
    ];
    for coverage in cases {
        let mut ward = Ward::new();
        ward.asked("WARD", "Observation", coverage)
            .asked("WARD", "Encounter", coverage);
        let facts = ward.chart().facts;
        assert_eq!(facts.labs.state, State::Unknown, "{}", coverage.as_str());
        assert_eq!(
            facts.encounters.state,
            State::Unknown,
            "{}",
            coverage.as_str()
        );
    }
}

#[test]
fn p06_an_answer_for_a_window_a_user_or_a_past_day_is_not_none() {
    type Change = fn(&mut crate::completeness::Asked);
    // In microseconds.
    const DAY: i64 = 86_400_000_000;
    let changes: [Change; 5] = [
        |asked| asked.window_lo = Some(asked.asked_at - DAY),
        |asked| asked.window_hi = Some(asked.asked_at - DAY),
        |asked| asked.persona = String::from("dr-osei"),
        |asked| asked.asked_at -= 2 * DAY,
        |asked| asked.category = String::from("social-history"),
    ];
    for change in changes {
        let mut ward = Ward::new();
        change(
            ward.asked("WARD", "Observation", Coverage::Complete)
                .last_asked(),
        );
        assert_eq!(ward.chart().facts.labs.state, State::Unknown);
    }
}

#[test]
fn p06_a_later_failure_takes_the_ground_from_an_earlier_complete_answer() {
    let mut ward = Ward::new();
    ward.asked("WARD", "Observation", Coverage::Complete);
    ward.asked("WARD", "Observation", Coverage::Failed)
        .last_asked()
        .asked_at += 60_000_000;
    assert_eq!(ward.chart().facts.labs.state, State::Unknown);
}

#[test]
fn p06_a_list_that_was_cut_short_says_so_though_it_has_items() {
    let mut ward = Ward::new();
    ward.add("WARD", penicillin(json!({}))).asked(
        "WARD",
        "AllergyIntolerance",
        Coverage::Truncated,
    );
    let chart = ward.chart();
    assert_eq!(chart.facts.allergies.state, State::Present);
    assert!(
        chart
            .caveats
            .iter()
            .any(|words| words.starts_with("There may be more allergies: WARD gave only a part"))
    );
}

#[test]
fn an_encounter_that_was_cancelled_is_withdrawn_and_leaves_no_none() {
    let mut ward = Ward::new();
    ward.add("WARD", json!({
        "resourceType": "Encounter", "id": "e1", "status": "cancelled", "class": {"code": "IMP"},
        "period": {"start": "2026-11-22T07:00:00Z"},
    }));
    let section = ward.chart().facts.encounters;
    assert_eq!(section.state, State::Unknown);
    assert_eq!(section.withdrawn.len(), 1);
    assert!(
        section.withdrawn[0]
            .words
            .starts_with("cancelled, said WARD"),
        "{}",
        section.withdrawn[0].words
    );
}

#[test]
fn p06_an_allergy_that_another_source_refuted_or_ended_is_a_conflict() {
    for change in [
        json!({"verificationStatus": status("refuted")}),
        json!({"clinicalStatus": status("resolved")}),
    ] {
        let mut ward = Ward::new();
        let mut other = penicillin(change);
        other["id"] = Value::from("a2");
        ward.add("WARD", penicillin(json!({}))).add("CLINIC", other);
        let section = ward.chart().facts.allergies;
        assert_eq!(
            (section.state, section.items[0].state),
            (State::Conflict, State::Conflict)
        );
        assert!(
            section.items[0]
                .why
                .as_deref()
                .unwrap()
                .starts_with("CLINIC says")
        );
    }
}

#[test]
fn an_allergy_entered_in_error_at_one_source_does_not_touch_the_other() {
    let mut ward = Ward::new();
    let mut other = penicillin(json!({"verificationStatus": status("entered-in-error")}));
    other["id"] = Value::from("a2");
    ward.add("WARD", penicillin(json!({}))).add("CLINIC", other);
    assert_eq!(ward.chart().facts.allergies.state, State::Present);
}
