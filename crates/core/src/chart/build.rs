//! The page as a whole: sections, sources, and what a reader must know first.

use std::collections::BTreeMap;

use bedside_fact::clock::Timestamp;
use bedside_fhir::resource::{diagnostic_report, patient};
use jiff::tz::TimeZone;

use super::allergies::allergies;
use super::demographics::demographics;
use super::encounters::encounters;
use super::held;
use super::medications::medications;
use super::problems::problems;
use super::results::{place, results};
use super::section::{Kind, gaps};
use super::seen::{Moment, Seen, read, read_held};
use super::view::{Chart, Demographics, Facts, SourceSeen};
use crate::completeness::waiting;
use crate::facts::Catalogue;
use crate::record::{Link, PersonRecord};

/// Builds the chart of a person as it was at `as_of`, or as it is `now`.
///
/// The record must have been read at `as_of` too: nothing in here takes back what was learned later.
#[must_use]
pub fn build(
    record: &PersonRecord,
    as_of: Option<Timestamp>,
    now: Timestamp,
    zone: &TimeZone,
) -> Chart {
    build_with(record, Catalogue::shipped(), as_of, now, zone)
}

/// As [`build`], by the site's own facts.
#[must_use]
pub fn build_with(
    record: &PersonRecord,
    catalogue: &Catalogue,
    as_of: Option<Timestamp>,
    now: Timestamp,
    zone: &TimeZone,
) -> Chart {
    let moment = Moment {
        at: as_of.unwrap_or(now),
        zone,
        catalogue,
    };
    let mut unreadable = Vec::new();
    let seen = read(record, &mut unreadable);
    let provisional = held::provisional(record);
    let held = read_held(&provisional);
    let demographics = demographics(&seen, &moment);
    let of_kind = |kind: &str| -> Vec<Link> {
        record
            .links
            .iter()
            .filter(|link| link.kind == kind)
            .cloned()
            .collect()
    };
    let possible_same = of_kind("possible");
    let mut caveats = Vec::new();
    caveats.extend(behind(record, &held));
    caveats.extend(unreadable);
    caveats.extend(possible_same.iter().map(|link| {
        format!(
            "Possibly the same person as another patient record (same {}); what that record holds is not on this page.",
            link.basis.replace('_', " ").replace('+', ", ")
        )
    }));
    caveats.extend(identity_doubts(record, &seen, &demographics));
    caveats.extend(
        Kind::ALL
            .into_iter()
            .flat_map(|kind| gaps(kind, record, &moment)),
    );
    caveats.extend(elsewhere(&seen));
    let with_held: Vec<&Seen<'_>> = seen.iter().chain(&held).collect();
    Chart {
        id: record.person.to_string(),
        patients: record.patients.iter().map(ToString::to_string).collect(),
        sources: sources(record),
        as_of,
        now,
        zone: zone.clone(),
        seq: record.seq,
        facts: Facts {
            allergies: allergies(record, &seen, &moment),
            problems: problems(record, &seen, &moment),
            medications: medications(record, &seen, &moment),
            labs: results(Kind::Labs, record, &with_held, &moment),
            vitals: results(Kind::Vitals, record, &with_held, &moment),
            encounters: encounters(record, &seen, &moment),
        },
        demographics,
        caveats,
        possible_same,
        merged: of_kind("merge"),
        linked: of_kind("identifier"),
    }
}

/// That messages wait, and which part of them is here all the same.
fn behind(record: &PersonRecord, held: &[Seen<'_>]) -> Option<String> {
    let count = waiting(record)?;
    let mut told = match count {
        1 => String::from("1 message about this patient is held back and not in the record"),
        many => format!("{many} messages about this patient are held back and not in the record"),
    };
    told.push_str(match held.iter().any(|one| place(&one.value).is_some()) {
        true => "; results in what is held back are shown here as unconfirmed",
        false => " nor on this page",
    });
    told.push_str("; see the quarantine.");
    Some(told)
}

fn identity_doubts(
    record: &PersonRecord,
    seen: &[Seen<'_>],
    demographics: &Demographics,
) -> Vec<String> {
    let mut told = demographics.disagreements.clone();
    let patients = || {
        seen.iter()
            .filter(|one| one.stored.resource_type == "Patient")
    };
    for one in patients() {
        let gone = patient::links(&one.value).into_iter().find(|link| {
            let other = link.other.rsplit('/').next().unwrap_or_default();
            link.kind == Some("replaced-by")
                && !record.patients.iter().any(|known| known.as_str() == other)
        });
        if gone.is_some() {
            told.push(format!(
                "{} put another patient record in this one's place, and that record is not part of this page.",
                one.stored.source
            ));
        }
    }
    if patients().next().is_none() {
        told.push(String::from("No source has said who this patient is."));
    }
    told
}

/// What is held and has no place on this page: counted, so that nobody takes the page for all there is.
fn elsewhere(seen: &[Seen<'_>]) -> Option<String> {
    const SHOWN: [&str; 7] = [
        "Patient",
        "AllergyIntolerance",
        "Condition",
        "MedicationRequest",
        "MedicationStatement",
        "Medication",
        "Encounter",
    ];
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for one in seen {
        let name = one.stored.resource_type.as_str();
        let shown = SHOWN.contains(&name)
            || (name == "Observation" && place(&one.value).is_some())
            // The results of a report are Observations and are shown; a report of words alone is not.
            || (name == "DiagnosticReport" && !diagnostic_report::results(&one.value).is_empty());
        if !shown {
            *counts.entry(name).or_default() += 1;
        }
    }
    let told: Vec<String> = counts
        .iter()
        .map(|(name, count)| format!("{count} {name}"))
        .collect();
    (!told.is_empty()).then(|| format!("Also on record and not on this page: {}.", told.join(", ")))
}

fn sources(record: &PersonRecord) -> Vec<SourceSeen> {
    let mut counts: BTreeMap<(&str, &str), (i64, usize)> = BTreeMap::new();
    for stored in &record.resources {
        let patient = stored
            .patient
            .as_ref()
            .map_or("", |patient| patient.as_str());
        let entry = counts
            .entry((stored.source.as_str(), patient))
            .or_insert((stored.known_at, 0));
        entry.0 = entry.0.max(stored.known_at);
        entry.1 += 1;
    }
    counts
        .into_iter()
        .map(|((name, patient), (last, resources))| SourceSeen {
            name: name.to_owned(),
            last_known: Timestamp::from_microsecond(last).unwrap_or_default(),
            patient: patient.to_owned(),
            resources,
        })
        .collect()
}
