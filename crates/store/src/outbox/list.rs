//! Looking into the outbox: lists and counts without payloads, and one item with its payload.

use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::{OpCtx, Role};
use bedside_fact::clock::Timestamp;

use crate::Store;
use crate::backend::{Row, Val};
use crate::error::Error;
use crate::row;
use crate::seal::Sealer;
use crate::source::moment;

/// Which items to list. Nothing said means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutboxFilter {
    /// Without those that are done or refused.
    pub open_only: bool,
    /// Of one route.
    pub route: Option<String>,
    /// Of one case.
    pub case: Option<String>,
    /// How many at most.
    pub limit: usize,
}

/// A line of the outbox.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its number within the tenant.
    pub id: i64,
    /// The idempotency key.
    pub key: String,
    /// Where to.
    pub route: String,
    /// `due`, `claimed`, `sending`, `unknown`, `checking`, `done`, `refused`.
    pub state: String,
    /// When it is or was to be sent.
    pub due: Timestamp,
    /// How often it was sent.
    pub attempts: i64,
    /// What is in its way: a code or a fixed sentence.
    pub reason: Option<String>,
    /// The case it belongs to.
    pub case: Option<String>,
    /// Since when it is owed.
    pub created_at: Timestamp,
    /// When it ended.
    pub settled_at: Option<Timestamp>,
    /// What the other side calls it.
    pub remote: Option<String>,
    /// When somebody looks next whether it arrived; none for an unknown item means that a person must say.
    pub check_at: Option<Timestamp>,
}

/// The other side's id is not shown.
impl std::fmt::Debug for OutboxRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboxRow")
            .field("id", &self.id)
            .field("route", &self.route)
            .field("state", &self.state)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

/// How many items there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxCounts {
    /// Waiting to be sent.
    pub due: u64,
    /// Being sent.
    pub sending: u64,
    /// Read back and found the same.
    pub confirmed: u64,
    /// Of which nobody knows whether they arrived.
    pub unknown: u64,
    /// Refused for good.
    pub refused: u64,
}

impl Store {
    /// Items: open ones in the order in which they are due, ended ones after them, the latest first. No payload.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn outbox(
        &self,
        ctx: &OpCtx,
        filter: &OutboxFilter,
    ) -> Result<Vec<OutboxRow>, Error> {
        self.guard(ctx, Action::ReadOperations).await?;
        self.looked(ctx, "outbox").await?;
        let (tenant, sealer, filter) =
            (self.tenant().clone(), self.sealer().clone(), filter.clone());
        self.read(move |tx| {
            let mut found: Vec<Row> = Vec::new();
            for sql in [
                "SELECT id, key, route, state, due, attempts, reason, case_id, created_at, settled_at, remote, key_of, check_at \
                 FROM outbox WHERE tenant = $1 AND state IN ('due', 'claimed', 'sending', 'unknown', 'checking') AND (route = $2 OR $2 IS NULL) \
                 AND (case_id = $3 OR $3 IS NULL) ORDER BY due, id LIMIT $4",
                "SELECT id, key, route, state, due, attempts, reason, case_id, created_at, settled_at, remote, key_of, check_at \
                 FROM outbox WHERE tenant = $1 AND state IN ('done', 'refused') AND (route = $2 OR $2 IS NULL) \
                 AND (case_id = $3 OR $3 IS NULL) ORDER BY id DESC LIMIT $4",
            ] {
                let left = filter.limit.saturating_sub(found.len());
                if left == 0 {
                    break;
                }
                found.extend(tx.query(
                    sql,
                    &[
                        Val::Text(tenant.as_str()),
                        filter.route.as_deref().map_or(Val::Null, Val::Text),
                        filter.case.as_deref().map_or(Val::Null, Val::Text),
                        Val::Int(i64::try_from(left).unwrap_or(i64::MAX)),
                    ],
                )?);
                if filter.open_only {
                    break;
                }
            }
            found.iter().map(|found| line(&sealer, found)).collect()
        })
        .await
    }

    /// An item with its payload, which is patient data: for clinicians, and for an engineer with a reason.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`], [`Error::Unavailable`] when the log can't be written, or what the database said.
    pub async fn outbox_show(&self, ctx: &OpCtx, id: i64) -> Result<(OutboxRow, Vec<u8>), Error> {
        let action = if ctx.role == Role::Clinician {
            Action::ReadWorklist
        } else {
            Action::ReadRaw
        };
        self.guard(ctx, action).await?;
        let (tenant, sealer) = (self.tenant().clone(), self.sealer().clone());
        let (line, patient, payload) = self
            .read(move |tx| {
                let rows = tx.query(
                    "SELECT id, key, route, state, due, attempts, reason, case_id, created_at, settled_at, remote, key_of, check_at, \
                     payload FROM outbox WHERE tenant = $1 AND id = $2",
                    &[Val::Text(tenant.as_str()), Val::Int(id)],
                )?;
                let found = rows.first().ok_or(Error::NotFound("outbox item"))?;
                let (key, key_of) = (row::text(found, 1)?, row::text(found, 11)?);
                let payload = sealer
                    .key_of(key_of)?
                    .open(sealer.place("outbox", key, "payload"), row::blob(found, 13)?)?;
                Ok((line(&sealer, found)?, key_of.to_owned(), payload.to_vec()))
            })
            .await?;
        let mut entry =
            Entry::new(ctx, action.as_str(), AuditOutcome::Success).detail(format!("outbox {id}"));
        if !patient.is_empty() {
            entry = entry.patient(&patient);
        }
        self.audit(ctx, entry).await?;
        Ok((line, payload))
    }

    /// When the next item of a route, or of any, is to be sent or looked at.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn outbox_next(
        &self,
        ctx: &OpCtx,
        route: Option<&str>,
    ) -> Result<Option<Timestamp>, Error> {
        self.guard(ctx, Action::ReadOperations).await?;
        let (tenant, route) = (self.tenant().clone(), route.map(str::to_owned));
        self.read(move |tx| {
            let mut next: Option<i64> = None;
            for sql in [
                "SELECT due FROM outbox WHERE tenant = $1 AND state = 'due' AND (route = $2 OR $2 IS NULL) ORDER BY due LIMIT 1",
                "SELECT check_at FROM outbox WHERE tenant = $1 AND state = 'unknown' AND check_at IS NOT NULL AND (route = $2 OR $2 IS NULL) \
                 ORDER BY check_at LIMIT 1",
            ] {
                let rows = tx.query(
                    sql,
                    &[
                        Val::Text(tenant.as_str()),
                        route.as_deref().map_or(Val::Null, Val::Text),
                    ],
                )?;
                if let Some(found) = rows.first() {
                    let at = row::int(found, 0)?;
                    next = Some(next.map_or(at, |before| before.min(at)));
                }
            }
            next.map(moment).transpose()
        })
        .await
    }

    /// How many items there are.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn outbox_counts(&self, ctx: &OpCtx) -> Result<OutboxCounts, Error> {
        self.guard(ctx, Action::ReadOperations).await?;
        let tenant = self.tenant().clone();
        self.read(move |tx| {
            let rows = tx.query(
                "SELECT state, count(*) FROM outbox WHERE tenant = $1 GROUP BY state",
                &[Val::Text(tenant.as_str())],
            )?;
            let mut counts = OutboxCounts::default();
            for found in &rows {
                let count = row::count(found, 1)?;
                match row::text(found, 0)? {
                    // Taken in hand, and not gone yet.
                    "due" | "claimed" => counts.due += count,
                    "sending" => counts.sending += count,
                    "done" => counts.confirmed += count,
                    "refused" => counts.refused += count,
                    // Being looked at is not knowing either.
                    _ => counts.unknown += count,
                }
            }
            Ok(counts)
        })
        .await
    }
}

fn line(sealer: &Sealer, found: &Row) -> Result<OutboxRow, Error> {
    let key = row::text(found, 1)?.to_owned();
    let at = |column| -> Result<Option<Timestamp>, Error> {
        row::int_or_null(found, column)?.map(moment).transpose()
    };
    let remote = match row::blob_or_null(found, 10)? {
        Some(sealed) => match sealer.key_of(row::text(found, 11)?) {
            Ok(opener) => {
                let plain = opener.open(sealer.place("outbox", &key, "remote"), sealed)?;
                Some(String::from_utf8(plain.to_vec()).map_err(|_| {
                    Error::Corrupt(String::from("an id of the other side is not UTF-8"))
                })?)
            }
            // The patient was shredded; that something was sent stays known.
            Err(Error::NotFound(_)) => None,
            Err(error) => return Err(error),
        },
        None => None,
    };
    Ok(OutboxRow {
        id: row::int(found, 0)?,
        route: row::text(found, 2)?.to_owned(),
        state: row::text(found, 3)?.to_owned(),
        due: moment(row::int(found, 4)?)?,
        attempts: row::int(found, 5)?,
        reason: row::text_or_null(found, 6)?.map(str::to_owned),
        case: row::text_or_null(found, 7)?.map(str::to_owned),
        created_at: moment(row::int(found, 8)?)?,
        settled_at: at(9)?,
        check_at: at(12)?,
        remote,
        key,
    })
}
