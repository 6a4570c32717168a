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
                "SELECT case_id, name, due FROM case_timer WHERE tenant = $1 AND due <= $2 AND rests_until <= $2 \
                 ORDER BY due, case_id, name LIMIT $3",
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

    /// When the next timer is due, or has rested.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn next_timer(&self, ctx: &OpCtx) -> Result<Option<Timestamp>, Error> {
        self.guard(ctx, Action::Evaluate).await?;
        let tenant = self.tenant().clone();
        self.read(move |tx| {
            let rows = tx.query(
                "SELECT due FROM case_timer WHERE tenant = $1 AND rests_until = 0 ORDER BY due LIMIT 1",
                &[Val::Text(tenant.as_str())],
            )?;
            let rested = tx.query(
                "SELECT rests_until FROM case_timer WHERE tenant = $1 AND rests_until > 0 ORDER BY rests_until LIMIT 1",
                &[Val::Text(tenant.as_str())],
            )?;
            let mut next = None;
            for found in rows.iter().chain(&rested) {
                let due = row::int(found, 0)?;
                next = Some(next.map_or(due, |earlier: i64| earlier.min(due)));
            }
            next.map(moment).transpose()
        })
        .await
    }

    /// Lets a timer rest until then, because it can't be played now. A case that is written meanwhile has its timers back at once.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn rest_timer(
        &self,
        ctx: &OpCtx,
        case: &str,
        timer: &str,
        until: Timestamp,
    ) -> Result<(), Error> {
        self.guard(ctx, Action::Evaluate).await?;
        let (tenant, case, timer) = (self.tenant().clone(), case.to_owned(), timer.to_owned());
        self.write(move |tx| {
            tx.execute(
                "UPDATE case_timer SET rests_until = $4 WHERE tenant = $1 AND case_id = $2 AND name = $3",
                &[
                    Val::Text(tenant.as_str()),
                    Val::Text(&case),
                    Val::Text(&timer),
                    Val::Int(until.as_microsecond()),
                ],
            )?;
            Ok(())
        })
        .await
    }

    /// Ends the rest of every timer: another process looks at them now, and it may run what the one before did not.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn wake_timers(&self, ctx: &OpCtx) -> Result<(), Error> {
        self.guard(ctx, Action::Evaluate).await?;
        let tenant = self.tenant().clone();
        self.write(move |tx| {
            tx.execute(
                "UPDATE case_timer SET rests_until = 0 WHERE tenant = $1 AND rests_until > 0",
                &[Val::Text(tenant.as_str())],
            )?;
            Ok(())
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
