//! What Bedside's own engines and pollers read of the record: a person's facts, texts of single resources, fingerprints.

use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::OpCtx;
use bedside_core::record::PersonRecord;
use bedside_fact::id::ResourceId;

use crate::backend::Val;
use crate::error::Error;
use crate::person::read_person;
use crate::row;
use crate::sequence;
use crate::store::Store;
use crate::version;

impl Store {
    /// The person of a patient with all that is known now, to decide what a workflow does. The entry for each of its patients is in the
    /// log before this returns.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`], [`Error::Unavailable`] when the log can't be written, or what the database said.
    pub async fn facts_of(&self, ctx: &OpCtx, patient: &ResourceId) -> Result<PersonRecord, Error> {
        self.guard(ctx, Action::Evaluate).await?;
        let (tenant, sealer, wanted) = (
            self.tenant().clone(),
            self.sealer().clone(),
            patient.as_str().to_owned(),
        );
        let record = self
            .read(move |tx| {
                let seq = sequence::last(tx, &tenant)?;
                read_person(tx, &sealer, &tenant, &wanted, seq, None)
            })
            .await?;
        let entry = Entry::new(ctx, Action::Evaluate.as_str(), AuditOutcome::Success)
            .detail(format!("person {} seq {}", record.person, record.seq));
        let entries = record
            .patients
            .iter()
            .map(|patient| entry.clone().patient(patient.as_str()))
            .collect();
        self.audit_all(ctx, entries).await?;
        Ok(record)
    }

    /// The current texts of resources, in the order asked for. For Bedside's own parts only.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn resource_bodies(
        &self,
        ctx: &OpCtx,
        keys: &[(String, ResourceId)],
    ) -> Result<Vec<Option<String>>, Error> {
        self.guard(ctx, Action::Evaluate).await?;
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let (tenant, sealer, keys) = (self.tenant().clone(), self.sealer().clone(), keys.to_vec());
        self.read(move |tx| {
            keys.iter()
                .map(|(resource_type, id)| {
                    let rows = tx.query(
                        "SELECT version, key_of, sealed FROM version \
                         WHERE tenant = $1 AND resource_type = $2 AND id = $3 AND to_seq IS NULL",
                        &[
                            Val::Text(tenant.as_str()),
                            Val::Text(resource_type),
                            Val::Text(id.as_str()),
                        ],
                    )?;
                    rows.first()
                        .map(|found| {
                            version::open(
                                &sealer,
                                resource_type,
                                id.as_str(),
                                row::int(found, 0)?,
                                row::text(found, 1)?,
                                row::blob(found, 2)?,
                            )
                        })
                        .transpose()
                })
                .collect()
        })
        .await
    }

    /// What tells the current versions of resources from others, in the order asked for: a poller needs no more to know that it has
    /// something already.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn fingerprints(
        &self,
        ctx: &OpCtx,
        keys: &[(String, ResourceId)],
    ) -> Result<Vec<Option<[u8; 16]>>, Error> {
        self.guard(ctx, Action::Apply).await?;
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let (tenant, keys) = (self.tenant().clone(), keys.to_vec());
        self.read(move |tx| {
            keys.iter()
                .map(|(resource_type, id)| {
                    let rows = tx.query(
                        "SELECT fingerprint FROM version WHERE tenant = $1 AND resource_type = $2 AND id = $3 AND to_seq IS NULL",
                        &[
                            Val::Text(tenant.as_str()),
                            Val::Text(resource_type),
                            Val::Text(id.as_str()),
                        ],
                    )?;
                    rows.first()
                        .map(|found| version::fingerprint(row::blob(found, 0)?))
                        .transpose()
                })
                .collect()
        })
        .await
    }
}
