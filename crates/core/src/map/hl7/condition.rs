//! DG1 into Condition (v2-to-FHIR `DG1[Condition]`).
//!
//! DG1-1 is a set id and says nothing about identity: a diagnosis is the patient, the code and the visit.

use bedside_fact::id::ResourceId;
use bedside_hl7::message::{Presence, Segment};
use serde_json::{Map, Value};

use super::code::{Code, codes, concept};
use super::identifier::entity;
use super::json::{clean, coded, one, reference};
use super::person::staff;
use super::reader::Reader;
use crate::record::{Draft, Join};

/// The diagnosis that a segment states.
pub(super) fn draft(
    rd: &Reader<'_>,
    dg1: &Segment<'_>,
    patient: &ResourceId,
    encounter: Option<&ResourceId>,
) -> Option<Draft> {
    let source = rd.source();
    let rep = dg1.field(3).rep(1);
    let described = dg1.field(4).text().and_then(clean);
    let mut code = concept(&rep, None, source);
    if let Some(described) = described {
        let members = code.get_or_insert_with(|| Value::Object(Map::new()));
        if let Some(members) = members.as_object_mut() {
            members.insert(String::from("text"), Value::String(described));
        }
    }
    let Some(code) = code else {
        rd.note(dg1, 3, "no diagnosis");
        return None;
    };
    let name = code
        .get("text")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_uppercase();
    let what = codes(&rep, None, source).first().map_or(name, Code::key);
    let visit = encounter.map(ResourceId::as_str).unwrap_or_default();
    let source_id = format!("{patient}\u{1f}{what}\u{1f}{visit}");

    let mut body = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    put("resourceType", Some(Value::from("Condition")));
    put(
        "identifier",
        one(entity(&dg1.field(20).rep(1), "FILL", source)),
    );
    // DG1-21 D deletes the diagnosis (HL7 table 0206): it was an error; FHIR R4 con-5 wants no clinical status then.
    let deleted = dg1
        .field(21)
        .component(1)
        .text()
        .is_some_and(|action| action.trim() == "D");
    let mut remove = Vec::new();
    if deleted {
        remove.push(String::from("clinicalStatus"));
    } else {
        put(
            "clinicalStatus",
            coded(
                "http://terminology.hl7.org/CodeSystem/condition-clinical",
                "active",
                None,
            ),
        );
    }
    let verification = match dg1.field(6).component(1).text().unwrap_or_default().trim() {
        _ if deleted => Some("entered-in-error"),
        "F" => Some("confirmed"),
        "A" | "W" => Some("provisional"),
        _ => None,
    };
    let system = "http://terminology.hl7.org/CodeSystem/condition-ver-status";
    put(
        "verificationStatus",
        verification.and_then(|status| coded(system, status, None)),
    );
    let category = "http://terminology.hl7.org/CodeSystem/condition-category";
    put(
        "category",
        one(coded(category, "encounter-diagnosis", None)),
    );
    put("code", Some(code));
    put("subject", reference("Patient", patient));
    put(
        "encounter",
        encounter.and_then(|id| reference("Encounter", id)),
    );
    if dg1.field(5).presence() == Presence::Null {
        remove.push(String::from("onsetDateTime"));
    }
    let onset = rd.time(dg1, 5);
    put("onsetDateTime", onset.clone().map(Value::String));
    let attested = rd.time(dg1, 19);
    put("recordedDate", attested.clone().map(Value::String));
    put("asserter", staff(&dg1.field(16).rep(1), source));
    Some(Draft {
        resource_type: String::from("Condition"),
        id: rd.public("Condition", &source_id),
        source_id,
        patient: Some(patient.clone()),
        body: Value::Object(body),
        text: None,
        join: Join::Overlay {
            remove,
            initial: Vec::new(),
        },
        when: onset.and_then(|onset| rd.span(&onset)),
        source_time: rd.source_time(attested.as_deref()),
    })
}
