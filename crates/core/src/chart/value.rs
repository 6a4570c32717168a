//! The value of an observation as text, every digit as sent, and whether two values say the same.

use std::cmp::Ordering;

use bedside_fact::quantity::Decimal;
use bedside_fhir::resource::observation::{Component, ObsValue, ReferenceRange};
use bedside_fhir::resource::{CodeableConcept, Quantity, observation, quantity};
use serde_json::Value;

/// A value ready for showing and comparing.
#[derive(Clone, Default)]
pub(crate) struct Reading {
    pub(crate) text: Option<String>,
    pub(crate) unit: Option<String>,
    pub(crate) comparator: Option<String>,
    /// The number, for comparing.
    pub(crate) number: Option<Decimal>,
    /// The number, or the upper one of a blood pressure, for drawing.
    pub(crate) height: Option<Decimal>,
    pub(crate) abnormal: Option<String>,
    pub(crate) range: Option<String>,
    /// Why there is no value, or why it can't be taken at its word.
    pub(crate) trouble: Option<String>,
    /// What else the source said with it.
    pub(crate) detail: Vec<String>,
    unit_code: Option<String>,
}

/// Reads the value of an observation.
pub(crate) fn reading(value: &Value) -> Reading {
    let components = observation::components(value);
    let mut reading = of_value(&observation::value(value), value);
    if reading.text.is_none() && !components.is_empty() {
        let combined = of_components(&components);
        reading = Reading {
            trouble: reading.trouble.filter(|_| combined.text.is_none()),
            ..combined
        };
    } else {
        reading
            .detail
            .extend(components.iter().filter_map(component_words));
    }
    reading.abnormal = abnormal(&observation::interpretations(value)).or(reading.abnormal);
    reading.range = observation::reference_range(value)
        .as_ref()
        .and_then(range)
        .or(reading.range);
    reading.detail.extend(notes(value));
    reading
}

impl Reading {
    /// Comparator, value and unit on one line.
    pub(crate) fn words(&self) -> String {
        let Some(text) = &self.text else {
            return String::from("no value");
        };
        let mut words = self.comparator.clone().unwrap_or_default();
        words.push_str(text);
        if let Some(unit) = &self.unit {
            words.push(' ');
            words.push_str(unit);
        }
        words
    }

    /// Whether both say the same: equal numbers (`1.10` is `1.1`) or words, and no different unit.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        let values = match (&self.number, &other.number) {
            (Some(a), Some(b)) => {
                a.compare(b) == Ordering::Equal && self.comparator == other.comparator
            }
            (None, None) => {
                let folded = |reading: &Self| {
                    reading
                        .text
                        .as_deref()
                        .map(|text| text.trim().to_lowercase())
                };
                folded(self) == folded(other)
            }
            (Some(_), None) | (None, Some(_)) => false,
        };
        values && self.same_unit(other)
    }

    /// Whether the units are the same, by code or by what is shown. A missing unit contradicts nothing.
    pub(crate) fn same_unit(&self, other: &Self) -> bool {
        let names = |reading: &Self| -> Vec<String> {
            // UCUM is case-sensitive, but senders are not; no two units of one analyte differ by case alone.
            [&reading.unit, &reading.unit_code]
                .into_iter()
                .flatten()
                .map(|name| name.trim().to_lowercase())
                .filter(|name| !name.is_empty())
                .collect()
        };
        let (ours, theirs) = (names(self), names(other));
        ours.is_empty() || theirs.is_empty() || ours.iter().any(|name| theirs.contains(name))
    }
}

fn of_value(value: &ObsValue, raw: &Value) -> Reading {
    match value {
        ObsValue::Quantity(found) => of_quantity(found),
        ObsValue::Text(text) => Reading {
            text: Some(text.clone()),
            ..Reading::default()
        },
        ObsValue::Concept(concept) => Reading {
            text: concept.label(),
            ..Reading::default()
        },
        ObsValue::Other(_) => other(raw),
        ObsValue::None { absent_reason } => Reading {
            trouble: Some(
                match absent_reason.as_ref().and_then(CodeableConcept::label) {
                    Some(reason) => format!("no value: {reason}"),
                    None => String::from("no value was sent"),
                },
            ),
            ..Reading::default()
        },
    }
}

fn of_quantity(found: &Quantity) -> Reading {
    let number = found.value_text.as_deref().and_then(Decimal::parse);
    let trouble = match (&found.value_text, &number) {
        (None, _) => Some(String::from("no number was sent")),
        (Some(_), None) => Some(String::from("the value is not a number")),
        (Some(_), Some(_)) => None,
    };
    Reading {
        text: found.value_text.clone(),
        unit: found
            .unit
            .clone()
            .or_else(|| found.code.clone())
            .filter(|unit| unit != "1" && unit != "{nominal}"),
        unit_code: found.code.clone(),
        comparator: found.comparator.clone(),
        height: number.clone(),
        number,
        trouble,
        ..Reading::default()
    }
}

/// Ranges, ratios and periods in words; a waveform is told but not shown.
fn other(raw: &Value) -> Reading {
    let part = |of: &Value, name: &str| {
        of.get(name)
            .map(|found| of_quantity(&quantity(found)).words())
    };
    let known = |words: Option<String>| words.unwrap_or_else(|| String::from("?"));
    let text = if let Some(range) = raw.get("valueRange") {
        Some(format!(
            "{} to {}",
            known(part(range, "low")),
            known(part(range, "high"))
        ))
    } else if let Some(ratio) = raw.get("valueRatio") {
        Some(format!(
            "{} : {}",
            known(part(ratio, "numerator")),
            known(part(ratio, "denominator"))
        ))
    } else if let Some(period) = raw.get("valuePeriod") {
        let end = |name: &str| period.get(name).and_then(Value::as_str).unwrap_or("?");
        Some(format!("{} to {}", end("start"), end("end")))
    } else {
        None
    };
    let trouble = text
        .is_none()
        .then(|| String::from("a waveform, which is not shown here"));
    Reading {
        text,
        trouble,
        ..Reading::default()
    }
}

/// A pressure as `120/80`, anything else as `name value; name value`.
fn of_components(components: &[Component]) -> Reading {
    let find = |code: &str| {
        let found = components
            .iter()
            .find(|component| component.code.has("http://loinc.org", code))?;
        let reading = of_value(&found.value, &Value::Null);
        reading.text.is_some().then_some(reading)
    };
    let flag = components
        .iter()
        .find_map(|component| abnormal(&component.interpretations));
    if let (Some(systolic), Some(diastolic)) = (find("8480-6"), find("8462-4")) {
        let text = |reading: &Reading| {
            format!(
                "{}{}",
                reading.comparator.as_deref().unwrap_or_default(),
                reading.text.as_deref().unwrap_or_default()
            )
        };
        return Reading {
            text: Some(format!("{}/{}", text(&systolic), text(&diastolic))),
            abnormal: flag,
            // The upper figure stays the height; comparing goes by the text of both.
            number: None,
            ..systolic
        };
    }
    let words: Vec<String> = components.iter().filter_map(component_words).collect();
    Reading {
        text: (!words.is_empty()).then(|| words.join("; ")),
        abnormal: flag,
        ..Reading::default()
    }
}

fn component_words(component: &Component) -> Option<String> {
    let name = component.code.label()?;
    let reading = of_value(&component.value, &Value::Null);
    Some(format!("{name} {}", reading.words()))
}

/// The flag other than *normal*; critical ones first.
fn abnormal(interpretations: &[CodeableConcept]) -> Option<String> {
    let codes: Vec<&str> = interpretations
        .iter()
        .flat_map(|concept| &concept.codings)
        .filter_map(|coding| coding.code.as_deref())
        .filter(|code| !matches!(*code, "N" | "" | "null"))
        .collect();
    ["HH", "LL", "AA", ">", "<"]
        .into_iter()
        .find(|critical| codes.contains(critical))
        .or_else(|| codes.first().copied())
        .map(str::to_owned)
}

fn range(range: &ReferenceRange) -> Option<String> {
    let bound =
        |quantity: &Option<Quantity>| quantity.as_ref().and_then(|found| found.value_text.clone());
    let text = range.text.clone().filter(|text| !text.trim().is_empty());
    text.or_else(|| match (bound(&range.low), bound(&range.high)) {
        (Some(low), Some(high)) => Some(format!("{low}–{high}")),
        (Some(low), None) => Some(format!("from {low}")),
        (None, Some(high)) => Some(format!("up to {high}")),
        (None, None) => None,
    })
}

fn notes(value: &Value) -> Vec<String> {
    let texts = |name: &str| -> Vec<String> {
        let list = value.get(name).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(|note| note.get("text").and_then(Value::as_str))
            .map(str::to_owned)
            .collect()
    };
    texts("note")
}
