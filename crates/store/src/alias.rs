//! Numbers and the patients they mean, versioned so that a merge can be undone (design D2, D7).

use std::collections::{BTreeMap, BTreeSet};

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

/// The numbers that mean one of these patients now.
pub(crate) fn numbers(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    patients: &BTreeSet<String>,
) -> Result<BTreeMap<(String, Token), String>, Error> {
    let mut numbers = BTreeMap::new();
    for patient in patients {
        let rows = tx.query(
            "SELECT system, token FROM alias WHERE tenant = $1 AND patient = $2 AND to_seq IS NULL",
            &[Val::Text(tenant.as_str()), Val::Text(patient)],
        )?;
        for found in &rows {
            for token in lanes_of(row::blob(found, 1)?) {
                numbers.insert((row::text(found, 0)?.to_owned(), token), patient.clone());
            }
        }
    }
    Ok(numbers)
}

/// Lets a number mean again what it meant just before a merge. One that came with the merge goes to its prior patient when the merge
/// moved it; one that came later means nobody until the input that brought it is applied again.
pub(crate) fn take_back(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    (system, token): &(String, Token),
    merge: &Merged<'_>,
    seq: i64,
) -> Result<(), Error> {
    let key = [
        Val::Text(tenant.as_str()),
        Val::Text(system),
        Val::Blob(&token.0),
    ];
    let [tenant, system, token] = key;
    let rows = tx.query(
        "SELECT patient, from_seq, to_seq, by_link FROM alias WHERE tenant = $1 AND system = $2 AND token = $3 ORDER BY from_seq",
        &key,
    )?;
    let mut base: Option<(String, Option<i64>)> = None;
    let mut untouched = false;
    for found in &rows {
        let (from, to) = (row::int(found, 1)?, row::int_or_null(found, 2)?);
        let by_link = row::int_or_null(found, 3)?;
        if from < merge.at && to.is_none_or(|to| to >= merge.at) {
            base = Some((row::text(found, 0)?.to_owned(), by_link));
            untouched = to.is_none();
        } else if from == merge.at && (base.is_none() || by_link.is_some_and(|by| by != merge.link))
        {
            // Another merge of the same message stays.
            let moved = by_link == Some(merge.link);
            let meant = if moved {
                merge.prior
            } else {
                row::text(found, 0)?
            };
            base = Some((meant.to_owned(), by_link.filter(|_| !moved)));
            untouched = to.is_none() && !moved;
        }
    }
    if untouched {
        return Ok(());
    }
    close(tx, key, seq)?;
    if let Some((patient, by_link)) = base {
        tx.execute(
            "INSERT INTO alias (tenant, system, token, patient, from_seq, by_link) VALUES ($1, $2, $3, $4, $5, $6)",
            &[
                tenant,
                system,
                token,
                Val::Text(&patient),
                Val::Int(seq),
                by_link.map_or(Val::Null, Val::Int),
            ],
        )?;
    }
    Ok(())
}

/// A merge that is taken back.
pub(crate) struct Merged<'a> {
    /// Its link.
    pub(crate) link: i64,
    /// The position at which it was committed.
    pub(crate) at: i64,
    /// The patient that went.
    pub(crate) prior: &'a str,
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
