//! Medications: what was ordered or reported. Never *none* from an empty list, and old as soon as the source is silent.

use std::collections::HashMap;

use bedside_fact::clock::Timestamp;
use bedside_fact::known::Code;
use bedside_fact::state::State;
use bedside_fhir::resource::medication_request::Medication;
use bedside_fhir::resource::{CodeableConcept, medication_request, medication_statement};
use serde_json::Value;

use super::absence::absence;
use super::allergies::statement;
use super::item::{add_detail, base, because, doubt, doubt_future, withdrawn};
use super::listed::verdict;
use super::section::{Found, Kind, section};
use super::seen::{Moment, Seen, named};
use super::stale::{is_older, max_age_hours};
use super::view::{Item, Section};
use crate::completeness::Coverage;
use crate::facts::codes;
use crate::facts::ingredient::{self, Stance};
use crate::record::PersonRecord;

/// The section of medications.
pub(super) fn medications(
    record: &PersonRecord,
    seen: &[Seen<'_>],
    moment: &Moment<'_>,
) -> Section {
    let heard = last_heard(record, seen);
    let mut found = Found::default();
    let mut statements = Vec::new();
    let mut said: Vec<Line> = Vec::new();
    for one in seen {
        let value = &one.value;
        let is_order = match one.stored.resource_type.as_str() {
            "MedicationRequest" => true,
            "MedicationStatement" => false,
            _ => continue,
        };
        found.learned(one);
        let (status, taken, doses) = if is_order {
            (
                medication_request::status(value),
                medication_request::authored_on(value),
                medication_request::dosage_texts(value),
            )
        } else {
            let taken = medication_statement::effective(value)
                .or_else(|| medication_statement::asserted(value));
            (
                medication_statement::status(value),
                taken,
                medication_statement::dosage_texts(value),
            )
        };
        let status = status.unwrap_or("unknown");
        let (concept, name) = medication(value, seen);
        if matches!(status, "entered-in-error" | "cancelled" | "not-taken") {
            let words = if status == "not-taken" {
                "reported as not taken"
            } else {
                status
            };
            let label = name.unwrap_or_else(|| String::from("not named by the source"));
            found
                .withdrawn
                .push(withdrawn(one, moment, label, words, taken));
            continue;
        }
        if let Some(absence) = absence(&concept, Kind::Medications) {
            statements.push(statement(one, moment, absence, taken, ""));
            continue;
        }
        let mut item = base(one, moment, &concept, status, taken);
        if let Some(name) = name {
            item.label = name;
        } else {
            doubt(&mut item, "the medication is not named");
        }
        if value.get("doNotPerform").and_then(Value::as_bool) == Some(true) {
            item.label = format!("DO NOT GIVE: {}", item.label);
        }
        let intent = medication_request::intent(value).unwrap_or_default();
        if is_order && matches!(intent, "proposal" | "plan" | "option") {
            doubt(&mut item, &format!("a {intent}, not an order"));
        }
        if matches!(status, "draft" | "unknown" | "intended") {
            doubt(&mut item, &format!("status {status}"));
        }
        let reported = value.get("reportedBoolean").and_then(Value::as_bool) == Some(true)
            || reported_by_patient(value);
        if reported {
            doubt(&mut item, "reported, not ordered here");
        }
        // An order may start tomorrow; what was written tomorrow is wrong.
        doubt_future(&mut item, moment);
        for dose in doses {
            add_detail(&mut item, &dose);
        }
        age(&mut item, one, &heard, moment);
        said.push(Line::new(one, &concept, &item));
        found.items.push(item);
    }
    contradict(&mut found.items, &said);
    found.items.sort_by(|a, b| {
        (!is_active(&a.status), std::cmp::Reverse(a.at), &a.label).cmp(&(
            !is_active(&b.status),
            std::cmp::Reverse(b.at),
            &b.label,
        ))
    });
    let verdict = verdict(
        Kind::Medications,
        &found,
        &statements,
        is_active,
        record,
        moment,
    );
    section(Kind::Medications, found, Some(verdict), record, moment)
}

/// What the contradiction of an item and another source's goes by.
struct Line {
    source: String,
    codes: Vec<Code>,
    label: String,
    status: String,
    /// When the order was written, or when the source knew that it was stopped.
    at: Option<Timestamp>,
}

impl Line {
    fn new(seen: &Seen<'_>, concept: &CodeableConcept, item: &Item) -> Self {
        Self {
            source: seen.stored.source.to_string(),
            codes: codes(concept),
            label: item.label.clone(),
            status: item.status.clone(),
            at: if is_active(&item.status) {
                item.at
            } else {
                seen.recorded().or(item.at)
            },
        }
    }

    fn stance(&self) -> Stance<'_> {
        Stance {
            source: &self.source,
            codes: &self.codes,
            label: &self.label,
            at: self.at,
        }
    }
}

/// A medicine that one source lists and another has stopped is a conflict: a list can't overrule another's (design D12).
fn contradict(items: &mut [Item], said: &[Line]) {
    for (item, line) in items.iter_mut().zip(said) {
        let active = line.stance();
        let stopped = |other: &&Line| {
            // Who stopped one order and wrote another for the same medicine has not stopped it.
            let goes_on = said.iter().any(|one| {
                one.source == other.source
                    && is_active(&one.status)
                    && ingredient::is_same(&one.stance(), &active)
            });
            other.status == "stopped"
                && !goes_on
                && ingredient::contradicts(&other.stance(), &active)
        };
        if is_active(&line.status)
            && let Some(other) = said.iter().find(stopped)
        {
            item.state = State::Conflict;
            because(item, &format!("{} says stopped", other.source));
        }
    }
}

fn is_active(status: &str) -> bool {
    !matches!(status, "completed" | "stopped" | "ended")
}

/// When each source was last heard of, by source.
fn last_heard(record: &PersonRecord, seen: &[Seen<'_>]) -> HashMap<String, Timestamp> {
    let mut heard: HashMap<String, Timestamp> = HashMap::new();
    let mut note = |source: &str, at: Timestamp| {
        let last = heard.entry(source.to_owned()).or_insert(at);
        *last = (*last).max(at);
    };
    for one in seen {
        note(one.stored.source.as_str(), one.known());
    }
    for asked in record
        .completeness
        .iter()
        .filter(|asked| asked.coverage == Coverage::Complete)
    {
        if let Ok(at) = Timestamp::from_microsecond(asked.asked_at) {
            note(&asked.source, at);
        }
    }
    heard
}

fn age(item: &mut Item, seen: &Seen<'_>, heard: &HashMap<String, Timestamp>, moment: &Moment<'_>) {
    let Some(hours) = max_age_hours(Kind::Medications) else {
        return;
    };
    let silent = heard
        .get(seen.stored.source.as_str())
        .filter(|last| is_older(**last, moment.at, hours));
    if let Some(last) = silent
        && is_active(&item.status)
    {
        if item.state == State::Present {
            item.state = State::Stale;
        }
        because(
            item,
            &format!(
                "{} was last heard {}",
                seen.stored.source,
                moment.words(*last)
            ),
        );
    }
}

/// The medication's concept and name; a reference to a Medication of the same record is followed.
fn medication(value: &Value, seen: &[Seen<'_>]) -> (CodeableConcept, Option<String>) {
    match medication_request::medication(value) {
        Some(Medication::Concept(concept)) => {
            let name = concept.label();
            (concept, name)
        }
        Some(Medication::Reference(reference)) => {
            let target = reference
                .reference
                .as_deref()
                .and_then(|to| to.strip_prefix("Medication/"));
            let kept = target.and_then(|id| {
                seen.iter().find(|other| {
                    other.stored.resource_type == "Medication" && other.stored.id.as_str() == id
                })
            });
            match kept {
                Some(kept) => {
                    let concept = bedside_fhir::resource::condition::code(&kept.value);
                    let name = concept.label().or_else(|| named(&reference));
                    (concept, name)
                }
                None => (CodeableConcept::default(), named(&reference)),
            }
        }
        None => (CodeableConcept::default(), None),
    }
}

fn reported_by_patient(value: &Value) -> bool {
    let source = value
        .get("informationSource")
        .and_then(|source| source.get("reference"));
    source
        .and_then(Value::as_str)
        .is_some_and(|to| to.contains("Patient/") || to.contains("RelatedPerson/"))
}
