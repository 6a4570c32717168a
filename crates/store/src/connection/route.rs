//! Routes by which Bedside writes to a source: off until somebody proved each at this site (promise P8).

use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::OpCtx;
use bedside_fact::clock::Timestamp;
use bedside_fact::id::SourceId;

use crate::audit::append_in;
use crate::backend::Val;
use crate::error::Error;
use crate::row;
use crate::source::moment;
use crate::store::Store;

/// A route and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteRow {
    /// Its name.
    pub route: String,
    /// Where it leads.
    pub source: SourceId,
    /// When it was proven; none means that nothing is written by it.
    pub proven_at: Option<Timestamp>,
    /// Who proved it.
    pub by: String,
    /// On which ground: `read back`, `seen by`.
    pub basis: String,
    /// Somebody switched it off.
    pub switched_off: bool,
}

impl Store {
    /// Writes down that a route was proven: what was written was read back and was the same. `detail` holds no patient data.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::Invalid`] without a basis, or what the database said.
    pub async fn prove_route(
        &self,
        ctx: &OpCtx,
        route: &str,
        source: &SourceId,
        basis: &str,
        detail: &str,
    ) -> Result<(), Error> {
        self.guard(ctx, Action::Operate).await?;
        if basis.trim().is_empty() {
            return Err(Error::Invalid(String::from(
                "say on which ground this route counts as proven",
            )));
        }
        let (tenant, sealer, now) = (self.tenant().clone(), self.sealer().clone(), ctx.now());
        let entry = Entry::new(ctx, "route.prove", AuditOutcome::Success)
            .detail(format!("route {route} to {source}: {basis}"));
        let (route, source, by) = (route.to_owned(), source.clone(), ctx.actor.clone());
        let (basis, detail) = (basis.to_owned(), detail.to_owned());
        self.write_and_wake(move |tx| {
            tx.execute(
                "INSERT INTO write_route (tenant, route, source, proven_at, proven_by, basis, detail, switched_off) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, 0) ON CONFLICT (tenant, route) DO UPDATE SET source = excluded.source, \
                 proven_at = excluded.proven_at, proven_by = excluded.proven_by, basis = excluded.basis, detail = excluded.detail",
                &[
                    Val::Text(tenant.as_str()),
                    Val::Text(&route),
                    Val::Text(source.as_str()),
                    Val::Int(now.as_microsecond()),
                    Val::Text(by.as_str()),
                    Val::Text(&basis),
                    Val::Text(&detail),
                ],
            )?;
            append_in(tx, &sealer, &tenant, std::slice::from_ref(&entry), now)
        })
        .await
    }

    /// All routes.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn routes(&self, ctx: &OpCtx) -> Result<Vec<RouteRow>, Error> {
        self.guard(ctx, Action::ReadOperations).await?;
        let tenant = self.tenant().clone();
        self.read(move |tx| {
            let rows = tx.query(
                "SELECT route, source, proven_at, proven_by, basis, switched_off FROM write_route WHERE tenant = $1 ORDER BY route",
                &[Val::Text(tenant.as_str())],
            )?;
            rows.iter()
                .map(|found| {
                    Ok(RouteRow {
                        route: row::text(found, 0)?.to_owned(),
                        source: SourceId::new(row::text(found, 1)?),
                        proven_at: row::int_or_null(found, 2)?.map(moment).transpose()?,
                        by: row::text(found, 3)?.to_owned(),
                        basis: row::text(found, 4)?.to_owned(),
                        switched_off: row::int(found, 5)? == 1,
                    })
                })
                .collect()
        })
        .await
    }

    /// Switches a route off, or on again. The reason is in the log. Proving a route does not switch it on.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::Invalid`] without a reason, [`Error::NotFound`], or what the database said.
    pub async fn switch_route(
        &self,
        ctx: &OpCtx,
        route: &str,
        off: bool,
        why: &str,
    ) -> Result<(), Error> {
        self.guard(ctx, Action::Operate).await?;
        if why.trim().is_empty() {
            return Err(Error::Invalid(String::from(
                "say why this route is switched: the reason is kept in the log",
            )));
        }
        let (tenant, sealer, now) = (self.tenant().clone(), self.sealer().clone(), ctx.now());
        let word = if off { "off" } else { "on" };
        let mut entry = Entry::new(ctx, "route.switch", AuditOutcome::Success)
            .detail(format!("route {route} {word}"));
        entry.reason = Some(why.to_owned());
        let route = route.to_owned();
        self.write_and_wake(move |tx| {
            let switched = tx.execute(
                "UPDATE write_route SET switched_off = $3 WHERE tenant = $1 AND route = $2",
                &[
                    Val::Text(tenant.as_str()),
                    Val::Text(&route),
                    Val::Int(i64::from(off)),
                ],
            )?;
            if switched == 0 {
                return Err(Error::NotFound("route"));
            }
            append_in(tx, &sealer, &tenant, std::slice::from_ref(&entry), now)
        })
        .await
    }
}
