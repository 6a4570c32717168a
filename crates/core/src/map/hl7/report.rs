//! OBR into `DiagnosticReport` (v2-to-FHIR `OBR[DiagnosticReport]`).

use bedside_fact::id::ResourceId;
use bedside_hl7::message::{Presence, Segment};
use serde_json::{Map, Value, json};

use super::code::{Code, codes, concept};
use super::identifier::entity;
use super::json::{clean, list, object, one, reference, text, word};
use super::observation::{Order, minute};
use super::reader::Reader;
use crate::record::{Draft, Join};

/// The number that the results of an order share: the filler's, else the placer's, else the service.
pub(super) fn number(rd: &Reader<'_>, obr: &Segment<'_>) -> String {
    for field in [3, 2] {
        let rep = obr.field(field).rep(1);
        if rep.component(1).presence() == Presence::Value {
            let part = |n: usize| {
                rep.component(n)
                    .text()
                    .unwrap_or_default()
                    .trim()
                    .to_owned()
            };
            let authority = [part(2), part(3)]
                .into_iter()
                .find(|name| !name.is_empty())
                .unwrap_or_default();
            return format!("{field}\u{1e}{authority}\u{1e}{}", part(1));
        }
    }
    format!("4\u{1e}{}", service(rd, obr))
}

/// What tells one report of a patient from another: one filler number may cover several services of one specimen, and may be used
/// again for another specimen.
pub(super) fn key(rd: &Reader<'_>, obr: &Segment<'_>, number: &str) -> String {
    let at = minute(rd, obr, 7).unwrap_or_default();
    format!("{number}\u{1f}{}\u{1f}{at}", service(rd, obr))
}

/// The report as the message states it, with the results that came with it.
pub(super) fn draft(
    rd: &Reader<'_>,
    order: &Order<'_>,
    obr: &Segment<'_>,
    results: &[ResourceId],
    notes: &[String],
) -> Draft {
    let source = rd.source();
    let source_id = format!("{}\u{1f}{}", order.patient, key(rd, obr, &order.key));
    let mut body = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    let mut initial = Vec::new();
    put("resourceType", Some(Value::from("DiagnosticReport")));
    let notes = notes.iter().filter_map(|note| {
        object([
            (
                "url",
                word("http://hl7.org/fhir/5.0/StructureDefinition/extension-DiagnosticReport.note"),
            ),
            ("valueAnnotation", Some(json!({"text": note}))),
        ])
    });
    put("extension", list(notes.collect()));
    let numbers = [(2, "PLAC"), (3, "FILL")];
    let numbers = numbers
        .into_iter()
        .filter_map(|(field, kind)| entity(&obr.field(field).rep(1), kind, source));
    put("identifier", list(numbers.collect()));
    let status = match obr.field(25).component(1).text().unwrap_or_default().trim() {
        "O" | "I" | "S" | "N" => "registered",
        "A" | "R" => "partial",
        "P" | "M" => "preliminary",
        "C" => "corrected",
        "F" => "final",
        "X" => "cancelled",
        said => {
            if !said.is_empty() && !matches!(said, "Y" | "Z") {
                rd.note(obr, 25, "not in table 0123");
            }
            initial.push(String::from("status"));
            "unknown"
        }
    };
    put("status", word(status));
    put(
        "category",
        one(concept(&obr.field(24).rep(1), Some("0074"), source)),
    );
    let code = concept(&obr.field(4).rep(1), None, source);
    if code.is_none() {
        rd.note(obr, 4, "no service identifier");
        initial.push(String::from("code"));
    }
    put("code", code.or_else(|| Some(json!({"text": "not stated"}))));
    put("subject", reference("Patient", order.patient));
    put(
        "encounter",
        order.encounter.and_then(|id| reference("Encounter", id)),
    );
    let start = rd.time(obr, 7);
    let end = rd.time(obr, 8);
    let mut remove = Vec::new();
    match end {
        Some(end) => {
            remove.push(String::from("effectiveDateTime"));
            put(
                "effectivePeriod",
                object([("start", text(start.clone())), ("end", text(Some(end)))]),
            );
        }
        None => put("effectiveDateTime", text(start.clone())),
    }
    let issued = rd.instant(obr, 22);
    put("issued", issued.clone().map(Value::String));
    let field = obr.field(32);
    let interpreters = field.reps().filter_map(|rep| {
        let who = rep.component(1);
        let words = [who.sub(3), who.sub(2)]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ");
        object([("display", text(clean(words)))])
    });
    put("resultsInterpreter", list(interpreters.collect()));
    put(
        "result",
        list(
            results
                .iter()
                .filter_map(|id| reference("Observation", id))
                .collect(),
        ),
    );
    Draft {
        resource_type: String::from("DiagnosticReport"),
        id: rd.public("DiagnosticReport", &source_id),
        source_id,
        patient: Some(order.patient.clone()),
        body: Value::Object(body),
        text: None,
        join: Join::Overlay { remove, initial },
        when: start.and_then(|start| rd.span(&start)),
        source_time: rd.source_time(issued.as_deref()),
    }
}

fn service(rd: &Reader<'_>, obr: &Segment<'_>) -> String {
    codes(&obr.field(4).rep(1), None, rd.source())
        .first()
        .map(Code::key)
        .unwrap_or_default()
}
