//! Leases with fencing (design D14): of all nodes, one works on a thing, and a node that lost it without noticing can't commit.
//!
//! The database's time decides when a lease is over; SQLite has one process, and that one's clock is its time. The fence grows with
//! each taking and never falls. Whoever commits under a lease checks the fence in the same transaction (`check_fence`).

use std::sync::{Arc, Mutex, PoisonError};

use bedside_core::access::Action;
use bedside_core::ctx::OpCtx;
use bedside_fact::clock::SharedClock;
use bedside_fact::id::TenantId;

use crate::Store;
use crate::backend::{Dialect, Tx, Val};
use crate::error::Error;
use crate::row;

/// A fencing token: the number of times this lease was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub i64);

/// A lease that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What kind of work: `lane`, `poller`, `timer`.
    pub kind: String,
    /// On which thing.
    pub key: String,
    /// Which taking.
    pub fence: Fence,
}

/// The lease that commits of this process stand on.
pub(crate) type LaneFence = Arc<Mutex<Option<Held>>>;

impl Store {
    /// Takes the lease for `ttl_seconds`, when nobody holds it or its time is over. The same owner may take it anew; the fence then
    /// shuts out what it started before.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn lease(
        &self,
        ctx: &OpCtx,
        kind: &str,
        key: &str,
        owner: &str,
        ttl_seconds: i64,
    ) -> Result<Option<Fence>, Error> {
        self.guard(ctx, Action::Apply).await?;
        let (tenant, clock) = (self.tenant().clone(), self.clock().clone());
        let (kind, key, owner) = (kind.to_owned(), key.to_owned(), owner.to_owned());
        self.write(move |tx| {
            let now = database_time(tx, &clock)?;
            let rows = tx.query(
                "INSERT INTO lease (tenant, kind, key, owner, fence, until) VALUES ($1, $2, $3, $4, 1, $5) \
                 ON CONFLICT (tenant, kind, key) DO UPDATE SET owner = excluded.owner, fence = lease.fence + 1, until = excluded.until \
                 WHERE lease.until <= $6 OR lease.owner = excluded.owner RETURNING fence",
                &[
                    Val::Text(tenant.as_str()),
                    Val::Text(&kind),
                    Val::Text(&key),
                    Val::Text(&owner),
                    Val::Int(after(now, ttl_seconds)),
                    Val::Int(now),
                ],
            )?;
            rows.first().map(|found| row::int(found, 0).map(Fence)).transpose()
        })
        .await
    }

    /// Holds the lease for `ttl_seconds` more. `false` when somebody else took it meanwhile.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn renew(&self, ctx: &OpCtx, held: &Held, ttl_seconds: i64) -> Result<bool, Error> {
        self.guard(ctx, Action::Apply).await?;
        let (tenant, clock, held) = (self.tenant().clone(), self.clock().clone(), held.clone());
        self.write(move |tx| {
            let until = after(database_time(tx, &clock)?, ttl_seconds);
            set_until(tx, &tenant, &held, until)
        })
        .await
    }

    /// Gives the lease back. Nothing happens when somebody else has it.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn release(&self, ctx: &OpCtx, held: &Held) -> Result<(), Error> {
        self.guard(ctx, Action::Apply).await?;
        let (tenant, held) = (self.tenant().clone(), held.clone());
        self.write(move |tx| set_until(tx, &tenant, &held, 0).map(|_| ()))
            .await
    }

    /// From now on each commit of this process stands on this lease: when another node has taken it, the commit is refused with
    /// [`Error::Conflict`].
    pub fn set_lane_fence(&self, held: Option<Held>) {
        *self
            .lane_fence()
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = held;
    }
}

/// Refuses when the lease was taken by somebody else. On a server the row stays locked until the transaction ends, so that nobody
/// takes it between the check and the commit.
///
/// # Errors
/// [`Error::Conflict`], or what the database said.
pub(crate) fn check_fence(tx: &mut dyn Tx, tenant: &TenantId, held: &Held) -> Result<(), Error> {
    let sql = match tx.dialect() {
        Dialect::Sqlite => "SELECT fence FROM lease WHERE tenant = $1 AND kind = $2 AND key = $3",
        Dialect::Postgres => {
            "SELECT fence FROM lease WHERE tenant = $1 AND kind = $2 AND key = $3 FOR SHARE"
        }
    };
    let rows = tx.query(
        sql,
        &[
            Val::Text(tenant.as_str()),
            Val::Text(&held.kind),
            Val::Text(&held.key),
        ],
    )?;
    match rows.first() {
        Some(found) if row::int(found, 0)? == held.fence.0 => Ok(()),
        Some(_) | None => Err(Error::Conflict),
    }
}

/// Checks the fence that this process set, if any.
///
/// # Errors
/// As [`check_fence`].
pub(crate) fn check_lane_fence(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    fence: &LaneFence,
) -> Result<(), Error> {
    let held = fence.lock().unwrap_or_else(PoisonError::into_inner).clone();
    held.map_or(Ok(()), |held| check_fence(tx, tenant, &held))
}

/// The present time in microseconds, as the database sees it.
///
/// # Errors
/// What the database said.
pub(crate) fn database_time(tx: &mut dyn Tx, clock: &SharedClock) -> Result<i64, Error> {
    match tx.dialect() {
        Dialect::Sqlite => Ok(clock.now().as_microsecond()),
        Dialect::Postgres => {
            let rows = tx.query(
                "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::BIGINT",
                &[],
            )?;
            row::int(row::only(&rows)?, 0)
        }
    }
}

/// `seconds` after a time in microseconds.
pub(crate) const fn after(micros: i64, seconds: i64) -> i64 {
    micros.saturating_add(seconds.saturating_mul(1_000_000))
}

fn set_until(tx: &mut dyn Tx, tenant: &TenantId, held: &Held, until: i64) -> Result<bool, Error> {
    let changed = tx.execute(
        "UPDATE lease SET until = $5 WHERE tenant = $1 AND kind = $2 AND key = $3 AND fence = $4",
        &[
            Val::Text(tenant.as_str()),
            Val::Text(&held.kind),
            Val::Text(&held.key),
            Val::Int(held.fence.0),
            Val::Int(until),
        ],
    )?;
    Ok(changed == 1)
}
