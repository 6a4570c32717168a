//! One durable input becomes one outcome: read what must be known, decide purely, hand the rest to the store.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use bedside_core::ctx::OpCtx;
use bedside_core::evidence::{self, Seen};
use bedside_core::facts::{Catalogue, doubts};
use bedside_core::journal::{Input, InputKind, LaneKey};
use bedside_core::map::{self, MapCtx, MapEnding, Mapped};
use bedside_core::record::{self, Current, Ending, Outcome, PublicIds};
use bedside_core::source::Source;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::ResourceId;
use bedside_hl7::message;
use bedside_store::{Error, Store};
use serde_json::Value;

/// Segments of one HL7 v2 message that are applied. The largest real ones, with all results of a stay, have some thousands.
const MAX_SEGMENTS: usize = 20_000;

/// The reason of a resource that is the current version already.
pub const DUPLICATE: &str = "duplicate";

/// What this site has said about its sources.
#[derive(Clone, Default)]
pub struct Rules {
    /// Identifier systems that name exactly one person across sources.
    pub shared: Arc<BTreeSet<String>>,
    /// What the names of facts are bound to: it tells which results can't be read.
    pub catalogue: Arc<Catalogue>,
}

/// Where an input came from, and what is known of that place.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    /// The source.
    pub source: &'a Source,
    /// Since when it is connected: what it knew before is history, and no evidence of how late it is.
    pub since: Timestamp,
    /// The site's rules.
    pub rules: &'a Rules,
}

/// Decides what `input` changes. Reads the store, writes nothing.
///
/// # Errors
/// The store could not be read.
pub async fn outcome(
    store: &Store,
    ctx: &OpCtx,
    input: &Input,
    origin: &Origin<'_>,
) -> Result<Outcome, Error> {
    let source = origin.source;
    // A word that is no kind is of a newer program; it is left to a person like anything else that can't be read.
    let kind = InputKind::parse(&input.row.kind).unwrap_or(InputKind::Unrecognised);
    let (mapped, mapping) = match kind {
        InputKind::Hl7v2 => (hl7(store, ctx, input, source).await?, map::hl7::VERSION),
        InputKind::Fhir => (fhir(store, ctx, input, source).await?, map::fhir::VERSION),
        InputKind::Unrecognised => (parked("unrecognised"), "none"),
    };
    decide(store, ctx, input, kind, mapped, mapping, origin).await
}

async fn hl7(store: &Store, ctx: &OpCtx, input: &Input, source: &Source) -> Result<Mapped, Error> {
    let message = match message::parse(input.raw.expose(), &message::Options::default()) {
        Ok(message) => message,
        Err(reject) => return Ok(parked(reject.code())),
    };
    // Each segment may become a resource, and a message is applied whole: one that would take the memory of all others is left to a
    // person.
    if message.segments().count() > MAX_SEGMENTS {
        return Ok(parked("too_many_segments"));
    }
    let known = known(store, ctx, source, map::hl7::identifiers(&message, source)).await?;
    let ids = store.public_ids();
    let patient_of = |authority: &str, value: &str| known.get(authority, value);
    Ok(map::hl7::map(
        &message,
        &map_ctx(input, source, ids.as_ref(), &patient_of),
    ))
}

async fn fhir(store: &Store, ctx: &OpCtx, input: &Input, source: &Source) -> Result<Mapped, Error> {
    let Ok(text) = std::str::from_utf8(input.raw.expose()) else {
        return Ok(parked("not_utf8"));
    };
    let refs = map::fhir::references(input.context.expose());
    let refs = |reference: &str| refs.get(reference).cloned();
    let known = known(store, ctx, source, map::fhir::identifiers(text, &refs)).await?;
    let ids = store.public_ids();
    let patient_of = |authority: &str, value: &str| known.get(authority, value);
    Ok(map::fhir::map(
        text,
        &map_ctx(input, source, ids.as_ref(), &patient_of),
        &refs,
    ))
}

fn map_ctx<'a>(
    input: &Input,
    source: &'a Source,
    ids: &'a dyn PublicIds,
    patient_of: &'a dyn Fn(&str, &str) -> Option<ResourceId>,
) -> MapCtx<'a> {
    MapCtx {
        source,
        ids,
        seq: input.row.seq,
        received_at: input.row.received_at,
        patient_of,
    }
}

/// The numbers of one message that mean a patient by now.
struct Known(HashMap<LaneKey, ResourceId>);

impl Known {
    fn get(&self, authority: &str, value: &str) -> Option<ResourceId> {
        let key = LaneKey {
            authority: authority.to_owned(),
            value: value.to_owned(),
        };
        self.0.get(&key).cloned()
    }
}

async fn known(
    store: &Store,
    ctx: &OpCtx,
    source: &Source,
    keys: Vec<LaneKey>,
) -> Result<Known, Error> {
    let mut known = HashMap::new();
    for key in keys {
        if let Some(patient) = store
            .patient_of(ctx, &source.system, &key.authority, &key.value)
            .await?
        {
            known.insert(key, patient);
        }
    }
    Ok(Known(known))
}

async fn decide(
    store: &Store,
    ctx: &OpCtx,
    input: &Input,
    kind: InputKind,
    mapped: Mapped,
    mapping: &'static str,
    origin: &Origin<'_>,
) -> Result<Outcome, Error> {
    let mut outcome = Outcome {
        seq: input.row.seq,
        source: input.source.clone(),
        system: input.system.clone(),
        ending: Ending::Applied,
        writes: Vec::new(),
        aliases: Vec::new(),
        merges: Vec::new(),
        completeness: Vec::new(),
        patients: mapped.patients,
        mapping,
        issues: mapped.issues,
        evidence: Vec::new(),
        incidents: Vec::new(),
    };
    match mapped.ending {
        MapEnding::Map => {}
        MapEnding::NotMapped => {
            outcome.ending = Ending::Noop(String::from("not mapped"));
            return Ok(outcome);
        }
        MapEnding::Park(reason) => {
            outcome.ending = Ending::Parked(reason);
            return Ok(outcome);
        }
    }
    let keys: Vec<(String, ResourceId)> = mapped
        .drafts
        .iter()
        .map(|draft| (draft.resource_type.clone(), draft.id.clone()))
        .collect();
    let current = store.current(ctx, &keys).await?;
    let older = kind == InputKind::Fhir
        && mapped.drafts.iter().zip(&current).any(|(draft, current)| {
            current.as_ref().is_some_and(|current| {
                record::is_older(draft, current, &input.source, store.public_ids().as_ref())
            })
        });
    outcome.writes = record::writes(
        mapped.drafts,
        &current,
        ctx.now(),
        &input.source,
        store.public_ids().as_ref(),
    );
    for demographics in outcome
        .writes
        .iter_mut()
        .filter_map(|write| write.demographics.as_mut())
    {
        record::name_shared(demographics, &origin.rules.shared);
    }
    outcome.aliases = mapped.aliases;
    outcome.merges = mapped.merges;
    notice(&mut outcome, &current, &keys, input, origin);
    if outcome.writes.is_empty() && outcome.aliases.is_empty() && outcome.merges.is_empty() {
        // A resource that equals the current version is the same unit again (design D19); a message that changes nothing is
        // news that there is nothing new.
        let reason = if older {
            "older than current"
        } else if kind == InputKind::Fhir {
            DUPLICATE
        } else {
            "nothing new"
        };
        outcome.ending = Ending::Noop(reason.to_owned());
    }
    Ok(outcome)
}

/// What the new versions show of their route, and what in them somebody must look at.
fn notice(
    outcome: &mut Outcome,
    current: &[Option<Current>],
    keys: &[(String, ResourceId)],
    input: &Input,
    origin: &Origin<'_>,
) {
    let received = input.row.received_at;
    for write in &outcome.writes {
        if !matches!(
            write.resource_type.as_str(),
            "Observation" | "Encounter" | "Patient"
        ) {
            continue;
        }
        let Ok(resource) = serde_json::from_str::<Value>(&write.body) else {
            continue;
        };
        let before = keys
            .iter()
            .position(|(kind, id)| *kind == write.resource_type && *id == write.id)
            .and_then(|at| current.get(at)?.as_ref())
            .and_then(|current| serde_json::from_str::<Value>(&current.body).ok())
            .and_then(|before| evidence::status_of(&before));
        // Our own text says when we wrote it; the source's time was taken from it before.
        let issued = resource
            .get("issued")
            .and_then(Value::as_str)
            .and_then(|text| text.parse::<Timestamp>().ok());
        let knew = issued.or_else(|| Timestamp::from_microsecond(write.source_time?).ok());
        for seen in evidence::of(&resource, before.as_deref(), received) {
            let latency = knew
                .filter(|knew| *knew >= origin.since && *knew <= received)
                .map(|knew| received.as_microsecond() - knew.as_microsecond());
            outcome.evidence.push(Seen { latency, ..seen });
        }
        if write.resource_type == "Observation" {
            outcome
                .incidents
                .extend(doubts(&resource, &origin.rules.catalogue, received));
        }
    }
    for _ in &outcome.merges {
        outcome.evidence.push(Seen {
            event: evidence::Event::PatientsMerged,
            latency: None,
        });
    }
}

fn parked(reason: &str) -> Mapped {
    Mapped::ending(MapEnding::Park(reason.to_owned()))
}
