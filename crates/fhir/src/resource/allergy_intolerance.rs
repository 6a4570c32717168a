//! `AllergyIntolerance`: FHIR R4 §9.1.

use super::condition::status_code;
use super::read::{concept, concepts, list, owned, text, texts, time};
use super::types::CodeableConcept;
use crate::json::Value;

/// `reaction`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reaction {
    /// The substance that caused this reaction, when it is narrower than the code.
    pub substance: Option<CodeableConcept>,
    /// What happened.
    pub manifestations: Vec<CodeableConcept>,
    /// `mild`, `moderate`, `severe`.
    pub severity: Option<String>,
    /// When.
    pub onset: Option<String>,
    /// In words.
    pub description: Option<String>,
}

/// `code`: the substance, or a statement such as "no known allergy".
pub fn code(allergy: &Value) -> CodeableConcept {
    concept(allergy, "code").unwrap_or_default()
}

/// The code of `clinicalStatus`.
pub fn clinical_status(allergy: &Value) -> Option<String> {
    status_code(allergy, "clinicalStatus")
}

/// The code of `verificationStatus`.
pub fn verification_status(allergy: &Value) -> Option<String> {
    status_code(allergy, "verificationStatus")
}

/// `type`: `allergy` or `intolerance`.
pub fn kind(allergy: &Value) -> Option<&str> {
    text(allergy, "type")
}

/// `category`: `food`, `medication`, `environment`, `biologic`.
pub fn categories(allergy: &Value) -> Vec<String> {
    texts(allergy, "category")
}

/// `criticality`: `low`, `high`, `unable-to-assess`.
pub fn criticality(allergy: &Value) -> Option<&str> {
    text(allergy, "criticality")
}

/// `onsetDateTime`, or the start of `onsetPeriod`.
pub fn onset(allergy: &Value) -> Option<&str> {
    time(allergy, "onset")
}

/// `recordedDate`
pub fn recorded(allergy: &Value) -> Option<&str> {
    text(allergy, "recordedDate")
}

/// `reaction`
pub fn reactions(allergy: &Value) -> Vec<Reaction> {
    list(allergy, "reaction")
        .iter()
        .map(|reaction| Reaction {
            substance: concept(reaction, "substance"),
            manifestations: concepts(reaction, "manifestation"),
            severity: owned(reaction, "severity"),
            onset: owned(reaction, "onset"),
            description: owned(reaction, "description"),
        })
        .collect()
}
