//! Resources as versions: sealing them, writing the next one, reading them back.

use bedside_core::record::{Stored, Write};
use bedside_fact::id::{ResourceId, Seq, SourceId, TenantId};
use bedside_fact::time::Span;
use bedside_fhir::splice::{Identity, splice};

use crate::backend::{Row, Tx, Val};
use crate::error::Error;
use crate::row;
use crate::seal::{Sealer, SecretKey};

/// A version ready to be written: sealed on the caller's thread.
pub(crate) struct Sealed {
    pub(crate) write: Write,
    key_of: String,
    body: Vec<u8>,
    source_id: Vec<u8>,
}

/// Where a version comes from.
pub(crate) struct Origin<'a> {
    pub(crate) source: &'a SourceId,
    pub(crate) journal_seq: i64,
    pub(crate) from_seq: i64,
    pub(crate) known_at: i64,
    pub(crate) mapping: &'a str,
}

impl Sealed {
    /// Seals a version with its patient's key, which is the tenant's for what belongs to no patient.
    pub(crate) fn new(sealer: &Sealer, key: &SecretKey, write: Write) -> Result<Self, Error> {
        let place = place(&write.resource_type, write.id.as_str(), write.version);
        let body = key.seal(
            sealer.place("version", &place, "sealed"),
            write.body.as_bytes(),
        )?;
        let source_id = key.seal(
            sealer.place("version", &place, "source_id"),
            write.source_id.as_bytes(),
        )?;
        Ok(Self {
            key_of: write
                .patient
                .as_ref()
                .map_or_else(String::new, |patient| patient.as_str().to_owned()),
            body,
            source_id,
            write,
        })
    }

    /// Writes it as the current version, and yields the patient in whose compartment the one before it was. What was made as the first version of a resource whose versions were all taken back is
    /// numbered behind them: a number is never used twice.
    ///
    /// # Errors
    /// [`Error::Conflict`] when somebody wrote another one since it was made.
    pub(crate) fn insert(
        &self,
        tx: &mut dyn Tx,
        sealer: &Sealer,
        tenant: &TenantId,
        origin: &Origin<'_>,
    ) -> Result<Option<String>, Error> {
        let write = &self.write;
        let key = [
            Val::Text(tenant.as_str()),
            Val::Text(&write.resource_type),
            Val::Text(write.id.as_str()),
        ];
        let rows = tx.query(
            "SELECT version, to_seq, patient FROM version WHERE tenant = $1 AND resource_type = $2 AND id = $3 ORDER BY version DESC LIMIT 1",
            &key,
        )?;
        let (last, taken_back, before) = match rows.first() {
            Some(found) => (
                row::int(found, 0)?,
                row::int_or_null(found, 1)?.is_some(),
                row::text_or_null(found, 2)?.map(str::to_owned),
            ),
            None => (0, false, None),
        };
        if write.version != last + 1 {
            if write.version == 1 && taken_back {
                let numbered = renumber(write.clone(), last + 1)?;
                let key = sealer.key_of(&self.key_of)?;
                return Self::new(sealer, &key, numbered)?.insert(tx, sealer, tenant, origin);
            }
            return Err(Error::Conflict);
        }
        if last > 0 {
            let [tenant, kind, id] = key;
            tx.execute(
                "UPDATE version SET to_seq = $4 WHERE tenant = $1 AND resource_type = $2 AND id = $3 AND to_seq IS NULL",
                &[tenant, kind, id, Val::Int(origin.from_seq)],
            )?;
        }
        let [tenant, kind, id] = key;
        tx.execute(
            "INSERT INTO version (tenant, resource_type, id, version, patient, source, journal_seq, from_seq, known_at, source_time, \
             when_lo, when_hi, mapping, fingerprint, key_of, sealed, sealed_source_id) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
            &[
                tenant,
                kind,
                id,
                Val::Int(write.version),
                write.patient.as_ref().map_or(Val::Null, |patient| Val::Text(patient.as_str())),
                Val::Text(origin.source.as_str()),
                Val::Int(origin.journal_seq),
                Val::Int(origin.from_seq),
                Val::Int(origin.known_at),
                write.source_time.map_or(Val::Null, Val::Int),
                write.when.map_or(Val::Null, |when| Val::Int(when.lo)),
                write.when.map_or(Val::Null, |when| Val::Int(when.hi)),
                Val::Text(origin.mapping),
                Val::Blob(&write.fingerprint),
                Val::Text(&self.key_of),
                Val::Blob(&self.body),
                Val::Blob(&self.source_id),
            ],
        )?;
        Ok(before)
    }
}

/// The same content under another number. Only `meta.versionId` changes.
pub(crate) fn renumber(mut write: Write, number: i64) -> Result<Write, Error> {
    let broken = || Error::Corrupt(String::from("a resource can't be given another number"));
    let updated = serde_json::from_str::<Meta>(&write.body)
        .map_err(|_| broken())?
        .meta
        .last_updated
        .unwrap_or_default();
    write.body = identify(&write.body, write.id.as_str(), number, &updated)?;
    write.version = number;
    Ok(write)
}

/// Puts our identity into a body; every other byte stays.
pub(crate) fn identify(body: &str, id: &str, number: i64, updated: &str) -> Result<String, Error> {
    let identity = Identity {
        id,
        version_id: &number.to_string(),
        last_updated: updated,
    };
    splice(body, Some(&identity), &mut |_| None)
        .map_err(|_| Error::Corrupt(String::from("a resource can't be given another number")))
}

#[derive(serde::Deserialize)]
struct Meta {
    #[serde(default)]
    meta: Stamp,
}

#[derive(Default, serde::Deserialize)]
struct Stamp {
    #[serde(rename = "lastUpdated")]
    last_updated: Option<String>,
}

/// A version, opened. The columns are type, id, patient, version, source, `journal_seq`, `from_seq`, `known_at`, `source_time`, `when_lo`,
/// `when_hi`, mapping, `key_of`, sealed.
pub(crate) fn stored(sealer: &Sealer, found: &Row) -> Result<Stored, Error> {
    let resource_type = row::text(found, 0)?.to_owned();
    let id = row::text(found, 1)?;
    let version = row::int(found, 3)?;
    // The key is the patient's own, so a row that was moved into another chart does not open as that patient's (promise P5).
    if row::text_or_null(found, 2)?.unwrap_or_default() != row::text(found, 12)? {
        return Err(Error::Corrupt(String::from(
            "a resource stands in a chart that is not its own",
        )));
    }
    let body = open(
        sealer,
        &resource_type,
        id,
        version,
        row::text(found, 12)?,
        row::blob(found, 13)?,
    )?;
    let when = match (row::int_or_null(found, 9)?, row::int_or_null(found, 10)?) {
        (Some(lo), Some(hi)) => Some(Span { lo, hi }),
        (None, _) | (_, None) => None,
    };
    Ok(Stored {
        id: ResourceId::new(id),
        patient: row::text_or_null(found, 2)?.map(ResourceId::new),
        version,
        body,
        source: SourceId::new(row::text(found, 4)?),
        journal_seq: Seq(row::int(found, 5)?),
        from_seq: Seq(row::int(found, 6)?),
        known_at: row::int(found, 7)?,
        source_time: row::int_or_null(found, 8)?,
        when,
        mapping: row::text(found, 11)?.to_owned(),
        resource_type,
    })
}

/// Opens a body.
pub(crate) fn open(
    sealer: &Sealer,
    resource_type: &str,
    id: &str,
    version: i64,
    key_of: &str,
    sealed: &[u8],
) -> Result<String, Error> {
    let place = place(resource_type, id, version);
    let plain = sealer
        .key_of(key_of)?
        .open(sealer.place("version", &place, "sealed"), sealed)?;
    String::from_utf8(plain.to_vec())
        .map_err(|_| Error::Corrupt(String::from("a resource is not UTF-8")))
}

/// The source's own id of a version.
pub(crate) fn open_source_id(
    sealer: &Sealer,
    resource_type: &str,
    id: &str,
    version: i64,
    key_of: &str,
    sealed: &[u8],
) -> Result<String, Error> {
    let place = place(resource_type, id, version);
    let plain = sealer
        .key_of(key_of)?
        .open(sealer.place("version", &place, "source_id"), sealed)?;
    String::from_utf8(plain.to_vec())
        .map_err(|_| Error::Corrupt(String::from("a source's id is not UTF-8")))
}

/// What tells a version from others.
pub(crate) fn fingerprint(bytes: &[u8]) -> Result<[u8; 16], Error> {
    bytes.try_into().map_err(|_| {
        Error::Corrupt(String::from(
            "version.fingerprint has another length than expected",
        ))
    })
}

fn place(resource_type: &str, id: &str, version: i64) -> String {
    format!("{resource_type}/{id}/{version}")
}
