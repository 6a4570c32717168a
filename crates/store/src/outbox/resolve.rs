//! A person's word on an item of which nobody knows whether it arrived (promise P8).

use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::OpCtx;

use crate::Store;
use crate::audit::append_in;
use crate::backend::Val;
use crate::error::Error;
use crate::row;

/// What somebody found out by looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// The other side has it.
    Done,
    /// The other side does not have it, and it is to be sent again.
    Again,
    /// The other side does not have it, and it is not wanted any more.
    Refused,
}

impl Resolution {
    /// The word on the command line and in the log.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Again => "again",
            Self::Refused => "refused",
        }
    }

    /// The resolution of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Done, Self::Again, Self::Refused]
            .into_iter()
            .find(|one| one.as_str() == word)
    }

    const fn state(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Again => "due",
            Self::Refused => "refused",
        }
    }
}

impl Store {
    /// Settles an item that is unknown by what a person says. The reason is kept, sealed.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::Invalid`] without a reason, [`Error::NotFound`], [`Error::Conflict`] when it is not unknown (any more),
    /// or what the database said.
    pub async fn outbox_resolve(
        &self,
        ctx: &OpCtx,
        id: i64,
        resolution: Resolution,
        why: &str,
    ) -> Result<(), Error> {
        self.guard(ctx, Action::Operate).await?;
        if why.trim().is_empty() {
            return Err(Error::Invalid(String::from(
                "say how you know what became of this item: the reason is kept with it",
            )));
        }
        let (sealer, tenant, now) = (
            self.sealer().clone(),
            self.tenant().clone(),
            self.clock().now(),
        );
        let sealed = sealer.seal("data", "outbox", &id.to_string(), "why", why.as_bytes())?;
        let mut entry = Entry::new(ctx, "outbox.resolve", AuditOutcome::Success)
            .detail(format!("outbox {id}: {}", resolution.as_str()));
        entry.reason = Some(why.to_owned());
        let by = ctx.actor.clone();
        self.write_and_wake(move |tx| {
            let rows = tx.query(
                "SELECT state, key_of FROM outbox WHERE tenant = $1 AND id = $2",
                &[Val::Text(tenant.as_str()), Val::Int(id)],
            )?;
            let found = rows.first().ok_or(Error::NotFound("outbox item"))?;
            if row::text(found, 0)? != "unknown" {
                return Err(Error::Conflict);
            }
            let again = resolution == Resolution::Again;
            let at = Val::Int(now.as_microsecond());
            tx.execute(
                "UPDATE outbox SET state = $3, due = COALESCE($4, due), settled_at = $5, check_at = NULL, why = $6, resolved_by = $7, \
                 reason = 'settled by a person' WHERE tenant = $1 AND id = $2",
                &[
                    Val::Text(tenant.as_str()),
                    Val::Int(id),
                    Val::Text(resolution.state()),
                    if again { at } else { Val::Null },
                    if again { Val::Null } else { at },
                    Val::Blob(&sealed),
                    Val::Text(by.as_str()),
                ],
            )?;
            let mut entry = entry.clone();
            let patient = row::text(found, 1)?;
            if !patient.is_empty() {
                entry = entry.patient(patient);
            }
            append_in(tx, &sealer, &tenant, &[entry], now)
        })
        .await
    }
}
