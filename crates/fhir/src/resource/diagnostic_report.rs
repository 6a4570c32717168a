//! `DiagnosticReport`: FHIR R4 §10.3.

use super::read::{concept, concepts, reference_text, reference_texts, text, time};
use super::types::{CodeableConcept, Identifier};
use crate::json::Value;

/// `identifier`
pub fn identifiers(report: &Value) -> Vec<Identifier> {
    super::identifiers(report)
}

/// `code`
pub fn code(report: &Value) -> CodeableConcept {
    concept(report, "code").unwrap_or_default()
}

/// `category`
pub fn categories(report: &Value) -> Vec<CodeableConcept> {
    concepts(report, "category")
}

/// `status`
pub fn status(report: &Value) -> Option<&str> {
    text(report, "status")
}

/// `effectiveDateTime`, or the start of `effectivePeriod`.
pub fn effective(report: &Value) -> Option<&str> {
    time(report, "effective")
}

/// `issued`
pub fn issued(report: &Value) -> Option<&str> {
    text(report, "issued")
}

/// `result`: the observations, as sent.
pub fn results(report: &Value) -> Vec<&str> {
    reference_texts(report, "result")
}

/// `encounter`, as sent.
pub fn encounter(report: &Value) -> Option<&str> {
    reference_text(report, "encounter")
}

/// `conclusion`
pub fn conclusion(report: &Value) -> Option<&str> {
    text(report, "conclusion")
}
