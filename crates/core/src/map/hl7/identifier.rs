//! Identifiers and who assigned them: CX, EI and HD (v2-to-FHIR `CX[Identifier]`, `EI[Identifier]`, `HD[uri]`).
//!
//! A number alone never identifies anybody; number and assigning authority do (HL7 v2.5.1 §2.A.14.4).

use std::collections::HashSet;

use bedside_hl7::message::{Message, Presence, Rep, Segment, Value as Component};
use bedside_identity::{is_stand_in, names_no_patient};
use serde_json::Value;

use super::json::{coding, object, one, text, word};
use crate::journal::LaneKey;
use crate::source::Source;

/// HL7 table 0203.
const IDENTIFIER_TYPE: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";

/// As many numbers of one patient are looked at.
const MOST: usize = 20;

/// A number of a patient, and how well its type names one.
pub(super) struct Number {
    /// 0 for a medical record number, 1 for a patient internal number, more for others.
    pub(super) rank: u8,
    pub(super) key: LaneKey,
}

/// The identifier that means the patient at this system: the best of `numbers`.
#[must_use]
pub fn primary_identifier(pid: &Segment<'_>, source: &Source) -> Option<LaneKey> {
    numbers(pid, source)
        .into_iter()
        .next()
        .map(|number| number.key)
}

/// The numbers that mean the patient at this system, best first.
///
/// Of the repetitions of PID-3 all medical record numbers and then all patient internal numbers, because their order in the field
/// means nothing; where there are none, one other. What names a stay or is shared by several is none of them, nor is
/// what was typed because there was no number. Without PID-3 the withdrawn PID-2 serves.
pub(super) fn numbers(pid: &Segment<'_>, source: &Source) -> Vec<Number> {
    [3, 2]
        .into_iter()
        .map(|field| strong(pid, field, source))
        .find(|numbers| !numbers.is_empty())
        .unwrap_or_default()
}

fn strong(segment: &Segment<'_>, field: usize, source: &Source) -> Vec<Number> {
    let mut seen = HashSet::new();
    let mut numbers: Vec<Number> = ranked(segment, field)
        .into_iter()
        .map(|(rank, rep)| Number {
            rank,
            key: key(&rep, source),
        })
        .filter(|number| seen.insert(number.key.clone()))
        .collect();
    let strong = numbers.iter().filter(|number| number.rank <= 1).count();
    numbers.truncate(strong.clamp(1, MOST));
    numbers
}

/// The lanes that a message joins: each patient it names, and for a merge those that go (MRG-1) as well.
#[must_use]
pub fn lanes(msg: &Message, source: &Source) -> Vec<LaneKey> {
    let mut lanes = Vec::new();
    let mut seen = HashSet::new();
    for segment in msg.segments() {
        let keys: Vec<LaneKey> = match segment.id() {
            "PID" => numbers(&segment, source)
                .into_iter()
                .map(|number| number.key)
                .collect(),
            "MRG" => priors(&segment, source)
                .into_iter()
                .chain(priors_too(&segment, source))
                .collect(),
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
    let ranked = ranked(mrg, 1);
    let Some((_, best)) = ranked.first() else {
        return Vec::new();
    };
    let kind = best.component(5).text();
    let best = key(best, source);
    let mut keys = Vec::new();
    let mut seen = HashSet::new();
    for (_, rep) in ranked
        .iter()
        .filter(|(_, rep)| rep.component(5).text() == kind)
    {
        let key = key(rep, source);
        if key.authority == best.authority && seen.insert(key.clone()) {
            keys.push(key);
        }
    }
    keys
}

/// The other numbers in MRG-1 of those who go: a record that is known by one of them goes too.
pub(super) fn priors_too(mrg: &Segment<'_>, source: &Source) -> Vec<LaneKey> {
    let best = priors(mrg, source);
    strong(mrg, 1, source)
        .into_iter()
        .map(|number| number.key)
        .filter(|key| !best.contains(key))
        .collect()
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
        (Some(id), "ISO") if is_oid(id.trim()) => format!("urn:oid:{}", id.trim()),
        (Some(id), "UUID" | "GUID") if is_uuid(id.trim()) => {
            format!("urn:uuid:{}", id.trim().to_lowercase())
        }
        (Some(id), "URI" | "URL") if id.contains("://") || id.trim().starts_with("urn:") => {
            id.trim().replace(char::is_whitespace, "")
        }
        (universal, _) => match namespace
            .filter(|name| !name.trim().is_empty())
            .or(universal)
        {
            // A namespace is a name of the system's own (design D2): every second hospital calls its authority `MRN`.
            Some(name) => format!(
                "urn:bedside:authority:{}:{}",
                escape(source.system.as_str()),
                escape(name.trim())
            ),
            // An authority that nobody named is the system's own, never one that all senders share.
            None => format!("urn:bedside:source:{}", source.system),
        },
    }
}

fn is_oid(text: &str) -> bool {
    text.starts_with(['0', '1', '2'])
        && text.split('.').count() > 2
        && text
            .split('.')
            .all(|arc| !arc.is_empty() && arc.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.split('-').map(str::len).eq([8, 4, 4, 4, 12])
        && text
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
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

/// Whether it is a number, and not what was typed because there was none.
fn usable(rep: &Rep<'_>) -> bool {
    rep.component(1).presence() == Presence::Value
        && rep
            .component(1)
            .text()
            .is_some_and(|text| !is_stand_in(&text))
}

/// The repetitions that can mean a patient, best first.
fn ranked<'a>(segment: &Segment<'a>, field: usize) -> Vec<(u8, Rep<'a>)> {
    let mut ranked: Vec<(u8, Rep<'a>)> = segment
        .field(field)
        .reps()
        .filter(usable)
        .filter_map(|rep| {
            let kind = rep.component(5).text().unwrap_or_default();
            let rank = match kind.trim() {
                "MR" | "MRN" => 0,
                "PI" => 1,
                "DL" | "PPN" => 3,
                other if names_no_patient(other) => return None,
                _ => 2,
            };
            Some((rank, rep))
        })
        .collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked
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
