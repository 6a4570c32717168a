//! `MedicationRequest`: FHIR R4 §11.1.

use super::read::{concept, list, owned, reference_text, text};
use super::types::{CodeableConcept, Reference, reference};
use crate::json::Value;

/// `medication[x]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Medication {
    /// Coded here.
    Concept(CodeableConcept),
    /// In a resource of its own, often a contained one.
    Reference(Reference),
}

/// `status`
pub fn status(request: &Value) -> Option<&str> {
    text(request, "status")
}

/// `intent`
pub fn intent(request: &Value) -> Option<&str> {
    text(request, "intent")
}

/// `medicationCodeableConcept` or `medicationReference`; a contained `Medication` is looked up.
pub fn medication(request: &Value) -> Option<Medication> {
    if let Some(found) = concept(request, "medicationCodeableConcept") {
        return Some(Medication::Concept(found));
    }
    let found = request
        .get("medicationReference")
        .filter(|found| found.is_object())?;
    let id = text(found, "reference").and_then(|target| target.strip_prefix('#'));
    let contained = id.and_then(|id| {
        list(request, "contained")
            .iter()
            .find(|other| text(other, "id") == Some(id))
    });
    match contained.and_then(|medication| concept(medication, "code")) {
        Some(code) => Some(Medication::Concept(code)),
        None => Some(Medication::Reference(reference(found))),
    }
}

/// `authoredOn`
pub fn authored_on(request: &Value) -> Option<&str> {
    text(request, "authoredOn")
}

/// `encounter`, as sent.
pub fn encounter(request: &Value) -> Option<&str> {
    reference_text(request, "encounter")
}

/// The texts of `dosageInstruction`.
pub fn dosage_texts(request: &Value) -> Vec<String> {
    dosages(request, "dosageInstruction")
}

pub(super) fn dosages(value: &Value, name: &str) -> Vec<String> {
    list(value, name)
        .iter()
        .filter_map(|dosage| owned(dosage, "text"))
        .collect()
}
