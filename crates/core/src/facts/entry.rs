//! One resource of a list as an entry: what it names, whether it stands, and every reason for doubt.

use bedside_fact::clock::Timestamp;
use bedside_fact::id::ResourceId;
use bedside_fact::known::{Datum, Verification};
use bedside_fhir::resource::medication_request::Medication;
use bedside_fhir::resource::{
    CodeableConcept, allergy_intolerance as allergy, condition, medication_request,
    medication_statement,
};
use serde_json::Value;

use super::concept;
use super::datum::name;
use crate::chart::absence::{Absence, absence};
use crate::chart::section::Kind;
use crate::chart::seen::{Moment, Seen, named};

/// Whether an entry counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It holds.
    Active,
    /// It held once.
    Ended,
    /// It was looked into and is not so.
    Refuted,
    /// It was made in error, or taken back.
    Withdrawn,
    /// It is no entry but a statement that there is none.
    Stated(Absence),
    /// It is an order not to give something: shown, and nothing that the patient takes.
    Forbidden,
}

/// One entry of a list.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) datum: Datum,
    pub(super) standing: Standing,
    /// Somebody ended it before its time.
    pub(super) stopped: bool,
    /// Of an allergy: it may be one to a drug.
    pub(super) is_drug: bool,
    /// What the source says of it: `stopped`, `resolved`, `refuted`.
    pub(super) word: String,
    /// Another source says that it does not hold.
    pub(super) contradicted: bool,
}

impl Entry {
    /// The newest first, then by what it names: the same whatever it arrived in.
    pub(super) fn order(&self) -> impl Ord + use<> {
        let datum = &self.datum;
        (
            std::cmp::Reverse(datum.taken_at.or(datum.recorded_at)),
            datum.label.to_lowercase(),
            datum.sources.clone(),
            datum.resources.clone(),
        )
    }
}

/// What an entry is made of.
struct Parts<'a> {
    seen: &'a Seen<'a>,
    concept: CodeableConcept,
    label: Option<String>,
    status: &'a str,
    standing: Standing,
    taken: Option<&'a str>,
    doubts: Vec<String>,
    verification: Verification,
    detail: Vec<String>,
}

/// The medications, ordered or reported.
pub(super) fn medications(seen: &[Seen<'_>], moment: &Moment<'_>) -> Vec<Entry> {
    seen.iter()
        .filter_map(|one| {
            let value = &one.value;
            let is_order = match one.stored.resource_type.as_str() {
                "MedicationRequest" => true,
                "MedicationStatement" => false,
                _ => return None,
            };
            let (status, taken, detail) = if is_order {
                (
                    medication_request::status(value),
                    medication_request::authored_on(value),
                    medication_request::dosage_texts(value),
                )
            } else {
                (
                    medication_statement::status(value),
                    medication_statement::effective(value)
                        .or_else(|| medication_statement::asserted(value)),
                    medication_statement::dosage_texts(value),
                )
            };
            let status = status.unwrap_or("unknown");
            let (concept, label) = medication(value, seen);
            let mut doubts = Vec::new();
            let intent = medication_request::intent(value).unwrap_or_default();
            if is_order && matches!(intent, "proposal" | "plan" | "option") {
                doubts.push(format!("a {intent}, not an order"));
            }
            if matches!(status, "draft" | "unknown" | "intended" | "on-hold") {
                doubts.push(format!("status {status}"));
            }
            let reported = value.get("reportedBoolean").and_then(Value::as_bool) == Some(true)
                || says_patient(value);
            if reported {
                doubts.push(String::from("reported, not ordered here"));
            }
            let forbidden = value.get("doNotPerform").and_then(Value::as_bool) == Some(true);
            let label = label.map(|name| {
                if forbidden {
                    format!("DO NOT GIVE: {name}")
                } else {
                    name
                }
            });
            let standing = match status {
                "entered-in-error" | "cancelled" | "not-taken" => Standing::Withdrawn,
                "completed" | "stopped" | "ended" => Standing::Ended,
                _ if forbidden => Standing::Forbidden,
                _ => {
                    absence(&concept, Kind::Medications).map_or(Standing::Active, Standing::Stated)
                }
            };
            Some(entry(
                Parts {
                    seen: one,
                    verification: if reported {
                        Verification::PatientReported
                    } else if doubts.is_empty() {
                        Verification::Final
                    } else {
                        Verification::Preliminary
                    },
                    concept,
                    label,
                    status,
                    standing,
                    taken,
                    doubts,
                    detail,
                },
                moment,
            ))
        })
        .collect()
}

/// The allergies and intolerances.
pub(super) fn allergies(seen: &[Seen<'_>], moment: &Moment<'_>) -> Vec<Entry> {
    of_type(seen, "AllergyIntolerance")
        .map(|one| {
            let value = &one.value;
            let concept = allergy::code(value);
            let clinical = allergy::clinical_status(value).unwrap_or_default();
            let verification = allergy::verification_status(value).unwrap_or_default();
            let stated = absence(&concept, Kind::Allergies);
            let taken = if stated.is_some() {
                allergy::recorded(value)
            } else {
                allergy::onset(value).or_else(|| allergy::recorded(value))
            };
            let mut doubts = Vec::new();
            if matches!(verification.as_str(), "unconfirmed" | "presumed") {
                doubts.push(String::from("not confirmed by the source"));
            }
            let mut detail: Vec<String> = Vec::new();
            if allergy::criticality(value) == Some("high") {
                detail.push(String::from("high criticality"));
            }
            for reaction in allergy::reactions(value) {
                let words: Vec<String> = reaction
                    .manifestations
                    .iter()
                    .filter_map(CodeableConcept::label)
                    .collect();
                let words = if words.is_empty() {
                    reaction.description.unwrap_or_default()
                } else {
                    words.join(", ")
                };
                if !words.is_empty() {
                    detail.push(words);
                }
            }
            let categories = allergy::categories(value);
            let standing = standing(&clinical, &verification, stated, &["inactive", "resolved"]);
            let mut entry = entry(
                Parts {
                    seen: one,
                    label: concept.label(),
                    concept,
                    status: word(&clinical, &verification),
                    standing,
                    taken,
                    verification: of_doubts(&doubts),
                    doubts,
                    detail,
                },
                moment,
            );
            entry.is_drug =
                categories.is_empty() || categories.iter().any(|name| name == "medication");
            entry
        })
        .collect()
}

/// The problems and diagnoses.
pub(super) fn conditions(seen: &[Seen<'_>], moment: &Moment<'_>) -> Vec<Entry> {
    of_type(seen, "Condition")
        .map(|one| {
            let value = &one.value;
            let concept = condition::code(value);
            let said = condition::clinical_status(value).unwrap_or_default();
            let clinical = if said.is_empty() && condition::abatement(value).is_some() {
                String::from("resolved")
            } else {
                said
            };
            let verification = condition::verification_status(value).unwrap_or_default();
            let mut doubts = Vec::new();
            if matches!(
                verification.as_str(),
                "unconfirmed" | "provisional" | "differential"
            ) {
                doubts.push(format!("{verification} diagnosis"));
            }
            let stated = absence(&concept, Kind::Problems);
            let standing = standing(
                &clinical,
                &verification,
                stated,
                &["inactive", "remission", "resolved"],
            );
            entry(
                Parts {
                    seen: one,
                    label: concept.label(),
                    concept,
                    status: word(&clinical, &verification),
                    standing,
                    taken: condition::onset(value).or_else(|| condition::recorded(value)),
                    verification: of_doubts(&doubts),
                    doubts,
                    detail: condition::severity(value)
                        .and_then(|severity| severity.label())
                        .into_iter()
                        .collect(),
                },
                moment,
            )
        })
        .collect()
}

/// The procedures: what is done and what was done. One that was not done says nothing.
pub(super) fn procedures(seen: &[Seen<'_>], moment: &Moment<'_>) -> Vec<Entry> {
    of_type(seen, "Procedure")
        .map(|one| {
            let value = &one.value;
            let concept = condition::code(value);
            let status = value
                .get("status")
                .and_then(Value::as_str)
                .unwrap_or("unknown");
            let performed = value.get("performedDateTime").or_else(|| {
                let period = value.get("performedPeriod")?;
                period.get("end").or_else(|| period.get("start"))
            });
            let standing = match status {
                "completed" | "in-progress" | "on-hold" | "unknown" => Standing::Active,
                "entered-in-error" => Standing::Withdrawn,
                _ => Standing::Ended,
            };
            let doubts: Vec<String> = (status == "unknown")
                .then(|| String::from("its status is not known"))
                .into_iter()
                .collect();
            entry(
                Parts {
                    seen: one,
                    label: concept.label(),
                    concept,
                    status,
                    standing,
                    taken: performed.and_then(Value::as_str),
                    verification: of_doubts(&doubts),
                    doubts,
                    detail: Vec::new(),
                },
                moment,
            )
        })
        .collect()
}

fn of_type<'s, 'a>(seen: &'s [Seen<'a>], of: &'static str) -> impl Iterator<Item = &'s Seen<'a>> {
    seen.iter()
        .filter(move |one| one.stored.resource_type == of)
}

fn standing(
    clinical: &str,
    verification: &str,
    stated: Option<Absence>,
    ended: &[&str],
) -> Standing {
    match (verification, stated) {
        ("entered-in-error", _) => Standing::Withdrawn,
        ("refuted", _) => Standing::Refuted,
        // A statement of absence that is over states nothing.
        (_, Some(_)) if ended.contains(&clinical) => Standing::Withdrawn,
        (_, Some(absence)) => Standing::Stated(absence),
        _ if ended.contains(&clinical) => Standing::Ended,
        _ => Standing::Active,
    }
}

fn word<'a>(clinical: &'a str, verification: &'a str) -> &'a str {
    match (verification, clinical) {
        ("refuted" | "entered-in-error", _) => verification,
        (_, "") => "active",
        _ => clinical,
    }
}

fn of_doubts(doubts: &[String]) -> Verification {
    if doubts.is_empty() {
        Verification::Final
    } else {
        Verification::Preliminary
    }
}

fn entry(parts: Parts<'_>, moment: &Moment<'_>) -> Entry {
    let seen = parts.seen;
    let mut doubts = parts.doubts;
    let at: Option<Timestamp> = parts.taken.and_then(|text| moment.instant(text));
    if parts.label.is_none() {
        doubts.push(String::from("the source does not name it"));
    }
    if at.is_some_and(|at| moment.is_ahead(at)) {
        doubts.push(String::from("its time is in the future"));
    }
    if seen.has_modifier() {
        doubts.push(String::from(
            "it carries a modifier that is not understood here",
        ));
    }
    let stored = seen.stored;
    Entry {
        stopped: parts.status == "stopped",
        is_drug: true,
        word: parts.status.to_owned(),
        contradicted: false,
        standing: parts.standing,
        datum: Datum {
            label: parts
                .label
                .unwrap_or_else(|| String::from("not named by the source")),
            said: String::new(),
            quantity: None,
            codes: concept::codes(&parts.concept),
            detail: (!parts.detail.is_empty()).then(|| parts.detail.join("; ")),
            taken_at: at,
            recorded_at: seen.recorded(),
            received_at: seen.known(),
            sources: vec![stored.source.to_string()],
            verification: if parts.standing == Standing::Withdrawn {
                Verification::Withdrawn
            } else {
                parts.verification
            },
            doubt: (!doubts.is_empty()).then(|| doubts.join("; ")),
            corrected: None,
            forbidden: parts.standing == Standing::Forbidden,
            patient: stored
                .patient
                .clone()
                .unwrap_or_else(|| ResourceId::new("")),
            resources: vec![name(seen)],
            seq: stored.journal_seq,
            identity: name(seen),
        },
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
                of_type(seen, "Medication").find(|other| other.stored.id.as_str() == id)
            });
            let concept = kept
                .map(|kept| condition::code(&kept.value))
                .unwrap_or_default();
            let name = concept.label().or_else(|| named(&reference));
            (concept, name)
        }
        None => (CodeableConcept::default(), None),
    }
}

fn says_patient(value: &Value) -> bool {
    value
        .get("informationSource")
        .and_then(|source| source.get("reference"))
        .and_then(Value::as_str)
        .is_some_and(|to| to.contains("Patient/") || to.contains("RelatedPerson/"))
}
