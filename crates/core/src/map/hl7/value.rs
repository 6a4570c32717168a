//! OBX-5 by OBX-2 into `value[x]` (v2-to-FHIR `OBX[Observation]`), and OBX-7.
//!
//! A number keeps the digits that were sent. What is not what its type says becomes text with a note, never a guess.

use bedside_hl7::message::{Presence, Rep, Segment};
use serde_json::{Map, Value};

use super::code::concept;
use super::json::{clean, object, one, text};
use super::reader::Reader;
use super::unit::{Unit, unit};

/// What OBX-5 says.
pub(super) enum Said {
    /// `value[x]`: the member's name and its value.
    One(&'static str, Value),
    /// Repetitions of one coded or numeric answer.
    Many(Vec<(&'static str, Value)>),
    /// Nothing, with the `data-absent-reason` code.
    Nothing(&'static str),
}

/// Whether the type is running text whose segments belong together.
pub(super) fn is_text(kind: &str) -> bool {
    matches!(kind, "TX" | "FT" | "ST" | "")
}

/// OBX-2, upper case.
pub(super) fn kind(obx: &Segment<'_>) -> String {
    obx.field(2)
        .component(1)
        .text()
        .unwrap_or_default()
        .trim()
        .to_uppercase()
}

/// The running text of an OBX: repetitions are lines.
pub(super) fn lines(obx: &Segment<'_>) -> Vec<String> {
    // An empty line inside a report is a line.
    if obx.field(5).presence() != Presence::Value {
        return vec![String::new()];
    }
    obx.field(5)
        .reps()
        .map(|rep| rep.plain().unwrap_or_default())
        .collect()
}

/// OBX-5 of anything but running text.
pub(super) fn said(rd: &Reader<'_>, obx: &Segment<'_>) -> Said {
    let kind = kind(obx);
    if obx.field(5).presence() != Presence::Value {
        return Said::Nothing("unknown");
    }
    if matches!(kind.as_str(), "ED" | "RP") {
        rd.note(
            obx,
            5,
            "embedded document: kept in the journal, not decoded",
        );
        return Said::Nothing("unsupported");
    }
    let unit = unit(&obx.field(6));
    let mut values: Vec<(&'static str, Value)> = Vec::new();
    for rep in obx
        .field(5)
        .reps()
        .filter(|rep| rep.presence() == Presence::Value)
    {
        values.extend(value(rd, obx, &kind, &rep, unit.as_ref()));
    }
    if values.len() > 1 {
        return Said::Many(values);
    }
    match values.pop() {
        Some((name, value)) => Said::One(name, value),
        None => Said::Nothing("unknown"),
    }
}

/// OBX-7 as a reference range: its text, and its limits where they are numbers.
pub(super) fn range(obx: &Segment<'_>) -> Option<Value> {
    let said = obx.field(7).plain().and_then(clean)?;
    let unit = unit(&obx.field(6));
    let limit = |number: &str| quantity(number.trim(), None, unit.as_ref());
    let (low, high) = limits(&said);
    object([
        ("low", low.and_then(limit)),
        ("high", high.and_then(limit)),
        ("text", text(Some(said.clone()))),
    ])
}

/// A quantity; `None` when the text is no number.
fn quantity(number: &str, comparator: Option<&str>, unit: Option<&Unit>) -> Option<Value> {
    let number = bedside_hl7::number::parse(number);
    let json = number.json?;
    let mut quantity = Map::new();
    // Arbitrary precision keeps the text of the number.
    quantity.insert(String::from("value"), serde_json::from_str(&json).ok()?);
    if let Some(comparator) = comparator.or(number.comparator) {
        quantity.insert(String::from("comparator"), Value::from(comparator));
    }
    if let Some(unit) = unit {
        unit.onto(&mut quantity);
    }
    Some(Value::Object(quantity))
}

fn value(
    rd: &Reader<'_>,
    obx: &Segment<'_>,
    kind: &str,
    rep: &Rep<'_>,
    unit: Option<&Unit>,
) -> Option<(&'static str, Value)> {
    let whole = || rep.plain().and_then(clean);
    let part = |n: usize| rep.component(n).text().and_then(clean);
    let string = || text(whole()).map(|value| ("valueString", value));
    match kind {
        "NM" => {
            let number = quantity(&whole()?, None, unit);
            number.map(|number| ("valueQuantity", number)).or_else(|| {
                rd.note(obx, 5, "not a number");
                string()
            })
        }
        "SN" => structured(rep, unit).or_else(|| {
            let words = [
                part(1),
                part(2),
                part(3),
                part(4),
                unit.map(|unit| unit.text().to_owned()),
            ];
            text(Some(
                words.into_iter().flatten().collect::<Vec<_>>().join(" "),
            ))
            .map(|value| ("valueString", value))
        }),
        "NR" => {
            let limit = |n: usize| part(n).and_then(|number| quantity(&number, None, unit));
            object([("low", limit(1)), ("high", limit(2))])
                .map(|range| ("valueRange", range))
                .or_else(string)
        }
        "CE" | "CWE" | "CNE" | "CF" | "IS" | "ID" => {
            concept(rep, None, rd.source()).map(|concept| ("valueCodeableConcept", concept))
        }
        "DT" | "TS" | "DTM" => part(1)
            .and_then(|time| rd.time_of(&time))
            .map(|time| ("valueDateTime", Value::from(time)))
            .or_else(|| {
                rd.note(obx, 5, "not a time");
                string()
            }),
        "TM" => part(1)
            .and_then(|time| clock(&time))
            .map(|time| ("valueTime", Value::from(time)))
            .or_else(|| {
                rd.note(obx, 5, "not a time of day");
                string()
            }),
        "DR" => {
            let time = |n: usize| part(n).and_then(|time| rd.time_of(&time)).map(Value::from);
            object([("start", time(1)), ("end", time(2))])
                .map(|period| ("valuePeriod", period))
                .or_else(string)
        }
        // A type that is missing or unknown is read as text.
        _ => string(),
    }
}

/// SN (HL7 v2.5.1 §2.A.70): `^100`, `>^100`, `^1^:^128`, `^2^-^5`. Other forms are text.
fn structured(rep: &Rep<'_>, unit: Option<&Unit>) -> Option<(&'static str, Value)> {
    let part = |n: usize| rep.component(n).text().and_then(clean);
    let comparator = match part(1).as_deref() {
        None | Some("=") => None,
        Some("<") => Some("<"),
        Some("<=") => Some("<="),
        Some(">") => Some(">"),
        Some(">=") => Some(">="),
        Some(_) => return None,
    };
    let first = part(2).and_then(|number| quantity(&number, comparator, unit));
    match (first, part(3).as_deref(), part(4)) {
        (Some(first), None, None) => Some(("valueQuantity", first)),
        (Some(low), Some("-"), Some(high)) if comparator.is_none() => {
            let high = quantity(&high, None, unit)?;
            object([("low", Some(low)), ("high", Some(high))]).map(|range| ("valueRange", range))
        }
        (Some(numerator), Some(":" | "/"), Some(denominator)) => {
            // A titre has no unit: the unit of OBX-6 belongs to neither part.
            let denominator = quantity(&denominator, None, None)?;
            object([
                ("numerator", Some(numerator)),
                ("denominator", Some(denominator)),
            ])
            .map(|ratio| ("valueRatio", ratio))
        }
        _ => None,
    }
}

/// TM as a FHIR time, which has no offset and always seconds.
fn clock(text: &str) -> Option<String> {
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    let pair = |at: usize, limit: u8| {
        digits
            .get(at..at + 2)
            .and_then(|pair| pair.parse::<u8>().ok())
            .filter(|&part| part < limit)
    };
    match digits.len() {
        4 => Some(format!("{:02}:{:02}:00", pair(0, 24)?, pair(2, 60)?)),
        6 => Some(format!(
            "{:02}:{:02}:{:02}",
            pair(0, 24)?,
            pair(2, 60)?,
            pair(4, 60)?
        )),
        _ => None,
    }
}

/// `3.5-5.1`, `< 5.0`, `>=60`: the limits in a range's text.
fn limits(text: &str) -> (Option<&str>, Option<&str>) {
    let text = text.trim();
    for (sign, low) in [("<=", false), (">=", true), ("<", false), (">", true)] {
        if let Some(number) = text.strip_prefix(sign) {
            return if low {
                (Some(number), None)
            } else {
                (None, Some(number))
            };
        }
    }
    // A minus at the start is a sign; the first one after it parts the two numbers.
    let start = usize::from(text.starts_with('-'));
    let dash = text
        .get(start..)
        .and_then(|rest| rest.find('-'))
        .map(|at| at + start);
    match dash.and_then(|at| Some((text.get(..at)?, text.get(at + 1..)?))) {
        Some((low, high)) if is_number(low) && is_number(high) => (Some(low), Some(high)),
        _ => (None, None),
    }
}

fn is_number(text: &str) -> bool {
    let number = bedside_hl7::number::parse(text);
    number.json.is_some() && number.comparator.is_none()
}

/// One answer of several, as a component of the same question.
pub(super) fn component(code: &Value, (name, value): (&'static str, Value)) -> Option<Value> {
    object([("code", Some(code.clone())), (name, Some(value))])
}

/// A data-absent-reason.
pub(super) fn absent(reason: &str) -> Option<Value> {
    let coding = super::json::coding(
        "http://terminology.hl7.org/CodeSystem/data-absent-reason",
        reason,
        None,
    );
    object([("coding", one(coding))])
}
