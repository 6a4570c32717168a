//! `Provenance`: FHIR R4 §6.3.

use super::read::{concept, list, reference_text, reference_texts, text};
use super::types::CodeableConcept;
use crate::json::Value;

/// `target`: what it is about, as sent.
pub fn targets(provenance: &Value) -> Vec<&str> {
    reference_texts(provenance, "target")
}

/// `recorded`
pub fn recorded(provenance: &Value) -> Option<&str> {
    text(provenance, "recorded")
}

/// `activity`
pub fn activity(provenance: &Value) -> Option<CodeableConcept> {
    concept(provenance, "activity")
}

/// `agent.who`, as sent.
pub fn agents(provenance: &Value) -> Vec<&str> {
    list(provenance, "agent")
        .iter()
        .filter_map(|agent| reference_text(agent, "who"))
        .collect()
}

/// `entity.what`: what it was made from, as sent.
pub fn entities(provenance: &Value) -> Vec<&str> {
    list(provenance, "entity")
        .iter()
        .filter_map(|entity| reference_text(entity, "what"))
        .collect()
}
