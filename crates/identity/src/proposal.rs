//! What makes two records "possibly the same person": equal name, equal birth date and one strong third field; or an identifier that
//! would link them ([`crate::link_keys`]) if what is known of the two persons agreed.
//!
//! A proposal is shown to a person, it links nothing. Sex is never part of it. The name is the family name, the first given name and
//! the generation suffix: `John Smith Jr` and `John Smith` have different names here, because father and son share everything else
//! that a form asks for. Children not named yet get no keys at all.

use std::collections::BTreeSet;
use std::fmt;

use crate::demographics::{Demographics, PersonName};
use crate::link::person_numbers;
use crate::normalise;

/// The most values of one kind that take part, so that a hostile record with thousands of names and numbers makes no million keys.
const MOST: usize = 8;

/// The reason of a proposal by an identifier alone. Where name or birth date agrees too, the two are one person already.
const BY_NUMBER: &str = "identifier, but neither name nor birth date agrees";

/// One reason for a proposal; equality of [`ProposalKey::text`] between two patients makes one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProposalKey {
    /// `name+birth_date+ssn`, `name+birth_date+phone`, `name+birth_date+street`, or a sentence on the identifier.
    pub reason: &'static str,
    /// Plain text: store its HMAC.
    pub text: String,
}

impl fmt::Debug for ProposalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProposalKey")
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}

/// Keys whose equality between two patients means "possibly the same person", sorted, each once.
#[must_use]
pub fn proposal_keys(demographics: &Demographics) -> Vec<ProposalKey> {
    let mut keys: BTreeSet<ProposalKey> = person_numbers(demographics)
        .into_iter()
        .map(|text| ProposalKey {
            reason: BY_NUMBER,
            text,
        })
        .collect();
    let Some(birth_date) = demographics
        .birth_date
        .as_deref()
        .and_then(normalise::birth_date)
    else {
        return keys.into_iter().collect();
    };
    let thirds = third_fields(demographics);
    for name in demographics
        .names
        .iter()
        .filter_map(Compared::read)
        .take(MOST)
    {
        // Twins share phone and street; what tells them apart may be the second given name only.
        let middle = if demographics.multiple_birth {
            name.middle.join(" ")
        } else {
            String::new()
        };
        let Compared {
            family,
            first,
            suffix,
            ..
        } = &name;
        for (reason, third) in &thirds {
            // U+001F can't be in a normalised value, so no two different tuples make one text.
            let parts: [&str; 7] = [
                reason,
                family,
                first,
                &middle,
                suffix.unwrap_or_default(),
                &birth_date,
                third,
            ];
            keys.insert(ProposalKey {
                reason,
                text: parts.join("\u{1f}"),
            });
        }
    }
    keys.into_iter().collect()
}

/// Whether two records with a proposal key in common still say that they are two people: they have names that agree in family and
/// first given name, and every such pair differs in another given name or in the suffix. For callers who can read both records.
///
/// Records without such a pair have only their number in common, and whether that is one person is what somebody has to look at.
#[must_use]
pub fn contradicts(one: &Demographics, other: &Demographics) -> bool {
    let names = |d: &Demographics| {
        d.names
            .iter()
            .filter_map(Compared::read)
            .take(MOST)
            .collect::<Vec<_>>()
    };
    let others = names(other);
    let alike: Vec<bool> = names(one)
        .iter()
        .flat_map(|a| {
            others
                .iter()
                .map(|b| (a.resembles(b), a.agrees(b)))
                .collect::<Vec<_>>()
        })
        .filter(|(resembles, _)| *resembles)
        .map(|(_, agrees)| agrees)
        .collect();
    !alike.is_empty() && alike.iter().all(|agrees| !agrees)
}

fn third_fields(demographics: &Demographics) -> Vec<(&'static str, String)> {
    let ssn = demographics
        .ssn
        .iter()
        .filter_map(|text| normalise::ssn(text))
        .take(MOST);
    let phone = demographics
        .phones
        .iter()
        .filter_map(|text| normalise::phone(text))
        .take(MOST);
    let street = demographics
        .streets
        .iter()
        .filter_map(|(line, postal)| normalise::street(line, postal.as_deref()))
        .take(MOST);
    ssn.map(|text| ("name+birth_date+ssn", text))
        .chain(phone.map(|text| ("name+birth_date+phone", text)))
        .chain(street.map(|text| ("name+birth_date+street", text)))
        .collect()
}

/// A name as it is compared. Spaces are gone: `De la Cruz` and `Delacruz`, `Mary Ann` and `Maryann` are spellings.
struct Compared {
    family: String,
    first: String,
    middle: Vec<String>,
    suffix: Option<&'static str>,
}

impl Compared {
    fn read(name: &PersonName) -> Option<Self> {
        let first = name
            .given
            .iter()
            .find(|given| !normalise::name_letters(given).is_empty())?;
        if normalise::stand_in_family(&name.family)
            || name
                .given
                .iter()
                .any(|given| !given.trim().is_empty() && normalise::stand_in_given(given))
        {
            return None;
        }
        let suffix = name
            .suffix
            .as_deref()
            .and_then(normalise::suffix)
            .or_else(|| normalise::trailing_suffix(&name.family))
            .or_else(|| {
                name.given
                    .iter()
                    .find_map(|given| normalise::trailing_suffix(given))
            });
        let family = normalise::name(&name.family).replace(' ', "");
        let first_name = normalise::name(first).replace(' ', "");
        // The name given to people without one.
        if family == "doe" && matches!(first_name.as_str(), "john" | "jane") {
            return None;
        }
        let middle = name
            .given
            .iter()
            .skip_while(|given| !std::ptr::eq(*given, first))
            .skip(1)
            .map(|given| normalise::name(given).replace(' ', ""))
            .filter(|given| !given.is_empty() && normalise::suffix(given).is_none())
            .collect();
        Some(Self {
            family,
            first: first_name,
            middle,
            suffix,
        })
    }

    fn resembles(&self, other: &Self) -> bool {
        self.family == other.family && self.first == other.first
    }

    fn agrees(&self, other: &Self) -> bool {
        // An initial agrees with a name that begins with it; a name that is not there agrees with any.
        let middles = self.middle.iter().zip(&other.middle).all(|(a, b)| {
            a == b
                || (a.chars().count() == 1 && b.starts_with(a.as_str()))
                || (b.chars().count() == 1 && a.starts_with(b.as_str()))
        });
        self.family == other.family
            && self.first == other.first
            && self.suffix == other.suffix
            && middles
    }
}

#[cfg(test)]
#[path = "proposal_tests.rs"]
mod tests;
