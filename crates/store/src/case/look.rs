//! Whom an engine looks at although nothing changed: because time alone changes what follows, or because the last look failed.
//!
//! There is one such look for a patient: whoever looks reads everything. A look that failed stands here until one succeeds, so that what
//! one patient's data do to the engine is seen, is tried again, and stops nobody else's.

use bedside_core::access::Action;
use bedside_core::ctx::OpCtx;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::ResourceId;

use crate::backend::Val;
use crate::error::Error;
use crate::row;
use crate::source::moment;
use crate::store::Store;

/// A patient who could not be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The source patient.
    pub patient: ResourceId,
    /// The code of the error.
    pub code: String,
    /// Since when.
    pub since: Timestamp,
    /// When it is tried again.
    pub due: Timestamp,
}

impl Store {
    /// Has a patient looked at again at that instant, or not before something changes. Ends a trouble that there was.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn look_again(
        &self,
        ctx: &OpCtx,
        patient: &ResourceId,
        due: Option<Timestamp>,
    ) -> Result<(), Error> {
        self.guard(ctx, Action::Evaluate).await?;
        let (tenant, wanted) = (self.tenant().clone(), patient.as_str().to_owned());
        let due = due.map(Timestamp::as_microsecond);
        // Most patients need none and have none; a reader sees that without keeping writers waiting.
        let known = self
            .read(move |tx| {
                let rows = tx.query(
                    "SELECT due, trouble FROM workflow_look WHERE tenant = $1 AND patient = $2",
                    &[Val::Text(tenant.as_str()), Val::Text(&wanted)],
                )?;
                rows.first()
                    .map(|found| Ok((row::int(found, 0)?, row::text(found, 1)?.is_empty())))
                    .transpose()
            })
            .await?;
        if known == due.map(|due| (due, true)) {
            return Ok(());
        }
        let Some(due) = due else {
            let (tenant, wanted) = (self.tenant().clone(), patient.as_str().to_owned());
            return self
                .write(move |tx| {
                    tx.execute(
                        "DELETE FROM workflow_look WHERE tenant = $1 AND patient = $2",
                        &[Val::Text(tenant.as_str()), Val::Text(&wanted)],
                    )?;
                    Ok(())
                })
                .await;
        };
        self.put_look(ctx, patient, due, "").await
    }

    /// Notes that a patient could not be judged, by the code of the error, and when to try again. Since when it lasts is kept.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn look_failed(
        &self,
        ctx: &OpCtx,
        patient: &ResourceId,
        code: &str,
        due: Timestamp,
    ) -> Result<(), Error> {
        self.guard(ctx, Action::Evaluate).await?;
        self.put_look(ctx, patient, due.as_microsecond(), code)
            .await
    }

    async fn put_look(
        &self,
        ctx: &OpCtx,
        patient: &ResourceId,
        due: i64,
        trouble: &str,
    ) -> Result<(), Error> {
        let (tenant, now) = (self.tenant().clone(), ctx.now().as_microsecond());
        let (patient, trouble) = (patient.as_str().to_owned(), trouble.to_owned());
        self.write(move |tx| {
            tx.execute(
                "INSERT INTO workflow_look (tenant, patient, due, trouble, since) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT (tenant, patient) DO UPDATE SET due = excluded.due, trouble = excluded.trouble, \
                 since = CASE WHEN workflow_look.trouble = '' THEN excluded.since ELSE workflow_look.since END",
                &[
                    Val::Text(tenant.as_str()),
                    Val::Text(&patient),
                    Val::Int(due),
                    Val::Text(&trouble),
                    Val::Int(now),
                ],
            )?;
            Ok(())
        })
        .await
    }

    /// Patients whose look is due at `now`, the earliest first.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn due_looks(
        &self,
        ctx: &OpCtx,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<ResourceId>, Error> {
        self.guard(ctx, Action::Evaluate).await?;
        let tenant = self.tenant().clone();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(move |tx| {
            let rows = tx.query(
                "SELECT patient FROM workflow_look WHERE tenant = $1 AND due <= $2 ORDER BY due, patient LIMIT $3",
                &[
                    Val::Text(tenant.as_str()),
                    Val::Int(now.as_microsecond()),
                    Val::Int(limit),
                ],
            )?;
            rows.iter()
                .map(|found| Ok(ResourceId::new(row::text(found, 0)?)))
                .collect()
        })
        .await
    }

    /// When the next look is due.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn next_look(&self, ctx: &OpCtx) -> Result<Option<Timestamp>, Error> {
        self.guard(ctx, Action::Evaluate).await?;
        let tenant = self.tenant().clone();
        self.read(move |tx| {
            let rows = tx.query(
                "SELECT due FROM workflow_look WHERE tenant = $1 ORDER BY due LIMIT 1",
                &[Val::Text(tenant.as_str())],
            )?;
            rows.first()
                .map(|found| moment(row::int(found, 0)?))
                .transpose()
        })
        .await
    }

    /// Patients who could not be judged, the longest waiting first. No clinical content.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn troubles(&self, ctx: &OpCtx) -> Result<Vec<Trouble>, Error> {
        self.guard(ctx, Action::ReadOperations).await?;
        let tenant = self.tenant().clone();
        self.read(move |tx| {
            let rows = tx.query(
                "SELECT patient, trouble, since, due FROM workflow_look WHERE tenant = $1 AND trouble <> '' ORDER BY since, patient",
                &[Val::Text(tenant.as_str())],
            )?;
            rows.iter()
                .map(|found| {
                    Ok(Trouble {
                        patient: ResourceId::new(row::text(found, 0)?),
                        code: row::text(found, 1)?.to_owned(),
                        since: moment(row::int(found, 2)?)?,
                        due: moment(row::int(found, 3)?)?,
                    })
                })
                .collect()
        })
        .await
    }
}
