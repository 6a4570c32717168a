//! Reading cases: one, a worklist, the history of one, and how many there are.

use std::collections::{BTreeMap, BTreeSet};

use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::{OpCtx, Role};
use bedside_fact::clock::Timestamp;
use bedside_fact::id::TenantId;

use super::row::{CaseCounts, CaseEvent, CaseFilter, CaseRow, case, event_place, place};
use crate::backend::{Row, Tx, Val};
use crate::error::Error;
use crate::row;
use crate::seal::Sealer;
use crate::source::moment;
use crate::store::Store;

impl Store {
    /// A case. The entry for its patient is in the log before this returns.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`], [`Error::Unavailable`] when the log can't be written, or what the database said.
    pub async fn case(&self, ctx: &OpCtx, id: &str) -> Result<CaseRow, Error> {
        self.guard(ctx, Action::ReadWorklist).await?;
        let (tenant, sealer, id) = (self.tenant().clone(), self.sealer().clone(), id.to_owned());
        let found = self
            .read(move |tx| {
                let rows = tx.query(
                    "SELECT c.id, c.workflow, c.patient, m.person, c.state, c.open, c.level, c.holder, c.owned, c.due_at, c.opened_at, \
                     c.changed_at, c.version, c.body FROM workflow_case c \
                     LEFT JOIN member m ON m.tenant = c.tenant AND m.patient = c.patient AND m.to_seq IS NULL \
                     WHERE c.tenant = $1 AND c.id = $2",
                    &[Val::Text(tenant.as_str()), Val::Text(&id)],
                )?;
                case(&sealer, rows.first().ok_or(Error::NotFound("case"))?)
            })
            .await?;
        self.saw(ctx, [found.patient.as_str()], &format!("case {}", found.id))
            .await?;
        Ok(found)
    }

    /// Cases: open ones by what is due first, then by age; closed ones after them, the latest first. The entry for each patient is in
    /// the log before this returns. A case that can't be read is left out, and told to the operator.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::Unavailable`] when the log can't be written, or what the database said.
    pub async fn cases(&self, ctx: &OpCtx, filter: &CaseFilter) -> Result<Vec<CaseRow>, Error> {
        self.guard(ctx, Action::ReadWorklist).await?;
        let (tenant, sealer, filter) =
            (self.tenant().clone(), self.sealer().clone(), filter.clone());
        let found = self
            .read(move |tx| {
                let rows = rows_of(tx, &tenant, &filter)?;
                let mut cases = Vec::with_capacity(rows.len());
                for found in &rows {
                    match case(&sealer, found) {
                        Ok(found) => cases.push(found),
                        // The patient's key was shredded: there is nothing to be read any more.
                        Err(Error::NotFound(_)) => {}
                        // One item that can't be read hides no other. Whoever asks for that one is told, and so is the log.
                        Err(error @ Error::Corrupt(_)) => {
                            let id = row::text(found, 0)?;
                            tracing::error!(
                                code = error.code(),
                                case = id,
                                "an item can't be read: {error}"
                            );
                        }
                        Err(error) => return Err(error),
                    }
                }
                Ok(cases)
            })
            .await?;
        let patients: BTreeSet<&str> = found.iter().map(|case| case.patient.as_str()).collect();
        self.saw(ctx, patients, "worklist").await?;
        Ok(found)
    }

    /// What happened to a case, in order.
    ///
    /// # Errors
    /// As [`Store::case`].
    pub async fn case_history(&self, ctx: &OpCtx, id: &str) -> Result<Vec<CaseEvent>, Error> {
        self.guard(ctx, Action::ReadWorklist).await?;
        let (tenant, sealer, wanted) =
            (self.tenant().clone(), self.sealer().clone(), id.to_owned());
        let (patient, events) = self
            .read(move |tx| {
                let patient = patient_of(tx, &tenant, &wanted)?;
                let rows = tx.query(
                    "SELECT version, n, at, kind, actor, key_of, body FROM case_event WHERE tenant = $1 AND case_id = $2 \
                     ORDER BY version, n",
                    &[Val::Text(tenant.as_str()), Val::Text(&wanted)],
                )?;
                let events = rows
                    .iter()
                    .map(|found| event(&sealer, &wanted, found))
                    .collect::<Result<Vec<_>, Error>>()?;
                Ok((patient, events))
            })
            .await?;
        self.saw(ctx, [patient.as_str()], &format!("case {id} history"))
            .await?;
        Ok(events)
    }

    /// The facts that a case stood on, each time they were kept.
    ///
    /// # Errors
    /// As [`Store::case`].
    pub async fn case_snapshots(
        &self,
        ctx: &OpCtx,
        id: &str,
    ) -> Result<Vec<(Timestamp, Vec<u8>)>, Error> {
        self.guard(ctx, Action::ReadWorklist).await?;
        let (tenant, sealer, wanted) =
            (self.tenant().clone(), self.sealer().clone(), id.to_owned());
        let (patient, snapshots) = self
            .read(move |tx| {
                let patient = patient_of(tx, &tenant, &wanted)?;
                let rows = tx.query(
                    "SELECT version, at, key_of, body FROM case_snapshot WHERE tenant = $1 AND case_id = $2 ORDER BY version",
                    &[Val::Text(tenant.as_str()), Val::Text(&wanted)],
                )?;
                let snapshots = rows
                    .iter()
                    .map(|found| {
                        let place = place(&wanted, row::int(found, 0)?);
                        let body = sealer
                            .key_of(row::text(found, 2)?)?
                            .open(sealer.place("case_snapshot", &place, "body"), row::blob(found, 3)?)?;
                        Ok((moment(row::int(found, 1)?)?, body.to_vec()))
                    })
                    .collect::<Result<Vec<_>, Error>>()?;
                Ok((patient, snapshots))
            })
            .await?;
        self.saw(ctx, [patient.as_str()], &format!("case {id} snapshots"))
            .await?;
        Ok(snapshots)
    }

    /// How many cases there are.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn case_counts(&self, ctx: &OpCtx) -> Result<CaseCounts, Error> {
        self.guard(ctx, Action::ReadOperations).await?;
        let (tenant, now) = (self.tenant().clone(), ctx.now().as_microsecond());
        self.read(move |tx| {
            let key = Val::Text(tenant.as_str());
            let mut counts = CaseCounts::default();
            let rows = tx.query(
                "SELECT state, acknowledged, count(*) FROM workflow_case WHERE tenant = $1 GROUP BY state, acknowledged",
                &[key],
            )?;
            for found in &rows {
                let count = row::count(found, 2)?;
                *counts
                    .by_state
                    .entry(row::text(found, 0)?.to_owned())
                    .or_default() += count;
                counts.opened_ever += count;
                if row::int(found, 1)? == 1 {
                    counts.acknowledged_ever += count;
                }
            }
            let mut one = |sql: &'static str, params: &[Val<'_>]| -> Result<u64, Error> {
                row::count(row::only(&tx.query(sql, params)?)?, 0)
            };
            counts.open = one(
                "SELECT count(*) FROM workflow_case WHERE tenant = $1 AND open = 1",
                &[key],
            )?;
            counts.unowned = one(
                "SELECT count(*) FROM workflow_case WHERE tenant = $1 AND open = 1 AND owned = 0",
                &[key],
            )?;
            counts.overdue = one(
                "SELECT count(*) FROM workflow_case WHERE tenant = $1 AND open = 1 AND due_at <= $2",
                &[key, Val::Int(now)],
            )?;
            counts.troubled = one(
                "SELECT count(*) FROM workflow_look WHERE tenant = $1 AND trouble <> ''",
                &[key],
            )?;
            Ok(counts)
        })
        .await
    }

    /// One entry for each patient of whom something was shown; one for a person who saw that there was nothing.
    async fn saw(
        &self,
        ctx: &OpCtx,
        patients: impl IntoIterator<Item = &str>,
        detail: &str,
    ) -> Result<(), Error> {
        let entry =
            Entry::new(ctx, Action::ReadWorklist.as_str(), AuditOutcome::Success).detail(detail);
        let mut entries: Vec<Entry> = patients
            .into_iter()
            .map(|patient| entry.clone().patient(patient))
            .collect();
        if entries.is_empty() && ctx.role != Role::Service {
            entries.push(entry.detail(format!("{detail}, empty")));
        }
        self.audit_all(ctx, entries).await
    }
}

/// The patient of a case.
pub(super) fn patient_of(tx: &mut dyn Tx, tenant: &TenantId, id: &str) -> Result<String, Error> {
    let rows = tx.query(
        "SELECT patient FROM workflow_case WHERE tenant = $1 AND id = $2",
        &[Val::Text(tenant.as_str()), Val::Text(id)],
    )?;
    Ok(row::text(rows.first().ok_or(Error::NotFound("case"))?, 0)?.to_owned())
}

fn event(sealer: &Sealer, id: &str, found: &Row) -> Result<CaseEvent, Error> {
    let place = event_place(id, row::int(found, 0)?, row::int(found, 1)?);
    let body = sealer.key_of(row::text(found, 5)?)?.open(
        sealer.place("case_event", &place, "body"),
        row::blob(found, 6)?,
    )?;
    Ok(CaseEvent {
        at: moment(row::int(found, 2)?)?,
        kind: row::text(found, 3)?.to_owned(),
        actor: row::text(found, 4)?.to_owned(),
        body: body.to_vec(),
    })
}

fn rows_of(tx: &mut dyn Tx, tenant: &TenantId, filter: &CaseFilter) -> Result<Vec<Row>, Error> {
    if !filter.patients.is_empty() {
        return of_patients(tx, tenant, filter);
    }
    let mut found = Vec::new();
    for (open, sql) in [
        (
            true,
            "SELECT c.id, c.workflow, c.patient, m.person, c.state, c.open, c.level, c.holder, c.owned, c.due_at, c.opened_at, \
             c.changed_at, c.version, c.body FROM workflow_case c \
             LEFT JOIN member m ON m.tenant = c.tenant AND m.patient = c.patient AND m.to_seq IS NULL \
             WHERE c.tenant = $1 AND c.open = 1 AND (c.workflow = $2 OR $2 IS NULL) AND (c.holder = $3 OR $3 IS NULL) \
             AND (c.owned = $4 OR $4 IS NULL) ORDER BY c.due_at, c.opened_at, c.id LIMIT $5",
        ),
        (
            false,
            "SELECT c.id, c.workflow, c.patient, m.person, c.state, c.open, c.level, c.holder, c.owned, c.due_at, c.opened_at, \
             c.changed_at, c.version, c.body FROM workflow_case c \
             LEFT JOIN member m ON m.tenant = c.tenant AND m.patient = c.patient AND m.to_seq IS NULL \
             WHERE c.tenant = $1 AND c.open = 0 AND (c.workflow = $2 OR $2 IS NULL) AND (c.holder = $3 OR $3 IS NULL) \
             AND (c.owned = $4 OR $4 IS NULL) ORDER BY c.changed_at DESC, c.id DESC LIMIT $5",
        ),
    ] {
        let left = filter.limit.saturating_sub(found.len());
        if left == 0 || filter.open.is_some_and(|wanted| wanted != open) {
            continue;
        }
        found.extend(
            tx.query(
                sql,
                &[
                    Val::Text(tenant.as_str()),
                    filter.workflow.as_deref().map_or(Val::Null, Val::Text),
                    filter.holder.as_deref().map_or(Val::Null, Val::Text),
                    filter
                        .owned
                        .map_or(Val::Null, |owned| Val::Int(i64::from(owned))),
                    Val::Int(i64::try_from(left).unwrap_or(i64::MAX)),
                ],
            )?,
        );
    }
    Ok(found)
}

/// The cases of some patients are few: they are read all and sorted here.
fn of_patients(tx: &mut dyn Tx, tenant: &TenantId, filter: &CaseFilter) -> Result<Vec<Row>, Error> {
    let patients: BTreeSet<&str> = filter
        .patients
        .iter()
        .map(|patient| patient.as_str())
        .collect();
    let mut sorted = BTreeMap::new();
    for patient in patients {
        let rows = tx.query(
            "SELECT c.id, c.workflow, c.patient, m.person, c.state, c.open, c.level, c.holder, c.owned, c.due_at, c.opened_at, \
             c.changed_at, c.version, c.body FROM workflow_case c \
             LEFT JOIN member m ON m.tenant = c.tenant AND m.patient = c.patient AND m.to_seq IS NULL \
             WHERE c.tenant = $1 AND c.patient = $2",
            &[Val::Text(tenant.as_str()), Val::Text(patient)],
        )?;
        for found in rows {
            let open = row::int(&found, 5)? == 1;
            let fits = filter.open.is_none_or(|wanted| wanted == open)
                && filter
                    .workflow
                    .as_deref()
                    .is_none_or(|wanted| row::text(&found, 1).is_ok_and(|word| word == wanted))
                && filter
                    .holder
                    .as_deref()
                    .is_none_or(|wanted| row::text(&found, 7).is_ok_and(|word| word == wanted))
                && filter.owned.is_none_or(|wanted| {
                    row::int(&found, 8).is_ok_and(|owned| (owned == 1) == wanted)
                });
            if fits {
                let order = if open {
                    (0, row::int(&found, 9)?, row::int(&found, 10)?)
                } else {
                    (1, -row::int(&found, 11)?, 0)
                };
                sorted.insert((order, row::text(&found, 0)?.to_owned()), found);
            }
        }
    }
    Ok(sorted.into_values().take(filter.limit).collect())
}
