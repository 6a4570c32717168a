//! Where a person's patient records live, and what their sources call them: what a write to a source must be addressed to.

use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::OpCtx;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::{ResourceId, SourceId, SystemId};

use crate::Store;
use crate::backend::Val;
use crate::error::Error;
use crate::person::members;
use crate::row;
use crate::sequence;
use crate::version::open_source_id;

/// One record of a person, at its source.
#[derive(Clone)]
pub struct Home {
    /// The public id.
    pub patient: ResourceId,
    /// The source that sent it.
    pub source: SourceId,
    /// The EHR instance of that source.
    pub system: SystemId,
    /// What the source calls it. Patient data.
    pub own_id: String,
}

/// The records of a person.
#[derive(Clone)]
pub struct Homes {
    /// Each of them that its source described.
    pub homes: Vec<Home>,
    /// Somebody must still say whether another record is the same person: then nothing is written (promise P5).
    pub doubtful: bool,
}

impl std::fmt::Debug for Home {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Home")
            .field("patient", &self.patient)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// The records of the person that `patient` is.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`], or what the database said.
    pub async fn homes(&self, ctx: &OpCtx, patient: &ResourceId) -> Result<Homes, Error> {
        self.guard(ctx, Action::Evaluate).await?;
        let (tenant, sealer, wanted) = (
            self.tenant().clone(),
            self.sealer().clone(),
            patient.as_str().to_owned(),
        );
        let homes = self
            .read(move |tx| {
                let seq = sequence::at(tx, &tenant, None)?;
                let (_, patients) = members(tx, &tenant, &wanted, seq)?;
                let mut homes = Vec::new();
                let mut doubtful = false;
                for patient in patients {
                    let rows = tx.query(
                        "SELECT v.version, v.key_of, v.sealed_source_id, v.source, s.system FROM version v \
                         JOIN source s ON s.tenant = v.tenant AND s.id = v.source \
                         WHERE v.tenant = $1 AND v.resource_type = 'Patient' AND v.id = $2 AND v.to_seq IS NULL",
                        &[Val::Text(tenant.as_str()), Val::Text(&patient)],
                    )?;
                    for found in &rows {
                        homes.push(Home {
                            own_id: open_source_id(
                                &sealer,
                                "Patient",
                                &patient,
                                row::int(found, 0)?,
                                row::text(found, 1)?,
                                row::blob(found, 2)?,
                            )?,
                            source: SourceId::new(row::text(found, 3)?),
                            system: SystemId::new(row::text(found, 4)?),
                            patient: ResourceId::new(patient.as_str()),
                        });
                    }
                    let open = tx.query(
                        "SELECT 1 FROM link WHERE tenant = $1 AND kind = 'possible' AND to_seq IS NULL AND (a = $2 OR b = $2) LIMIT 1",
                        &[Val::Text(tenant.as_str()), Val::Text(&patient)],
                    )?;
                    doubtful |= !open.is_empty();
                }
                Ok(Homes { homes, doubtful })
            })
            .await?;
        let entry = Entry::new(ctx, Action::Evaluate.as_str(), AuditOutcome::Success)
            .patient(patient.as_str())
            .detail("the sources' own ids, for a write");
        self.audit(ctx, entry).await?;
        Ok(homes)
    }

    /// Since when a source is connected.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`], or what the database said.
    pub async fn source_since(&self, ctx: &OpCtx, source: &SourceId) -> Result<Timestamp, Error> {
        self.guard(ctx, Action::ReadOperations).await?;
        let (tenant, source) = (self.tenant().clone(), source.clone());
        self.read(move |tx| {
            let rows = tx.query(
                "SELECT created_at FROM source WHERE tenant = $1 AND id = $2",
                &[Val::Text(tenant.as_str()), Val::Text(source.as_str())],
            )?;
            let micros = row::int(rows.first().ok_or(Error::NotFound("source"))?, 0)?;
            Ok(Timestamp::from_microsecond(micros).unwrap_or_default())
        })
        .await
    }
}
