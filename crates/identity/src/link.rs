//! What links two records: the same value from the same authority, in records that agree in family name or birth date.
//!
//! Only an identifier whose type says that it names exactly one person links. One without a type does not: it may be a visit, an
//! account, a policy that a family shares. Nor does a social security number: it is mistyped, shared and borrowed too often, so
//! it only supports a proposal. Where identifiers are equal and neither family name nor birth date is, the number was typed for
//! the wrong patient or given out again, and a person decides ([`crate::proposal_keys`]).

use std::collections::BTreeSet;

use crate::demographics::{Demographics, PatientIdentifier};
use crate::normalise;
use crate::search::identifier_text;

/// As many family names of one record as count.
const MOST_NAMES: usize = 10;

/// As many identifiers of one record as count.
const MOST_NUMBERS: usize = 100;

/// Keys whose equality links two patients. Plain text: store their HMAC.
///
/// Each is an identifier together with one fact of the person, so that two records with a key in common agree in both.
#[must_use]
pub fn link_keys(demographics: &Demographics) -> Vec<String> {
    let families: BTreeSet<String> = demographics
        .names
        .iter()
        .filter(|name| !normalise::stand_in_family(&name.family))
        .map(|name| normalise::name(&name.family).replace(' ', ""))
        .filter(|family| !family.is_empty())
        .take(MOST_NAMES)
        .collect();
    let birth_date = demographics
        .birth_date
        .as_deref()
        .and_then(normalise::birth_date);
    let mut keys = BTreeSet::new();
    for number in person_numbers(demographics) {
        // U+001F can't be in a normalised value, so no two different pairs make one text.
        keys.extend(
            families
                .iter()
                .map(|family| format!("{number}\u{1f}family\u{1f}{family}")),
        );
        keys.extend(
            birth_date
                .iter()
                .map(|date| format!("{number}\u{1f}birth_date\u{1f}{date}")),
        );
        if families.is_empty() && birth_date.is_none() {
            // Nothing is known but the number: two such records have nothing that speaks against it.
            keys.insert(format!("{number}\u{1f}number"));
        }
    }
    keys.into_iter().collect()
}

/// The identifiers that name exactly one person, as text.
pub(crate) fn person_numbers(demographics: &Demographics) -> BTreeSet<String> {
    demographics
        .identifiers
        .iter()
        .filter(|identifier| identifies_person(identifier))
        .map(|identifier| identifier_text(&identifier.authority, &identifier.value))
        .collect::<BTreeSet<String>>()
        .into_iter()
        .take(MOST_NUMBERS)
        .collect()
}

/// Whether this identifier names exactly one person, within its authority.
#[must_use]
pub fn identifies_person(identifier: &PatientIdentifier) -> bool {
    let authority = identifier.authority.trim().to_ascii_lowercase();
    // The name of an authority may stand at the end of a URI that was made of it.
    let name = authority.rsplit(':').next().unwrap_or_default();
    let kind = identifier.kind.as_deref().unwrap_or_default();
    !authority.is_empty()
        && names_one_person(kind)
        && !SHARED_AUTHORITIES.contains(&authority.as_str())
        && !SHARED_AUTHORITIES.contains(&name)
        && !is_stand_in(&identifier.value)
}

/// Whether numbers of this type (HL7 table 0203) name exactly one person, within their authority.
fn names_one_person(kind: &str) -> bool {
    let kind = kind.trim().to_ascii_uppercase();
    // `NNxxx` is a national person number, xxx being the country (ISO 3166).
    let national = kind.len() == 5
        && kind.starts_with("NN")
        && kind.bytes().all(|byte| byte.is_ascii_uppercase());
    national || ONE_PERSON.contains(&kind.as_str())
}

/// Whether numbers of this type (HL7 table 0203) can't tell which patient is meant, not even within one hospital.
#[must_use]
pub fn names_no_patient(kind: &str) -> bool {
    NO_PATIENT.contains(&kind.trim().to_ascii_uppercase().as_str())
}

/// HL7 table 0203 codes of what one authority gives to one person only. Numbers of insured people are not among them: families share
/// them. `MRN` and `EPI` (an enterprise's own number) are in no edition of the table and in many messages.
const ONE_PERSON: &[&str] = &[
    "MR", "MRN", "PI", "PT", "PN", "EPI", // Of a nation or its health service.
    "NI", "NH", "HC", "JHN", "MC", "CZ", // Documents of one person.
    "PPN", "DL",
];

/// HL7 table 0203 codes of what is no person or is shared by several.
const NO_PATIENT: &[&str] = &[
    // Social security and other tax numbers.
    "SS", "SSN", "TAX", "ITIN", // Visits, accounts, specimens, orders.
    "VN", "AN", "ANC", "AND", "ANT", "ACSN", "PLAC", "FILL", "FGN", "PGN", "USID", "UDI", "SNO",
    "SID", "RI", "PO",
    // Money: guarantors, policies, cards, banks. A subscriber's number is his family's too.
    "GI", "GN", "SN", "MB", "BA", "BC", "AM", "DI", "DS", "MS", "VS", "CC", "BCT",
    // Clinicians and organisations.
    "NPI", "DN", "DP", "DR", "DEA", "EN", "FI", "MD", "NP", "PA", "PC", "PE", "PRN", "QA", "RPH",
    "RN", "SL", "UPIN", "XX", "XV", "TN",
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
#[must_use]
pub fn is_stand_in(value: &str) -> bool {
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
