//! A40: the record of one patient number moves to another (structure `ADT_A39`; pairs of PID and MRG repeat).
//!
//! Both patients stay readable: the survivor replaces, the other is inactive and replaced. A merge can
//! come again, which changes nothing, and the other way round, which is a merge of its own.

use bedside_fact::id::ResourceId;
use bedside_hl7::message::Segment;
use serde_json::{Value, json};

use super::identifier::{numbers, priors, priors_too, source_id};
use super::patient::{self, Listing, Subject};
use super::reader::Reader;
use crate::journal::LaneKey;
use crate::map::{MapEnding, Mapped};
use crate::record::{Alias, Draft, Join, Merge};

/// What the merges of the message come to.
pub(super) fn map(rd: &Reader<'_>) -> Mapped {
    let mut mapped = Mapped::ending(MapEnding::Map);
    let pairs = match pairs(rd) {
        Ok(pairs) => pairs,
        Err(reason) => return Mapped::ending(MapEnding::Park(reason)),
    };
    for (pid, pd1, keys) in &pairs {
        let Some(subject) = patient::subject(rd, pid, keys) else {
            let reason = if numbers(pid, rd.source()).is_empty() {
                "no patient identifier"
            } else {
                "A40 merges a patient into itself"
            };
            return Mapped::ending(MapEnding::Park(String::from(reason)));
        };
        pair(rd, pid, pd1.as_ref(), subject, keys, &mut mapped);
    }
    mapped
}

type Pair<'a> = (Segment<'a>, Option<Segment<'a>>, Vec<LaneKey>);

fn pairs<'a>(rd: &Reader<'a>) -> Result<Vec<Pair<'a>>, String> {
    let mut pairs: Vec<Pair<'a>> = Vec::new();
    for segment in rd.msg.segments() {
        match segment.id() {
            "PID" => pairs.push((segment, None, Vec::new())),
            "PD1" => {
                if let Some(pair) = pairs.last_mut() {
                    pair.1 = Some(segment);
                }
            }
            "MRG" => {
                let Some(pair) = pairs.last_mut() else {
                    return Err(String::from("A40 with MRG before PID"));
                };
                pair.2.extend(priors(&segment, rd.source()));
                // By its other numbers only a record goes that is there: they make no new one.
                let known =
                    |key: &LaneKey| (rd.ctx.patient_of)(&key.authority, &key.value).is_some();
                let others = priors_too(&segment, rd.source());
                pair.2.extend(others.into_iter().filter(known));
            }
            _ => {}
        }
    }
    if pairs.is_empty() {
        return Err(String::from("no patient identifier"));
    }
    if pairs.iter().any(|(_, _, keys)| keys.is_empty()) {
        return Err(String::from("A40 without MRG-1"));
    }
    Ok(pairs)
}

fn pair(
    rd: &Reader<'_>,
    pid: &Segment<'_>,
    pd1: Option<&Segment<'_>>,
    mut subject: Subject,
    keys: &[LaneKey],
    mapped: &mut Mapped,
) {
    let known = |key: &LaneKey| (rd.ctx.patient_of)(&key.authority, &key.value);
    // The survivor's number leads to the record that is to go: an earlier merge went the other way round.
    let own = patient::own(rd, &subject.key);
    let reversed = own != subject.id && keys.iter().any(|key| patient::own(rd, key) == subject.id);
    if reversed {
        subject.id = own;
        mapped.aliases.push(alias(&subject.key, &subject.id));
    } else if known(&subject.key).is_none() {
        mapped.aliases.push(alias(&subject.key, &subject.id));
    }
    let mut replaced: Vec<ResourceId> = Vec::new();
    for key in keys {
        let prior = known(key).unwrap_or_else(|| patient::own(rd, key));
        if known(key).as_ref() != Some(&subject.id) {
            mapped.aliases.push(alias(key, &subject.id));
        }
        if prior == subject.id {
            // Merged before: the number leads to the survivor already.
            continue;
        }
        mapped.merges.push(Merge {
            survivor: subject.id.clone(),
            prior: prior.clone(),
        });
        mapped.drafts.push(gone(rd, key, &prior, &subject.id));
        replaced.push(prior);
    }
    let mut survivor = patient::draft(rd, pid, pd1, &subject, Listing::Part);
    link(&mut survivor, &replaced, "replaces");
    if reversed {
        // It stands again.
        if let Join::Overlay { initial, .. } = &mut survivor.join {
            initial.clear();
        }
    }
    mapped.patients.push(subject.id);
    mapped.patients.extend(replaced);
    mapped.drafts.push(survivor);
}

/// The patient that goes: inactive, and pointing at the one that stays.
fn gone(rd: &Reader<'_>, key: &LaneKey, prior: &ResourceId, survivor: &ResourceId) -> Draft {
    let mut draft = Draft {
        resource_type: String::from("Patient"),
        source_id: source_id(key),
        id: prior.clone(),
        patient: Some(prior.clone()),
        body: json!({
            "resourceType": "Patient",
            "identifier": super::identifier::of_merge(rd, key),
            "active": false,
        }),
        text: None,
        join: Join::Overlay {
            remove: Vec::new(),
            initial: vec![String::from("identifier")],
        },
        when: None,
        source_time: rd.source_time(None),
    };
    link(&mut draft, std::slice::from_ref(survivor), "replaced-by");
    draft
}

fn link(draft: &mut Draft, others: &[ResourceId], kind: &str) {
    if let (Some(body), Join::Overlay { remove, .. }) =
        (draft.body.as_object_mut(), &mut draft.join)
        && !others.is_empty()
    {
        let links: Vec<Value> = others
            .iter()
            .map(|other| json!({"other": {"reference": format!("Patient/{other}")}, "type": kind}))
            .collect();
        body.insert(String::from("link"), Value::Array(links));
        // What was said of the same two before, perhaps the other way round, is over.
        remove.extend(others.iter().map(|other| format!("link[Patient/{other}]")));
    }
}

fn alias(key: &LaneKey, patient: &ResourceId) -> Alias {
    Alias {
        authority: key.authority.clone(),
        value: key.value.clone(),
        patient: patient.clone(),
    }
}
