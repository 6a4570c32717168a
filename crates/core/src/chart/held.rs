//! Results that wait behind a parked message: shown as unconfirmed, so that a parked lane hides no danger (promise P4, design D12).
//!
//! They are mapped for reading only. Nothing of it becomes a version, and nothing in it says who the patient is: merges, names and
//! numbers wait for the record. When the lane is open again the record has them, and this has nothing to show any more.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use bedside_fact::id::{ResourceId, SourceId};
use bedside_fhir::resource::identifiers;
use bedside_hl7::message::{self, Options};
use serde_json::Value;

use crate::journal::InputKind;
use crate::map::{self, MapCtx, MapEnding, Mapped};
use crate::record::{Current, Draft, Held, PersonRecord, PublicIds, Stored, writes};

/// The Observations of all that is held, as they would read if they were applied in order of receipt.
pub(crate) fn provisional(record: &PersonRecord) -> Vec<Stored> {
    let mut found: BTreeMap<ResourceId, (usize, Stored)> = BTreeMap::new();
    let mut held: Vec<&Held> = record.held.iter().collect();
    held.sort_by_key(|held| held.seq);
    for (place, held) in held.into_iter().enumerate() {
        let Some(mapped) = map(held).filter(|mapped| mapped.ending == MapEnding::Map) else {
            continue;
        };
        let patient = record_of(record, &mapped.drafts);
        let results = of_this_person(record, mapped.drafts);
        let standing: Vec<Option<Current>> = results
            .iter()
            .map(|draft| {
                found.get(&draft.id).map(|(_, stored)| Current {
                    version: stored.version,
                    body: stored.body.clone(),
                    // A repeat is laid on itself, which changes nothing.
                    fingerprint: [0; 16],
                    source_time: stored.source_time,
                })
            })
            .collect();
        for write in writes(results, &standing, held.received_at, &held.source.id, &Ids) {
            let stored = Stored {
                resource_type: write.resource_type,
                id: write.id.clone(),
                patient: patient.clone(),
                version: write.version,
                body: write.body,
                source: held.source.id.clone(),
                journal_seq: held.seq,
                from_seq: held.seq,
                known_at: held.received_at.as_microsecond(),
                source_time: write.source_time,
                when: write.when,
                mapping: String::from("held"),
            };
            found.insert(write.id, (place, stored));
        }
    }
    let mut found: Vec<(usize, Stored)> = found.into_values().collect();
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().map(|(_, stored)| stored).collect()
}

fn map(held: &Held) -> Option<Mapped> {
    let ctx = MapCtx {
        source: &held.source,
        ids: &Ids,
        seq: held.seq,
        received_at: held.received_at,
        patient_of: &|_, _| None,
    };
    match held.kind {
        InputKind::Hl7v2 => {
            let message = message::parse(held.raw.expose(), &Options::default()).ok()?;
            Some(map::hl7::map(&message, &ctx))
        }
        InputKind::Fhir => {
            let text = std::str::from_utf8(held.raw.expose()).ok()?;
            let refs = map::fhir::references(held.context.expose());
            Some(map::fhir::map(text, &ctx, &|name| refs.get(name).cloned()))
        }
        InputKind::Unrecognised => None,
    }
}

/// The results among the drafts. An input that names several patients is in the lanes of all of them: then only the results of a patient
/// who bears one of this person's numbers are this person's.
fn of_this_person(record: &PersonRecord, drafts: Vec<Draft>) -> Vec<Draft> {
    let named: HashSet<&ResourceId> = drafts
        .iter()
        .filter_map(|draft| draft.patient.as_ref())
        .collect();
    let strangers: HashSet<ResourceId> = if named.len() > 1 {
        let ours: HashSet<(String, String)> = record
            .resources
            .iter()
            .filter(|stored| stored.resource_type == "Patient")
            .filter_map(|stored| serde_json::from_str::<Value>(&stored.body).ok())
            .flat_map(|body| numbers(&body))
            .collect();
        let is_ours = |id: &ResourceId| {
            drafts
                .iter()
                .filter(|draft| draft.resource_type == "Patient" && draft.id == *id)
                .any(|draft| {
                    numbers(&draft.body)
                        .iter()
                        .any(|number| ours.contains(number))
                })
        };
        named
            .into_iter()
            .filter(|id| !is_ours(id))
            .cloned()
            .collect()
    } else {
        HashSet::new()
    };
    drafts
        .into_iter()
        .filter(|draft| draft.resource_type == "Observation")
        .filter(|draft| {
            draft
                .patient
                .as_ref()
                .is_some_and(|patient| !strangers.contains(patient))
        })
        .collect()
}

/// The record of this person that an input is about: the one that bears a number of the input's patient, else the person's first.
fn record_of(record: &PersonRecord, drafts: &[Draft]) -> Option<ResourceId> {
    let named: HashSet<(String, String)> = drafts
        .iter()
        .filter(|draft| draft.resource_type == "Patient")
        .flat_map(|draft| numbers(&draft.body))
        .collect();
    let bears = |stored: &&Stored| {
        serde_json::from_str::<Value>(&stored.body)
            .is_ok_and(|body| numbers(&body).iter().any(|number| named.contains(number)))
    };
    record
        .resources
        .iter()
        .filter(|stored| stored.resource_type == "Patient" && record.patients.contains(&stored.id))
        .find(bears)
        .map(|stored| &stored.id)
        .or_else(|| record.patients.first())
        .cloned()
}

/// The numbers of a Patient, with their authorities.
fn numbers(patient: &Value) -> Vec<(String, String)> {
    identifiers(patient)
        .into_iter()
        .filter_map(|number| Some((number.system?, number.value?)))
        .collect()
}

/// Names for what has none in the record. They are never stored and never shown.
struct Ids;

impl PublicIds for Ids {
    fn public_id(&self, source: &SourceId, resource_type: &str, source_id: &str) -> ResourceId {
        let half = |round: u8| {
            let mut hasher = DefaultHasher::new();
            (round, source.as_str(), resource_type, source_id).hash(&mut hasher);
            hasher.finish()
        };
        ResourceId::new(format!("held{:016x}{:016x}", half(0), half(1)))
    }
}
