//! The members of a profile. Each has a default, so that a layer says only what is its own.

use std::collections::BTreeMap;

use bedside_fhir::page::Outcomes;
use serde::{Deserialize, Serialize};

/// What one server is like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// The vendor's name, as the configuration says it.
    pub vendor: String,
    /// Where things are.
    pub endpoints: Endpoints,
    /// How a token is had.
    pub auth: Auth,
    /// What goes with each request.
    pub request: Request,
    /// What a search of a type must have.
    pub search: BTreeMap<String, Search>,
    /// What is asked of each patient, and how often.
    pub crawl: Vec<Crawl>,
    /// How pages are followed.
    pub paging: Paging,
    /// What the server's codes mean.
    pub outcome: Outcomes,
    /// How much the server is asked to bear.
    pub limits: Limits,
    /// What may be written, and how it is known that it was.
    pub write: BTreeMap<String, WriteRule>,
    /// Which identifier is which.
    pub identifiers: Vec<IdentifierRule>,
}

impl Profile {
    /// How resources of this type are written; none where they are not.
    #[must_use]
    pub fn write(&self, resource_type: &str) -> Option<&WriteRule> {
        self.write.get(resource_type).filter(|rule| rule.allowed)
    }
}

/// Where things are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Endpoints {
    /// Whether the discovery document under the base is asked for the token endpoint.
    pub discovery: bool,
}

/// A signature algorithm of a client assertion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// ECDSA on P-384.
    #[default]
    ES384,
    /// RSA, PKCS #1 v1.5.
    RS384,
}

/// How a token is had.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Auth {
    /// The algorithm that assertions are signed with.
    pub algorithm: Algorithm,
    /// The audience, where it is not the address that the request goes to (vendor catalogue EPIC-04).
    pub audience: Option<String>,
    /// The life of an assertion in seconds.
    pub assertion_seconds: i64,
    /// Whether scopes are sent at all (vendor catalogue EPIC-07).
    pub send_scopes: bool,
    /// The scopes to ask for; each named, because wildcards are not granted everywhere (vendor catalogue CERN-06).
    pub scopes: Vec<String>,
    /// After which share of its life a token is renewed, in hundredths.
    pub renew_percent: i64,
}

/// What goes with each request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    /// `Accept`.
    pub accept: String,
    /// `Content-Type` of what is written.
    pub content_type: String,
    /// Parameters of every search, such as the tenant (vendor catalogue ATHN-02).
    pub parameters: BTreeMap<String, String>,
    /// Headers of every request.
    pub headers: BTreeMap<String, String>,
}

/// What a search of a type must have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Search {
    /// One of these sets of parameters must be there, else the query is not sent.
    pub required: Vec<Vec<String>>,
    /// Parameters that must not come together.
    pub exclusive: Vec<Vec<String>>,
    /// `_count`.
    pub count: Option<u32>,
    /// Parameters that go with each.
    pub parameters: BTreeMap<String, String>,
    /// How a window of time is said.
    pub date: Option<DateRule>,
}

/// How precise a time is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DateForm {
    /// `2026-03-01`.
    #[default]
    Day,
    /// `2026-03-01T08:00:00Z`.
    Instant,
}

/// How a window of time is said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DateRule {
    /// The parameter.
    pub parameter: String,
    /// How precise.
    pub form: DateForm,
}

/// How often something is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pace {
    /// As often as laboratory results.
    Labs,
    /// As often as the rest of the chart.
    #[default]
    Rest,
}

impl Pace {
    /// The word in the key of a poll.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Labs => "labs",
            Self::Rest => "rest",
        }
    }
}

/// One question about each patient.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Crawl {
    /// Resource type.
    #[serde(rename = "type")]
    pub resource_type: String,
    /// Category, where the type is asked for by category (vendor catalogue EPIC-25); empty for all of it.
    pub category: String,
    /// How often.
    pub pace: Pace,
    /// How far back, in days; none for all there is.
    pub days: Option<i64>,
    /// Parameters of this question alone.
    pub parameters: BTreeMap<String, String>,
}

/// How pages are followed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Paging {
    /// Pages of one search that are read at most.
    pub max_pages: u32,
    /// Whether `Bundle.total` counts what can be read (vendor catalogue EPIC-27: not everywhere).
    pub trust_total: bool,
}

/// How much the server is asked to bear.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests in a minute.
    pub per_minute: u32,
    /// Requests at once after a pause.
    pub burst: u32,
    /// Requests at the same time.
    pub concurrency: u32,
}

/// In which form `Location` names what was created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Location {
    /// Relative to the base (vendor catalogue EPIC-50).
    Relative,
    /// The whole URL (vendor catalogue CERN-11).
    Absolute,
    /// Either.
    #[default]
    Either,
}

/// What may be written, and how it is known that it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WriteRule {
    /// Whether the server takes it by FHIR at all.
    pub allowed: bool,
    /// Statuses that mean that it was taken.
    pub success: Vec<u16>,
    /// In which form `Location` names it.
    pub location: Location,
    /// Whether what was written can be read back.
    pub read_back: bool,
    /// The parameters with which it can be looked for after an unanswered write: `patient`, `subject`, `identifier`; empty where search
    /// can't see it.
    pub find_by: Vec<String>,
    /// So long after it left, a write may still be taken and come to be found: what isn't found then was not taken. It is more than any
    /// request may last and any index may lag.
    pub visible_after_seconds: i64,
    /// Whether the server heeds `If-None-Exist`, so that a second create with the same identifier makes nothing.
    pub if_none_exist: bool,
}

/// Which identifier is which.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdentifierRule {
    /// The identifier's system.
    pub system: Option<String>,
    /// The text of its type, which is all that some servers give (vendor catalogue EPIC-37).
    pub text: Option<String>,
    /// What it is: `mrn`, `regional`, `enterprise`, `internal`.
    pub kind: String,
}
