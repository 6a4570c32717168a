//! One patient's questions at one pace: asked one after the other, and made ready to be taken in.
//!
//! A question that fails does not stop the next one; a server that can't be reached does. Nothing is written here.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256, digest};
use bedside_core::admit;
use bedside_core::completeness::{Asked, Coverage};
use bedside_core::incident::Kind;
use bedside_core::journal::{NewInput, UnitKey};
use bedside_core::map::{self, MapCtx};
use bedside_core::profile::{Pace, Planned, plan};
use bedside_core::record::{PublicIds, fingerprint_of};
use bedside_core::source::Source;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::{ResourceId, Seq};
use bedside_fhir::json::{ScanLimits, parse};
use bedside_fhir::page::{Entry, Trouble};
use bedside_fhir::poll::Extent;
use bedside_fhir::resource::Resource;
use bedside_store::Poll;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::client::{Missed, coverage, fetch, kind, search};
use super::pulse::Busy;
use super::wire::{Lost, Wire};

/// Why a match is parked that is about somebody else.
const FOREIGN: &str =
    "foreign_subject: it is about another patient than was asked about, or about nobody";

/// What a poll remembers of its last time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    /// The patient's id at the source.
    pub(super) patient: String,
    /// Hash over all that was answered.
    pub(super) set: String,
    /// Hashes of what was handed over and did not become current: it is not handed over again and again.
    pub(super) stuck: Vec<String>,
    /// Hashes of what could not be read at all: as long as it is among the answers, a list is not whole.
    #[serde(default)]
    pub(super) unread: Vec<String>,
    /// How far back the complete answers to each question join, by type and category.
    #[serde(default)]
    pub(super) reach: BTreeMap<String, Reach>,
}

/// How far back complete answers reach without a hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reach {
    /// The first instant, microseconds since 1970; none for ever.
    lo: Option<i64>,
    /// When the last of them was given.
    at: i64,
}

impl Reach {
    /// What a complete answer from `lo` on, given at `now`, joins to.
    fn joined(before: Option<Self>, lo: Option<i64>, now: i64) -> Self {
        let joins = lo.and_then(|lo| before.filter(|before| before.at >= lo));
        Self {
            lo: match joins {
                Some(before) => before.lo.and_then(|earlier| lo.map(|lo| lo.min(earlier))),
                None => lo,
            },
            at: now,
        }
    }
}

/// A question's name in [`Memory::reach`].
fn question(resource_type: &str, category: &str) -> String {
    format!("{resource_type}/{category}")
}

/// What all units of a connection share.
pub(super) struct Shared {
    pub(super) wire: Arc<Wire>,
    pub(super) source: Source,
    pub(super) ids: Arc<dyn PublicIds + Send + Sync>,
}

/// One patient's questions at one pace.
pub(super) struct Unit {
    pub(super) poll: Poll,
    pub(super) patient: ResourceId,
    pub(super) source_id: String,
    pub(super) pace: Pace,
}

/// What came of them.
pub(super) struct Gathered {
    pub(super) key: String,
    pub(super) due: Timestamp,
    pub(super) pace: Pace,
    pub(super) failures: i64,
    pub(super) memory: Memory,
    pub(super) prepared: Vec<Prepared>,
    pub(super) asked: Vec<Asked>,
    /// What was wrong, and with which question.
    pub(super) wrong: Vec<(Kind, String)>,
    /// Questions that were answered well.
    pub(super) well: Vec<String>,
    /// Whether it is asked again sooner than its pace.
    pub(super) failed: bool,
    pub(super) wait_until: Option<Timestamp>,
}

/// A resource ready for the journal.
pub(super) struct Prepared {
    pub(super) input: NewInput,
    /// Type and public id, and the fingerprint that it will have as the current version; none when it can't be mapped.
    pub(super) version: Option<((String, ResourceId), [u8; 16])>,
    pub(super) hash: String,
}

impl Memory {
    pub(super) fn read(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }

    pub(super) fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

impl Unit {
    pub(super) async fn run(self, shared: Arc<Shared>, busy: Busy) -> (Gathered, Busy) {
        let wire = &shared.wire;
        let now = wire.clock.now();
        let before = Memory::read(&self.poll.cursor);
        let mut out = Gathered {
            key: self.poll.key.clone(),
            due: self.poll.due,
            pace: self.pace,
            failures: self.poll.failures,
            memory: Memory::default(),
            prepared: Vec::new(),
            asked: Vec::new(),
            wrong: Vec::new(),
            well: Vec::new(),
            failed: false,
            wait_until: None,
        };
        let mut entries = Vec::new();
        let mut places: Vec<String> = Vec::new();
        out.memory.reach = before.reach.clone();
        let answered =
            |kind: &str, category: &str| before.reach.contains_key(&question(kind, category));
        for mut planned in plan(&wire.profile, self.pace, &self.source_id, now, &answered) {
            let answer = answer(&shared, &busy, &planned, &self.source_id).await;
            let place = place(&self.poll.key, &planned);
            let resting = matches!(answer.lost, Some(Lost::Resting(_)));
            if resting {
                // Nothing was asked, so there is nothing to say of it.
                out.failed = true;
                break;
            }
            places.push(place.clone());
            out.wrong
                .extend(answer.kinds.iter().map(|kind| (*kind, place.clone())));
            if answer.extent == Extent::Complete {
                out.well.push(place);
                // The row says how far back everything was seen, by this answer and by those that it joins.
                let name = question(&planned.resource_type, &planned.category);
                let reach = Reach::joined(
                    before.reach.get(&name).copied(),
                    planned.window_lo,
                    now.as_microsecond(),
                );
                planned.window_lo = reach.lo;
                out.memory.reach.insert(name, reach);
            }
            out.failed |= answer.extent == Extent::Failed;
            out.wait_until = out.wait_until.max(answer.wait_until);
            out.asked
                .push(self.line(&shared, &planned, coverage(answer.extent), now));
            let line = out.asked.len().saturating_sub(1);
            entries.extend(answer.entries.into_iter().map(|entry| (line, entry)));
            if answer.lost.is_some() {
                break;
            }
        }
        out.memory.patient = self.source_id;
        out.memory.set = set_hash(&entries);
        if out.memory.set == before.set {
            out.memory.stuck = before.stuck;
            out.memory.unread = before.unread;
        } else {
            for (_, entry) in &entries {
                let hash = hash_of(&entry.text);
                if before.stuck.contains(&hash) {
                    if before.unread.contains(&hash) {
                        out.memory.unread.push(hash.clone());
                    }
                    out.memory.stuck.push(hash);
                    continue;
                }
                let mut prepared = shared.prepare(entry, now, hash);
                if shared.is_foreign(entry, &out.memory.patient) {
                    // It is in nobody's lane: whose it is is what is in doubt.
                    prepared.version = None;
                    prepared.input.lanes = Vec::new();
                    prepared.input.reject = Some(String::from(FOREIGN));
                }
                if prepared.input.reject.is_some() {
                    out.memory.unread.push(prepared.hash.clone());
                }
                out.prepared.push(prepared);
            }
        }
        for (line, entry) in &entries {
            // What can't be read, or is about somebody else, is parked; that there is more than the record shows is said each time.
            if !out.memory.unread.is_empty()
                && out.memory.unread.contains(&hash_of(&entry.text))
                && let Some(asked) = out.asked.get_mut(*line)
            {
                if asked.coverage == Coverage::Complete {
                    asked.coverage = Coverage::Truncated;
                }
                if shared.is_foreign(entry, &out.memory.patient)
                    && let Some(place) = places.get(*line)
                {
                    out.well.retain(|well| well != place);
                    let wrong = (Kind::ForeignSubject, place.clone());
                    if !out.wrong.contains(&wrong) {
                        out.wrong.push(wrong);
                    }
                }
            }
        }
        (out, busy)
    }

    fn line(
        &self,
        shared: &Shared,
        planned: &Planned,
        coverage: Coverage,
        now: Timestamp,
    ) -> Asked {
        let basis = format!("{}|{}", shared.wire.tokens.scopes(), planned.basis);
        Asked {
            source: shared.source.id.as_str().to_owned(),
            patient: self.patient.as_str().to_owned(),
            resource_type: planned.resource_type.clone(),
            category: planned.category.clone(),
            coverage,
            asked_at: now.as_microsecond(),
            window_lo: planned.window_lo,
            window_hi: Some(now.as_microsecond()),
            persona: String::new(),
            basis: hash_of(&basis).chars().take(32).collect(),
        }
    }
}

impl Shared {
    /// Whether a match is about another patient than the one that was asked about, or about nobody that can be told.
    fn is_foreign(&self, entry: &Entry, patient: &str) -> bool {
        if entry.included || entry.resource_type == "Patient" {
            return false;
        }
        let Ok(value) = parse(entry.text.as_bytes(), &ScanLimits::default()) else {
            return false;
        };
        let subject = Resource::of(&value).and_then(|resource| {
            let reference = resource.subject_reference()?;
            self.wire.base.local(reference).or_else(|| {
                let (kind, id) = reference.split_once('/')?;
                Some((kind.to_owned(), id.to_owned()))
            })
        });
        subject.is_none_or(|(kind, id)| kind != "Patient" || id != patient)
    }

    /// Makes a resource ready: admitted, and compared in the form that the record keeps.
    pub(super) fn prepare(&self, entry: &Entry, now: Timestamp, hash: String) -> Prepared {
        let refs = |reference: &str| self.wire.base.local(reference);
        // Every entry has an id, so the hash never has to name a lane.
        let mut input = admit::fhir(entry.text.as_bytes(), &self.source, [0; 32], 0, &refs);
        // It is the same unit when it equals the current version (design D19), which is asked before it is handed over.
        input.unit = UnitKey::Message {
            control: String::new(),
        };
        let ctx = MapCtx {
            source: &self.source,
            ids: self.ids.as_ref(),
            seq: Seq(0),
            received_at: now,
            patient_of: &|_, _| None,
        };
        let version = if input.reject.is_some() {
            None
        } else {
            let mapped = map::fhir::map(&entry.text, &ctx, &refs);
            mapped.drafts.first().and_then(|draft| {
                let print = fingerprint_of(draft, &self.source.id, self.ids.as_ref())?;
                Some(((draft.resource_type.clone(), draft.id.clone()), print))
            })
        };
        Prepared {
            input,
            version,
            hash,
        }
    }
}

/// One question, answered or not.
struct Answer {
    entries: Vec<Entry>,
    extent: Extent,
    kinds: Vec<Kind>,
    lost: Option<Lost>,
    wait_until: Option<Timestamp>,
}

async fn answer(shared: &Shared, busy: &Busy, planned: &Planned, patient: &str) -> Answer {
    let mut answer = Answer {
        entries: Vec::new(),
        extent: Extent::Complete,
        kinds: Vec::new(),
        lost: None,
        wait_until: None,
    };
    if !planned.allowed {
        // The server would refuse it; an operator has to mend the profile.
        answer.extent = Extent::Failed;
        answer.kinds.push(Kind::BadQuery);
        return answer;
    }
    if planned.resource_type == "Patient" {
        return demographics(shared, busy, patient).await;
    }
    let wire = &shared.wire;
    let url = wire
        .base
        .url(&[planned.resource_type.as_str()], &planned.parameters);
    let searched = search(wire, busy, url).await;
    answer.entries = searched.entries;
    answer.extent = searched.extent;
    answer.kinds = searched.kinds;
    answer.lost = searched.lost;
    answer.wait_until = searched.wait_until;
    answer
}

/// Reads a patient. A merged one is answered with a redirect at some servers (vendor catalogue EPIC-38); it is not followed in silence:
/// the survivor is read by its own id, and what the redirect says is put into FHIR's own words for it, as other servers send them
/// themselves (vendor catalogue CERN-22).
pub(super) async fn demographics_of(
    shared: &Shared,
    busy: &Busy,
    patient: &str,
) -> (Vec<Entry>, Result<(), Missed>) {
    let wire = &shared.wire;
    let (other, mut entries): (String, Vec<Entry>) =
        match fetch(wire, busy, "Patient", patient).await {
            Ok(entry) if entry.id == patient => return (vec![entry], Ok(())),
            // Another one's record under the asked one's address proves nothing: no redirect said that the two are one.
            Ok(_) => return (Vec::new(), Err(Missed::Trouble(Trouble::Another))),
            Err(Missed::Trouble(Trouble::Moved(location))) => {
                let target = location
                    .as_deref()
                    .and_then(|location| wire.base.resolve(location))
                    .filter(|url| wire.base.admits(url))
                    .and_then(|url| wire.base.local(url.as_str()))
                    .filter(|(kind, _)| kind == "Patient");
                match target {
                    Some((_, id)) if id != patient => (id, Vec::new()),
                    Some(_) | None => {
                        return (Vec::new(), Err(Missed::Trouble(Trouble::Moved(None))));
                    }
                }
            }
            Err(missed) => return (Vec::new(), Err(missed)),
        };
    if entries.is_empty() {
        match fetch(wire, busy, "Patient", &other).await {
            Ok(entry) if entry.id == other => entries.push(entry),
            Ok(_) => return (Vec::new(), Err(Missed::Trouble(Trouble::Moved(None)))),
            Err(missed) => return (Vec::new(), Err(missed)),
        }
    }
    let shell = json!({
        "resourceType": "Patient",
        "id": patient,
        "active": false,
        "link": [{ "other": { "reference": format!("Patient/{other}") }, "type": "replaced-by" }],
    });
    entries.push(Entry {
        resource_type: String::from("Patient"),
        id: patient.to_owned(),
        text: shell.to_string(),
        included: false,
    });
    (entries, Ok(()))
}

async fn demographics(shared: &Shared, busy: &Busy, patient: &str) -> Answer {
    let (entries, ended) = demographics_of(shared, busy, patient).await;
    let mut answer = Answer {
        entries,
        extent: Extent::Complete,
        kinds: Vec::new(),
        lost: None,
        wait_until: None,
    };
    match ended {
        Ok(()) => {}
        Err(Missed::Lost(lost)) => {
            answer.extent = Extent::Failed;
            answer.kinds.push(lost.kind());
            answer.lost = Some(lost);
        }
        Err(Missed::Trouble(trouble)) => {
            answer.extent = match trouble {
                Trouble::Denied => Extent::Denied,
                Trouble::Unlicensed => Extent::Unlicensed,
                Trouble::NotFhir
                | Trouble::HalfBody
                | Trouble::ServerError
                | Trouble::RateLimited(_)
                | Trouble::Unauthorised
                | Trouble::Query
                | Trouble::Expired
                | Trouble::Gone
                | Trouble::Moved(_)
                | Trouble::Another
                | Trouble::Unlisted => Extent::Failed,
            };
            answer.kinds.push(kind(&trouble));
        }
    }
    answer
}

/// A question's name: which poll, and what it asks.
fn place(key: &str, planned: &Planned) -> String {
    let (kind, category) = (&planned.resource_type, &planned.category);
    if category.is_empty() {
        format!("{key}|{kind}")
    } else {
        format!("{key}|{kind}/{category}")
    }
}

fn set_hash(entries: &[(usize, Entry)]) -> String {
    let mut context = Context::new(&SHA256);
    for (_, entry) in entries {
        context.update(&entry.text.len().to_le_bytes());
        context.update(entry.text.as_bytes());
    }
    hex(context.finish().as_ref())
}

pub(super) fn hash_of(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
