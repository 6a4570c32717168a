//! `Condition`: FHIR R4 §9.2.

use super::read::{concept, concepts, list, owned, reference_text, text, time};
use super::types::CodeableConcept;
use crate::json::Value;

/// `code`
pub fn code(condition: &Value) -> CodeableConcept {
    concept(condition, "code").unwrap_or_default()
}

/// The code of `clinicalStatus`, such as `active`.
pub fn clinical_status(condition: &Value) -> Option<String> {
    status_code(condition, "clinicalStatus")
}

/// The code of `verificationStatus`, such as `confirmed` or `entered-in-error`.
pub fn verification_status(condition: &Value) -> Option<String> {
    status_code(condition, "verificationStatus")
}

/// `category`
pub fn categories(condition: &Value) -> Vec<CodeableConcept> {
    concepts(condition, "category")
}

/// `severity`
pub fn severity(condition: &Value) -> Option<CodeableConcept> {
    concept(condition, "severity")
}

/// `onsetDateTime`, or the start of `onsetPeriod`.
pub fn onset(condition: &Value) -> Option<&str> {
    time(condition, "onset")
}

/// `abatementDateTime`, or the start of `abatementPeriod`.
pub fn abatement(condition: &Value) -> Option<&str> {
    time(condition, "abatement")
}

/// `recordedDate`
pub fn recorded(condition: &Value) -> Option<&str> {
    text(condition, "recordedDate")
}

/// `encounter`, as sent.
pub fn encounter(condition: &Value) -> Option<&str> {
    reference_text(condition, "encounter")
}

/// The texts of `note`.
pub fn notes(condition: &Value) -> Vec<String> {
    list(condition, "note")
        .iter()
        .filter_map(|note| owned(note, "text"))
        .collect()
}

/// The status that a concept says; a bare code where the concept belongs (as in DSTU2) is taken too.
pub(super) fn status_code(value: &Value, name: &str) -> Option<String> {
    concept(value, name)
        .and_then(|status| status.first_code().map(str::to_owned))
        .or_else(|| owned(value, name))
}
