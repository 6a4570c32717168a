//! What is owed to the outside (promises P2 and P8).
//!
//! Each item has an idempotency key: the same key is the same item, however often it is put. An item whose sender vanished is not
//! sent again: it becomes `unknown`, until somebody looked at the other side. How an item is sent is `gateway`'s affair.

use aws_lc_rs::digest::{SHA256, digest};
use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::OpCtx;
use bedside_fact::clock::Timestamp;

use crate::Store;
use crate::audit::append_in;
use crate::backend::{Cell, Dialect, Val};
use crate::error::Error;
use crate::lease::{after, database_time};
use crate::row;
use crate::seal::Sealer;

/// A claimed item.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboxItem {
    /// Its number within the tenant.
    pub id: i64,
    /// The idempotency key, which goes out with it.
    pub key: String,
    /// Where to.
    pub route: String,
    /// Which attempt this is, from 1.
    pub attempt: i64,
    /// What to send.
    pub payload: Vec<u8>,
}

impl std::fmt::Debug for OutboxItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboxItem")
            .field("id", &self.id)
            .field("route", &self.route)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// How an attempt ended. Reasons hold no patient data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The other side has it: read back and compared.
    Done,
    /// It was certainly not taken; try again at this time.
    Again(Timestamp, String),
    /// The other side refused it for good.
    Refused(String),
    /// Nobody knows whether the other side has it.
    Unknown(String),
}

impl Settlement {
    const fn state(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Again(..) => "due",
            Self::Refused(_) => "refused",
            Self::Unknown(_) => "unknown",
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Done => None,
            Self::Again(_, reason) | Self::Refused(reason) | Self::Unknown(reason) => Some(reason),
        }
    }
}

impl Store {
    /// Notes that `payload` is owed on `route`. Yields the item's number, and whether it is new: a second item of the same key is the
    /// first one.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the key stands for another route or payload; [`Error::Denied`].
    pub async fn outbox_put(
        &self,
        ctx: &OpCtx,
        key: &str,
        route: &str,
        due: Timestamp,
        payload: &[u8],
    ) -> Result<(i64, bool), Error> {
        self.guard(ctx, Action::Apply).await?;
        let (sealer, tenant) = (self.sealer().clone(), self.tenant().clone());
        let (key, route) = (key.to_owned(), route.to_owned());
        // A plain hash of a short payload could be guessed, so it is a hash under the index key.
        let token = sealer
            .token("outbox.payload", digest(&SHA256, payload).as_ref())
            .0;
        let sealed = sealer.seal("data", "outbox", &key, "payload", payload)?;
        let entry = Entry::new(ctx, "outbox.put", AuditOutcome::Success);
        let now = self.clock().now();
        self.write(move |tx| {
            let rows = tx.query(
                "SELECT id, route, digest FROM outbox WHERE tenant = $1 AND key = $2",
                &[Val::Text(tenant.as_str()), Val::Text(&key)],
            )?;
            if let Some(found) = rows.first() {
                let same = row::text(found, 1)? == route && row::blob(found, 2)? == token;
                return if same { Ok((row::int(found, 0)?, false)) } else { Err(Error::Conflict) };
            }
            let rows = tx.query(
                "INSERT INTO counter (tenant, name, next) VALUES ($1, 'outbox', 2) \
                 ON CONFLICT (tenant, name) DO UPDATE SET next = counter.next + 1 RETURNING next",
                &[Val::Text(tenant.as_str())],
            )?;
            let id = row::int(row::only(&rows)?, 0)? - 1;
            tx.execute(
                "INSERT INTO outbox (tenant, id, key, route, state, due, attempts, until, digest, payload, created_at) \
                 VALUES ($1, $2, $3, $4, 'due', $5, 0, 0, $6, $7, $8)",
                &[
                    Val::Text(tenant.as_str()),
                    Val::Int(id),
                    Val::Text(&key),
                    Val::Text(&route),
                    Val::Int(due.as_microsecond()),
                    Val::Blob(&token),
                    Val::Blob(&sealed),
                    Val::Int(now.as_microsecond()),
                ],
            )?;
            let entry = entry.clone().detail(format!("outbox {id} on {route}"));
            append_in(tx, &sealer, &tenant, &[entry], now)?;
            Ok((id, true))
        })
        .await
    }

    /// Takes up to `limit` items of a route that are due, for `seconds`. Items whose sender vanished become `unknown` by that.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn outbox_claim(
        &self,
        ctx: &OpCtx,
        route: &str,
        owner: &str,
        limit: usize,
        seconds: i64,
    ) -> Result<Vec<OutboxItem>, Error> {
        self.guard(ctx, Action::Apply).await?;
        let (sealer, tenant, clock) = (
            self.sealer().clone(),
            self.tenant().clone(),
            self.clock().clone(),
        );
        let (route, owner) = (route.to_owned(), owner.to_owned());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.write(move |tx| {
            let now = database_time(tx, &clock)?;
            tx.execute(
                "UPDATE outbox SET state = 'unknown', reason = 'the sender stopped before it knew the answer' \
                 WHERE tenant = $1 AND route = $2 AND state = 'sending' AND until <= $3",
                &[Val::Text(tenant.as_str()), Val::Text(&route), Val::Int(now)],
            )?;
            let sql = match tx.dialect() {
                Dialect::Sqlite => {
                    "UPDATE outbox SET state = 'sending', owner = $3, until = $4, attempts = attempts + 1 \
                     WHERE tenant = $1 AND id IN (SELECT id FROM outbox WHERE tenant = $1 AND route = $2 AND state = 'due' \
                     AND due <= $5 ORDER BY due, id LIMIT $6) RETURNING id, key, route, attempts, payload"
                }
                Dialect::Postgres => {
                    "UPDATE outbox SET state = 'sending', owner = $3, until = $4, attempts = attempts + 1 \
                     WHERE tenant = $1 AND id IN (SELECT id FROM outbox WHERE tenant = $1 AND route = $2 AND state = 'due' \
                     AND due <= $5 ORDER BY due, id LIMIT $6 FOR UPDATE SKIP LOCKED) RETURNING id, key, route, attempts, payload"
                }
            };
            let rows = tx.query(
                sql,
                &[
                    Val::Text(tenant.as_str()),
                    Val::Text(&route),
                    Val::Text(&owner),
                    Val::Int(after(now, seconds)),
                    Val::Int(clock.now().as_microsecond()),
                    Val::Int(limit),
                ],
            )?;
            let mut items = rows.iter().map(|found| item(&sealer, found)).collect::<Result<Vec<_>, _>>()?;
            // `RETURNING` promises no order.
            items.sort_by_key(|item| item.id);
            Ok(items)
        })
        .await
    }

    /// Writes down how an attempt ended.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the item is not being sent in this attempt any more.
    pub async fn outbox_settle(
        &self,
        ctx: &OpCtx,
        item: &OutboxItem,
        settlement: Settlement,
    ) -> Result<(), Error> {
        self.guard(ctx, Action::Apply).await?;
        let (sealer, tenant) = (self.sealer().clone(), self.tenant().clone());
        let (id, attempt) = (item.id, item.attempt);
        let outcome = match &settlement {
            Settlement::Done => AuditOutcome::Success,
            Settlement::Again(..) | Settlement::Refused(_) | Settlement::Unknown(_) => {
                AuditOutcome::Failure
            }
        };
        let entry = Entry::new(ctx, "outbox.settle", outcome).detail(format!(
            "outbox {id} on {}, attempt {attempt}: {}",
            item.route,
            settlement.state()
        ));
        let now = self.clock().now();
        self.write(move |tx| {
            let due = match &settlement {
                Settlement::Again(due, _) => Val::Int(due.as_microsecond()),
                Settlement::Done | Settlement::Refused(_) | Settlement::Unknown(_) => Val::Null,
            };
            let changed = tx.execute(
                "UPDATE outbox SET state = $4, due = COALESCE($5, due), reason = $6, owner = NULL \
                 WHERE tenant = $1 AND id = $2 AND attempts = $3 AND state = 'sending'",
                &[
                    Val::Text(tenant.as_str()),
                    Val::Int(id),
                    Val::Int(attempt),
                    Val::Text(settlement.state()),
                    due,
                    settlement.reason().map_or(Val::Null, Val::Text),
                ],
            )?;
            if changed != 1 {
                return Err(Error::Conflict);
            }
            append_in(tx, &sealer, &tenant, std::slice::from_ref(&entry), now)
        })
        .await
    }
}

fn item(sealer: &Sealer, found: &[Cell]) -> Result<OutboxItem, Error> {
    let key = row::text(found, 1)?.to_owned();
    Ok(OutboxItem {
        id: row::int(found, 0)?,
        payload: sealer.open("data", "outbox", &key, "payload", row::blob(found, 4)?)?,
        key,
        route: row::text(found, 2)?.to_owned(),
        attempt: row::int(found, 3)?,
    })
}
