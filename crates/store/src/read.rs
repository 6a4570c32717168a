//! Finding patients, and the current versions and counts.
//!
//! A search asks the sealed index and opens only what it returns; each patient that is shown is in the log first. An empty search is in
//! the log too: that somebody looked is a fact.

use std::collections::{BTreeMap, BTreeSet};

use bedside_core::access::Action;
use bedside_core::audit::{AuditOutcome, Entry};
use bedside_core::ctx::OpCtx;
use bedside_core::record::Current;
use bedside_fact::id::{PersonId, ResourceId, TenantId, Token};
use bedside_identity::{QueryTerm, parse_query, query_matches};
use serde_json::Value;

use crate::backend::{Tx, Val};
use crate::error::Error;
use crate::names::names;
use crate::person::members;
use crate::row;
use crate::seal::Sealer;
use crate::sequence;
use crate::store::Store;
use crate::token::search_token;
use crate::version;

/// People who may fit a search (design D6). More is refused: an answer that leaves somebody out in silence is worse than none.
const CANDIDATES: i64 = 5_000;

/// How far holders of a term are counted, to begin with the rarest.
const COUNTED: i64 = 20_000;

/// A person in a list.
#[derive(Clone, PartialEq, Eq)]
pub struct PatientHit {
    /// The person.
    pub person: PersonId,
    /// The source patients that are this person.
    pub patients: Vec<ResourceId>,
    /// The current Patient resource of the one that was heard of last and did not go in a merge, JSON; empty when there is none.
    pub body: String,
    /// Proposals that it may be the same person as another.
    pub doubts: u64,
}

/// How much there is. No clinical content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Source patients.
    pub patients: u64,
    /// Persons.
    pub persons: u64,
    /// Merges and links by identifier that stand.
    pub links: u64,
    /// Proposals that stand.
    pub possible: u64,
    /// Resources, current versions.
    pub resources: u64,
    /// Inputs.
    pub inputs: u64,
    /// Inputs not looked at yet.
    pub pending: u64,
    /// Inputs behind a parked one.
    pub held: u64,
    /// Inputs set aside.
    pub parked: u64,
}

impl Store {
    /// The current versions of resources, in the order asked for. For Bedside's own parts only.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn current(
        &self,
        ctx: &OpCtx,
        wanted: &[(String, ResourceId)],
    ) -> Result<Vec<Option<Current>>, Error> {
        self.guard(ctx, Action::Apply).await?;
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let (tenant, sealer, wanted) = (
            self.tenant().clone(),
            self.sealer().clone(),
            wanted.to_vec(),
        );
        self.read(move |tx| {
            wanted
                .iter()
                .map(|(resource_type, id)| {
                    let rows = tx.query(
                        "SELECT version, key_of, sealed, fingerprint, source_time FROM version \
                         WHERE tenant = $1 AND resource_type = $2 AND id = $3 AND to_seq IS NULL",
                        &[
                            Val::Text(tenant.as_str()),
                            Val::Text(resource_type),
                            Val::Text(id.as_str()),
                        ],
                    )?;
                    let Some(found) = rows.first() else {
                        return Ok(None);
                    };
                    let number = row::int(found, 0)?;
                    let (key_of, sealed) = (row::text(found, 1)?, row::blob(found, 2)?);
                    Ok(Some(Current {
                        version: number,
                        body: version::open(
                            &sealer,
                            resource_type,
                            id.as_str(),
                            number,
                            key_of,
                            sealed,
                        )?,
                        fingerprint: row::blob(found, 3)?.try_into().map_err(|_| {
                            Error::Corrupt(String::from(
                                "version.fingerprint has another length than expected",
                            ))
                        })?,
                        source_time: row::int_or_null(found, 4)?,
                    }))
                })
                .collect()
        })
        .await
    }

    /// Persons that a query finds: names, numbers, birth dates.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::Unavailable`] when the log can't be written, or what the database said.
    pub async fn find_patients(
        &self,
        ctx: &OpCtx,
        query: &str,
        limit: u32,
    ) -> Result<Vec<PatientHit>, Error> {
        self.guard(ctx, Action::FindPatients).await?;
        let terms = parse_query(query);
        let (tenant, sealer) = (self.tenant().clone(), self.sealer().clone());
        let hits = self
            .read(move |tx| {
                let seq = sequence::last(tx, &tenant)?;
                let mut hits: BTreeMap<(String, String), PatientHit> = BTreeMap::new();
                let mut persons = BTreeSet::new();
                for patient in candidates(tx, &sealer, &tenant, &terms)? {
                    if hits.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
                        break;
                    }
                    if !meant(tx, &sealer, &tenant, &terms, &patient)? {
                        continue;
                    }
                    let (person, patients) = members(tx, &tenant, &patient, seq)?;
                    if persons.insert(person.clone()) {
                        let hit = hit(tx, &sealer, &tenant, person, patients)?;
                        hits.insert(order(&hit), hit);
                    }
                }
                Ok(hits.into_values().collect::<Vec<_>>())
            })
            .await?;
        self.shown(ctx, &hits).await?;
        Ok(hits)
    }

    /// All persons in the order in which they became known, latest first, and how many there are.
    ///
    /// # Errors
    /// As [`Store::find_patients`].
    pub async fn list_patients(
        &self,
        ctx: &OpCtx,
        offset: u64,
        limit: u32,
    ) -> Result<(Vec<PatientHit>, u64), Error> {
        self.guard(ctx, Action::FindPatients).await?;
        let (tenant, sealer) = (self.tenant().clone(), self.sealer().clone());
        let (hits, total) = self
            .read(move |tx| {
                let seq = sequence::last(tx, &tenant)?;
                let key = Val::Text(tenant.as_str());
                let rows = tx.query("SELECT count(DISTINCT person) FROM member WHERE tenant = $1 AND to_seq IS NULL", &[key])?;
                let total = row::count(row::only(&rows)?, 0)?;
                let offset = i64::try_from(offset).unwrap_or(i64::MAX);
                let rows = tx.query(
                    "SELECT m.person FROM member m JOIN patient p ON p.tenant = m.tenant AND p.id = m.patient \
                     WHERE m.tenant = $1 AND m.to_seq IS NULL GROUP BY m.person ORDER BY max(p.since_seq) DESC LIMIT $2 OFFSET $3",
                    &[key, Val::Int(limit.into()), Val::Int(offset)],
                )?;
                let hits = rows
                    .iter()
                    .map(|found| {
                        let (person, patients) = members(tx, &tenant, row::text(found, 0)?, seq)?;
                        hit(tx, &sealer, &tenant, person, patients)
                    })
                    .collect::<Result<Vec<_>, Error>>()?;
                Ok((hits, total))
            })
            .await?;
        self.shown(ctx, &hits).await?;
        Ok((hits, total))
    }

    /// How much there is of everything.
    ///
    /// # Errors
    /// [`Error::Denied`], or what the database said.
    pub async fn counts(&self, ctx: &OpCtx) -> Result<Counts, Error> {
        self.guard(ctx, Action::ReadOperations).await?;
        let tenant = self.tenant().clone();
        self.read(move |tx| {
            let key = Val::Text(tenant.as_str());
            let resources = sequence::resources(tx, &tenant)?.iter().map(|(_, count)| count).sum();
            let mut one = |sql: &'static str| -> Result<u64, Error> { row::count(row::only(&tx.query(sql, &[key])?)?, 0) };
            Ok(Counts {
                patients: one("SELECT count(*) FROM patient WHERE tenant = $1")?,
                persons: one("SELECT count(DISTINCT person) FROM member WHERE tenant = $1 AND to_seq IS NULL")?,
                links: one("SELECT count(*) FROM link WHERE tenant = $1 AND kind IN ('merge', 'identifier') AND to_seq IS NULL")?,
                possible: one("SELECT count(*) FROM link WHERE tenant = $1 AND kind = 'possible' AND to_seq IS NULL")?,
                resources,
                inputs: one("SELECT count(*) FROM journal WHERE tenant = $1")?,
                pending: one(
                    "SELECT count(*) FROM journal WHERE tenant = $1 AND state IN ('pending', 'parked', 'held') AND state = 'pending'",
                )?,
                held: one(
                    "SELECT count(*) FROM journal WHERE tenant = $1 AND state IN ('pending', 'parked', 'held') AND state = 'held'",
                )?,
                parked: one(
                    "SELECT count(*) FROM journal WHERE tenant = $1 AND state IN ('pending', 'parked', 'held') AND state = 'parked'",
                )?,
            })
        })
        .await
    }

    /// One entry for each patient shown, one for a search that showed none.
    async fn shown(&self, ctx: &OpCtx, hits: &[PatientHit]) -> Result<(), Error> {
        let entry = Entry::new(ctx, Action::FindPatients.as_str(), AuditOutcome::Success);
        let mut entries: Vec<Entry> = hits
            .iter()
            .flat_map(|hit| &hit.patients)
            .map(|patient| entry.clone().patient(patient.as_str()))
            .collect();
        if entries.is_empty() {
            entries.push(entry.detail("nobody found"));
        }
        self.audit_all(ctx, entries).await
    }
}

/// Patients that have a token of each term: those of the rarest term, as far as they have the others too.
fn candidates(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    terms: &[QueryTerm],
) -> Result<Vec<String>, Error> {
    let mut wanted: Vec<(u64, Vec<Token>)> = Vec::with_capacity(terms.len());
    for term in terms {
        let tokens: Vec<Token> = term
            .alternatives
            .iter()
            .map(|alternative| search_token(sealer, alternative))
            .collect();
        let mut count = 0;
        for token in &tokens {
            let rows = tx.query(
                "SELECT count(*) FROM (SELECT 1 FROM key_token WHERE tenant = $1 AND kind = 'search' AND token = $2 \
                 AND to_seq IS NULL LIMIT $3) AS counted",
                &[Val::Text(tenant.as_str()), Val::Blob(&token.0), Val::Int(COUNTED)],
            )?;
            count += row::count(row::only(&rows)?, 0)?;
        }
        wanted.push((count, tokens));
    }
    wanted.sort_by_key(|(count, _)| *count);
    let Some(((_, rarest), others)) = wanted.split_first() else {
        return Ok(Vec::new());
    };
    let mut found = BTreeSet::new();
    for token in rarest {
        let mut sql = String::from(
            "SELECT k.patient FROM key_token k WHERE k.tenant = $1 AND k.kind = 'search' AND k.token = $2 AND k.to_seq IS NULL",
        );
        let mut params = vec![
            Val::Text(tenant.as_str()),
            Val::Blob(&token.0),
            Val::Int(CANDIDATES + 1),
        ];
        for (_, tokens) in others {
            let mut any = Vec::with_capacity(tokens.len());
            for other in tokens {
                params.push(Val::Blob(&other.0));
                any.push(format!(
                    "EXISTS (SELECT 1 FROM key_token o WHERE o.tenant = $1 AND o.kind = 'search' AND o.token = ${} \
                     AND o.patient = k.patient AND o.to_seq IS NULL)",
                    params.len()
                ));
            }
            sql.push_str(&format!(" AND ({})", any.join(" OR ")));
        }
        sql.push_str(" ORDER BY k.patient LIMIT $3");
        for one in &tx.query_built(&sql, &params)? {
            found.insert(row::text(one, 0)?.to_owned());
        }
    }
    if i64::try_from(found.len()).unwrap_or(i64::MAX) > CANDIDATES {
        return Err(Error::Invalid(String::from(
            "too many people fit: say more, such as the whole name or the birth date",
        )));
    }
    Ok(found.into_iter().collect())
}

/// The index knows names by their first six letters; a longer one is compared in the opened record.
fn meant(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    terms: &[QueryTerm],
    patient: &str,
) -> Result<bool, Error> {
    let long: Vec<QueryTerm> = terms
        .iter()
        .filter(|term| term.name_start.is_some())
        .cloned()
        .collect();
    if long.is_empty() {
        return Ok(true);
    }
    Ok(patient_body(tx, sealer, tenant, patient)?
        .is_some_and(|(_, body)| query_matches(&long, &names(&body))))
}

fn hit(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    person: String,
    patients: Vec<String>,
) -> Result<PatientHit, Error> {
    let mut doubts = BTreeSet::new();
    let mut best: Option<((bool, i64), String)> = None;
    for patient in &patients {
        let params = [Val::Text(tenant.as_str()), Val::Text(patient)];
        let mut rows = tx.query(
            "SELECT seq FROM link WHERE tenant = $1 AND a = $2 AND kind = 'possible' AND to_seq IS NULL",
            &params,
        )?;
        rows.extend(tx.query(
            "SELECT seq FROM link WHERE tenant = $1 AND b = $2 AND kind = 'possible' AND to_seq IS NULL",
            &params,
        )?);
        for found in &rows {
            doubts.insert(row::int(found, 0)?);
        }
        if let Some((since, text)) = patient_body(tx, sealer, tenant, patient)? {
            let rank = (!is_replaced(&text), since);
            if best.as_ref().is_none_or(|(before, _)| rank > *before) {
                best = Some((rank, text));
            }
        }
    }
    Ok(PatientHit {
        person: PersonId::new(person),
        patients: patients.into_iter().map(ResourceId::new).collect(),
        body: best.map_or_else(String::new, |(_, body)| body),
        doubts: u64::try_from(doubts.len()).unwrap_or(u64::MAX),
    })
}

/// The current Patient resource, and since which position it stands.
fn patient_body(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    patient: &str,
) -> Result<Option<(i64, String)>, Error> {
    let rows = tx.query(
        "SELECT version, key_of, sealed, from_seq FROM version \
         WHERE tenant = $1 AND resource_type = 'Patient' AND id = $2 AND to_seq IS NULL",
        &[Val::Text(tenant.as_str()), Val::Text(patient)],
    )?;
    rows.first()
        .map(|found| {
            let body = version::open(
                sealer,
                "Patient",
                patient,
                row::int(found, 0)?,
                row::text(found, 1)?,
                row::blob(found, 2)?,
            )?;
            Ok((row::int(found, 3)?, body))
        })
        .transpose()
}

/// Whether a merge put another record in its place.
fn is_replaced(body: &str) -> bool {
    let patient: Value = serde_json::from_str(body).unwrap_or_default();
    patient
        .get("link")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .any(|link| link.get("type").and_then(Value::as_str) == Some("replaced-by"))
}

/// By name as it is shown, then by person.
fn order(hit: &PatientHit) -> (String, String) {
    let names = names(&hit.body).names;
    let name = names.first().map_or_else(String::new, |name| {
        format!("{}\u{1f}{}", name.family, name.given.join(" "))
    });
    (name.to_lowercase(), hit.person.as_str().to_owned())
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
