//! `Encounter`: FHIR R4 §8.11.

use super::read::{concepts, list, owned, text};
use super::types::{
    CodeableConcept, Coding, Identifier, Period, Reference, coding, period, reference,
};
use crate::json::Value;

/// `location`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EncounterLocation {
    /// Where.
    pub location: Reference,
    /// `planned`, `active`, `reserved`, `completed`.
    pub status: Option<String>,
    /// When.
    pub period: Option<Period>,
}

/// `identifier`
pub fn identifiers(encounter: &Value) -> Vec<Identifier> {
    super::identifiers(encounter)
}

/// `status`
pub fn status(encounter: &Value) -> Option<&str> {
    text(encounter, "status")
}

/// `class`, such as `IMP` or `AMB`.
pub fn class(encounter: &Value) -> Option<Coding> {
    encounter
        .get("class")
        .filter(|found| found.is_object())
        .map(coding)
}

/// `type`
pub fn types(encounter: &Value) -> Vec<CodeableConcept> {
    concepts(encounter, "type")
}

/// `period`
pub fn encounter_period(encounter: &Value) -> Option<Period> {
    encounter
        .get("period")
        .filter(|found| found.is_object())
        .map(period)
}

/// `reasonCode`
pub fn reasons(encounter: &Value) -> Vec<CodeableConcept> {
    concepts(encounter, "reasonCode")
}

/// `location`
pub fn locations(encounter: &Value) -> Vec<EncounterLocation> {
    list(encounter, "location")
        .iter()
        .map(|place| EncounterLocation {
            location: place.get("location").map(reference).unwrap_or_default(),
            status: owned(place, "status"),
            period: place.get("period").map(period),
        })
        .collect()
}

/// `participant.individual`
pub fn participants(encounter: &Value) -> Vec<Reference> {
    list(encounter, "participant")
        .iter()
        .filter_map(|participant| participant.get("individual"))
        .map(reference)
        .collect()
}
