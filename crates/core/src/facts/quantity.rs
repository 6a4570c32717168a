//! Results: the newest value of a test, what came before, what contradicts it and what was taken back.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use bedside_fact::known::{Datum, Fact, Gap, Verification};
use bedside_fact::state::State;
use bedside_fact::time::age_words;
use bedside_fhir::resource::observation;

use super::bind::Asking;
use super::datum::{Valued, finding, valued};
use crate::chart::held;
use crate::chart::join::{is_withdrawn, join, rank};
use crate::chart::seen::{Seen, read_held};

/// The state of a measured fact.
pub(super) fn quantity(asked: &Asking<'_>) -> Fact {
    let seen = asked.seen(&["Observation"]);
    let provisional = if asked.record.held.is_empty() {
        Vec::new()
    } else {
        held::provisional(asked.record)
    };
    let waiting = read_held(&provisional);
    let (mut values, mut withdrawn) = results(asked, &seen);
    add_held(&mut values, results(asked, &waiting));
    tell_apart(&mut values, &mut withdrawn);
    values.sort_by_key(order);
    let newest = values.iter().map(|value| value.datum.received_at).max();
    let answered = asked
        .questions()
        .iter()
        .filter(|question| question.gap.is_none())
        .filter_map(|question| question.at)
        .max();
    let values = wanted(asked, values);
    let mut fact = decide(asked, values);
    fact.withdrawn = withdrawn;
    fact.as_of = newest.max(answered);
    fact
}

/// The results among the resources, and those that were taken back.
fn results(asked: &Asking<'_>, seen: &[Seen<'_>]) -> (Vec<Valued>, Vec<Datum>) {
    let findings = seen
        .iter()
        .filter(|one| {
            let code = observation::code(&one.value);
            // A panel is not coded as its parts, but they may be coded as this fact.
            asked.fact.is_coded(&code)
                || (observation::components(&one.value)
                    .iter()
                    .any(|part| asked.fact.is_coded(&part.code)))
        })
        .filter_map(|one| finding(one, asked.fact, &asked.moment))
        .collect();
    let (mut values, mut withdrawn) = (Vec::new(), Vec::new());
    for result in join(findings) {
        let value = valued(&result, asked.fact, &asked.moment);
        if is_withdrawn(&result.lead.status) {
            withdrawn.push(value);
        } else {
            values.push(value);
        }
    }
    withdrawn.sort_by_key(order);
    (
        values,
        withdrawn.into_iter().map(|value| value.datum).collect(),
    )
}

/// What waits behind a parked message neither confirms nor replaces what is on record, and it hides in nothing: where it says something
/// else of the same result, both stand against each other.
fn add_held(values: &mut Vec<Valued>, (held, taken_back): (Vec<Valued>, Vec<Datum>)) {
    for mut other in held {
        let same = values
            .iter_mut()
            .find(|value| value.datum.identity == other.datum.identity);
        match same {
            Some(value) if is_equal(&value.datum, &other.datum) => {}
            Some(value) => value.against.push(other.datum),
            None => {
                other.against.clear();
                values.push(other);
            }
        }
    }
    for other in taken_back {
        let same = values
            .iter_mut()
            .find(|value| value.datum.identity == other.identity);
        if let Some(value) = same {
            add_doubt(&mut value.datum, "a message that is held back withdraws it");
        }
    }
}

fn is_equal(a: &Datum, b: &Datum) -> bool {
    match (&a.quantity, &b.quantity) {
        (Some(a), Some(b)) => a.value.compare(&b.value).is_eq() && a.comparator == b.comparator,
        (None, None) => a.said == b.said,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// Two specimens of one minute are two results, and stay two when one of them is taken back: each bears a number of its own, whoever else is
/// there. One that was taken back and sent again under another number with the same value is the one that stands.
fn tell_apart(values: &mut [Valued], withdrawn: &mut [Datum]) {
    let again: Vec<Option<usize>> = withdrawn
        .iter()
        .map(|gone| {
            values.iter().position(|value| {
                value.datum.identity == gone.identity && is_equal(&value.datum, gone)
            })
        })
        .collect();
    let mut minutes: BTreeMap<String, Vec<&mut Datum>> = BTreeMap::new();
    let standing = values.iter_mut().map(|value| &mut value.datum);
    let gone = withdrawn
        .iter_mut()
        .zip(&again)
        .filter_map(|(gone, again)| again.is_none().then_some(gone));
    for datum in standing.chain(gone) {
        minutes
            .entry(datum.identity.clone())
            .or_default()
            .push(datum);
    }
    for same in minutes.into_values().filter(|same| same.len() > 1) {
        for datum in same {
            let own = datum.resources.iter().min().cloned().unwrap_or_default();
            datum.identity = format!("{}|{own}", datum.identity);
        }
    }
    for (gone, again) in withdrawn.iter_mut().zip(again) {
        if let Some(value) = again.and_then(|place| values.get(place)) {
            gone.identity.clone_from(&value.datum.identity);
        }
    }
}

/// The newest first; of one moment the one whose status goes further, then by time of the source (design D12).
fn order(value: &Valued) -> impl Ord + use<> {
    let datum = &value.datum;
    let status = match datum.verification {
        Verification::Withdrawn => rank("entered-in-error"),
        Verification::Corrected => rank("corrected"),
        Verification::Final | Verification::PatientReported => rank("final"),
        Verification::Preliminary | Verification::Device => rank("preliminary"),
    };
    Reverse((
        value.order,
        status,
        datum.recorded_at,
        datum.seq,
        datum.resources.clone(),
    ))
}

/// The values that were asked for.
fn wanted(asked: &Asking<'_>, values: Vec<Valued>) -> Vec<Valued> {
    let need = asked.need;
    let from = need
        .window
        .map(|seconds| asked.moment.at.as_second() - seconds);
    values
        .into_iter()
        .skip(need.skip)
        .enumerate()
        .filter(|(place, value)| {
            let inside = from.is_some_and(|from| value.order.as_second() >= from);
            let all = need.latest == 0 && from.is_none();
            *place == 0 || *place < need.latest || inside || all
        })
        .map(|(_, value)| value)
        .collect()
}

fn decide(asked: &Asking<'_>, values: Vec<Valued>) -> Fact {
    let Some(newest) = values.first() else {
        let nothing = asked.nothing();
        return asked.fact(nothing.state, Some(nothing.gap), nothing.why);
    };
    let age = age_words(newest.order, asked.moment.at);
    let doubt = newest.datum.doubt.clone();
    let from = newest.datum.sources.join(", ");
    let said = |words: &str| match &doubt {
        Some(doubt) => format!("{words}: {doubt} ({from}, {age})"),
        None => format!("{words} ({from}, {age})"),
    };
    let (state, gap, mut why) = if let Some(gap) = newest.gap {
        let words = match gap {
            Gap::Future => "the newest value is dated in the future",
            Gap::Empty
            | Gap::StatedNone
            | Gap::NoneRecorded
            | Gap::NeverAsked
            | Gap::Refused
            | Gap::Unlicensed
            | Gap::Failed
            | Gap::Truncated
            | Gap::AskedTooLongAgo
            | Gap::Unreadable
            | Gap::HeldBack
            | Gap::NoSource => "the newest value can't be read",
        };
        (State::Unknown, Some(gap), said(words))
    } else if !newest.against.is_empty() {
        let mut sides: Vec<&str> = newest
            .against
            .iter()
            .flat_map(|other| &other.sources)
            .map(String::as_str)
            .collect();
        sides.sort_unstable();
        sides.dedup();
        let why = format!(
            "{from} and {} say different values ({age})",
            sides.join(", ")
        );
        (State::Conflict, None, why)
    } else if asked.is_stale(newest.order) {
        (State::Stale, None, said("older than this use allows"))
    } else if doubt.is_some() {
        (State::Unverified, None, said("unconfirmed"))
    } else {
        (State::Present, None, format!("from {from}, {age}"))
    };
    if let Some(missing) = asked.missing() {
        why.push_str(&format!("; {missing}"));
    }
    let against = newest.against.clone();
    let mut fact = asked.fact(state, gap.or_else(|| asked.missing_gap()), why);
    fact.against = against;
    fact.data = values.into_iter().enumerate().map(disputed).collect();
    fact
}

/// A value of which another source says something else is in doubt, also where it is not the newest and makes no conflict of the whole.
fn disputed((place, mut value): (usize, Valued)) -> Datum {
    for other in value.against.iter().filter(|_| place > 0) {
        let words = format!("{} says {}", other.sources.join(", "), other.said);
        add_doubt(&mut value.datum, &words);
    }
    value.datum
}

/// Adds a reason for doubt.
pub(super) fn add_doubt(datum: &mut Datum, words: &str) {
    datum.doubt = Some(match datum.doubt.take() {
        Some(before) => format!("{before}; {words}"),
        None => words.to_owned(),
    });
}
