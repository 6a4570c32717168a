//! The keys of one tenant at work: seals and opens cells, makes tokens and public ids, keeps patients' keys at hand.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::hmac;
use bedside_fact::id::{TenantId, Token};
use bedside_ledger::checkpoint::Signer;

use crate::backend::{Backend, Tx, Val};
use crate::error::Error;
use crate::row;
use crate::seal::file::KeyFile;
use crate::seal::ids::{Ids, digest};
use crate::seal::key::{Place, SecretKey};
use crate::seal::tenant::TenantKeys;

/// Patients' keys kept open at once. When there are more, all are dropped and read again as they are needed.
const KEYS_AT_HAND: usize = 65_536;

/// The keys of a tenant. Cheap to clone.
#[derive(Clone)]
pub struct Sealer {
    shared: Arc<Shared>,
}

struct Shared {
    tenant: TenantId,
    keys: TenantKeys,
    index: hmac::Key,
    ids: Arc<Ids>,
    file: KeyFile,
    database: Arc<dyn Backend>,
    patients: Mutex<HashMap<String, Arc<SecretKey>>>,
}

impl Sealer {
    /// Opens the tenant's keys, or makes them when the store is empty. Blocking.
    ///
    /// # Errors
    /// [`Error::KeyWrong`] when the key file is another store's.
    pub(crate) fn open_tenant(
        file: KeyFile,
        tenant: &TenantId,
        database: Arc<dyn Backend>,
        now: i64,
    ) -> Result<Self, Error> {
        let keys = TenantKeys::load_or_make(&file, tenant, database.as_ref(), now)?;
        Ok(Self {
            shared: Arc::new(Shared {
                tenant: tenant.clone(),
                index: hmac::Key::new(hmac::HMAC_SHA256, keys.index.bytes()),
                ids: Arc::new(Ids::new(keys.id.bytes())),
                keys,
                file,
                database,
                patients: Mutex::new(HashMap::new()),
            }),
        })
    }

    /// Seals a cell with one of the tenant's keys: `data` or `audit`.
    ///
    /// # Errors
    /// When there is no such key.
    pub fn seal(
        &self,
        key: &str,
        table: &'static str,
        row: &str,
        column: &'static str,
        plain: &[u8],
    ) -> Result<Vec<u8>, Error> {
        self.key(key)?.seal(self.place(table, row, column), plain)
    }

    /// Opens a cell that was sealed with one of the tenant's keys.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it does not open.
    pub fn open(
        &self,
        key: &str,
        table: &'static str,
        row: &str,
        column: &'static str,
        sealed: &[u8],
    ) -> Result<Vec<u8>, Error> {
        Ok(self
            .key(key)?
            .open(self.place(table, row, column), sealed)?
            .to_vec())
    }

    /// The name of the tenant's key that seals now: `audit/1`.
    #[must_use]
    pub fn key_id(&self, key: &str) -> String {
        self.key(key)
            .map_or_else(|_| String::new(), |key| key.id().to_owned())
    }

    /// What stands for `value` of `field` where it must be found again.
    #[must_use]
    pub fn token(&self, field: &str, value: &[u8]) -> Token {
        self.token_of(&[field.as_bytes(), value])
    }

    /// The token of a list of parts.
    #[must_use]
    pub fn token_of(&self, parts: &[&[u8]]) -> Token {
        let tag = digest(&self.shared.index, parts);
        let mut token = [0; 16];
        for (to, from) in token.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        Token(token)
    }

    /// Makes public ids.
    #[must_use]
    pub fn ids(&self) -> Arc<Ids> {
        Arc::clone(&self.shared.ids)
    }

    /// The key that signs checkpoints; it lives in the key file alone.
    ///
    /// # Errors
    /// [`Error::KeyFile`] when the file holds none.
    pub fn signer(&self) -> Result<Signer, Error> {
        self.shared.file.signer()
    }

    /// The key-encryption key, for what must work without the database.
    pub(crate) fn master(&self) -> &SecretKey {
        self.shared.file.master()
    }

    /// The place of a cell of this tenant.
    pub(crate) fn place<'a>(
        &'a self,
        table: &'static str,
        row: &'a str,
        column: &'static str,
    ) -> Place<'a> {
        Place {
            tenant: self.shared.tenant.as_str(),
            table,
            row,
            column,
        }
    }

    pub(crate) fn data(&self) -> &SecretKey {
        &self.shared.keys.data
    }

    /// The key of a patient. Reads the key database when it is not at hand. Blocking.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the patient has none, because it never had or because it was shredded.
    pub(crate) fn patient(&self, patient: &str) -> Result<Arc<SecretKey>, Error> {
        if let Some(key) = self.at_hand(patient) {
            return Ok(key);
        }
        let mut found = None;
        self.shared.database.read(&mut |tx| {
            found = wrapped(tx, &self.shared.tenant, patient)?;
            Ok(())
        })?;
        let bytes = found.ok_or(Error::NotFound("patient"))?;
        self.keep(patient, &bytes)
    }

    /// The key that a row names by its `key_of` column: the tenant's when empty. Blocking.
    pub(crate) fn key_of(&self, patient: &str) -> Result<KeyOf<'_>, Error> {
        if patient.is_empty() {
            Ok(KeyOf::Tenant(self.data()))
        } else {
            self.patient(patient).map(KeyOf::Patient)
        }
    }

    /// The key of a patient when it is at hand already.
    pub(crate) fn at_hand(&self, patient: &str) -> Option<Arc<SecretKey>> {
        self.patients().get(patient).cloned()
    }

    /// The wrapped key of a patient, read from the key database.
    pub(crate) fn patient_in(
        &self,
        tx: &mut dyn Tx,
        patient: &str,
    ) -> Result<Option<Vec<u8>>, Error> {
        wrapped(tx, &self.shared.tenant, patient)
    }

    /// Writes a new key for a patient who has none yet, and yields the one that is there afterwards, wrapped.
    pub(crate) fn make_patient_in(
        &self,
        tx: &mut dyn Tx,
        patient: &str,
        now: i64,
    ) -> Result<Vec<u8>, Error> {
        let tenant = &self.shared.tenant;
        if let Some(bytes) = wrapped(tx, tenant, patient)? {
            return Ok(bytes);
        }
        let data = self.data();
        let key = SecretKey::generate(key_name(patient))?;
        let bytes = data.wrap(self.place("patient_key", patient, "wrapped"), &key)?;
        tx.execute(
            "INSERT INTO patient_key (tenant, patient, wrapped, wrapped_with, created_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (tenant, patient) DO NOTHING",
            &[
                Val::Text(tenant.as_str()),
                Val::Text(patient),
                Val::Blob(&bytes),
                Val::Text(data.id()),
                Val::Int(now),
            ],
        )?;
        wrapped(tx, tenant, patient)?.ok_or(Error::Conflict)
    }

    /// Opens a patient's wrapped key and keeps it at hand.
    pub(crate) fn keep(&self, patient: &str, bytes: &[u8]) -> Result<Arc<SecretKey>, Error> {
        let place = self.place("patient_key", patient, "wrapped");
        let key = Arc::new(self.data().unwrap_key(place, &key_name(patient), bytes)?);
        let mut patients = self.patients();
        if patients.len() >= KEYS_AT_HAND {
            patients.clear();
        }
        patients.insert(patient.to_owned(), Arc::clone(&key));
        Ok(key)
    }

    fn key(&self, name: &str) -> Result<&SecretKey, Error> {
        match name {
            "data" => Ok(&self.shared.keys.data),
            "audit" => Ok(&self.shared.keys.audit),
            _ => Err(Error::NotFound("key")),
        }
    }

    fn patients(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<SecretKey>>> {
        // A panic elsewhere can't leave the map half changed.
        self.shared
            .patients
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A key that a row names.
pub(crate) enum KeyOf<'a> {
    /// The tenant's.
    Tenant(&'a SecretKey),
    /// A patient's.
    Patient(Arc<SecretKey>),
}

impl std::ops::Deref for KeyOf<'_> {
    type Target = SecretKey;

    fn deref(&self) -> &SecretKey {
        match self {
            Self::Tenant(key) => key,
            Self::Patient(key) => key,
        }
    }
}

fn key_name(patient: &str) -> String {
    format!("patient/{patient}")
}

fn wrapped(tx: &mut dyn Tx, tenant: &TenantId, patient: &str) -> Result<Option<Vec<u8>>, Error> {
    let rows = tx.query(
        "SELECT wrapped FROM patient_key WHERE tenant = $1 AND patient = $2",
        &[Val::Text(tenant.as_str()), Val::Text(patient)],
    )?;
    rows.first()
        .map(|found| row::blob(found, 0).map(<[u8]>::to_vec))
        .transpose()
}
