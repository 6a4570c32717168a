//! What links two records: the same value from the same authority, nothing else.
//!
//! An identifier that names something other than one person (a visit, an account, a policy that a family shares, a clinician) never
//! links, nor does a social security number: it is mistyped, shared and borrowed too often, so it only supports a proposal.

use crate::demographics::{Demographics, PatientIdentifier};
use crate::search::identifier_text;

/// Keys whose equality links two patients. Plain text: store their HMAC.
#[must_use]
pub fn link_keys(demographics: &Demographics) -> Vec<String> {
    let mut keys: Vec<String> = demographics
        .identifiers
        .iter()
        .filter(|identifier| identifies_person(identifier))
        .map(|identifier| identifier_text(&identifier.authority, &identifier.value))
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

/// Whether this identifier names exactly one person, within its authority.
#[must_use]
pub fn identifies_person(identifier: &PatientIdentifier) -> bool {
    let authority = identifier.authority.trim();
    let kind = identifier
        .kind
        .as_deref()
        .unwrap_or_default()
        .trim()
        .to_ascii_uppercase();
    !authority.is_empty()
        && !NOT_A_PERSON.contains(&kind.as_str())
        && !SHARED_AUTHORITIES.contains(&authority.to_ascii_lowercase().as_str())
        && !is_stand_in(&identifier.value)
}

/// HL7 table 0203 codes of what is no person, is shared by several, or is given out again.
const NOT_A_PERSON: &[&str] = &[
    // Social security and other tax numbers.
    "SS", "SSN", "TAX", "ITIN", // Visits, accounts, specimens, orders.
    "VN", "AN", "ANON", "ANC", "AND", "ANT", "ACSN", "PLAC", "FILL", "FGN", "PGN", "USID", "UDI",
    "SNO", "SID", "RI", "PO",
    // Money: guarantors, policies, cards, banks. A subscriber's number is his family's too.
    "GI", "GN", "SN", "MB", "BA", "BC", "AM", "DI", "DS", "MS", "VS", "CC", "BCT",
    // Clinicians and organisations.
    "NPI", "DN", "DP", "DR", "DEA", "EN", "FI", "MD", "NP", "PA", "PC", "PE", "PRN", "QA", "RPH",
    "RN", "SL", "UPIN", "XX", "XV", "TN", // Temporary numbers, given out again.
    "MRT", "PNT", "MCT",
];

/// Authorities whose numbers never link, however the identifier's type is given.
const SHARED_AUTHORITIES: &[&str] = &[
    "http://hl7.org/fhir/sid/us-ssn",
    "https://hl7.org/fhir/sid/us-ssn",
    "urn:oid:2.16.840.1.113883.4.1",
    "2.16.840.1.113883.4.1",
    "ssn",
    "ss",
    "ssa",
    "usssa",
    "us-ssn",
    "http://hl7.org/fhir/sid/us-npi",
    "urn:oid:2.16.840.1.113883.4.6",
    "2.16.840.1.113883.4.6",
];

/// Whether a value was typed because there was none.
pub(crate) fn is_stand_in(value: &str) -> bool {
    let value = value.trim().to_lowercase();
    let signs: String = value.chars().filter(|c| c.is_alphanumeric()).collect();
    let nines = signs.len() >= 5 && signs.chars().all(|c| c == '9');
    let words = [
        "unknown",
        "unk",
        "none",
        "null",
        "nil",
        "na",
        "notavailable",
        "notapplicable",
        "nomrn",
        "test",
        "pending",
        "tbd",
        "temp",
        "missing",
        "undefined",
    ];
    signs.chars().all(|c| c == '0')
        || signs.chars().all(|c| c == 'x')
        || nines
        || words.contains(&signs.as_str())
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
