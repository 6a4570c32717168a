//! Evidence of a site: which events a source was seen to show, and how late.

use bedside_core::access::Action;
use bedside_core::ctx::OpCtx;
use bedside_core::evidence::{Event, Seen};
use bedside_fact::clock::Timestamp;
use bedside_fact::id::{SourceId, TenantId};

use crate::backend::{Tx, Val};
use crate::error::Error;
use crate::row;
use crate::source::moment;
use crate::store::Store;

/// What one source was seen to show of one kind of event. Latencies are microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceRow {
    /// Where.
    pub source: SourceId,
    /// What.
    pub event: Event,
    /// How often.
    pub count: u64,
    /// For the first time.
    pub first_at: Timestamp,
    /// For the last time.
    pub last_at: Timestamp,
    /// The longest time between the source's knowing and ours, of those of which the source said when it knew.
    pub worst_latency: Option<i64>,
    /// The mean of these times.
    pub mean_latency: Option<i64>,
}

impl Store {
    /// What each source was seen to show.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn evidence(&self, ctx: &OpCtx) -> Result<Vec<EvidenceRow>, Error> {
        self.guard(ctx, Action::ReadOperations).await?;
        let tenant = self.tenant().clone();
        self.read(move |tx| {
            let rows = tx.query(
                "SELECT source, event, count, first_at, last_at, worst_latency, total_latency, told FROM evidence \
                 WHERE tenant = $1 ORDER BY source, event",
                &[Val::Text(tenant.as_str())],
            )?;
            rows.iter()
                .map(|found| {
                    let (total, told) = (row::int(found, 6)?, row::int(found, 7)?);
                    Ok(EvidenceRow {
                        source: SourceId::new(row::text(found, 0)?),
                        event: Event::parse(row::text(found, 1)?).ok_or_else(|| {
                            Error::Corrupt(String::from("evidence.event has an unknown word"))
                        })?,
                        count: row::count(found, 2)?,
                        first_at: moment(row::int(found, 3)?)?,
                        last_at: moment(row::int(found, 4)?)?,
                        worst_latency: row::int_or_null(found, 5)?,
                        mean_latency: total.checked_div(told),
                    })
                })
                .collect()
        })
        .await
    }
}

/// Counts what an input showed of its route.
pub(crate) fn saw(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    source: &str,
    seen: &[Seen],
    now: Timestamp,
) -> Result<(), Error> {
    for one in seen {
        let told = i64::from(one.latency.is_some());
        tx.execute(
            "INSERT INTO evidence (tenant, source, event, count, first_at, last_at, told, total_latency, worst_latency) \
             VALUES ($1, $2, $3, 1, $4, $4, $5, $6, $7) ON CONFLICT (tenant, source, event) DO UPDATE SET \
             count = evidence.count + 1, last_at = excluded.last_at, told = evidence.told + excluded.told, \
             total_latency = evidence.total_latency + excluded.total_latency, \
             worst_latency = CASE WHEN evidence.worst_latency IS NULL OR excluded.worst_latency > evidence.worst_latency \
             THEN excluded.worst_latency ELSE evidence.worst_latency END",
            &[
                Val::Text(tenant.as_str()),
                Val::Text(source),
                Val::Text(one.event.as_str()),
                Val::Int(now.as_microsecond()),
                Val::Int(told),
                Val::Int(one.latency.unwrap_or_default()),
                one.latency.map_or(Val::Null, Val::Int),
            ],
        )?;
    }
    Ok(())
}
