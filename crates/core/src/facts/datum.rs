//! One observation as a value of a fact: the amount in the canonical unit, its times, its source, and every reason for doubt.
//!
//! What can't be read stays a value, without an amount: it makes the fact *unknown* and is never dropped for an older one that can.

use bedside_fact::clock::Timestamp;
use bedside_fact::known::{Datum, Gap, Quantity, Verification};
use bedside_fact::quantity::{Comparator, Decimal};
use bedside_fact::unit;
use bedside_fhir::resource::Quantity as Sent;
use bedside_fhir::resource::observation::{self, ObsValue};
use serde_json::Value;

use super::catalogue::{FactDef, Kind};
use super::concept;
use crate::chart::join::{Finding, Joined, is_correction};
use crate::chart::seen::{Moment, Seen};
use crate::chart::value::{Reading, reading};

/// Why an amount can't be had, in words.
pub(crate) type Trouble = &'static str;

/// A value and what stands in its way.
pub(super) struct Valued {
    pub(super) datum: Datum,
    /// Why it can't be used as the answer, if it can't.
    pub(super) gap: Option<Gap>,
    /// Those of equal rank that say something else.
    pub(super) against: Vec<Datum>,
    /// By what it is sorted: when it was true, never later than when we knew.
    pub(super) order: Timestamp,
}

/// The amount of an observation in the fact's unit, or why it can't be had; `None` when nothing was measured yet.
pub(crate) fn measure(fact: &FactDef, value: &Value) -> Option<Result<Quantity, Trouble>> {
    let waits = matches!(
        observation::status(value),
        Some("registered" | "preliminary")
    );
    match observation::value(value) {
        ObsValue::Quantity(sent) => Some(amount(fact, &sent)),
        ObsValue::Text(_) => Some(Err("the value is words, not a number")),
        ObsValue::Concept(_) => Some(Err("the value is a code, not a number")),
        ObsValue::Other(_) => Some(Err("the value is not a single number")),
        ObsValue::None { absent_reason } => {
            let part = observation::components(value)
                .into_iter()
                .find(|component| fact.is_coded(&component.code));
            match part.map(|component| component.value) {
                Some(ObsValue::Quantity(sent)) => Some(amount(fact, &sent)),
                Some(ObsValue::Text(_) | ObsValue::Concept(_) | ObsValue::Other(_)) => {
                    Some(Err("the value is not a number"))
                }
                Some(ObsValue::None { .. }) | None if waits && absent_reason.is_none() => None,
                Some(ObsValue::None { .. }) | None => Some(Err("no value was sent")),
            }
        }
    }
}

fn amount(fact: &FactDef, sent: &Sent) -> Result<Quantity, Trouble> {
    let Some(to) = fact.unit.as_deref() else {
        return Err("it is no amount");
    };
    let value = sent.value_text.as_deref().ok_or("no number was sent")?;
    let value = Decimal::parse(value).ok_or("the value is not a number")?;
    let written: Vec<&str> = [&sent.code, &sent.unit]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .filter(|text| !text.trim().is_empty())
        .collect();
    let read: Vec<&'static str> = written
        .iter()
        .filter_map(|text| unit::canonical(text))
        .collect();
    let from = match (read.as_slice(), written.is_empty()) {
        ([only], _) => *only,
        ([code, shown], _) if code == shown => *code,
        ([_, _, ..], _) => return Err("its unit is given in two ways that differ"),
        // A ratio has no unit, and many write none.
        ([], true) if to == "1" => "1",
        ([], true) => return Err("no unit was sent"),
        ([], false) => return Err("its unit can't be read"),
    };
    let value = unit::convert(&value, from, to, Some(&fact.analyte))
        .ok_or("its unit does not fit this test")?;
    Ok(Quantity {
        value,
        unit: to.to_owned(),
        comparator: match sent.comparator.as_deref() {
            None => None,
            Some("<") => Some(Comparator::Less),
            Some("<=") => Some(Comparator::LessOrEqual),
            Some(">=") => Some(Comparator::GreaterOrEqual),
            Some(">") => Some(Comparator::Greater),
            Some(_) => return Err("its comparator can't be read"),
        },
    })
}

/// What the join looks at; `None` when it is no result yet.
pub(super) fn finding<'a>(
    seen: &'a Seen<'a>,
    fact: &FactDef,
    moment: &Moment<'_>,
) -> Option<Finding<'a>> {
    let value = &seen.value;
    let concept = observation::code(value);
    let measured = measure(fact, value);
    let status = observation::status(value).unwrap_or("unknown").to_owned();
    if measured.is_none() && !crate::chart::join::is_withdrawn(&status) {
        return None;
    }
    let taken = observation::effective(value).map(str::to_owned);
    let numbers = bedside_fhir::resource::identifiers(value)
        .into_iter()
        .filter(|_| fact.by_number)
        .filter_map(|number| {
            Some(format!(
                "{}|{}",
                number.system.unwrap_or_default(),
                number.value?
            ))
        })
        .collect();
    Some(Finding {
        seen,
        key: fact.name.clone(),
        label: concept.label().unwrap_or_else(|| fact.name.clone()),
        // The code by which it is this fact: a local one beside it tells nothing apart.
        code: fact
            .codes
            .iter()
            .find(|code| concept.has(&code.system, &code.code))
            .map(|code| code.code.clone())
            .unwrap_or_default(),
        status,
        at: taken.as_deref().and_then(|text| moment.instant(text)),
        taken,
        canonical: measured.and_then(Result::ok).map(|quantity| quantity.value),
        reading: reading(value),
        numbers,
    })
}

/// A joined result as one value.
pub(super) fn valued(result: &Joined<'_>, fact: &FactDef, moment: &Moment<'_>) -> Valued {
    let (mut datum, gap, order) = datum(&result.lead, fact, moment);
    datum.sources.clone_from(&result.sources);
    let others = result.against.iter().chain(&result.before);
    datum
        .resources
        .extend(others.chain(&result.same).map(|other| name(other.seen)));
    if let Some(before) = result.before.first() {
        datum.corrected = Some(format!(
            "was {} ({}, {})",
            before.reading.words(),
            before.status,
            before.seen.stored.source
        ));
    }
    Valued {
        datum,
        gap,
        against: result
            .against
            .iter()
            .map(|other| self::datum(other, fact, moment).0)
            .collect(),
        order,
    }
}

fn datum(
    finding: &Finding<'_>,
    fact: &FactDef,
    moment: &Moment<'_>,
) -> (Datum, Option<Gap>, Timestamp) {
    let seen = finding.seen;
    let value = &seen.value;
    let mut doubts: Vec<String> = Vec::new();
    let (quantity, mut gap) = match (fact.kind, measure(fact, value)) {
        (Kind::Quantity, Some(Ok(quantity))) => (Some(quantity), None),
        (Kind::Quantity, Some(Err(trouble))) => {
            doubts.push(String::from(trouble));
            (None, Some(Gap::Unreadable))
        }
        (Kind::Quantity | Kind::List | Kind::Flag | Kind::Statement, _) => (None, None),
    };
    match finding.at {
        None if finding.taken.is_some() => doubts.push(String::from("its time can't be read")),
        None => doubts.push(String::from("the source gave no time")),
        Some(at) if moment.is_ahead(at) => {
            doubts.push(String::from("its time is in the future"));
            gap = gap.or(Some(Gap::Future));
        }
        Some(_) => {}
    }
    let verification = verification(finding);
    match finding.status.as_str() {
        "final" | "corrected" | "amended" | "appended" | "entered-in-error" | "cancelled" => {}
        "preliminary" => doubts.push(String::from("preliminary")),
        _ => doubts.push(String::from("its status is not known")),
    }
    match verification {
        Verification::PatientReported => doubts.push(String::from("reported by the patient")),
        Verification::Device => doubts.push(String::from("from a device, not reviewed")),
        Verification::Preliminary
        | Verification::Final
        | Verification::Corrected
        | Verification::Withdrawn => {}
    }
    doubts.extend(seen.waits());
    if seen.has_modifier() {
        doubts.push(String::from(
            "it carries a modifier that is not understood here",
        ));
    }
    if let Some(words) = specimen(&finding.reading) {
        doubts.push(String::from(words));
    }
    let beyond = |quantity: &Quantity| {
        fact.plausible.as_ref().is_some_and(|(low, high)| {
            quantity.value.compare(low).is_lt() || quantity.value.compare(high).is_gt()
        })
    };
    if quantity.as_ref().is_some_and(beyond) {
        doubts.push(String::from("beyond what is plausible"));
    }
    let received = seen.known();
    // A time that can't be true does not keep later results from being the newest.
    let order = finding.at.map_or(
        received,
        |at| if moment.is_ahead(at) { received } else { at },
    );
    let datum = Datum {
        label: finding.label.clone(),
        said: finding.reading.words(),
        quantity,
        codes: concept::codes(&observation::code(value)),
        detail: finding
            .reading
            .range
            .as_ref()
            .map(|range| format!("range {range}")),
        taken_at: finding.at,
        recorded_at: seen.recorded(),
        received_at: received,
        sources: vec![seen.stored.source.to_string()],
        verification,
        doubt: (!doubts.is_empty()).then(|| doubts.join("; ")),
        corrected: is_correction(&finding.status)
            .then(|| String::from("replaces an earlier value")),
        forbidden: false,
        patient: seen
            .stored
            .patient
            .clone()
            .unwrap_or_else(|| bedside_fact::id::ResourceId::new("")),
        resources: vec![name(seen)],
        seq: seen.stored.journal_seq,
        identity: match finding.at {
            Some(at) => format!("{}|{}", fact.name, at.as_second().div_euclid(60)),
            None => format!("{}|{}", fact.name, name(seen)),
        },
    };
    (datum, gap, order)
}

/// `Type/id`.
pub(super) fn name(seen: &Seen<'_>) -> String {
    format!("{}/{}", seen.stored.resource_type, seen.stored.id)
}

fn verification(finding: &Finding<'_>) -> Verification {
    let value = &finding.seen.value;
    let by = |prefix: &str| {
        let list = value.get("performer").and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(|who| who.get("reference").and_then(Value::as_str))
            .any(|who| who.contains(prefix))
    };
    match finding.status.as_str() {
        "entered-in-error" | "cancelled" => Verification::Withdrawn,
        "corrected" | "amended" | "appended" => Verification::Corrected,
        _ if by("Patient/") || by("RelatedPerson/") => Verification::PatientReported,
        "final" => Verification::Final,
        "preliminary" if value.get("device").is_some() => Verification::Device,
        _ => Verification::Preliminary,
    }
}

/// What was noted about the specimen, where it makes the value doubtful.
fn specimen(reading: &Reading) -> Option<&'static str> {
    const SIGNS: [(&str, &str); 4] = [
        ("hemoly", "specimen haemolysed"),
        ("haemoly", "specimen haemolysed"),
        ("clotted", "specimen clotted"),
        ("contaminat", "specimen contaminated"),
    ];
    let notes = reading.detail.join(" ").to_lowercase();
    SIGNS.into_iter().find_map(|(sign, words)| {
        let at = notes.find(sign)?;
        let before = notes
            .get(..at)?
            .split_whitespace()
            .next_back()
            .unwrap_or_default();
        (!matches!(before, "no" | "not" | "non" | "without")).then_some(words)
    })
}
