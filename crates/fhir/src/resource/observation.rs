//! `Observation`: FHIR R4 §10.1.

use super::read::{concept, concepts, list, owned, reference_text, text, time};
use super::types::{CodeableConcept, Quantity, codeable_concept, quantity};
use crate::json::Value;

/// `value[x]`, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObsValue {
    /// A measured amount.
    Quantity(Quantity),
    /// Words, a time, a Boolean or an integer, as text.
    Text(String),
    /// A coded answer.
    Concept(CodeableConcept),
    /// Any other kind of value (range, ratio, sampled data): its text.
    Other(String),
    /// No value, with the reason where one was given.
    None {
        /// `dataAbsentReason`
        absent_reason: Option<CodeableConcept>,
    },
}

/// `referenceRange`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReferenceRange {
    /// The lower bound.
    pub low: Option<Quantity>,
    /// The upper bound.
    pub high: Option<Quantity>,
    /// The range in words.
    pub text: Option<String>,
}

/// `component`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// What was measured.
    pub code: CodeableConcept,
    /// The result.
    pub value: ObsValue,
    /// `interpretation`
    pub interpretations: Vec<CodeableConcept>,
    /// `referenceRange`
    pub reference_ranges: Vec<ReferenceRange>,
}

/// `code`
pub fn code(observation: &Value) -> CodeableConcept {
    concept(observation, "code").unwrap_or_default()
}

/// `category`
pub fn categories(observation: &Value) -> Vec<CodeableConcept> {
    concepts(observation, "category")
}

/// The codes of all categories, such as `laboratory` or `vital-signs`.
pub fn category_codes(observation: &Value) -> Vec<String> {
    codes(&categories(observation))
}

/// `status`
pub fn status(observation: &Value) -> Option<&str> {
    text(observation, "status")
}

/// When it was true: `effectiveDateTime`, `effectiveInstant` or the start of `effectivePeriod`.
pub fn effective(observation: &Value) -> Option<&str> {
    time(observation, "effective")
}

/// `issued`: when it was made known.
pub fn issued(observation: &Value) -> Option<&str> {
    text(observation, "issued")
}

/// `encounter`, as sent.
pub fn encounter(observation: &Value) -> Option<&str> {
    reference_text(observation, "encounter")
}

/// `value[x]`, of an observation or of a component.
pub fn value(observation: &Value) -> ObsValue {
    if let Some(found) = observation
        .get("valueQuantity")
        .filter(|found| found.is_object())
    {
        return ObsValue::Quantity(quantity(found));
    }
    if let Some(found) = observation
        .get("valueCodeableConcept")
        .filter(|found| found.is_object())
    {
        return ObsValue::Concept(codeable_concept(found));
    }
    for name in ["valueString", "valueDateTime", "valueTime"] {
        if let Some(found) = owned(observation, name) {
            return ObsValue::Text(found);
        }
    }
    for name in ["valueBoolean", "valueInteger"] {
        if let Some(found @ (Value::Bool(_) | Value::Number(_))) = observation.get(name) {
            return ObsValue::Text(found.to_string());
        }
    }
    for name in [
        "valueRange",
        "valueRatio",
        "valuePeriod",
        "valueSampledData",
    ] {
        if let Some(found) = observation.get(name).filter(|found| found.is_object()) {
            return ObsValue::Other(found.to_string());
        }
    }
    ObsValue::None {
        absent_reason: concept(observation, "dataAbsentReason"),
    }
}

/// `interpretation`
pub fn interpretations(observation: &Value) -> Vec<CodeableConcept> {
    concepts(observation, "interpretation")
}

/// The codes of all interpretations, such as `H` or `LL`.
pub fn interpretation_codes(observation: &Value) -> Vec<String> {
    codes(&interpretations(observation))
}

/// `referenceRange`, all of them.
pub fn reference_ranges(observation: &Value) -> Vec<ReferenceRange> {
    list(observation, "referenceRange")
        .iter()
        .map(|range| ReferenceRange {
            low: range.get("low").map(quantity),
            high: range.get("high").map(quantity),
            text: owned(range, "text"),
        })
        .collect()
}

/// The first `referenceRange`.
pub fn reference_range(observation: &Value) -> Option<ReferenceRange> {
    reference_ranges(observation).into_iter().next()
}

/// `component`
pub fn components(observation: &Value) -> Vec<Component> {
    list(observation, "component")
        .iter()
        .map(|component| Component {
            code: code(component),
            value: value(component),
            interpretations: interpretations(component),
            reference_ranges: reference_ranges(component),
        })
        .collect()
}

fn codes(concepts: &[CodeableConcept]) -> Vec<String> {
    concepts
        .iter()
        .flat_map(|concept| &concept.codings)
        .filter_map(|coding| coding.code.clone())
        .collect()
}
