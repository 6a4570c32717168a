//! Polls: what a source is asked again and again, with a cursor that moves only together with what was learned (promise P1).

use std::collections::BTreeSet;

use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::completeness::Asked;
use bedside_core::ctx::OpCtx;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::{SourceId, TenantId};

use crate::audit::append_in;
use crate::backend::{Tx, Val};
use crate::changed::Learned;
use crate::completeness;
use crate::error::Error;
use crate::lease::{Held, check_fence};
use crate::row;
use crate::sequence;
use crate::source::moment;
use crate::store::Store;
use crate::writer::Turn;

/// A poll that is due.
#[derive(Clone, PartialEq, Eq)]
pub struct Poll {
    /// What is asked: ids of ours only, not sealed.
    pub key: String,
    /// When it was due.
    pub due: Timestamp,
    /// Where the last one ended; empty at first. May hold a source's own ids.
    pub cursor: Vec<u8>,
    /// How often in a row it failed.
    pub failures: i64,
    /// When it last succeeded.
    pub last_ok: Option<Timestamp>,
}

/// The cursor is not shown.
impl std::fmt::Debug for Poll {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Poll")
            .field("key", &self.key)
            .field("due", &self.due)
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

/// How a poll ended.
#[derive(Clone)]
pub struct Polled {
    /// The lease that the poller holds.
    pub held: Held,
    /// Whom it asked.
    pub source: SourceId,
    /// What.
    pub key: String,
    /// When to ask again.
    pub due: Timestamp,
    /// Where it ended; sealed here.
    pub cursor: Vec<u8>,
    /// It was answered.
    pub ok: bool,
    /// What was asked of whom and how it went: lines of the ledger of completeness.
    pub asked: Vec<Asked>,
}

impl Store {
    /// Adds polls that are not there yet. Those that are stay as they are.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn ensure_polls(
        &self,
        ctx: &OpCtx,
        source: &SourceId,
        polls: &[(String, Timestamp)],
    ) -> Result<(), Error> {
        self.guard(ctx, Action::Apply).await?;
        if polls.is_empty() {
            return Ok(());
        }
        let (tenant, source, polls) = (self.tenant().clone(), source.clone(), polls.to_vec());
        self.write(move |tx| {
            for (key, due) in &polls {
                tx.execute(
                    "INSERT INTO poll (tenant, source, key, due, failures) VALUES ($1, $2, $3, $4, 0) \
                     ON CONFLICT (tenant, source, key) DO NOTHING",
                    &[
                        Val::Text(tenant.as_str()),
                        Val::Text(source.as_str()),
                        Val::Text(key),
                        Val::Int(due.as_microsecond()),
                    ],
                )?;
            }
            Ok(())
        })
        .await
    }

    /// Polls of a source that are due at `now`, the longest due first.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn polls_due(
        &self,
        ctx: &OpCtx,
        source: &SourceId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Poll>, Error> {
        self.guard(ctx, Action::Apply).await?;
        let (tenant, sealer, source) =
            (self.tenant().clone(), self.sealer().clone(), source.clone());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.read(move |tx| {
            let rows = tx.query(
                "SELECT key, due, cursor, failures, last_ok FROM poll WHERE tenant = $1 AND source = $2 AND due <= $3 \
                 ORDER BY due, key LIMIT $4",
                &[
                    Val::Text(tenant.as_str()),
                    Val::Text(source.as_str()),
                    Val::Int(now.as_microsecond()),
                    Val::Int(limit),
                ],
            )?;
            rows.iter()
                .map(|found| {
                    let key = row::text(found, 0)?.to_owned();
                    let cursor = match row::blob_or_null(found, 2)? {
                        Some(sealed) => {
                            sealer.open("data", "poll", &place(&source, &key), "cursor", sealed)?
                        }
                        None => Vec::new(),
                    };
                    Ok(Poll {
                        due: moment(row::int(found, 1)?)?,
                        failures: row::int(found, 3)?,
                        last_ok: row::int_or_null(found, 4)?.map(moment).transpose()?,
                        cursor,
                        key,
                    })
                })
                .collect()
        })
        .await
    }

    /// When the next poll of a source is due.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn next_poll(
        &self,
        ctx: &OpCtx,
        source: &SourceId,
    ) -> Result<Option<Timestamp>, Error> {
        self.guard(ctx, Action::Apply).await?;
        let (tenant, source) = (self.tenant().clone(), source.clone());
        self.read(move |tx| {
            let rows = tx.query(
                "SELECT due FROM poll WHERE tenant = $1 AND source = $2 ORDER BY due LIMIT 1",
                &[Val::Text(tenant.as_str()), Val::Text(source.as_str())],
            )?;
            rows.first()
                .map(|found| moment(row::int(found, 0)?))
                .transpose()
        })
        .await
    }

    /// Makes the end of a poll true: cursor, next time and ledger together.
    ///
    /// # Errors
    /// As [`Store::polled_many`].
    pub async fn polled(&self, ctx: &OpCtx, polled: Polled) -> Result<(), Error> {
        self.polled_many(ctx, vec![polled]).await
    }

    /// Makes the ends of polls true in one transaction. A poll that was dropped meanwhile stays dropped; what it was answered counts.
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::Conflict`] when another node polls this source now; or what the database said. Then nothing of it is
    /// true.
    pub async fn polled_many(&self, ctx: &OpCtx, polled: Vec<Polled>) -> Result<(), Error> {
        self.guard(ctx, Action::Apply).await?;
        if polled.is_empty() {
            return Ok(());
        }
        let (tenant, sealer, now) = (self.tenant().clone(), self.sealer().clone(), ctx.now());
        let cursors = polled
            .iter()
            .map(|one| {
                let at = place(&one.source, &one.key);
                sealer.seal("data", "poll", &at, "cursor", &one.cursor)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let asked: Vec<Asked> = polled.iter().flat_map(|one| one.asked.clone()).collect();
        let entry = Entry::new(ctx, "source.ask", AuditOutcome::Success);
        let about: BTreeSet<(&str, &str)> = asked
            .iter()
            .map(|line| (line.patient.as_str(), line.source.as_str()))
            .collect();
        let entries: Vec<Entry> = about
            .into_iter()
            .map(|(patient, source)| {
                entry
                    .clone()
                    .patient(patient)
                    .detail(format!("source {source}"))
            })
            .collect();
        let changes = self.inner.changes.clone();
        self.inner
            .data
            .writer
            .write_then(
                0,
                Turn::Later,
                move |tx| {
                    let mut fences: Vec<&Held> = Vec::new();
                    for (one, cursor) in polled.iter().zip(&cursors) {
                        if !fences.contains(&&one.held) {
                            check_fence(tx, &tenant, &one.held)?;
                            fences.push(&one.held);
                        }
                        moved(tx, &tenant, one, cursor, now)?;
                    }
                    if asked.is_empty() {
                        return Ok(None);
                    }
                    let seq = sequence::take(tx, &tenant, 1)?;
                    sequence::tick(tx, &tenant, seq, now)?;
                    let mut learned = Learned::default();
                    completeness::write(tx, &tenant, &asked, seq, &mut learned)?;
                    learned.write(tx, &tenant, seq)?;
                    append_in(tx, &sealer, &tenant, &entries, now)?;
                    Ok(Some(seq))
                },
                move |result: &Result<Option<i64>, Error>| {
                    if let Ok(Some(seq)) = result {
                        Self::moved_to(&changes, *seq);
                    }
                },
            )
            .await
            .map(|_| ())
    }

    /// Stops polls. What they learned stays.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn drop_polls(
        &self,
        ctx: &OpCtx,
        source: &SourceId,
        keys: &[String],
    ) -> Result<(), Error> {
        self.guard(ctx, Action::Apply).await?;
        if keys.is_empty() {
            return Ok(());
        }
        let (tenant, source, keys) = (self.tenant().clone(), source.clone(), keys.to_vec());
        self.write(move |tx| {
            for key in &keys {
                tx.execute(
                    "DELETE FROM poll WHERE tenant = $1 AND source = $2 AND key = $3",
                    &[
                        Val::Text(tenant.as_str()),
                        Val::Text(source.as_str()),
                        Val::Text(key),
                    ],
                )?;
            }
            Ok(())
        })
        .await
    }
}

fn moved(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    one: &Polled,
    cursor: &[u8],
    now: Timestamp,
) -> Result<(), Error> {
    let sql = if one.ok {
        "UPDATE poll SET due = $4, cursor = $5, failures = 0, last_ok = $6 WHERE tenant = $1 AND source = $2 AND key = $3"
    } else {
        "UPDATE poll SET due = $4, cursor = $5, failures = failures + 1, last_ok = COALESCE(last_ok, $6) \
         WHERE tenant = $1 AND source = $2 AND key = $3"
    };
    tx.execute(
        sql,
        &[
            Val::Text(tenant.as_str()),
            Val::Text(one.source.as_str()),
            Val::Text(&one.key),
            Val::Int(one.due.as_microsecond()),
            Val::Blob(cursor),
            if one.ok {
                Val::Int(now.as_microsecond())
            } else {
                Val::Null
            },
        ],
    )?;
    Ok(())
}

fn place(source: &SourceId, key: &str) -> String {
    format!("{source}/{key}")
}
