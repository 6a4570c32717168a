//! `Patient`.

use serde_json::{Value, json};

use super::dialect::{Kind, epic_system, hl7_code, start, time, with};
use crate::region::event::REGIONAL_SYSTEM;
use crate::region::people::{Chart, Staff};
use crate::vendor::Vendor;
use crate::ward::messages::RECORDS;
use crate::ward::person::Person;

/// The patient as the EHR registered them.
pub(crate) fn patient(chart: &Chart, staff: &Staff) -> Value {
    let vendor = chart.vendor;
    let person = &chart.person;
    let deceased = chart.died.map(|at| time(vendor, at));
    let twin = person.birth_order.map(|order| json!(order));
    let members = json!({
        "extension": race(person),
        "identifier": identifiers(chart),
        "active": true,
        "name": names(chart),
        "telecom": telecom(person),
        "gender": match person.sex { "F" => "female", "M" => "male", _ => "unknown" },
        "birthDate": person.born.to_string(),
        "deceasedDateTime": deceased,
        "deceasedBoolean": if vendor == Vendor::Epic && deceased.is_none() { json!(false) } else { Value::Null },
        "address": [address(person)],
        "maritalStatus": marital(person.marital),
        "multipleBirthInteger": if vendor == Vendor::Athena { None } else { twin },
        "communication": [{
            "language": {
                "coding": [{"system": "urn:ietf:bcp:47", "code": tag(person.language.0), "display": person.language.1}],
                "text": person.language.1,
            },
            "preferred": true,
        }],
        "generalPractitioner": [staff.reference(general_practitioner(chart, staff))],
        "managingOrganization": super::directory::organization_reference(vendor),
    });
    Value::Object(with(start(vendor, Kind::Patient, chart.number), members))
}

/// Somebody of the staff, always the same one.
fn general_practitioner(chart: &Chart, staff: &Staff) -> usize {
    usize::try_from(chart.human)
        .unwrap_or(0)
        .checked_rem(staff.len())
        .unwrap_or(0)
}

/// Epic names its types in text alone and pads one of its numbers (EPIC-37); Oracle Health codes them (CERN-24).
fn identifiers(chart: &Chart) -> Value {
    let regional = chart.regional.as_deref();
    let mut list = match chart.vendor {
        Vendor::Epic => vec![
            json!({
                "use": "usual",
                "type": {"text": "EPI"},
                "system": epic_system("5.737384.14"),
                "value": format!("E{:06}", chart.number.saturating_add(6129)),
            }),
            json!({
                "use": "usual",
                "type": {"text": "INTERNAL"},
                "system": epic_system("2.698084"),
                "value": format!("     Z{:04}", chart.number.saturating_add(6129)),
            }),
            json!({
                "use": "usual",
                "type": {"text": "MRN"},
                "system": epic_system(RECORDS),
                "value": chart.mrn,
            }),
        ],
        Vendor::Oracle => vec![json!({
            "id": format!("CI-{}-0", chart.number.saturating_add(81_000)),
            "use": "usual",
            "type": {
                "coding": [
                    {"system": super::dialect::oracle_code_set(4), "code": "10", "display": "MRN", "userSelected": true},
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/v2-0203",
                        "code": "MR",
                        "display": "Medical record number",
                        "userSelected": false,
                    },
                ],
                "text": "MRN",
            },
            "system": "urn:oid:2.16.840.1.113883.3.9621.20.6.1000",
            "value": chart.mrn,
        })],
        Vendor::Athena => vec![json!({
            "use": "usual",
            "type": {"coding": [hl7_code("v2-0203", "MR", "Medical record number")]},
            "system": "https://fhir.athena.io/sid/ah-patient",
            "value": chart.mrn,
        })],
    };
    if let Some(number) = regional {
        let kind = match chart.vendor {
            Vendor::Epic => json!({"text": "EXTERNAL"}),
            Vendor::Oracle => json!({
                "coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/v2-0203",
                    "code": "PI",
                    "display": "Patient internal identifier",
                    "userSelected": false,
                }],
                "text": "Lakeside HIE ID",
            }),
            Vendor::Athena => {
                json!({"coding": [hl7_code("v2-0203", "PI", "Patient internal identifier")]})
            }
        };
        list.push(json!({
            "use": "secondary",
            "type": kind,
            "system": REGIONAL_SYSTEM,
            "value": number,
            "assigner": {"display": "Lakeside Health Information Exchange"},
        }));
    }
    Value::Array(list)
}

/// Epic gives the same name twice (EPIC-48); a former name is given where the EHR knows one.
fn names(chart: &Chart) -> Value {
    let person = &chart.person;
    let mut given = vec![person.given.clone()];
    if !person.middle.is_empty() {
        given.push(person.middle.clone());
    }
    let mut text = given.join(" ");
    text.push(' ');
    text.push_str(&person.family);
    let name = |usage: &str| {
        let mut name = json!({
            "use": usage,
            "text": text,
            "family": person.family,
            "given": given,
        });
        if !person.suffix.is_empty()
            && let Some(name) = name.as_object_mut()
        {
            name.insert("suffix".to_owned(), json!([person.suffix]));
        }
        name
    };
    let mut list = match chart.vendor {
        Vendor::Epic => vec![name("official"), name("usual")],
        Vendor::Oracle | Vendor::Athena => vec![name("official")],
    };
    if let Some(former) = &chart.former_family {
        list.push(json!({"use": "old", "family": former, "given": [person.given]}));
    }
    Value::Array(list)
}

fn telecom(person: &Person) -> Value {
    person.phone.as_ref().map_or(Value::Null, |(area, local)| {
        let (exchange, line) = local.split_at_checked(3).unwrap_or((local, ""));
        json!([{"system": "phone", "value": format!("{area}-{exchange}-{line}"), "use": "home"}])
    })
}

fn address(person: &Person) -> Value {
    let home = &person.address;
    json!({
        "use": "home",
        "line": [home.street],
        "city": home.city,
        "state": home.state,
        "postalCode": home.postal,
        "country": "US",
    })
}

fn race(person: &Person) -> Value {
    let (code, words) = person.race;
    json!([{
        "url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-race",
        "extension": [
            {
                "url": "ombCategory",
                "valueCoding": {"system": "urn:oid:2.16.840.1.113883.6.238", "code": code, "display": words},
            },
            {"url": "text", "valueString": words},
        ],
    }])
}

fn marital(code: &str) -> Value {
    let words = match code {
        "M" => "Married",
        "S" => "Never Married",
        "D" => "Divorced",
        "W" => "Widowed",
        _ => return Value::Null,
    };
    json!({"coding": [hl7_code("v3-MaritalStatus", code, words)], "text": words})
}

/// The two-letter tag of an ISO 639-2 language.
fn tag(language: &str) -> &'static str {
    match language {
        "spa" => "es",
        "pol" => "pl",
        "vie" => "vi",
        _ => "en",
    }
}
