//! `Observation`: results of the laboratory and vital signs.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::dialect::{
    Kind, codings, epic_system, hl7_code, oracle_code_set, reference, start, time, with,
};
use crate::region::people::{Chart, Staff};
use crate::vendor::Vendor;
use crate::ward::analytes::{ANALYTES, Analyte, DIASTOLIC, SYSTOLIC, WEIGHT};
use crate::ward::messages::{FILLERS, PLACERS};

/// One measured value.
#[derive(Debug, Clone)]
pub(crate) struct Measure {
    pub(crate) key: u64,
    /// Drawn by a laboratory, or taken at the bedside.
    pub(crate) laboratory: bool,
    /// Position in the table of analytes.
    pub(crate) analyte: usize,
    /// The number as it is printed.
    pub(crate) text: String,
    /// HL7 table 0078.
    pub(crate) flag: &'static str,
    /// FHIR's status.
    pub(crate) status: &'static str,
    pub(crate) collected: Timestamp,
    pub(crate) issued: Timestamp,
    pub(crate) encounter: Option<u64>,
    /// Who ordered it: a position in the staff.
    pub(crate) orderer: usize,
    /// The number of who filled the order, where the EHR shows it.
    pub(crate) filler: Option<String>,
    pub(crate) placer: Option<String>,
    /// What was ordered.
    pub(crate) panel: &'static str,
    pub(crate) remark: String,
    /// A unit that nobody can read, in place of the right one.
    pub(crate) odd_unit: Option<&'static str>,
}

/// A blood pressure, which is one observation with two components.
#[derive(Debug, Clone)]
pub(crate) struct Pressure {
    pub(crate) key: u64,
    pub(crate) systolic: String,
    pub(crate) diastolic: String,
    pub(crate) collected: Timestamp,
    pub(crate) issued: Timestamp,
    pub(crate) encounter: Option<u64>,
    /// The charting system's number, where the EHR shows it.
    pub(crate) filler: Option<String>,
}

/// One value.
pub(crate) fn observation(chart: &Chart, staff: &Staff, measure: &Measure) -> Value {
    let vendor = chart.vendor;
    let analyte = &ANALYTES[measure.analyte];
    let kind = if measure.laboratory {
        Kind::Lab
    } else {
        Kind::Vital
    };
    let ranged = measure.laboratory && measure.analyte != WEIGHT;
    let ordered = measure.laboratory.then(|| ordered(vendor, staff, measure));
    let performer = if measure.laboratory {
        json!([super::directory::organization_reference(vendor)])
    } else {
        json!([{"display": "Nursing"}])
    };
    let flagged = measure.laboratory && !measure.flag.is_empty();
    let members = json!({
        "identifier": identifier(vendor, measure.filler.as_deref(), measure.laboratory),
        "basedOn": ordered,
        "status": measure.status,
        "category": category(vendor, measure.laboratory),
        "code": {
            "coding": codings(vendor, "http://loinc.org", analyte.loinc, analyte.name, analyte.local),
            "text": short(analyte),
        },
        "subject": reference(vendor, Kind::Patient, chart.number),
        "encounter": measure.encounter.map(|key| reference(vendor, Kind::Encounter, key)),
        "effectiveDateTime": time(vendor, measure.collected),
        "issued": time(vendor, measure.issued),
        "performer": performer,
        "valueQuantity": quantity(vendor, analyte, &measure.text, measure.odd_unit),
        "interpretation": flagged.then(|| interpretation(vendor, measure.flag)),
        "note": (!measure.remark.is_empty()).then(|| json!([{"text": measure.remark}])),
        "referenceRange": ranged.then(|| range(analyte)),
    });
    Value::Object(with(start(vendor, kind, measure.key), members))
}

/// One blood pressure.
pub(crate) fn blood_pressure(chart: &Chart, pressure: &Pressure) -> Value {
    let vendor = chart.vendor;
    let component = |position: usize, text: &str| {
        let analyte = &ANALYTES[position];
        json!({
            "code": {
                "coding": codings(vendor, "http://loinc.org", analyte.loinc, analyte.name, analyte.local),
                "text": analyte.name,
            },
            "valueQuantity": quantity(vendor, analyte, text, None),
        })
    };
    let members = json!({
        "identifier": identifier(vendor, pressure.filler.as_deref(), false),
        "status": "final",
        "category": category(vendor, false),
        "code": {
            "coding": codings(
                vendor,
                "http://loinc.org",
                "85354-9",
                "Blood pressure panel with all children optional",
                "BP",
            ),
            "text": "Blood pressure",
        },
        "subject": reference(vendor, Kind::Patient, chart.number),
        "encounter": pressure.encounter.map(|key| reference(vendor, Kind::Encounter, key)),
        "effectiveDateTime": time(vendor, pressure.collected),
        "issued": time(vendor, pressure.issued),
        "performer": [{"display": "Nursing"}],
        "component": [
            component(SYSTOLIC, &pressure.systolic),
            component(DIASTOLIC, &pressure.diastolic),
        ],
    });
    Value::Object(with(start(vendor, Kind::Vital, pressure.key), members))
}

/// The number of whoever filled the order: at Epic the one that the laboratory's messages carry (ORC-3).
fn identifier(vendor: Vendor, filler: Option<&str>, laboratory: bool) -> Value {
    let Some(filler) = filler else {
        return Value::Null;
    };
    let kind = json!({"coding": [hl7_code("v2-0203", "FILL", "Filler Identifier")]});
    match vendor {
        Vendor::Epic => json!([{
            "use": "official",
            "type": kind,
            "system": epic_system(FILLERS),
            "value": filler,
            "assigner": {"display": if laboratory { "RIVERSIDE-LAB" } else { "RIVERSIDE-NURSING" }},
        }]),
        Vendor::Oracle => json!([{
            "type": kind,
            "system": "urn:oid:2.16.840.1.113883.3.9621.20.6.4000",
            "value": filler,
        }]),
        Vendor::Athena => Value::Null,
    }
}

fn ordered(vendor: Vendor, staff: &Staff, measure: &Measure) -> Value {
    let words = format!(
        "{}, ordered by {}",
        measure.panel,
        staff.display(measure.orderer)
    );
    match &measure.placer {
        Some(placer) => json!([{
            "type": "ServiceRequest",
            "identifier": {
                "system": match vendor {
                    Vendor::Epic => epic_system(PLACERS),
                    Vendor::Oracle | Vendor::Athena => "urn:oid:2.16.840.1.113883.3.9621.20.6.5000".to_owned(),
                },
                "value": placer,
            },
            "display": words,
        }]),
        None => json!([{"type": "ServiceRequest", "display": words}]),
    }
}

fn category(vendor: Vendor, laboratory: bool) -> Value {
    let (code, words) = if laboratory {
        ("laboratory", "Laboratory")
    } else {
        ("vital-signs", "Vital Signs")
    };
    let coding = hl7_code("observation-category", code, words);
    match vendor {
        Vendor::Epic => json!([
            {"coding": [coding], "text": words},
            {
                "coding": [{"system": epic_system("4.696768"), "code": if laboratory { "6" } else { "9" }, "display": words}],
                "text": words,
            },
        ]),
        Vendor::Oracle | Vendor::Athena => json!([{"coding": [coding], "text": words}]),
    }
}

/// The amount. Oracle Health leaves the code away where a unit is not mapped (CERN-29).
fn quantity(vendor: Vendor, analyte: &Analyte, text: &str, odd: Option<&str>) -> Value {
    let number = serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
    if let Some(odd) = odd {
        return json!({"value": number, "unit": odd});
    }
    if vendor == Vendor::Oracle && analyte.local == "GLU" {
        return json!({"value": number, "unit": analyte.unit});
    }
    json!({
        "value": number,
        "unit": analyte.unit,
        "system": "http://unitsofmeasure.org",
        "code": analyte.unit,
    })
}

fn interpretation(vendor: Vendor, flag: &str) -> Value {
    let words = match flag {
        "HH" => "Critical high",
        "LL" => "Critical low",
        "H" => "High",
        "L" => "Low",
        _ => "Normal",
    };
    let standard = hl7_code("v3-ObservationInterpretation", flag, words);
    match vendor {
        Vendor::Oracle => json!([{
            "coding": [
                {"system": oracle_code_set(52), "code": super::dialect::local_number(flag).to_string(), "display": words, "userSelected": true},
                standard,
            ],
            "text": words,
        }]),
        Vendor::Epic | Vendor::Athena => json!([{"coding": [standard], "text": words}]),
    }
}

fn range(analyte: &Analyte) -> Value {
    let (low, high) = analyte.normal;
    let bound = |value: f64| {
        let text = format!("{:.*}", analyte.decimals, value);
        json!({
            "value": serde_json::from_str::<Value>(&text).unwrap_or(Value::Null),
            "unit": analyte.unit,
            "system": "http://unitsofmeasure.org",
            "code": analyte.unit,
        })
    };
    json!([{
        "low": bound(low),
        "high": bound(high),
        "text": format!("{:.*} - {:.*} {}", analyte.decimals, low, analyte.decimals, high, analyte.unit),
    }])
}

/// The first words of the long name, as a chart shows it.
fn short(analyte: &Analyte) -> &'static str {
    analyte
        .name
        .split_once(" [")
        .map_or(analyte.name, |(first, _)| first)
}
