//! A search: the rules, the rows, the page.
//!
//! Rows come in order from the chart. What differs between the vendors here: Epic cuts pages first and filters them
//! afterwards (vendor catalogue EPIC-27), Oracle gives no total and links both ways (CERN-19), athena has a cursor
//! (ATHN-09).

use std::sync::Arc;

use bedside_fact::clock::Timestamp;

use super::answer::Answer;
use super::bundle::Searchset;
use super::chart::{Chart, Found as Stored, Row};
use super::fault::Fault;
use super::habits::Resource;
use super::index::{satisfies, satisfies_all};
use super::instance::Inner;
use super::opaque;
use super::page::{Found, Place};
use super::params::Params;
use super::refusal::{self, Refusal};
use super::rules;
use super::span::{Prefix, Span};
use crate::vendor::Vendor;

/// What Epic looks up; the rest is filtered from the page.
const EPIC_NATIVE: &[&str] = &[
    "_id",
    "identifier",
    "category",
    "code",
    "date",
    "family",
    "given",
    "name",
    "birthdate",
    "gender",
    "telecom",
];

/// Patients that Epic gives out at most; beyond them nothing is given (vendor catalogue EPIC-24).
const EPIC_PATIENTS: usize = 100;

/// The same at Oracle (vendor catalogue CERN-21).
const ORACLE_PATIENTS: usize = 1000;

/// A search as it came.
pub(crate) struct Ask<'a> {
    pub(crate) resource: &'static Resource,
    pub(crate) params: Params,
    /// The absolute FHIR base, as the client reached it.
    pub(crate) base: &'a str,
    pub(crate) now: Timestamp,
    /// The fault that this search meets.
    pub(crate) fault: Option<&'a Fault>,
}

/// The parameter by which a page link leads on.
pub(crate) const fn page_param(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Epic => "sessionid",
        Vendor::Oracle => "pageContext",
        Vendor::Athena => "cursor",
    }
}

/// The patient whose data a page link leads to.
pub(crate) fn patient_of_page(inner: &Inner, now: Timestamp, params: &Params) -> Option<String> {
    let word = params.first(page_param(inner.vendor))?;
    let place = inner.pages().at(now, word)?;
    place.found.params.patient().map(str::to_owned)
}

/// Answers a search.
pub(crate) fn search(inner: &Inner, ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let place = match ask.params.first(page_param(inner.vendor)) {
        Some(word) => next_place(inner, ask, word)?,
        None => Place {
            found: Arc::new(find(inner, ask).or_else(|refusal| no_error(inner, ask, refusal))?),
            offset: 0,
            given: 0,
        },
    };
    if let Some(Fault::PoisonRecord { id }) = ask.fault
        && cut(&place).iter().any(|row| row.id == *id)
    {
        return Err(Refusal::Poisoned(ask.resource.name));
    }
    Ok(page(inner, ask, &place))
}

/// Too little to look for a patient is no error at Epic: nothing is found, with a remark (vendor catalogue EPIC-24).
fn no_error(inner: &Inner, ask: &Ask<'_>, refusal: Refusal) -> Result<Found, Refusal> {
    if inner.vendor != Vendor::Epic || !matches!(refusal, Refusal::TooFew) {
        return Err(refusal);
    }
    Ok(Found {
        resource: ask.resource,
        params: ask.params.clone(),
        rows: Vec::new(),
        after: Vec::new(),
        count: 1,
        remarks: vec![refusal::epic_outcome("59133", None)],
    })
}

fn next_place(inner: &Inner, ask: &Ask<'_>, word: &str) -> Result<Place, Refusal> {
    let mut place = inner
        .pages()
        .at(ask.now, word)
        .filter(|place| place.found.resource.name == ask.resource.name)
        .ok_or(Refusal::PageExpired)?;
    // Oracle's link names the page it was on and the way to go.
    if inner.vendor == Vendor::Oracle {
        place.offset = match ask.params.first("direction") {
            Some("NEXT") => place.offset.saturating_add(place.found.count),
            Some("PREVIOUS") => place.offset.saturating_sub(place.found.count),
            Some(_) | None => return Err(Refusal::BadValue("direction".to_owned())),
        };
    }
    Ok(place)
}

fn find(inner: &Inner, ask: &Ask<'_>) -> Result<Found, Refusal> {
    let (vendor, params) = (inner.vendor, &ask.params);
    rules::check(vendor, ask.resource, params)?;
    let after: Vec<&'static str> = match vendor {
        Vendor::Epic => only(ask.resource, |name| !EPIC_NATIVE.contains(&name)),
        Vendor::Oracle | Vendor::Athena => Vec::new(),
    };
    let native = only(ask.resource, |name| {
        !after.contains(&name) && !matches!(name, "_id" | "_lastUpdated")
    });
    let mut remarks = Vec::new();
    let mut rows: Vec<Arc<Row>> = {
        let chart = inner.chart(ask.now);
        candidates(vendor, &chart, ask)?
            .into_iter()
            .filter(|row| satisfies_all(&row.entries, params, &native) && updated(row, params))
            .cloned()
            .collect()
    };
    if vendor == Vendor::Epic {
        for name in rules::unknown(ask.resource, params) {
            remarks.push(refusal::epic_outcome("59100", Some(name)));
        }
        if suppress(inner, ask, &mut rows) {
            remarks.push(refusal::suppressed());
        }
    }
    let limit = match (vendor, ask.resource.name) {
        (Vendor::Epic, "Patient") => EPIC_PATIENTS,
        (Vendor::Oracle, "Patient") => ORACLE_PATIENTS,
        _ => usize::MAX,
    };
    if rows.len() > limit {
        return Err(Refusal::TooMany);
    }
    Ok(Found {
        resource: ask.resource,
        count: count(inner, ask)?,
        params: params.clone(),
        rows,
        after,
        remarks,
    })
}

/// The rows that can match at all: by id, in one chart, or of the whole type.
fn candidates<'a>(
    vendor: Vendor,
    chart: &'a Chart,
    ask: &Ask<'_>,
) -> Result<Vec<&'a Arc<Row>>, Refusal> {
    let name = ask.resource.name;
    if let Some(ids) = ask.params.first("_id") {
        let patient = ask.params.patient();
        return Ok(chart
            .all(name)
            .filter(|row| ids.split(',').any(|id| id == row.id))
            .filter(|row| patient.is_none() || row.patient.as_deref() == patient)
            .collect());
    }
    let Some(patient) = ask.params.patient() else {
        return Ok(chart.all(name).collect());
    };
    // Epic knows whether there is such a patient; at the others nothing is found (vendor catalogue X-05).
    if vendor == Vendor::Epic {
        match chart.find("Patient", patient) {
            Stored::Live(_) => {}
            Stored::Merged(_) => return Err(Refusal::MergedPatient),
            Stored::Deleted | Stored::Nothing => return Err(Refusal::UnknownPatient),
        }
    }
    Ok(chart.of_patient(name, patient).collect())
}

fn updated(row: &Row, params: &Params) -> bool {
    let at = Span {
        start: row.last_updated,
        end: row.last_updated,
    };
    params.all("_lastUpdated").all(|value| {
        Prefix::split(value).is_none_or(|(prefix, asked)| match prefix {
            Prefix::Ge => at.start >= asked.start,
            Prefix::Gt => at.start >= asked.end,
            Prefix::Eq | Prefix::Le | Prefix::Lt => at.meets(prefix, &asked),
        })
    })
}

/// Takes out what the clients have no licence for; true when the search asked for some of it.
fn suppress(inner: &Inner, ask: &Ask<'_>, rows: &mut Vec<Arc<Row>>) -> bool {
    let mut asked = false;
    for (name, category) in &inner.unlicensed {
        if name != ask.resource.name {
            continue;
        }
        rows.retain(|row| !satisfies(&row.entries, "category", category));
        asked |= ask.params.first("category").is_none_or(|categories| {
            categories
                .split(',')
                .any(|one| one == category || one.ends_with(&format!("|{category}")))
        });
    }
    asked
}

fn only(resource: &Resource, keep: impl Fn(&'static str) -> bool) -> Vec<&'static str> {
    resource
        .params
        .iter()
        .copied()
        .filter(|name| !matches!(*name, "patient" | "subject"))
        .filter(|name| keep(name))
        .collect()
}

fn count(inner: &Inner, ask: &Ask<'_>) -> Result<usize, Refusal> {
    let (usual, most) = ask.resource.page;
    let Some(value) = ask.params.first("_count") else {
        return Ok(inner.page_size.unwrap_or(usual).clamp(1, most));
    };
    match value.parse::<usize>() {
        // More than the maximum gives the maximum, and nobody says so (vendor catalogue CERN-18).
        Ok(count) if count > 0 => Ok(count.min(most)),
        Ok(_) | Err(_) => Err(Refusal::BadValue("_count".to_owned())),
    }
}

fn page(inner: &Inner, ask: &Ask<'_>, place: &Place) -> Answer {
    let found = &place.found;
    let end = place.offset.saturating_add(found.count);
    let mut rows: Vec<&Arc<Row>> = cut(place)
        .iter()
        .filter(|row| satisfies_all(&row.entries, &found.params, &found.after))
        .collect();
    let mut outcomes = if place.offset == 0 {
        found.remarks.clone()
    } else {
        Vec::new()
    };
    let given = place.given.saturating_add(rows.len());
    let more = end < found.rows.len();
    // Nothing found is said in an entry (vendor catalogue EPIC-19), once it is known that no page brings anything.
    if inner.vendor == Vendor::Epic && given == 0 && !more && outcomes.is_empty() {
        outcomes.push(refusal::epic_outcome("4101", None));
    }
    let mut links = links(inner, ask, place, given, more);
    match ask.fault {
        Some(Fault::OutcomeInside { code }) => {
            if !matches!(code.as_str(), "4119" | "suppressed") {
                rows.clear();
                outcomes.clear();
                links.truncate(1);
            }
            outcomes.push(refusal::inside(inner.vendor, code));
        }
        Some(Fault::ForeignNext(url)) => {
            links.retain(|(relation, _)| *relation != "next");
            links.push(("next", url.clone()));
        }
        Some(_) | None => {}
    }
    let total = match inner.vendor {
        // Of this page only, after filtering: nobody should believe it.
        Vendor::Epic => Some(rows.len()),
        Vendor::Oracle => None,
        Vendor::Athena => Some(found.rows.len()),
    };
    let set = Searchset {
        vendor: inner.vendor,
        base: ask.base,
        resource_type: found.resource.name,
        total,
        links,
        rows,
        outcomes,
    };
    Answer::fhir(200, inner.vendor, set.write())
}

/// The rows of a page, before any filter that comes after.
fn cut(place: &Place) -> &[Arc<Row>] {
    let rows = &place.found.rows;
    let end = place
        .offset
        .saturating_add(place.found.count)
        .min(rows.len());
    rows.get(place.offset..end).unwrap_or_default()
}

fn links(
    inner: &Inner,
    ask: &Ask<'_>,
    place: &Place,
    given: usize,
    more: bool,
) -> Vec<(&'static str, String)> {
    let found = &place.found;
    let at = format!("{}/{}?", ask.base, found.resource.name);
    let query = found
        .params
        .query_without(&[page_param(inner.vendor), "direction"]);
    let mut links = vec![("self", format!("{at}{query}"))];
    let back = inner.vendor == Vendor::Oracle && place.offset > 0;
    if !more && !back {
        return links;
    }
    // The word depends on what is asked and when, so that equal runs give equal links.
    let what = format!(
        "page {query} {} {} {} {}",
        found.resource.name,
        place.offset,
        ask.now,
        found.rows.len()
    );
    let (word, offset, given) = match inner.vendor {
        Vendor::Epic => (
            format!("{}-{}", 10, opaque::word(inner.seed, &what, 32)),
            place.offset.saturating_add(found.count),
            given,
        ),
        Vendor::Oracle => (opaque::guid(inner.seed, &what), place.offset, place.given),
        Vendor::Athena => (
            opaque::word(inner.seed, &what, 48),
            place.offset.saturating_add(found.count),
            given,
        ),
    };
    let expires = ask
        .now
        .checked_add(inner.page_life)
        .unwrap_or(Timestamp::MAX);
    inner.pages().keep(
        ask.now,
        word.clone(),
        expires,
        Place {
            found: Arc::clone(found),
            offset,
            given,
        },
    );
    match inner.vendor {
        Vendor::Epic => links.push(("next", format!("{at}sessionID={word}"))),
        Vendor::Oracle => {
            let context = format!("{at}{query}&pageContext={word}&direction=");
            if more {
                links.push(("next", format!("{context}NEXT")));
            }
            if back {
                links.push(("previous", format!("{context}PREVIOUS")));
            }
        }
        Vendor::Athena => links.push(("next", format!("{at}{query}&cursor={word}"))),
    }
    links
}
