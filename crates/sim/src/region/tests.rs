//! What the region promises: determinism, order, references that resolve, each vendor's shape. Who its people are is
//! proven in `people`, what a day holds in `day`.

mod day;
mod people;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{Change, Charted, Options, REGIONAL_SYSTEM, Region, What};
use crate::vendor::Vendor;
use crate::ward::WardEvent;

/// A region played for some hours.
struct Played {
    opening: Vec<Charted>,
    charted: Vec<Charted>,
    messages: Vec<WardEvent>,
    region: Region,
}

fn start() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn options(seed: u64, patients: usize) -> Options {
    Options {
        patients,
        ..Options::new(seed, start())
    }
}

fn after(minutes: i64) -> Timestamp {
    start() + SignedDuration::from_mins(minutes)
}

fn play(options: Options, minutes: i64) -> Played {
    let end = options.start + SignedDuration::from_mins(minutes);
    let mut region = Region::new(options);
    let opening = region.opening();
    let (mut charted, mut messages) = (Vec::new(), Vec::new());
    loop {
        let event = region.next_event();
        if event.at >= end {
            break;
        }
        match event.what {
            What::Charted(one) => {
                assert_eq!(one.at, event.at);
                charted.push(one);
            }
            What::Message(message) => {
                assert_eq!(message.at, event.at);
                messages.push(message);
            }
        }
    }
    Played {
        opening,
        charted,
        messages,
        region,
    }
}

const DAY: i64 = 24 * 60;

fn put(charted: &Charted) -> Option<&Value> {
    match &charted.change {
        Change::Put(resource) => Some(resource),
        Change::Remove { .. } | Change::Merge { .. } => None,
    }
}

fn text<'a>(resource: &'a Value, pointer: &str) -> &'a str {
    resource
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn kind(resource: &Value) -> &str {
    text(resource, "/resourceType")
}

fn name(resource: &Value) -> String {
    format!("{}/{}", kind(resource), text(resource, "/id"))
}

fn has_code(resource: &Value, code: &str) -> bool {
    resource
        .pointer("/code/coding")
        .and_then(Value::as_array)
        .is_some_and(|list| list.iter().any(|coding| text(coding, "/code") == code))
}

fn regional(patient: &Value) -> Option<String> {
    patient
        .get("identifier")?
        .as_array()?
        .iter()
        .find(|identifier| text(identifier, "/system") == REGIONAL_SYSTEM)
        .map(|identifier| text(identifier, "/value").to_owned())
}

/// A potassium as one EHR charted it.
#[derive(Debug, Clone)]
struct Potassium {
    vendor: Vendor,
    at: Timestamp,
    id: String,
    subject: String,
    status: String,
    value: f64,
    flag: String,
    unit: String,
    effective: Timestamp,
}

fn potassium(charted: &[Charted]) -> Vec<Potassium> {
    charted
        .iter()
        .filter_map(|one| put(one).map(|resource| (one, resource)))
        .filter(|(_, resource)| kind(resource) == "Observation" && has_code(resource, "2823-3"))
        .map(|(one, resource)| Potassium {
            vendor: one.vendor,
            at: one.at,
            id: text(resource, "/id").to_owned(),
            subject: text(resource, "/subject/reference").to_owned(),
            status: text(resource, "/status").to_owned(),
            value: resource
                .pointer("/valueQuantity/value")
                .unwrap()
                .to_string()
                .parse()
                .unwrap(),
            flag: ["HH", "LL", "H", "L", "N"]
                .into_iter()
                .find(|flag| {
                    resource["interpretation"]
                        .to_string()
                        .contains(&format!("\"{flag}\""))
                })
                .unwrap_or_default()
                .to_owned(),
            unit: text(resource, "/valueQuantity/unit").to_owned(),
            effective: text(resource, "/effectiveDateTime").parse().unwrap(),
        })
        .collect()
}

fn is_critical(one: &Potassium) -> bool {
    one.unit == "mmol/L"
        && (one.flag == "HH" || one.flag == "LL")
        && one.status != "entered-in-error"
}

#[test]
fn the_same_options_give_the_same_bytes_and_another_seed_others() {
    let bytes = |seed| {
        let played = play(options(seed, 20), 6 * 60);
        let text: Vec<String> = played
            .opening
            .iter()
            .chain(&played.charted)
            .map(|one| format!("{one:?}"))
            .collect();
        (text, played.messages)
    };
    let first = bytes(3);
    assert!(first == bytes(3));
    assert!(first.0 != bytes(4).0);
}

#[test]
fn nothing_comes_before_what_came_before_it() {
    let mut region = Region::new(options(2, 20));
    let opening = region.opening();
    assert!(opening.windows(2).all(|pair| pair[0].at <= pair[1].at));
    assert!(opening.iter().all(|one| one.at <= start()));
    assert!(region.opening().is_empty());
    let mut last = start();
    for _ in 0..8000 {
        let event = region.next_event();
        assert!(event.at >= last, "{} before {last}", event.at);
        last = event.at;
    }
}

#[test]
fn every_resource_is_fit_to_be_read_and_every_reference_resolves_when_it_is_seen() {
    let played = play(options(1, 20), DAY + 120);
    let mut known: BTreeMap<Vendor, BTreeSet<String>> = BTreeMap::new();
    for one in played.opening.iter().chain(&played.charted) {
        let Some(resource) = put(one) else { continue };
        let bytes = serde_json::to_vec(resource).unwrap();
        assert!(
            bedside_fhir::json::scan(&bytes, &bedside_fhir::json::ScanLimits::default()).is_ok(),
            "{resource}"
        );
        let id = text(resource, "/id");
        assert!(
            !id.is_empty()
                && id.len() <= 64
                && id
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte)),
            "{id}"
        );
        let seen = known.entry(one.vendor).or_default();
        seen.insert(name(resource));
        let mut references = Vec::new();
        collect(resource, &mut references);
        for reference in references {
            let found = match reference.strip_prefix('#') {
                Some(inner) => resource["contained"]
                    .as_array()
                    .is_some_and(|list| list.iter().any(|one| text(one, "/id") == inner)),
                None => seen.contains(&reference),
            };
            assert!(found, "{} -> {reference} at {}", name(resource), one.at);
        }
    }
}

fn collect(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str() {
                    Some(reference) if name == "reference" => out.push(reference.to_owned()),
                    _ => collect(member, out),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|one| collect(one, out)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn an_id_names_one_thing_only() {
    let played = play(options(5, 20), DAY);
    let mut subjects: BTreeMap<(Vendor, String), String> = BTreeMap::new();
    let merged: BTreeSet<String> = played
        .charted
        .iter()
        .filter_map(|one| match &one.change {
            Change::Merge { gone, .. } => Some(format!("Patient/{gone}")),
            Change::Put(_) | Change::Remove { .. } => None,
        })
        .collect();
    assert_eq!(merged.len(), 1);
    for one in played.opening.iter().chain(&played.charted) {
        let Some(resource) = put(one) else { continue };
        let subject = format!(
            "{}{}{}",
            text(resource, "/subject/reference"),
            text(resource, "/patient/reference"),
            text(resource, "/effectiveDateTime")
        );
        let before = subjects
            .entry((one.vendor, name(resource)))
            .or_insert_with(|| subject.clone());
        let moved = merged.iter().any(|gone| before.starts_with(gone));
        assert!(moved || *before == subject, "{}", name(resource));
    }
}

#[test]
fn volumes_stay_sane() {
    for patients in [20, 60] {
        let played = play(options(7, patients), DAY);
        let count = |list: &[Charted], vendor: Vendor| {
            list.iter().filter(|one| one.vendor == vendor).count() / patients
        };
        for vendor in Vendor::ALL {
            let opening = count(&played.opening, vendor);
            let day = count(&played.charted, vendor);
            println!("{patients} {vendor:?}: {opening} at the opening, {day} a day, each");
            assert!((40..=80).contains(&opening), "{vendor:?} {opening}");
            if vendor != Vendor::Epic {
                assert!((10..=25).contains(&day), "{vendor:?} {day}");
            }
        }
        println!("{} messages", played.messages.len());
    }
}

/// Family, given, birth date, phone and street.
fn traits(patient: &Value) -> [String; 5] {
    [
        "/name/0/family",
        "/name/0/given/0",
        "/birthDate",
        "/telecom/0/value",
        "/address/0/line/0",
    ]
    .map(|pointer| text(patient, pointer).to_owned())
}

fn patients(played: &Played, vendor: Vendor) -> Vec<&Value> {
    played
        .opening
        .iter()
        .filter(|one| one.vendor == vendor)
        .filter_map(put)
        .filter(|resource| kind(resource) == "Patient")
        .collect()
}

#[test]
fn each_vendor_keeps_its_shape() {
    let played = play(options(8, 20), 8 * 60);
    let mut restricted = 0;
    for one in played.opening.iter().chain(&played.charted) {
        let Some(resource) = put(one) else { continue };
        let id = text(resource, "/id");
        let changed = text(resource, "/meta/lastUpdated");
        match one.vendor {
            Vendor::Epic => {
                assert!(resource.get("meta").is_none());
                assert!(id.starts_with('e') && id.len() > 20);
            }
            Vendor::Oracle => {
                assert!(changed.ends_with(".000Z"), "{changed}");
                let filed: Timestamp = changed.parse().unwrap();
                assert_eq!(filed.as_second(), one.at.as_second());
                assert!(text(resource, "/meta/versionId").parse::<u32>().unwrap() >= 1);
                if kind(resource) == "Patient" {
                    assert!(id.bytes().all(|byte| byte.is_ascii_digit()));
                }
            }
            Vendor::Athena => {
                assert!(id.starts_with("a-1"), "{id}");
                assert!(changed.is_empty());
                restricted += usize::from(resource.pointer("/meta/security").is_some());
                if kind(resource) == "MedicationRequest" {
                    assert!(!text(resource, "/intent").is_empty());
                }
            }
        }
    }
    assert!(restricted >= 1);
}
