//! How each vendor says no. One case, three answers: an Epic number in an `OperationOutcome`, an Oracle text or a vague
//! outcome, an athena `forbidden` (vendor catalogue EPIC-13, EPIC-22, CERN-09, ATHN-07, ATHN-22, X-05).

use serde_json::{Value, json};

use super::answer::Answer;
use super::epic_numbers;
use super::habits::Resource;
use super::site;
use crate::vendor::Vendor;

/// Why a request was not done.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// No token, or one that is not valid (any more).
    Unauthorized,
    /// The token does not cover it.
    Scope,
    /// The client is not licensed for this type.
    Unlicensed,
    /// A search without any parameter.
    NoParameters,
    /// No required set is there.
    Missing(&'static Resource),
    /// The patient is there, what else is needed is not.
    MissingMore(&'static Resource, &'static str),
    /// A value that can't be used.
    BadValue(String),
    /// Two patients in one search.
    TwoPatients,
    /// A patient that is not here.
    UnknownPatient,
    /// A patient that was merged away.
    MergedPatient,
    /// Two parameters that exclude each other.
    Exclusive,
    /// Too little to look for a patient.
    TooFew,
    /// More patients than are given out.
    TooMany,
    /// athena: nobody said which practice.
    NoPractice,
    /// Nothing has this id.
    UnknownId,
    /// What had this id was deleted.
    Deleted,
    /// This interaction does not exist for this type.
    NotSupported,
    /// Nothing is at this path.
    NoRoute,
    /// The page link is no longer good.
    PageExpired,
    /// The client did not ask for JSON.
    NotJson,
    /// The body is no resource of this type.
    Malformed,
    /// The body lacks an element.
    LacksElement(&'static str),
    /// An element has a value that is not taken.
    Unaccepted(&'static str),
    /// A reference leads nowhere.
    NoReference(&'static str),
    /// No row of the site's documentation takes this code.
    Unmapped,
    /// The reading was filed before.
    ReadingExists,
    /// A record of this type can't be written.
    Poisoned(&'static str),
    /// The server is broken, with this status.
    Broken(u16),
}

impl Refusal {
    /// The answer as that vendor gives it.
    pub(crate) fn answer(&self, vendor: Vendor) -> Answer {
        match vendor {
            Vendor::Epic => self.epic(),
            Vendor::Oracle => self.oracle(),
            Vendor::Athena => self.athena(),
        }
    }

    fn epic(&self) -> Answer {
        let (status, number, expression) = match self {
            Self::Unauthorized => {
                return Answer::empty(401)
                    .with("www-authenticate", "Bearer error=\"invalid_token\"");
            }
            Self::Scope => {
                return Answer::empty(403)
                    .with("www-authenticate", "Bearer error=\"insufficient_scope\"");
            }
            // An API that the client was not registered for: no word of explanation (vendor catalogue EPIC-13).
            Self::Unlicensed => return Answer::empty(403),
            Self::NoRoute => return Answer::html(404, page("404 - File or directory not found.")),
            Self::NotJson => return Answer::empty(406),
            Self::Broken(500) | Self::Poisoned(_) => (500, "59177", None),
            // The user behind the client may not see this: said with a number (vendor catalogue EPIC-13).
            Self::Broken(403) => (403, "4118", None),
            Self::Broken(status) => return Answer::html(*status, page("Service unavailable")),
            Self::NotSupported => {
                return fhir(
                    Vendor::Epic,
                    405,
                    "fatal",
                    "not-supported",
                    None,
                    Some("The interaction is not supported for this resource."),
                    None,
                );
            }
            Self::NoParameters => (400, "4110", None),
            Self::Missing(_) => (400, "4111", Some("patient")),
            Self::MissingMore(_, name) => (400, "59108", Some(*name)),
            Self::BadValue(name) => (400, "4115", Some(name.as_str())),
            Self::TwoPatients | Self::Exclusive => (400, "4112", Some("patient")),
            Self::UnknownPatient | Self::NoPractice => (400, "4100", Some("patient")),
            Self::MergedPatient => (400, "4107", Some("patient")),
            Self::TooFew => (400, "59133", None),
            Self::TooMany => (400, "4127", None),
            Self::UnknownId => (404, "4102", None),
            Self::Deleted => (410, "4103", None),
            Self::PageExpired => (400, "4113", None),
            Self::Malformed => (400, "59105", None),
            Self::LacksElement(name) => (400, "59108", Some(*name)),
            Self::Unaccepted(name) => (422, "59012", Some(*name)),
            Self::NoReference(name) => (400, "59144", Some(*name)),
            Self::Unmapped => (400, "59188", Some("code")),
            Self::ReadingExists => (400, "59189", Some("code/instant")),
        };
        Answer::fhir(
            status,
            Vendor::Epic,
            epic_outcome(number, expression).to_string(),
        )
    }

    fn oracle(&self) -> Answer {
        match self {
            Self::Unauthorized => Answer::empty(401).with(
                "www-authenticate",
                "Bearer realm=\"fhir-ehr\", error=\"invalid_token\"",
            ),
            Self::Scope | Self::Unlicensed => Answer::empty(403).with(
                "www-authenticate",
                "Bearer realm=\"fhir-ehr\", error=\"insufficient_scope\"",
            ),
            Self::NoRoute => Answer::empty(404),
            Self::NotJson => Answer::empty(406),
            Self::Broken(status) => Answer::html(*status, page("Gateway Time-out")),
            Self::NoParameters | Self::Missing(_) | Self::MissingMore(..) => {
                Answer::text(400, "no supported search parameters provided")
            }
            Self::TooFew
            | Self::TwoPatients
            | Self::Exclusive
            | Self::BadValue(_)
            | Self::UnknownPatient
            | Self::MergedPatient
            | Self::NoPractice
            | Self::PageExpired
            | Self::Malformed => vague(400, "invalid", "Invalid request"),
            Self::Poisoned(name) => {
                let body = json!({"resourceType": "OperationOutcome", "issue": [{
                    "severity": "fatal", "code": "required",
                    "location": [format!("/f:{name}/f:status")],
                }]});
                Answer::fhir(500, Vendor::Oracle, body.to_string())
            }
            Self::TooMany => vague(422, "too-costly", "Unprocessable entity"),
            Self::UnknownId => vague(404, "not-found", "Resource not found"),
            Self::Deleted => vague(410, "deleted", "Resource deleted"),
            Self::NotSupported => vague(405, "not-supported", "Method not allowed"),
            Self::LacksElement(_)
            | Self::Unaccepted(_)
            | Self::NoReference(_)
            | Self::Unmapped
            | Self::ReadingExists => vague(422, "business-rule", "Unprocessable entity"),
        }
    }

    fn athena(&self) -> Answer {
        let outcome = |status: u16, code: &str, text: &str| {
            fhir(
                Vendor::Athena,
                status,
                "fatal",
                code,
                None,
                Some(text),
                None,
            )
        };
        match self {
            Self::Unauthorized => outcome(401, "login", "The access token is not valid."),
            // Not `forbidden`, which means something else here.
            Self::Scope | Self::Unlicensed => {
                outcome(403, "security", "The token does not cover this resource.")
            }
            // Plain text under a JSON type (vendor catalogue ATHN-22).
            Self::NoRoute => Answer::of(404, "application/json", "no route matched".to_owned()),
            Self::NotJson => Answer::empty(406),
            Self::Broken(status) => {
                Answer::of(*status, "application/json", "upstream error".to_owned())
            }
            Self::Poisoned(_) => Answer::of(500, "application/json", "upstream error".to_owned()),
            Self::Missing(resource) | Self::MissingMore(resource, _) => {
                outcome(400, "forbidden", &combinations(resource))
            }
            Self::NoPractice => outcome(
                400,
                "processing",
                "The practice of the request could not be determined.",
            ),
            Self::NoParameters | Self::TooFew => {
                outcome(400, "forbidden", "The search needs parameters.")
            }
            Self::BadValue(name) => outcome(
                400,
                "invalid",
                &format!("The value of {name} is not valid."),
            ),
            Self::TwoPatients | Self::Exclusive => {
                outcome(400, "invalid", "These parameters can't be combined.")
            }
            Self::TooMany => outcome(400, "too-costly", "The search finds too much."),
            Self::UnknownId | Self::UnknownPatient | Self::MergedPatient | Self::Deleted => {
                outcome(404, "not-found", "The resource was not found.")
            }
            Self::NotSupported => {
                outcome(405, "not-supported", "The interaction is not supported.")
            }
            Self::PageExpired => outcome(400, "invalid", "The cursor is not valid."),
            Self::Malformed
            | Self::LacksElement(_)
            | Self::Unaccepted(_)
            | Self::NoReference(_)
            | Self::Unmapped
            | Self::ReadingExists => outcome(422, "invalid", "The resource is not valid."),
        }
    }
}

/// An `OperationOutcome` with one of Epic's numbers, under the code system of the site.
pub(crate) fn epic_outcome(number: &str, expression: Option<&str>) -> Value {
    let (severity, code, display) = epic_numbers::meaning(number);
    outcome(
        severity,
        code,
        Some(
            json!({"coding": [{"system": site::epic_codes(), "code": number, "display": display}], "text": display}),
        ),
        None,
        expression,
    )
}

/// The part of a result that the client has no licence for (vendor catalogue EPIC-20).
pub(crate) fn suppressed() -> Value {
    outcome(
        "warning",
        "suppressed",
        Some(json!({"text": "Client not authorized for part of the requested data."})),
        None,
        None,
    )
}

/// An `OperationOutcome` with that code in its details, as the vendor would put it into a searchset.
pub(crate) fn inside(vendor: Vendor, code: &str) -> Value {
    if code == "suppressed" {
        return suppressed();
    }
    match vendor {
        Vendor::Epic => epic_outcome(code, None),
        Vendor::Oracle | Vendor::Athena => outcome(
            "warning",
            "processing",
            Some(json!({"coding": [{"code": code}]})),
            None,
            None,
        ),
    }
}

fn vague(status: u16, code: &str, text: &str) -> Answer {
    fhir(
        Vendor::Oracle,
        status,
        "error",
        code,
        Some(json!({"text": text})),
        None,
        None,
    )
}

fn fhir(
    vendor: Vendor,
    status: u16,
    severity: &str,
    code: &str,
    details: Option<Value>,
    diagnostics: Option<&str>,
    expression: Option<&str>,
) -> Answer {
    let body = outcome(severity, code, details, diagnostics, expression);
    Answer::fhir(status, vendor, body.to_string())
}

fn outcome(
    severity: &str,
    code: &str,
    details: Option<Value>,
    diagnostics: Option<&str>,
    expression: Option<&str>,
) -> Value {
    let mut issue = serde_json::Map::new();
    issue.insert("severity".to_owned(), json!(severity));
    issue.insert("code".to_owned(), json!(code));
    if let Some(details) = details {
        issue.insert("details".to_owned(), details);
    }
    if let Some(diagnostics) = diagnostics {
        issue.insert("diagnostics".to_owned(), json!(diagnostics));
    }
    if let Some(expression) = expression {
        issue.insert("location".to_owned(), json!([format!("/f:{expression}")]));
        issue.insert("expression".to_owned(), json!([expression]));
    }
    json!({"resourceType": "OperationOutcome", "issue": [issue]})
}

fn combinations(resource: &Resource) -> String {
    let sets: Vec<String> = resource
        .sets
        .iter()
        .map(|set| format!("[{}]", set.join(",")))
        .collect();
    format!(
        "One of these combinations of parameters is needed: [{}]",
        sets.join(",")
    )
}

fn page(title: &str) -> String {
    format!(
        "<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
    )
}
