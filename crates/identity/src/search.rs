//! What a patient can be found by: the texts whose HMACs go into the search index.
//!
//! Names whole and as prefixes of 2 to 6 letters, the birth date at three grains, identifiers with and without their authority.
//! [`crate::parse_query`] makes the same texts from what somebody types.

use std::collections::BTreeSet;
use std::fmt;

use crate::demographics::Demographics;
use crate::link::is_stand_in;
use crate::normalise;

/// Shortest and longest name prefix in the index.
pub(crate) const PREFIX: std::ops::RangeInclusive<usize> = 2..=6;

/// One entry of the search index.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SearchTerm {
    /// `family`, `given`, `name_prefix`, `birth_year`, `birth_month`, `birth_day`, `identifier` or `identifier_value`.
    pub field: &'static str,
    /// Plain text: store its HMAC.
    pub text: String,
}

impl SearchTerm {
    pub(crate) fn new(field: &'static str, text: impl Into<String>) -> Self {
        Self {
            field,
            text: text.into(),
        }
    }
}

impl fmt::Debug for SearchTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SearchTerm")
            .field("field", &self.field)
            .finish_non_exhaustive()
    }
}

/// The text of an identifier with its authority, as in [`crate::link_keys`] and the `identifier` search field.
#[must_use]
pub fn identifier_text(authority: &str, value: &str) -> String {
    format!("{}|{}", authority.trim().replace('|', "%7C"), value.trim())
}

/// All terms a patient is found by, sorted, each once.
#[must_use]
pub fn search_terms(demographics: &Demographics) -> Vec<SearchTerm> {
    let mut terms = BTreeSet::new();
    for name in &demographics.names {
        add_name(&mut terms, "family", &name.family);
        for given in &name.given {
            add_name(&mut terms, "given", given);
        }
    }
    if let Some(date) = demographics.birth_date.as_deref() {
        add_birth_date(&mut terms, date.trim());
    }
    for identifier in demographics
        .identifiers
        .iter()
        .filter(|identifier| !is_stand_in(&identifier.value))
    {
        terms.insert(SearchTerm::new("identifier_value", identifier.value.trim()));
        if !identifier.authority.trim().is_empty() {
            terms.insert(SearchTerm::new(
                "identifier",
                identifier_text(&identifier.authority, &identifier.value),
            ));
        }
    }
    for ssn in demographics
        .ssn
        .iter()
        .filter_map(|text| normalise::ssn(text))
    {
        terms.insert(SearchTerm::new("identifier_value", ssn));
    }
    terms.into_iter().collect()
}

/// All words, titles and suffixes too: nothing of a name may be impossible to find. `De la Cruz` is also found as `delacruz`.
fn add_name(terms: &mut BTreeSet<SearchTerm>, field: &'static str, text: &str) {
    let letters = normalise::name_letters(text);
    let whole = normalise::name(text);
    let joined = whole.replace(' ', "");
    for word in letters
        .split(' ')
        .chain([joined.as_str()])
        .filter(|word| !word.is_empty())
    {
        terms.insert(SearchTerm::new(field, word));
        for length in PREFIX {
            let prefix: String = word.chars().take(length).collect();
            if prefix.chars().count() == length {
                terms.insert(SearchTerm::new("name_prefix", prefix));
            }
        }
    }
    if !whole.is_empty() {
        terms.insert(SearchTerm::new(field, whole));
    }
}

/// A birth date may be a year or a month only (FHIR `date`), and a default date is still what the record says.
fn add_birth_date(terms: &mut BTreeSet<SearchTerm>, date: &str) {
    let padded = match date.len() {
        4 => format!("{date}-01-01"),
        7 => format!("{date}-01"),
        _ => date.to_owned(),
    };
    if normalise::full_date(&padded).is_none() {
        return;
    }
    for (field, length) in [("birth_year", 4), ("birth_month", 7), ("birth_day", 10)] {
        if let Some(part) = date.get(..length) {
            terms.insert(SearchTerm::new(field, part));
        }
    }
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
