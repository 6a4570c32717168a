//! OBX into Observation (v2-to-FHIR `OBX[Observation]`).
//!
//! A result is stated whole: a correction replaces the value, its flag and its range together, because the flag of the old value
//! would lie about the new one. Identity is the order's number, the code, the sub-id and the minute of the specimen, within the
//! patient; laboratories use their numbers again, so the number alone is not enough. Set ids say nothing.

use bedside_fact::id::ResourceId;
use bedside_hl7::message::{Presence, Segment};
use serde_json::{Map, Value, json};

use super::code::{Code, LOINC, codes, concept};
use super::identifier::entity;
use super::json::{clean, coded, coding, list, object, one, reference, word};
use super::person::staff;
use super::reader::Reader;
use super::value::{Said, absent, component, is_text, kind, lines, range, said};
use crate::record::{Draft, Join};

/// What an OBX stands in.
pub(super) struct Order<'a> {
    pub(super) patient: &'a ResourceId,
    pub(super) encounter: Option<&'a ResourceId>,
    pub(super) obr: Option<&'a Segment<'a>>,
    /// Number of the order and minute of the specimen: the part of the id that all results of an order share.
    pub(super) key: String,
}

/// One result: a segment, or several of running text that belong together, each with the notes behind it.
pub(super) struct Result<'a> {
    pub(super) segments: Vec<Segment<'a>>,
    pub(super) notes: Vec<String>,
    /// Which one it is, when its order has several with the same code and sub-id.
    pub(super) ordinal: usize,
}

/// LOINC codes of the vital signs profile (FHIR R4, observation-vitalsigns) and what monitors send beside them.
const VITAL_SIGNS: &[&str] = &[
    "85353-1", "9279-1", "8867-4", "2708-6", "59408-5", "8310-5", "8302-2", "9843-4", "8287-5",
    "29463-7", "39156-5", "85354-9", "8480-6", "8462-4", "8478-0", "3141-9", "3140-1", "3137-7",
    "3150-6", "8331-1", "72514-3",
];

/// Sections of HL7 table 0074 that are pictures.
const IMAGING: &[&str] = &[
    "CT", "CTH", "CUS", "NMR", "NMS", "OUS", "RAD", "RUS", "RX", "VUS", "XRC",
];

/// The Observation as the message states it.
pub(super) fn draft(rd: &Reader<'_>, order: &Order<'_>, result: &Result<'_>) -> Option<Draft> {
    let source = rd.source();
    let obx = result.segments.first()?;
    let Some(code) = concept(&obx.field(3).rep(1), None, source) else {
        rd.note(obx, 3, "no observation identifier");
        return None;
    };
    let (status, word_only) = status(rd, obx, order);
    let effective = rd
        .time(obx, 14)
        .or_else(|| order.obr.and_then(|obr| rd.time(obr, 7)));
    let issued = rd
        .instant(obx, 19)
        .or_else(|| order.obr.and_then(|obr| rd.instant(obr, 22)));
    let source_id = source_id(rd, order, result, obx, &code);
    let id = rd.public("Observation", &source_id);
    let when = effective.as_deref().and_then(|time| rd.span(time));
    let source_time = rd.source_time(issued.as_deref());

    let mut body = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    put("resourceType", Some(Value::from("Observation")));
    let numbers = [
        order
            .obr
            .and_then(|obr| entity(&obr.field(3).rep(1), "FILL", source)),
        entity(&obx.field(21).rep(1), "FILL", source),
    ];
    put("identifier", list(numbers.into_iter().flatten().collect()));
    put("status", word(status));
    put("category", category(rd, obx, order));
    put("code", Some(code.clone()));
    put("subject", reference("Patient", order.patient));
    put(
        "encounter",
        order.encounter.and_then(|id| reference("Encounter", id)),
    );
    put("effectiveDateTime", effective.map(Value::String));
    put("issued", issued.map(Value::String));
    put("performer", performers(rd, obx));
    let stated = values(rd, result, obx, &code);
    let silent = stated.iter().any(|(name, _)| *name == "dataAbsentReason");
    for (name, value) in stated {
        put(name, Some(value));
    }
    put("interpretation", interpretation(rd, obx));
    put(
        "note",
        list(
            result
                .notes
                .iter()
                .map(|note| json!({"text": note}))
                .collect(),
        ),
    );
    put("bodySite", concept(&obx.field(20).rep(1), None, source));
    put("method", concept(&obx.field(17).rep(1), None, source));
    put("referenceRange", one(range(obx)));

    // U ("final, without sending the result again") and a withdrawal without a value change the status and nothing else.
    let join = if silent && word_only {
        body.retain(|name, _| {
            matches!(
                name.as_str(),
                "resourceType" | "status" | "code" | "subject" | "issued"
            )
        });
        Join::Overlay {
            remove: Vec::new(),
            initial: vec![String::from("code"), String::from("subject")],
        }
    } else {
        Join::Replace
    };
    Some(Draft {
        resource_type: String::from("Observation"),
        id,
        source_id,
        patient: Some(order.patient.clone()),
        body: Value::Object(body),
        text: None,
        join,
        when,
        source_time,
    })
}

/// OBX-11 (HL7 table 0085), and whether it may come without the value.
fn status(rd: &Reader<'_>, obx: &Segment<'_>, order: &Order<'_>) -> (&'static str, bool) {
    let own = obx
        .field(11)
        .component(1)
        .text()
        .map(|code| code.trim().to_uppercase());
    match own.as_deref() {
        Some("F" | "V" | "B" | "N") => ("final", false),
        Some("U") => ("final", true),
        Some("P" | "R" | "S") => ("preliminary", false),
        Some("I" | "O") => ("registered", false),
        Some("A") => ("amended", false),
        Some("C") => ("corrected", false),
        Some("D" | "W") => ("entered-in-error", true),
        Some("X") => ("cancelled", true),
        None | Some("") => {
            let report = order.obr.and_then(|obr| obr.field(25).component(1).text());
            match report.as_deref().map(str::trim) {
                Some("F") => ("final", false),
                Some("C") => ("corrected", false),
                Some("P" | "A" | "R" | "M") => ("preliminary", false),
                Some("X") => ("cancelled", true),
                _ => ("unknown", false),
            }
        }
        Some(_) => {
            rd.note(obx, 11, "not in table 0085");
            ("unknown", false)
        }
    }
}

fn source_id(
    rd: &Reader<'_>,
    order: &Order<'_>,
    result: &Result<'_>,
    obx: &Segment<'_>,
    code: &Value,
) -> String {
    let name = code
        .get("text")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_uppercase();
    let what = codes(&obx.field(3).rep(1), None, rd.source())
        .first()
        .map_or(name, Code::key);
    let sub = obx.field(4).text().unwrap_or_default();
    // Without a time on the order the result's own tells two of the same number apart.
    let minute = order
        .obr
        .and_then(|obr| minute(rd, obr, 7))
        .or_else(|| minute(rd, obx, 14))
        .unwrap_or_default();
    let ordinal = if result.ordinal > 1 {
        format!("\u{1f}#{}", result.ordinal)
    } else {
        String::new()
    };
    format!(
        "{}\u{1f}{}\u{1f}{what}\u{1f}{}\u{1f}{minute}{ordinal}",
        order.patient,
        order.key,
        sub.trim()
    )
}

/// A field's time to the minute, the same whatever offset it was written with.
pub(super) fn minute(rd: &Reader<'_>, segment: &Segment<'_>, field: usize) -> Option<String> {
    let text = segment.field(field).component(1).text()?;
    let span = rd.span(&rd.time_of(&text)?)?;
    Some((span.lo / 60_000_000).to_string())
}

fn values(
    rd: &Reader<'_>,
    result: &Result<'_>,
    obx: &Segment<'_>,
    code: &Value,
) -> Vec<(&'static str, Value)> {
    let nothing = |reason: &str| {
        absent(reason)
            .map(|reason| ("dataAbsentReason", reason))
            .into_iter()
            .collect()
    };
    let asked = obx
        .field(11)
        .component(1)
        .text()
        .is_none_or(|status| status.trim() != "N");
    if is_text(&kind(obx)) {
        let lines: Vec<String> = result.segments.iter().flat_map(lines).collect();
        return match clean(lines.join("\n")) {
            Some(text) => vec![("valueString", Value::String(text))],
            None => nothing(if asked { "unknown" } else { "not-asked" }),
        };
    }
    match said(rd, obx) {
        Said::One(name, value) => vec![(name, value)],
        Said::Many(values) => {
            let components = values
                .into_iter()
                .filter_map(|value| component(code, value))
                .collect();
            list(components)
                .map(|components| ("component", components))
                .into_iter()
                .collect()
        }
        Said::Nothing(_) if !asked => nothing("not-asked"),
        Said::Nothing(reason) => nothing(reason),
    }
}

fn category(rd: &Reader<'_>, obx: &Segment<'_>, order: &Order<'_>) -> Option<Value> {
    let codes = codes(&obx.field(3).rep(1), None, rd.source());
    let vital = codes
        .iter()
        .any(|code| code.system == LOINC && VITAL_SIGNS.contains(&code.code.as_str()));
    let section = order
        .obr
        .and_then(|obr| obr.field(24).component(1).text())
        .unwrap_or_default();
    let kind = match section.trim() {
        _ if vital => "vital-signs",
        section if IMAGING.contains(&section) => "imaging",
        "NRS" | "PT" | "OT" | "PHY" => "exam",
        "EC" | "EN" | "PF" | "RC" => "procedure",
        // Running text without a section may be anything; what has a value in a result message is a test.
        "" if matches!(kind_of(obx), Kind::Narrative) => return None,
        _ => "laboratory",
    };
    one(coded(
        "http://terminology.hl7.org/CodeSystem/observation-category",
        kind,
        None,
    ))
}

enum Kind {
    Narrative,
    Value,
}

fn kind_of(obx: &Segment<'_>) -> Kind {
    if matches!(kind(obx).as_str(), "TX" | "FT" | "ED" | "RP") {
        Kind::Narrative
    } else {
        Kind::Value
    }
}

/// OBX-8 (HL7 table 0078): the codes are those of v3-ObservationInterpretation, except some that the guide leaves out.
fn interpretation(rd: &Reader<'_>, obx: &Segment<'_>) -> Option<Value> {
    const SAME: &[&str] = &[
        "<", ">", "A", "AA", "B", "CAR", "D", "DET", "E", "EX", "EXP", "H", "HH", "HU", "I", "IE",
        "IND", "L", "LL", "LU", "MS", "N", "NCL", "ND", "NEG", "NR", "NS", "POS", "R", "RR", "S",
        "SDD", "SYN-R", "SYN-S", "U", "UNE", "VS", "W", "WR",
    ];
    let mut said = Vec::new();
    for rep in obx
        .field(8)
        .reps()
        .filter(|rep| rep.presence() == Presence::Value)
    {
        let Some(code) = rep.component(1).text().and_then(clean) else {
            continue;
        };
        if SAME.contains(&code.as_str()) {
            let system = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";
            said.extend(object([("coding", one(coding(system, &code, None)))]));
        } else {
            said.extend(concept(&rep, Some("0078"), rd.source()));
        }
    }
    list(said)
}

fn performers(rd: &Reader<'_>, obx: &Segment<'_>) -> Option<Value> {
    let source = rd.source();
    let mut who: Vec<Value> = obx
        .field(16)
        .reps()
        .filter_map(|rep| staff(&rep, source))
        .collect();
    let place = obx.field(23).component(1).text().or_else(|| {
        let rep = obx.field(15).rep(1);
        rep.component(2).text().or_else(|| rep.component(1).text())
    });
    who.extend(
        place
            .and_then(clean)
            .and_then(|name| object([("display", word(&name))])),
    );
    list(who)
}
