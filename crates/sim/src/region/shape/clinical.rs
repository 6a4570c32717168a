//! `Condition`, `AllergyIntolerance` and `MedicationRequest`.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::dialect::{Kind, hl7_code, id, reference, start, time, with};
use super::directory::{drug_code, drug_key};
use crate::region::drugs::Drug;
use crate::region::illness::{is_sensitive, snomed};
use crate::region::people::{Chart, Staff};
use crate::vendor::Vendor;
use crate::ward::codes::Allergen;
use crate::ward::patient::Allergies;

/// An entry of the problem list, or a diagnosis of a stay.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) key: u64,
    /// ICD-10-CM code and words.
    pub(crate) illness: (&'static str, &'static str),
    pub(crate) recorded: Timestamp,
    /// The stay whose diagnosis it is.
    pub(crate) encounter: Option<u64>,
    pub(crate) active: bool,
}

/// An order, a prescription or what the patient says they take.
#[derive(Debug, Clone)]
pub(crate) struct Prescription {
    pub(crate) key: u64,
    pub(crate) drug: Drug,
    /// FHIR's status.
    pub(crate) status: &'static str,
    pub(crate) authored: Timestamp,
    /// Position in the staff.
    pub(crate) prescriber: usize,
    /// The stay it was ordered in.
    pub(crate) encounter: Option<u64>,
    /// Told by the patient, not ordered here.
    pub(crate) reported: bool,
}

/// One illness.
pub(crate) fn problem(chart: &Chart, problem: &Problem) -> Value {
    let vendor = chart.vendor;
    let (icd, words) = problem.illness;
    let icd_coding =
        json!({"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": icd, "display": words});
    let mut coding = Vec::new();
    if let Some((concept, name)) = snomed(icd) {
        coding.push(json!({"system": "http://snomed.info/sct", "code": concept, "display": name}));
    }
    // Oracle Health's problem lists have the words alone where nothing is mapped (CERN-47).
    if vendor != Vendor::Oracle || !coding.is_empty() {
        coding.push(icd_coding);
    }
    let (category, name) = if problem.encounter.is_some() {
        ("encounter-diagnosis", "Encounter Diagnosis")
    } else {
        ("problem-list-item", "Problem List Item")
    };
    let (status, status_words) = if problem.active {
        ("active", "Active")
    } else {
        ("resolved", "Resolved")
    };
    let abatement = (!problem.active).then(|| time(vendor, problem.recorded));
    let members = json!({
        "clinicalStatus": {"coding": [hl7_code("condition-clinical", status, status_words)]},
        "verificationStatus": {"coding": [hl7_code("condition-ver-status", "confirmed", "Confirmed")]},
        "category": [{"coding": [hl7_code("condition-category", category, name)], "text": name}],
        "code": {"coding": coding, "text": words},
        "subject": reference(vendor, Kind::Patient, chart.number),
        "encounter": problem.encounter.map(|key| reference(vendor, Kind::Encounter, key)),
        "abatementDateTime": abatement,
        "recordedDate": time(vendor, problem.recorded),
    });
    let mut head = start(vendor, Kind::Condition, problem.key);
    if vendor == Vendor::Athena && is_sensitive(icd) {
        head.insert("meta".to_owned(), restricted());
    }
    Value::Object(with(head, members))
}

/// athena labels behavioural health as restricted (ATHN-12).
pub(super) fn restricted() -> Value {
    json!({"security": [
        hl7_code("v3-Confidentiality", "R", "restricted"),
        hl7_code("v3-ActCode", "PSY", "psychiatry disorder information sensitivity"),
    ]})
}

/// The allergy list: nothing when nobody asked, one statement when none is known.
pub(crate) fn allergies(chart: &Chart, known: &Allergies, recorded: Timestamp) -> Vec<Value> {
    let key = chart.number.saturating_mul(16);
    match known {
        Allergies::NotAsked => Vec::new(),
        Allergies::NoneKnown => {
            let code = json!({
                "coding": [{
                    "system": "http://snomed.info/sct",
                    "code": "716186003",
                    "display": "No known allergy",
                }],
                "text": "No known allergies",
            });
            vec![allergy(chart, key, &code, Map::new(), recorded)]
        }
        Allergies::Known(list) => (1..)
            .zip(list)
            .map(|(position, allergen)| {
                let key = key.saturating_add(position);
                allergy(
                    chart,
                    key,
                    &allergen_code(allergen),
                    details(allergen),
                    recorded,
                )
            })
            .collect(),
    }
}

fn allergy(
    chart: &Chart,
    key: u64,
    code: &Value,
    details: Map<String, Value>,
    recorded: Timestamp,
) -> Value {
    let vendor = chart.vendor;
    let mut out = with(
        start(vendor, Kind::Allergy, key),
        json!({
            "clinicalStatus": {"coding": [hl7_code("allergyintolerance-clinical", "active", "Active")]},
            "verificationStatus": {
                "coding": [hl7_code("allergyintolerance-verification", "confirmed", "Confirmed")],
            },
            "code": code,
            "patient": reference(vendor, Kind::Patient, chart.number),
            "recordedDate": time(vendor, recorded),
        }),
    );
    out.extend(details);
    Value::Object(out)
}

fn allergen_code(allergen: &Allergen) -> Value {
    let system = match allergen.system {
        "RXNORM" => "http://www.nlm.nih.gov/research/umls/rxnorm",
        "UNII" => "http://fdasis.nlm.nih.gov",
        _ => "http://snomed.info/sct",
    };
    json!({
        "coding": [{"system": system, "code": allergen.code, "display": allergen.text}],
        "text": allergen.text,
    })
}

fn details(allergen: &Allergen) -> Map<String, Value> {
    let category = match allergen.kind {
        "DA" => "medication",
        "FA" => "food",
        _ => "environment",
    };
    let severity = match allergen.severity {
        "SV" => Some("severe"),
        "MO" => Some("moderate"),
        "MI" => Some("mild"),
        _ => None,
    };
    let reaction = (!allergen.reaction.is_empty()).then(|| {
        let mut reaction = json!({"manifestation": [{"text": allergen.reaction}]});
        if let (Some(severity), Some(reaction)) = (severity, reaction.as_object_mut()) {
            reaction.insert("severity".to_owned(), json!(severity));
        }
        json!([reaction])
    });
    with(
        Map::new(),
        json!({
            "type": "allergy",
            "category": [category],
            "criticality": if severity == Some("severe") { "high" } else { "low" },
            "reaction": reaction,
        }),
    )
}

/// One drug of the medication list.
pub(crate) fn prescription(chart: &Chart, staff: &Staff, order: &Prescription) -> Value {
    let vendor = chart.vendor;
    let drug = order.drug;
    let (category, words) = match (vendor, order.encounter.is_some()) {
        (_, true) => ("inpatient", "Inpatient"),
        (Vendor::Oracle | Vendor::Athena, false) => ("outpatient", "Outpatient"),
        (Vendor::Epic, false) => ("community", "Community"),
    };
    // Epic and athena refer to the formulary; Oracle Health contains the drug (CERN-34).
    let (medication, contained) = match vendor {
        Vendor::Epic | Vendor::Athena => (
            json!({
                "reference": format!("Medication/{}", id(vendor, Kind::Medication, drug_key(drug))),
                "display": drug.text,
            }),
            Value::Null,
        ),
        Vendor::Oracle => (
            json!({"reference": "#drug", "display": drug.text}),
            json!([{"resourceType": "Medication", "id": "drug", "code": drug_code(drug)}]),
        ),
    };
    let members = json!({
        "contained": contained,
        "status": order.status,
        // What was documented as taken at home is a plan at Oracle Health and athena (CERN-34, ATHN-10).
        "intent": if order.reported && vendor != Vendor::Epic { "plan" } else { "order" },
        "category": [{"coding": [hl7_code("medicationrequest-category", category, words)], "text": words}],
        "reportedBoolean": order.reported,
        "medicationReference": medication,
        "subject": reference(vendor, Kind::Patient, chart.number),
        "encounter": order.encounter.map(|key| reference(vendor, Kind::Encounter, key)),
        "authoredOn": time(vendor, order.authored),
        "requester": staff.reference(order.prescriber),
        "dosageInstruction": [{"text": drug.label}],
    });
    Value::Object(with(start(vendor, Kind::Prescription, order.key), members))
}
