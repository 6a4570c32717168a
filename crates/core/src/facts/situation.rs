//! Where the patient is and who is responsible: what decides how old a value may be and whom a workflow calls.

use bedside_fact::clock::Timestamp;
use bedside_fact::known::{Gap, Situation};
use bedside_fact::time::span;
use bedside_fhir::resource::{Reference, encounter, observation, patient};
use jiff::tz::TimeZone;
use serde_json::Value;

use super::catalogue::Catalogue;
use crate::chart::seen::{Moment, named};
use crate::completeness::{Reach, questions};
use crate::record::{PersonRecord, Stored};

/// The roles that sources name people for. A workflow that speaks of another finds nobody in it.
pub const ROLES: [&str; 3] = [
    "responsible clinician",
    "admitting clinician",
    "ordering clinician",
];

/// As old as "no encounter" may be, in seconds.
const AGE_OF_NONE: i64 = 24 * 3_600;

/// The circumstances of a person as of `now`.
#[must_use]
pub fn situation(record: &PersonRecord, now: Timestamp, zone: &TimeZone) -> Situation {
    let moment = Moment {
        at: now,
        zone,
        catalogue: Catalogue::shipped(),
    };
    let visits = visits(record, &moment);
    // In the hospital counts before in a clinic, and the visit that began last before others.
    let current = visits
        .iter()
        .filter(|visit| visit.open)
        // A visit of a class that nobody can read may be a stay: it counts before one to a clinic.
        .max_by_key(|visit| {
            (
                visit.bed == Some(true),
                visit.bed.is_none(),
                visit.start,
                visit.known,
            )
        });
    let latest = current.or_else(|| visits.iter().max_by_key(|visit| (visit.start, visit.known)));
    let mut people = Vec::new();
    if let Some(visit) = latest {
        let roles = [
            ("responsible clinician", &["ATND", "PPRF"][..]),
            ("admitting clinician", &["ADM"][..]),
        ];
        for (role, kinds) in roles {
            if let Some(name) = participant(&visit.value, kinds) {
                people.push((role.to_owned(), name));
            }
        }
    }
    if let Some(name) = orderer(record, &moment) {
        people.push((String::from("ordering clinician"), name));
    }
    Situation {
        inpatient: match current {
            Some(visit) => visit.bed,
            // One that nobody says is over may go on.
            None if visits.iter().any(|visit| !visit.over) => None,
            None => no_visit(record, now, !visits.is_empty()).then_some(false),
        },
        adult: adult(record, &moment),
        died: died(record),
        place: current.and_then(|visit| place(&visit.value)),
        people,
    }
}

struct Visit {
    value: Value,
    open: bool,
    /// A source says that it has ended.
    over: bool,
    /// In a hospital bed; none when the class says neither.
    bed: Option<bool>,
    start: Option<Timestamp>,
    known: i64,
}

fn visits(record: &PersonRecord, moment: &Moment<'_>) -> Vec<Visit> {
    of_type(record, "Encounter")
        .filter_map(|(stored, value)| {
            let status = encounter::status(&value).unwrap_or("unknown");
            if matches!(status, "entered-in-error" | "cancelled" | "planned") {
                return None;
            }
            let period = encounter::encounter_period(&value).unwrap_or_default();
            let at = |text: Option<&String>| text.and_then(|text| moment.instant(text));
            let over = at(period.end.as_ref()).is_some_and(|end| end < moment.at);
            let over = over || matches!(status, "finished" | "discharged" | "completed");
            Some(Visit {
                open: matches!(status, "in-progress" | "arrived" | "triaged" | "onleave") && !over,
                over,
                bed: bed(&value),
                start: at(period.start.as_ref()),
                known: stored.known_at,
                value,
            })
        })
        .collect()
}

/// By the class of an encounter (HL7 v3 `ActCode`, HL7 v2 table 0004), else by the words that came with a code of the vendor's own.
fn bed(value: &Value) -> Option<bool> {
    let class = encounter::class(value)?;
    match class.code.as_deref() {
        // Emergency and observation are in a hospital bed as well, and the shorter ages are the safer ones.
        Some("IMP" | "ACUTE" | "NONAC" | "I" | "OBSENC" | "SS" | "EMER" | "E") => {
            return Some(true);
        }
        Some("AMB" | "O" | "HH" | "VR" | "FLD" | "PRENC" | "P") => return Some(false),
        Some(_) | None => {}
    }
    let words = class.display?.to_lowercase();
    let has = |signs: &[&str]| signs.iter().any(|sign| words.contains(sign));
    if has(&[
        "outpatient",
        "ambulatory",
        "office",
        "clinic",
        "virtual",
        "telephone",
        "home",
    ]) {
        Some(false)
    } else if has(&["inpatient", "emergency", "observation", "hospital"]) {
        Some(true)
    } else {
        None
    }
}

/// Whether every source that can be asked was asked for visits lately, and has told all. A feed can't be asked: that `visits` which it told of
/// are over is its answer, and where it told of none it has said nothing.
fn no_visit(record: &PersonRecord, now: Timestamp, visits: bool) -> bool {
    let reach = Reach {
        types: &["Encounter"],
        category: "",
        window: None,
        max_age: AGE_OF_NONE,
    };
    let asked = questions(record, reach, now, &|_| None);
    !asked.is_empty()
        && asked.iter().all(|question| match question.gap {
            None => true,
            Some(gap) => visits && question.is_feed && gap == Gap::NeverAsked,
        })
}

/// Eighteen or older by every birth date that a source gave; none when they leave it open.
fn adult(record: &PersonRecord, moment: &Moment<'_>) -> Option<bool> {
    let mut verdict = None;
    for (_, value) in of_type(record, "Patient") {
        let Some(date) = patient::birth_date(&value) else {
            continue;
        };
        let born = span(date, moment.zone)?;
        let eighteen = |micros: i64| -> Option<bool> {
            let day = Timestamp::from_microsecond(micros)
                .ok()?
                .to_zoned(moment.zone.clone())
                .date();
            let today = moment.at.to_zoned(moment.zone.clone()).date();
            let birthday = day.checked_add(jiff::Span::new().years(18)).ok()?;
            Some(today >= birthday)
        };
        // A year alone leaves open whether the birthday was.
        let (first, last) = (eighteen(born.lo)?, eighteen(born.hi)?);
        if first != last || verdict.is_some_and(|before| before != first) {
            return None;
        }
        verdict = Some(first);
    }
    verdict
}

/// One source that says so is enough.
fn died(record: &PersonRecord) -> Option<bool> {
    let said: Vec<bool> = of_type(record, "Patient")
        .filter_map(|(_, value)| is_deceased(&value))
        .collect();
    if said.contains(&true) {
        Some(true)
    } else {
        said.first().copied()
    }
}

/// What a Patient says about being dead; none when it says nothing.
pub(crate) fn is_deceased(value: &Value) -> Option<bool> {
    match (value.get("deceasedBoolean"), value.get("deceasedDateTime")) {
        (_, Some(Value::String(_))) => Some(true),
        (Some(Value::Bool(said)), _) => Some(*said),
        _ => None,
    }
}

fn place(value: &Value) -> Option<String> {
    let places = encounter::locations(value);
    places
        .iter()
        .find(|place| place.status.as_deref() == Some("active"))
        .or_else(|| places.last())
        .and_then(|place| named(&place.location))
}

/// Who takes part in one of these ways (HL7 v3 `ParticipationType`).
fn participant(value: &Value, kinds: &[&str]) -> Option<String> {
    let list = value.get("participant").and_then(Value::as_array)?;
    kinds.iter().find_map(|kind| {
        list.iter()
            .filter(|one| {
                let types = one.get("type").and_then(Value::as_array);
                types
                    .into_iter()
                    .flatten()
                    .filter_map(|of| of.get("coding").and_then(Value::as_array))
                    .flatten()
                    .any(|coding| coding.get("code").and_then(Value::as_str) == Some(kind))
            })
            .find_map(|one| display(one.get("individual")?))
    })
}

/// Who ordered the newest result: the request's author, else whoever the result names. Of one result by two routes either may say it.
fn orderer(record: &PersonRecord, moment: &Moment<'_>) -> Option<String> {
    // A ward measures somebody hundreds of times: only the newest laboratory results are read, by the time that stands beside them.
    let mut stored: Vec<&Stored> = record
        .resources
        .iter()
        .filter(|stored| stored.resource_type == "Observation")
        .filter(|stored| stored.body.contains("laboratory") || stored.body.contains("LAB"))
        .collect();
    stored.sort_by_key(|stored| std::cmp::Reverse(stored.when.map(|when| when.lo)));
    let mut results: Vec<(i64, String, Value)> = Vec::new();
    for stored in stored {
        let minute = stored.when.map(|when| when.lo.div_euclid(60_000_000));
        if let (Some((newest, _, _)), Some(minute)) = (results.first(), minute)
            && minute < *newest
        {
            break;
        }
        let Ok(value) = serde_json::from_str::<Value>(&stored.body) else {
            continue;
        };
        let is_lab = observation::category_codes(&value)
            .iter()
            .any(|code| matches!(code.as_str(), "laboratory" | "LAB"));
        let at = observation::effective(&value).and_then(|text| moment.instant(text));
        if let Some(at) = at.filter(|at| is_lab && !moment.is_ahead(*at)) {
            results.push((at.as_second().div_euclid(60), stored.id.to_string(), value));
        }
    }
    let newest = results.iter().map(|(minute, _, _)| *minute).max()?;
    results.retain(|(minute, _, _)| *minute == newest);
    results.sort_by(|a, b| a.1.cmp(&b.1));
    let values = || results.iter().map(|(_, _, value)| value);
    values()
        .find_map(|value| of_request(record, value))
        .or_else(|| values().find_map(of_performer))
}

fn of_request(record: &PersonRecord, result: &Value) -> Option<String> {
    let requests = result.get("basedOn").and_then(Value::as_array)?;
    requests.iter().find_map(|request| {
        let kept = request
            .get("reference")
            .and_then(Value::as_str)
            .and_then(|to| to.strip_prefix("ServiceRequest/"))
            .and_then(|id| {
                of_type(record, "ServiceRequest").find(|(stored, _)| stored.id.as_str() == id)
            })
            .and_then(|(_, kept)| display(kept.get("requester")?));
        // Where the order itself can't be read, its name often tells whose it is.
        let told = || {
            let words = request.get("display").and_then(Value::as_str)?;
            let (_, name) = words.rsplit_once("ordered by ")?;
            Some(name.trim().to_owned()).filter(|name| !name.is_empty())
        };
        kept.or_else(told)
    })
}

fn of_performer(result: &Value) -> Option<String> {
    let list = result.get("performer").and_then(Value::as_array)?;
    list.iter().find_map(|who| {
        let to = who.get("reference").and_then(Value::as_str)?;
        to.contains("Practitioner").then(|| display(who))?
    })
}

fn display(value: &Value) -> Option<String> {
    let reference: Reference = bedside_fhir::resource::reference(value);
    named(&reference).filter(|name| {
        let name = name.trim().to_lowercase();
        !matches!(name.as_str(), "unknown" | "not recorded" | "none")
    })
}

fn of_type<'a>(
    record: &'a PersonRecord,
    of: &'static str,
) -> impl Iterator<Item = (&'a Stored, Value)> {
    record
        .resources
        .iter()
        .filter(move |stored| stored.resource_type == of)
        .filter_map(|stored| Some((stored, serde_json::from_str(&stored.body).ok()?)))
}
