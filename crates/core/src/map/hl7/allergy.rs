//! AL1 into `AllergyIntolerance` (v2-to-FHIR `AL1[AllergyIntolerance]`).
//!
//! A message without AL1 says nothing about allergies. "No known allergies" is a statement of its own: it is kept as the coded
//! assertion that it is, so that nobody has to read *none* out of an empty list.

use bedside_fact::id::ResourceId;
use bedside_hl7::message::{Presence, Segment};
use serde_json::{Map, Value, json};

use super::code::{Code, SNOMED, codes, concept};
use super::json::{clean, coded, list, object, reference, word};
use super::reader::Reader;
use crate::record::{Draft, Join};

const CLINICAL: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
const VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";

/// What "none" can be said of: SNOMED CT code, display, and how senders write it.
const NONE_KNOWN: [(&str, &str, &[&str]); 4] = [
    (
        "716186003",
        "No known allergy",
        &[
            "NKA",
            "NKFDA",
            "NO KNOWN ALLERGY",
            "NO KNOWN ALLERGIES",
            "NO ALLERGIES KNOWN",
        ],
    ),
    (
        "409137002",
        "No known drug allergy",
        &[
            "NKDA",
            "NO KNOWN DRUG ALLERGY",
            "NO KNOWN DRUG ALLERGIES",
            "NO KNOWN MEDICATION ALLERGIES",
        ],
    ),
    (
        "429625007",
        "No known food allergy",
        &["NKFA", "NO KNOWN FOOD ALLERGY", "NO KNOWN FOOD ALLERGIES"],
    ),
    (
        "428607008",
        "No known environmental allergy",
        &[
            "NO KNOWN ENVIRONMENTAL ALLERGY",
            "NO KNOWN ENVIRONMENTAL ALLERGIES",
        ],
    ),
];

/// The allergies that the message states.
pub(super) fn drafts(
    rd: &Reader<'_>,
    segments: &[Segment<'_>],
    patient: &ResourceId,
) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = Vec::new();
    let mut real = false;
    let mut none = false;
    for al1 in segments {
        if al1.field(3).presence() == Presence::Null {
            rd.note(
                al1,
                3,
                "removes an allergy that it does not name: not applied",
            );
            continue;
        }
        let draft = match none_known(rd, al1) {
            Some(said) => {
                none = true;
                Some(assertion(rd, al1, said, patient))
            }
            None => allergy(rd, al1, patient).inspect(|_| real = true),
        };
        drafts.extend(draft);
    }
    if real && !none {
        // The same source now names an allergy where it said "none known": its older statement no longer stands.
        drafts.extend(
            NONE_KNOWN
                .iter()
                .take(2)
                .map(|(code, _, _)| refuted(rd, code, patient)),
        );
    }
    drafts
}

fn allergy(rd: &Reader<'_>, al1: &Segment<'_>, patient: &ResourceId) -> Option<Draft> {
    let source = rd.source();
    let rep = al1.field(3).rep(1);
    let Some(code) = concept(&rep, None, source) else {
        rd.note(al1, 3, "no allergen");
        return None;
    };
    let codes = codes(&rep, None, source);
    let name = code
        .get("text")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_uppercase();
    let source_id = format!("{patient}\u{1f}{}", codes.first().map_or(name, Code::key));
    let mut remove = Vec::new();
    let mut body = start(patient);
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    put("code", Some(code));
    let (category, kind) = match al1.field(2).component(1).text().unwrap_or_default().trim() {
        "DA" => (Some("medication"), Some("allergy")),
        "FA" => (Some("food"), Some("allergy")),
        "EA" | "PA" | "LA" => (Some("environment"), Some("allergy")),
        "AA" => (Some("biologic"), Some("allergy")),
        "MA" => (None, Some("allergy")),
        _ => (None, None),
    };
    put("type", kind.and_then(word));
    put(
        "category",
        category
            .and_then(word)
            .map(|category| Value::Array(vec![category])),
    );
    let (criticality, severity) = match al1.field(4).component(1).text().unwrap_or_default().trim()
    {
        "SV" => (Some("high"), Some("severe")),
        "MO" => (None, Some("moderate")),
        "MI" => (Some("low"), Some("mild")),
        _ => (None, None),
    };
    if al1.field(4).presence() == Presence::Null || (severity.is_some() && criticality.is_none()) {
        remove.push(String::from("criticality"));
    }
    put("criticality", criticality.and_then(word));
    if al1.field(5).presence() == Presence::Null {
        remove.push(String::from("reaction"));
    }
    let signs: Vec<Value> = al1
        .field(5)
        .reps()
        .filter_map(|rep| rep.plain().and_then(clean))
        .map(|sign| json!({"text": sign}))
        .collect();
    // FHIR demands a manifestation in a reaction: a severity alone has no place there and shows as the criticality.
    let severity = severity.filter(|_| !signs.is_empty()).and_then(word);
    let reaction = object([("manifestation", list(signs)), ("severity", severity)]);
    put(
        "reaction",
        reaction.map(|reaction| Value::Array(vec![reaction])),
    );
    let onset = rd.time(al1, 6);
    put("onsetDateTime", onset.clone().map(Value::String));
    Some(Draft {
        resource_type: String::from("AllergyIntolerance"),
        id: rd.public("AllergyIntolerance", &source_id),
        source_id,
        patient: Some(patient.clone()),
        body: Value::Object(body),
        text: None,
        join: Join::Overlay {
            remove,
            initial: Vec::new(),
        },
        when: onset.and_then(|onset| rd.span(&onset)),
        source_time: rd.source_time(None),
    })
}

/// Which "none known" a segment states, if it states one.
fn none_known(rd: &Reader<'_>, al1: &Segment<'_>) -> Option<(&'static str, &'static str)> {
    let rep = al1.field(3).rep(1);
    let codes = codes(&rep, None, rd.source());
    let words: Vec<String> = [1, 2, 4, 5, 9]
        .into_iter()
        .filter_map(|n| rep.component(n).text())
        .map(|text| text.trim().trim_end_matches('.').to_uppercase())
        .collect();
    NONE_KNOWN.iter().find_map(|(code, display, names)| {
        let coded = codes
            .iter()
            .any(|said| said.system == SNOMED && said.code == *code);
        let named = words.iter().any(|word| names.contains(&word.as_str()));
        (coded || named).then_some((*code, *display))
    })
}

fn assertion(
    rd: &Reader<'_>,
    al1: &Segment<'_>,
    (code, display): (&str, &str),
    patient: &ResourceId,
) -> Draft {
    let source = rd.source();
    let mut codings = vec![json!({"system": SNOMED, "code": code, "display": display})];
    let sent = codes(&al1.field(3).rep(1), None, source);
    codings.extend(
        sent.iter()
            .filter(|said| said.system != SNOMED || said.code != code)
            .filter_map(Code::coding),
    );
    let mut body = start(patient);
    body.insert(
        String::from("code"),
        json!({"coding": codings, "text": display}),
    );
    let onset = rd.time(al1, 6);
    let mut draft = bare(rd, code, patient, body, Join::Replace);
    draft.when = onset.and_then(|onset| rd.span(&onset));
    draft
}

fn refuted(rd: &Reader<'_>, code: &str, patient: &ResourceId) -> Draft {
    let mut body = Map::new();
    body.insert(
        String::from("resourceType"),
        Value::from("AllergyIntolerance"),
    );
    body.extend(
        coded(VERIFICATION, "refuted", None)
            .map(|status| (String::from("verificationStatus"), status)),
    );
    // FHIR R4 ait-1 and ait-2: a refuted statement keeps its clinical status; it is no longer active.
    body.extend(
        coded(CLINICAL, "inactive", None).map(|status| (String::from("clinicalStatus"), status)),
    );
    bare(rd, code, patient, body, Join::Amend { remove: Vec::new() })
}

fn bare(
    rd: &Reader<'_>,
    code: &str,
    patient: &ResourceId,
    body: Map<String, Value>,
    join: Join,
) -> Draft {
    let source_id = format!("{patient}\u{1f}{SNOMED}\u{1e}{code}");
    Draft {
        resource_type: String::from("AllergyIntolerance"),
        id: rd.public("AllergyIntolerance", &source_id),
        source_id,
        patient: Some(patient.clone()),
        body: Value::Object(body),
        text: None,
        join,
        when: None,
        source_time: rd.source_time(None),
    }
}

fn start(patient: &ResourceId) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert(
        String::from("resourceType"),
        Value::from("AllergyIntolerance"),
    );
    body.extend(
        coded(CLINICAL, "active", None).map(|status| (String::from("clinicalStatus"), status)),
    );
    body.extend(reference("Patient", patient).map(|patient| (String::from("patient"), patient)));
    body
}
