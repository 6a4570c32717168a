//! What must be known before an application's resource is taken in: whether it may, and about whom it speaks.
//!
//! The resource itself goes through the journal and the lanes like everything else; nothing is written to the record here.

use bedside_core::access::{Action, Operation};
use bedside_core::ctx::OpCtx;
use bedside_fact::id::{ResourceId, SourceId, TenantId};
use bedside_fact::time::span;
use bedside_fhir::search::Query;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::patients_meant;
use super::read::{COLUMNS, FhirResource};
use crate::backend::{Tx, Val};
use crate::error::Error;
use crate::sequence;
use crate::store::Store;
use crate::version;

impl Store {
    /// Asks whether the application may create resources of this type, before anything of what it sent is looked at.
    ///
    /// # Errors
    /// [`Error::Denied`], which is in the log.
    pub async fn fhir_may_create(&self, ctx: &OpCtx, resource_type: &str) -> Result<(), Error> {
        self.planned(
            ctx,
            Action::WriteResources,
            (resource_type, Operation::Create),
            &[],
            "",
        )
        .await
        .map(drop)
    }

    /// Asks whether the application may create resources of this type, and which source patients these ids mean: each itself, or the
    /// patient of a person that was heard of last. The entry for each of them is in the log before anything is taken in.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::Unavailable`] when the log can't be written, or what the database said.
    pub async fn fhir_subjects(
        &self,
        ctx: &OpCtx,
        resource_type: &str,
        subjects: Vec<String>,
    ) -> Result<Vec<Option<ResourceId>>, Error> {
        self.planned(
            ctx,
            Action::WriteResources,
            (resource_type, Operation::Create),
            &subjects,
            "",
        )
        .await?;
        let tenant = self.tenant().clone();
        let meant: Vec<Option<String>> = self
            .read(move |tx| {
                let seq = sequence::last(tx, &tenant)?;
                subjects
                    .iter()
                    .map(|id| latest(tx, &tenant, id, seq))
                    .collect()
            })
            .await?;
        let mut patients: Vec<&String> = meant.iter().flatten().collect();
        patients.sort();
        patients.dedup();
        self.touched(
            ctx,
            Action::WriteResources,
            patients,
            format!("create {resource_type}"),
        )
        .await?;
        Ok(meant
            .into_iter()
            .map(|id| id.map(ResourceId::new))
            .collect())
    }

    /// The application's own resources of a patient that fit `query`: what a conditional create compares with (FHIR R4 §3.1.0.8.1).
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn fhir_own(
        &self,
        ctx: &OpCtx,
        source: &SourceId,
        patient: &ResourceId,
        query: Query,
    ) -> Result<Vec<FhirResource>, Error> {
        self.planned(
            ctx,
            Action::WriteResources,
            (query.resource_type, Operation::Create),
            &[],
            "",
        )
        .await?;
        let (tenant, sealer) = (self.tenant().clone(), self.sealer().clone());
        let (source, patient) = (source.clone(), patient.clone());
        self.read(move |tx| {
            let rows = tx.query_built(
                &format!(
                    "SELECT {COLUMNS} FROM version WHERE tenant = $1 AND patient = $2 AND resource_type = $3 AND source = $4 \
                     AND to_seq IS NULL ORDER BY id"
                ),
                &[
                    Val::Text(tenant.as_str()),
                    Val::Text(patient.as_str()),
                    Val::Text(query.resource_type),
                    Val::Text(source.as_str()),
                ],
            )?;
            let times = |text: &str| span(text, &TimeZone::UTC).map(|span| (span.lo, span.hi));
            let mut fitting = Vec::new();
            for found in &rows {
                let stored = version::stored(&sealer, found)?;
                let body: Value = serde_json::from_str(&stored.body).unwrap_or_default();
                if query.matches(&body, &times) {
                    fitting.push(stored.into());
                }
            }
            Ok(fitting)
        })
        .await
    }

    /// What the application has just created, as it was stored. Only its own source's resources are found here.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`], or what the database said.
    pub async fn fhir_created(
        &self,
        ctx: &OpCtx,
        source: &SourceId,
        resource_type: &str,
        id: &ResourceId,
    ) -> Result<FhirResource, Error> {
        self.planned(
            ctx,
            Action::WriteResources,
            (resource_type, Operation::Create),
            &[],
            "",
        )
        .await?;
        let (tenant, sealer) = (self.tenant().clone(), self.sealer().clone());
        let (source, kind, id) = (source.clone(), resource_type.to_owned(), id.clone());
        self.read(move |tx| {
            let rows = tx.query_built(
                &format!(
                    "SELECT {COLUMNS} FROM version WHERE tenant = $1 AND resource_type = $2 AND id = $3 AND source = $4 AND to_seq IS NULL"
                ),
                &[
                    Val::Text(tenant.as_str()),
                    Val::Text(&kind),
                    Val::Text(id.as_str()),
                    Val::Text(source.as_str()),
                ],
            )?;
            let found = rows.first().ok_or(Error::NotFound("resource"))?;
            Ok(version::stored(&sealer, found)?.into())
        })
        .await
    }

    /// What makes a conditional create the same unit again: a keyed hash of what the client said must not exist yet.
    #[must_use]
    pub fn conditional_key(&self, source: &SourceId, patient: &str, condition: &str) -> [u8; 32] {
        let mut key = [0; 32];
        for (part, half) in [b"first".as_slice(), b"second"]
            .into_iter()
            .zip(key.chunks_mut(16))
        {
            let token = self.sealer().token_of(&[
                b"conditional",
                part,
                source.as_str().as_bytes(),
                patient.as_bytes(),
                condition.as_bytes(),
            ]);
            for (to, from) in half.iter_mut().zip(token.0) {
                *to = from;
            }
        }
        key
    }
}

/// The source patient that an id means when something is written: of a person's patients the latest that did not go in a merge.
fn latest(tx: &mut dyn Tx, tenant: &TenantId, id: &str, seq: i64) -> Result<Option<String>, Error> {
    let mut patients = patients_meant(tx, tenant, id, seq)?;
    if patients.len() > 1 {
        let mut kept = Vec::new();
        for patient in &patients {
            let merged = tx.query(
                "SELECT seq FROM link WHERE tenant = $1 AND b = $2 AND kind = 'merge' AND to_seq IS NULL LIMIT 1",
                &[Val::Text(tenant.as_str()), Val::Text(patient)],
            )?;
            if merged.is_empty() {
                kept.push(patient.clone());
            }
        }
        if !kept.is_empty() {
            patients = kept;
        }
    }
    Ok(patients.pop())
}
