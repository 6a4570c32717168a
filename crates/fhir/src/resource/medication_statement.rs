//! `MedicationStatement`: FHIR R4 §11.4.

use super::medication_request::{Medication, dosages};
use super::read::{text, time};
use crate::json::Value;

/// `status`
pub fn status(statement: &Value) -> Option<&str> {
    text(statement, "status")
}

/// `medicationCodeableConcept` or `medicationReference`; a contained `Medication` is looked up.
pub fn medication(statement: &Value) -> Option<Medication> {
    super::medication_request::medication(statement)
}

/// `effectiveDateTime`, or the start of `effectivePeriod`.
pub fn effective(statement: &Value) -> Option<&str> {
    time(statement, "effective")
}

/// `dateAsserted`
pub fn asserted(statement: &Value) -> Option<&str> {
    text(statement, "dateAsserted")
}

/// The texts of `dosage`.
pub fn dosage_texts(statement: &Value) -> Vec<String> {
    dosages(statement, "dosage")
}
