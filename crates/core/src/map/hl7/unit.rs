//! Units: what was sent is kept as text; a UCUM code is added only where there is no doubt about it.

use bedside_hl7::message::{Field, Presence};
use serde_json::{Map, Value};

use super::json::clean;

const UCUM: &str = "http://unitsofmeasure.org";

/// What laboratories and monitors write, and its UCUM code. Letter case counts: `mg` and `Mg` are two things.
const GUESSES: &[(&str, &str)] = &[
    ("%", "%"),
    ("/min", "/min"),
    ("bpm", "/min"),
    ("BPM", "/min"),
    ("beats/min", "/min"),
    ("breaths/min", "/min"),
    ("10*3/uL", "10*3/uL"),
    ("10^3/uL", "10*3/uL"),
    ("10*3/mm3", "10*3/uL"),
    ("K/uL", "10*3/uL"),
    ("k/uL", "10*3/uL"),
    ("x10E3/uL", "10*3/uL"),
    ("10*9/L", "10*9/L"),
    ("10^9/L", "10*9/L"),
    ("10*6/uL", "10*6/uL"),
    ("10^6/uL", "10*6/uL"),
    ("M/uL", "10*6/uL"),
    ("x10E6/uL", "10*6/uL"),
    ("10*12/L", "10*12/L"),
    ("10^12/L", "10*12/L"),
    ("fL", "fL"),
    ("pg", "pg"),
    ("g/dL", "g/dL"),
    ("g/dl", "g/dL"),
    ("g/L", "g/L"),
    ("mg/dL", "mg/dL"),
    ("mg/dl", "mg/dL"),
    ("MG/DL", "mg/dL"),
    ("mg/L", "mg/L"),
    ("ug/dL", "ug/dL"),
    ("mcg/dL", "ug/dL"),
    ("ug/L", "ug/L"),
    ("mcg/L", "ug/L"),
    ("ng/mL", "ng/mL"),
    ("ng/L", "ng/L"),
    ("ng/dL", "ng/dL"),
    ("pg/mL", "pg/mL"),
    ("mmol/L", "mmol/L"),
    ("MMOL/L", "mmol/L"),
    ("umol/L", "umol/L"),
    ("mEq/L", "meq/L"),
    ("meq/L", "meq/L"),
    ("MEQ/L", "meq/L"),
    ("U/L", "U/L"),
    ("IU/L", "[IU]/L"),
    ("mIU/L", "m[IU]/L"),
    ("mIU/mL", "m[IU]/mL"),
    ("uIU/mL", "u[IU]/mL"),
    ("mOsm/kg", "mosm/kg"),
    ("mmHg", "mm[Hg]"),
    ("mm[Hg]", "mm[Hg]"),
    ("mm Hg", "mm[Hg]"),
    ("Cel", "Cel"),
    ("degC", "Cel"),
    ("°C", "Cel"),
    ("[degF]", "[degF]"),
    ("degF", "[degF]"),
    ("°F", "[degF]"),
    ("kg", "kg"),
    ("g", "g"),
    ("lb", "[lb_av]"),
    ("cm", "cm"),
    ("in", "[in_i]"),
    ("kg/m2", "kg/m2"),
    ("kg/m^2", "kg/m2"),
    ("mL", "mL"),
    ("mL/min", "mL/min"),
    ("mL/min/1.73m2", "mL/min/{1.73_m2}"),
    ("s", "s"),
    ("sec", "s"),
    ("seconds", "s"),
    ("mm/h", "mm/h"),
    ("mm/hr", "mm/h"),
];

/// A unit as sent and, where it is certain, in UCUM.
pub(super) struct Unit {
    text: String,
    system: Option<String>,
    code: Option<String>,
}

/// OBX-6. `None` when nothing was sent.
pub(super) fn unit(field: &Field<'_>) -> Option<Unit> {
    if field.presence() != Presence::Value {
        return None;
    }
    let rep = field.rep(1);
    let part = |n: usize| rep.component(n).text().and_then(clean);
    let (code, name, system) = (part(1), part(2), part(3));
    // `10^3/uL` and `10^9/L` are units whose `^` the sender did not escape.
    let split = matches!((code.as_deref(), name.as_deref()), (Some("10" | "x10"), Some(rest)) if rest.starts_with(|c: char| c.is_ascii_digit()));
    if split {
        let text = rep.text().and_then(clean)?;
        return Some(guess(text));
    }
    let ucum = system.is_some_and(|system| {
        matches!(
            system.to_uppercase().as_str(),
            "UCUM" | "HTTP://UNITSOFMEASURE.ORG"
        )
    });
    let text = name.clone().or_else(|| code.clone())?;
    match code {
        Some(code) if ucum => Some(Unit {
            text,
            system: Some(UCUM.to_owned()),
            code: Some(code),
        }),
        Some(code) => {
            let mut unit = guess(code);
            unit.text = text;
            Some(unit)
        }
        None => Some(guess(text)),
    }
}

fn guess(text: String) -> Unit {
    let compact: String = text
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .collect();
    let known = GUESSES
        .iter()
        .find(|(sent, _)| *sent == text || *sent == compact);
    Unit {
        system: known.map(|_| UCUM.to_owned()),
        code: known.map(|(_, code)| (*code).to_owned()),
        text,
    }
}

impl Unit {
    /// Adds the unit to a Quantity.
    pub(super) fn onto(&self, quantity: &mut Map<String, Value>) {
        quantity.insert(String::from("unit"), Value::from(self.text.as_str()));
        if let (Some(system), Some(code)) = (&self.system, &self.code) {
            quantity.insert(String::from("system"), Value::from(system.as_str()));
            quantity.insert(String::from("code"), Value::from(code.as_str()));
        }
    }

    /// The unit in words.
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}
