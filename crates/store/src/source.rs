//! Sources and how they stand.

use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::OpCtx;
use bedside_core::source::Source;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::{SourceId, SystemId, TenantId};

use crate::audit::append_in;
use crate::backend::{Row, Tx, Val};
use crate::error::Error;
use crate::row;
use crate::sequence;
use crate::store::Store;

/// A source with its counts: no clinical content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceStatus {
    /// The source.
    pub source: Source,
    /// Its patients.
    pub patients: u64,
    /// Its resources, current versions.
    pub resources: u64,
    /// Inputs received.
    pub messages: u64,
    /// Inputs not looked at yet.
    pub pending: u64,
    /// Inputs behind a parked one.
    pub held: u64,
    /// Inputs set aside.
    pub parked: u64,
    /// When the last input came.
    pub last_received: Option<Timestamp>,
}

impl Store {
    /// The source of that name; made when there is none, with its system (named like the source unless `system` says otherwise).
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn ensure_source(
        &self,
        ctx: &OpCtx,
        name: &str,
        vendor: &str,
        system: Option<&str>,
        zone: &str,
    ) -> Result<Source, Error> {
        self.guard(ctx, Action::Receive).await?;
        for (what, text) in [
            ("source", name),
            ("system", system.unwrap_or(name)),
            ("vendor", vendor),
        ] {
            let fits = |c: char| !c.is_control() && !c.is_whitespace();
            if !(1..=64).contains(&text.chars().count()) || !text.chars().all(fits) {
                return Err(Error::Invalid(format!(
                    "the name of a {what} has 1 to 64 characters and no blanks"
                )));
            }
        }
        let wanted = Source {
            id: SourceId::new(name),
            system: SystemId::new(system.unwrap_or(name)),
            vendor: vendor.to_owned(),
            zone: zone.to_owned(),
        };
        let (tenant, sealer, now) = (self.tenant().clone(), self.sealer().clone(), ctx.now());
        let entry = Entry::new(ctx, "source.create", AuditOutcome::Success)
            .detail(format!("source {name}"));
        self.write(move |tx| {
            let made = tx.execute(
                "INSERT INTO source (tenant, id, system, vendor, zone, created_at) VALUES ($1, $2, $3, $4, $5, $6) \
                 ON CONFLICT (tenant, id) DO NOTHING",
                &[
                    Val::Text(tenant.as_str()),
                    Val::Text(wanted.id.as_str()),
                    Val::Text(wanted.system.as_str()),
                    Val::Text(&wanted.vendor),
                    Val::Text(&wanted.zone),
                    Val::Int(now.as_microsecond()),
                ],
            )?;
            if made == 1 {
                append_in(tx, &sealer, &tenant, std::slice::from_ref(&entry), now)?;
                return Ok(wanted.clone());
            }
            let rows = tx.query(
                "SELECT id, system, vendor, zone FROM source WHERE tenant = $1 AND id = $2",
                &[Val::Text(tenant.as_str()), Val::Text(wanted.id.as_str())],
            )?;
            source(row::only(&rows)?)
        })
        .await
    }

    /// The source of that name.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::NotFound`], or what the database said.
    pub async fn source(&self, ctx: &OpCtx, id: &SourceId) -> Result<Source, Error> {
        self.guard(ctx, Action::ReadOperations).await?;
        let (tenant, id) = (self.tenant().clone(), id.clone());
        self.read(move |tx| {
            let rows = tx.query(
                "SELECT id, system, vendor, zone FROM source WHERE tenant = $1 AND id = $2",
                &[Val::Text(tenant.as_str()), Val::Text(id.as_str())],
            )?;
            rows.first().map_or(Err(Error::NotFound("source")), source)
        })
        .await
    }

    /// All sources with their counts.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn sources(&self, ctx: &OpCtx) -> Result<Vec<SourceStatus>, Error> {
        self.guard(ctx, Action::ReadOperations).await?;
        let owner = self.tenant().clone();
        self.read(move |tx| {
            let tenant = Val::Text(owner.as_str());
            let mut out = tx
                .query("SELECT id, system, vendor, zone FROM source WHERE tenant = $1 ORDER BY id", &[tenant])?
                .iter()
                .map(|found| {
                    Ok(SourceStatus {
                        source: source(found)?,
                        patients: 0,
                        resources: 0,
                        messages: 0,
                        pending: 0,
                        held: 0,
                        parked: 0,
                        last_received: None,
                    })
                })
                .collect::<Result<Vec<_>, Error>>()?;
            let mut each = |rows: &[Row], set: &dyn Fn(&mut SourceStatus, &Row) -> Result<(), Error>| -> Result<(), Error> {
                for found in rows {
                    let name = row::text(found, 0)?;
                    if let Some(status) = out.iter_mut().find(|status| status.source.id.as_str() == name) {
                        set(status, found)?;
                    }
                }
                Ok(())
            };
            let rows = tx.query("SELECT source, count(*) FROM patient WHERE tenant = $1 GROUP BY source", &[tenant])?;
            each(&rows, &|status, found| {
                status.patients = row::count(found, 1)?;
                Ok(())
            })?;
            let rows = tx.query("SELECT source, count(*) FROM journal WHERE tenant = $1 GROUP BY source", &[tenant])?;
            each(&rows, &|status, found| {
                status.messages = row::count(found, 1)?;
                Ok(())
            })?;
            // An expression, or SQLite would walk the index of sources, which is that of all inputs.
            let rows = tx.query(
                "SELECT source || '' AS name, state, count(*) FROM journal WHERE tenant = $1 AND state IN ('pending', 'parked', 'held') \
                 GROUP BY name, state",
                &[tenant],
            )?;
            each(&rows, &|status, found| {
                let count = row::count(found, 2)?;
                match row::text(found, 1)? {
                    "pending" => status.pending = count,
                    "parked" => status.parked = count,
                    _ => status.held = count,
                }
                Ok(())
            })?;
            let resources = sequence::resources(tx, &owner)?;
            for status in &mut out {
                let name = status.source.id.as_str();
                if let Some((_, count)) = resources.iter().find(|(source, _)| source == name) {
                    status.resources = *count;
                }
                let last = tx.query(
                    "SELECT received_at FROM journal WHERE tenant = $1 AND source = $2 ORDER BY seq DESC LIMIT 1",
                    &[tenant, Val::Text(name)],
                )?;
                status.last_received = last.first().map(|found| moment(row::int(found, 0)?)).transpose()?;
            }
            Ok(out)
        })
        .await
    }
}

/// A source that inputs came from.
pub(crate) fn of_input(tx: &mut dyn Tx, tenant: &TenantId, id: &SourceId) -> Result<Source, Error> {
    let rows = tx.query(
        "SELECT id, system, vendor, zone FROM source WHERE tenant = $1 AND id = $2",
        &[Val::Text(tenant.as_str()), Val::Text(id.as_str())],
    )?;
    source(rows.first().ok_or(Error::NotFound("source"))?)
}

fn source(found: &Row) -> Result<Source, Error> {
    Ok(Source {
        id: SourceId::new(row::text(found, 0)?),
        system: SystemId::new(row::text(found, 1)?),
        vendor: row::text(found, 2)?.to_owned(),
        zone: row::text(found, 3)?.to_owned(),
    })
}

/// A stored instant.
pub(crate) fn moment(micros: i64) -> Result<Timestamp, Error> {
    Timestamp::from_microsecond(micros)
        .map_err(|_| Error::Corrupt(String::from("a time out of range")))
}
