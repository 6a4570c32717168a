//! The search parameters that are offered: which elements each looks at. A subset of FHIR R4's own definitions, under the same names.

/// How a parameter's value is written and compared (FHIR R4 §3.1.1.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `system|code`.
    Token,
    /// A date or time with a prefix.
    Date,
    /// The beginning of a text, without case or accents.
    Text,
    /// `Type/id`.
    Reference,
    /// `number|system|code` with a prefix.
    Quantity,
    /// A telephone number, by its digits.
    Phone,
}

impl Kind {
    /// FHIR's word in a capability statement.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token | Self::Phone => "token",
            Self::Date => "date",
            Self::Text => "string",
            Self::Reference => "reference",
            Self::Quantity => "quantity",
        }
    }
}

/// One parameter of one resource type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name in a request.
    pub name: &'static str,
    /// How it is compared.
    pub kind: Kind,
    /// The elements that it looks at, dots between levels; an array stands for each of its entries.
    pub paths: &'static [&'static str],
}

const fn token(name: &'static str, paths: &'static [&'static str]) -> Parameter {
    Parameter {
        name,
        kind: Kind::Token,
        paths,
    }
}

const fn date(name: &'static str, paths: &'static [&'static str]) -> Parameter {
    Parameter {
        name,
        kind: Kind::Date,
        paths,
    }
}

const fn text(name: &'static str, paths: &'static [&'static str]) -> Parameter {
    Parameter {
        name,
        kind: Kind::Text,
        paths,
    }
}

const fn reference(name: &'static str, paths: &'static [&'static str]) -> Parameter {
    Parameter {
        name,
        kind: Kind::Reference,
        paths,
    }
}

/// The resource types that can be searched.
pub const TYPES: [&str; 6] = [
    "AllergyIntolerance",
    "Condition",
    "Encounter",
    "MedicationRequest",
    "Observation",
    "Patient",
];

const COMMON: &[Parameter] = &[
    token("_id", &["id"]),
    date("_lastUpdated", &["meta.lastUpdated"]),
];

const PATIENT: &[Parameter] = &[
    token("active", &["active"]),
    date("birthdate", &["birthDate"]),
    token("email", &["telecom"]),
    text("family", &["name.family"]),
    token("gender", &["gender"]),
    text("given", &["name.given"]),
    token("identifier", &["identifier"]),
    reference("link", &["link.other"]),
    text(
        "name",
        &[
            "name.family",
            "name.given",
            "name.prefix",
            "name.suffix",
            "name.text",
        ],
    ),
    Parameter {
        name: "phone",
        kind: Kind::Phone,
        paths: &["telecom"],
    },
];

const OBSERVATION: &[Parameter] = &[
    token("category", &["category"]),
    token("code", &["code"]),
    date(
        "date",
        &[
            "effectiveDateTime",
            "effectivePeriod",
            "effectiveInstant",
            "effectiveTiming.event",
        ],
    ),
    reference("encounter", &["encounter"]),
    token("identifier", &["identifier"]),
    reference("patient", &["subject"]),
    token("status", &["status"]),
    reference("subject", &["subject"]),
    Parameter {
        name: "value-quantity",
        kind: Kind::Quantity,
        paths: &["valueQuantity"],
    },
];

const CONDITION: &[Parameter] = &[
    token("category", &["category"]),
    token("clinical-status", &["clinicalStatus"]),
    token("code", &["code"]),
    reference("encounter", &["encounter"]),
    token("identifier", &["identifier"]),
    date("onset-date", &["onsetDateTime", "onsetPeriod"]),
    reference("patient", &["subject"]),
    date("recorded-date", &["recordedDate"]),
    reference("subject", &["subject"]),
    token("verification-status", &["verificationStatus"]),
];

const ALLERGY_INTOLERANCE: &[Parameter] = &[
    token("category", &["category"]),
    token("clinical-status", &["clinicalStatus"]),
    token("code", &["code", "reaction.substance"]),
    token("criticality", &["criticality"]),
    date("date", &["recordedDate"]),
    token("identifier", &["identifier"]),
    reference("patient", &["patient"]),
    token("verification-status", &["verificationStatus"]),
];

const MEDICATION_REQUEST: &[Parameter] = &[
    date("authoredon", &["authoredOn"]),
    token("category", &["category"]),
    token("code", &["medicationCodeableConcept"]),
    reference("encounter", &["encounter"]),
    token("identifier", &["identifier"]),
    token("intent", &["intent"]),
    reference("patient", &["subject"]),
    token("status", &["status"]),
    reference("subject", &["subject"]),
];

const ENCOUNTER: &[Parameter] = &[
    token("class", &["class"]),
    date("date", &["period"]),
    token("identifier", &["identifier"]),
    reference("patient", &["subject"]),
    token("status", &["status"]),
    reference("subject", &["subject"]),
    token("type", &["type"]),
];

/// The parameters that every type has.
#[must_use]
pub const fn common() -> &'static [Parameter] {
    COMMON
}

/// The parameters of a type beside the common ones; none for a type that is not offered.
#[must_use]
pub fn parameters(resource_type: &str) -> &'static [Parameter] {
    match resource_type {
        "AllergyIntolerance" => ALLERGY_INTOLERANCE,
        "Condition" => CONDITION,
        "Encounter" => ENCOUNTER,
        "MedicationRequest" => MEDICATION_REQUEST,
        "Observation" => OBSERVATION,
        "Patient" => PATIENT,
        _ => &[],
    }
}

/// The offered type of that name.
#[must_use]
pub fn type_of(name: &str) -> Option<&'static str> {
    TYPES.into_iter().find(|known| *known == name)
}

/// The parameter of that name, common ones among them.
pub(super) fn find(resource_type: &str, name: &str) -> Option<&'static Parameter> {
    COMMON
        .iter()
        .chain(parameters(resource_type))
        .find(|parameter| parameter.name == name)
}
