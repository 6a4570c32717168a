//! Inputs set aside: each with a reason, an owner and an end (promise P3).

use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::OpCtx;
use bedside_core::journal::JournalRow;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::{Seq, TenantId};

use crate::audit::append_in;
use crate::backend::{Tx, Val};
use crate::changed::Learned;
use crate::error::Error;
use crate::input::{COLUMNS, concerns, journal_row};
use crate::row;
use crate::sequence;
use crate::source::moment;
use crate::store::Store;
use crate::writer::Turn;

/// A parked input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// Its line in the journal. The reason is that of the parking.
    pub row: JournalRow,
    /// Who mends it.
    pub owner: String,
    /// Since when.
    pub since: Timestamp,
    /// When it ended, for those that have.
    pub ended: Option<Timestamp>,
    /// Inputs that wait behind it.
    pub held_behind: u64,
}

impl Store {
    /// The parked inputs, oldest first; with `include_ended` those that were replayed or discarded too.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn quarantine(&self, ctx: &OpCtx, include_ended: bool) -> Result<Vec<Parked>, Error> {
        self.guard(ctx, Action::ReadOperations).await?;
        self.looked(ctx, "quarantine").await?;
        let tenant = self.tenant().clone();
        self.read(move |tx| {
            let which = if include_ended { "" } else { " AND q.ended IS NULL" };
            let rows = tx.query_built(
                &format!(
                    "SELECT {COLUMNS}, q.owner, q.since, q.ended, q.reason FROM quarantine q \
                     JOIN journal j ON j.tenant = q.tenant AND j.seq = q.seq WHERE q.tenant = $1{which} ORDER BY q.seq, q.since"
                ),
                &[Val::Text(tenant.as_str())],
            )?;
            let held = tx.query(
                "SELECT reason, count(*) FROM journal WHERE tenant = $1 AND state IN ('pending', 'parked', 'held') \
                 AND state = 'held' GROUP BY reason",
                &[Val::Text(tenant.as_str())],
            )?;
            rows.iter()
                .map(|found| {
                    let mut line = journal_row(found)?;
                    line.reason = row::text(found, 12)?.to_owned();
                    let ended = row::int_or_null(found, 11)?.map(moment).transpose()?;
                    let mut held_behind = 0;
                    if ended.is_none() {
                        for group in &held {
                            if row::text(group, 0)? == behind(line.seq) {
                                held_behind = row::count(group, 1)?;
                            }
                        }
                    }
                    Ok(Parked {
                        owner: row::text(found, 9)?.to_owned(),
                        since: moment(row::int(found, 10)?)?,
                        row: line,
                        ended,
                        held_behind,
                    })
                })
                .collect()
        })
        .await
    }

    /// Tries a parked input again, and those held behind it. Yields all that wait anew, in order.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`] when it is not parked, or what the database said.
    pub async fn replay(&self, ctx: &OpCtx, seq: Seq) -> Result<Vec<Seq>, Error> {
        self.end_parked(ctx, seq, "replay", None).await
    }

    /// Gives a parked input up, with a reason. It ends as a no-op; those held behind it are tried. Yields them, in order.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`] when it is not parked, [`Error::Invalid`] without a reason, or what the database said.
    pub async fn discard(&self, ctx: &OpCtx, seq: Seq, why: &str) -> Result<Vec<Seq>, Error> {
        if why.trim().is_empty() {
            return Err(Error::Invalid(String::from(
                "say why this input is discarded: the reason is kept with it",
            )));
        }
        self.end_parked(ctx, seq, "discard", Some(why.to_owned()))
            .await
    }

    async fn end_parked(
        &self,
        ctx: &OpCtx,
        seq: Seq,
        how: &'static str,
        why: Option<String>,
    ) -> Result<Vec<Seq>, Error> {
        self.guard(ctx, Action::Operate).await?;
        let (tenant, sealer, now) = (self.tenant().clone(), self.sealer().clone(), ctx.now());
        let mut entry = Entry::new(ctx, &format!("input.{how}"), AuditOutcome::Success)
            .detail(format!("seq {seq}"));
        if why.is_some() {
            entry.reason.clone_from(&why);
        }
        // A reason may name a patient.
        let place = format!("{seq}/{}", now.as_microsecond());
        let sealed = why
            .as_deref()
            .map(|why| sealer.seal("data", "quarantine", &place, "why", why.as_bytes()))
            .transpose()?;
        let by = ctx.actor.clone();
        let changes = self.inner.changes.clone();
        self.inner
            .data
            .writer
            .write_then(
                0,
                Turn::Now,
                move |tx| {
                    let (state, reason) = if how == "replay" { ("pending", "") } else { ("noop", "discarded") };
                    let ended = tx.execute(
                        "UPDATE journal SET state = $3, reason = $4 WHERE tenant = $1 AND seq = $2 AND state = 'parked'",
                        &[Val::Text(tenant.as_str()), Val::Int(seq.0), Val::Text(state), Val::Text(reason)],
                    )?;
                    if ended == 0 {
                        return Err(Error::NotFound("parked input"));
                    }
                    tx.execute(
                        "UPDATE quarantine SET ended = $3, how = $4, why = $5, ended_by = $6 \
                         WHERE tenant = $1 AND seq = $2 AND ended IS NULL",
                        &[
                            Val::Text(tenant.as_str()),
                            Val::Int(seq.0),
                            Val::Int(now.as_microsecond()),
                            Val::Text(how),
                            sealed.as_deref().map_or(Val::Null, Val::Blob),
                            Val::Text(by.as_str()),
                        ],
                    )?;
                    append_in(tx, &sealer, &tenant, std::slice::from_ref(&entry), now)?;
                    let mut freed = release(tx, &tenant, seq)?;
                    if how == "replay" {
                        freed.insert(0, seq);
                    }
                    // What was set aside concerns its patients once more when it is not any more.
                    let mut learned = Learned::default();
                    for input in freed.iter().chain([&seq]) {
                        concerns(tx, &tenant, *input, &mut learned)?;
                    }
                    if !learned.is_empty() {
                        let at = sequence::take(tx, &tenant, 1)?;
                        learned.write(tx, &tenant, at)?;
                    }
                    Ok(freed)
                },
                move |result: &Result<Vec<Seq>, Error>| {
                    if result.is_ok() {
                        // Nothing new has a position, but schedulers must look again.
                        changes.send_modify(|_| ());
                    }
                },
            )
            .await
    }
}

/// Opens a case of quarantine.
pub(crate) fn open(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    seq: i64,
    reason: &str,
    owner: &str,
    now: Timestamp,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO quarantine (tenant, seq, since, reason, owner) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (tenant, seq, since) DO UPDATE SET reason = $4, ended = NULL, how = NULL, why = NULL, ended_by = NULL",
        &[
            Val::Text(tenant.as_str()),
            Val::Int(seq),
            Val::Int(now.as_microsecond()),
            Val::Text(reason),
            Val::Text(owner),
        ],
    )?;
    Ok(())
}

/// Those held behind a parked input wait anew. If another parked one is in their way too, the scheduler holds them again.
fn release(tx: &mut dyn Tx, tenant: &TenantId, seq: Seq) -> Result<Vec<Seq>, Error> {
    let rows = tx.query(
        "UPDATE journal SET state = 'pending', reason = '' WHERE tenant = $1 AND state IN ('pending', 'parked', 'held') \
         AND state = 'held' AND reason = $2 RETURNING seq",
        &[Val::Text(tenant.as_str()), Val::Text(&behind(seq))],
    )?;
    let mut freed = rows
        .iter()
        .map(|found| row::int(found, 0).map(Seq))
        .collect::<Result<Vec<_>, _>>()?;
    freed.sort_unstable();
    Ok(freed)
}

/// The reason of a held input.
pub(crate) fn behind(seq: Seq) -> String {
    format!("behind {seq}")
}
