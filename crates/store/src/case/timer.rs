//! What an engine asks of the store beside the cases: which timers are due, how far it had read, on which lease its commits stand.

use std::sync::PoisonError;

use bedside_core::access::Action;
use bedside_core::ctx::OpCtx;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::Seq;

use crate::backend::Val;
use crate::error::Error;
use crate::lease::Held;
use crate::row;
use crate::source::moment;
use crate::store::Store;

impl Store {
    /// Timers that are due at `now`, the earliest first: case, name, due time. A timer that passed while nobody looked is still there.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn due_timers(
        &self,
        ctx: &OpCtx,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<(String, String, Timestamp)>, Error> {
        self.guard(ctx, Action::Evaluate).await?;
        let tenant = self.tenant().clone();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(move |tx| {
            let rows = tx.query(
                "SELECT case_id, name, due FROM case_timer WHERE tenant = $1 AND due <= $2 ORDER BY due, case_id, name LIMIT $3",
                &[
                    Val::Text(tenant.as_str()),
                    Val::Int(now.as_microsecond()),
                    Val::Int(limit),
                ],
            )?;
            rows.iter()
                .map(|found| {
                    Ok((
                        row::text(found, 0)?.to_owned(),
                        row::text(found, 1)?.to_owned(),
                        moment(row::int(found, 2)?)?,
                    ))
                })
                .collect()
        })
        .await
    }

    /// When the next timer is due.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn next_timer(&self, ctx: &OpCtx) -> Result<Option<Timestamp>, Error> {
        self.guard(ctx, Action::Evaluate).await?;
        let tenant = self.tenant().clone();
        self.read(move |tx| {
            let rows = tx.query(
                "SELECT due FROM case_timer WHERE tenant = $1 ORDER BY due LIMIT 1",
                &[Val::Text(tenant.as_str())],
            )?;
            rows.first()
                .map(|found| moment(row::int(found, 0)?))
                .transpose()
        })
        .await
    }

    /// How far the engine of that name has read the change feed.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn workflow_cursor(&self, ctx: &OpCtx, name: &str) -> Result<Option<Seq>, Error> {
        self.guard(ctx, Action::Evaluate).await?;
        let (tenant, name) = (self.tenant().clone(), name.to_owned());
        self.read(move |tx| {
            let rows = tx.query(
                "SELECT seq FROM workflow_cursor WHERE tenant = $1 AND name = $2",
                &[Val::Text(tenant.as_str()), Val::Text(&name)],
            )?;
            rows.first()
                .map(|found| row::int(found, 0).map(Seq))
                .transpose()
        })
        .await
    }

    /// From now on each commit that Bedside itself makes to cases stands on this lease: when another node has taken it, the commit is
    /// refused with [`Error::Conflict`]. What people do to a case is guarded by its version alone.
    pub fn set_engine_fence(&self, held: Option<Held>) {
        *self
            .engine_fence()
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = held;
    }
}
