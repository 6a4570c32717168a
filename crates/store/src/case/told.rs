//! Which writes a case has not heard of: an item of the outbox may settle when nobody is there to tell its case.

use bedside_core::access::Action;
use bedside_core::ctx::OpCtx;

use crate::backend::Val;
use crate::error::Error;
use crate::row;
use crate::store::Store;

/// An item of the outbox whose case does not know where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untold {
    /// The number of the item.
    pub id: i64,
    /// Its idempotency key.
    pub key: String,
    /// Its state.
    pub state: String,
    /// What is in its way: a code or a fixed sentence.
    pub reason: Option<String>,
    /// Its case.
    pub case: String,
}

impl Store {
    /// Items that are done, refused or unknown and whose case has not heard of it, by case and in order, from after `after` on. No payload.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn untold(
        &self,
        ctx: &OpCtx,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Untold>, Error> {
        self.guard(ctx, Action::Evaluate).await?;
        let tenant = self.tenant().clone();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(move |tx| {
            let rows = tx.query(
                "SELECT id, key, state, reason, case_id FROM outbox WHERE tenant = $1 AND id > $2 AND case_id IS NOT NULL \
                 AND told <> state AND state IN ('done', 'refused', 'unknown') ORDER BY id LIMIT $3",
                &[
                    Val::Text(tenant.as_str()),
                    Val::Int(after),
                    Val::Int(limit),
                ],
            )?;
            rows.iter()
                .map(|found| {
                    Ok(Untold {
                        id: row::int(found, 0)?,
                        key: row::text(found, 1)?.to_owned(),
                        state: row::text(found, 2)?.to_owned(),
                        reason: row::text_or_null(found, 3)?.map(str::to_owned),
                        case: row::text(found, 4)?.to_owned(),
                    })
                })
                .collect()
        })
        .await
    }

    /// Notes that its case has heard of this state of an item.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn told(&self, ctx: &OpCtx, untold: &Untold) -> Result<(), Error> {
        self.guard(ctx, Action::Evaluate).await?;
        let (tenant, id, state) = (self.tenant().clone(), untold.id, untold.state.clone());
        self.write(move |tx| {
            tx.execute(
                "UPDATE outbox SET told = $3 WHERE tenant = $1 AND id = $2",
                &[Val::Text(tenant.as_str()), Val::Int(id), Val::Text(&state)],
            )?;
            Ok(())
        })
        .await
    }
}
