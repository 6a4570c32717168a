//! Putting an item into the outbox.

use aws_lc_rs::digest::{SHA256, digest};
use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::OpCtx;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::{TenantId, Token};

use crate::Store;
use crate::audit::append_in;
use crate::backend::{Tx, Val};
use crate::case::OutboxPut;
use crate::error::Error;
use crate::row;
use crate::seal::{Sealer, SecretKey};

/// An item, sealed on the caller's thread.
pub(crate) struct Put {
    key: String,
    route: String,
    due: Timestamp,
    case: Option<String>,
    key_of: String,
    token: Token,
    sealed: Vec<u8>,
}

impl Put {
    /// Seals an item with `key`, which is that of the patient `key_of`, or the tenant's when that is empty.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub(crate) fn new(
        sealer: &Sealer,
        key: &SecretKey,
        key_of: &str,
        put: OutboxPut,
    ) -> Result<Self, Error> {
        Ok(Self {
            // A plain hash of a short payload could be guessed, so it is a hash under the index key.
            token: sealer.token("outbox.payload", digest(&SHA256, &put.payload).as_ref()),
            sealed: key.seal(sealer.place("outbox", &put.key, "payload"), &put.payload)?,
            key: put.key,
            route: put.route,
            due: put.due,
            case: put.case,
            key_of: key_of.to_owned(),
        })
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
        let put = Put::new(
            &sealer,
            sealer.data(),
            "",
            OutboxPut {
                key: key.to_owned(),
                route: route.to_owned(),
                due,
                payload: payload.to_vec(),
                case: None,
            },
        )?;
        let entry = Entry::new(ctx, "outbox.put", AuditOutcome::Success);
        let now = self.clock().now();
        self.write(move |tx| {
            let (id, new) = put_in(tx, &tenant, &put, now)?;
            if new {
                let entry = entry
                    .clone()
                    .detail(format!("outbox {id} on {}", put.route));
                append_in(tx, &sealer, &tenant, &[entry], now)?;
            }
            Ok((id, new))
        })
        .await
    }
}

/// Puts an item, once for each key.
///
/// # Errors
/// [`Error::Conflict`] when the key stands for another route or payload; or what the database said.
pub(crate) fn put_in(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    put: &Put,
    now: Timestamp,
) -> Result<(i64, bool), Error> {
    let rows = tx.query(
        "SELECT id, route, digest FROM outbox WHERE tenant = $1 AND key = $2",
        &[Val::Text(tenant.as_str()), Val::Text(&put.key)],
    )?;
    if let Some(found) = rows.first() {
        let same = row::text(found, 1)? == put.route && row::blob(found, 2)? == put.token.0;
        return if same {
            Ok((row::int(found, 0)?, false))
        } else {
            Err(Error::Conflict)
        };
    }
    let rows = tx.query(
        "INSERT INTO counter (tenant, name, next) VALUES ($1, 'outbox', 2) \
         ON CONFLICT (tenant, name) DO UPDATE SET next = counter.next + 1 RETURNING next",
        &[Val::Text(tenant.as_str())],
    )?;
    let id = row::int(row::only(&rows)?, 0)? - 1;
    tx.execute(
        "INSERT INTO outbox (tenant, id, key, route, state, due, attempts, until, digest, payload, created_at, case_id, key_of) \
         VALUES ($1, $2, $3, $4, 'due', $5, 0, 0, $6, $7, $8, $9, $10)",
        &[
            Val::Text(tenant.as_str()),
            Val::Int(id),
            Val::Text(&put.key),
            Val::Text(&put.route),
            Val::Int(put.due.as_microsecond()),
            Val::Blob(&put.token.0),
            Val::Blob(&put.sealed),
            Val::Int(now.as_microsecond()),
            put.case.as_deref().map_or(Val::Null, Val::Text),
            Val::Text(&put.key_of),
        ],
    )?;
    Ok((id, true))
}
