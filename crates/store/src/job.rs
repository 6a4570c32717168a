//! Work that is due at a time, claimed by one node at once.
//!
//! A job is a row, not a message: it is there until it was finished. `due` is in the time of the injected clock, how long a claim
//! lasts in the database's. The number of attempts is the fence of a claim: whoever lost it can't finish the job any more.

use bedside_core::access::Action;
use bedside_core::ctx::OpCtx;
use bedside_fact::clock::Timestamp;

use crate::Store;
use crate::backend::{Cell, Dialect, Tx, Val};
use crate::error::Error;
use crate::lease::{after, database_time};
use crate::row;

/// A claimed job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// What to do.
    pub kind: String,
    /// On what; with the kind, what tells the job from all others.
    pub key: String,
    /// Which attempt this is, from 1.
    pub attempt: i64,
    /// What was given with it. Not sealed: ids and positions only.
    pub payload: Vec<u8>,
}

impl Store {
    /// Notes work that is due at `due`. `false` when the same job waits or runs already; one that was finished begins anew.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn enqueue(
        &self,
        ctx: &OpCtx,
        kind: &str,
        key: &str,
        due: Timestamp,
        payload: &[u8],
    ) -> Result<bool, Error> {
        self.guard(ctx, Action::Apply).await?;
        let (tenant, kind, key, payload) = (
            self.tenant().clone(),
            kind.to_owned(),
            key.to_owned(),
            payload.to_vec(),
        );
        self.write(move |tx| {
            let changed = tx.execute(
                "INSERT INTO job (tenant, kind, key, due, state, attempts, until, payload) VALUES ($1, $2, $3, $4, 'waiting', 0, 0, $5) \
                 ON CONFLICT (tenant, kind, key) DO UPDATE SET due = excluded.due, state = 'waiting', owner = NULL, reason = NULL, \
                 payload = excluded.payload WHERE job.state = 'done'",
                &[
                    Val::Text(tenant.as_str()),
                    Val::Text(&kind),
                    Val::Text(&key),
                    Val::Int(due.as_microsecond()),
                    Val::Blob(&payload),
                ],
            )?;
            Ok(changed == 1)
        })
        .await
    }

    /// Takes up to `limit` jobs that are due, for `seconds`. A job whose claim ran out without an end is due again.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn claim(
        &self,
        ctx: &OpCtx,
        kind: &str,
        owner: &str,
        limit: usize,
        seconds: i64,
    ) -> Result<Vec<Job>, Error> {
        self.guard(ctx, Action::Apply).await?;
        let (tenant, clock) = (self.tenant().clone(), self.clock().clone());
        let (kind, owner) = (kind.to_owned(), owner.to_owned());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.write(move |tx| {
            let now = database_time(tx, &clock)?;
            let sql = match tx.dialect() {
                Dialect::Sqlite => {
                    "UPDATE job SET state = 'claimed', owner = $3, until = $4, attempts = attempts + 1 \
                     WHERE tenant = $1 AND kind = $2 AND key IN (SELECT key FROM job WHERE tenant = $1 AND kind = $2 AND \
                     ((state = 'waiting' AND due <= $5) OR (state = 'claimed' AND until <= $6)) ORDER BY due, key LIMIT $7) \
                     RETURNING kind, key, attempts, payload"
                }
                Dialect::Postgres => {
                    "UPDATE job SET state = 'claimed', owner = $3, until = $4, attempts = attempts + 1 \
                     WHERE tenant = $1 AND kind = $2 AND key IN (SELECT key FROM job WHERE tenant = $1 AND kind = $2 AND \
                     ((state = 'waiting' AND due <= $5) OR (state = 'claimed' AND until <= $6)) ORDER BY due, key LIMIT $7 \
                     FOR UPDATE SKIP LOCKED) RETURNING kind, key, attempts, payload"
                }
            };
            let rows = tx.query(
                sql,
                &[
                    Val::Text(tenant.as_str()),
                    Val::Text(&kind),
                    Val::Text(&owner),
                    Val::Int(after(now, seconds)),
                    Val::Int(clock.now().as_microsecond()),
                    Val::Int(now),
                    Val::Int(limit),
                ],
            )?;
            rows.iter().map(|found| job(found)).collect()
        })
        .await
    }

    /// The job is done.
    ///
    /// # Errors
    /// [`Error::Conflict`] when another claim took it meanwhile.
    pub async fn finish(&self, ctx: &OpCtx, job: &Job) -> Result<(), Error> {
        self.end(ctx, job, "done", None, None).await
    }

    /// The attempt failed; the job is due again at `again`. `reason` holds no patient data.
    ///
    /// # Errors
    /// [`Error::Conflict`] when another claim took it meanwhile.
    pub async fn fail(
        &self,
        ctx: &OpCtx,
        job: &Job,
        again: Timestamp,
        reason: &str,
    ) -> Result<(), Error> {
        self.end(ctx, job, "waiting", Some(again), Some(reason))
            .await
    }

    async fn end(
        &self,
        ctx: &OpCtx,
        job: &Job,
        state: &'static str,
        due: Option<Timestamp>,
        reason: Option<&str>,
    ) -> Result<(), Error> {
        self.guard(ctx, Action::Apply).await?;
        let (tenant, job, reason) = (
            self.tenant().clone(),
            job.clone(),
            reason.map(str::to_owned),
        );
        self.write(move |tx| end(tx, tenant.as_str(), &job, state, due, reason.as_deref()))
            .await
    }
}

fn end(
    tx: &mut dyn Tx,
    tenant: &str,
    job: &Job,
    state: &str,
    due: Option<Timestamp>,
    reason: Option<&str>,
) -> Result<(), Error> {
    let changed = tx.execute(
        "UPDATE job SET state = $5, due = COALESCE($6, due), reason = $7, owner = NULL \
         WHERE tenant = $1 AND kind = $2 AND key = $3 AND attempts = $4 AND state = 'claimed'",
        &[
            Val::Text(tenant),
            Val::Text(&job.kind),
            Val::Text(&job.key),
            Val::Int(job.attempt),
            Val::Text(state),
            due.map_or(Val::Null, |due| Val::Int(due.as_microsecond())),
            reason.map_or(Val::Null, Val::Text),
        ],
    )?;
    if changed == 1 {
        Ok(())
    } else {
        Err(Error::Conflict)
    }
}

fn job(found: &[Cell]) -> Result<Job, Error> {
    Ok(Job {
        kind: row::text(found, 0)?.to_owned(),
        key: row::text(found, 1)?.to_owned(),
        attempt: row::int(found, 2)?,
        payload: row::blob(found, 3)?.to_vec(),
    })
}
