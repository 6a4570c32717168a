//! Looks entries up. The log has no index beside itself, so that nothing can say something else than the log: a search goes from the
//! newest entry backwards, decides on what stands in clear first, and opens only what may match.

use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::OpCtx;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::{Seq, TenantId, Token};
use bedside_ledger::entry::Leaf;

use super::leaf;
use super::tree::signed;
use crate::Store;
use crate::backend::{Tx, Val};
use crate::error::Error;
use crate::row;
use crate::seal::Sealer;

/// How many entries are read at a time.
const CHUNK: i64 = 500;

/// How many entries a search yields when it does not say.
const DEFAULT_LIMIT: usize = 100;

/// What to look for; an empty field asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Not before this time.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Who.
    pub actor: Option<String>,
    /// What was done, in the log's word or the beginning of it up to a dot: `patient` finds `patient.read`.
    pub action: Option<String>,
    /// The public id of a patient.
    pub patient: Option<String>,
    /// How it went.
    pub outcome: Option<AuditOutcome>,
    /// At most so many, the newest; 0 means 100.
    pub limit: usize,
    /// Entries before this index, for the next page.
    pub before: Option<u64>,
}

/// An entry with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its place in the log, from 0.
    pub index: u64,
    /// The tenant's sequence when it was written.
    pub seq: Seq,
    /// When it was written.
    pub at: Timestamp,
    /// What it says.
    pub entry: Entry,
}

impl Store {
    /// The newest entries that match, newest first. The search is itself an entry.
    ///
    /// # Errors
    /// [`Error::Denied`], or [`Error::Corrupt`] when an entry does not open.
    pub async fn audit_search(
        &self,
        ctx: &OpCtx,
        filter: AuditFilter,
    ) -> Result<Vec<AuditRow>, Error> {
        self.guard(ctx, Action::ReadAudit).await?;
        let mut entry = Entry::new(ctx, "audit.search", AuditOutcome::Success);
        entry.patient.clone_from(&filter.patient);
        self.audit(ctx, entry).await?;
        let sealer = self.sealer().clone();
        let tenant = self.tenant().clone();
        self.read(move |tx| search(tx, &sealer, &tenant, &filter))
            .await
    }
}

fn search(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    filter: &AuditFilter,
) -> Result<Vec<AuditRow>, Error> {
    let limit = if filter.limit == 0 {
        DEFAULT_LIMIT
    } else {
        filter.limit
    };
    let patients = match filter.patient.as_deref() {
        Some(id) => Some(tokens(tx, sealer, tenant, id)?),
        None => None,
    };
    let mut found = Vec::new();
    let mut before = filter.before.map_or(Ok(i64::MAX), signed)?;
    loop {
        let rows = tx.query(
            "SELECT idx, leaf FROM audit_entry WHERE tenant = $1 AND idx < $2 ORDER BY idx DESC LIMIT $3",
            &[Val::Text(tenant.as_str()), Val::Int(before), Val::Int(CHUNK)],
        )?;
        let Some(last) = rows.last() else {
            let nobody = patients.as_ref().is_some_and(|tokens| tokens.len() == 1);
            return if nobody && found.is_empty() && filter.before.is_none() {
                Err(Error::NotFound("patient in the record or in the log"))
            } else {
                Ok(found)
            };
        };
        before = row::int(last, 0)?;
        for stored in &rows {
            let damaged = |reason: String| Error::Corrupt(format!("an audit entry: {reason}"));
            let leaf = leaf::decode(row::blob(stored, 1)?).map_err(damaged)?;
            if !may_match(&leaf, filter, patients.as_deref()) {
                continue;
            }
            let entry = leaf::open(sealer, &leaf).map_err(damaged)?;
            if !matches(&entry, filter) {
                continue;
            }
            found.push(AuditRow {
                index: leaf.index,
                seq: Seq(signed(leaf.sequence)?),
                at: Timestamp::from_microsecond(leaf.at_micros)
                    .map_err(|_| damaged("its time is out of range".into()))?,
                entry,
            });
            if found.len() >= limit {
                return Ok(found);
            }
        }
    }
}

/// What entries about `id` carry. People look for the id of a person, which is what they see; entries name the records that a
/// person is made of, today or at any time before. An id that is nobody's finds nothing, and is refused so that nobody concludes from
/// it that nobody looked.
fn tokens(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    id: &str,
) -> Result<Vec<Token>, Error> {
    let rows = tx.query(
        "SELECT patient FROM member WHERE tenant = $1 AND person = $2 \
         UNION ALL SELECT patient FROM member WHERE tenant = $1 AND patient = $2",
        &[Val::Text(tenant.as_str()), Val::Text(id)],
    )?;
    let mut tokens = vec![leaf::patient_token(sealer, id)];
    for found in &rows {
        tokens.push(leaf::patient_token(sealer, row::text(found, 0)?));
    }
    Ok(tokens)
}

/// On what stands in clear.
fn may_match(leaf: &Leaf, filter: &AuditFilter, patients: Option<&[Token]>) -> bool {
    filter
        .since
        .is_none_or(|since| leaf.at_micros >= since.as_microsecond())
        && filter
            .until
            .is_none_or(|until| leaf.at_micros < until.as_microsecond())
        && filter
            .actor
            .as_ref()
            .is_none_or(|actor| actor.starts_with(&leaf.actor))
        && patients.is_none_or(|tokens| tokens.iter().any(|token| leaf.patient == Some(token.0)))
}

fn matches(entry: &Entry, filter: &AuditFilter) -> bool {
    filter
        .actor
        .as_ref()
        .is_none_or(|actor| *actor == entry.actor)
        && filter
            .outcome
            .is_none_or(|outcome| outcome == entry.outcome)
        && filter.action.as_ref().is_none_or(|wanted| {
            entry
                .action
                .strip_prefix(wanted.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
}
