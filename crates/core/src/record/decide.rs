//! Lays drafts over the current versions. Pure: the same drafts over the same versions give the same writes.

use std::collections::HashMap;

use bedside_fact::clock::Timestamp;
use bedside_fact::id::{ResourceId, SourceId};
use bedside_fhir::splice::{Identity, splice};
use serde_json::{Map, Value};

use super::lay::lay;
use super::{Current, Draft, Join, PublicIds, Write};
use crate::record::demographics::demographics;

/// Lays drafts over current versions, which are in the same order; what changes nothing becomes nothing.
///
/// Two drafts of one resource are laid one after the other and become one version. `ids` also makes the fingerprints: they are
/// kept in clear, and a keyed hash tells nothing about a body.
#[must_use]
pub fn writes(
    drafts: Vec<Draft>,
    current: &[Option<Current>],
    now: Timestamp,
    source: &SourceId,
    ids: &dyn PublicIds,
) -> Vec<Write> {
    let mut writes: Vec<Option<Write>> = Vec::with_capacity(drafts.len());
    let mut places: HashMap<(String, ResourceId), usize> = HashMap::new();
    for (n, draft) in drafts.into_iter().enumerate() {
        let standing = current.get(n).and_then(Option::as_ref);
        let key = (draft.resource_type.clone(), draft.id.clone());
        let place = places.get(&key).copied();
        let earlier = place
            .and_then(|place| writes.get(place)?.as_ref())
            .map(|write| Current {
                version: write.version - 1,
                body: write.body.clone(),
                fingerprint: write.fingerprint,
                source_time: write.source_time,
            });
        let number = standing.map_or(0, |current| current.version) + 1;
        let base = earlier.as_ref().or(standing);
        let hash = |content: &str| fingerprint(ids, source, content);
        let Some(write) = one(draft, base, number, now, &hash) else {
            continue;
        };
        if let Some(earlier) = place.and_then(|place| writes.get_mut(place)) {
            *earlier = None;
        }
        // Two drafts that undo each other are no change.
        let undone = earlier.is_some()
            && standing.is_some_and(|standing| members(&standing.body) == members(&write.body));
        if !undone {
            places.insert(key, writes.len());
            writes.push(Some(write));
        }
    }
    writes.into_iter().flatten().collect()
}

fn one(
    draft: Draft,
    base: Option<&Current>,
    version: i64,
    now: Timestamp,
    hash: &dyn Fn(&str) -> [u8; 16],
) -> Option<Write> {
    let (text, body, fingerprint) = match draft.text {
        Some(text) => {
            let fingerprint = hash(&stamp(&draft.body).unwrap_or_else(|| text.clone()));
            if base.is_some_and(|base| {
                base.fingerprint == fingerprint || older(&draft.body, draft.source_time, base, hash)
            }) {
                return None;
            }
            (text, draft.body, fingerprint)
        }
        None => {
            let stated = draft.body.as_object()?;
            let there = base.and_then(|base| members(&base.body));
            let body = match (&draft.join, &there) {
                (Join::Amend { .. }, None) => return None,
                (Join::Replace, _) | (Join::Overlay { .. }, None) => stated.clone(),
                (Join::Overlay { remove, initial }, Some(there)) => {
                    lay(there, stated, remove, initial)
                }
                (Join::Amend { remove }, Some(there)) => lay(there, stated, remove, &[]),
            };
            if there.as_ref() == Some(&body) {
                return None;
            }
            let body = Value::Object(body);
            let text = body.to_string();
            let fingerprint = hash(&text);
            (text, body, fingerprint)
        }
    };
    let (number, updated) = (version.to_string(), now.to_string());
    let identity = Identity {
        id: draft.id.as_str(),
        version_id: &number,
        last_updated: &updated,
    };
    // The mappers let through only what can be spliced.
    let spliced = splice(&text, Some(&identity), &mut |_| None).ok()?;
    Some(Write {
        demographics: (draft.resource_type == "Patient").then(|| demographics(&body)),
        resource_type: draft.resource_type,
        id: draft.id,
        source_id: draft.source_id,
        patient: draft.patient,
        version,
        body: spliced,
        fingerprint,
        when: draft.when,
        source_time: draft.source_time,
    })
}

/// The fingerprint that a draft which came as FHIR will have once it is the current version; none for other drafts, whose text is made
/// only when they are laid. A poller asks the store whether it has that already.
#[must_use]
pub fn fingerprint_of(draft: &Draft, source: &SourceId, ids: &dyn PublicIds) -> Option<[u8; 16]> {
    let text = draft.text.as_ref()?;
    let content = stamp(&draft.body).unwrap_or_else(|| text.clone());
    Some(fingerprint(ids, source, &content))
}

/// As many versions further on are looked for, where only the number tells which of two is older.
const VERSIONS_AHEAD: u64 = 1_000;

/// Whether a FHIR draft is an older version than the one that stands, by what its source says of them: files are read in any order
/// (design D12), and the dead don't rise because of that.
#[must_use]
pub fn is_older(draft: &Draft, standing: &Current, source: &SourceId, ids: &dyn PublicIds) -> bool {
    let hash = |content: &str| fingerprint(ids, source, content);
    draft.text.is_some()
        && hash(&stamp(&draft.body).unwrap_or_default()) != standing.fingerprint
        && older(&draft.body, draft.source_time, standing, &hash)
}

fn older(
    body: &Value,
    source_time: Option<i64>,
    standing: &Current,
    hash: &dyn Fn(&str) -> [u8; 16],
) -> bool {
    match (source_time, standing.source_time) {
        (Some(mine), Some(stands)) if mine != stands => return mine < stands,
        (_, _) => {}
    }
    // The source's own number is not kept in the stored text, only in the fingerprint.
    let number = body
        .pointer("/meta/versionId")
        .and_then(Value::as_str)
        .and_then(|text| text.parse::<u64>().ok());
    number.is_some_and(|number| {
        (number.saturating_add(1)..=number.saturating_add(VERSIONS_AHEAD))
            .any(|later| hash(&format!("version {later}")) == standing.fingerprint)
    })
}

/// What the source itself tells its versions apart by (design D19); the content where it has nothing.
fn stamp(body: &Value) -> Option<String> {
    let meta = |name: &str| {
        body.pointer(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    };
    meta("/meta/versionId")
        .map(|version| format!("version {version}"))
        .or_else(|| meta("/meta/lastUpdated").map(|updated| format!("updated {updated}")))
}

/// The members of a stored body without what the store's side put in.
fn members(body: &str) -> Option<Map<String, Value>> {
    let Ok(Value::Object(mut members)) = serde_json::from_str(body) else {
        return None;
    };
    members.shift_remove("id");
    members.shift_remove("meta");
    Some(members)
}

/// Sixteen bytes of the keyed hash that public ids are made of; `fingerprint` is no resource type, so it is nobody's id.
fn fingerprint(ids: &dyn PublicIds, source: &SourceId, content: &str) -> [u8; 16] {
    let id = ids.public_id(source, "fingerprint", content);
    let mut out = [0_u8; 16];
    let (mut bits, mut count) = (0_u32, 0_u32);
    let mut bytes = out.iter_mut();
    for letter in id.as_str().bytes() {
        let five = match letter {
            b'a'..=b'z' => letter - b'a',
            b'2'..=b'7' => letter - b'2' + 26,
            other => other & 31,
        };
        bits = (bits << 5) | u32::from(five);
        count += 5;
        if count >= 8 {
            count -= 8;
            let Some(byte) = bytes.next() else {
                break;
            };
            *byte = u8::try_from((bits >> count) & 0xFF).unwrap_or_default();
            bits &= (1 << count) - 1;
        }
    }
    out
}
