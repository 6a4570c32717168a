//! Taking items to send, taking unknown ones to look whether they arrived, and how either ended.
//!
//! A claimed item becomes `sending` in a commit of its own, directly before it leaves: what a process that died had only claimed goes back
//! to the others, and what it was sending is unknown. The number of a claim is its fence: whoever lost an item to another claim can neither
//! send nor settle it any more.

use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::OpCtx;
use bedside_fact::clock::{SharedClock, Timestamp};
use bedside_fact::id::TenantId;

use crate::Store;
use crate::audit::append_in;
use crate::backend::{Dialect, Row, Tx, Val};
use crate::error::Error;
use crate::lease::{after, database_time};
use crate::row;
use crate::seal::Sealer;
use crate::source::moment;

/// A claimed item.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboxItem {
    /// Its number within the tenant.
    pub id: i64,
    /// The idempotency key, which goes out with it.
    pub key: String,
    /// Where to.
    pub route: String,
    /// How often it went out, this time included once it is being sent. Looking whether it arrived is no attempt, and neither is what
    /// never left.
    pub attempt: i64,
    /// Which claim this is, to send or to look.
    pub claim: i64,
    /// When it was or is to be sent: for an unknown item, when it last went out.
    pub due: Timestamp,
    /// What was in its way so far: a code or a fixed sentence.
    pub reason: Option<String>,
    /// The case it belongs to.
    pub case: Option<String>,
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

/// How an attempt, or a look at the other side, ended. Reasons hold no patient data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The other side has it: read back and compared.
    Done {
        /// What the other side calls it; sealed.
        remote: Option<String>,
    },
    /// It was sent and certainly not taken; try again at this time.
    Again(Timestamp, String),
    /// It did not leave, or the other side put it off without looking at it: no attempt. Try at this time.
    Later(Timestamp, String),
    /// The other side refused it for good.
    Refused(String),
    /// Nobody knows whether the other side has it.
    Unknown {
        /// Why not.
        reason: String,
        /// When to look; none when looking shows nothing and a person must say.
        check_at: Option<Timestamp>,
    },
}

impl Settlement {
    const fn state(&self) -> &'static str {
        match self {
            Self::Done { .. } => "done",
            Self::Again(..) | Self::Later(..) => "due",
            Self::Refused(_) => "refused",
            Self::Unknown { .. } => "unknown",
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Self::Done { .. } => None,
            Self::Again(_, reason)
            | Self::Later(_, reason)
            | Self::Refused(reason)
            | Self::Unknown { reason, .. } => Some(reason),
        }
    }

    const fn outcome(&self) -> AuditOutcome {
        match self {
            Self::Done { .. } => AuditOutcome::Success,
            Self::Again(..) | Self::Later(..) | Self::Refused(_) | Self::Unknown { .. } => {
                AuditOutcome::Failure
            }
        }
    }
}

impl Store {
    /// Takes up to `limit` items of a route that are due, for `seconds`; each is sent after [`Store::outbox_send`]. Items whose sender
    /// vanished become `unknown` by that, those that it had not begun to send become due again.
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
        self.claim_items(ctx, route, owner, limit, seconds, |dialect| match dialect {
            Dialect::Sqlite => {
                "UPDATE outbox SET state = 'claimed', owner = $3, until = $4, claim = claim + 1 \
                 WHERE tenant = $1 AND id IN (SELECT id FROM outbox WHERE tenant = $1 AND route = $2 AND state = 'due' \
                 AND due <= $5 ORDER BY due, id LIMIT $6) RETURNING id, key, route, attempts, claim, case_id, key_of, payload, due, reason"
            }
            Dialect::Postgres => {
                "UPDATE outbox SET state = 'claimed', owner = $3, until = $4, claim = claim + 1 \
                 WHERE tenant = $1 AND id IN (SELECT id FROM outbox WHERE tenant = $1 AND route = $2 AND state = 'due' \
                 AND due <= $5 ORDER BY due, id LIMIT $6 FOR UPDATE SKIP LOCKED) \
                 RETURNING id, key, route, attempts, claim, case_id, key_of, payload, due, reason"
            }
        })
        .await
    }

    /// Takes up to `limit` unknown items of a route whose next look is due, for `seconds`: to find out, never to send.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn outbox_claim_unknown(
        &self,
        ctx: &OpCtx,
        route: &str,
        owner: &str,
        limit: usize,
        seconds: i64,
    ) -> Result<Vec<OutboxItem>, Error> {
        self.claim_items(ctx, route, owner, limit, seconds, |dialect| match dialect {
            Dialect::Sqlite => {
                "UPDATE outbox SET state = 'checking', owner = $3, until = $4, claim = claim + 1 \
                 WHERE tenant = $1 AND id IN (SELECT id FROM outbox WHERE tenant = $1 AND route = $2 AND state = 'unknown' \
                 AND check_at <= $5 ORDER BY check_at, id LIMIT $6) RETURNING id, key, route, attempts, claim, case_id, key_of, payload, due, reason"
            }
            Dialect::Postgres => {
                "UPDATE outbox SET state = 'checking', owner = $3, until = $4, claim = claim + 1 \
                 WHERE tenant = $1 AND id IN (SELECT id FROM outbox WHERE tenant = $1 AND route = $2 AND state = 'unknown' \
                 AND check_at <= $5 ORDER BY check_at, id LIMIT $6 FOR UPDATE SKIP LOCKED) \
                 RETURNING id, key, route, attempts, claim, case_id, key_of, payload, due, reason"
            }
        })
        .await
    }

    async fn claim_items(
        &self,
        ctx: &OpCtx,
        route: &str,
        owner: &str,
        limit: usize,
        seconds: i64,
        sql: fn(Dialect) -> &'static str,
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
            vanished(tx, &tenant, &route, now, &clock)?;
            let rows = tx.query(
                sql(tx.dialect()),
                &[
                    Val::Text(tenant.as_str()),
                    Val::Text(&route),
                    Val::Text(&owner),
                    Val::Int(after(now, seconds)),
                    Val::Int(clock.now().as_microsecond()),
                    Val::Int(limit),
                ],
            )?;
            let mut items = Vec::with_capacity(rows.len());
            for found in &rows {
                match item(&sealer, found) {
                    Ok(item) => items.push(item),
                    // The patient was shredded: nothing can be sent any more, and nothing waits for it.
                    Err(Error::NotFound(_)) => shredded(tx, &tenant, found, &clock)?,
                    Err(error) => return Err(error),
                }
            }
            // `RETURNING` promises no order.
            items.sort_by_key(|item| item.id);
            Ok(items)
        })
        .await
    }

    /// Notes that a claimed item leaves now, and holds it for `seconds` more. Whatever happens from here on, it may have arrived.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the item is not held by this claim any more: then it must not be sent.
    pub async fn outbox_send(
        &self,
        ctx: &OpCtx,
        item: OutboxItem,
        seconds: i64,
    ) -> Result<OutboxItem, Error> {
        self.guard(ctx, Action::Apply).await?;
        let (tenant, clock) = (self.tenant().clone(), self.clock().clone());
        let (id, claim) = (item.id, item.claim);
        let sent_at = self
            .write(move |tx| {
                let now = database_time(tx, &clock)?;
                let sent_at = clock.now();
                let sending = tx.execute(
                    "UPDATE outbox SET state = 'sending', attempts = attempts + 1, due = $4, until = $5 \
                     WHERE tenant = $1 AND id = $2 AND claim = $3 AND state = 'claimed' AND until > $6",
                    &[
                        Val::Text(tenant.as_str()),
                        Val::Int(id),
                        Val::Int(claim),
                        Val::Int(sent_at.as_microsecond()),
                        Val::Int(after(now, seconds)),
                        Val::Int(now),
                    ],
                )?;
                if sending == 1 { Ok(sent_at) } else { Err(Error::Conflict) }
            })
            .await?;
        Ok(OutboxItem {
            attempt: item.attempt + 1,
            due: sent_at,
            ..item
        })
    }

    /// Writes down how an attempt, or a look at the other side, ended.
    ///
    /// # Errors
    /// [`Error::Conflict`] when the item is not held by this claim any more.
    pub async fn outbox_settle(
        &self,
        ctx: &OpCtx,
        item: &OutboxItem,
        settlement: Settlement,
    ) -> Result<(), Error> {
        self.guard(ctx, Action::Apply).await?;
        let (sealer, tenant) = (self.sealer().clone(), self.tenant().clone());
        let (id, claim) = (item.id, item.claim);
        let entry = Entry::new(ctx, "outbox.settle", settlement.outcome()).detail(format!(
            "outbox {id} on {}, attempt {}: {}",
            item.route,
            item.attempt,
            settlement.state()
        ));
        let now = self.clock().now();
        self.write_and_wake(move |tx| {
            let rows = tx.query(
                "SELECT key, key_of, state FROM outbox WHERE tenant = $1 AND id = $2 AND claim = $3 \
                 AND state IN ('claimed', 'sending', 'checking')",
                &[Val::Text(tenant.as_str()), Val::Int(id), Val::Int(claim)],
            )?;
            let found = rows.first().ok_or(Error::Conflict)?;
            let key_of = row::text(found, 1)?;
            let remote = match &settlement {
                Settlement::Done { remote: Some(remote) } => {
                    let place = sealer.place("outbox", row::text(found, 0)?, "remote");
                    Some(sealer.key_of(key_of)?.seal(place, remote.as_bytes())?)
                }
                Settlement::Done { remote: None }
                | Settlement::Again(..)
                | Settlement::Later(..)
                | Settlement::Refused(_)
                | Settlement::Unknown { .. } => None,
            };
            let no_attempt = matches!(settlement, Settlement::Later(..)) && row::text(found, 2)? == "sending";
            settle(tx, &tenant, id, &settlement, (remote.as_deref(), no_attempt), now)?;
            let mut entry = entry.clone();
            if !key_of.is_empty() {
                entry = entry.patient(key_of);
            }
            append_in(tx, &sealer, &tenant, &[entry], now)
        })
        .await
    }
}

/// What a process that died left half done, at the next start. Nobody knows whether what it was sending arrived: that is to be looked
/// at, and nothing is sent again (promise P8). What it had only claimed never left.
pub(crate) fn orphans(tx: &mut dyn Tx, tenant: &TenantId, now: Timestamp) -> Result<(), Error> {
    tx.execute(
        "UPDATE outbox SET state = 'due', owner = NULL WHERE tenant = $1 AND state = 'claimed'",
        &[Val::Text(tenant.as_str())],
    )?;
    tx.execute(
        "UPDATE outbox SET state = 'unknown', check_at = $2, owner = NULL, reason = 'the sender stopped before it knew the answer' \
         WHERE tenant = $1 AND state = 'sending'",
        &[
            Val::Text(tenant.as_str()),
            Val::Int(now.as_microsecond()),
        ],
    )?;
    tx.execute(
        "UPDATE outbox SET state = 'unknown', check_at = $2, owner = NULL WHERE tenant = $1 AND state = 'checking'",
        &[
            Val::Text(tenant.as_str()),
            Val::Int(now.as_microsecond()),
        ],
    )?;
    Ok(())
}

/// Claims of a route that ran out: as [`orphans`], while the process lives.
fn vanished(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    route: &str,
    now: i64,
    clock: &SharedClock,
) -> Result<(), Error> {
    tx.execute(
        "UPDATE outbox SET state = 'due', owner = NULL WHERE tenant = $1 AND route = $2 AND state = 'claimed' AND until <= $3",
        &[
            Val::Text(tenant.as_str()),
            Val::Text(route),
            Val::Int(now),
        ],
    )?;
    tx.execute(
        "UPDATE outbox SET state = 'unknown', check_at = $4, owner = NULL, \
         reason = CASE WHEN state = 'sending' THEN 'the sender stopped before it knew the answer' ELSE reason END \
         WHERE tenant = $1 AND route = $2 AND state IN ('sending', 'checking') AND until <= $3",
        &[
            Val::Text(tenant.as_str()),
            Val::Text(route),
            Val::Int(now),
            Val::Int(clock.now().as_microsecond()),
        ],
    )?;
    Ok(())
}

fn settle(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    id: i64,
    settlement: &Settlement,
    (remote, no_attempt): (Option<&[u8]>, bool),
    now: Timestamp,
) -> Result<(), Error> {
    let (due, check_at, settled_at) = match settlement {
        Settlement::Again(due, _) | Settlement::Later(due, _) => (Some(*due), None, None),
        Settlement::Unknown { check_at, .. } => (None, *check_at, None),
        Settlement::Done { .. } | Settlement::Refused(_) => (None, None, Some(now)),
    };
    let micros = |at: Option<Timestamp>| at.map_or(Val::Null, |at| Val::Int(at.as_microsecond()));
    tx.execute(
        "UPDATE outbox SET state = $3, due = COALESCE($4, due), check_at = $5, settled_at = $6, reason = $7, remote = $8, owner = NULL, \
         attempts = attempts - $9 WHERE tenant = $1 AND id = $2",
        &[
            Val::Text(tenant.as_str()),
            Val::Int(id),
            Val::Text(settlement.state()),
            micros(due),
            micros(check_at),
            micros(settled_at),
            settlement.reason().map_or(Val::Null, Val::Text),
            remote.map_or(Val::Null, Val::Blob),
            Val::Int(i64::from(no_attempt)),
        ],
    )?;
    Ok(())
}

fn shredded(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    found: &Row,
    clock: &SharedClock,
) -> Result<(), Error> {
    tx.execute(
        "UPDATE outbox SET state = 'refused', owner = NULL, settled_at = $3, reason = 'its patient was shredded' \
         WHERE tenant = $1 AND id = $2",
        &[
            Val::Text(tenant.as_str()),
            Val::Int(row::int(found, 0)?),
            Val::Int(clock.now().as_microsecond()),
        ],
    )?;
    Ok(())
}

fn item(sealer: &Sealer, found: &Row) -> Result<OutboxItem, Error> {
    let key = row::text(found, 1)?.to_owned();
    let payload = sealer.key_of(row::text(found, 6)?)?.open(
        sealer.place("outbox", &key, "payload"),
        row::blob(found, 7)?,
    )?;
    Ok(OutboxItem {
        id: row::int(found, 0)?,
        payload: payload.to_vec(),
        key,
        route: row::text(found, 2)?.to_owned(),
        attempt: row::int(found, 3)?,
        claim: row::int(found, 4)?,
        due: moment(row::int(found, 8)?)?,
        reason: row::text_or_null(found, 9)?.map(str::to_owned),
        case: row::text_or_null(found, 5)?.map(str::to_owned),
    })
}
