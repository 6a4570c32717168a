//! Identifiers and who assigned them: CX, EI and HD (v2-to-FHIR `CX[Identifier]`, `EI[Identifier]`, `HD[uri]`).
//!
//! A number alone never identifies anybody; number and assigning authority do (HL7 v2.5.1 §2.A.14.4).

use std::collections::HashSet;

use bedside_hl7::message::{Message, Presence, Rep, Segment, Value as Component};
use serde_json::Value;

use super::json::{coding, object, one, text, word};
use crate::journal::LaneKey;
use crate::source::Source;

/// HL7 table 0203.
const IDENTIFIER_TYPE: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";

/// The identifier that means the patient at this system.
///
/// Of the repetitions of PID-3: a medical record number before a patient internal number before others; visit and account
/// numbers last, because they name a stay. Without PID-3 the withdrawn PID-2 serves.
#[must_use]
pub fn primary_identifier(pid: &Segment<'_>, source: &Source) -> Option<LaneKey> {
    [3, 2]
        .into_iter()
        .find_map(|field| primary(pid, field).map(|rep| key(&rep, source)))
}

/// The lanes that a message joins: each patient it names, and for a merge those that go (MRG-1) as well.
#[must_use]
pub fn lanes(msg: &Message, source: &Source) -> Vec<LaneKey> {
    let mut lanes = Vec::new();
    let mut seen = HashSet::new();
    for segment in msg.segments() {
        let keys = match segment.id() {
            "PID" => primary_identifier(&segment, source).into_iter().collect(),
            "MRG" => priors(&segment, source),
            _ => Vec::new(),
        };
        for key in keys {
            if seen.insert(key.clone()) {
                lanes.push(key);
            }
        }
    }
    lanes
}

/// The patients that go in a merge: of MRG-1 the best repetition and those of its authority and type, because the field
/// also lists the same patient's numbers of other kinds.
pub(super) fn priors(mrg: &Segment<'_>, source: &Source) -> Vec<LaneKey> {
    let Some(best) = primary(mrg, 1) else {
        return Vec::new();
    };
    let kind = best.component(5).text();
    let best = key(&best, source);
    let mut keys = Vec::new();
    let mut seen = HashSet::new();
    for rep in mrg
        .field(1)
        .reps()
        .filter(|rep| usable(rep) && rep.component(5).text() == kind)
    {
        let key = key(&rep, source);
        if key.authority == best.authority && seen.insert(key.clone()) {
            keys.push(key);
        }
    }
    keys
}

/// What a resource of the source is called by: authority and value cannot run into each other.
pub(super) fn source_id(key: &LaneKey) -> String {
    format!("{}\u{1f}{}", key.authority, key.value)
}

/// Authority and value of a CX.
pub(super) fn key(rep: &Rep<'_>, source: &Source) -> LaneKey {
    let authority = [rep.component(4), rep.component(9)]
        .into_iter()
        .find_map(|hd| named(&hd))
        .unwrap_or_else(|| format!("urn:bedside:source:{}", source.system));
    LaneKey {
        authority,
        value: rep
            .component(1)
            .text()
            .unwrap_or_default()
            .trim()
            .to_owned(),
    }
}

/// A CX as a FHIR Identifier.
pub(super) fn identifier(rep: &Rep<'_>, source: &Source) -> Option<Value> {
    let value = text(rep.component(1).text())?;
    let authority = if named(&rep.component(4)).is_some() {
        rep.component(4)
    } else {
        rep.component(9)
    };
    let kind = rep.component(5).text();
    object([
        (
            "type",
            object([(
                "coding",
                one(kind.and_then(|kind| coding(IDENTIFIER_TYPE, kind.trim(), None))),
            )]),
        ),
        ("system", word(&system(&authority, source))),
        ("value", Some(value)),
        ("assigner", object([("display", text(named(&authority)))])),
    ])
}

/// An identifier of a known system and type.
pub(super) fn known(system: &str, kind: &str, value: Option<String>) -> Option<Value> {
    object([
        (
            "type",
            object([("coding", one(coding(IDENTIFIER_TYPE, kind, None)))]),
        ),
        ("system", word(system)),
        ("value", Some(text(value)?)),
    ])
}

/// An EI: number in component 1, authority in components 2 to 4.
pub(super) fn entity(rep: &Rep<'_>, kind: &str, source: &Source) -> Option<Value> {
    let value = text(rep.component(1).text())?;
    let part = |n: usize| rep.component(n).text();
    object([
        (
            "type",
            object([("coding", one(coding(IDENTIFIER_TYPE, kind, None)))]),
        ),
        ("system", word(&uri(part(2), part(3), part(4), source))),
        ("value", Some(value)),
    ])
}

/// An HD as a URI.
pub(super) fn system(hd: &Component<'_>, source: &Source) -> String {
    uri(hd.sub(1), hd.sub(2), hd.sub(3), source)
}

fn uri(
    namespace: Option<String>,
    universal: Option<String>,
    kind: Option<String>,
    source: &Source,
) -> String {
    let kind = kind.unwrap_or_default().trim().to_uppercase();
    match (universal.filter(|id| !id.trim().is_empty()), kind.as_str()) {
        (Some(id), "ISO") => format!("urn:oid:{}", escape(id.trim())),
        (Some(id), "UUID" | "GUID") => format!("urn:uuid:{}", escape(id.trim())),
        (Some(id), "URI" | "URL") if id.contains(':') => id.trim().replace(char::is_whitespace, ""),
        (universal, _) => match namespace
            .filter(|name| !name.trim().is_empty())
            .or(universal)
        {
            Some(name) => format!("urn:bedside:authority:{}", escape(name.trim())),
            // An authority that nobody named is the system's own, never one that all senders share.
            None => format!("urn:bedside:source:{}", source.system),
        },
    }
}

/// Percent-encodes what a URI may not hold as it is (RFC 3986 §2.3).
pub(super) fn escape(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String can't fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn named(hd: &Component<'_>) -> Option<String> {
    [1, 2]
        .into_iter()
        .find_map(|n| hd.sub(n))
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
}

fn usable(rep: &Rep<'_>) -> bool {
    rep.component(1).presence() == Presence::Value
        && rep
            .component(1)
            .text()
            .is_some_and(|text| !text.trim().is_empty())
}

fn primary<'a>(segment: &Segment<'a>, field: usize) -> Option<Rep<'a>> {
    segment
        .field(field)
        .reps()
        .filter(usable)
        .min_by_key(
            |rep| match rep.component(5).text().unwrap_or_default().trim() {
                "MR" | "MRN" => 0,
                "PI" => 1,
                "SS" | "DL" | "PPN" => 3,
                "AN" | "VN" => 4,
                _ => 2,
            },
        )
}

/// The identifier of a patient that a merge names, with the system that its own messages give it.
pub(super) fn of_merge(rd: &super::reader::Reader<'_>, wanted: &LaneKey) -> Value {
    let source = rd.source();
    let mut found = Vec::new();
    for mrg in rd.msg.all("MRG") {
        let field = mrg.field(1);
        let same = field
            .reps()
            .filter(|rep| usable(rep) && key(rep, source) == *wanted);
        found.extend(same.filter_map(|rep| identifier(&rep, source)));
    }
    found.truncate(1);
    Value::Array(found)
}
