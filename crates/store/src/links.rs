//! Claims about two patients, as people see them, and taking one back.

use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::OpCtx;
use bedside_core::record::Link;
use bedside_fact::id::{Seq, TenantId};

use crate::backend::{Tx, Val};
use crate::error::Error;
use crate::person;
use crate::row;
use crate::sequence;
use crate::store::Store;
use crate::undo::undo;
use crate::writer::Turn;

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

    /// Takes a merge, or a link by identifier, back, with all that it caused: numbers, resources and persons become what they were
    /// just before it, the two stay apart until a later merge, and what was received since for either waits to be applied again, each
    /// to the patient that it names. The lanes must be told to look again.
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
