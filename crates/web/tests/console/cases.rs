//! Items for the tests: what an engine would have written.

use bedside_fact::clock::Timestamp;
use bedside_fact::state::State;
use bedside_store::{CaseCommit, CaseEvent, CaseWrite};
use bedside_workflow::case::{Case, Event};
use bedside_workflow::{Shown, ShownLine};
use serde_json::json;

use crate::support::Hospital;

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An emergency of the first patient, opened five minutes before the present of the tests, with ten minutes left.
pub(crate) fn emergency(hospital: &Hospital, id: &str) -> Case {
    let opened = "2026-11-22T14:55:00Z";
    let patient = hospital.patients[0].as_str();
    let owner = json!({ "role": "responsible clinician", "name": "Dr Amara" });
    // As JSON, the way it is stored: what a case gains later has a default.
    let mut case: Case = serde_json::from_value(json!({
        "id": id,
        "workflow": "critical-potassium",
        "title": "Critical potassium follow-up",
        "version": 3,
        "hash": "00",
        "patient": patient,
        "state": "open",
        "level": "emergency",
        "opened_at": opened,
        "changed_at": opened,
        "finding": {
            "identity": "F1",
            "said": "6.7 mmol/L",
            "taken_at": "2026-11-22T14:30:00Z",
            "received_at": opened,
            "sources": ["WARD", "oracle"],
            "verification": "final",
            "patient": patient,
            "resources": ["Observation/k2"],
            "seq": 1,
        },
        "say": "Potassium 6.7 mmol/L (up 1.5 in 20 h)",
        "caveats": ["Dialysis status unknown."],
        "offer": ["12-lead ECG"],
        "trace": [{
            "row": "rising fast",
            "condition": "potassium rose by more than 0.5 mmol/L within 12 hours",
            "truth": "unknown",
            "words": "no earlier value",
        }],
        "place": "4W 12-1",
        "owner": owner,
        "told": [{ "who": owner, "at": opened, "why": "owner" }],
        "next": {
            "at": "2026-11-22T15:10:00Z",
            "who": "covering clinician",
            "ladder": "not_acknowledged",
            "index": 0,
        },
        "climbs": "emergency",
        "ladder_from": opened,
    }))
    .unwrap();
    case.show = shown();
    case
}

fn shown() -> Vec<Shown> {
    let line = |text: &str, marked: bool| ShownLine {
        text: text.to_owned(),
        detail: None,
        at: Some(at("2026-11-22T14:30:00Z")),
        age: String::from("30 min ago"),
        source: String::from("oracle"),
        doubt: None,
        marked,
    };
    let trend = [("2026-11-21T18:30:00Z", 5.2), ("2026-11-22T14:30:00Z", 6.7)];
    vec![
        Shown {
            title: String::from("Potassium"),
            state: State::Present,
            words: String::from("current"),
            as_of: Some(at("2026-11-22T14:55:00Z")),
            lines: vec![line("6.7 mmol/L", false)],
            gaps: Vec::new(),
            trend: trend
                .iter()
                .map(|(when, value)| (at(when), *value, format!("{value} mmol/L")))
                .collect(),
        },
        Shown {
            title: String::from("Active medications"),
            state: State::Present,
            words: String::from("current"),
            as_of: Some(at("2026-11-22T14:50:00Z")),
            lines: vec![line("spironolactone", true), line("paracetamol", false)],
            gaps: Vec::new(),
            trend: Vec::new(),
        },
        Shown {
            title: String::from("Allergies"),
            state: State::Unknown,
            words: String::from("unknown (refused)"),
            as_of: None,
            lines: Vec::new(),
            gaps: vec![String::from("oracle refused the question.")],
            trend: Vec::new(),
        },
    ]
}

/// Writes a case as it is, with one line of history.
pub(crate) async fn put(hospital: &Hospital, case: &Case, expected: i64) {
    let event = Event {
        at: case.changed_at,
        kind: String::from("opened"),
        actor: String::from("Bedside"),
        words: String::from("Row emergency was true."),
    };
    let write = CaseWrite {
        id: case.id.clone(),
        expected,
        workflow: case.workflow.clone(),
        patient: case.patient.clone(),
        state: case.state.as_str().to_owned(),
        open: case.state.is_open(),
        level: case.level.clone(),
        holder: case.holder.clone().unwrap_or_default(),
        owned: case.owner.name.is_some() || case.holder.is_some(),
        due: case.next.as_ref().map(|rung| rung.at),
        opened_at: case.opened_at,
        body: serde_json::to_vec(case).unwrap(),
        events: vec![CaseEvent {
            at: event.at,
            kind: event.kind.clone(),
            actor: event.actor.clone(),
            body: serde_json::to_vec(&event).unwrap(),
        }],
        timers: Vec::new(),
        snapshot: None,
    };
    let commit = CaseCommit {
        cases: vec![write],
        ..CaseCommit::default()
    };
    hospital
        .store
        .commit_cases(&hospital.service(), commit)
        .await
        .unwrap();
}

/// The same case with a text that is none of the workflow's.
pub(crate) async fn damage(hospital: &Hospital, case: &Case) {
    let write = CaseWrite {
        id: case.id.clone(),
        expected: 1,
        workflow: case.workflow.clone(),
        patient: case.patient.clone(),
        state: case.state.as_str().to_owned(),
        open: true,
        level: case.level.clone(),
        holder: String::new(),
        owned: true,
        due: None,
        opened_at: case.opened_at,
        body: b"{\"id\":".to_vec(),
        events: Vec::new(),
        timers: Vec::new(),
        snapshot: None,
    };
    let commit = CaseCommit {
        cases: vec![write],
        ..CaseCommit::default()
    };
    hospital
        .store
        .commit_cases(&hospital.service(), commit)
        .await
        .unwrap();
}
