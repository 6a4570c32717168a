//! All that is known of one person, now or as it was known at a moment (design D7, promise P7).

use std::collections::BTreeSet;

use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::OpCtx;
use bedside_core::record::{PersonRecord, Stored};
use bedside_fact::clock::Timestamp;
use bedside_fact::id::{PersonId, ResourceId, Seq, TenantId};

use crate::backend::{Tx, Val};
use crate::completeness;
use crate::error::Error;
use crate::links::links_at;
use crate::row;
use crate::seal::Sealer;
use crate::sequence;
use crate::source::moment;
use crate::store::Store;
use crate::version;
use crate::waiting;

/// Moments of a history that are told.
const MOMENTS: i64 = 500;

impl Store {
    /// A person with everything that was known at `as_of`, or is known now. `id` is that of the person or of one of its patients. The
    /// entry for each patient is in the log before this returns.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`], [`Error::Unavailable`] when the log can't be written, or what the database said.
    pub async fn person(
        &self,
        ctx: &OpCtx,
        id: &str,
        as_of: Option<Timestamp>,
    ) -> Result<PersonRecord, Error> {
        self.guard(ctx, Action::ReadChart).await?;
        let (tenant, sealer, wanted) =
            (self.tenant().clone(), self.sealer().clone(), id.to_owned());
        let record = self
            .read(move |tx| {
                let seq = sequence::at(tx, &tenant, as_of)?;
                read_person(tx, &sealer, &tenant, &wanted, seq, as_of)
            })
            .await?;
        let mut detail = format!("person {} seq {}", record.person, record.seq);
        if let Some(as_of) = as_of {
            detail.push_str(&format!(" as of {as_of}"));
        }
        let entry =
            Entry::new(ctx, Action::ReadChart.as_str(), AuditOutcome::Success).detail(detail);
        let entries = record
            .patients
            .iter()
            .map(|patient| entry.clone().patient(patient.as_str()))
            .collect();
        self.audit_all(ctx, entries).await?;
        Ok(record)
    }

    /// The moments at which something about a person became known, oldest first: the last 500.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`], or what the database said.
    pub async fn history(&self, ctx: &OpCtx, id: &str) -> Result<Vec<Timestamp>, Error> {
        self.guard(ctx, Action::ReadChart).await?;
        let (tenant, wanted) = (self.tenant().clone(), id.to_owned());
        let (patients, moments) = self
            .read(move |tx| {
                let seq = sequence::last(tx, &tenant)?;
                let (_, patients) = members(tx, &tenant, &wanted, seq)?;
                let mut moments = BTreeSet::new();
                for patient in &patients {
                    let rows = tx.query(
                        "SELECT DISTINCT from_seq, known_at FROM version WHERE tenant = $1 AND patient = $2 \
                         ORDER BY from_seq DESC LIMIT $3",
                        &[Val::Text(tenant.as_str()), Val::Text(patient), Val::Int(MOMENTS)],
                    )?;
                    for found in &rows {
                        moments.insert(row::int(found, 1)?);
                    }
                }
                Ok((patients, moments))
            })
            .await?;
        let entry =
            Entry::new(ctx, Action::ReadChart.as_str(), AuditOutcome::Success).detail("history");
        self.audit_all(
            ctx,
            patients
                .iter()
                .map(|patient| entry.clone().patient(patient))
                .collect(),
        )
        .await?;
        let surplus = moments
            .len()
            .saturating_sub(usize::try_from(MOMENTS).unwrap_or(usize::MAX));
        moments.into_iter().skip(surplus).map(moment).collect()
    }
}

/// The person of an id and the patients that it was made of at a position. An id that has gone into another person leads there.
pub(crate) fn members(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    id: &str,
    seq: i64,
) -> Result<(String, Vec<String>), Error> {
    let key = Val::Text(tenant.as_str());
    let mut patients = patients_of(tx, tenant, id, seq)?;
    if !patients.is_empty() {
        return Ok((id.to_owned(), std::mem::take(&mut patients)));
    }
    let params = [key, Val::Text(id), Val::Int(seq)];
    let mut rows = tx.query(
        "SELECT person FROM member WHERE tenant = $1 AND patient = $2 AND from_seq <= $3 AND (to_seq IS NULL OR to_seq > $3)",
        &params,
    )?;
    if rows.is_empty() {
        // A person that is no more: where its last patient is.
        rows = tx.query(
            "SELECT now.person FROM member was JOIN member now ON now.tenant = was.tenant AND now.patient = was.patient \
             WHERE was.tenant = $1 AND was.person = $2 AND now.from_seq <= $3 AND (now.to_seq IS NULL OR now.to_seq > $3) \
             ORDER BY was.from_seq DESC, now.person LIMIT 1",
            &params,
        )?;
    }
    let person = row::text(rows.first().ok_or(Error::NotFound("patient"))?, 0)?.to_owned();
    let patients = patients_of(tx, tenant, &person, seq)?;
    Ok((person, patients))
}

fn patients_of(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    person: &str,
    seq: i64,
) -> Result<Vec<String>, Error> {
    let rows = tx.query(
        "SELECT m.patient FROM member m JOIN patient p ON p.tenant = m.tenant AND p.id = m.patient \
         WHERE m.tenant = $1 AND m.person = $2 AND m.from_seq <= $3 AND (m.to_seq IS NULL OR m.to_seq > $3) \
         ORDER BY p.since_seq, p.id",
        &[Val::Text(tenant.as_str()), Val::Text(person), Val::Int(seq)],
    )?;
    rows.iter()
        .map(|found| row::text(found, 0).map(str::to_owned))
        .collect()
}

/// A person at a position, with what waits in its lanes: now, or at a moment.
pub(crate) fn read_person(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    id: &str,
    seq: i64,
    as_of: Option<Timestamp>,
) -> Result<PersonRecord, Error> {
    let (person, patients) = members(tx, tenant, id, seq)?;
    let (mut resources, mut answers) = (Vec::new(), Vec::new());
    for patient in &patients {
        resources.extend(compartment(tx, sealer, tenant, patient, seq)?);
        answers.extend(completeness::asked(tx, tenant, patient, seq)?);
    }
    let waits = waiting::waits(tx, sealer, tenant, &patients, seq, as_of)?;
    Ok(PersonRecord {
        links: links_at(tx, tenant, &patients, seq)?,
        waiting: waits.count,
        held: waits.held,
        person: PersonId::new(person),
        patients: patients.into_iter().map(ResourceId::new).collect(),
        resources,
        completeness: answers,
        seq: Seq(seq),
    })
}

fn compartment(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    patient: &str,
    seq: i64,
) -> Result<Vec<Stored>, Error> {
    let rows = tx.query(
        "SELECT v.resource_type, v.id, v.patient, v.version, v.source, v.journal_seq, v.from_seq, v.known_at, \
         v.source_time, v.when_lo, v.when_hi, v.mapping, v.key_of, v.sealed FROM version v \
         WHERE v.tenant = $1 AND v.patient = $2 AND v.from_seq <= $3 AND (v.to_seq IS NULL OR v.to_seq > $3) \
         ORDER BY v.resource_type, v.id",
        &[Val::Text(tenant.as_str()), Val::Text(patient), Val::Int(seq)],
    )?;
    rows.iter()
        .map(|found| version::stored(sealer, found))
        .collect()
}
