//! The tenant's one sequence (design D8) and the moments that go with it (D7).

use bedside_fact::clock::Timestamp;
use bedside_fact::id::TenantId;

use crate::backend::{Tx, Val};
use crate::error::Error;
use crate::row;

/// Counters of resources begin with this; the rest is the source.
const RESOURCES: &str = "resources/";

/// Makes the counter when the store is new.
pub(crate) fn prepare(tx: &mut dyn Tx, tenant: &TenantId) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO counter (tenant, name, next) VALUES ($1, 'seq', 1) ON CONFLICT (tenant, name) DO NOTHING",
        &[Val::Text(tenant.as_str())],
    )?;
    Ok(())
}

/// Takes `count` positions and yields the first. Nobody else gets one before this transaction ends.
pub(crate) fn take(tx: &mut dyn Tx, tenant: &TenantId, count: i64) -> Result<i64, Error> {
    let rows = tx.query(
        "UPDATE counter SET next = next + $2 WHERE tenant = $1 AND name = 'seq' RETURNING next",
        &[Val::Text(tenant.as_str()), Val::Int(count)],
    )?;
    Ok(row::int(row::only(&rows)?, 0)? - count)
}

/// The last position taken.
pub(crate) fn last(tx: &mut dyn Tx, tenant: &TenantId) -> Result<i64, Error> {
    let rows = tx.query(
        "SELECT next FROM counter WHERE tenant = $1 AND name = 'seq'",
        &[Val::Text(tenant.as_str())],
    )?;
    Ok(rows
        .first()
        .map(|found| row::int(found, 0))
        .transpose()?
        .unwrap_or(1)
        - 1)
}

/// Counts resources that are new at a source, so that a live page need not count them each time.
pub(crate) fn count_resources(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    source: &str,
    count: i64,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO counter (tenant, name, next) VALUES ($1, $2, $3) \
         ON CONFLICT (tenant, name) DO UPDATE SET next = counter.next + $3",
        &[
            Val::Text(tenant.as_str()),
            Val::Text(&format!("{RESOURCES}{source}")),
            Val::Int(count),
        ],
    )?;
    Ok(())
}

/// How many resources each source has.
pub(crate) fn resources(tx: &mut dyn Tx, tenant: &TenantId) -> Result<Vec<(String, u64)>, Error> {
    let rows = tx.query(
        "SELECT name, next FROM counter WHERE tenant = $1",
        &[Val::Text(tenant.as_str())],
    )?;
    let mut counts = Vec::new();
    for found in &rows {
        if let Some(source) = row::text(found, 0)?.strip_prefix(RESOURCES) {
            counts.push((source.to_owned(), row::count(found, 1)?));
        }
    }
    Ok(counts)
}

/// Notes that the record moved to `seq`, and yields the moment. A clock that was set back does not take knowledge back: the moment is
/// never before that of the position before.
pub(crate) fn tick(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    seq: i64,
    now: Timestamp,
) -> Result<i64, Error> {
    let rows = tx.query(
        "SELECT at FROM tick WHERE tenant = $1 ORDER BY seq DESC LIMIT 1",
        &[Val::Text(tenant.as_str())],
    )?;
    let before = rows.first().map(|found| row::int(found, 0)).transpose()?;
    let at = now.as_microsecond().max(before.unwrap_or(i64::MIN));
    tx.execute(
        "INSERT INTO tick (tenant, seq, at) VALUES ($1, $2, $3)",
        &[Val::Text(tenant.as_str()), Val::Int(seq), Val::Int(at)],
    )?;
    Ok(at)
}

/// The position that stood at a moment: the last when none is given, 0 before the first.
pub(crate) fn at(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    moment: Option<Timestamp>,
) -> Result<i64, Error> {
    let Some(moment) = moment else {
        return last(tx, tenant);
    };
    let rows = tx.query(
        "SELECT seq FROM tick WHERE tenant = $1 AND at <= $2 ORDER BY at DESC, seq DESC LIMIT 1",
        &[
            Val::Text(tenant.as_str()),
            Val::Int(moment.as_microsecond()),
        ],
    )?;
    Ok(rows
        .first()
        .map(|found| row::int(found, 0))
        .transpose()?
        .unwrap_or(0))
}
