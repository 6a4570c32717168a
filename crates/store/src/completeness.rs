//! The append-only ledger of completeness (design D9): writing a line, and reading what a chart needs of it.
//!
//! The ledger grows with each poll. A chart needs two lines of each question: the newest, and the newest that was complete.

use std::collections::BTreeMap;

use bedside_core::completeness::{Asked, Coverage};
use bedside_fact::id::TenantId;

use crate::backend::{Row, Tx, Val};
use crate::changed::Learned;
use crate::error::Error;
use crate::row;

/// Writes lines at a position. An answer that is another than before is something learned about the patient.
pub(crate) fn write(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    lines: &[Asked],
    seq: i64,
    learned: &mut Learned,
) -> Result<(), Error> {
    for (asked, n) in lines.iter().zip(1..) {
        insert(tx, tenant, asked, seq, n)?;
        if newest(tx, tenant, asked)? {
            learned.whole(&asked.patient);
        }
    }
    Ok(())
}

fn insert(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    asked: &Asked,
    seq: i64,
    n: i64,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO completeness (tenant, seq, n, source, patient, resource_type, category, coverage, asked_at, window_lo, \
         window_hi, persona, basis) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        &[
            Val::Text(tenant.as_str()),
            Val::Int(seq),
            Val::Int(n),
            Val::Text(&asked.source),
            Val::Text(&asked.patient),
            Val::Text(&asked.resource_type),
            Val::Text(&asked.category),
            Val::Text(asked.coverage.as_str()),
            Val::Int(asked.asked_at),
            asked.window_lo.map_or(Val::Null, Val::Int),
            asked.window_hi.map_or(Val::Null, Val::Int),
            Val::Text(&asked.persona),
            Val::Text(&asked.basis),
        ],
    )?;
    Ok(())
}

/// Notes the newest line of a question; says whether it differs from the one before.
fn newest(tx: &mut dyn Tx, tenant: &TenantId, asked: &Asked) -> Result<bool, Error> {
    let key = [
        Val::Text(tenant.as_str()),
        Val::Text(&asked.patient),
        Val::Text(&asked.source),
        Val::Text(&asked.resource_type),
        Val::Text(&asked.category),
        Val::Text(&asked.persona),
    ];
    let rows = tx.query(
        "SELECT coverage FROM completeness_now WHERE tenant = $1 AND patient = $2 AND source = $3 AND resource_type = $4 \
         AND category = $5 AND persona = $6",
        &key,
    )?;
    let same = match rows.first() {
        Some(found) => row::text(found, 0)? == asked.coverage.as_str(),
        None => false,
    };
    let [tenant, patient, source, resource_type, category, persona] = key;
    tx.execute(
        "INSERT INTO completeness_now (tenant, patient, source, resource_type, category, persona, coverage, asked_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant, patient, source, resource_type, category, persona) \
         DO UPDATE SET coverage = excluded.coverage, asked_at = excluded.asked_at",
        &[
            tenant,
            patient,
            source,
            resource_type,
            category,
            persona,
            Val::Text(asked.coverage.as_str()),
            Val::Int(asked.asked_at),
        ],
    )?;
    Ok(!same)
}

/// What a chart needs of the ledger about a patient at a position: of each question the newest line, and the newest complete one when
/// that is another.
pub(crate) fn asked(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    patient: &str,
    seq: i64,
) -> Result<Vec<Asked>, Error> {
    let params = [
        Val::Text(tenant.as_str()),
        Val::Text(patient),
        Val::Int(seq),
    ];
    let mut lines = BTreeMap::new();
    // `CROSS JOIN` because SQLite keeps its order: the few questions first, then one line of each, never the whole ledger of a patient.
    for sql in [
        "SELECT c.source, c.patient, c.resource_type, c.category, c.coverage, c.asked_at, c.window_lo, c.window_hi, c.persona, c.basis, \
         c.seq, c.n FROM completeness_now q CROSS JOIN completeness c WHERE q.tenant = $1 AND q.patient = $2 \
         AND c.tenant = q.tenant AND c.patient = q.patient AND c.source = q.source \
         AND c.resource_type = q.resource_type AND c.category = q.category AND c.persona = q.persona \
         AND c.seq = (SELECT max(l.seq) FROM completeness l WHERE l.tenant = q.tenant AND l.patient = q.patient \
         AND l.source = q.source AND l.resource_type = q.resource_type AND l.category = q.category AND l.persona = q.persona \
         AND l.seq <= $3)",
        "SELECT c.source, c.patient, c.resource_type, c.category, c.coverage, c.asked_at, c.window_lo, c.window_hi, c.persona, c.basis, \
         c.seq, c.n FROM completeness_now q CROSS JOIN completeness c WHERE q.tenant = $1 AND q.patient = $2 \
         AND c.tenant = q.tenant AND c.patient = q.patient AND c.source = q.source \
         AND c.resource_type = q.resource_type AND c.category = q.category AND c.persona = q.persona AND c.coverage = 'complete' \
         AND c.seq = (SELECT max(l.seq) FROM completeness l WHERE l.tenant = q.tenant AND l.patient = q.patient \
         AND l.source = q.source AND l.resource_type = q.resource_type AND l.category = q.category AND l.persona = q.persona \
         AND l.coverage = 'complete' AND l.seq <= $3)",
    ] {
        // A position may hold several lines of one question; the last of them counts.
        let mut best: BTreeMap<[String; 4], (i64, (i64, i64), Asked)> = BTreeMap::new();
        for found in &tx.query(sql, &params)? {
            let one = line(found)?;
            let (at, n) = (row::int(found, 10)?, row::int(found, 11)?);
            let question = [
                one.source.clone(),
                one.resource_type.clone(),
                one.category.clone(),
                one.persona.clone(),
            ];
            if best.get(&question).is_none_or(|(before, ..)| *before < n) {
                best.insert(question, (n, (at, n), one));
            }
        }
        lines.extend(best.into_values().map(|(_, at, one)| (at, one)));
    }
    Ok(lines.into_values().collect())
}

/// The coverage that a word means.
pub(crate) fn coverage(word: &str) -> Result<Coverage, Error> {
    Coverage::parse(word)
        .ok_or_else(|| Error::Corrupt(String::from("completeness.coverage has an unknown word")))
}

fn line(found: &Row) -> Result<Asked, Error> {
    Ok(Asked {
        source: row::text(found, 0)?.to_owned(),
        patient: row::text(found, 1)?.to_owned(),
        resource_type: row::text(found, 2)?.to_owned(),
        category: row::text(found, 3)?.to_owned(),
        coverage: coverage(row::text(found, 4)?)?,
        asked_at: row::int(found, 5)?,
        window_lo: row::int_or_null(found, 6)?,
        window_hi: row::int_or_null(found, 7)?,
        persona: row::text(found, 8)?.to_owned(),
        basis: row::text(found, 9)?.to_owned(),
    })
}
