//! Claims about two patients, as people see them, and taking one back.

use std::collections::BTreeSet;

use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::OpCtx;
use bedside_core::record::{Link, Write};
use bedside_fact::clock::Timestamp;
use bedside_fact::id::{ResourceId, Seq, SourceId, TenantId};
use bedside_fact::time::Span;
use serde_json::Value;

use crate::alias;
use crate::audit::append_in;
use crate::backend::{Row, Tx, Val};
use crate::error::Error;
use crate::member;
use crate::person;
use crate::row;
use crate::seal::Sealer;
use crate::sequence;
use crate::store::Store;
use crate::version::{self, Origin, Sealed};
use crate::writer::Turn;

/// The mapping of versions that an undoing writes.
const MAPPING: &str = "undo/1";

impl Store {
    /// The links and proposals that touch a patient or a person now.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`], or what the database said.
    pub async fn links(&self, ctx: &OpCtx, id: &str) -> Result<Vec<Link>, Error> {
        self.guard(ctx, Action::ReadChart).await?;
        let (tenant, id) = (self.tenant().clone(), id.to_owned());
        let (patients, links) = self
            .read(move |tx| {
                let seq = sequence::last(tx, &tenant)?;
                let (_, patients) = person::members(tx, &tenant, &id, seq)?;
                let links = links_at(tx, &tenant, &patients, seq)?;
                Ok((patients, links))
            })
            .await?;
        let entry =
            Entry::new(ctx, Action::ReadChart.as_str(), AuditOutcome::Success).detail("links");
        self.audit_all(
            ctx,
            patients
                .iter()
                .map(|patient| entry.clone().patient(patient))
                .collect(),
        )
        .await?;
        Ok(links)
    }

    /// Takes a merge, or a link by identifier, back: the numbers it moved, the Patients it changed and the persons become what they
    /// were, and the two stay apart until a later merge.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::Invalid`] without a reason, [`Error::NotFound`] when no such link stands, or what the database said.
    pub async fn undo_merge(&self, ctx: &OpCtx, link: Seq, why: &str) -> Result<(), Error> {
        self.guard(ctx, Action::Operate).await?;
        if why.trim().is_empty() {
            return Err(Error::Invalid(String::from(
                "say why this link is taken back: the reason is kept with it",
            )));
        }
        let (tenant, sealer, now) = (self.tenant().clone(), self.sealer().clone(), ctx.now());
        let mut entry =
            Entry::new(ctx, "link.undo", AuditOutcome::Success).detail(format!("link {link}"));
        entry.reason = Some(why.to_owned());
        let sealed_why = sealer.seal("data", "link", &link.to_string(), "why", why.as_bytes())?;
        let changes = self.inner.changes.clone();
        self.inner
            .data
            .writer
            .write_then(
                0,
                Turn::Now,
                move |tx| undo(tx, &sealer, &tenant, link.0, &sealed_why, &entry, now),
                move |result: &Result<i64, Error>| {
                    if let Ok(seq) = result {
                        Self::moved_to(&changes, *seq);
                    }
                },
            )
            .await
            .map(|_| ())
    }
}

fn undo(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    link: i64,
    why: &[u8],
    entry: &Entry,
    now: Timestamp,
) -> Result<i64, Error> {
    let rows = tx.query(
        "SELECT kind, a, b, from_seq, journal_seq FROM link WHERE tenant = $1 AND seq = $2 AND to_seq IS NULL",
        &[Val::Text(tenant.as_str()), Val::Int(link)],
    )?;
    let found = rows.first().ok_or(Error::NotFound("link"))?;
    let (kind, a, b) = (
        row::text(found, 0)?,
        row::text(found, 1)?,
        row::text(found, 2)?,
    );
    if kind != "merge" && kind != "identifier" {
        return Err(Error::NotFound("link"));
    }
    let seq = sequence::take(tx, tenant, 1)?;
    let known_at = sequence::tick(tx, tenant, seq, now)?;
    member::end(tx, tenant, link, seq)?;
    tx.execute(
        "UPDATE link SET why = $3 WHERE tenant = $1 AND seq = $2",
        &[Val::Text(tenant.as_str()), Val::Int(link), Val::Blob(why)],
    )?;
    // A key that they share would join them again at once; that a person said no outweighs it.
    member::add(tx, tenant, "never", a, b, "decision", seq, None)?;
    if kind == "merge" {
        alias::give_back(tx, tenant, link, b, seq)?;
        let merged_at = row::int(found, 3)?;
        let journal_seq = row::int_or_null(found, 4)?.unwrap_or(link);
        for (patient, other) in [(a, b), (b, a)] {
            restore(
                tx,
                sealer,
                tenant,
                patient,
                other,
                merged_at,
                Moment {
                    seq,
                    known_at,
                    journal_seq,
                    now,
                },
            )?;
        }
    }
    member::recluster(
        tx,
        sealer,
        tenant,
        &BTreeSet::from([a.to_owned(), b.to_owned()]),
        seq,
    )?;
    append_in(
        tx,
        sealer,
        tenant,
        &[entry.clone().patient(a), entry.clone().patient(b)],
        now,
    )?;
    Ok(seq)
}

#[derive(Clone, Copy)]
struct Moment {
    seq: i64,
    known_at: i64,
    journal_seq: i64,
    now: Timestamp,
}

/// Writes a Patient as it is now, but for what the merge put there: `active` as before, no link to the other one.
fn restore(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    patient: &str,
    other: &str,
    merged_at: i64,
    moment: Moment,
) -> Result<(), Error> {
    let rows = tx.query(
        "SELECT version, key_of, sealed, sealed_source_id, source, fingerprint, source_time, when_lo, when_hi, to_seq, from_seq \
         FROM version WHERE tenant = $1 AND resource_type = 'Patient' AND id = $2 ORDER BY version",
        &[Val::Text(tenant.as_str()), Val::Text(patient)],
    )?;
    let open = |found: &Row| -> Result<Value, Error> {
        let text = version::open(
            sealer,
            "Patient",
            patient,
            row::int(found, 0)?,
            row::text(found, 1)?,
            row::blob(found, 2)?,
        )?;
        serde_json::from_str(&text)
            .map_err(|_| Error::Corrupt(String::from("a stored Patient is not JSON")))
    };
    let Some(current) = rows.last() else {
        return Ok(());
    };
    let mut earlier = None;
    for found in &rows {
        if row::int(found, 10)? < merged_at {
            earlier = Some(found);
        }
    }
    let before = earlier.map(open).transpose()?;
    let mut body = open(current)?;
    let was = body.clone();
    take_back(&mut body, before.as_ref(), other);
    if body == was {
        return Ok(());
    }
    let number = row::int(current, 0)? + 1;
    if let Some(meta) = body.get_mut("meta").and_then(Value::as_object_mut) {
        meta.insert(String::from("versionId"), Value::from(number.to_string()));
        meta.insert(
            String::from("lastUpdated"),
            Value::from(moment.now.to_string()),
        );
    }
    let key_of = row::text(current, 1)?;
    let source_id = version::open_source_id(
        sealer,
        "Patient",
        patient,
        number - 1,
        key_of,
        row::blob(current, 3)?,
    )?;
    let text = serde_json::to_string(&body)
        .map_err(|_| Error::Corrupt(String::from("a Patient can't be written as JSON")))?;
    let write = Write {
        resource_type: String::from("Patient"),
        id: ResourceId::new(patient),
        source_id,
        patient: Some(ResourceId::new(patient)),
        version: number,
        body: text,
        fingerprint: row::blob(current, 5)?.try_into().map_err(|_| {
            Error::Corrupt(String::from(
                "version.fingerprint has another length than expected",
            ))
        })?,
        when: match (row::int_or_null(current, 7)?, row::int_or_null(current, 8)?) {
            (Some(lo), Some(hi)) => Some(Span { lo, hi }),
            (None, _) | (_, None) => None,
        },
        source_time: row::int_or_null(current, 6)?,
        demographics: None,
    };
    let source = SourceId::new(row::text(current, 4)?);
    let key = sealer.key_of(patient)?;
    Sealed::new(sealer, &key, write)?.insert(
        tx,
        tenant,
        &Origin {
            source: &source,
            journal_seq: moment.journal_seq,
            from_seq: moment.seq,
            known_at: moment.known_at,
            mapping: MAPPING,
        },
    )
}

fn take_back(body: &mut Value, before: Option<&Value>, other: &str) {
    let Some(members) = body.as_object_mut() else {
        return;
    };
    match before.map(|before| before.get("active")) {
        Some(Some(active)) => {
            members.insert(String::from("active"), active.clone());
        }
        // There was no such member, or no such record: a record is active unless it says otherwise (FHIR R4 Patient.active).
        Some(None) | None => {
            members.shift_remove("active");
        }
    }
    let target = format!("Patient/{other}");
    let of_merge = |link: &Value| {
        let is_target =
            link.pointer("/other/reference").and_then(Value::as_str) == Some(target.as_str());
        let kind = link.get("type").and_then(Value::as_str);
        is_target && matches!(kind, Some("replaces" | "replaced-by"))
    };
    let mut empty = false;
    if let Some(links) = members.get_mut("link").and_then(Value::as_array_mut) {
        links.retain(|link| !of_merge(link));
        empty = links.is_empty();
    }
    if empty {
        members.shift_remove("link");
    }
}

/// The links of patients as they stood at a position; decisions that keep two apart are no claims and left out.
pub(crate) fn links_at(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    patients: &[String],
    seq: i64,
) -> Result<Vec<Link>, Error> {
    let mut links = Vec::new();
    for patient in patients {
        let params = [
            Val::Text(tenant.as_str()),
            Val::Text(patient),
            Val::Int(seq),
        ];
        let mut rows = tx.query(
            "SELECT seq, kind, a, b, basis FROM link WHERE tenant = $1 AND a = $2 AND from_seq <= $3 \
             AND (to_seq IS NULL OR to_seq > $3) AND kind <> 'never'",
            &params,
        )?;
        rows.extend(tx.query(
            "SELECT seq, kind, a, b, basis FROM link WHERE tenant = $1 AND b = $2 AND from_seq <= $3 \
             AND (to_seq IS NULL OR to_seq > $3) AND kind <> 'never'",
            &params,
        )?);
        for found in &rows {
            links.push(Link {
                seq: Seq(row::int(found, 0)?),
                kind: row::text(found, 1)?.to_owned(),
                a: row::text(found, 2)?.to_owned(),
                b: row::text(found, 3)?.to_owned(),
                basis: row::text(found, 4)?.to_owned(),
            });
        }
    }
    links.sort_by_key(|link| link.seq);
    links.dedup_by_key(|link| link.seq);
    Ok(links)
}
