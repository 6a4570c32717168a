//! `Patient`: FHIR R4 §8.1.

use super::read::{flag, list, reference_text, text};
use super::types::{
    Address, ContactPoint, HumanName, Identifier, address, contact_point, human_name,
};
use crate::json::Value;

/// What is known of a patient's death.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Deceased<'a> {
    /// Said outright to be dead or not.
    Flag(bool),
    /// Died at this time.
    At(&'a str),
}

/// `Patient.link`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Link<'a> {
    /// The other patient, as sent.
    pub other: &'a str,
    /// `replaced-by`, `replaces`, `refer`, `seealso`.
    pub kind: Option<&'a str>,
}

/// `name`
pub fn names(patient: &Value) -> Vec<HumanName> {
    list(patient, "name").iter().map(human_name).collect()
}

/// `identifier`
pub fn identifiers(patient: &Value) -> Vec<Identifier> {
    super::identifiers(patient)
}

/// `birthDate`, which may be a year or a month.
pub fn birth_date(patient: &Value) -> Option<&str> {
    text(patient, "birthDate")
}

/// `gender`, which is administrative.
pub fn gender(patient: &Value) -> Option<&str> {
    text(patient, "gender")
}

/// `telecom`
pub fn telecoms(patient: &Value) -> Vec<ContactPoint> {
    list(patient, "telecom").iter().map(contact_point).collect()
}

/// `address`
pub fn addresses(patient: &Value) -> Vec<Address> {
    list(patient, "address").iter().map(address).collect()
}

/// `deceased[x]`; `None` means that nothing was said, which is not the same as being alive.
pub fn deceased(patient: &Value) -> Option<Deceased<'_>> {
    text(patient, "deceasedDateTime")
        .map(Deceased::At)
        .or_else(|| flag(patient, "deceasedBoolean").map(Deceased::Flag))
}

/// `active`
pub fn active(patient: &Value) -> Option<bool> {
    flag(patient, "active")
}

/// `link`
pub fn links(patient: &Value) -> Vec<Link<'_>> {
    list(patient, "link")
        .iter()
        .filter_map(|link| {
            Some(Link {
                other: reference_text(link, "other")?,
                kind: text(link, "type"),
            })
        })
        .collect()
}
