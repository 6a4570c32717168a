//! Numbers and the patients they mean, versioned so that a merge can be undone (design D2, D7).

use std::collections::BTreeMap;

use bedside_core::access::Action;
use bedside_core::ctx::OpCtx;
use bedside_fact::id::{ResourceId, SystemId, TenantId, Token};

use crate::backend::{Tx, Val};
use crate::error::Error;
use crate::journal::{lane_token, lanes_of};
use crate::row;
use crate::store::Store;

impl Store {
    /// The patient that a number of a system means now.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn patient_of(
        &self,
        ctx: &OpCtx,
        system: &SystemId,
        authority: &str,
        value: &str,
    ) -> Result<Option<ResourceId>, Error> {
        self.guard(ctx, Action::Apply).await?;
        let token = lane_token(self.sealer(), system, authority, value);
        let (tenant, system) = (self.tenant().clone(), system.clone());
        self.read(move |tx| Ok(meaning(tx, &tenant, &system, token)?.map(ResourceId::new)))
            .await
    }

    /// For each patient whose numbers were merged the lanes of those numbers: they are one patient's, and share their order (promise P4).
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn merged_lanes(&self, ctx: &OpCtx) -> Result<Vec<Vec<Token>>, Error> {
        self.guard(ctx, Action::Apply).await?;
        let tenant = self.tenant().clone();
        self.read(move |tx| {
            let rows = tx.query(
                "SELECT patient, token FROM alias WHERE tenant = $1 AND to_seq IS NULL AND patient IN \
                 (SELECT patient FROM alias WHERE tenant = $1 AND by_link IS NOT NULL AND to_seq IS NULL)",
                &[Val::Text(tenant.as_str())],
            )?;
            let mut lanes: BTreeMap<String, Vec<Token>> = BTreeMap::new();
            for found in &rows {
                let patient = row::text(found, 0)?.to_owned();
                lanes
                    .entry(patient)
                    .or_default()
                    .extend(lanes_of(row::blob(found, 1)?));
            }
            Ok(lanes.into_values().collect())
        })
        .await
    }
}

/// The patient that a number means now.
pub(crate) fn meaning(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    system: &SystemId,
    token: Token,
) -> Result<Option<String>, Error> {
    let rows = tx.query(
        "SELECT patient FROM alias WHERE tenant = $1 AND system = $2 AND token = $3 AND to_seq IS NULL",
        &[Val::Text(tenant.as_str()), Val::Text(system.as_str()), Val::Blob(&token.0)],
    )?;
    rows.first()
        .map(|found| row::text(found, 0).map(str::to_owned))
        .transpose()
}

/// Lets a number mean `patient` from `seq` on; nothing changes when it does already.
pub(crate) fn set(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    system: &SystemId,
    token: Token,
    patient: &str,
    seq: i64,
    by_link: Option<i64>,
) -> Result<(), Error> {
    let before = meaning(tx, tenant, system, token)?;
    if before.as_deref() == Some(patient) {
        return Ok(());
    }
    let (tenant, system, token) = (
        Val::Text(tenant.as_str()),
        Val::Text(system.as_str()),
        Val::Blob(&token.0),
    );
    if before.is_some() {
        close(tx, [tenant, system, token], seq)?;
    }
    tx.execute(
        "INSERT INTO alias (tenant, system, token, patient, from_seq, by_link) VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            tenant,
            system,
            token,
            Val::Text(patient),
            Val::Int(seq),
            by_link.map_or(Val::Null, Val::Int),
        ],
    )?;
    Ok(())
}

/// Gives the numbers that a merge moved back to `prior`.
pub(crate) fn give_back(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    link: i64,
    prior: &str,
    seq: i64,
) -> Result<(), Error> {
    let rows = tx.query(
        "SELECT system, token, from_seq FROM alias WHERE tenant = $1 AND by_link = $2 AND to_seq IS NULL",
        &[Val::Text(tenant.as_str()), Val::Int(link)],
    )?;
    for found in &rows {
        let key = [
            Val::Text(tenant.as_str()),
            Val::Text(row::text(found, 0)?),
            Val::Blob(row::blob(found, 1)?),
        ];
        // The number may have come to `prior` by a merge of its own, which can still be undone after this one.
        let [tenant, system, token] = key;
        let before = tx.query(
            "SELECT by_link FROM alias WHERE tenant = $1 AND system = $2 AND token = $3 AND to_seq = $4",
            &[tenant, system, token, Val::Int(row::int(found, 2)?)],
        )?;
        let by_link = match before.first() {
            Some(earlier) => row::int_or_null(earlier, 0)?,
            None => None,
        };
        close(tx, key, seq)?;
        tx.execute(
            "INSERT INTO alias (tenant, system, token, patient, from_seq, by_link) VALUES ($1, $2, $3, $4, $5, $6)",
            &[
                tenant,
                system,
                token,
                Val::Text(prior),
                Val::Int(seq),
                by_link.map_or(Val::Null, Val::Int),
            ],
        )?;
    }
    Ok(())
}

/// Lets every number that means `prior` mean `survivor` from `seq` on: after a chain of merges the first number means the last
/// survivor, never a record that was withdrawn.
pub(crate) fn follow(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    prior: &str,
    survivor: &str,
    seq: i64,
    link: i64,
) -> Result<(), Error> {
    let rows = tx.query(
        "SELECT system, token FROM alias WHERE tenant = $1 AND patient = $2 AND to_seq IS NULL",
        &[Val::Text(tenant.as_str()), Val::Text(prior)],
    )?;
    for found in &rows {
        let system = SystemId::new(row::text(found, 0)?);
        for token in lanes_of(row::blob(found, 1)?) {
            set(tx, tenant, &system, token, survivor, seq, Some(link))?;
        }
    }
    Ok(())
}

fn close(tx: &mut dyn Tx, [tenant, system, token]: [Val<'_>; 3], seq: i64) -> Result<(), Error> {
    tx.execute(
        "UPDATE alias SET to_seq = $4 WHERE tenant = $1 AND system = $2 AND token = $3 AND to_seq IS NULL",
        &[tenant, system, token, Val::Int(seq)],
    )?;
    Ok(())
}
