//! Reading the journal: what waits, one input, listings.

use std::collections::BTreeSet;

use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::{OpCtx, Role};
use bedside_core::journal::{Input, InputState, JournalRow, Waiting};
use bedside_fact::clock::Timestamp;
use bedside_fact::id::{Seq, SourceId, SystemId, TenantId};
use bedside_fact::phi::Phi;

use crate::audit::append_in;
use crate::backend::{Row, Tx, Val};
use crate::changed::Learned;
use crate::error::Error;
use crate::journal::lanes_of;
use crate::row;
use crate::seal::Sealer;
use crate::sequence;
use crate::source::moment;
use crate::store::Store;

/// Which lines of the journal. `after` gives the first ones behind it in ascending order; without it the last ones, newest first.
#[derive(Clone, Debug, Default)]
pub struct JournalFilter {
    /// Of this source only.
    pub source: Option<String>,
    /// Received then or later.
    pub since: Option<Timestamp>,
    /// In this state only.
    pub state: Option<InputState>,
    /// Before this position.
    pub before: Option<Seq>,
    /// After this position.
    pub after: Option<Seq>,
    /// At most so many; 0 means 100.
    pub limit: u32,
}

pub(crate) const COLUMNS: &str = "j.seq, j.source, j.kind, j.message_type, j.control_id, j.received_at, j.state, j.reason, j.bytes";

impl Store {
    /// What waits after a position: pending, parked and held, in order.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn waiting(
        &self,
        ctx: &OpCtx,
        after: Seq,
        limit: u32,
    ) -> Result<Vec<Waiting>, Error> {
        self.guard(ctx, Action::ReadOperations).await?;
        let tenant = self.tenant().clone();
        self.read(move |tx| {
            let rows = tx.query(
                "SELECT seq, lanes, state FROM journal WHERE tenant = $1 AND seq > $2 AND state IN ('pending', 'parked', 'held') \
                 ORDER BY seq LIMIT $3",
                &[Val::Text(tenant.as_str()), Val::Int(after.0), Val::Int(limit.into())],
            )?;
            rows.iter()
                .map(|found| {
                    Ok(Waiting {
                        seq: Seq(row::int(found, 0)?),
                        lanes: lanes_of(row::blob(found, 1)?),
                        state: state(row::text(found, 2)?)?,
                    })
                })
                .collect()
        })
        .await
    }

    /// An input with its bytes. When a person reads it, that is in the log first, for each patient that it is known to be about.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`], or what the database said.
    pub async fn input(&self, ctx: &OpCtx, seq: Seq) -> Result<Input, Error> {
        self.guard(ctx, Action::ReadRaw).await?;
        let (tenant, sealer) = (self.tenant().clone(), self.sealer().clone());
        let (input, patients) = self
            .read(move |tx| read_input(tx, &sealer, &tenant, seq))
            .await?;
        if ctx.role != Role::Service {
            let entry = Entry::new(ctx, Action::ReadRaw.as_str(), AuditOutcome::Success)
                .detail(format!("seq {seq}"));
            let entries = if patients.is_empty() {
                vec![entry]
            } else {
                patients
                    .iter()
                    .map(|patient| entry.clone().patient(patient))
                    .collect()
            };
            self.audit_all(ctx, entries).await?;
        }
        Ok(input)
    }

    /// Lines of the journal: no clinical content.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn journal(
        &self,
        ctx: &OpCtx,
        filter: JournalFilter,
    ) -> Result<Vec<JournalRow>, Error> {
        self.guard(ctx, Action::ReadOperations).await?;
        self.looked(ctx, "journal").await?;
        let tenant = self.tenant().clone();
        self.read(move |tx| {
            let mut sql = format!("SELECT {COLUMNS} FROM journal j WHERE j.tenant = $1");
            let mut params = vec![Val::Text(tenant.as_str())];
            let mut also = |clause: &str, value| {
                params.push(value);
                sql.push_str(&clause.replace('?', &format!("${}", params.len())));
            };
            if let Some(source) = &filter.source {
                also(" AND j.source = ?", Val::Text(source));
            }
            if let Some(since) = filter.since {
                also(" AND j.received_at >= ?", Val::Int(since.as_microsecond()));
            }
            if let Some(state) = filter.state {
                // Said twice, so that the partial index of what waits is used.
                let waits = match state {
                    InputState::Pending | InputState::Parked | InputState::Held => {
                        " AND j.state IN ('pending', 'parked', 'held')"
                    }
                    InputState::Applied | InputState::Noop => "",
                };
                also(
                    &format!("{waits} AND j.state = ?"),
                    Val::Text(state.as_str()),
                );
            }
            if let Some(before) = filter.before {
                also(" AND j.seq < ?", Val::Int(before.0));
            }
            if let Some(after) = filter.after {
                also(" AND j.seq > ?", Val::Int(after.0));
            }
            let order = if filter.after.is_some() {
                "ASC"
            } else {
                "DESC"
            };
            let limit = if filter.limit == 0 { 100 } else { filter.limit };
            also(
                &format!(" ORDER BY j.seq {order} LIMIT ?"),
                Val::Int(limit.into()),
            );
            tx.query_built(&sql, &params)?
                .iter()
                .map(journal_row)
                .collect()
        })
        .await
    }

    /// Notes that inputs wait behind a parked one; not of those whose parked one has ended meanwhile.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn hold(&self, ctx: &OpCtx, behind: &[(Seq, Seq)]) -> Result<(), Error> {
        self.guard(ctx, Action::Apply).await?;
        let (tenant, sealer, now, behind) = (
            self.tenant().clone(),
            self.sealer().clone(),
            ctx.now(),
            behind.to_vec(),
        );
        let entry = Entry::new(ctx, "input.hold", AuditOutcome::Success);
        let changes = self.inner.changes.clone();
        let taken = self.write(move |tx| {
            let (mut entries, mut learned) = (Vec::new(), Learned::default());
            for (seq, parked) in &behind {
                let held = tx.execute(
                    "UPDATE journal SET state = 'held', reason = $3 WHERE tenant = $1 AND seq = $2 AND state = 'pending' \
                     AND EXISTS (SELECT 1 FROM journal p WHERE p.tenant = $1 AND p.seq = $4 AND p.state = 'parked')",
                    &[
                        Val::Text(tenant.as_str()),
                        Val::Int(seq.0),
                        Val::Text(&crate::quarantine::behind(*parked)),
                        Val::Int(parked.0),
                    ],
                )?;
                if held == 1 {
                    entries.push(entry.clone().detail(format!("seq {seq} behind {parked}")));
                    concerns(tx, &tenant, *seq, &mut learned)?;
                }
            }
            let mut taken = None;
            if !learned.is_empty() {
                let seq = sequence::take(tx, &tenant, 1)?;
                learned.write(tx, &tenant, seq)?;
                taken = Some(seq);
            }
            append_in(tx, &sealer, &tenant, &entries, now)?;
            Ok(taken)
        })
        .await?;
        if let Some(seq) = taken {
            Self::moved_to(&changes, seq);
        }
        Ok(())
    }
}

/// Notes the patients that an input's numbers mean now.
pub(crate) fn concerns(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    seq: Seq,
    learned: &mut Learned,
) -> Result<(), Error> {
    let rows = tx.query(
        "SELECT system, lanes FROM journal WHERE tenant = $1 AND seq = $2",
        &[Val::Text(tenant.as_str()), Val::Int(seq.0)],
    )?;
    match rows.first() {
        Some(found) => learned.input(tx, tenant, row::text(found, 0)?, row::blob(found, 1)?),
        None => Ok(()),
    }
}

/// An input, and the patients that it is known to be about.
pub(crate) fn read_input(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    seq: Seq,
) -> Result<(Input, BTreeSet<String>), Error> {
    let rows = tx.query(
        "SELECT j.seq, j.source, j.kind, j.message_type, j.control_id, j.received_at, j.state, j.reason, j.bytes, \
         j.system, j.raw_key, j.raw_key_of, j.lanes, r.sealed, r.context \
         FROM journal j JOIN journal_raw r ON r.tenant = j.tenant AND r.seq = j.seq WHERE j.tenant = $1 AND j.seq = $2",
        &[Val::Text(tenant.as_str()), Val::Int(seq.0)],
    )?;
    let found = rows.first().ok_or(Error::NotFound("input"))?;
    let line = journal_row(found)?;
    let system = row::text(found, 9)?;
    let owner = row::text(found, 11)?;
    let place = seq.to_string();
    let key = sealer.key_of(owner)?.unwrap_key(
        sealer.place("journal", &place, "raw_key"),
        "raw",
        row::blob(found, 10)?,
    )?;
    let raw = key.open(
        sealer.place("journal_raw", "", "sealed"),
        row::blob(found, 13)?,
    )?;
    let context = match row::blob_or_null(found, 14)? {
        Some(sealed) => key
            .open(sealer.place("journal_raw", "", "context"), sealed)?
            .to_vec(),
        None => Vec::new(),
    };
    let mut patients = BTreeSet::new();
    if !owner.is_empty() {
        patients.insert(owner.to_owned());
    }
    for lane in lanes_of(row::blob(found, 12)?) {
        let rows = tx.query(
            "SELECT patient FROM alias WHERE tenant = $1 AND system = $2 AND token = $3 AND to_seq IS NULL",
            &[Val::Text(tenant.as_str()), Val::Text(system), Val::Blob(&lane.0)],
        )?;
        for found in &rows {
            patients.insert(row::text(found, 0)?.to_owned());
        }
    }
    let input = Input {
        source: SourceId::new(line.source.clone()),
        system: SystemId::new(system),
        raw: Phi::new(raw.to_vec()),
        context: Phi::new(context),
        row: line,
    };
    Ok((input, patients))
}

/// A line of the journal from [`COLUMNS`].
pub(crate) fn journal_row(found: &Row) -> Result<JournalRow, Error> {
    Ok(JournalRow {
        seq: Seq(row::int(found, 0)?),
        source: row::text(found, 1)?.to_owned(),
        kind: row::text(found, 2)?.to_owned(),
        message_type: row::text(found, 3)?.to_owned(),
        control_id: row::text(found, 4)?.to_owned(),
        received_at: moment(row::int(found, 5)?)?,
        state: state(row::text(found, 6)?)?,
        reason: row::text(found, 7)?.to_owned(),
        bytes: row::count(found, 8)?,
    })
}

pub(crate) fn state(word: &str) -> Result<InputState, Error> {
    InputState::parse(word)
        .ok_or_else(|| Error::Corrupt(String::from("journal.state has an unknown word")))
}
