//! Making what a workflow decided true, in one transaction (promises P1 and P2): cases, their history and timers, what is owed to the
//! outside, and how far the engine has read. Either all of it stands or nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::{OpCtx, Role};
use bedside_fact::clock::Timestamp;
use bedside_fact::id::{Seq, TenantId};

use super::read::patient_of;
use super::row::{CaseCommit, CaseWrite, NEVER, event_place, place};
use crate::audit::append_in;
use crate::backend::{Tx, Val};
use crate::error::Error;
use crate::lease::{LaneFence, check_lane_fence};
use crate::outbox::{Put, put_in};
use crate::row;
use crate::seal::{Sealer, SecretKey};
use crate::sequence;
use crate::store::Store;
use crate::writer::Turn;

/// The kind of event by which a case counts as acknowledged.
const ACKNOWLEDGED: &str = "acknowledged";

impl Store {
    /// Makes cases, what is owed because of them, and how far the engine has read true together. Live pages and engines are woken; a
    /// commit that moves nothing but the cursor wakes nobody.
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::Conflict`] when a case was written meanwhile, when it would be the second open one of its workflow for
    /// a person, or when another node is the engine now: read and decide again; [`Error::Invalid`] when a key of the outbox stands for
    /// something else or a case is nobody's; or what the database said.
    pub async fn commit_cases(&self, ctx: &OpCtx, commit: CaseCommit) -> Result<(), Error> {
        let own = ctx.role == Role::Service;
        let action = if own {
            Action::Evaluate
        } else {
            Action::ActOnItem
        };
        self.guard(ctx, action).await?;
        if commit.cursor.is_some() {
            // How far an engine has read is for the engine to say.
            self.guard(ctx, Action::Evaluate).await?;
        }
        // A case of nobody would be sealed for nobody: nobody could read it again.
        if commit
            .cases
            .iter()
            .any(|case| case.patient.as_str().is_empty())
        {
            return Err(Error::Invalid(String::from("a case without a patient")));
        }
        let owners = self.owners(&commit).await?;
        let patients: BTreeSet<String> = owners.values().cloned().collect();
        let keys = self.patient_keys(patients, ctx.now()).await?;
        let entry = Entry::new(ctx, action.as_str(), AuditOutcome::Success);
        let mut work = Work::new(self, commit, &owners, &keys, &entry, ctx.now())?;
        work.fence = own.then(|| self.engine_fence().clone());
        let changes = self.inner.changes.clone();
        let bytes = work.cases.iter().map(|case| case.body.len()).sum();
        // A person waits for what a person does; the engine does not.
        let turn = if own { Turn::Later } else { Turn::Now };
        self.inner
            .data
            .writer
            .write_then(
                bytes,
                turn,
                move |tx| work.run(tx),
                move |result: &Result<Option<i64>, Error>| {
                    if let Ok(Some(seq)) = result {
                        Self::moved_to(&changes, *seq);
                    }
                },
            )
            .await
            .map(|_| ())
    }

    /// The patient of each case that this commit writes or owes something for.
    async fn owners(&self, commit: &CaseCommit) -> Result<BTreeMap<String, String>, Error> {
        let mut owners: BTreeMap<String, String> = commit
            .cases
            .iter()
            .map(|case| (case.id.clone(), case.patient.as_str().to_owned()))
            .collect();
        let missing: BTreeSet<String> = commit
            .outbox
            .iter()
            .filter_map(|put| put.case.clone())
            .filter(|case| !owners.contains_key(case))
            .collect();
        if !missing.is_empty() {
            let tenant = self.tenant().clone();
            let found = self
                .read(move |tx| {
                    missing
                        .into_iter()
                        .map(|case| Ok((patient_of(tx, &tenant, &case)?, case)))
                        .collect::<Result<Vec<_>, Error>>()
                })
                .await?;
            owners.extend(found.into_iter().map(|(patient, case)| (case, patient)));
        }
        Ok(owners)
    }
}

/// A case, sealed on the caller's thread.
struct Sealed {
    write: CaseWrite,
    body: Vec<u8>,
    events: Vec<Vec<u8>>,
    snapshot: Option<Vec<u8>>,
}

/// All that the transaction needs, made before it begins.
struct Work {
    tenant: TenantId,
    sealer: Sealer,
    now: Timestamp,
    cases: Vec<Sealed>,
    puts: Vec<Put>,
    cursor: Option<(String, Seq)>,
    entries: Vec<Entry>,
    fence: Option<LaneFence>,
}

impl Work {
    fn new(
        store: &Store,
        commit: CaseCommit,
        owners: &BTreeMap<String, String>,
        keys: &HashMap<String, Arc<SecretKey>>,
        entry: &Entry,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let sealer = store.sealer().clone();
        let mut entries: Vec<Entry> = commit
            .cases
            .iter()
            .map(|case| {
                entry.clone().patient(case.patient.as_str()).detail(format!(
                    "case {} version {}: {}",
                    case.id,
                    case.expected + 1,
                    case.state
                ))
            })
            .collect();
        let mut puts = Vec::with_capacity(commit.outbox.len());
        for put in commit.outbox {
            let owner = put.case.as_ref().and_then(|case| owners.get(case));
            let mut line = entry
                .clone()
                .detail(format!("outbox {} on {}", put.key, put.route));
            line.patient = owner.cloned();
            entries.push(line);
            let key = owner
                .and_then(|owner| keys.get(owner))
                .map_or_else(|| sealer.data(), Arc::as_ref);
            puts.push(Put::new(
                &sealer,
                key,
                owner.map_or("", String::as_str),
                put,
            )?);
        }
        let cases = commit
            .cases
            .into_iter()
            .map(|write| {
                let key = keys
                    .get(write.patient.as_str())
                    .ok_or(Error::NotFound("patient"))?;
                Sealed::new(&sealer, key, write)
            })
            .collect::<Result<Vec<_>, Error>>()?;
        Ok(Self {
            tenant: store.tenant().clone(),
            sealer,
            now,
            cases,
            puts,
            cursor: commit.cursor,
            entries,
            fence: None,
        })
    }

    /// Runs in the transaction. Yields the position that it took.
    fn run(&mut self, tx: &mut dyn Tx) -> Result<Option<i64>, Error> {
        if let Some(fence) = &self.fence {
            check_lane_fence(tx, &self.tenant, fence)?;
        }
        if let Some((name, seq)) = &self.cursor {
            tx.execute(
                "INSERT INTO workflow_cursor (tenant, name, seq) VALUES ($1, $2, $3) \
                 ON CONFLICT (tenant, name) DO UPDATE SET seq = excluded.seq WHERE workflow_cursor.seq < excluded.seq",
                &[
                    Val::Text(self.tenant.as_str()),
                    Val::Text(name),
                    Val::Int(seq.0),
                ],
            )?;
        }
        if self.cases.is_empty() && self.puts.is_empty() {
            return Ok(None);
        }
        // First, because whoever holds the sequence is alone: the checks below then hold for the whole transaction.
        let seq = sequence::take(tx, &self.tenant, 1)?;
        let mut opened = BTreeSet::new();
        for case in &self.cases {
            if case.write(tx, &self.tenant, self.now)? {
                opened.insert((case.write.workflow.as_str(), case.write.patient.as_str()));
            }
        }
        // After all writes, so that one commit may close a case and open the one that takes its place.
        for (workflow, patient) in opened {
            if open_cases(tx, &self.tenant, workflow, patient)? > 1 {
                return Err(Error::Conflict);
            }
        }
        for put in &self.puts {
            match put_in(tx, &self.tenant, put, self.now) {
                // Deciding again would come to the same end, so it is no conflict.
                Err(Error::Conflict) => {
                    return Err(Error::Invalid(String::from(
                        "a key of the outbox stands for another route or content already",
                    )));
                }
                done => done?,
            };
        }
        append_in(tx, &self.sealer, &self.tenant, &self.entries, self.now)?;
        Ok(Some(seq))
    }
}

impl Sealed {
    fn new(sealer: &Sealer, key: &SecretKey, write: CaseWrite) -> Result<Self, Error> {
        let version = write.expected + 1;
        let at = place(&write.id, version);
        let body = key.seal(sealer.place("workflow_case", &at, "body"), &write.body)?;
        let snapshot = write
            .snapshot
            .as_deref()
            .map(|plain| key.seal(sealer.place("case_snapshot", &at, "body"), plain))
            .transpose()?;
        let events = write
            .events
            .iter()
            .zip(0..)
            .map(|(event, n)| {
                let at = event_place(&write.id, version, n);
                key.seal(sealer.place("case_event", &at, "body"), &event.body)
            })
            .collect::<Result<Vec<_>, Error>>()?;
        Ok(Self {
            write,
            body,
            events,
            snapshot,
        })
    }

    /// Writes the case. Says whether it is open now and was not before, for this patient and workflow.
    fn write(&self, tx: &mut dyn Tx, tenant: &TenantId, now: Timestamp) -> Result<bool, Error> {
        let write = &self.write;
        let (key, id) = (Val::Text(tenant.as_str()), Val::Text(&write.id));
        let rows = tx.query(
            "SELECT version, open, workflow, patient FROM workflow_case WHERE tenant = $1 AND id = $2",
            &[key, id],
        )?;
        let (version, was_open) = match rows.first() {
            Some(found) => {
                let same = row::text(found, 2)? == write.workflow
                    && row::text(found, 3)? == write.patient.as_str();
                (row::int(found, 0)?, same && row::int(found, 1)? == 1)
            }
            None => (0, false),
        };
        if version != write.expected {
            return Err(Error::Conflict);
        }
        let acknowledged = write.events.iter().any(|event| event.kind == ACKNOWLEDGED);
        tx.execute(
            "INSERT INTO workflow_case (tenant, id, workflow, patient, state, open, level, holder, owned, due_at, opened_at, changed_at, \
             version, acknowledged, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) \
             ON CONFLICT (tenant, id) DO UPDATE SET workflow = excluded.workflow, patient = excluded.patient, state = excluded.state, \
             open = excluded.open, level = excluded.level, holder = excluded.holder, owned = excluded.owned, due_at = excluded.due_at, \
             opened_at = excluded.opened_at, changed_at = excluded.changed_at, version = excluded.version, \
             acknowledged = CASE WHEN excluded.acknowledged = 1 THEN 1 ELSE workflow_case.acknowledged END, body = excluded.body",
            &[
                key,
                id,
                Val::Text(&write.workflow),
                Val::Text(write.patient.as_str()),
                Val::Text(&write.state),
                Val::Int(i64::from(write.open)),
                Val::Text(&write.level),
                Val::Text(&write.holder),
                Val::Int(i64::from(write.owned)),
                Val::Int(write.due.map_or(NEVER, |due| due.as_microsecond())),
                Val::Int(write.opened_at.as_microsecond()),
                Val::Int(now.as_microsecond()),
                Val::Int(version + 1),
                Val::Int(i64::from(acknowledged)),
                Val::Blob(&self.body),
            ],
        )?;
        self.write_history(tx, [key, id], version + 1, now)?;
        self.write_timers(tx, [key, id])?;
        Ok(write.open && !was_open)
    }

    fn write_history(
        &self,
        tx: &mut dyn Tx,
        [tenant, id]: [Val<'_>; 2],
        version: i64,
        now: Timestamp,
    ) -> Result<(), Error> {
        let key_of = Val::Text(self.write.patient.as_str());
        for ((event, sealed), n) in self.write.events.iter().zip(&self.events).zip(0..) {
            tx.execute(
                "INSERT INTO case_event (tenant, case_id, version, n, at, kind, actor, key_of, body) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                &[
                    tenant,
                    id,
                    Val::Int(version),
                    Val::Int(n),
                    Val::Int(event.at.as_microsecond()),
                    Val::Text(&event.kind),
                    Val::Text(&event.actor),
                    key_of,
                    Val::Blob(sealed),
                ],
            )?;
        }
        if let Some(snapshot) = &self.snapshot {
            tx.execute(
                "INSERT INTO case_snapshot (tenant, case_id, version, at, key_of, body) VALUES ($1, $2, $3, $4, $5, $6)",
                &[
                    tenant,
                    id,
                    Val::Int(version),
                    Val::Int(now.as_microsecond()),
                    key_of,
                    Val::Blob(snapshot),
                ],
            )?;
        }
        Ok(())
    }

    fn write_timers(&self, tx: &mut dyn Tx, [tenant, id]: [Val<'_>; 2]) -> Result<(), Error> {
        tx.execute(
            "DELETE FROM case_timer WHERE tenant = $1 AND case_id = $2",
            &[tenant, id],
        )?;
        for (name, due) in &self.write.timers {
            tx.execute(
                "INSERT INTO case_timer (tenant, case_id, name, due) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (tenant, case_id, name) DO UPDATE SET due = excluded.due, rests_until = 0",
                &[tenant, id, Val::Text(name), Val::Int(due.as_microsecond())],
            )?;
        }
        Ok(())
    }
}

/// Open cases of a workflow for the person that a patient belongs to now.
fn open_cases(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    workflow: &str,
    patient: &str,
) -> Result<u64, Error> {
    let rows = tx.query(
        "SELECT o.patient FROM member m JOIN member o ON o.tenant = m.tenant AND o.person = m.person AND o.to_seq IS NULL \
         WHERE m.tenant = $1 AND m.patient = $2 AND m.to_seq IS NULL",
        &[Val::Text(tenant.as_str()), Val::Text(patient)],
    )?;
    let mut patients = BTreeSet::from([patient]);
    for found in &rows {
        patients.insert(row::text(found, 0)?);
    }
    let mut open = 0;
    for patient in patients {
        let rows = tx.query(
            "SELECT count(*) FROM workflow_case WHERE tenant = $1 AND patient = $2 AND workflow = $3 AND open = 1",
            &[
                Val::Text(tenant.as_str()),
                Val::Text(patient),
                Val::Text(workflow),
            ],
        )?;
        open += row::count(row::only(&rows)?, 0)?;
    }
    Ok(open)
}
