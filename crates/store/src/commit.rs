//! The one place where something becomes true: what an input asks for, in one transaction (promise P2).
//!
//! Keyed by the input: a second run finds the input settled and changes nothing. Bodies are sealed and tokens made on the caller's
//! thread; the writer only compares and stores. New patients' keys are durable, in the key database, before anything is sealed with them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::completeness::Asked;
use bedside_core::ctx::OpCtx;
use bedside_core::evidence::Seen;
use bedside_core::incident::Kind;
use bedside_core::journal::InputState;
use bedside_core::record::{Alias, Ending, Merge, Outcome, Write};
use bedside_fact::clock::Timestamp;
use bedside_fact::id::{Seq, SourceId, SystemId, TenantId, Token};

use crate::alias;
use crate::audit::append_in;
use crate::backend::{Tx, Val};
use crate::changed::Learned;
use crate::completeness;
use crate::connection;
use crate::error::Error;
use crate::journal::{OWNER, lane_token, lanes_of};
use crate::lease::{LaneFence, check_lane_fence};
use crate::member;
use crate::quarantine;
use crate::row;
use crate::seal::{Sealer, SecretKey};
use crate::sequence;
use crate::store::Store;
use crate::token::{Tokens, ensure_patient};
use crate::version::{Origin, Sealed};
use crate::writer::Turn;

/// The longest reason that is kept, in characters.
const LONGEST_REASON: usize = 500;

/// What a commit did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The input was settled by this call. `false` when it was settled before.
    pub changed: bool,
}

impl Store {
    /// Makes an outcome true.
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::Conflict`] when a version was written meanwhile: decide again; or what the database said.
    pub async fn commit(&self, ctx: &OpCtx, outcome: Outcome) -> Result<Committed, Error> {
        self.guard(ctx, Action::Apply).await?;
        let patients: BTreeSet<String> = outcome
            .writes
            .iter()
            .filter_map(|write| write.patient.as_ref())
            .chain(&outcome.patients)
            .map(|patient| patient.as_str().to_owned())
            .collect();
        let keys = self.patient_keys(patients, ctx.now()).await?;
        let entry = Entry::new(ctx, Action::Apply.as_str(), AuditOutcome::Success);
        let mut work = Work::new(self, outcome, &keys, &entry, ctx.now())?;
        let changes = self.inner.changes.clone();
        let bytes = work.bytes;
        let committed = self
            .inner
            .data
            .writer
            .write_then(
                bytes,
                Turn::Later,
                move |tx| work.run(tx),
                move |result: &Result<Option<i64>, Error>| {
                    if let Ok(Some(seq)) = result {
                        Self::moved_to(&changes, *seq);
                    }
                },
            )
            .await?;
        Ok(Committed {
            changed: committed.is_some(),
        })
    }

    /// The keys of patients; made where there are none, and durable before this returns.
    pub(crate) async fn patient_keys(
        &self,
        patients: BTreeSet<String>,
        now: Timestamp,
    ) -> Result<HashMap<String, Arc<SecretKey>>, Error> {
        let mut keys = HashMap::new();
        let mut missing = Vec::new();
        for patient in patients {
            match self.sealer().at_hand(&patient) {
                Some(key) => {
                    keys.insert(patient, key);
                }
                None => missing.push(patient),
            }
        }
        if missing.is_empty() {
            return Ok(keys);
        }
        let sealer = self.sealer().clone();
        let (found, missing) = self
            .inner
            .keys
            .read(move |tx| {
                let (mut found, mut none) = (Vec::new(), Vec::new());
                for patient in missing {
                    match sealer.patient_in(tx, &patient)? {
                        Some(wrapped) => found.push((patient, wrapped)),
                        None => none.push(patient),
                    }
                }
                Ok((found, none))
            })
            .await?;
        let made = if missing.is_empty() {
            Vec::new()
        } else {
            let sealer = self.sealer().clone();
            self.inner
                .keys
                .writer
                .write(move |tx| {
                    missing
                        .iter()
                        .map(|patient| {
                            Ok((
                                patient.clone(),
                                sealer.make_patient_in(tx, patient, now.as_microsecond())?,
                            ))
                        })
                        .collect::<Result<Vec<_>, Error>>()
                })
                .await?
        };
        for (patient, wrapped) in found.into_iter().chain(made) {
            let key = self.sealer().keep(&patient, &wrapped)?;
            keys.insert(patient, key);
        }
        Ok(keys)
    }
}

/// All that a transaction needs, made before it begins.
struct Work {
    tenant: TenantId,
    sealer: Sealer,
    now: Timestamp,
    seq: Seq,
    source: SourceId,
    system: SystemId,
    ending: Ending,
    mapping: &'static str,
    issues: String,
    versions: Vec<Sealed>,
    tokens: Vec<Tokens>,
    aliases: Vec<(Token, String, Option<usize>)>,
    merges: Vec<Merge>,
    completeness: Vec<Asked>,
    evidence: Vec<Seen>,
    incidents: Vec<Kind>,
    patients: Vec<String>,
    owner: Option<(String, Arc<SecretKey>)>,
    entries: Vec<Entry>,
    bytes: usize,
    fence: LaneFence,
}

impl Work {
    fn new(
        store: &Store,
        outcome: Outcome,
        keys: &HashMap<String, Arc<SecretKey>>,
        entry: &Entry,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let sealer = store.sealer().clone();
        let about: BTreeSet<&str> = outcome
            .patients
            .iter()
            .map(|patient| patient.as_str())
            .collect();
        let what = match &outcome.ending {
            Ending::Applied => format!("seq {} applied", outcome.seq),
            Ending::Noop(reason) => format!("seq {} no-op: {reason}", outcome.seq),
            Ending::Parked(reason) => format!("seq {} parked: {reason}", outcome.seq),
        };
        let entry = entry.clone().detail(what);
        let entries = if about.is_empty() {
            vec![entry]
        } else {
            about
                .iter()
                .map(|patient| entry.clone().patient(patient))
                .collect()
        };
        let owner = match about.iter().collect::<Vec<_>>().as_slice() {
            [one] => keys
                .get(**one)
                .map(|key| ((**one).to_owned(), Arc::clone(key))),
            // About several it stays wrapped for the tenant, and is shredded whole when one of them is (design D5).
            [] | [_, _, ..] => None,
        };
        let aliases = outcome
            .aliases
            .iter()
            .map(|alias| {
                let token = lane_token(&sealer, &outcome.system, &alias.authority, &alias.value);
                let moved = moved_by(alias, &outcome.merges, &outcome.writes);
                (token, alias.patient.as_str().to_owned(), moved)
            })
            .collect();
        let tokens = outcome
            .writes
            .iter()
            .filter_map(|write| {
                Some(Tokens::new(
                    &sealer,
                    write.id.as_str(),
                    write.demographics.as_ref()?,
                ))
            })
            .collect();
        let parked = matches!(outcome.ending, Ending::Parked(_));
        let mut versions = Vec::new();
        if !parked {
            for write in outcome.writes {
                let key = write
                    .patient
                    .as_ref()
                    .and_then(|patient| keys.get(patient.as_str()));
                versions.push(Sealed::new(
                    &sealer,
                    key.map_or_else(|| sealer.data(), Arc::as_ref),
                    write,
                )?);
            }
        }
        Ok(Self {
            tenant: store.tenant().clone(),
            sealer,
            now,
            seq: outcome.seq,
            source: outcome.source,
            system: outcome.system,
            ending: outcome.ending,
            mapping: outcome.mapping,
            issues: outcome.issues.join("; "),
            bytes: versions
                .iter()
                .map(|version| version.write.body.len())
                .sum(),
            versions,
            tokens,
            aliases,
            merges: outcome.merges,
            completeness: outcome.completeness,
            evidence: outcome.evidence,
            incidents: outcome.incidents,
            patients: about.iter().map(|patient| (*patient).to_owned()).collect(),
            owner,
            entries,
            fence: store.lane_fence().clone(),
        })
    }

    /// Runs in the transaction. Yields the position of the change; `None` when the input was settled before.
    fn run(&mut self, tx: &mut dyn Tx) -> Result<Option<i64>, Error> {
        let rows = tx.query(
            "SELECT state, raw_key, raw_key_of, reason, lanes FROM journal WHERE tenant = $1 AND seq = $2",
            &[Val::Text(self.tenant.as_str()), Val::Int(self.seq.0)],
        )?;
        let found = rows.first().ok_or(Error::NotFound("input"))?;
        if row::text(found, 0)? != InputState::Pending.as_str() {
            return Ok(None);
        }
        check_lane_fence(tx, &self.tenant, &self.fence)?;
        self.check_patient(tx, row::blob(found, 4)?)?;
        let seq = sequence::take(tx, &self.tenant, 1)?;
        let mut learned = Learned::default();
        if matches!(self.ending, Ending::Parked(_)) {
            // That something of theirs waits is something to know.
            for patient in &self.patients {
                learned.whole(patient);
            }
        } else {
            self.change_record(tx, seq, &mut learned)?;
        }
        learned.write(tx, &self.tenant, seq)?;
        self.observe(tx)?;
        self.settle(
            tx,
            row::blob(found, 1)?,
            row::text(found, 2)?,
            row::text(found, 3)?,
        )?;
        append_in(tx, &self.sealer, &self.tenant, &self.entries, self.now)?;
        Ok(Some(seq))
    }

    /// Refuses what was decided before a merge was undone: when the input's numbers mean a patient that somebody has said is not the one
    /// it was decided for.
    fn check_patient(&self, tx: &mut dyn Tx, lanes: &[u8]) -> Result<(), Error> {
        if !self.merges.is_empty() {
            return Ok(());
        }
        let ours: BTreeSet<&str> = self
            .versions
            .iter()
            .filter_map(|version| version.write.patient.as_ref())
            .map(|patient| patient.as_str())
            .collect();
        if ours.is_empty() {
            return Ok(());
        }
        let mut others = Vec::new();
        for token in lanes_of(lanes) {
            match alias::meaning(tx, &self.tenant, &self.system, token)? {
                Some(meant) if ours.contains(meant.as_str()) => return Ok(()),
                Some(meant) => others.push(meant),
                None => {}
            }
        }
        for meant in &others {
            for patient in &ours {
                if kept_apart(tx, &self.tenant, meant, patient)? {
                    return Err(Error::Conflict);
                }
            }
        }
        Ok(())
    }

    /// Counts what the input showed of its route, and what somebody must look at.
    fn observe(&self, tx: &mut dyn Tx) -> Result<(), Error> {
        let source = self.source.as_str();
        connection::saw(tx, &self.tenant, source, &self.evidence, self.now)?;
        for kind in &self.incidents {
            connection::count(tx, &self.tenant, source, *kind, "", self.now)?;
        }
        Ok(())
    }

    fn change_record(&self, tx: &mut dyn Tx, seq: i64, learned: &mut Learned) -> Result<(), Error> {
        let known_at = sequence::tick(tx, &self.tenant, seq, self.now)?;
        let origin = Origin {
            source: &self.source,
            journal_seq: self.seq.0,
            from_seq: seq,
            known_at,
            mapping: self.mapping,
        };
        let mut touched = BTreeSet::new();
        for version in &self.versions {
            let before = version.insert(tx, &self.sealer, &self.tenant, &origin)?;
            let patient = version.write.patient.as_ref().map(|one| one.as_str());
            if let Some(patient) = patient {
                learned.version(patient);
            }
            if let Some(before) = before.filter(|before| Some(before.as_str()) != patient) {
                // It was in another chart, and is there no more.
                learned.whole(&before);
            }
            if version.write.resource_type == "Patient" {
                let id = version.write.id.as_str();
                if ensure_patient(tx, &self.tenant, id, &self.source, &self.system, seq)? {
                    touched.insert(id.to_owned());
                }
            }
        }
        let new = self
            .versions
            .iter()
            .filter(|version| version.write.version == 1)
            .count();
        if new > 0 {
            sequence::count_resources(
                tx,
                &self.tenant,
                self.source.as_str(),
                i64::try_from(new).unwrap_or(i64::MAX),
            )?;
        }
        for tokens in &self.tokens {
            if tokens.write(tx, &self.tenant, seq)? {
                touched.insert(tokens.patient.clone());
            }
        }
        let mut links = Vec::with_capacity(self.merges.len());
        for merge in &self.merges {
            for id in [&merge.survivor, &merge.prior] {
                ensure_patient(
                    tx,
                    &self.tenant,
                    id.as_str(),
                    &self.source,
                    &self.system,
                    seq,
                )?;
                touched.insert(id.as_str().to_owned());
            }
            let link = member::merge(tx, &self.tenant, merge, seq, self.seq.0)?;
            alias::follow(
                tx,
                &self.tenant,
                merge.prior.as_str(),
                merge.survivor.as_str(),
                seq,
                link,
            )?;
            links.push(link);
        }
        for (token, patient, moved) in &self.aliases {
            let mut moved = *moved;
            let stands = alias::meaning(tx, &self.tenant, &self.system, *token)?;
            if self.merges.is_empty()
                && let Some(stands) = &stands
                && kept_apart(tx, &self.tenant, stands, patient)?
            {
                // Somebody said that these are two: only a merge moves a number from one to the other.
                continue;
            }
            if !self.merges.is_empty()
                && let Some(before) = stands
                && let Some(at) = self
                    .merges
                    .iter()
                    .position(|merge| merge.prior.as_str() == before)
            {
                moved = Some(at);
            }
            let by_link = moved.and_then(|at| links.get(at).copied());
            alias::set(
                tx,
                &self.tenant,
                &self.system,
                *token,
                patient,
                seq,
                by_link,
            )?;
        }
        if !touched.is_empty() {
            for patient in member::recluster(tx, &self.sealer, &self.tenant, &touched, seq)? {
                learned.whole(&patient);
            }
        }
        completeness::write(tx, &self.tenant, &self.completeness, seq, learned)
    }

    /// The input's state, and its key: now that its patient is known, the key goes under the patient's, so that shredding the patient
    /// reaches the journal too.
    fn settle(
        &self,
        tx: &mut dyn Tx,
        raw_key: &[u8],
        raw_key_of: &str,
        noted: &str,
    ) -> Result<(), Error> {
        let (state, why) = match &self.ending {
            Ending::Applied => (InputState::Applied, self.issues.as_str()),
            Ending::Noop(reason) => (InputState::Noop, reason.as_str()),
            Ending::Parked(reason) => (InputState::Parked, reason.as_str()),
        };
        let reason: String = match (noted, why) {
            ("", why) => why.chars().take(LONGEST_REASON).collect(),
            (noted, "") => noted.to_owned(),
            (noted, why) => format!("{noted}; {why}")
                .chars()
                .take(LONGEST_REASON)
                .collect(),
        };
        let mut moved = None;
        if let Some((owner, key)) = &self.owner
            && raw_key_of.is_empty()
        {
            let place = self.seq.to_string();
            let place = self.sealer.place("journal", &place, "raw_key");
            let raw = self.sealer.data().unwrap_key(place, "raw", raw_key)?;
            moved = Some((key.wrap(place, &raw)?, owner.as_str()));
        }
        let (raw_key, raw_key_of) = moved
            .as_ref()
            .map_or((raw_key, raw_key_of), |(key, owner)| {
                (key.as_slice(), *owner)
            });
        tx.execute(
            "UPDATE journal SET state = $3, reason = $4, raw_key = $5, raw_key_of = $6 WHERE tenant = $1 AND seq = $2",
            &[
                Val::Text(self.tenant.as_str()),
                Val::Int(self.seq.0),
                Val::Text(state.as_str()),
                Val::Text(&reason),
                Val::Blob(raw_key),
                Val::Text(raw_key_of),
            ],
        )?;
        if let Ending::Parked(reason) = &self.ending {
            quarantine::open(tx, &self.tenant, self.seq.0, reason, OWNER, self.now)?;
        }
        Ok(())
    }
}

/// Whether somebody said that these two are not one person.
fn kept_apart(tx: &mut dyn Tx, tenant: &TenantId, a: &str, b: &str) -> Result<bool, Error> {
    if a == b {
        return Ok(false);
    }
    Ok(member::standing(tx, tenant, a)?
        .iter()
        .any(|link| link.kind == "never" && (link.a == b || link.b == b)))
}

/// Which merge moved this number: the one whose prior patient carries it and whose survivor does not carry it of old. Undoing that
/// merge gives the number back.
fn moved_by(alias: &Alias, merges: &[Merge], writes: &[Write]) -> Option<usize> {
    let mut carried: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for write in writes {
        let numbers = carried.entry(write.id.as_str()).or_default();
        if let Some(demographics) = &write.demographics {
            numbers.extend(
                demographics
                    .identifiers
                    .iter()
                    .map(|identifier| identifier.value.as_str()),
            );
        }
    }
    let carries = |patient: &str| {
        carried
            .get(patient)
            .is_some_and(|numbers| numbers.contains(alias.value.as_str()))
    };
    let of_survivor = |merge: &&Merge| merge.survivor == alias.patient;
    let named = merges
        .iter()
        .position(|merge| of_survivor(&merge) && carries(merge.prior.as_str()));
    // When the prior record says nothing of its numbers, what the survivor's does not carry was moved.
    named.or_else(|| {
        let at = merges.iter().position(|merge| of_survivor(&merge))?;
        (!carries(alias.patient.as_str())).then_some(at)
    })
}
