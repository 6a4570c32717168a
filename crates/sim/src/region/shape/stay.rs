//! `Encounter`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::dialect::{Kind, codings, epic_system, hl7_code, reference, start, time, with};
use crate::region::illness::is_sensitive;
use crate::region::people::{Chart, Staff};
use crate::vendor::Vendor;

/// A stay or a visit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Stay {
    pub(crate) key: u64,
    /// FHIR's status.
    pub(crate) status: &'static str,
    /// v3 `ActCode`: `IMP`, `AMB` or `EMER`.
    pub(crate) class: &'static str,
    pub(crate) start: Timestamp,
    pub(crate) end: Option<Timestamp>,
    /// Position in the staff.
    pub(crate) attending: usize,
    /// Unit, room and bed.
    pub(crate) place: String,
    /// The visit number.
    pub(crate) number: String,
    /// ICD-10-CM code and words.
    pub(crate) reason: Option<(&'static str, &'static str)>,
    /// HL7 table 0112.
    pub(crate) disposition: Option<&'static str>,
}

/// The stay as the EHR shows it.
pub(crate) fn encounter(chart: &Chart, staff: &Staff, stay: &Stay) -> Value {
    let vendor = chart.vendor;
    let class_words = match stay.class {
        "IMP" => "inpatient encounter",
        "EMER" => "emergency",
        _ => "ambulatory",
    };
    let identifier = match vendor {
        Vendor::Epic => json!([{
            "use": "usual",
            "system": epic_system("3.698084.8"),
            "value": stay.number,
        }]),
        Vendor::Oracle => json!([{
            "type": {"coding": [hl7_code("v2-0203", "VN", "Visit number")], "text": "FIN NBR"},
            "system": "urn:oid:2.16.840.1.113883.3.9621.20.6.3000",
            "value": stay.number,
        }]),
        Vendor::Athena => Value::Null,
    };
    let (place, contained) = place(vendor, &stay.place);
    let members = json!({
        "contained": contained,
        "identifier": identifier,
        "status": stay.status,
        "class": hl7_code("v3-ActCode", stay.class, class_words),
        "type": [{
            "coding": codings(
                vendor,
                "http://snomed.info/sct",
                if stay.class == "IMP" { "32485007" } else { "308335008" },
                if stay.class == "IMP" { "Hospital admission" } else { "Patient encounter procedure" },
                class_words,
            ),
            "text": class_words,
        }],
        "subject": reference(vendor, Kind::Patient, chart.number),
        "participant": [{
            "type": [{"coding": [hl7_code("v3-ParticipationType", "ATND", "attender")], "text": "attender"}],
            "period": {"start": time(vendor, stay.start)},
            "individual": staff.reference(stay.attending),
        }],
        "period": period(vendor, stay),
        "reasonCode": stay.reason.map(|(code, words)| json!([{
            "coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": code, "display": words}],
            "text": words,
        }])),
        "hospitalization": stay.disposition.map(disposition),
        "location": [place],
        "serviceProvider": super::directory::organization_reference(vendor),
    });
    let mut head = start(vendor, Kind::Encounter, stay.key);
    if vendor == Vendor::Athena && stay.reason.is_some_and(|(code, _)| is_sensitive(code)) {
        head.insert("meta".to_owned(), super::clinical::restricted());
    }
    Value::Object(with(head, members))
}

/// Oracle Health contains the place (CERN-33), athena refers to its department, Epic gives the words.
fn place(vendor: Vendor, words: &str) -> (Value, Value) {
    match vendor {
        Vendor::Epic => (json!({"location": {"display": words}}), Value::Null),
        Vendor::Oracle => (
            json!({"location": {"reference": "#place", "display": words}, "status": "active"}),
            json!([{"resourceType": "Location", "id": "place", "mode": "instance", "name": words}]),
        ),
        Vendor::Athena => (
            json!({"location": super::directory::location_reference(vendor)}),
            Value::Null,
        ),
    }
}

fn period(vendor: Vendor, stay: &Stay) -> Value {
    match stay.end {
        Some(end) => json!({"start": time(vendor, stay.start), "end": time(vendor, end)}),
        None => json!({"start": time(vendor, stay.start)}),
    }
}

/// HL7 table 0112 as FHIR's code system has it.
fn disposition(code: &'static str) -> Value {
    let (code, words) = match code {
        "20" => ("exp", "Expired"),
        "03" => ("snf", "Skilled nursing facility"),
        _ => ("home", "Home"),
    };
    json!({"dischargeDisposition": {
        "coding": [hl7_code("discharge-disposition", code, words)],
        "text": words,
    }})
}
