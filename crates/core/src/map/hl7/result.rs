//! The groups of an ORU^R01: patient, visit, order, results, notes (HL7 v2.5.1 §7.3.1).
//!
//! Segments are walked flat: each belongs to the nearest one before it that it can belong to, and a note to what it follows.

use std::collections::HashMap;

use bedside_fact::id::ResourceId;
use bedside_hl7::message::Segment;

use super::encounter::{self, Step};
use super::json::clean;
use super::observation::{self, Order, Result};
use super::patient::{self, Listing, Subject};
use super::reader::Reader;
use super::report;
use super::value::{is_text, kind};
use crate::record::{Draft, Join};

/// One patient's part of the message.
struct Part<'a> {
    pid: Segment<'a>,
    pd1: Option<Segment<'a>>,
    pv1: Option<Segment<'a>>,
    orders: Vec<Group<'a>>,
}

/// One order and what follows it.
#[derive(Default)]
struct Group<'a> {
    obr: Option<Segment<'a>>,
    notes: Vec<String>,
    results: Vec<Result<'a>>,
    /// Where the results of each code and sub-id stand, as they were sent.
    places: HashMap<(&'a [u8], &'a [u8]), Vec<usize>>,
}

/// What each patient's part says: who, and the drafts. `None` when a patient has no identifier.
pub(super) fn drafts(rd: &Reader<'_>) -> Option<Vec<(Subject, Vec<Draft>)>> {
    parts(rd).iter().map(|part| one(rd, part)).collect()
}

fn one(rd: &Reader<'_>, part: &Part<'_>) -> Option<(Subject, Vec<Draft>)> {
    let subject = patient::subject(rd, &part.pid, &[])?;
    let mut who = patient::draft(rd, &part.pid, part.pd1.as_ref(), &subject, Listing::Part);
    // A result names the patient as its laboratory knew them; what registration said stands, down to what it removed.
    if let (Join::Overlay { remove, initial }, Some(body)) = (&mut who.join, who.body.as_object()) {
        remove.clear();
        *initial = body
            .keys()
            .filter(|name| *name != "resourceType")
            .cloned()
            .collect();
    }
    let mut drafts = vec![who];
    let encounter = part
        .pv1
        .as_ref()
        .and_then(|pv1| encounter::draft(rd, Step::Mention, pv1, &subject.id));
    let visit = encounter.as_ref().map(|draft| draft.id.clone());
    drafts.extend(encounter);
    let mut seen: HashMap<String, usize> = HashMap::new();
    for group in &part.orders {
        let mut key = group
            .obr
            .as_ref()
            .map(|obr| report::number(rd, obr))
            .unwrap_or_default();
        let whole = group
            .obr
            .as_ref()
            .map(|obr| report::key(rd, obr, &key))
            .unwrap_or_default();
        // Orders that nothing tells apart are told apart by their place.
        let count = seen.entry(whole).or_default();
        *count += 1;
        if *count > 1 {
            key = format!("{key}#{count}");
        }
        orders(rd, &subject.id, visit.as_ref(), group, key, &mut drafts);
    }
    Some((subject, drafts))
}

fn orders(
    rd: &Reader<'_>,
    patient: &ResourceId,
    visit: Option<&ResourceId>,
    group: &Group<'_>,
    key: String,
    drafts: &mut Vec<Draft>,
) {
    let order = Order {
        patient,
        encounter: visit,
        obr: group.obr.as_ref(),
        key,
    };
    let results: Vec<Draft> = group
        .results
        .iter()
        .filter_map(|result| observation::draft(rd, &order, result))
        .collect();
    let ids: Vec<ResourceId> = results.iter().map(|draft| draft.id.clone()).collect();
    drafts.extend(results);
    if let Some(obr) = &group.obr {
        drafts.push(report::draft(rd, &order, obr, &ids, &group.notes));
    }
}

/// What a note that comes now belongs to.
#[derive(Clone, Copy)]
enum Last {
    Patient,
    Order,
    Result,
}

fn parts<'a>(rd: &Reader<'a>) -> Vec<Part<'a>> {
    let mut parts: Vec<Part<'a>> = Vec::new();
    let mut last = Last::Patient;
    for segment in rd.msg.segments() {
        if segment.id() == "PID" {
            parts.push(Part {
                pid: segment,
                pd1: None,
                pv1: None,
                orders: Vec::new(),
            });
            last = Last::Patient;
            continue;
        }
        let Some(part) = parts.last_mut() else {
            continue;
        };
        match segment.id() {
            "PD1" => part.pd1 = Some(segment),
            "PV1" => part.pv1 = Some(segment),
            "OBR" => {
                part.orders.push(Group {
                    obr: Some(segment),
                    ..Group::default()
                });
                last = Last::Order;
            }
            "OBX" => {
                if part.orders.is_empty() {
                    part.orders.push(Group::default());
                }
                if let Some(group) = part.orders.last_mut() {
                    add(group, segment);
                }
                last = Last::Result;
            }
            "NTE" => {
                if let Some(text) = note(&segment)
                    && let Some(group) = part.orders.last_mut()
                {
                    let notes = match last {
                        Last::Result => group.results.last_mut().map(|result| &mut result.notes),
                        Last::Order => Some(&mut group.notes),
                        Last::Patient => None,
                    };
                    // NTE segments in a row are the lines of one note.
                    match notes.map(|notes| (notes.first_mut().is_some(), notes)) {
                        Some((true, notes)) => {
                            if let Some(first) = notes.first_mut() {
                                first.push('\n');
                                first.push_str(&text);
                            }
                        }
                        Some((false, notes)) => notes.push(text),
                        None => {}
                    }
                }
            }
            _ => {}
        }
    }
    parts
}

/// Running text of one code and sub-id is one result, however many segments it was cut into.
fn add<'a>(group: &mut Group<'a>, obx: Segment<'a>) {
    let places = group
        .places
        .entry((obx.field(3).raw(), obx.field(4).raw()))
        .or_default();
    // The first is enough to look at: a second result of the key is there because it did not join it.
    if let Some(result) = places
        .first()
        .and_then(|&place| group.results.get_mut(place))
        && result
            .segments
            .first()
            .is_some_and(|first| is_text(&kind(first)) && kind(first) == kind(&obx))
        && !kind(&obx).is_empty()
    {
        result.segments.push(obx);
        return;
    }
    let before = places.len();
    places.push(group.results.len());
    group.results.push(Result {
        segments: vec![obx],
        notes: Vec::new(),
        ordinal: before + 1,
    });
}

fn note(nte: &Segment<'_>) -> Option<String> {
    let lines: Vec<String> = nte.field(3).reps().filter_map(|rep| rep.plain()).collect();
    clean(lines.join("\n"))
}
