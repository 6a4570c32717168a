//! The tenant's own keys, stored wrapped by the key-encryption key.
//!
//! `data` seals bodies and wraps patients' keys, `id` makes public ids and is never rotated, `index` makes tokens, `audit` seals the
//! entries of the log.

use bedside_fact::id::TenantId;

use crate::backend::{Backend, Tx, Val};
use crate::error::Error;
use crate::row;
use crate::seal::file::KeyFile;
use crate::seal::key::{Place, SecretKey};

/// The first epoch; rotation adds later ones.
const EPOCH: i64 = 1;

pub(super) struct TenantKeys {
    pub(super) data: SecretKey,
    pub(super) id: SecretKey,
    pub(super) index: SecretKey,
    pub(super) audit: SecretKey,
}

impl TenantKeys {
    pub(super) fn load_or_make(
        file: &KeyFile,
        tenant: &TenantId,
        database: &dyn Backend,
        now: i64,
    ) -> Result<Self, Error> {
        // The first key to be opened is also the proof that the key file belongs to this store.
        let one = |name: &'static str| -> Result<SecretKey, Error> {
            let place_row = format!("{name}/{EPOCH}");
            let place = Place {
                tenant: tenant.as_str(),
                table: "tenant_key",
                row: &place_row,
                column: "wrapped",
            };
            let mut stored = None;
            database.read(&mut |tx| {
                stored = find(tx, tenant, name)?;
                Ok(())
            })?;
            if stored.is_none() {
                let made = file
                    .master()
                    .wrap(place, &SecretKey::generate(&place_row)?)?;
                database.write(&mut |tx| {
                    tx.execute(
                        "INSERT INTO tenant_key (tenant, name, epoch, wrapped, created_at) VALUES ($1, $2, $3, $4, $5) \
                         ON CONFLICT (tenant, name, epoch) DO NOTHING",
                        &[
                            Val::Text(tenant.as_str()),
                            Val::Text(name),
                            Val::Int(EPOCH),
                            Val::Blob(&made),
                            Val::Int(now),
                        ],
                    )?;
                    // Another node may have been first: what stands there counts.
                    stored = find(tx, tenant, name)?;
                    Ok(())
                })?;
            }
            let wrapped = stored.ok_or(Error::Conflict)?;
            file.master()
                .unwrap_key(place, &place_row, &wrapped)
                .map_err(|_| Error::KeyWrong {
                    path: file.path().to_owned(),
                })
        };
        Ok(Self {
            data: one("data")?,
            id: one("id")?,
            index: one("index")?,
            audit: one("audit")?,
        })
    }
}

fn find(tx: &mut dyn Tx, tenant: &TenantId, name: &str) -> Result<Option<Vec<u8>>, Error> {
    let rows = tx.query(
        "SELECT wrapped FROM tenant_key WHERE tenant = $1 AND name = $2 AND epoch = $3",
        &[Val::Text(tenant.as_str()), Val::Text(name), Val::Int(EPOCH)],
    )?;
    rows.first()
        .map(|found| row::blob(found, 0).map(<[u8]>::to_vec))
        .transpose()
}
