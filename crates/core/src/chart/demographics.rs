//! Who it is, from all source patients of the person, and where the sources differ about it.

use bedside_fact::clock::Timestamp;
use bedside_fhir::resource::patient::{self, Deceased};
use bedside_fhir::resource::{Address, HumanName, identifier};
use bedside_identity::normalise;
use jiff::civil::Date;
use serde_json::Value;

use super::seen::{Moment, Seen};
use super::view::{Demographics, Ident};

/// Puts together who it is.
pub(super) fn demographics(seen: &[Seen<'_>], moment: &Moment<'_>) -> Demographics {
    let mut patients: Vec<&Seen<'_>> = seen
        .iter()
        .filter(|one| one.stored.resource_type == "Patient")
        .collect();
    // A record that was merged away speaks last, then the one that was heard of last speaks first.
    patients.sort_by_key(|one| {
        (
            is_replaced(&one.value),
            std::cmp::Reverse(one.stored.known_at),
        )
    });
    let mut who = Demographics::default();
    for one in &patients {
        add_names(&mut who, &one.value, moment);
        add_numbers(&mut who, &one.value);
        add_contacts(&mut who, &one.value);
        let first = |slot: &mut Option<String>, said: Option<&str>| {
            if slot.is_none() {
                *slot = said.filter(|text| !text.is_empty()).map(str::to_owned);
            }
        };
        first(&mut who.birth_date, patient::birth_date(&one.value));
        first(&mut who.gender, patient::gender(&one.value));
    }
    let died = patients
        .iter()
        .find_map(|one| match patient::deceased(&one.value)? {
            Deceased::At(text) => {
                Some((format!("died {}", moment.said(text)), moment.instant(text)))
            }
            Deceased::Flag(true) => Some((String::from("died, time not stated"), None)),
            Deceased::Flag(false) => None,
        });
    let until = match &died {
        // Without a time of death an age can't be counted.
        Some((_, at)) => *at,
        None => Some(moment.at),
    };
    who.age = until.and_then(|until| age(who.birth_date.as_deref()?, until, moment));
    who.deceased = died.map(|(words, _)| words);
    let live: Vec<&Seen<'_>> = patients
        .into_iter()
        .filter(|one| !is_replaced(&one.value))
        .collect();
    who.disagreements = disagreements(&live, moment);
    who
}

/// Whether a source put another record in this one's place.
pub(super) fn is_replaced(patient: &Value) -> bool {
    patient::links(patient)
        .iter()
        .any(|link| link.kind == Some("replaced-by"))
}

/// `71 y`, `5 mo`, `3 d`; *about* where the birth date is a month or a year.
pub(super) fn age(birth_date: &str, until: Timestamp, moment: &Moment<'_>) -> Option<String> {
    let whole: Date = match birth_date.len() {
        4 => format!("{birth_date}-01-01").parse().ok()?,
        7 => format!("{birth_date}-01").parse().ok()?,
        _ => birth_date.get(..10)?.parse().ok()?,
    };
    let today = until.to_zoned(moment.zone.clone()).date();
    if whole > today {
        return None;
    }
    let gone = whole.until((jiff::Unit::Month, today)).ok()?;
    let months = gone.get_months();
    let about = if birth_date.len() < 10 { "about " } else { "" };
    Some(match months {
        24.. => format!("{about}{} y", months / 12),
        1..24 => format!("{about}{months} mo"),
        _ => format!("{about}{} d", gone.get_days()),
    })
}

/// `FAMILY, Given`.
pub(super) fn name_words(name: &HumanName) -> Option<String> {
    let given = name.given.join(" ");
    let mut words = match (name.family.as_deref().map(str::trim), given.trim()) {
        (Some(family), "") if !family.is_empty() => family.to_uppercase(),
        (Some(family), given) if !family.is_empty() => {
            format!("{}, {given}", family.to_uppercase())
        }
        (_, "") => return name.text.clone().filter(|text| !text.trim().is_empty()),
        (_, given) => given.to_owned(),
    };
    if !name.suffix.is_empty() {
        words.push_str(&format!(" {}", name.suffix.join(" ")));
    }
    Some(words)
}

fn add_names(who: &mut Demographics, patient: &Value, moment: &Moment<'_>) {
    for (name, use_) in ranked(patient, moment) {
        let Some(words) = name_words(&name) else {
            continue;
        };
        if who.name.is_empty() {
            who.name = words;
        } else if words != who.name {
            let words = match use_.as_deref() {
                Some(use_ @ ("maiden" | "old" | "nickname" | "anonymous" | "temp")) => {
                    format!("{words} ({use_})")
                }
                Some(_) | None => words,
            };
            if !who.other_names.contains(&words) {
                who.other_names.push(words);
            }
        }
    }
}

/// The names of one patient, the one to call them by first.
fn ranked(patient: &Value, moment: &Moment<'_>) -> Vec<(HumanName, Option<String>)> {
    let mut names: Vec<(u8, HumanName)> = patient::names(patient)
        .into_iter()
        .map(|name| {
            let ended = name
                .period
                .as_ref()
                .and_then(|period| period.end.as_deref());
            let past = ended
                .and_then(|end| moment.instant(end))
                .is_some_and(|end| end < moment.at);
            let rank = match name.use_.as_deref() {
                _ if past => 5,
                Some("official") => 0,
                Some("usual") => 1,
                None => 2,
                Some("nickname" | "anonymous" | "temp") => 3,
                Some("maiden" | "old") => 4,
                Some(_) => 2,
            };
            (rank, name)
        })
        .collect();
    names.sort_by_key(|(rank, _)| *rank);
    names
        .into_iter()
        .map(|(_, name)| (name.use_.clone(), name))
        .map(|(use_, name)| (name, use_))
        .collect()
}

fn add_numbers(who: &mut Demographics, patient: &Value) {
    let list = patient.get("identifier").and_then(Value::as_array);
    for raw in list.into_iter().flatten() {
        let read = identifier(raw);
        let Some(value) = read.value.filter(|value| !value.trim().is_empty()) else {
            continue;
        };
        let system = read.system.unwrap_or_default();
        let assigner = raw
            .get("assigner")
            .and_then(|assigner| assigner.get("display"))
            .and_then(Value::as_str);
        let kind = raw
            .get("type")
            .and_then(|kind| kind.get("text"))
            .and_then(Value::as_str);
        let mut label = match read.type_code.as_deref() {
            Some("MR") => String::from("MRN"),
            Some("SS") => String::from("SSN"),
            Some(code) => code.to_owned(),
            None if system == "http://hl7.org/fhir/sid/us-ssn" => String::from("SSN"),
            None => kind.unwrap_or("number").to_owned(),
        };
        if read.use_.as_deref() == Some("old") {
            label.push_str(" (old)");
        }
        let authority = assigner.map_or_else(
            || {
                system
                    .strip_prefix("urn:bedside:authority:")
                    .map_or(system.as_str(), |name| {
                        // System and name; the source is shown beside it.
                        name.rsplit(':').next().unwrap_or(name)
                    })
                    .to_owned()
            },
            str::to_owned,
        );
        let ident = Ident {
            label,
            authority,
            value,
        };
        if !who.identifiers.contains(&ident) {
            who.identifiers.push(ident);
        }
    }
}

fn add_contacts(who: &mut Demographics, patient: &Value) {
    for contact in patient::telecoms(patient) {
        let Some(value) = contact.value.filter(|value| !value.trim().is_empty()) else {
            continue;
        };
        let words = match contact.use_.as_deref() {
            Some("old") => continue,
            Some(use_) => format!("{value} ({use_})"),
            None => value,
        };
        if !who.phones.contains(&words) {
            who.phones.push(words);
        }
    }
    for address in patient::addresses(patient) {
        let words = line(&address);
        if !words.is_empty()
            && address.use_.as_deref() != Some("old")
            && !who.addresses.contains(&words)
        {
            who.addresses.push(words);
        }
    }
}

fn line(address: &Address) -> String {
    let place: Vec<&str> = [&address.state, &address.postal_code]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    let place = place.join(" ");
    let parts: Vec<&str> = address
        .line
        .iter()
        .map(String::as_str)
        .chain(address.city.as_deref())
        .chain([place.as_str()])
        .chain(address.country.as_deref())
        .filter(|part| !part.trim().is_empty())
        .collect();
    if parts.is_empty() {
        address.text.clone().unwrap_or_default()
    } else {
        parts.join(", ")
    }
}

/// What sources say differently, in words. Two records that say nothing don't differ.
fn disagreements(patients: &[&Seen<'_>], moment: &Moment<'_>) -> Vec<String> {
    let mut told = Vec::new();
    let mut compare = |what: &str, said: Vec<(String, String, String)>| {
        let differ = said
            .iter()
            .any(|(_, _, key)| said.first().is_some_and(|(_, _, first)| first != key));
        if differ {
            let mut all: Vec<String> = said
                .iter()
                .map(|(source, words, _)| format!("{source} says {words}"))
                .collect();
            all.dedup();
            told.push(format!("Sources differ on {what}: {}.", all.join("; ")));
        }
    };
    let source = |one: &Seen<'_>| one.stored.source.to_string();
    let names = patients.iter().filter_map(|one| {
        let (name, _) = ranked(&one.value, moment).into_iter().next()?;
        let given = name.given.first().map(String::as_str).unwrap_or_default();
        // A second given name or a suffix that one source leaves out is no other name.
        let key = format!(
            "{}|{}",
            normalise::name(name.family.as_deref().unwrap_or_default()),
            normalise::name(given).split(' ').next().unwrap_or_default()
        );
        Some((source(one), name_words(&name)?, key))
    });
    compare("the name", names.collect());
    let births = patients.iter().filter_map(|one| {
        let said = patient::birth_date(&one.value)?.to_owned();
        Some((source(one), said.clone(), said))
    });
    compare("the birth date", births.collect());
    let deaths = patients.iter().filter_map(|one| {
        let said = match patient::deceased(&one.value)? {
            Deceased::At(_) | Deceased::Flag(true) => "dead",
            Deceased::Flag(false) => "alive",
        };
        Some((source(one), said.to_owned(), said.to_owned()))
    });
    compare("whether the patient is alive", deaths.collect());
    told
}
