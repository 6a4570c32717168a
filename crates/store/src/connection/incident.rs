//! Incidents: what goes wrong at a source, one row for each kind, counted until it is over. When one begins and ends is in the log.

use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::OpCtx;
use bedside_core::incident::Kind;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::{SourceId, TenantId};

use crate::audit::append_in;
use crate::backend::{Tx, Val};
use crate::error::Error;
use crate::row;
use crate::source::moment;
use crate::store::Store;

/// The longest detail that is kept, in characters.
const LONGEST: usize = 200;

/// What went wrong at a source, with its count since it began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentRow {
    /// Where.
    pub source: SourceId,
    /// What.
    pub kind: Kind,
    /// Since when.
    pub first_at: Timestamp,
    /// When last.
    pub last_at: Timestamp,
    /// How often since it began.
    pub count: u64,
    /// Status and type of the last one: no patient data.
    pub detail: String,
    /// It is not over.
    pub open: bool,
}

impl Store {
    /// Counts an incident. `detail` names a status or a type and holds no patient data.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn incident(
        &self,
        ctx: &OpCtx,
        source: &SourceId,
        kind: Kind,
        detail: &str,
    ) -> Result<(), Error> {
        self.guard(ctx, Action::Apply).await?;
        let (tenant, sealer, now) = (self.tenant().clone(), self.sealer().clone(), ctx.now());
        let entry = Entry::new(ctx, "incident.begin", AuditOutcome::Failure);
        let (source, detail) = (source.clone(), detail.to_owned());
        self.write_and_wake(move |tx| {
            if count(tx, &tenant, source.as_str(), kind, &detail, now)? {
                let entry = entry.clone().detail(line(source.as_str(), kind));
                append_in(tx, &sealer, &tenant, &[entry], now)?;
            }
            Ok(())
        })
        .await
    }

    /// Ends incidents of these kinds at a source: the next good answer came. Cheap when there are none.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn incident_over(
        &self,
        ctx: &OpCtx,
        source: &SourceId,
        kinds: &[Kind],
    ) -> Result<(), Error> {
        self.guard(ctx, Action::Apply).await?;
        self.end_incidents(ctx, source, kinds).await.map(|_| ())
    }

    /// A person has seen an incident that does not end by itself, and ends it.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`] when it is over already, or what the database said.
    pub async fn incident_seen(
        &self,
        ctx: &OpCtx,
        source: &SourceId,
        kind: Kind,
    ) -> Result<(), Error> {
        self.guard(ctx, Action::Operate).await?;
        if self.end_incidents(ctx, source, &[kind]).await? == 0 {
            return Err(Error::NotFound("open incident"));
        }
        Ok(())
    }

    /// Incidents, open ones first, the latest first.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn incidents(&self, ctx: &OpCtx, open_only: bool) -> Result<Vec<IncidentRow>, Error> {
        self.guard(ctx, Action::ReadOperations).await?;
        let tenant = self.tenant().clone();
        self.read(move |tx| {
            let rows = tx.query(
                "SELECT source, kind, first_at, last_at, count, detail, open FROM incident WHERE tenant = $1 AND open >= $2 \
                 ORDER BY open DESC, last_at DESC, source, kind",
                &[
                    Val::Text(tenant.as_str()),
                    Val::Int(i64::from(open_only)),
                ],
            )?;
            rows.iter()
                .map(|found| {
                    Ok(IncidentRow {
                        source: SourceId::new(row::text(found, 0)?),
                        kind: Kind::parse(row::text(found, 1)?).ok_or_else(|| {
                            Error::Corrupt(String::from("incident.kind has an unknown word"))
                        })?,
                        first_at: moment(row::int(found, 2)?)?,
                        last_at: moment(row::int(found, 3)?)?,
                        count: row::count(found, 4)?,
                        detail: row::text(found, 5)?.to_owned(),
                        open: row::int(found, 6)? == 1,
                    })
                })
                .collect()
        })
        .await
    }

    async fn end_incidents(
        &self,
        ctx: &OpCtx,
        source: &SourceId,
        kinds: &[Kind],
    ) -> Result<usize, Error> {
        let (tenant, wanted, kinds) = (self.tenant().clone(), source.clone(), kinds.to_vec());
        let open = self
            .read(move |tx| {
                let rows = tx.query(
                    "SELECT kind FROM incident WHERE tenant = $1 AND source = $2 AND open = 1",
                    &[Val::Text(tenant.as_str()), Val::Text(wanted.as_str())],
                )?;
                let mut open = Vec::new();
                for found in &rows {
                    let kind = row::text(found, 0)?;
                    open.extend(kinds.iter().find(|one| one.as_str() == kind).copied());
                }
                Ok(open)
            })
            .await?;
        if open.is_empty() {
            return Ok(0);
        }
        let (tenant, sealer, now) = (self.tenant().clone(), self.sealer().clone(), ctx.now());
        let entry = Entry::new(ctx, "incident.end", AuditOutcome::Success);
        let source = source.clone();
        self.write_and_wake(move |tx| {
            let mut entries = Vec::new();
            for kind in &open {
                let ended = tx.execute(
                    "UPDATE incident SET open = 0 WHERE tenant = $1 AND source = $2 AND kind = $3 AND open = 1",
                    &[
                        Val::Text(tenant.as_str()),
                        Val::Text(source.as_str()),
                        Val::Text(kind.as_str()),
                    ],
                )?;
                if ended == 1 {
                    entries.push(entry.clone().detail(line(source.as_str(), *kind)));
                }
            }
            append_in(tx, &sealer, &tenant, &entries, now)?;
            Ok(entries.len())
        })
        .await
    }
}

/// Counts an incident. Says whether it begins with this one.
pub(crate) fn count(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    source: &str,
    kind: Kind,
    detail: &str,
    now: Timestamp,
) -> Result<bool, Error> {
    let detail: String = detail.chars().take(LONGEST).collect();
    let rows = tx.query(
        "INSERT INTO incident (tenant, source, kind, first_at, last_at, count, detail, open) VALUES ($1, $2, $3, $4, $4, 1, $5, 1) \
         ON CONFLICT (tenant, source, kind) DO UPDATE SET \
         first_at = CASE WHEN incident.open = 1 THEN incident.first_at ELSE excluded.first_at END, \
         count = CASE WHEN incident.open = 1 THEN incident.count + 1 ELSE 1 END, \
         last_at = excluded.last_at, detail = excluded.detail, open = 1 RETURNING count",
        &[
            Val::Text(tenant.as_str()),
            Val::Text(source),
            Val::Text(kind.as_str()),
            Val::Int(now.as_microsecond()),
            Val::Text(&detail),
        ],
    )?;
    Ok(row::int(row::only(&rows)?, 0)? == 1)
}

fn line(source: &str, kind: Kind) -> String {
    format!("source {source}: {}", kind.as_str())
}
