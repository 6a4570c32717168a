//! Which patients a search across patients has to look at, by what the sealed index knows (design D6).
//!
//! The index narrows, the opened record decides. A question that leaves more than the limit is refused rather than answered in part.

use std::collections::BTreeSet;

use bedside_fact::id::{TenantId, Token};
use bedside_fhir::search::{Criterion, Modifier, Operand, Prefix, Query};
use bedside_identity::{SearchTerm, is_stand_in};
use jiff::tz::TimeZone;

use crate::backend::{Tx, Val};
use crate::error::Error;
use crate::row;
use crate::seal::Sealer;
use crate::token::search_token;

/// Patients whose records are opened for one search (design D6).
const CANDIDATES: usize = 5_000;

/// One more than may be opened, to see that there are more.
const LIMIT: i64 = 5_001;

/// Up to so many patients are looked at one by one: that finds names in forms that the index does not know.
const FEW: usize = 500;

/// A day in microseconds, with the hour that a day may be longer by.
const DAY: i64 = 25 * 3_600 * 1_000_000;

/// The patients that may answer the query; `None` when they are too many.
pub(super) fn patients(
    tx: &mut dyn Tx,
    sealer: &Sealer,
    tenant: &TenantId,
    query: &Query,
    zone: &TimeZone,
    seq: i64,
) -> Result<Option<Vec<String>>, Error> {
    let rows = tx.query(
        "SELECT id FROM patient WHERE tenant = $1 AND since_seq <= $2 ORDER BY id LIMIT $3",
        &[Val::Text(tenant.as_str()), Val::Int(seq), Val::Int(LIMIT)],
    )?;
    let mut narrowed: Option<BTreeSet<String>> = None;
    for criterion in &query.criteria {
        let Some(tokens) = tokens(sealer, criterion, zone, rows.len() <= FEW) else {
            continue;
        };
        // One that does not narrow enough is left to the opened records.
        if let Some(these) = holders(tx, tenant, &tokens, seq)? {
            narrowed = Some(match narrowed {
                Some(before) => before.intersection(&these).cloned().collect(),
                None => these,
            });
        }
    }
    if let Some(these) = narrowed {
        return Ok(Some(these.into_iter().collect()));
    }
    if rows.len() > CANDIDATES {
        return Ok(None);
    }
    rows.iter()
        .map(|found| row::text(found, 0).map(str::to_owned))
        .collect::<Result<_, _>>()
        .map(Some)
}

/// Who had one of these tokens at a position; `None` when they are too many.
fn holders(
    tx: &mut dyn Tx,
    tenant: &TenantId,
    tokens: &[Token],
    seq: i64,
) -> Result<Option<BTreeSet<String>>, Error> {
    let mut holders = BTreeSet::new();
    for token in tokens {
        let rows = tx.query(
            "SELECT patient FROM key_token WHERE tenant = $1 AND kind = 'search' AND token = $2 \
             AND from_seq <= $3 AND (to_seq IS NULL OR to_seq > $3) LIMIT $4",
            &[
                Val::Text(tenant.as_str()),
                Val::Blob(&token.0),
                Val::Int(seq),
                Val::Int(LIMIT),
            ],
        )?;
        for found in &rows {
            holders.insert(row::text(found, 0)?.to_owned());
        }
        if holders.len() > CANDIDATES {
            return Ok(None);
        }
    }
    Ok(Some(holders))
}

/// The tokens of which a patient must have one; `None` when the index can't tell.
fn tokens(
    sealer: &Sealer,
    criterion: &Criterion,
    zone: &TimeZone,
    is_small: bool,
) -> Option<Vec<Token>> {
    if criterion.modifier != Modifier::Plain {
        return None;
    }
    let name = criterion.parameter.name;
    let term = |value: &Operand| -> Option<SearchTerm> {
        if name == "identifier"
            && let Operand::Token {
                code: Some(code), ..
            } = value
        {
            return is_indexed(code).then(|| SearchTerm {
                field: "identifier_value",
                text: code.clone(),
            });
        }
        if name == "birthdate"
            && let Operand::Date {
                prefix: Prefix::Equal,
                lo,
                hi,
            } = value
            && hi - lo <= DAY
        {
            let first = jiff::Timestamp::from_microsecond(*lo).ok()?;
            return Some(SearchTerm {
                field: "birth_day",
                text: first.to_zoned(zone.clone()).date().to_string(),
            });
        }
        if matches!(name, "name" | "family" | "given")
            && !is_small
            && let Operand::Text(text) = value
        {
            let letters = text.to_ascii_lowercase();
            let plain = letters.len() >= 2 && letters.bytes().all(|byte| byte.is_ascii_lowercase());
            return plain.then(|| SearchTerm {
                field: "name_prefix",
                text: letters.chars().take(6).collect(),
            });
        }
        None
    };
    criterion
        .values
        .iter()
        .map(|value| term(value).map(|term| search_token(sealer, &term)))
        .collect()
}

/// Numbers that stand in for a missing one are in no index, because many share them.
fn is_indexed(code: &str) -> bool {
    code.trim() == code && !is_stand_in(code)
}
