//! What somebody types into the search box, as terms to intersect: `smi anna 1980-02-03`, `MRN12345`, `12-Mar-1980`, `1980`.
//!
//! Each word is one required term with the ways it may be meant. A date may be ambiguous (`02/03/1980`), a number may be a year or an
//! identifier; all readings are tried. Names longer than the longest indexed prefix are looked up by that prefix, so the index
//! answers with a little too much: [`query_matches`] on the opened record decides.

use std::collections::BTreeSet;
use std::fmt;

use crate::demographics::Demographics;
use crate::normalise;
use crate::search::{PREFIX, SearchTerm, identifier_text, search_terms};

/// The most words of a query that are looked at.
const MOST_WORDS: usize = 16;

/// One required part of a query: a patient must have at least one of the alternatives.
#[derive(Clone, PartialEq, Eq)]
pub struct QueryTerm {
    /// Index terms, any of which will do.
    pub alternatives: Vec<SearchTerm>,
    /// The whole folded word when it is longer than the prefix among the alternatives.
    pub name_start: Option<String>,
}

impl fmt::Debug for QueryTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryTerm")
            .field("alternatives", &self.alternatives)
            .finish_non_exhaustive()
    }
}

/// Splits a query into terms. Nothing that could be searched for gives no terms, which must find nobody, not everybody.
#[must_use]
pub fn parse_query(query: &str) -> Vec<QueryTerm> {
    let words: Vec<&str> = query
        .split(|c: char| c.is_whitespace() || c == ',' || c == ';')
        .filter(|word| !word.is_empty())
        .take(MOST_WORDS)
        .collect();
    let mut terms = Vec::new();
    let mut rest = words.as_slice();
    while !rest.is_empty() {
        let used = match spelled_date(rest) {
            Some((term, used)) => {
                terms.push(term);
                used
            }
            None => {
                if let [word, ..] = rest {
                    read_word(word, words.len() == 1, &mut terms);
                }
                1
            }
        };
        rest = rest.get(used..).unwrap_or_default();
    }
    terms
}

/// Whether an opened record answers the whole query, long names included.
#[must_use]
pub fn query_matches(query: &[QueryTerm], demographics: &Demographics) -> bool {
    let terms: BTreeSet<SearchTerm> = search_terms(demographics).into_iter().collect();
    !query.is_empty()
        && query.iter().all(|part| {
            let starts = |start: &String| {
                terms.iter().any(|term| {
                    matches!(term.field, "family" | "given")
                        && term.text.starts_with(start.as_str())
                })
            };
            part.name_start.as_ref().is_some_and(starts)
                || part.alternatives.iter().any(|term| {
                    // The cut prefix let the record through to here; only the whole word decides.
                    (part.name_start.is_none() || term.field != "name_prefix")
                        && terms.contains(term)
                })
        })
}

fn read_word(word: &str, only: bool, terms: &mut Vec<QueryTerm>) {
    if let Some((authority, value)) = word
        .rsplit_once('|')
        .filter(|(authority, value)| !authority.is_empty() && !value.is_empty())
    {
        terms.push(any(vec![SearchTerm::new(
            "identifier",
            identifier_text(authority, value),
        )]));
        return;
    }
    let word = word.trim_start_matches('|');
    if word.chars().any(|c| c.is_ascii_digit()) {
        let mut alternatives = date_terms(word);
        alternatives.extend(identifier_terms(word));
        terms.push(any(alternatives));
        return;
    }
    let folded = normalise::name_letters(word);
    // Labels before a number, and what is not indexed, must not make the search come back empty.
    let label = matches!(
        folded.as_str(),
        "mrn" | "dob" | "id" | "born" | "ssn" | "jr" | "sr" | "mr" | "mrs" | "ms" | "dr"
    );
    if label && !only {
        return;
    }
    for part in folded.split(' ').filter(|part| !part.is_empty()) {
        read_name(part, word, only, terms);
    }
}

fn read_name(part: &str, word: &str, only: bool, terms: &mut Vec<QueryTerm>) {
    let length = part.chars().count();
    // An identifier may be letters alone, but only where the word is the whole of what was typed.
    let mut alternatives = if only && part.len() == word.len() {
        identifier_terms(word)
    } else {
        Vec::new()
    };
    if length < *PREFIX.start() {
        // One letter is an initial. Alone it can be looked up as such; beside other words it says too little. A whole name of one
        // letter exists in scripts without an alphabet.
        if only || !part.is_ascii() {
            alternatives.extend([
                SearchTerm::new("family", part),
                SearchTerm::new("given", part),
            ]);
            terms.push(any(alternatives));
        }
        return;
    }
    let prefix: String = part.chars().take(*PREFIX.end()).collect();
    alternatives.push(SearchTerm::new("name_prefix", prefix));
    let name_start = (length > *PREFIX.end()).then(|| part.to_owned());
    terms.push(QueryTerm {
        alternatives,
        name_start,
    });
}

/// An identifier as typed and in the other letter case, with and without a leading label, and without the dashes of an SSN.
fn identifier_terms(word: &str) -> Vec<SearchTerm> {
    let label = |at: usize| {
        word.get(..at)
            .is_some_and(|start| start.eq_ignore_ascii_case("mrn"))
    };
    let bare = if label(3) {
        word.get(3..)
            .unwrap_or_default()
            .trim_start_matches([':', '#', '-'])
    } else {
        ""
    };
    let mut values = Vec::new();
    for text in [word, bare] {
        values.extend([text.to_owned(), text.to_uppercase(), text.to_lowercase()]);
    }
    values.extend(normalise::ssn(word));
    values.retain(|value| !value.is_empty());
    values.sort();
    values.dedup();
    values
        .into_iter()
        .map(|value| SearchTerm::new("identifier_value", value))
        .collect()
}

/// All dates that one word can mean.
fn date_terms(word: &str) -> Vec<SearchTerm> {
    let parts: Vec<&str> = word.split(['-', '/', '.']).collect();
    let mut terms = match parts.as_slice() {
        [year] if year.len() == 4 => date_term(year, None, None),
        [all] if all.len() == 8 && all.is_ascii() => {
            date_term(&all[..4], Some(&all[4..6]), Some(&all[6..]))
        }
        [year, month] if year.len() == 4 => date_term(year, Some(month), None),
        [month, year] => date_term(year, Some(month), None),
        [year, month, day] if year.len() == 4 => date_term(year, Some(month), Some(day)),
        // American order first; a European means the other one. A year of two digits is of either century. All are looked up.
        [one, two, year] => {
            let years = if year.len() == 2 {
                vec![format!("19{year}"), format!("20{year}")]
            } else {
                vec![(*year).to_owned()]
            };
            years
                .iter()
                .flat_map(|year| {
                    [
                        date_term(year, Some(one), Some(two)),
                        date_term(year, Some(two), Some(one)),
                    ]
                })
                .flatten()
                .collect()
        }
        _ => Vec::new(),
    };
    terms.dedup();
    terms
}

/// A date written with spaces: `12 Mar 1980`, `March 12, 1980`, `Mar 1980`. Also how many words it takes.
fn spelled_date(words: &[&str]) -> Option<(QueryTerm, usize)> {
    let found = match words {
        [a, b, year, ..]
            if month_number(b).is_some() && !date_term(year, Some(b), Some(a)).is_empty() =>
        {
            (date_term(year, Some(b), Some(a)), 3)
        }
        [a, b, year, ..]
            if month_number(a).is_some() && !date_term(year, Some(a), Some(b)).is_empty() =>
        {
            (date_term(year, Some(a), Some(b)), 3)
        }
        [a, year, ..]
            if !a.starts_with(|c: char| c.is_ascii_digit())
                && !date_term(year, Some(a), None).is_empty() =>
        {
            // "May 1980" is a month or a woman born in that year; only the month reading needs both words at once.
            if matches!(
                normalise::name_letters(a).as_str(),
                "may" | "april" | "june" | "august" | "jan"
            ) {
                return None;
            }
            (date_term(year, Some(a), None), 2)
        }
        _ => return None,
    };
    Some((any(found.0), found.1))
}

fn date_term(year: &str, month: Option<&str>, day: Option<&str>) -> Vec<SearchTerm> {
    if year.len() != 4 || !year.bytes().all(|b| b.is_ascii_digit()) {
        return Vec::new();
    }
    let Some(month) = month else {
        let plausible = (1850..=2200).contains(&year.parse::<u16>().unwrap_or_default());
        return if plausible {
            vec![SearchTerm::new("birth_year", year)]
        } else {
            Vec::new()
        };
    };
    let Some(month) = month_number(month) else {
        return Vec::new();
    };
    let Some(day) = day else {
        return vec![SearchTerm::new("birth_month", format!("{year}-{month:02}"))];
    };
    let Some(day) = small_number(day) else {
        return Vec::new();
    };
    let date = format!("{year}-{month:02}-{day:02}");
    if normalise::full_date(&date).is_some() {
        vec![SearchTerm::new("birth_day", date)]
    } else {
        Vec::new()
    }
}

fn month_number(text: &str) -> Option<u8> {
    if let Some(number) = small_number(text) {
        return (1..=12).contains(&number).then_some(number);
    }
    let lower = text.trim_end_matches('.').to_ascii_lowercase();
    let months = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let whole_or_short = |month: &&str| {
        *month == lower
            || month.get(..3) == Some(lower.as_str())
            || (lower == "sept" && *month == "september")
    };
    (1..=12_u8)
        .zip(months)
        .find(|(_, month)| whole_or_short(month))
        .map(|(number, _)| number)
}

fn small_number(text: &str) -> Option<u8> {
    if (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

fn any(alternatives: Vec<SearchTerm>) -> QueryTerm {
    QueryTerm {
        alternatives,
        name_start: None,
    }
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
