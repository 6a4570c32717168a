//! Adds entries to the log inside somebody's transaction.

use bedside_core::audit::Entry;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::TenantId;
use bedside_ledger::tree::leaf_hash;

use super::leaf;
use crate::backend::{Dialect, Tx, Val};
use crate::error::Error;
use crate::row;
use crate::seal::Sealer;

/// Adds `entries` in order. They become durable with the transaction, or not at all.
///
/// # Errors
/// What the database or the sealing said.
pub(crate) fn append_in(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    entries: &[Entry],
    at: Timestamp,
) -> Result<(), Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let (first, sequence) = reserve(tx, tenant, entries.len())?;
    for (entry, index) in entries.iter().zip(first..) {
        insert(tx, sealer, tenant, entry, index, sequence, at)?;
    }
    Ok(())
}

/// Takes an entry over from the second sink, once: `false` when an earlier attempt already did.
///
/// # Errors
/// What the database or the sealing said.
pub(crate) fn append_late(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    id: &str,
    entry: &Entry,
    at: Timestamp,
) -> Result<bool, Error> {
    let known = tx.query(
        "SELECT idx FROM audit_late WHERE tenant = $1 AND id = $2",
        &[Val::Text(tenant.as_str()), Val::Text(id)],
    )?;
    if !known.is_empty() {
        return Ok(false);
    }
    let (index, sequence) = reserve(tx, tenant, 1)?;
    tx.execute(
        "INSERT INTO audit_late (tenant, id, idx) VALUES ($1, $2, $3)",
        &[Val::Text(tenant.as_str()), Val::Text(id), Val::Int(index)],
    )?;
    insert(tx, sealer, tenant, entry, index, sequence, at)?;
    Ok(true)
}

/// The first of `count` new positions, and the tenant's last sequence number.
///
/// The row of the sequence is locked before that of the log. Everybody who takes a sequence number adds an entry after it, so
/// the order is the same for all, and two nodes can't wait for each other.
fn reserve(tx: &mut dyn Tx, tenant: &TenantId, count: usize) -> Result<(i64, i64), Error> {
    let sql = match tx.dialect() {
        Dialect::Sqlite => "SELECT next FROM counter WHERE tenant = $1 AND name = 'seq'",
        Dialect::Postgres => {
            "SELECT next FROM counter WHERE tenant = $1 AND name = 'seq' FOR UPDATE"
        }
    };
    let rows = tx.query(sql, &[Val::Text(tenant.as_str())])?;
    let sequence = match rows.first() {
        Some(found) => (row::int(found, 0)? - 1).max(0),
        None => 0,
    };
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let rows = tx.query(
        "INSERT INTO counter (tenant, name, next) VALUES ($1, 'audit', $2) \
         ON CONFLICT (tenant, name) DO UPDATE SET next = counter.next + $2 RETURNING next",
        &[Val::Text(tenant.as_str()), Val::Int(count)],
    )?;
    let next = row::int(row::only(&rows)?, 0)?;
    Ok((next - count, sequence))
}

fn insert(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    entry: &Entry,
    index: i64,
    sequence: i64,
    at: Timestamp,
) -> Result<(), Error> {
    let bytes = leaf::seal(sealer, entry, index, sequence, at)?;
    let hash = leaf_hash(&bytes);
    tx.execute(
        "INSERT INTO audit_entry (tenant, idx, leaf, hash) VALUES ($1, $2, $3, $4)",
        &[
            Val::Text(tenant.as_str()),
            Val::Int(index),
            Val::Blob(&bytes),
            Val::Blob(&hash),
        ],
    )?;
    Ok(())
}
