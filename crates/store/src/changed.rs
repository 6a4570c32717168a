//! The change feed: whose facts may have changed, in the order of the one sequence (design D8).
//!
//! A line is written in the transaction that makes the change, so an engine that remembers how far it read misses nothing and sees
//! nothing twice. It says who and of which resources, never what: whoever needs the content reads it, under its own rule.

use std::collections::BTreeSet;

use bedside_core::access::Action;
use bedside_core::ctx::OpCtx;
use bedside_fact::id::{ResourceId, Seq, SystemId, TenantId};

use crate::alias;
use crate::backend::{Row, Tx, Val};
use crate::error::Error;
use crate::journal::lanes_of;
use crate::row;
use crate::sequence;
use crate::store::Store;

/// What was learned since a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// The position to remember: all up to it is in here or was before.
    pub through: Seq,
    /// There is more to read at once.
    pub more: bool,
    /// In order.
    pub patients: Vec<Changed>,
}

/// A patient about whom something was learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// At which position.
    pub seq: Seq,
    /// The source patient.
    pub patient: ResourceId,
    /// Type and id of each resource that has a new version. Empty when anything may be different: a link was made or undone, an input
    /// was parked, held or released, versions were taken back, or a source now answers differently whether all is known.
    pub what: Vec<(String, ResourceId)>,
}

impl Store {
    /// What the record learned after a position, at most about `limit` patients at once (more when one position touched more). For engines;
    /// no content.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn changes_after(
        &self,
        ctx: &OpCtx,
        after: Seq,
        limit: usize,
    ) -> Result<Changes, Error> {
        self.guard(ctx, Action::Evaluate).await?;
        let tenant = self.tenant().clone();
        self.read(move |tx| {
            let limit = limit.max(1);
            let mut rows = tx.query(
                "SELECT seq, patient, whole FROM change_feed WHERE tenant = $1 AND seq > $2 ORDER BY seq, patient, whole LIMIT $3",
                &[
                    Val::Text(tenant.as_str()),
                    Val::Int(after.0),
                    Val::Int(i64::try_from(limit).unwrap_or(i64::MAX)),
                ],
            )?;
            let more = rows.len() >= limit;
            let through = if more {
                cut(tx, &tenant, &mut rows)?
            } else {
                sequence::last(tx, &tenant)?.max(after.0)
            };
            Ok(Changes {
                through: Seq(through),
                more,
                patients: rows
                    .iter()
                    .map(|found| changed(tx, &tenant, found))
                    .collect::<Result<_, _>>()?,
            })
        })
        .await
    }
}

/// A page never ends within a position: who remembers the position would miss the rest of it. Yields the last position left.
fn cut(tx: &mut dyn Tx, tenant: &TenantId, rows: &mut Vec<Row>) -> Result<i64, Error> {
    let ends = |found: Option<&Row>| -> Result<i64, Error> {
        found.map_or(Ok(0), |found| row::int(found, 0))
    };
    let (first, last) = (ends(rows.first())?, ends(rows.last())?);
    if first == last {
        *rows = tx.query(
            "SELECT seq, patient, whole FROM change_feed WHERE tenant = $1 AND seq = $2 ORDER BY patient, whole",
            &[Val::Text(tenant.as_str()), Val::Int(last)],
        )?;
    } else {
        rows.retain(|found| row::int(found, 0).is_ok_and(|seq| seq < last));
    }
    ends(rows.last())
}

fn changed(tx: &mut dyn Tx, tenant: &TenantId, found: &Row) -> Result<Changed, Error> {
    let (seq, patient) = (row::int(found, 0)?, row::text(found, 1)?);
    let mut what = BTreeSet::new();
    if row::int(found, 2)? == 0 {
        // Sorted here: an order asked for would lead a database to the primary key and away from the compartment.
        let rows = tx.query(
            "SELECT resource_type, id FROM version WHERE tenant = $1 AND patient = $2 AND from_seq = $3",
            &[
                Val::Text(tenant.as_str()),
                Val::Text(patient),
                Val::Int(seq),
            ],
        )?;
        for found in &rows {
            what.insert((
                row::text(found, 0)?.to_owned(),
                ResourceId::new(row::text(found, 1)?),
            ));
        }
    }
    Ok(Changed {
        seq: Seq(seq),
        patient: ResourceId::new(patient),
        what: what.into_iter().collect(),
    })
}

/// What one transaction learned, until it is written.
#[derive(Default)]
pub(crate) struct Learned {
    versions: BTreeSet<String>,
    whole: BTreeSet<String>,
}

impl Learned {
    /// A resource in this patient's compartment has a new version.
    pub(crate) fn version(&mut self, patient: &str) {
        self.versions.insert(patient.to_owned());
    }

    /// Anything of this patient may be different.
    pub(crate) fn whole(&mut self, patient: &str) {
        self.whole.insert(patient.to_owned());
    }

    /// Whether there is anything to write.
    pub(crate) fn is_empty(&self) -> bool {
        self.versions.is_empty() && self.whole.is_empty()
    }

    /// The patients that the numbers of an input mean now: what becomes of the input concerns them.
    pub(crate) fn input(
        &mut self,
        tx: &mut dyn Tx,
        tenant: &TenantId,
        system: &str,
        lanes: &[u8],
    ) -> Result<(), Error> {
        let system = SystemId::new(system);
        for lane in lanes_of(lanes) {
            if let Some(patient) = alias::meaning(tx, tenant, &system, lane)? {
                self.whole.insert(patient);
            }
        }
        Ok(())
    }

    /// Writes it, at the position of the transaction.
    pub(crate) fn write(&self, tx: &mut dyn Tx, tenant: &TenantId, seq: i64) -> Result<(), Error> {
        for (patients, whole) in [(&self.versions, 0), (&self.whole, 1)] {
            for patient in patients {
                tx.execute(
                    "INSERT INTO change_feed (tenant, seq, patient, whole) VALUES ($1, $2, $3, $4)",
                    &[
                        Val::Text(tenant.as_str()),
                        Val::Int(seq),
                        Val::Text(patient),
                        Val::Int(whole),
                    ],
                )?;
            }
        }
        Ok(())
    }
}
