//! One resource by its id, now or in one version.

use bedside_core::access::{Action, Operation, Predicate};
use bedside_core::ctx::OpCtx;
use bedside_core::record::Stored;
use bedside_fact::id::TenantId;
use serde_json::Value;

use super::{is_id, person};
use crate::backend::{Tx, Val};
use crate::error::Error;
use crate::seal::Sealer;
use crate::sequence;
use crate::store::Store;
use crate::version;

/// The columns of [`version::stored`].
pub(super) const COLUMNS: &str = "resource_type, id, patient, version, source, journal_seq, from_seq, known_at, source_time, \
     when_lo, when_hi, mapping, key_of, sealed";

/// A resource as it is handed out.
#[derive(Clone)]
pub struct FhirResource {
    /// FHIR type.
    pub resource_type: String,
    /// Public id.
    pub id: String,
    /// Number of the version.
    pub version: i64,
    /// When we knew, microseconds since 1970.
    pub known_at: i64,
    /// The JSON text as it is stored, or what the grant leaves of it.
    pub body: String,
    /// Whose compartment it is in; for a person the first of its patients.
    pub patients: Vec<String>,
}

/// What is at an id.
#[derive(Clone)]
pub enum FhirRead {
    /// This.
    Here(FhirResource),
    /// Something was, and was taken back.
    Gone,
    /// Nothing that we know.
    Missing,
}

impl From<Stored> for FhirResource {
    fn from(stored: Stored) -> Self {
        Self {
            resource_type: stored.resource_type,
            id: stored.id.as_str().to_owned(),
            version: stored.version,
            known_at: stored.known_at,
            body: stored.body,
            patients: stored
                .patient
                .iter()
                .map(|patient| patient.as_str().to_owned())
                .collect(),
        }
    }
}

impl FhirResource {
    /// Without what it contains of types that are not granted (design D16). A body of which nothing is left out stays the stored text.
    pub(super) fn granted(mut self, predicate: &Predicate) -> Result<Self, Error> {
        // Stored bodies passed the pre-scan when they came in.
        let mut parsed: Value = serde_json::from_str(&self.body)
            .map_err(|_| Error::Corrupt(String::from("a stored resource is not JSON")))?;
        if predicate.leave_out(&mut parsed) {
            self.body = parsed.to_string();
        }
        Ok(self)
    }
}

impl Store {
    /// Reads a resource, the current version or the one of that number. A person reads as a Patient with links to the sources' patients
    /// (design D11).
    ///
    /// # Errors
    /// [`Error::Denied`], the same whether or not there is such a resource; [`Error::Unavailable`] when the log can't be written; or what
    /// the database said.
    pub async fn fhir_read(
        &self,
        ctx: &OpCtx,
        resource_type: &str,
        id: &str,
        number: Option<i64>,
    ) -> Result<FhirRead, Error> {
        let asked = [id.to_owned()];
        let named: &[String] = if resource_type == "Patient" {
            &asked
        } else {
            &[]
        };
        let predicate = self
            .planned(
                ctx,
                Action::ReadResources,
                (resource_type, Operation::Read),
                named,
                "",
            )
            .await?;
        let found = if is_id(id) {
            let (tenant, sealer) = (self.tenant().clone(), self.sealer().clone());
            let (kind, id) = (resource_type.to_owned(), id.to_owned());
            self.read(move |tx| at_id(tx, &sealer, &tenant, (&kind, &id), number))
                .await?
        } else {
            FhirRead::Missing
        };
        let found = match found {
            FhirRead::Here(resource) => FhirRead::Here(resource.granted(&predicate)?),
            FhirRead::Gone | FhirRead::Missing => found,
        };
        let patients: &[String] = match &found {
            FhirRead::Here(resource) => &resource.patients,
            FhirRead::Gone | FhirRead::Missing => &[],
        };
        let how = match &found {
            FhirRead::Here(_) => "read",
            FhirRead::Gone => "read of what is gone",
            FhirRead::Missing => "read of nothing",
        };
        self.touched(
            ctx,
            Action::ReadResources,
            patients,
            format!("{how}: {resource_type}"),
        )
        .await?;
        Ok(found)
    }
}

fn at_id(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    (resource_type, id): (&str, &str),
    number: Option<i64>,
) -> Result<FhirRead, Error> {
    let key = [
        Val::Text(tenant.as_str()),
        Val::Text(resource_type),
        Val::Text(id),
    ];
    let [a, b, c] = key;
    let rows = match number {
        Some(number) => tx.query_built(
            &format!("SELECT {COLUMNS} FROM version WHERE tenant = $1 AND resource_type = $2 AND id = $3 AND version = $4"),
            &[a, b, c, Val::Int(number)],
        )?,
        None => tx.query_built(
            &format!("SELECT {COLUMNS} FROM version WHERE tenant = $1 AND resource_type = $2 AND id = $3 AND to_seq IS NULL"),
            &key,
        )?,
    };
    if let Some(found) = rows.first() {
        return Ok(FhirRead::Here(version::stored(sealer, found)?.into()));
    }
    let ever = tx.query(
        "SELECT version FROM version WHERE tenant = $1 AND resource_type = $2 AND id = $3 LIMIT 1",
        &key,
    )?;
    if !ever.is_empty() {
        // A version that never was is not there; one that was taken back is gone.
        return Ok(if number.is_some() {
            FhirRead::Missing
        } else {
            FhirRead::Gone
        });
    }
    if resource_type != "Patient" || number.is_some() {
        return Ok(FhirRead::Missing);
    }
    let seq = sequence::last(tx, tenant)?;
    if let Some(person) = person::person(tx, sealer, tenant, id, seq)? {
        return Ok(FhirRead::Here(person));
    }
    let was = tx.query(
        "SELECT patient FROM member WHERE tenant = $1 AND person = $2 LIMIT 1",
        &[a, c],
    )?;
    Ok(if was.is_empty() {
        FhirRead::Missing
    } else {
        FhirRead::Gone
    })
}
