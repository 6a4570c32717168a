//! Lists: medications, allergies, diagnoses. An empty one is *none recorded*, a coded statement is *none*, and two sources that
//! contradict each other are shown with both sides.

use bedside_fact::clock::Timestamp;
use bedside_fact::known::{Code, Datum, Fact, Gap, Need, Verification};
use bedside_fact::state::State;
use bedside_fact::time::age_words;

use super::bind::{Asking, bind, last_heard};
use super::catalogue::FactDef;
use super::concept;
use super::entry::{allergies, medications};
use super::ingredient::{self, Stance};
use super::quantity::add_doubt;
use crate::chart::absence::Absence;
use crate::chart::section::Kind;

pub(super) use super::entry::{Entry, Standing, conditions, procedures};

/// The state of a list.
pub(super) fn list(asked: &Asking<'_>) -> Fact {
    let (types, _) = asked.fact.asked_for();
    let entries = read(asked, &types);
    let (mut active, mut ended, mut withdrawn, mut statements) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut forbidden: Vec<Entry> = Vec::new();
    for entry in entries {
        match entry.standing {
            Standing::Active => active.push(entry),
            Standing::Ended => ended.push(entry),
            // A refuted entry says something about the patient; one that was made in error does not.
            Standing::Refuted => {
                withdrawn.push(entry.datum.clone());
                ended.push(entry);
            }
            Standing::Withdrawn => withdrawn.push(entry.datum),
            Standing::Stated(_) => statements.push(entry),
            Standing::Forbidden => forbidden.push(entry),
        }
    }
    forbidden.sort_by_key(Entry::order);
    active.sort_by_key(Entry::order);
    let is_medicine = types.iter().any(|of| of.starts_with("Medication"));
    let against = contradicted(&mut active, &ended, is_medicine);
    let mut fact = decide(asked, &types, active, against, &statements);
    withdrawn.sort_by_key(|datum| std::cmp::Reverse((datum.recorded_at, datum.resources.clone())));
    fact.withdrawn = withdrawn;
    // It is shown with the others and says nothing of what is taken.
    fact.data
        .extend(forbidden.into_iter().map(|entry| entry.datum));
    fact
}

/// A list of the newest value of each of several facts.
pub(super) fn of_members(asked: &Asking<'_>) -> Fact {
    let parts: Vec<(&str, Fact)> = asked
        .fact
        .members
        .iter()
        .map(|name| {
            let need = Need {
                fact: name.clone(),
                latest: 1,
                skip: 0,
                max_age: asked.need.max_age,
                window: None,
            };
            let fact = bind(
                asked.record,
                asked.moment.catalogue,
                &need,
                asked.moment.at,
                asked.moment.zone,
            );
            (name.as_str(), fact)
        })
        .collect();
    let there: Vec<&Fact> = parts
        .iter()
        .map(|(_, fact)| fact)
        .filter(|fact| !fact.data.is_empty())
        .collect();
    let has = |state: State| there.iter().any(|fact| fact.state == state);
    let Some((_, first)) = parts.first() else {
        return asked.fact(
            State::Unknown,
            Some(Gap::NoSource),
            String::from("it has no members"),
        );
    };
    let lacking: Vec<&str> = parts
        .iter()
        .filter(|(_, fact)| fact.data.is_empty())
        .map(|(name, _)| *name)
        .collect();
    let (state, gap, mut why) = if there.is_empty() {
        // All members are asked for in one way; one that is not known leaves the whole unknown.
        let speaks = parts
            .iter()
            .map(|(_, fact)| fact)
            .find(|fact| fact.state != State::None)
            .unwrap_or(first);
        (speaks.state, speaks.gap, speaks.why.clone())
    } else if has(State::Conflict) {
        (
            State::Conflict,
            None,
            String::from("sources say different values"),
        )
    } else if has(State::Present) {
        (State::Present, None, String::new())
    } else if has(State::Unverified) {
        (
            State::Unverified,
            None,
            String::from("none of them is confirmed"),
        )
    } else if has(State::Stale) {
        (
            State::Stale,
            None,
            String::from("all of them are older than this use allows"),
        )
    } else {
        let gap = there.iter().find_map(|fact| fact.gap);
        (
            State::Unknown,
            gap,
            String::from("none of them can be read"),
        )
    };
    for (name, part) in parts
        .iter()
        .filter(|(_, part)| !part.data.is_empty() && part.state != state)
    {
        add(&mut why, &format!("{name}: {}", part.state.words()));
    }
    if !there.is_empty() && !lacking.is_empty() {
        add(&mut why, &format!("without {}", lacking.join(", ")));
    }
    if why.is_empty() {
        why = String::from("all of them are current");
    }
    let mut fact = asked.fact(state, gap, why);
    for (_, part) in parts {
        // A value that is too old, or can't be read, says so beside those that can.
        let words = match part.state {
            State::Stale => Some("old"),
            State::Conflict => Some("sources disagree"),
            State::Present | State::None | State::Unknown | State::Unverified => None,
        };
        fact.as_of = fact.as_of.max(part.as_of);
        fact.against.extend(part.against);
        fact.withdrawn.extend(part.withdrawn);
        for mut datum in part.data {
            if let Some(words) = words {
                add_doubt(&mut datum, words);
            }
            fact.data.push(datum);
        }
    }
    fact
}

/// When the sources of these entries were last heard on them: the one that was silent longest counts.
pub(super) fn as_of(asked: &Asking<'_>, entries: &[Entry], types: &[&str]) -> Option<Timestamp> {
    let mut names: Vec<&String> = entries
        .iter()
        .flat_map(|entry| &entry.datum.sources)
        .collect();
    names.sort();
    names.dedup();
    names
        .into_iter()
        .filter_map(|source| last_heard(asked.record, types, source))
        .min()
}

fn read(asked: &Asking<'_>, types: &[&str]) -> Vec<Entry> {
    let moment = &asked.moment;
    let mut of = types.to_vec();
    if types.contains(&"MedicationRequest") {
        of.push("Medication");
    }
    let seen = asked.seen(&of);
    medications(&seen, moment)
        .into_iter()
        .chain(allergies(&seen, moment))
        .chain(conditions(&seen, moment))
        .chain(procedures(&seen, moment))
        .filter(|entry| is_wanted(asked.fact, entry))
        .collect()
}

fn is_wanted(fact: &FactDef, entry: &Entry) -> bool {
    fact.codes.is_empty()
        || matches!(entry.standing, Standing::Stated(_))
        || fact
            .codes
            .iter()
            .any(|code| entry.datum.codes.contains(code))
}

/// The ended entries of one source that speak against active ones of another; the active ones say so.
fn contradicted(active: &mut [Entry], ended: &[Entry], is_medicine: bool) -> Vec<Datum> {
    let mut against: Vec<Datum> = Vec::new();
    for other in ended {
        if is_medicine && !other.stopped {
            // A course that ran out says nothing about an order elsewhere.
            continue;
        }
        let stop = stance(other, other.datum.recorded_at.or(other.datum.taken_at));
        let is_same = |entry: &Entry| {
            let start = stance(entry, entry.datum.taken_at);
            if is_medicine {
                ingredient::is_same(&stop, &start)
            } else {
                concept::is_same(
                    (&other.datum.codes, &other.datum.label),
                    (&entry.datum.codes, &entry.datum.label),
                )
            }
        };
        // A source that stopped one order and wrote another for the same thing has not stopped it.
        let goes_on = active.iter().any(|entry| {
            entry.datum.sources.iter().any(|name| name == stop.source) && is_same(entry)
        });
        if goes_on {
            continue;
        }
        let mut found = false;
        for entry in active.iter_mut() {
            let counts = if is_medicine {
                ingredient::contradicts(&stop, &stance(entry, entry.datum.taken_at))
            } else {
                is_same(entry)
            };
            if counts {
                let words = format!("{} says {}", stop.source, other.word);
                add_doubt(&mut entry.datum, &words);
                entry.contradicted = true;
                found = true;
            }
        }
        if found {
            let mut datum = other.datum.clone();
            add_doubt(&mut datum, &other.word);
            against.push(datum);
        }
    }
    against.sort_by_key(|datum| {
        (
            datum.label.clone(),
            datum.sources.clone(),
            datum.resources.clone(),
        )
    });
    against
}

fn stance(entry: &Entry, at: Option<Timestamp>) -> Stance<'_> {
    Stance {
        source: entry.datum.sources.first().map_or("", String::as_str),
        codes: &entry.datum.codes,
        label: &entry.datum.label,
        at,
    }
}

fn decide(
    asked: &Asking<'_>,
    types: &[&str],
    active: Vec<Entry>,
    mut against: Vec<Datum>,
    statements: &[Entry],
) -> Fact {
    let stated = strongest(statements);
    if active.is_empty() {
        return without(asked, types, stated);
    }
    let heard = as_of(asked, &active, types);
    let drugs = active.iter().any(|entry| entry.is_drug);
    let denied = stated.filter(|(_, absence)| *absence == Absence::All || drugs);
    if let Some((entry, _)) = denied {
        against.push(entry.datum.clone());
    }
    let doubtful = active
        .iter()
        .filter(|entry| entry.datum.doubt.is_some())
        .count();
    let count = active.len();
    let entries = merged(active);
    let sources = sources(&entries);
    let age = heard.map_or_else(
        || String::from("time not known"),
        |at| format!("as of {}", age_words(at, asked.moment.at)),
    );
    let (state, mut why) = if against.is_empty() {
        match heard {
            Some(at) if asked.is_stale(at) => (
                State::Stale,
                format!("{count} from {sources}, {age}, which is older than this use allows"),
            ),
            _ if doubtful == count => (
                State::Unverified,
                format!("{count} from {sources}, {age}, none of them confirmed"),
            ),
            _ => (State::Present, format!("{count} from {sources}, {age}")),
        }
    } else {
        let mut sides: Vec<&str> = against
            .iter()
            .flat_map(|datum| &datum.sources)
            .map(String::as_str)
            .collect();
        sides.sort_unstable();
        sides.dedup();
        (
            State::Conflict,
            format!(
                "{sources} and {} disagree on {}, {age}",
                sides.join(", "),
                against.len()
            ),
        )
    };
    if let Some(missing) = asked.missing() {
        why.push_str(&format!("; {missing}"));
    }
    let mut fact = asked.fact(state, asked.missing_gap(), why);
    fact.as_of = heard;
    fact.against = against;
    fact.data = limit(asked.need, entries);
    fact
}

/// What is said when no entry counts.
fn without(asked: &Asking<'_>, types: &[&str], stated: Option<(&Entry, Absence)>) -> Fact {
    let Some((entry, absence)) = stated else {
        let nothing = asked.nothing();
        return asked.fact(nothing.state, Some(nothing.gap), nothing.why);
    };
    let datum = &entry.datum;
    let at = datum
        .taken_at
        .or(datum.recorded_at)
        .unwrap_or(datum.received_at);
    let said = format!(
        "{} stated by {} {}",
        absence.words(kind(types)),
        datum.sources.join(", "),
        age_words(at, asked.moment.at)
    );
    let (state, gap, why) = match absence {
        _ if asked.record.waiting > 0 => (
            State::Unknown,
            Gap::HeldBack,
            format!("{said}, but messages about this patient are held back"),
        ),
        Absence::All | Absence::Drug if asked.is_stale(at) => (
            State::Unknown,
            Gap::AskedTooLongAgo,
            format!("{said}, which is too long ago for this use"),
        ),
        Absence::All | Absence::Drug if datum.doubt.is_some() => (
            State::Unverified,
            Gap::StatedNone,
            format!("{said}, unconfirmed"),
        ),
        Absence::All => (State::None, Gap::StatedNone, said),
        Absence::Drug => (
            State::None,
            Gap::StatedNone,
            format!("{said}; others were not spoken of"),
        ),
        Absence::Narrow(_) | Absence::NoInformation => (
            State::Unknown,
            Gap::NoneRecorded,
            format!("only this was said: {said}"),
        ),
    };
    let why = match asked.missing() {
        Some(missing) => format!("{why}; {missing}"),
        None => why,
    };
    let mut fact = asked.fact(state, Some(gap), why);
    fact.as_of = Some(at);
    fact
}

/// The statement that decides: the widest, and of those the newest.
fn strongest(statements: &[Entry]) -> Option<(&Entry, Absence)> {
    let breadth = |absence: Absence| match absence {
        Absence::All => 3,
        Absence::Drug => 2,
        Absence::Narrow(_) => 1,
        Absence::NoInformation => 0,
    };
    statements
        .iter()
        .filter_map(|entry| match entry.standing {
            Standing::Stated(absence) => Some((entry, absence)),
            Standing::Active
            | Standing::Ended
            | Standing::Refuted
            | Standing::Withdrawn
            | Standing::Forbidden => None,
        })
        .max_by_key(|(entry, absence)| (breadth(*absence), std::cmp::Reverse(entry.order())))
}

/// One entry that several sources list alike is one, with all of them.
fn merged(entries: Vec<Entry>) -> Vec<Entry> {
    let mut found: Vec<Entry> = Vec::new();
    for entry in entries {
        let same = found.iter_mut().find(|other| {
            let (a, b) = (&other.datum, &entry.datum);
            let elsewhere = !b.sources.iter().any(|name| a.sources.contains(name));
            let alike = a.detail.is_none() || b.detail.is_none() || a.detail == b.detail;
            elsewhere && alike && concept::is_same((&a.codes, &a.label), (&b.codes, &b.label))
        });
        let Some(same) = same else {
            found.push(entry);
            continue;
        };
        let codes: Vec<Code> = entry
            .datum
            .codes
            .into_iter()
            .filter(|code| !same.datum.codes.contains(code))
            .collect();
        same.datum.codes.extend(codes);
        same.datum.sources.extend(entry.datum.sources);
        same.datum.sources.sort();
        same.datum.resources.extend(entry.datum.resources);
        same.datum.detail = same.datum.detail.take().or(entry.datum.detail);
        // Confirmed by one source is confirmed; contradicted is contradicted.
        if !same.contradicted && entry.datum.doubt.is_none() {
            same.datum.doubt = None;
            same.datum.verification = Verification::Final;
        }
    }
    found
}

fn sources(entries: &[Entry]) -> String {
    let mut names: Vec<&str> = entries
        .iter()
        .flat_map(|entry| &entry.datum.sources)
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

fn limit(need: &Need, entries: Vec<Entry>) -> Vec<Datum> {
    let many = if need.latest == 0 {
        usize::MAX
    } else {
        need.latest
    };
    entries
        .into_iter()
        .skip(need.skip)
        .take(many)
        .map(|entry| entry.datum)
        .collect()
}

fn kind(types: &[&str]) -> Kind {
    match types.first() {
        Some(&"AllergyIntolerance") => Kind::Allergies,
        Some(&"Condition") => Kind::Problems,
        _ => Kind::Medications,
    }
}

fn add(why: &mut String, words: &str) {
    if !why.is_empty() {
        why.push_str("; ");
    }
    why.push_str(words);
}
