//! What patients' resources refer to: `Practitioner`, `Organization`, `Location`, `Medication`, and the roster `Group`.

use serde_json::{Value, json};

use super::dialect::{Kind, epic_system, id, named, reference, start, with};
use crate::region::drugs::Drug;
use crate::vendor::Vendor;

/// The one organisation of each EHR.
const ORGANIZATION: u64 = 1;
/// The one department that athena and Oracle Health refer to.
const DEPARTMENT: u64 = 2;
/// The roster, an id that is given out of band (EPIC-59).
const ROSTER: u64 = 7;

/// The roster's id.
pub(crate) fn roster(vendor: Vendor) -> String {
    id(vendor, Kind::Group, ROSTER)
}

/// What the hospital or practice is called.
pub(crate) fn organization_name(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Epic => "Riverside General Hospital",
        Vendor::Oracle => "Prairie Memorial Hospital",
        Vendor::Athena => "Garden Terrace Family Practice",
    }
}

pub(crate) fn organization_reference(vendor: Vendor) -> Value {
    named(
        vendor,
        Kind::Organization,
        ORGANIZATION,
        organization_name(vendor),
    )
}

pub(crate) fn location_reference(vendor: Vendor) -> Value {
    named(vendor, Kind::Location, DEPARTMENT, department(vendor))
}

fn department(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Epic => "Riverside General, medicine",
        Vendor::Oracle => "Prairie Memorial, medical unit",
        Vendor::Athena => "Garden Terrace, main office",
    }
}

/// The hospital or practice.
pub(crate) fn organization(vendor: Vendor) -> Value {
    Value::Object(with(
        start(vendor, Kind::Organization, ORGANIZATION),
        json!({"active": true, "name": organization_name(vendor)}),
    ))
}

/// Its department.
pub(crate) fn location(vendor: Vendor) -> Value {
    Value::Object(with(
        start(vendor, Kind::Location, DEPARTMENT),
        json!({
            "status": "active",
            "name": department(vendor),
            "mode": "instance",
            "managingOrganization": organization_reference(vendor),
        }),
    ))
}

/// Somebody who treats patients.
pub(crate) fn practitioner(
    vendor: Vendor,
    key: u64,
    number: &str,
    given: &str,
    family: &str,
) -> Value {
    let identifier = match vendor {
        Vendor::Epic => json!([{
            "use": "usual",
            "type": {"text": "INTERNAL"},
            "system": epic_system("2.697780"),
            "value": number,
        }]),
        Vendor::Oracle => json!([{
            "type": {"coding": [super::dialect::hl7_code("v2-0203", "PRN", "Provider number")]},
            "system": "urn:oid:2.16.840.1.113883.3.9621.20.6.2000",
            "value": number,
        }]),
        Vendor::Athena => json!([{
            "system": "https://fhir.athena.io/sid/ah-provider",
            "value": number,
        }]),
    };
    Value::Object(with(
        start(vendor, Kind::Practitioner, key),
        json!({
            "identifier": identifier,
            "active": true,
            "name": [{
                "use": "usual",
                "text": format!("{given} {family}, MD"),
                "family": family,
                "given": [given],
                "suffix": ["MD"],
            }],
        }),
    ))
}

/// A drug of the formulary, which prescriptions at Epic and athena refer to (EPIC-44, ATHN-11).
pub(crate) fn medication(vendor: Vendor, drug: Drug) -> Value {
    Value::Object(with(
        start(vendor, Kind::Medication, drug_key(drug)),
        json!({"code": drug_code(drug), "status": "active"}),
    ))
}

/// RxNorm and words.
pub(crate) fn drug_code(drug: Drug) -> Value {
    json!({
        "coding": [{
            "system": "http://www.nlm.nih.gov/research/umls/rxnorm",
            "code": drug.rxnorm,
            "display": drug.text,
        }],
        "text": drug.text,
    })
}

/// RxNorm's codes are numbers.
pub(crate) fn drug_key(drug: Drug) -> u64 {
    drug.rxnorm.parse().unwrap_or(0)
}

/// The roster of the EHR's current patients.
pub(crate) fn group(vendor: Vendor, patients: &[u64]) -> Value {
    let members: Vec<Value> = patients
        .iter()
        .map(|&number| json!({"entity": reference(vendor, Kind::Patient, number)}))
        .collect();
    Value::Object(with(
        start(vendor, Kind::Group, ROSTER),
        json!({
            "type": "person",
            "actual": true,
            "active": true,
            "name": format!("{}, current patients", organization_name(vendor)),
            "quantity": members.len(),
            "member": members,
        }),
    ))
}
