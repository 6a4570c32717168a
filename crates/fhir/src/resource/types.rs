//! The data types that several resources share. FHIR R4 §2.24.

use super::read::{concept, list, owned, texts};
use crate::json::Value;

/// `Coding`
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Coding {
    /// The code system's URI.
    pub system: Option<String>,
    /// The code.
    pub code: Option<String>,
    /// The code's name, as the sender has it.
    pub display: Option<String>,
}

/// `CodeableConcept`
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct CodeableConcept {
    /// The codes, all meant to say the same.
    pub codings: Vec<Coding>,
    /// What the person who entered it saw.
    pub text: Option<String>,
}

impl CodeableConcept {
    /// What to show: the text, else the first display, else the first code.
    pub fn label(&self) -> Option<String> {
        let shown = |text: &&String| !text.trim().is_empty();
        let display = || {
            self.codings
                .iter()
                .filter_map(|coding| coding.display.as_ref())
                .find(shown)
        };
        let code = || {
            self.codings
                .iter()
                .filter_map(|coding| coding.code.as_ref())
                .find(shown)
        };
        self.text
            .as_ref()
            .filter(shown)
            .or_else(display)
            .or_else(code)
            .cloned()
    }

    /// Whether one of the codings is this code of this system.
    pub fn has(&self, system: &str, code: &str) -> bool {
        self.code_of(system) == Some(code)
            || self.codings.iter().any(|coding| {
                coding.system.as_deref() == Some(system) && coding.code.as_deref() == Some(code)
            })
    }

    /// The first code of this system.
    pub fn code_of(&self, system: &str) -> Option<&str> {
        self.codings
            .iter()
            .find(|coding| coding.system.as_deref() == Some(system) && coding.code.is_some())
            .and_then(|coding| coding.code.as_deref())
    }

    /// The first code, whatever its system.
    pub fn first_code(&self) -> Option<&str> {
        self.codings
            .iter()
            .find_map(|coding| coding.code.as_deref())
    }
}

/// `HumanName`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HumanName {
    /// The family name.
    pub family: Option<String>,
    /// Given names, first and middle.
    pub given: Vec<String>,
    /// `official`, `usual`, `maiden` and so on.
    pub use_: Option<String>,
    /// The whole name.
    pub text: Option<String>,
    /// Titles before the name.
    pub prefix: Vec<String>,
    /// What follows the name.
    pub suffix: Vec<String>,
    /// When it was used.
    pub period: Option<Period>,
}

/// `Identifier`
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Identifier {
    /// The authority's URI.
    pub system: Option<String>,
    /// The value.
    pub value: Option<String>,
    /// The type's code from HL7 table 0203, such as `MR`; without that system, the first code.
    pub type_code: Option<String>,
    /// `usual`, `official`, `old` and so on.
    pub use_: Option<String>,
}

/// `ContactPoint`
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ContactPoint {
    /// `phone`, `email` and so on.
    pub system: Option<String>,
    /// The number or address.
    pub value: Option<String>,
    /// `home`, `work`, `mobile`, `old`.
    pub use_: Option<String>,
}

/// `Address`
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// Street lines.
    pub line: Vec<String>,
    /// City.
    pub city: Option<String>,
    /// State or province.
    pub state: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// Country.
    pub country: Option<String>,
    /// `home`, `old` and so on.
    pub use_: Option<String>,
    /// The whole address.
    pub text: Option<String>,
}

/// `Period`, both ends as sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Period {
    /// The first moment.
    pub start: Option<String>,
    /// The last moment, included.
    pub end: Option<String>,
}

/// `Quantity`, its number as text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Quantity {
    /// The number's text exactly as sent.
    pub value_text: Option<String>,
    /// `<`, `<=`, `>=`, `>`.
    pub comparator: Option<String>,
    /// The unit as shown.
    pub unit: Option<String>,
    /// The unit's code.
    pub code: Option<String>,
    /// The unit's code system.
    pub system: Option<String>,
}

/// `Reference`
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Reference {
    /// Where it points.
    pub reference: Option<String>,
    /// Words for it.
    pub display: Option<String>,
    /// A logical reference.
    pub identifier: Option<Identifier>,
}

/// Reads a `Coding`.
pub fn coding(value: &Value) -> Coding {
    Coding {
        system: owned(value, "system"),
        code: owned(value, "code"),
        display: owned(value, "display"),
    }
}

/// Reads a `CodeableConcept`.
pub fn codeable_concept(value: &Value) -> CodeableConcept {
    CodeableConcept {
        codings: list(value, "coding").iter().map(coding).collect(),
        text: owned(value, "text"),
    }
}

/// Reads a `HumanName`.
pub fn human_name(value: &Value) -> HumanName {
    HumanName {
        family: owned(value, "family"),
        given: texts(value, "given"),
        use_: owned(value, "use"),
        text: owned(value, "text"),
        prefix: texts(value, "prefix"),
        suffix: texts(value, "suffix"),
        period: value.get("period").map(period),
    }
}

/// Reads an `Identifier`.
pub fn identifier(value: &Value) -> Identifier {
    // The second is the DSTU2 name, which servers still send.
    const TABLE_0203: [&str; 2] = [
        "http://terminology.hl7.org/CodeSystem/v2-0203",
        "http://hl7.org/fhir/v2/0203",
    ];
    let kind = concept(value, "type").unwrap_or_default();
    let type_code = TABLE_0203
        .iter()
        .find_map(|system| kind.code_of(system))
        .or_else(|| kind.first_code());
    Identifier {
        system: owned(value, "system"),
        value: owned(value, "value"),
        type_code: type_code.map(str::to_owned),
        use_: owned(value, "use"),
    }
}

/// Reads the `identifier` list of any resource.
pub fn identifiers(resource: &Value) -> Vec<Identifier> {
    list(resource, "identifier")
        .iter()
        .map(identifier)
        .collect()
}

/// Reads a `ContactPoint`.
pub fn contact_point(value: &Value) -> ContactPoint {
    ContactPoint {
        system: owned(value, "system"),
        value: owned(value, "value"),
        use_: owned(value, "use"),
    }
}

/// Reads an `Address`.
pub fn address(value: &Value) -> Address {
    Address {
        line: texts(value, "line"),
        city: owned(value, "city"),
        state: owned(value, "state"),
        postal_code: owned(value, "postalCode"),
        country: owned(value, "country"),
        use_: owned(value, "use"),
        text: owned(value, "text"),
    }
}

/// Reads a `Period`.
pub fn period(value: &Value) -> Period {
    Period {
        start: owned(value, "start"),
        end: owned(value, "end"),
    }
}

/// Reads a `Quantity`, `SimpleQuantity`, `Age` or `Duration`.
pub fn quantity(value: &Value) -> Quantity {
    Quantity {
        value_text: value.get("value").and_then(number_text),
        comparator: owned(value, "comparator"),
        unit: owned(value, "unit"),
        code: owned(value, "code"),
        system: owned(value, "system"),
    }
}

/// Reads a `Reference`.
pub fn reference(value: &Value) -> Reference {
    Reference {
        reference: owned(value, "reference"),
        display: owned(value, "display"),
        identifier: value
            .get("identifier")
            .filter(|found| found.is_object())
            .map(identifier),
    }
}

/// The digits as sent; a string where the number belongs is taken as the number that it spells.
fn number_text(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.as_str().to_owned()),
        Value::String(text) => Some(text.clone()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
