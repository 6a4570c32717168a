//! Results and vital signs: one row for each code, the newest value first, with what came before as a trend.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use bedside_fact::quantity::Decimal;
use bedside_fact::state::State;
use bedside_fhir::resource::observation;
use serde_json::Value;

use super::item::{add_detail, base, because, code_key, doubt, label, withdrawn};
use super::join::{Finding, Joined, is_correction, is_withdrawn, join};
use super::section::{Found, Kind, of_items, section};
use super::seen::{Moment, Seen};
use super::stale::{is_older, max_age_hours};
use super::value::reading;
use super::view::{Item, Point, Section};
use crate::facts::measure;
use crate::record::PersonRecord;

/// As many points as a trend has.
const TREND: usize = 20;

/// LOINC codes of vital signs (FHIR R4 vital signs profile, and what monitors send beside it), for senders that give no category.
const VITAL_SIGNS: [&str; 19] = [
    "85353-1", "9279-1", "8867-4", "2708-6", "59408-5", "8310-5", "8302-2", "9843-4", "29463-7",
    "39156-5", "85354-9", "8480-6", "8462-4", "8478-0", "8889-8", "3141-9", "72514-3", "9269-2",
    "3150-6",
];

/// Where an observation is shown; none when it is of another kind, such as a social history or a survey.
pub(super) fn place(value: &Value) -> Option<Kind> {
    let categories = observation::category_codes(value);
    let has = |names: &[&str]| categories.iter().any(|code| names.contains(&code.as_str()));
    if has(&["vital-signs"]) {
        return Some(Kind::Vitals);
    }
    if has(&["laboratory", "LAB"]) {
        return Some(Kind::Labs);
    }
    let code = observation::code(value);
    if VITAL_SIGNS
        .iter()
        .any(|known| code.has("http://loinc.org", known))
    {
        return Some(Kind::Vitals);
    }
    let elsewhere = [
        "social-history",
        "survey",
        "exam",
        "therapy",
        "activity",
        "procedure",
        "imaging",
    ];
    if has(&elsewhere) {
        None
    } else {
        Some(Kind::Labs)
    }
}

/// The section of results or of vital signs.
pub(super) fn results(
    kind: Kind,
    record: &PersonRecord,
    seen: &[&Seen<'_>],
    moment: &Moment<'_>,
) -> Section {
    let mut found = Found::default();
    let (mut findings, mut waiting) = (Vec::new(), Vec::new());
    for one in seen
        .iter()
        .filter(|one| one.stored.resource_type == "Observation")
    {
        if place(&one.value) != Some(kind) {
            continue;
        }
        if one.held {
            waiting.extend(finding(one, moment));
        } else {
            found.learned(one);
            findings.extend(finding(one, moment));
        }
    }
    let mut rows: BTreeMap<String, Vec<Joined<'_>>> = BTreeMap::new();
    // What is held neither confirms nor corrects nor hides what is on record: whose it is may be what is in doubt.
    for result in join(findings).into_iter().chain(join(waiting)) {
        let lead = &result.lead;
        if is_withdrawn(&lead.status) {
            found.withdrawn.push(withdrawn(
                lead.seen,
                moment,
                lead.label.clone(),
                &lead.status,
                lead.taken.as_deref(),
            ));
            continue;
        }
        // A result without a time, or from the future, must not stand for the newest one: it gets a row of its own.
        let ordered = lead.at.is_some_and(|at| !moment.is_ahead(at));
        let apart = match (ordered, lead.seen.held) {
            (true, false) => String::new(),
            (true, true) => String::from("\u{1f}held"),
            (false, _) => format!("\u{1f}{}", lead.seen.stored.id),
        };
        rows.entry(format!("{}{apart}", lead.key))
            .or_default()
            .push(result);
    }
    found.items = rows
        .into_values()
        .filter_map(|row| item(kind, row, moment))
        .collect();
    // A time that can't be true does not put a result at the top.
    let last = |item: &Item| item.at.is_none_or(|at| moment.is_ahead(at));
    found.items.sort_by(|a, b| {
        (last(a), Reverse(a.at), &a.label, a.seq).cmp(&(last(b), Reverse(b.at), &b.label, b.seq))
    });
    let verdict = of_items(kind, found.items.iter());
    section(kind, found, verdict, record, moment)
}

fn finding<'a>(seen: &'a Seen<'a>, moment: &Moment<'_>) -> Option<Finding<'a>> {
    let value = &seen.value;
    let concept = observation::code(value);
    let status = observation::status(value).unwrap_or("unknown").to_owned();
    let reading = reading(value);
    let groups = value
        .get("hasMember")
        .and_then(Value::as_array)
        .is_some_and(|members| !members.is_empty());
    if groups && reading.text.is_none() && !is_withdrawn(&status) {
        // The head of a panel: its members are resources of their own and have rows of their own.
        return None;
    }
    let code = code_key(&concept);
    let label = label(&concept);
    let taken = observation::effective(value).map(str::to_owned);
    let numbers = bedside_fhir::resource::identifiers(value)
        .into_iter()
        .filter_map(|identifier| {
            Some(format!(
                "{}|{}",
                identifier.system.unwrap_or_default(),
                identifier.value?
            ))
        })
        .collect();
    Some(Finding {
        seen,
        key: if code.is_empty() {
            label.to_lowercase()
        } else {
            code.clone()
        },
        label,
        code,
        status,
        at: taken.as_deref().and_then(|text| moment.instant(text)),
        taken,
        canonical: moment
            .catalogue
            .coded(&concept)
            .find_map(|fact| measure(fact, value)?.ok())
            .map(|quantity| quantity.value),
        reading,
        numbers,
    })
}

fn item(kind: Kind, mut row: Vec<Joined<'_>>, moment: &Moment<'_>) -> Option<Item> {
    row.sort_by_key(|result| {
        let stored = result.lead.seen.stored;
        Reverse((result.lead.at, stored.source_time, stored.from_seq))
    });
    let newest = row.first()?;
    let lead = &newest.lead;
    let concept = observation::code(&lead.seen.value);
    let mut item = base(
        lead.seen,
        moment,
        &concept,
        &lead.status,
        lead.taken.as_deref(),
    );
    item.code = lead.code.clone();
    item.value = lead.reading.text.clone();
    item.unit = lead.reading.unit.clone();
    item.comparator = lead.reading.comparator.clone();
    item.abnormal = lead.reading.abnormal.clone();
    item.range = lead.reading.range.clone();
    item.source = newest.sources.join(", ");
    for words in &lead.reading.detail {
        add_detail(&mut item, words);
    }
    judge(&mut item, kind, newest, moment);
    if item.value.is_none()
        && let Some(earlier) = row
            .iter()
            .skip(1)
            .find(|result| result.lead.reading.text.is_some())
    {
        let when = earlier
            .lead
            .taken
            .as_deref()
            .map(|text| moment.said(text))
            .unwrap_or_default();
        add_detail(
            &mut item,
            &format!("last value {}, {when}", earlier.lead.reading.words()),
        );
    }
    trend(&mut item, &row);
    Some(item)
}

/// State, reason and earlier value.
fn judge(item: &mut Item, kind: Kind, result: &Joined<'_>, moment: &Moment<'_>) {
    let lead = &result.lead;
    let old = max_age_hours(kind)
        .is_some_and(|hours| item.at.is_some_and(|at| is_older(at, moment.at, hours)));
    if old && item.state == State::Present {
        item.state = State::Stale;
    }
    match item.at {
        None if lead.taken.is_some() => doubt(item, "its time can't be read"),
        None => doubt(item, "the source gave no time"),
        Some(at) if moment.is_ahead(at) => unknown(item, "its time is in the future"),
        Some(_) => {}
    }
    match item.status.as_str() {
        "final" | "corrected" | "amended" | "appended" => {}
        "preliminary" => doubt(item, "preliminary"),
        "registered" => doubt(item, "ordered, no result yet"),
        _ => doubt(item, "its status is not known"),
    }
    if let Some(trouble) = &lead.reading.trouble {
        if lead.reading.text.is_none() {
            item.state = State::Unknown;
            because(item, trouble);
        } else {
            doubt(item, trouble);
        }
    }
    if let Some(trouble) = amount_trouble(lead, moment) {
        unknown(item, trouble);
    }
    if !result.against.is_empty() {
        item.state = State::Conflict;
        let said = |finding: &Finding<'_>| {
            format!(
                "{} says {}",
                finding.seen.stored.source,
                finding.reading.words()
            )
        };
        let all: Vec<String> = std::iter::once(said(lead))
            .chain(result.against.iter().map(said))
            .collect();
        because(item, &all.join(", "));
        // Neither of them is *the* value.
        let texts: Vec<String> = std::iter::once(lead)
            .chain(&result.against)
            .map(|finding| finding.reading.words())
            .collect();
        item.value = Some(texts.join(" or "));
        item.unit = None;
        item.comparator = None;
    }
    item.corrected = match result.before.first() {
        Some(before) => Some(format!(
            "was {} ({}, {})",
            before.reading.words(),
            before.status,
            before.seen.stored.source
        )),
        None if is_correction(&lead.status) => Some(String::from("replaces an earlier value")),
        None => None,
    };
}

/// Shown as it was sent and not relied on: the same that a workflow makes of it.
fn unknown(item: &mut Item, why: &str) {
    item.state = State::Unknown;
    because(item, why);
}

/// Why the amount of a test that is a fact can't be read, where it was sent in a form that a page shows all the same.
fn amount_trouble(lead: &Finding<'_>, moment: &Moment<'_>) -> Option<&'static str> {
    let value = &lead.seen.value;
    lead.reading.number.as_ref()?;
    moment
        .catalogue
        .coded(&observation::code(value))
        .find_map(|fact| measure(fact, value)?.err())
}

fn trend(item: &mut Item, row: &[Joined<'_>]) {
    let Some(newest) = row.first() else { return };
    let mut left_out = 0_usize;
    for result in row {
        let lead = &result.lead;
        let height = lead
            .reading
            .height
            .as_ref()
            .map(Decimal::approximate)
            .filter(|height| height.is_finite());
        let Some((at, value)) = lead.at.zip(height) else {
            continue;
        };
        if !result.against.is_empty() {
            continue;
        }
        if !lead.reading.same_unit(&newest.lead.reading) {
            left_out += 1;
            continue;
        }
        if item.trend.len() < TREND {
            item.trend.push(Point {
                at,
                value,
                text: lead.reading.words(),
                abnormal: lead.reading.abnormal.clone(),
            });
        }
    }
    item.trend.reverse();
    if left_out > 0 {
        add_detail(
            item,
            &format!("{left_out} earlier in another unit, not in the trend"),
        );
    }
}
